/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Health in DHCP: see dhcp.h. */
#include "nap-policy/dhcp.h"

#include <errno.h>

#include "nap-policy/bytes.h"

#define OPT_PAD      0
#define OPT_END      255
#define OPT_OVERLOAD 52
#define OPT_TYPE     53
#define OPT_MAX_SIZE 57

/* fields of a message */
#define GIADDR_AT   24
#define CHADDR_AT   28
#define SNAME_AT    44
#define FILE_AT     108
#define COOKIE_AT   236
#define OPTIONS_AT  240
#define BOOTP_LEAST 300 /* RFC 951: some clients ignore shorter ones */
#define SIZE_LEAST  576 /* every client takes so much (RFC 2131 2) */

#define CHUNK_MAX 253 /* vendor data: a sub-option's code and length go with it */

/* What of a message's options is not about health. */
struct around {
	uint8_t type, overload;
	uint16_t max_size;
};

/* All options of one code put together (RFC 3396 7). */
static int collect(struct nap_rd *r, struct nap_wr *vendor, struct around *a)
{
	while (r->left) {
		uint8_t code = (uint8_t)nap_rd_num(r, 1);
		const uint8_t *v;
		size_t n;

		if (code == OPT_PAD)
			continue;
		if (code == OPT_END)
			return 0;
		n = nap_rd_num(r, 1);
		v = nap_rd_take(r, n);
		if (!v)
			return -EBADMSG;
		if (code == NAP_DHCP_OPTION_VENDOR)
			nap_wr_bytes(vendor, v, n);
		else if (code == OPT_TYPE && n == 1)
			a->type = v[0];
		else if (code == OPT_OVERLOAD && n == 1)
			a->overload = v[0];
		else if (code == OPT_MAX_SIZE && n == 2)
			a->max_size = (uint16_t)(v[0] << 8 | v[1]);
	}
	return r->broken || vendor->full ? -EBADMSG : 0;
}

/* A probe is at most one byte, the answer to it three; old servers send them in the wrong order. */
static void classify(struct nap_dhcp *d)
{
	if (d->soh_size <= 1)
		d->kind = NAP_DHCP_PROBE;
	else if (d->soh_size == 3 && (!memcmp(d->soh, "NAP", 3) || !memcmp(d->soh, "PAN", 3)))
		d->kind = NAP_DHCP_CAPABLE;
	else
		d->kind = NAP_DHCP_SOH_IS;
}

/* The sub-options. */
static int vendor_parse(const struct nap_wr *vendor, struct nap_dhcp *ret)
{
	struct nap_rd r = {.p = vendor->buf, .left = vendor->at};
	bool seen = false;

	while (r.left) {
		uint8_t code = (uint8_t)nap_rd_num(&r, 1);
		size_t n;
		const uint8_t *v;

		if (code == OPT_PAD)
			continue;
		if (code == OPT_END)
			break;
		n = nap_rd_num(&r, 1);
		v = nap_rd_take(&r, n);
		if (!v)
			return -EBADMSG;
		if (code == NAP_DHCP_SOH && n) {
			memcpy(ret->soh + ret->soh_size, v,
			       n); /* within: it was all of @vendor's size */
			ret->soh_size = (uint16_t)(ret->soh_size + n);
		} else if (code == NAP_DHCP_MASK && n == 4) {
			memcpy(ret->mask, v, 4);
			ret->has_mask = true;
		}
		seen |= code == NAP_DHCP_SOH;
	}
	if (r.broken)
		return -EBADMSG;
	if (seen)
		classify(ret);
	return 0;
}

int nap_dhcp_parse(const uint8_t *options, size_t size, struct nap_dhcp *ret)
{
	uint8_t all[NAP_DHCP_SIZE_MAX];
	struct nap_wr vendor = {.buf = all, .size = sizeof(all)};
	struct nap_rd r = {.p = options, .left = size};
	struct around ignored = {0};

	memset(ret, 0, sizeof(*ret));
	if (collect(&r, &vendor, &ignored) < 0 || vendor.full)
		return -EBADMSG;
	return vendor_parse(&vendor, ret);
}

/* ---- whole messages ---- */

