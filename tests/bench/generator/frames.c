/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Templates of the frames the generator sends. */
#include "frames.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#define FLOWS_A_HOST \
	60000 /* source ports 1024.. of one host before the destination port moves on */

static void put_mac(uint8_t *p, enum gen_side side, uint32_t i)
{
	const uint8_t mac[6] = {0x02, side == SIDE_A ? 0xaa : 0xbb, i >> 24, i >> 16, i >> 8, i};

	memcpy(p, mac, sizeof(mac));
}

#define OLD_FLOW UINT32_MAX

static void put_ports(const struct gen_options *o, enum gen_side side, uint32_t flow, uint8_t *l4)
{
	uint32_t nth = flow == OLD_FLOW ? 0 : flow / o->n_hosts;
	rte_be16_t near = rte_cpu_to_be_16(1024 + nth % FLOWS_A_HOST);
	rte_be16_t far =
		rte_cpu_to_be_16(flow == OLD_FLOW ? FRAME_OLD_PORT : 5000 + nth / FLOWS_A_HOST);

	memcpy(l4, side == SIDE_A ? &near : &far, 2);
	memcpy(l4 + 2, side == SIDE_A ? &far : &near, 2);
}

/* The payload is zero, so summing @hdr_size bytes of header sums the datagram. */
static rte_be16_t l4_checksum(const struct rte_ipv4_hdr *ip, const void *l4, size_t hdr_size)
{
	uint32_t sum = rte_ipv4_phdr_cksum(ip, 0) + rte_raw_cksum(l4, hdr_size);

	sum = (sum >> 16) + (sum & 0xffff);
	sum = ~((sum >> 16) + sum) & 0xffff;
	return sum ? sum : 0xffff;
}

static void put_l4(const struct gen_options *o, enum gen_side side, uint32_t flow,
		   struct rte_ipv4_hdr *ip, uint32_t l4_size)
{
	struct rte_udp_hdr *udp = (void *)(ip + 1);
	struct rte_tcp_hdr *tcp = (void *)(ip + 1);

	put_ports(o, side, flow, (void *)(ip + 1));
	if (ip->next_proto_id == IPPROTO_UDP) {
		udp->dgram_len = rte_cpu_to_be_16(l4_size);
		udp->dgram_cksum = l4_checksum(ip, udp, sizeof(*udp));
		return;
	}
	tcp->data_off = 0x50;
	tcp->tcp_flags = o->syn ? RTE_TCP_SYN_FLAG : RTE_TCP_ACK_FLAG;
	tcp->rx_win = 0xffff;
	/* of a super-frame, whoever cuts it computes the rest */
	tcp->cksum = gen_super(o) ? rte_ipv4_phdr_cksum(ip, 0) : l4_checksum(ip, tcp, sizeof(*tcp));
}

void frame_write(const struct gen_options *o, enum gen_side side, uint32_t flow, uint8_t *b)
{
	enum gen_side peer = side == SIDE_A ? SIDE_B : SIDE_A;
	uint32_t nth = flow == OLD_FLOW ? 0 : flow, host = o->ip[SIDE_A] + nth % o->n_hosts;
	uint32_t l2_size = o->vlan[side] ? 18 : 14;
	struct rte_ipv4_hdr *ip = (void *)(b + l2_size);
	struct rte_ether_addr fixed;

	memset(b, 0, FRAME_HDR);
	put_mac(b, peer, nth % o->n_macs);
	if (o->dmac[side] && !rte_ether_unformat_addr(o->dmac[side], &fixed))
		memcpy(b, &fixed, sizeof(fixed));
	put_mac(b + 6, side, nth % o->n_macs);
	if (o->vlan[side]) {
		const uint8_t tag[4] = {0x81, 0x00, o->vlan[side] >> 8, o->vlan[side]};

		memcpy(b + 12, tag, sizeof(tag));
	}
	b[l2_size - 2] = 0x08; /* EtherType IPv4 */
	b[l2_size - 1] = 0x00;

	ip->version_ihl = 0x45;
	ip->time_to_live = 64;
	ip->next_proto_id = strcmp(o->proto, "tcp") ? IPPROTO_UDP : IPPROTO_TCP;
	ip->total_length = rte_cpu_to_be_16(o->size - l2_size);
	ip->src_addr = rte_cpu_to_be_32(side == SIDE_A ? host : o->ip[SIDE_B]);
	ip->dst_addr = rte_cpu_to_be_32(side == SIDE_A ? o->ip[SIDE_B] : host);
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	put_l4(o, side, flow, ip, o->size - l2_size - sizeof(*ip));
}

