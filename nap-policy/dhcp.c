/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Health in DHCP: see dhcp.h. */
#include "nap-policy/dhcp.h"

#include <errno.h>

#include "nap-policy/bytes.h"

#define OPT_PAD   0
#define OPT_END   255
#define CHUNK_MAX 253 /* vendor data: a sub-option's code and length go with it */

/* All options of one code put together (RFC 3396 7). */
static int collect(struct nap_rd *r, struct nap_wr *vendor)
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

int nap_dhcp_parse(const uint8_t *options, size_t size, struct nap_dhcp *ret)
{
	uint8_t all[NAP_DHCP_SIZE_MAX];
	struct nap_wr vendor = {.buf = all, .size = sizeof(all)};
	struct nap_rd r = {.p = options, .left = size};
	bool seen = false;

	memset(ret, 0, sizeof(*ret));
	if (collect(&r, &vendor) < 0 || vendor.full)
		return -EBADMSG;
	r = (struct nap_rd){.p = all, .left = vendor.at};
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
			       n); /* within: it was all of @all's size */
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
