/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Talking to nf_tables: transactions, looking at what is there, noticing changes. See nft.h. */
#include "nat/nft/nft.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nat/nft/batch.h"
#include "nat/nft/ruleset.h"

#define RECV_SIZE   65536
#define SEND_BUFFER (64 << 20) /* of the socket: thousands of maps in one message */
#define F_PERSIST   4u         /* NFT_TABLE_F_PERSIST of Linux 6.9 */

/* What the table of one network looked like after we wrote it. */
struct seen {
	char name[VD_NAME_MAX + 1];
	uint64_t sum;
};

struct nat_nft {
	struct mnl_socket *rules; /* owns the tables */
	struct mnl_socket *news;
	char *buf; /* [RECV_SIZE] */
	bool owner;
	uint32_t seq;
	struct seen seen[NAT_NETWORKS_MAX];
	unsigned int n_seen;
};

static int no_memory(struct vd_err *e)
{
	return vd_err_set(e, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
}

static struct mnl_socket *open_socket(unsigned int groups)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (s && mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(s);
		return NULL;
	}
	return s;
}

int nat_nft_open(bool owner, struct nat_nft **ret, struct vd_err *reterr)
{
	struct nat_nft *s = calloc(1, sizeof(*s));
	int size = SEND_BUFFER;

	if (!s)
		return no_memory(reterr);
	s->buf = malloc(RECV_SIZE);
	s->owner = owner;
	s->rules = open_socket(0);
	s->news = open_socket(1u << (NFNLGRP_NFTABLES - 1));
	if (!s->buf || !s->rules || !s->news) {
		int r = s->buf ? -errno : -ENOMEM;

		nat_nft_close(s);
		return vd_err_set(reterr, r, VD_E_SYSTEM, NULL,
				  "the kernel needs nf_tables (modprobe nf_tables)",
				  "cannot talk to nf_tables: %s", strerror(-r));
	}
	if (setsockopt(mnl_socket_get_fd(s->rules), SOL_SOCKET, SO_SNDBUFFORCE, &size,
		       sizeof(size)) < 0)
		size = 0; /* then large changes fail with an error of their own */
	*ret = s;
	return 0;
}

void nat_nft_close(struct nat_nft *s)
{
	if (!s)
		return;
	if (s->rules)
		mnl_socket_close(s->rules);
	if (s->news)
		mnl_socket_close(s->news);
	free(s->buf);
	free(s);
}

bool nat_nft_owned(const struct nat_nft *s)
{
	return s->owner;
}

int nat_nft_fd(const struct nat_nft *s)
{
	return mnl_socket_get_fd(s->news);
}

/* ---- looking ---- */

/* Wait for more on the socket that asks: dumps come in parts. */
static ssize_t receive(struct nat_nft *s)
{
	int fd = mnl_socket_get_fd(s->rules);
	struct timeval limit = {.tv_sec = 5};
	ssize_t n;

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	do {
		n = mnl_socket_recvfrom(s->rules, s->buf, RECV_SIZE);
	} while (n < 0 && errno == EINTR);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return n;
}

/* Run @cb over a dump of @type; an interrupted one is taken again a few times. */
static int dump(struct nat_nft *s, uint16_t type, uint16_t family, mnl_cb_t cb, void *ctx)
{
	char request[256];
	struct nlmsghdr *nlh;
	int r = 0;

	nlh = nftnl_nlmsg_build_hdr(request, type, family, NLM_F_DUMP, ++s->seq);
	if (mnl_socket_sendto(s->rules, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t n = receive(s);

		if (n < 0)
			return -errno;
		r = mnl_cb_run(s->buf, (size_t)n, s->seq, mnl_socket_get_portid(s->rules), cb, ctx);
	} while (r > 0);
	return r < 0 ? -errno : 0;
}

/* Looking for one table by name, and at what its comment says. */
struct look {
	char name[NAT_NFT_NAME_SIZE];
	char comment[NFT_COMMENT_SIZE]; /* that of ours */
	bool there, ours;
};

static int comment_cb(const struct nftnl_udata *attr, void *ctx)
{
	const char **ret = ctx;
	const char *text = nftnl_udata_get(attr);
	uint8_t len = nftnl_udata_len(attr);

	if (nftnl_udata_type(attr) == NFTNL_UDATA_TABLE_COMMENT && len && text[len - 1] == '\0')
		*ret = text;
	return 0;
}

static int look_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct look *l = ctx;
	struct nftnl_table *t = nftnl_table_alloc();
	const char *comment = NULL;
	const void *data;
	uint32_t size = 0;

	if (t && nftnl_table_nlmsg_parse(nlh, t) == 0 &&
	    !strcmp(nftnl_table_get_str(t, NFTNL_TABLE_NAME), l->name)) {
		data = nftnl_table_get_data(t, NFTNL_TABLE_USERDATA, &size);
		if (data)
			nftnl_udata_parse(data, size, comment_cb, &comment);
		l->there = true;
		l->ours = comment && !strcmp(comment, l->comment);
	}
	if (t)
		nftnl_table_free(t);
	return MNL_CB_OK;
}

