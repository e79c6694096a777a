/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RADIUS packets: see radius_packet.h. */
#include "nap-policy/radius_packet.h"

#include <errno.h>
#include <nettle/hmac.h>
#include <nettle/md5.h>

#include "nap-policy/bytes.h"

#define MESSAGE_AUTHENTICATOR 80
#define MESSAGE_SIZE          18u /* with its type and length */

void nap_radius_digest(const uint8_t *p, size_t size, const uint8_t auth[NAP_RADIUS_AUTH_SIZE],
		       const struct nap_radius_secret *secret, uint8_t ret[NAP_RADIUS_AUTH_SIZE])
{
	struct md5_ctx ctx;

	md5_init(&ctx);
	md5_update(&ctx, NAP_RADIUS_AUTH_AT, p);
	md5_update(&ctx, NAP_RADIUS_AUTH_SIZE, auth);
	md5_update(&ctx, size - NAP_RADIUS_HEADER, p + NAP_RADIUS_HEADER);
	md5_update(&ctx, secret->size, (const uint8_t *)secret->text);
	md5_digest(&ctx, NAP_RADIUS_AUTH_SIZE, ret);
}

bool nap_radius_same(const uint8_t a[NAP_RADIUS_AUTH_SIZE], const uint8_t b[NAP_RADIUS_AUTH_SIZE])
{
	uint8_t diff = 0;

	for (size_t i = 0; i < NAP_RADIUS_AUTH_SIZE; i++)
		diff |= a[i] ^ b[i];
	return diff == 0;
}

/* Of the whole packet, its own value at @at being zero. */
static void hmac(const uint8_t *p, size_t size, size_t at, const uint8_t *auth,
		 const struct nap_radius_secret *secret, uint8_t *ret)
{
	static const uint8_t zeros[NAP_RADIUS_AUTH_SIZE];
	size_t behind = at + NAP_RADIUS_AUTH_SIZE;
	struct hmac_md5_ctx ctx;

	hmac_md5_set_key(&ctx, secret->size, (const uint8_t *)secret->text);
	hmac_md5_update(&ctx, NAP_RADIUS_AUTH_AT, p);
	hmac_md5_update(&ctx, NAP_RADIUS_AUTH_SIZE, auth);
	hmac_md5_update(&ctx, at - NAP_RADIUS_HEADER, p + NAP_RADIUS_HEADER);
	hmac_md5_update(&ctx, sizeof(zeros), zeros);
	hmac_md5_update(&ctx, size - behind, p + behind);
	hmac_md5_digest(&ctx, NAP_RADIUS_AUTH_SIZE, ret);
}

int nap_radius_message(const uint8_t *p, size_t size, const uint8_t auth[NAP_RADIUS_AUTH_SIZE],
		       const struct nap_radius_secret *secret)
{
	uint8_t want[NAP_RADIUS_AUTH_SIZE];
	size_t found = 0;

	for (size_t at = NAP_RADIUS_HEADER; at < size; at += p[at + 1]) {
		if (size - at < 2 || p[at + 1] < 2 || p[at + 1] > size - at)
			return -EBADMSG;
		if (p[at] != MESSAGE_AUTHENTICATOR)
			continue;
		if (found || p[at + 1] != MESSAGE_SIZE)
			return -EACCES;
		found = at + 2;
	}
	if (!found)
		return 0;
	hmac(p, size, found, auth, secret, want);
	return nap_radius_same(want, p + found) ? 1 : -EACCES;
}

size_t nap_radius_ask(const struct nap_radius_question *q, uint8_t id,
		      const uint8_t auth[NAP_RADIUS_AUTH_SIZE],
		      const struct nap_radius_secret *secret, uint8_t *buf, size_t size)
{
	static const uint8_t zeros[NAP_RADIUS_AUTH_SIZE];
	struct nap_wr w = {.buf = buf, .size = size};
	size_t total, n;

	nap_wr_num(&w, NAP_ACCESS_REQUEST, 1);
	nap_wr_num(&w, id, 1);
	nap_wr_num(&w, 0, 2);
	nap_wr_bytes(&w, auth, NAP_RADIUS_AUTH_SIZE);
	/* first of all attributes: a forger's prefix cannot come before it */
	nap_wr_num(&w, MESSAGE_AUTHENTICATOR, 1);
	nap_wr_num(&w, MESSAGE_SIZE, 1);
	nap_wr_bytes(&w, zeros, sizeof(zeros));
	if (w.full)
		return 0;
	n = nap_radius_build(q, buf + w.at, size - w.at);
	total = w.at + n;
	if (!n || total > NAP_RADIUS_SIZE_MAX)
		return 0;
	buf[2] = (uint8_t)(total >> 8);
	buf[3] = (uint8_t)total;
	hmac(buf, total, NAP_RADIUS_HEADER + 2, auth, secret, buf + NAP_RADIUS_HEADER + 2);
	return total;
}

bool nap_radius_genuine(const uint8_t *p, size_t size, uint8_t id,
			const uint8_t auth[NAP_RADIUS_AUTH_SIZE],
			const struct nap_radius_secret *secret)
{
	uint8_t want[NAP_RADIUS_AUTH_SIZE];

	if (size < NAP_RADIUS_HEADER || size > NAP_RADIUS_SIZE_MAX ||
	    size != (size_t)(p[2] << 8 | p[3]) || p[1] != id)
		return false;
	nap_radius_digest(p, size, auth, secret, want);
	return nap_radius_same(want, p + NAP_RADIUS_AUTH_AT) &&
	       nap_radius_message(p, size, auth, secret) == 1;
}