/* A fixed shuffle (Fisher-Yates over a linear congruential generator): every run sends the same order. */
static uint32_t *shuffled(uint32_t n)
{
	uint32_t *order = malloc(n * sizeof(*order)), seed = 12345, i, j, keep;

	if (!order)
		return NULL;
	for (i = 0; i < n; i++)
		order[i] = i;
	for (i = n - 1; i > 0; i--) {
		seed = seed * 1664525u + 1013904223u;
		j = (uint64_t)seed * (i + 1) >> 32;
		keep = order[i];
		order[i] = order[j];
		order[j] = keep;
	}
	return order;
}

/* What is never sent, takes no memory. */
uint32_t frames_count(const struct gen_options *o, enum gen_side side)
{
	return o->mode[0] == 'n' || (o->reflect && side == SIDE_B) ? 1 : o->n_flows;
}

uint8_t *frames_build(const struct gen_options *o, enum gen_side side)
{
	uint32_t n = frames_count(o, side), i;
	uint8_t *templates = rte_zmalloc(NULL, (size_t)n * FRAME_HDR, 64);
	uint32_t *order = shuffled(n);

	if (!templates || !order) {
		rte_free(templates);
		free(order);
		return NULL;
	}
	for (i = 0; i < n; i++)
		frame_write(o, side, order[i], templates + (size_t)i * FRAME_HDR);
	free(order);
	return templates;
}

void frame_write_old(const struct gen_options *o, enum gen_side side, bool opening, uint8_t *b)
{
	struct gen_options plain = *o;
	struct rte_tcp_hdr *tcp = (void *)(b + 14 + 20);

	plain.syn = opening;
	frame_write(&plain, side, OLD_FLOW, b);
	if (opening && side == SIDE_B && !strcmp(o->proto, "tcp")) {
		tcp->tcp_flags |= RTE_TCP_ACK_FLAG;
		tcp->cksum = 0;
		tcp->cksum = l4_checksum((void *)(b + 14), tcp, sizeof(*tcp));
	}
}

void frame_ask(const struct gen_options *o, enum gen_side side, uint32_t nth, uint8_t *b)
{
	static const uint8_t question[10] = {0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, 1};
	rte_be32_t own = rte_cpu_to_be_32(o->ip[side] + nth);
	rte_be32_t gateway = rte_cpu_to_be_32(o->gateway[side]);

	memset(b, 0, FRAME_HDR);
	memset(b, 0xff, 6);
	put_mac(b + 6, side, nth % o->n_macs);
	memcpy(b + 12, question, sizeof(question));
	put_mac(b + 22, side, nth % o->n_macs);
	memcpy(b + 28, &own, 4);
	memcpy(b + 38, &gateway, 4);
}

void frame_swap(uint8_t *frame)
{
	uint32_t l2_size = frame[12] == 0x81 && frame[13] == 0 ? 18 : 14;
	struct rte_ipv4_hdr *ip = (void *)(frame + l2_size);
	struct rte_udp_hdr *udp = (void *)(ip + 1); /* TCP's ports stand in the same place */
	uint8_t mac[6];

	memcpy(mac, frame, 6);
	memcpy(frame, frame + 6, 6);
	memcpy(frame + 6, mac, 6);
	if (frame[l2_size - 2] != 0x08 || frame[l2_size - 1] != 0x00)
		return;
	rte_be32_t addr = ip->src_addr;
	rte_be16_t port = udp->src_port;

	ip->src_addr = ip->dst_addr;
	ip->dst_addr = addr;
	udp->src_port = udp->dst_port;
	udp->dst_port = port;
}