static int look(struct nat_nft *s, const char *network, const char *uuid, struct look *ret,
		struct vd_err *reterr)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	nft_table_name(network, ret->name);
	nft_table_comment(uuid, ret->comment);
	r = dump(s, NFT_MSG_GETTABLE, NFPROTO_IPV4, look_cb, ret);
	return r ? vd_err_set(reterr, r, VD_E_SYSTEM, NULL, NULL,
			      "cannot list the kernel's tables: %s", strerror(-r))
		 : 0;
}

static int check_ours(struct nat_nft *s, const struct nat_conf *c, struct vd_err *reterr)
{
	char hint[200];
	struct look l;
	int r = look(s, c->name, c->uuid, &l, reterr);

	if (r || !l.there || l.ours)
		return r;
	snprintf(hint, sizeof(hint),
		 "rename the network, or remove the table: nft delete table ip %s", l.name);
	return vd_err_set(reterr, -EBUSY, VD_E_DEVICE_BUSY, NULL, hint,
			  "the nftables table \"%s\" belongs to somebody else", l.name);
}

struct sum {
	const char *table;
	uint64_t value;
};

static void mix(struct sum *m, uint64_t v)
{
	m->value = (m->value ^ v) * 1099511628211u;
}

static int chain_sum_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct nftnl_chain *c = nftnl_chain_alloc();

	if (c && nftnl_chain_nlmsg_parse(nlh, c) == 0 &&
	    !strcmp(nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE), ((struct sum *)ctx)->table))
		mix(ctx, nftnl_chain_get_u64(c, NFTNL_CHAIN_HANDLE));
	if (c)
		nftnl_chain_free(c);
	return MNL_CB_OK;
}

static int rule_sum_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct nftnl_rule *r = nftnl_rule_alloc();

	if (r && nftnl_rule_nlmsg_parse(nlh, r) == 0 &&
	    !strcmp(nftnl_rule_get_str(r, NFTNL_RULE_TABLE), ((struct sum *)ctx)->table))
		mix(ctx, nftnl_rule_get_u64(r, NFTNL_RULE_HANDLE));
	if (r)
		nftnl_rule_free(r);
	return MNL_CB_OK;
}

/* Handles are never used again in a table: equal sums mean that nothing was added or removed. */
static int sum_of(struct nat_nft *s, const char *network, uint64_t *ret)
{
	char name[NAT_NFT_NAME_SIZE];
	struct sum m = {nft_table_name(network, name), 14695981039346656037u};
	int r = dump(s, NFT_MSG_GETCHAIN, NFPROTO_IPV4, chain_sum_cb, &m);

	if (!r)
		r = dump(s, NFT_MSG_GETRULE, NFPROTO_IPV4, rule_sum_cb, &m);
	*ret = m.value;
	return r;
}

static struct seen *seen_of(struct nat_nft *s, const char *network)
{
	for (unsigned int i = 0; i < s->n_seen; i++)
		if (!strcmp(s->seen[i].name, network))
			return &s->seen[i];
	return NULL;
}

static void remember(struct nat_nft *s, const char *network)
{
	struct seen *e = seen_of(s, network);

	if (!e && s->n_seen < NAT_NETWORKS_MAX) {
		e = &s->seen[s->n_seen++];
		snprintf(e->name, sizeof(e->name), "%s", network);
	}
	if (e && sum_of(s, network, &e->sum))
		e->sum = 0; /* unknown: it will be written once more */
}

static void forget(struct nat_nft *s, const char *network)
{
	struct seen *e = seen_of(s, network);

	if (e)
		*e = s->seen[--s->n_seen];
}

bool nat_nft_intact(struct nat_nft *s, const char *name)
{
	const struct seen *e = seen_of(s, name);
	uint64_t sum;

	return e && sum_of(s, name, &sum) == 0 && sum == e->sum;
}

/* Messages of who owns @port are our own. */
struct news {
	uint32_t port;
	bool others;
};

static int news_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct news *w = ctx;
	const struct nlattr *a;

	if ((nlh->nlmsg_type & 0xff) != NFT_MSG_NEWGEN)
		return MNL_CB_OK;
	/* whose netlink socket it was is in the header; a generation of ours is no news */
	if (nlh->nlmsg_pid == w->port)
		return MNL_CB_OK;
	mnl_attr_for_each(a, nlh, sizeof(struct nfgenmsg)) if (mnl_attr_get_type(a) == NFTA_GEN_ID)
		w->others = true;
	return MNL_CB_OK;
}

bool nat_nft_changed(struct nat_nft *s)
{
	struct news w = {.port = mnl_socket_get_portid(s->rules)};
	ssize_t n;

	while ((n = mnl_socket_recvfrom(s->news, s->buf, RECV_SIZE)) > 0)
		mnl_cb_run(s->buf, (size_t)n, 0, 0, news_cb, &w);
	return w.others || (n < 0 && errno == ENOBUFS);
}

