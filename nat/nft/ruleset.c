/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a NAT network to the chains and rules of its table. Theory:
 *
 * - Only the first packet of a connection sees nat chains; what was decided stays with the connection. So a
 *   table can be replaced at any time without touching flows.
 * - Our nat chains stand a little before those of others: the first one to decide wins, and ours match
 *   nothing but our own networks.
 * - Two networks with the same inside prefix are told apart by a connection mark, and by a tracking zone
 *   for the direction that leaves them. Answers need none: what they are sent to is unique outside.
 */
#include "nat/nft/ruleset.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_ipv4.h>
#include <stdio.h>
#include <string.h>

#include "nat/nft/expr.h"

#define UNCHANGED UINT32_MAX /* flags of a table: whatever they are */
#define BEFORE    5          /* so much earlier than the usual priority of a hook */

/* A table under construction. */
struct rs {
	struct nft_batch *b;
	const struct nat_nft_net *net;
	const struct nat_conf *c;
	char table[NAT_NFT_NAME_SIZE];
};

const char *nft_table_name(const char *network, char buf[NAT_NFT_NAME_SIZE])
{
	snprintf(buf, NAT_NFT_NAME_SIZE, "viridian-%s", network);
	return buf;
}

const char *nft_table_comment(const char *uuid, char buf[NFT_COMMENT_SIZE])
{
	snprintf(buf, NFT_COMMENT_SIZE, "viridian %s", uuid);
	return buf;
}

/* ---- tables and chains ---- */

static void table(struct nft_batch *b, uint16_t type, uint16_t nl_flags, const char *name,
		  uint32_t flags, const char *comment, const char *what)
{
	struct nftnl_table *t = nftnl_table_alloc();
	struct nftnl_udata_buf *u = comment ? nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN) : NULL;
	struct nlmsghdr *nlh;

	if (!t || (comment && !u)) {
		b->error = -ENOMEM;
	} else {
		nftnl_table_set_str(t, NFTNL_TABLE_NAME, name);
		nftnl_table_set_u32(t, NFTNL_TABLE_FAMILY, NFPROTO_IPV4);
		if (flags != UNCHANGED)
			nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, flags);
		if (comment) {
			nftnl_udata_put_strz(u, NFTNL_UDATA_TABLE_COMMENT, comment);
			nftnl_table_set_data(t, NFTNL_TABLE_USERDATA, nftnl_udata_buf_data(u),
					     nftnl_udata_buf_len(u));
		}
		nlh = nft_batch_put(b, type, NFPROTO_IPV4, nl_flags, what);
		if (nlh)
			nftnl_table_nlmsg_build_payload(nlh, t);
		nft_batch_done(b, nlh);
	}
	if (u)
		nftnl_udata_buf_free(u);
	if (t)
		nftnl_table_free(t);
}

void nft_ruleset_remove(struct nft_batch *b, const char *network)
{
	char name[NAT_NFT_NAME_SIZE];

	/* removing what is not there is an error; adding what is there is none */
	nft_table_name(network, name);
	table(b, NFT_MSG_NEWTABLE, NLM_F_CREATE, name, UNCHANGED, NULL, "table");
	table(b, NFT_MSG_DELTABLE, 0, name, UNCHANGED, NULL, "removal of the table");
}

/* @type NULL: a chain that others jump to. */
static void chain(struct rs *s, const char *name, const char *type, uint32_t hook, int32_t prio)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct nlmsghdr *nlh;

	if (!c) {
		s->b->error = -ENOMEM;
		return;
	}
	nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, s->table);
	nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, name);
	nftnl_chain_set_u32(c, NFTNL_CHAIN_FAMILY, NFPROTO_IPV4);
	if (type) {
		nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, type);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, hook);
		nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, prio);
		nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	}
	nlh = nft_batch_put(s->b, NFT_MSG_NEWCHAIN, NFPROTO_IPV4, NLM_F_CREATE, name);
	if (nlh)
		nftnl_chain_nlmsg_build_payload(nlh, c);
	nft_batch_done(s->b, nlh);
	nftnl_chain_free(c);
}

static struct nft_rule rule(const struct rs *s, const char *chain_name)
{
	return nft_rule_new(s->table, chain_name);
}

static void add(struct rs *s, struct nft_rule *r, const char *what)
{
	nft_rule_add(r, s->b, what);
}

