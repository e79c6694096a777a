/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Per-packet info and the header repairs that offloads need. */
#include "vmbus-netvsp/frame.h"

#include <errno.h>
#include <string.h>

#include "vmbus-netvsp/proto/rndis_wire.h"

#define ETH_SIZE  14u
#define V6_SIZE   40u
#define PROTO_TCP 6
#define PROTO_UDP 17

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_be16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint32_t nvsp_csum_add(uint32_t sum, const void *data, uint32_t n)
{
	const uint8_t *p = data;
	uint64_t s = sum;

	for (; n >= 4; n -= 4, p += 4)
		s += get32(p);
	if (n >= 2) {
		s += (uint32_t)(p[0] | p[1] << 8);
		p += 2;
		n -= 2;
	}
	if (n)
		s += p[0];
	s = (s & 0xffffffff) + (s >> 32);
	s = (s & 0xffffffff) + (s >> 32);
	return (uint32_t)s;
}

uint16_t nvsp_csum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void parse_csum(uint32_t v, struct nvsp_frame *f)
{
	if (v & RNDIS_CSUM_TX_IP && !(v & RNDIS_CSUM_TX_V6))
		f->flags |= NVSP_F_CSUM_IP;
	if (v & RNDIS_CSUM_TX_V6)
		f->flags |= NVSP_F_V6;
	if (v & RNDIS_CSUM_TX_TCP)
		f->flags |= NVSP_F_CSUM_L4 | NVSP_F_TCP;
	else if (v & RNDIS_CSUM_TX_UDP)
		f->flags |= NVSP_F_CSUM_L4;
	if (v & (RNDIS_CSUM_TX_TCP | RNDIS_CSUM_TX_UDP))
		f->l4_off = (v >> 16) & 0x3ff;
}

static int parse_lso(uint32_t v, struct nvsp_frame *f)
{
	uint32_t mss = v & 0xfffff;

	if (!(v & RNDIS_LSO_V2) || !mss || mss > 65535)
		return -EBADMSG;
	f->flags |= NVSP_F_LSO | NVSP_F_CSUM_L4 | NVSP_F_TCP;
	f->flags = v & RNDIS_LSO_V6 ? f->flags | NVSP_F_V6 : f->flags & ~NVSP_F_V6;
	f->mss = (uint16_t)mss;
	f->l4_off = (v >> 20) & 0x3ff;
	return 0;
}

int nvsp_ppi_parse(const uint8_t *ppi, uint32_t size, struct nvsp_frame *f)
{
	struct rndis_ppi_wire h;
	uint32_t v;

	for (uint32_t pos = 0; pos < size; pos += h.size) {
		if (size - pos < sizeof(h))
			return -EBADMSG;
		memcpy(&h, ppi + pos, sizeof(h));
		/* a size of 0 would keep us here for ever */
		if (h.size < sizeof(h) || h.size > size - pos || h.size % 4 ||
		    h.offset < sizeof(h) || h.offset > h.size)
			return -EBADMSG;
		if (h.type != RNDIS_PPI_CSUM && h.type != RNDIS_PPI_LSO &&
		    h.type != RNDIS_PPI_VLAN && h.type != RNDIS_PPI_HASH)
			continue;
		if (h.size - h.offset < 4)
			return -EBADMSG;
		v = get32(ppi + pos + h.offset);
		if (h.type == RNDIS_PPI_CSUM && !(f->flags & NVSP_F_LSO)) {
			parse_csum(v, f);
		} else if (h.type == RNDIS_PPI_LSO) {
			if (parse_lso(v, f))
				return -EBADMSG;
		} else if (h.type == RNDIS_PPI_VLAN) {
			f->flags |= NVSP_F_VLAN;
			f->vlan_tci =
				(uint16_t)((v & 7) << 13 | (v >> 3 & 1) << 12 | (v >> 4 & 0xfff));
		} else if (h.type == RNDIS_PPI_HASH) {
			f->flags |= NVSP_F_HASH;
			f->hash = v;
		}
	}
	return 0;
}

static uint32_t put_ppi(uint8_t *dst, uint32_t type, uint32_t value)
{
	uint32_t w[4] = {16, type, 12, value};

	memcpy(dst, w, 16);
	return 16;
}

uint32_t nvsp_ppi_build(uint8_t *dst, const struct nvsp_frame *f, uint32_t rsc_flags, uint16_t id)
{
	uint32_t n = 0, v;

	if (!rsc_flags || rsc_flags & RNDIS_RSC_FIRST) {
		if (f->flags & NVSP_F_VLAN) {
			v = (uint32_t)(f->vlan_tci >> 13) | (f->vlan_tci >> 12 & 1u) << 3 |
			    (f->vlan_tci & 0xfffu) << 4;
			n += put_ppi(dst + n, RNDIS_PPI_VLAN, v);
		}
		if (f->flags & NVSP_F_CSUM_GOOD) {
			v = f->flags & NVSP_F_TCP ? RNDIS_CSUM_RX_TCP_OK : RNDIS_CSUM_RX_UDP_OK;
			/* of what was cut out of larger data the IP checksum is not kept up */
			if (!(f->flags & NVSP_F_V6))
				v |= RNDIS_CSUM_RX_IP_OK;
			if (rsc_flags && !(f->flags & NVSP_F_V6))
				v |= RNDIS_CSUM_RX_IP_STALE;
			n += put_ppi(dst + n, RNDIS_PPI_CSUM, v);
		}
		if (f->flags & NVSP_F_HASH) {
			n += put_ppi(dst + n, RNDIS_PPI_HASH, f->hash);
			n += put_ppi(dst + n, RNDIS_PPI_HASH_INFO, 1);
		}
	}
	if (rsc_flags)
		n += put_ppi(dst + n, RNDIS_PPI_PACKET_ID,
			     1u | rsc_flags << 8 | (uint32_t)id << 16);
	return n;
}

