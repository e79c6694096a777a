/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nftables expressions by libnftnl: see expr.h. Register 1 is the place of conditions. */
#include "nat/nft/expr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <net/if.h>
#include <string.h>

#define IP_SADDR_OFFSET  12
#define IP_DADDR_OFFSET  16
#define DPORT_OFFSET     2
#define TCP_FLAGS_OFFSET 13
#define TCP_OPT_MSS      2

struct nft_rule nft_rule_new(const char *table, const char *chain)
{
	struct nft_rule r = {.r = nftnl_rule_alloc()};

	if (!r.r)
		return r;
	nftnl_rule_set_str(r.r, NFTNL_RULE_TABLE, table);
	nftnl_rule_set_str(r.r, NFTNL_RULE_CHAIN, chain);
	nftnl_rule_set_u32(r.r, NFTNL_RULE_FAMILY, NFPROTO_IPV4);
	return r;
}

void nft_rule_add(struct nft_rule *r, struct nft_batch *b, const char *what)
{
	struct nlmsghdr *nlh;

	if (!r->r) {
		b->error = -ENOMEM;
		return;
	}
	nlh = nft_batch_put(b, NFT_MSG_NEWRULE, NFPROTO_IPV4, NLM_F_CREATE | NLM_F_APPEND, what);
	if (nlh)
		nftnl_rule_nlmsg_build_payload(nlh, r->r);
	nft_batch_done(b, nlh);
	nftnl_rule_free(r->r);
	r->r = NULL;
}

/* An expression for the end of @r, or NULL. */
static struct nftnl_expr *make(struct nft_rule *r, const char *kind)
{
	struct nftnl_expr *e = r->r ? nftnl_expr_alloc(kind) : NULL;

	if (r->r && !e) {
		nftnl_rule_free(r->r);
		r->r = NULL;
	}
	return e;
}

static void put(struct nft_rule *r, struct nftnl_expr *e)
{
	nftnl_rule_add_expr(r->r, e);
}

static void load_meta(struct nft_rule *r, uint32_t key)
{
	struct nftnl_expr *e = make(r, "meta");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
	put(r, e);
}

static void load_payload(struct nft_rule *r, uint32_t base, uint32_t offset, uint32_t len)
{
	struct nftnl_expr *e = make(r, "payload");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
	put(r, e);
}

static void cmp(struct nft_rule *r, uint32_t op, const void *data, uint32_t size)
{
	struct nftnl_expr *e = make(r, "cmp");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, size);
	put(r, e);
}

/* Register 1 = register 1 & @mask ^ @flip. */
static void bits(struct nft_rule *r, uint32_t mask, uint32_t flip)
{
	struct nftnl_expr *e = make(r, "bitwise");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, sizeof(mask));
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof(mask));
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, &flip, sizeof(flip));
	put(r, e);
}

static void range(struct nft_rule *r, const void *from, const void *to, uint32_t size)
{
	struct nftnl_expr *e = make(r, "range");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_RANGE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_RANGE_OP, NFT_RANGE_EQ);
	nftnl_expr_set(e, NFTNL_EXPR_RANGE_FROM_DATA, from, size);
	nftnl_expr_set(e, NFTNL_EXPR_RANGE_TO_DATA, to, size);
	put(r, e);
}

static void if_name(struct nft_rule *r, uint32_t key, const char *ifname, bool equal)
{
	char name[IFNAMSIZ] = "";

	strncpy(name, ifname, sizeof(name) - 1);
	load_meta(r, key);
	cmp(r, equal ? NFT_CMP_EQ : NFT_CMP_NEQ, name, sizeof(name));
}

void nft_if_iif(struct nft_rule *r, const char *ifname, bool equal)
{
	if_name(r, NFT_META_IIFNAME, ifname, equal);
}

void nft_if_oif(struct nft_rule *r, const char *ifname, bool equal)
{
	if_name(r, NFT_META_OIFNAME, ifname, equal);
}

static void if_addr(struct nft_rule *r, uint32_t offset, struct nat_prefix p, bool equal)
{
	uint32_t addr = htonl(nat_prefix_first(p));

	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, offset, sizeof(addr));
	if (p.len < 32)
		bits(r, htonl(nat_mask(p.len)), 0);
	cmp(r, equal ? NFT_CMP_EQ : NFT_CMP_NEQ, &addr, sizeof(addr));
}