/* From this network, not from one with the same addresses. */
static void if_inside(const struct rs *s, struct nft_rule *r)
{
	nft_if_saddr(r, s->c->prefix, true);
	if (s->net->apart)
		nft_if_ct_mark(r, NAT_MARK_FROM_MASK, NAT_MARK_FROM(s->net->apart), true);
	for (unsigned int i = 0; i < s->net->n_others; i++)
		nft_if_ct_mark(r, NAT_MARK_FROM_MASK, NAT_MARK_FROM(s->net->others[i]), false);
}

/* ---- same addresses twice ---- */

/* Packets that are to reach the inside, in both directions of the connection, get the mark that
 * leads there. */
static void mark_packets(struct rs *s, const char *chain_name)
{
	struct nft_rule r = rule(s, chain_name);

	nft_if_ct_direction(&r, IP_CT_DIR_ORIGINAL);
	nft_if_ct_mark(&r, NAT_MARK_TO_MASK, NAT_MARK_TO(s->net->apart), true);
	nft_set_meta_mark(&r, s->net->mark);
	add(s, &r, "mark of packets");
	r = rule(s, chain_name);
	nft_if_ct_direction(&r, IP_CT_DIR_REPLY);
	nft_if_ct_mark(&r, NAT_MARK_FROM_MASK, NAT_MARK_FROM(s->net->apart), true);
	nft_set_meta_mark(&r, s->net->mark);
	add(s, &r, "mark of packets");
}

static void chains_of_marks(struct rs *s)
{
	struct nft_rule r;

	if (!s->net->apart)
		return;
	chain(s, "zone", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW);
	r = rule(s, "zone");
	nft_if_iif(&r, s->net->vnic, true);
	nft_set_ct_zone(&r, s->net->zone);
	add(s, &r, "zone");
	chain(s, "mark", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_MANGLE);
	r = rule(s, "mark");
	nft_if_iif(&r, s->net->vnic, true);
	nft_if_ct_direction(&r, IP_CT_DIR_ORIGINAL);
	nft_set_ct_mark(&r, 0x0000ff00, NAT_MARK_FROM(s->net->apart));
	add(s, &r, "mark of connections");
	mark_packets(s, "mark");
	chain(s, "mark-output", "route", NF_INET_LOCAL_OUT, NF_IP_PRI_MANGLE);
	mark_packets(s, "mark-output");
}

static void mark_for_inside(const struct rs *s, struct nft_rule *r)
{
	if (!s->net->apart)
		return;
	nft_set_ct_mark(r, 0x00ff0000, NAT_MARK_TO(s->net->apart));
	nft_set_meta_mark(r, s->net->mark);
}

/* ---- towards the inside ---- */

static const struct nat_prefix loopback = {127u << 24, 8};

/* One rule of a port map: outside ports @first-@last lead to @inside... */
static void map_rule(struct rs *s, const char *chain_name, const struct nat_map *m,
		     const struct nat_external *pool, uint16_t first, uint16_t last,
		     uint16_t inside)
{
	struct nft_rule r = rule(s, chain_name);

	if (pool)
		nft_if_daddr_range(&r, pool->first, pool->last);
	else if (m->outside)
		nft_if_daddr(&r, (struct nat_prefix){m->outside, 32}, true);
	else
		nft_if_daddr_local(&r);
	if (!m->outside && !pool)
		nft_if_daddr(&r, loopback, false);
	if (m->remote.len)
		nft_if_saddr(&r, m->remote, true);
	nft_if_l4proto(&r, m->protocol);
	nft_if_dport(&r, first, last);
	mark_for_inside(s, &r);
	if (inside == first)
		nft_dnat(&r, m->inside, 0, 0);
	else
		nft_dnat(&r, m->inside, inside, inside);
	add(s, &r, "port map");
}

/* Several ports that move by an offset are one rule each: the kernel knows no offsets. */
static void map_rules(struct rs *s, const char *chain_name, const struct nat_map *m,
		      const struct nat_external *pool)
{
	if (m->inside_port == m->port_first) {
		map_rule(s, chain_name, m, pool, m->port_first, m->port_last, m->inside_port);
		return;
	}
	for (unsigned int i = 0; i <= (unsigned int)(m->port_last - m->port_first); i++)
		map_rule(s, chain_name, m, pool, (uint16_t)(m->port_first + i),
			 (uint16_t)(m->port_first + i), (uint16_t)(m->inside_port + i));
}

static void dnat_rules(struct rs *s, const char *chain_name)
{
	const struct nat_conf *c = s->c;

	for (unsigned int i = 0; i < c->n_pairs; i++) {
		struct nft_rule r = rule(s, chain_name);

		nft_if_daddr(&r, (struct nat_prefix){c->pairs[i].outside, 32}, true);
		mark_for_inside(s, &r);
		nft_dnat(&r, c->pairs[i].inside, 0, 0);
		add(s, &r, "one-to-one map");
	}
	for (unsigned int i = 0; i < c->n_maps; i++)
		map_rules(s, chain_name, &c->maps[i], NULL);
}