/* Where IP starts: behind one in-band tag if there is one. 0: not IP of the version wanted. */
static uint32_t ip_offset(const uint8_t *hdr, uint32_t size, bool v6)
{
	uint32_t off = ETH_SIZE;

	if (size < ETH_SIZE)
		return 0;
	if (be16(hdr + 12) == 0x8100 || be16(hdr + 12) == 0x88a8)
		off += 4;
	if (size < off || be16(hdr + off - 2) != (v6 ? 0x86dd : 0x0800))
		return 0;
	return off;
}

/* The pseudo-header sum, not folded, for @l4_size bytes of @proto. */
static uint32_t pseudo_sum(const uint8_t *ip, bool v6, uint32_t proto, uint32_t l4_size)
{
	uint8_t tail[8] = {0};

	put_be16(tail, l4_size >> 16);
	put_be16(tail + 2, l4_size);
	put_be16(tail + 6, proto);
	return nvsp_csum_add(nvsp_csum_add(0, ip + (v6 ? 8 : 12), v6 ? 32 : 8), tail, 8);
}

static int find_l4(const uint8_t *hdr, uint32_t size, uint32_t ip, struct nvsp_frame *f)
{
	bool v6 = f->flags & NVSP_F_V6;
	uint32_t ip_size;

	if (size - ip < (v6 ? V6_SIZE : 20u) || hdr[ip] >> 4 != (v6 ? 6 : 4))
		return -EBADMSG;
	ip_size = v6 ? V6_SIZE : (hdr[ip] & 15u) * 4;
	if (ip_size < 20)
		return -EBADMSG;
	if (!v6 || !f->l4_off)
		f->l4_off = (uint16_t)(ip + ip_size); /* IPv4 says itself where it ends */
	if (f->l4_off < ip + ip_size || f->l4_off > f->size)
		return -EBADMSG;
	return 0;
}

static int finish_lso(uint8_t *hdr, uint32_t size, uint32_t ip, struct nvsp_frame *f)
{
	bool v6 = f->flags & NVSP_F_V6;
	uint32_t doff, l4 = f->l4_off;

	if (size < l4 + 20u)
		return -EBADMSG;
	doff = (hdr[l4 + 12] >> 4) * 4u;
	if (doff < 20 || size < l4 + doff || f->size <= l4 + doff || f->size - ip > 65535 + V6_SIZE)
		return -EBADMSG;
	f->hdr_size = (uint16_t)(l4 + doff);
	if (v6) {
		if (f->size - ip - V6_SIZE > 65535)
			return -EBADMSG;
		put_be16(hdr + ip + 4, f->size - ip - V6_SIZE);
	} else {
		if (f->size - ip > 65535)
			return -EBADMSG;
		put_be16(hdr + ip + 2, f->size - ip);
		f->flags |= NVSP_F_CSUM_IP;
	}
	/* the guest leaves the length out of the sum; everybody else wants it in */
	uint16_t sum = (uint16_t)~nvsp_csum_fold(pseudo_sum(hdr + ip, v6, PROTO_TCP, f->size - l4));

	memcpy(hdr + l4 + 16, &sum, 2);
	return 0;
}

static void finish_ip_csum(uint8_t *hdr, uint32_t ip)
{
	uint16_t sum;

	memset(hdr + ip + 10, 0, 2);
	sum = nvsp_csum_fold(nvsp_csum_add(0, hdr + ip, (hdr[ip] & 15u) * 4));
	memcpy(hdr + ip + 10, &sum, 2);
}

int nvsp_frame_finish(uint8_t *hdr, uint32_t size, struct nvsp_frame *f)
{
	uint32_t ip;
	bool v6 = f->flags & NVSP_F_V6;

	if (!(f->flags & (NVSP_F_CSUM_L4 | NVSP_F_CSUM_IP | NVSP_F_LSO)))
		return 0;
	ip = ip_offset(hdr, size, v6);
	if (!ip || find_l4(hdr, size, ip, f))
		return -EBADMSG;
	if (f->flags & NVSP_F_LSO && finish_lso(hdr, size, ip, f))
		return -EBADMSG;
	if (f->flags & NVSP_F_CSUM_L4) {
		/* the checksum field must be inside the frame; without LSO the protocol is IP's word */
		uint32_t field = f->flags & NVSP_F_TCP ? 16 : 6;

		if (f->size < (uint32_t)f->l4_off + field + 2)
			return -EBADMSG;
		if (!v6 && hdr[ip + 9] != (f->flags & NVSP_F_TCP ? PROTO_TCP : PROTO_UDP))
			return -EBADMSG;
	}
	if (f->flags & NVSP_F_CSUM_IP) {
		if (size < ip + (hdr[ip] & 15u) * 4)
			return -EBADMSG;
		finish_ip_csum(hdr, ip);
		f->flags &= ~NVSP_F_CSUM_IP;
	}
	return 0;
}
