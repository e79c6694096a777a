/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fragmenting IPv4 packets for a link with a smaller MTU (RFC 791 3.2). */
#include "vswitch/nat/nat_impl.h"

#include <string.h>
#include <rte_byteorder.h>

#include "nat/xlat/checksum.h"
#include "vswitch/datapath/offload.h"

#define ETH            14
#define MORE_FRAGMENTS 0x2000
#define OFFSET         0x1fff
#define COPIED         0x80

/* The header of fragments behind the first: only options with the copied bit, padded. */
static uint32_t later_header(const uint8_t *ip, uint32_t ihl, uint8_t *ret)
{
	uint32_t n = 20;

	memcpy(ret, ip, 20);
	for (uint32_t i = 20; i < ihl && ip[i] != 0;) {
		uint32_t len = ip[i] == 1 ? 1 : i + 1 < ihl ? ip[i + 1] : 0;

		if (len == 0 || i + len > ihl)
			break;
		if (ip[i] & COPIED) {
			memcpy(ret + n, ip + i, len);
			n += len;
		}
		i += len;
	}
	while (n & 3)
		ret[n++] = 0;
	ret[0] = (uint8_t)(0x40 | n / 4);
	return n;
}

static struct rte_mbuf *fragment(const struct rte_mbuf *m, const uint8_t *header, uint32_t ihl,
				 uint32_t from, uint32_t size, uint16_t frag,
				 struct rte_mempool *pool)
{
	struct rte_mbuf *f = rte_pktmbuf_alloc(pool);
	const void *data;
	char *p;

	if (!f)
		return NULL;
	p = rte_pktmbuf_append(f, (uint16_t)(ETH + ihl + size));
	if (!p) {
		rte_pktmbuf_free(f);
		return NULL;
	}
	memcpy(p, rte_pktmbuf_mtod(m, char *), ETH);
	memcpy(p + ETH, header, ihl);
	data = rte_pktmbuf_read(m, from, size, p + ETH + ihl);
	if (data && data != p + ETH + ihl)
		memcpy(p + ETH + ihl, data, size);
	p += ETH;
	vd_store16(p + 2, rte_cpu_to_be_16((uint16_t)(ihl + size)));
	vd_store16(p + 6, rte_cpu_to_be_16(frag));
	vd_store16(p + 10, 0);
	vd_store16(p + 10, nat_csum((const uint8_t *)p, ihl));
	return f;
}

unsigned int vsw_nat_cut(struct rte_mbuf *m, uint16_t mtu, struct rte_mempool *pool,
			 struct rte_mbuf **out, unsigned int n_out)
{
	const uint8_t *ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, ETH);
	uint32_t ihl = (ip[0] & 15u) * 4, size = rte_be_to_cpu_16(vd_load16(ip + 2)) - ihl,
		 done = 0;
	uint32_t old = rte_be_to_cpu_16(vd_load16(ip + 6));
	uint8_t header[64], later[64];
	unsigned int n = 0;

	/* a checksum over all of it can only be finished while it is whole */
	if (m->ol_flags & VSW_TX_REQUESTS) {
		struct rte_mbuf *same;

		if (vsw_offload_prepare(m, 0, UINT32_MAX, pool, &same, 1) != 1)
			return 0;
		ip = rte_pktmbuf_mtod_offset(m, const uint8_t *, ETH);
	}
	memcpy(header, ip, ihl);
	while (done < size) {
		uint32_t h = done ? later_header(header, ihl, later) : ihl, part = (mtu - h) & ~7u;
		uint32_t offset = (old & OFFSET) + done / 8, more = old & MORE_FRAGMENTS;

		if (size - done <= mtu - h)
			part = size - done;
		else
			more = MORE_FRAGMENTS;
		if (n == n_out)
			goto fail;
		out[n] = fragment(m, done ? later : header, h, ETH + ihl + done, part,
				  (uint16_t)(offset | more), pool);
		if (!out[n])
			goto fail;
		n++;
		done += part;
	}
	rte_pktmbuf_free(m);
	return n;
fail:
	while (n)
		rte_pktmbuf_free(out[--n]);
	return 0;
}