static bool is_message(const uint8_t *message, size_t size)
{
	static const uint8_t cookie[4] = {99, 130, 83, 99};

	return size >= OPTIONS_AT && !memcmp(message + COOKIE_AT, cookie, sizeof(cookie));
}

int nap_dhcp_read(const uint8_t *message, size_t size, struct nap_dhcp_message *ret)
{
	static const uint8_t nobody[4];
	uint8_t all[NAP_DHCP_SIZE_MAX];
	struct nap_wr vendor = {.buf = all, .size = sizeof(all)};
	struct around a = {0}, inner;
	struct nap_rd r;

	memset(ret, 0, sizeof(*ret));
	if (!is_message(message, size))
		return -EBADMSG;
	r = (struct nap_rd){.p = message + OPTIONS_AT, .left = size - OPTIONS_AT};
	if (collect(&r, &vendor, &a) < 0)
		return -EBADMSG;
	inner = a;
	r = (struct nap_rd){.p = message + FILE_AT, .left = COOKIE_AT - FILE_AT};
	if (a.overload & 1 && collect(&r, &vendor, &inner) < 0)
		return -EBADMSG;
	r = (struct nap_rd){.p = message + SNAME_AT, .left = FILE_AT - SNAME_AT};
	if (a.overload & 2 && collect(&r, &vendor, &inner) < 0)
		return -EBADMSG;
	if (vendor.full)
		return -EBADMSG;
	r = (struct nap_rd){.p = message, .left = size};
	ret->request = nap_rd_num(&r, 1) == 1;
	ret->relayed = nap_rd_num(&r, 2) != 0x0106;
	nap_rd_take(&r, 1);
	ret->xid = (uint32_t)nap_rd_num(&r, 4);
	ret->relayed |= memcmp(message + GIADDR_AT, nobody, sizeof(nobody)) != 0;
	memcpy(ret->chaddr, message + CHADDR_AT, sizeof(ret->chaddr));
	ret->type = a.type;
	ret->max_size = a.max_size < SIZE_LEAST ? SIZE_LEAST : a.max_size;
	return vendor_parse(&vendor, &ret->health);
}

/* Where option @code of the options field is, or its end when there is none; 0: they contradict their lengths. */
static size_t find_option(const uint8_t *message, size_t size, uint8_t code)
{
	size_t at = OPTIONS_AT;

	while (at < size && message[at] != OPT_END && message[at] != code) {
		if (message[at] == OPT_PAD) {
			at++;
			continue;
		}
		if (at + 1 >= size)
			return 0;
		at += 2u + message[at + 1];
	}
	return at > size ? 0 : at;
}

bool nap_dhcp_mentions(const uint8_t *message, size_t size)
{
	size_t at;

	if (!is_message(message, size) || message[0] != 1)
		return false;
	at = find_option(message, size, NAP_DHCP_OPTION_VENDOR);
	if (at && at < size && message[at] == NAP_DHCP_OPTION_VENDOR)
		return true;
	at = find_option(message, size, OPT_OVERLOAD);
	return at && at < size && message[at] == OPT_OVERLOAD;
}

size_t nap_dhcp_add(uint8_t *message, size_t size, size_t room, const uint8_t *options, size_t n)
{
	size_t at = is_message(message, size) ? find_option(message, size, OPT_END) : 0, end;

	if (!at || size > room || n > room || at + n + 1 > room)
		return 0;
	memcpy(message + at, options, n);
	end = at + n;
	message[end++] = OPT_END;
	/* what was padding is padding */
	while (end < size || (end < BOOTP_LEAST && end < room))
		message[end++] = OPT_PAD;
	return end;
}

size_t nap_dhcp_build(uint8_t code, const uint8_t *v, size_t size, uint8_t *buf, size_t room)
{
	struct nap_wr w = {.buf = buf, .size = room};

	do {
		size_t n = size < CHUNK_MAX ? size : CHUNK_MAX;

		nap_wr_num(&w, NAP_DHCP_OPTION_VENDOR, 1);
		nap_wr_num(&w, n + 2, 1);
		nap_wr_num(&w, code, 1);
		nap_wr_num(&w, n, 1);
		nap_wr_bytes(&w, v, n);
		v += n;
		size -= n;
	} while (size);
	return w.full ? 0 : w.at;
}