void nft_if_saddr(struct nft_rule *r, struct nat_prefix p, bool equal)
{
	if_addr(r, IP_SADDR_OFFSET, p, equal);
}

void nft_if_daddr(struct nft_rule *r, struct nat_prefix p, bool equal)
{
	if_addr(r, IP_DADDR_OFFSET, p, equal);
}

void nft_if_daddr_range(struct nft_rule *r, uint32_t first, uint32_t last)
{
	uint32_t from = htonl(first), to = htonl(last);

	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, IP_DADDR_OFFSET, sizeof(from));
	range(r, &from, &to, sizeof(from));
}

void nft_if_saddr_bits(struct nft_rule *r, uint32_t mask, uint32_t value)
{
	uint32_t v = htonl(value);

	load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, IP_SADDR_OFFSET, sizeof(v));
	bits(r, htonl(mask), 0);
	cmp(r, NFT_CMP_EQ, &v, sizeof(v));
}

void nft_if_daddr_local(struct nft_rule *r)
{
	struct nftnl_expr *e = make(r, "fib");
	uint32_t local = RTN_LOCAL;

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, NFT_REG_1);
	put(r, e);
	cmp(r, NFT_CMP_EQ, &local, sizeof(local));
}

void nft_if_l4proto(struct nft_rule *r, uint8_t protocol)
{
	load_meta(r, NFT_META_L4PROTO);
	cmp(r, NFT_CMP_EQ, &protocol, sizeof(protocol));
}

void nft_if_dport(struct nft_rule *r, uint16_t first, uint16_t last)
{
	uint16_t from = htons(first), to = htons(last);

	load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, DPORT_OFFSET, sizeof(from));
	if (first == last)
		cmp(r, NFT_CMP_EQ, &from, sizeof(from));
	else
		range(r, &from, &to, sizeof(from));
}

/* Load @key of the connection; @dir IP_CT_DIR_* or -1. */
static void load_ct(struct nft_rule *r, uint32_t key, int dir)
{
	struct nftnl_expr *e = make(r, "ct");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	if (dir >= 0)
		nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR, (uint8_t)dir);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, NFT_REG_1);
	put(r, e);
}

static void if_ct_bits(struct nft_rule *r, uint32_t key, uint32_t any)
{
	uint32_t zero = 0;

	load_ct(r, key, -1);
	bits(r, any, 0);
	cmp(r, NFT_CMP_NEQ, &zero, sizeof(zero));
}

void nft_if_ct_status(struct nft_rule *r, uint32_t any)
{
	if_ct_bits(r, NFT_CT_STATUS, any);
}

void nft_if_ct_state(struct nft_rule *r, uint32_t any)
{
	if_ct_bits(r, NFT_CT_STATE, any);
}

void nft_if_ct_mark(struct nft_rule *r, uint32_t mask, uint32_t mark, bool equal)
{
	load_ct(r, NFT_CT_MARK, -1);
	bits(r, mask, 0);
	cmp(r, equal ? NFT_CMP_EQ : NFT_CMP_NEQ, &mark, sizeof(mark));
}

void nft_if_ct_direction(struct nft_rule *r, uint8_t direction)
{
	load_ct(r, NFT_CT_DIRECTION, -1);
	cmp(r, NFT_CMP_EQ, &direction, sizeof(direction));
}

void nft_if_tcp_syn(struct nft_rule *r)
{
	struct nftnl_expr *e;
	uint8_t mask = 0x06, zero = 0, syn = 0x02; /* SYN of SYN and RST */

	nft_if_l4proto(r, IPPROTO_TCP);
	load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_OFFSET, 1);
	e = make(r, "bitwise");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, 1);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, &mask, 1);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, &zero, 1);
	put(r, e);
	cmp(r, NFT_CMP_EQ, &syn, 1);
}

/* ---- actions ---- */

static void immediate(struct nft_rule *r, uint32_t reg, const void *data, uint32_t size)
{
	struct nftnl_expr *e = make(r, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, reg);
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, data, size);
	put(r, e);
}

void nft_counter(struct nft_rule *r)
{
	struct nftnl_expr *e = make(r, "counter");

	if (e)
		put(r, e);
}

void nft_verdict(struct nft_rule *r, uint32_t verdict)
{
	struct nftnl_expr *e = make(r, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, verdict);
	put(r, e);
}

void nft_jump(struct nft_rule *r, const char *chain)
{
	struct nftnl_expr *e = make(r, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)NFT_JUMP);
	nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
	put(r, e);
}