/* ---- changing ---- */

struct refusal {
	uint32_t seq;
	int error;
};

static int error_cb(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	struct refusal *f = ctx;

	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(*e) && e->error && !f->error) {
		f->error = e->error;
		f->seq = nlh->nlmsg_seq;
	}
	return MNL_CB_OK;
}

/* Send; the kernel has done it, or not, when sendto() returns, and says only what went wrong. */
static int commit(struct nat_nft *s, struct nft_batch *b, struct refusal *f)
{
	static mnl_cb_t control[NLMSG_MIN_TYPE] = {[NLMSG_ERROR] = error_cb};
	ssize_t n;

	if (b->error)
		return b->error;
	if (mnl_socket_sendto(s->rules, b->buf, b->used) < 0)
		return -errno;
	while ((n = mnl_socket_recvfrom(s->rules, s->buf, RECV_SIZE)) > 0)
		mnl_cb_run2(s->buf, (size_t)n, 0, 0, NULL, f, control, NLMSG_MIN_TYPE);
	if (!f->error && errno == ENOBUFS)
		f->error = -ENOBUFS; /* so many complaints that they did not fit */
	return f->error;
}

static int transact(struct nat_nft *s, const struct nat_nft_net *nets, unsigned int n,
		    const struct nat_nft_gone *gone, unsigned int n_gone, struct vd_err *reterr)
{
	uint32_t flags = s->owner ? NFT_TABLE_F_OWNER | F_PERSIST : 0;
	struct nft_batch b = {0};
	struct refusal f = {0};
	int r;

	nft_batch_begin(&b);
	for (unsigned int i = 0; i < n_gone; i++) {
		struct look l;

		if (look(s, gone[i].name, gone[i].uuid, &l, NULL) == 0 && l.ours)
			nft_ruleset_remove(&b, gone[i].name);
	}
	for (unsigned int i = 0; i < n; i++) {
		nft_ruleset_remove(&b, nets[i].conf->name);
		nft_ruleset_add(&b, &nets[i], flags);
	}
	nft_batch_end(&b);
	r = commit(s, &b, &f);
	if (r == -ENOMEM && b.error)
		no_memory(reterr);
	else if (r)
		vd_err_set(reterr, r, VD_E_SYSTEM, NULL,
			   r == -ENOENT || r == -EOPNOTSUPP
				   ? "the kernel needs nft_nat, nft_masq, nft_ct, nft_fib_ipv4"
				   : NULL,
			   "the kernel refused %s: %s", f.seq < b.n ? b.what[f.seq] : "the rules",
			   strerror(-r));
	nft_batch_free(&b);
	return r;
}

int nat_nft_apply(struct nat_nft *s, const struct nat_nft_net *nets, unsigned int n,
		  const struct nat_nft_gone *gone, unsigned int n_gone, struct vd_err *reterr)
{
	struct vd_err first = {0};
	int r = 0;

	for (unsigned int i = 0; i < n && r == 0; i++)
		r = check_ours(s, nets[i].conf, reterr);
	if (r || (!n && !n_gone))
		return r;
	r = transact(s, nets, n, gone, n_gone, &first);
	if (r && s->owner) {
		/* older kernels do not know persistent ownership */
		s->owner = false;
		if (transact(s, nets, n, gone, n_gone, NULL) == 0)
			r = 0;
		else
			s->owner = true;
	}
	if (r) {
		if (reterr)
			*reterr = first;
		return r;
	}
	for (unsigned int i = 0; i < n_gone; i++)
		forget(s, gone[i].name);
	for (unsigned int i = 0; i < n; i++)
		remember(s, nets[i].conf->name);
	return 0;
}

struct drops {
	void (*fn)(void *ctx, const char *family, const char *table, const char *chain);
	void *ctx;
};

static int drops_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct drops *d = ctx;

	if (c && nftnl_chain_nlmsg_parse(nlh, c) == 0 &&
	    nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM) &&
	    nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM) == NF_INET_FORWARD &&
	    nftnl_chain_get_u32(c, NFTNL_CHAIN_POLICY) == NF_DROP)
		d->fn(d->ctx,
		      nftnl_chain_get_u32(c, NFTNL_CHAIN_FAMILY) == NFPROTO_INET ? "inet" : "ip",
		      nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE),
		      nftnl_chain_get_str(c, NFTNL_CHAIN_NAME));
	if (c)
		nftnl_chain_free(c);
	return MNL_CB_OK;
}

int nat_nft_forward_drops(struct nat_nft *s,
			  void (*fn)(void *ctx, const char *family, const char *table,
				     const char *chain),
			  void *ctx)
{
	struct drops d = {fn, ctx};
	int r = dump(s, NFT_MSG_GETCHAIN, NFPROTO_IPV4, drops_cb, &d);

	return r ? r : dump(s, NFT_MSG_GETCHAIN, NFPROTO_INET, drops_cb, &d);
}