static void chains_of_dnat(struct rs *s)
{
	chain(s, "prerouting", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST - BEFORE);
	dnat_rules(s, "prerouting");
	chain(s, "output", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST - BEFORE);
	dnat_rules(s, "output");
}

/* ---- towards the outside ---- */

static void hairpin_rules(struct rs *s)
{
	struct nft_rule r;

	for (unsigned int i = 0; i < s->c->n_pairs; i++) {
		r = rule(s, "postrouting");
		nft_if_oif(&r, s->net->vnic, true);
		nft_if_saddr(&r, (struct nat_prefix){s->c->pairs[i].inside, 32}, true);
		if_inside(s, &r);
		nft_if_ct_status(&r, IPS_DST_NAT);
		nft_snat(&r, s->c->pairs[i].outside, s->c->pairs[i].outside, 0, 0);
		add(s, &r, "hairpin of a one-to-one map");
	}
	r = rule(s, "postrouting");
	nft_if_oif(&r, s->net->vnic, true);
	if_inside(s, &r);
	nft_if_ct_status(&r, IPS_DST_NAT);
	nft_snat_to_original(&r);
	add(s, &r, "hairpin");
}

static void snat_rules(struct rs *s)
{
	const struct nat_conf *c = s->c;
	struct nft_rule r;

	for (unsigned int i = 0; i < c->n_no_translate; i++) {
		r = rule(s, "postrouting");
		if_inside(s, &r);
		nft_if_daddr(&r, c->no_translate[i], true);
		nft_verdict(&r, NF_ACCEPT);
		add(s, &r, "no translation");
	}
	for (unsigned int i = 0; i < c->n_pairs; i++) {
		r = rule(s, "postrouting");
		nft_if_oif(&r, s->net->vnic, false);
		nft_if_saddr(&r, (struct nat_prefix){c->pairs[i].inside, 32}, true);
		if_inside(s, &r);
		nft_snat(&r, c->pairs[i].outside, c->pairs[i].outside, 0, 0);
		add(s, &r, "one-to-one map");
	}
}

static void pool_rule(struct rs *s, const char *chain_name, const struct nat_external *x,
		      uint8_t protocol)
{
	bool ports = protocol == NAT_TCP || protocol == NAT_UDP;
	struct nft_rule r = rule(s, chain_name);

	nft_if_oif(&r, s->net->vnic, false);
	if_inside(s, &r);
	if (ports)
		nft_if_l4proto(&r, protocol);
	nft_snat(&r, x->first, x->last, ports ? x->port_first : 0, x->port_last);
	add(s, &r, "outside addresses");
}

static void pool_rules(struct rs *s, const char *chain_name, const struct nat_external *x)
{
	pool_rule(s, chain_name, x, NAT_TCP);
	pool_rule(s, chain_name, x, NAT_UDP);
	pool_rule(s, chain_name, x, 0);
}

static const char *pool_name(unsigned int i, char buf[16])
{
	snprintf(buf, 16, "pool-%u", i);
	return buf;
}

/* Which range the next share of the inside addresses gets: the one that has had the least of what it is worth. */
static unsigned int next_range(const struct nat_conf *c, const uint64_t worth[], uint64_t had[])
{
	unsigned int best = 0;

	for (unsigned int i = 1; i < c->n_external; i++)
		/* fewer shares for its worth: had / worth, without dividing */
		if ((had[i] + 1) * worth[best] < (had[best] + 1) * worth[i])
			best = i;
	had[best]++;
	return best;
}

/*
 * One statement of the kernel takes one range. Of several, each gets a share of the inside addresses, by their last bits, as large
 * as the range is: so a VM keeps one outside address, and all ranges are used.
 */
static void pools(struct rs *s)
{
	const struct nat_conf *c = s->c;
	uint64_t worth[NAT_EXTERNALS_MAX], had[NAT_EXTERNALS_MAX] = {0}, total = 0;
	unsigned int shares = 16;
	char name[16];

	while (shares < 4 * c->n_external)
		shares *= 2;
	for (unsigned int i = 0; i < c->n_external; i++) {
		const struct nat_external *x = &c->external[i];

		worth[i] = ((uint64_t)x->last - x->first + 1) * (x->port_last - x->port_first + 1u);
		total += worth[i];
	}
	for (unsigned int i = 0; i < c->n_external; i++) {
		/* the smallest is used, too */
		if (worth[i] < total / shares)
			worth[i] = total / shares;
		chain(s, pool_name(i, name), NULL, 0, 0);
		pool_rules(s, name, &c->external[i]);
	}
	for (unsigned int b = 0; b < shares; b++) {
		struct nft_rule r = rule(s, "postrouting");

		nft_if_saddr_bits(&r, shares - 1, b);
		nft_jump(&r, pool_name(next_range(c, worth, had), name));
		add(s, &r, "shares of the pool");
	}
}