void nft_set_meta_mark(struct nft_rule *r, uint32_t mark)
{
	struct nftnl_expr *e;

	immediate(r, NFT_REG_1, &mark, sizeof(mark));
	e = make(r, "meta");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_SREG, NFT_REG_1);
	put(r, e);
}

static void set_ct(struct nft_rule *r, uint32_t key, int dir, const void *data, uint32_t size)
{
	struct nftnl_expr *e;

	immediate(r, NFT_REG_1, data, size);
	e = make(r, "ct");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	if (dir >= 0)
		nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR, (uint8_t)dir);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_SREG, NFT_REG_1);
	put(r, e);
}

void nft_set_ct_mark(struct nft_rule *r, uint32_t keep, uint32_t mark)
{
	struct nftnl_expr *e;

	load_ct(r, NFT_CT_MARK, -1);
	bits(r, keep, mark);
	e = make(r, "ct");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_SREG, NFT_REG_1);
	put(r, e);
}

void nft_set_ct_zone(struct nft_rule *r, uint16_t zone)
{
	set_ct(r, NFT_CT_ZONE, 0, &zone, sizeof(zone));
}

void nft_set_mss(struct nft_rule *r)
{
	struct nftnl_expr *e;

	nft_if_tcp_syn(r);
	e = make(r, "rt");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_RT_KEY, NFT_RT_TCPMSS);
	nftnl_expr_set_u32(e, NFTNL_EXPR_RT_DREG, NFT_REG_1);
	put(r, e);
	e = make(r, "byteorder"); /* the route's value is in host order, the option's is not */
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_LEN, 2);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SIZE, 2);
	put(r, e);
	e = make(r, "exthdr");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_SREG, NFT_REG_1);
	nftnl_expr_set_u8(e, NFTNL_EXPR_EXTHDR_TYPE, TCP_OPT_MSS);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OFFSET, 2);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_LEN, 2);
	nftnl_expr_set_u32(e, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	put(r, e);
}

/* Addresses are expected in registers @addr_min, @addr_max, @ports (0, 1, 2) of them in 3 and 4. */
static void nat(struct nft_rule *r, uint32_t type, uint32_t addr_min, uint32_t addr_max,
		unsigned int ports, uint32_t flags)
{
	struct nftnl_expr *e = make(r, "nat");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, type);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, NFPROTO_IPV4);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, addr_min);
	if (addr_max != addr_min)
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MAX, addr_max);
	if (ports) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, NFT_REG_3);
		if (ports > 1)
			nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MAX, NFT_REG_4);
	}
	if (flags)
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FLAGS, flags);
	put(r, e);
}

/* Returns how many registers it took: 0, 1 or 2. */
static unsigned int load_ports(struct nft_rule *r, uint16_t first, uint16_t last)
{
	uint16_t from = htons(first), to = htons(last);

	if (!first)
		return 0;
	immediate(r, NFT_REG_3, &from, sizeof(from));
	if (first == last)
		return 1;
	immediate(r, NFT_REG_4, &to, sizeof(to));
	return 2;
}

void nft_dnat(struct nft_rule *r, uint32_t addr, uint16_t first, uint16_t last)
{
	uint32_t a = htonl(addr);

	immediate(r, NFT_REG_1, &a, sizeof(a));
	nat(r, NFT_NAT_DNAT, NFT_REG_1, NFT_REG_1, load_ports(r, first, last), 0);
}

void nft_snat(struct nft_rule *r, uint32_t first, uint32_t last, uint16_t port_first,
	      uint16_t port_last)
{
	uint32_t from = htonl(first), to = htonl(last);

	immediate(r, NFT_REG_1, &from, sizeof(from));
	immediate(r, NFT_REG_2, &to, sizeof(to));
	nat(r, NFT_NAT_SNAT, NFT_REG_1, NFT_REG_2, load_ports(r, port_first, port_last),
	    first == last ? 0 : NF_NAT_RANGE_PERSISTENT);
}

void nft_snat_to_original(struct nft_rule *r)
{
	load_ct(r, NFT_CT_DST_IP, 0);
	nat(r, NFT_NAT_SNAT, NFT_REG_1, NFT_REG_1, 0, 0);
}

void nft_masquerade(struct nft_rule *r)
{
	struct nftnl_expr *e = make(r, "masq");

	if (e)
		put(r, e);
}
