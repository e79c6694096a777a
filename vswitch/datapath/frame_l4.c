/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded header walk and chain checksums. rte_raw_cksum_mbuf() is not used: in DPDK 22.11 it swaps
 * an unfolded 32-bit sum when a segment of odd size precedes, and so loses carries.
 */
#include "vswitch/datapath/frame_l4.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>

#define TAGS_MAX     2
#define EXT_MAX      8
#define L3_LEN_LIMIT 511 /* what the mbuf's field holds */

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool is_tag(uint16_t type)
{
	return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

static int parse_l2(const struct rte_mbuf *m, uint16_t *l2_len, uint16_t *type)
{
	uint16_t off = 12;
	uint8_t buf[2];

	for (unsigned int n_tags = 0; n_tags <= TAGS_MAX; n_tags++, off += 4) {
		const uint8_t *p = rte_pktmbuf_read(m, off, 2, buf);

		if (!p)
			return -EINVAL;
		*type = be16(p);
		if (!is_tag(*type)) {
			*l2_len = off + 2;
			return 0;
		}
	}
	return -EPROTONOSUPPORT;
}

static int parse_ipv4(const struct rte_mbuf *m, struct vsw_frame_l4 *ret)
{
	uint8_t buf[20];
	const uint8_t *p = rte_pktmbuf_read(m, ret->l2_len, sizeof(buf), buf);
	uint16_t total;

	if (!p || p[0] >> 4 != 4)
		return -EINVAL;
	ret->l3_len = (p[0] & 15) * 4;
	total = be16(p + 2);
	ret->end = ret->l2_len + total;
	if (ret->l3_len < 20 || total < ret->l3_len || ret->end > m->pkt_len)
		return -EINVAL;
	if (be16(p + 6) & 0x3fff)
		return -EPROTONOSUPPORT;
	ret->proto = p[9];
	return 0;
}

static int parse_ipv6(const struct rte_mbuf *m, struct vsw_frame_l4 *ret)
{
	uint8_t buf[40], ext_buf[2];
	const uint8_t *p = rte_pktmbuf_read(m, ret->l2_len, sizeof(buf), buf);
	uint8_t next;

	if (!p || p[0] >> 4 != 6)
		return -EINVAL;
	ret->end = ret->l2_len + 40 + be16(p + 4);
	if (ret->end > m->pkt_len)
		return -EINVAL;
	next = p[6];
	ret->l3_len = 40;
	for (unsigned int n = 0; n < EXT_MAX; n++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS) {
			ret->proto = next;
			return 0;
		}
		if (ret->l2_len + ret->l3_len + 8u > ret->end)
			return -EINVAL;
		p = rte_pktmbuf_read(m, ret->l2_len + ret->l3_len, 2, ext_buf);
		if (!p)
			return -EINVAL;
		ret->routed |= next == IPPROTO_ROUTING;
		next = p[0];
		ret->l3_len += (p[1] + 1u) * 8;
		if (ret->l3_len > L3_LEN_LIMIT)
			return -EPROTONOSUPPORT;
	}
	return -EPROTONOSUPPORT;
}

int vsw_frame_l4_parse(const struct rte_mbuf *m, struct vsw_frame_l4 *ret)
{
	uint8_t buf[1];
	uint32_t l4_off;
	uint16_t type;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = parse_l2(m, &ret->l2_len, &type);
	if (r < 0)
		return r;
	if (type == RTE_ETHER_TYPE_IPV4)
		r = parse_ipv4(m, ret);
	else if (type == RTE_ETHER_TYPE_IPV6)
		r = parse_ipv6(m, ret);
	else
		return -EPROTONOSUPPORT;
	if (r < 0)
		return r;
	ret->ipv6 = type == RTE_ETHER_TYPE_IPV6;
	l4_off = ret->l2_len + ret->l3_len;
	if (ret->proto == IPPROTO_UDP) {
		ret->l4_len = 8;
	} else if (ret->proto == IPPROTO_TCP) {
		const uint8_t *p = rte_pktmbuf_read(m, l4_off + 12, 1, buf);

		if (!p)
			return -EINVAL;
		ret->l4_len = (p[0] >> 4) * 4;
		if (ret->l4_len < 20)
			return -EINVAL;
	} else {
		return -EPROTONOSUPPORT;
	}
	return l4_off + ret->l4_len <= ret->end ? 0 : -EINVAL;
}

uint16_t vsw_frame_sum(const struct rte_mbuf *m, uint32_t off, uint32_t size)
{
	uint32_t sum = 0;
	uint32_t done = 0;

	while (off >= m->data_len && m->next) {
		off -= m->data_len;
		m = m->next;
	}
	for (; m && done < size; m = m->next, off = 0) {
		uint32_t n = RTE_MIN(size - done, (uint32_t)m->data_len - off);
		uint16_t part = rte_raw_cksum(rte_pktmbuf_mtod_offset(m, const void *, off), n);

		/* RFC 1071: a part that starts at an odd place counts byte-swapped. */
		sum += done & 1 ? rte_bswap16(part) : part;
		done += n;
	}
	return vsw_sum_fold(sum);
}

void vsw_frame_write(struct rte_mbuf *m, uint32_t off, const void *data, uint32_t size)
{
	const uint8_t *from = data;

	while (off >= m->data_len && m->next) {
		off -= m->data_len;
		m = m->next;
	}
	for (; m && size; m = m->next, off = 0) {
		uint32_t n = RTE_MIN(size, (uint32_t)m->data_len - off);

		memcpy(rte_pktmbuf_mtod_offset(m, void *, off), from, n);
		from += n;
		size -= n;
	}
}

uint32_t vsw_frame_pseudo_sum(const uint8_t *ip, bool ipv6, uint8_t proto)
{
	uint32_t sum = rte_raw_cksum(ip + (ipv6 ? 8 : 12), ipv6 ? 32 : 8);

	return sum + rte_cpu_to_be_16(proto);
}