static void chain_of_snat(struct rs *s)
{
	const struct nat_conf *c = s->c;
	struct nft_rule r;

	chain(s, "postrouting", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC - BEFORE);
	hairpin_rules(s);
	snat_rules(s);
	if (c->n_external > 1)
		pools(s);
	else if (c->n_external)
		pool_rules(s, "postrouting", &c->external[0]);
	if (c->n_external)
		return;
	r = rule(s, "postrouting");
	nft_if_oif(&r, s->net->vnic, false);
	if_inside(s, &r);
	nft_masquerade(&r);
	add(s, &r, "masquerade");
}

/* ---- who may pass ---- */

static void accept_state(struct rs *s, uint32_t state)
{
	struct nft_rule r = rule(s, "forward");

	nft_if_oif(&r, s->net->vnic, true);
	nft_if_ct_state(&r, state);
	nft_verdict(&r, NF_ACCEPT);
	add(s, &r, "answers");
}

static void drop_strangers(struct rs *s, const char *chain_name)
{
	static const struct nat_prefix nobody = {0, 32};
	struct nft_rule r = rule(s, chain_name);

	nft_if_iif(&r, s->net->vnic, true);
	nft_if_saddr(&r, s->c->prefix, false);
	nft_if_saddr(&r, nobody, false); /* a DHCP client has no address yet */
	nft_counter(&r);
	nft_verdict(&r, NF_DROP);
	add(s, &r, "foreign sources");
}

static void chain_of_mss(struct rs *s)
{
	struct nft_rule r;

	if (!s->c->mss_clamp)
		return;
	r = rule(s, "forward");
	nft_if_iif(&r, s->net->vnic, true);
	nft_set_mss(&r);
	add(s, &r, "MSS");
	r = rule(s, "forward");
	nft_if_oif(&r, s->net->vnic, true);
	nft_set_mss(&r);
	add(s, &r, "MSS");
}

static void chains_of_filter(struct rs *s)
{
	struct nft_rule r;

	chain(s, "input", "filter", NF_INET_LOCAL_IN, NF_IP_PRI_FILTER - BEFORE);
	drop_strangers(s, "input");
	chain(s, "forward", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER - BEFORE);
	drop_strangers(s, "forward");
	chain_of_mss(s);
	if (!s->c->hairpin) {
		r = rule(s, "forward");
		nft_if_iif(&r, s->net->vnic, true);
		nft_if_oif(&r, s->net->vnic, true);
		nft_counter(&r);
		nft_verdict(&r, NF_DROP);
		add(s, &r, "no hairpin");
	}
	accept_state(s, NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED));
	for (unsigned int i = 0; i < s->c->n_no_translate; i++) {
		r = rule(s, "forward");
		nft_if_oif(&r, s->net->vnic, true);
		nft_if_saddr(&r, s->c->no_translate[i], true);
		nft_verdict(&r, NF_ACCEPT);
		add(s, &r, "no translation");
	}
	r = rule(s, "forward");
	nft_if_oif(&r, s->net->vnic, true);
	nft_if_ct_status(&r, IPS_DST_NAT);
	nft_verdict(&r, NF_ACCEPT);
	add(s, &r, "mapped");
	r = rule(s, "forward");
	nft_if_oif(&r, s->net->vnic, true);
	nft_counter(&r);
	nft_verdict(&r, NF_DROP);
	add(s, &r, "nobody asked for it");
}

void nft_ruleset_add(struct nft_batch *b, const struct nat_nft_net *net, uint32_t flags)
{
	struct rs s = {.b = b, .net = net, .c = net->conf};
	char comment[NFT_COMMENT_SIZE];

	nft_table_name(net->conf->name, s.table);
	table(b, NFT_MSG_NEWTABLE, NLM_F_CREATE, s.table, flags,
	      nft_table_comment(net->conf->uuid, comment), "table");
	chains_of_marks(&s);
	chains_of_dnat(&s);
	chain_of_snat(&s);
	chains_of_filter(&s);
}
