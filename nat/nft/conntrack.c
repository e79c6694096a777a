/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctnetlink by libmnl: see conntrack.h. */
#include "nat/nft/conntrack.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_compat.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define RECV_SIZE (256 << 10)

/* ---- reading ---- */

static uint32_t u32_of(const struct nlattr *a)
{
	return mnl_attr_get_payload_len(a) == 4 ? ntohl(mnl_attr_get_u32(a)) : 0;
}

static uint16_t u16_of(const struct nlattr *a)
{
	return mnl_attr_get_payload_len(a) == 2 ? ntohs(mnl_attr_get_u16(a)) : 0;
}

static uint64_t u64_of(const struct nlattr *a)
{
	uint64_t v = 0;

	if (mnl_attr_get_payload_len(a) == 8)
		memcpy(&v, mnl_attr_get_payload(a), 8);
	return be64toh(v);
}

static void read_ip(const struct nlattr *nest, struct nat_ct_tuple *t)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, nest)
	{
		if (mnl_attr_get_type(a) == CTA_IP_V4_SRC)
			t->src = u32_of(a);
		else if (mnl_attr_get_type(a) == CTA_IP_V4_DST)
			t->dst = u32_of(a);
	}
}

static void read_proto(const struct nlattr *nest, struct nat_ct_tuple *t, uint8_t *protocol)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, nest)
	{
		switch (mnl_attr_get_type(a)) {
		case CTA_PROTO_NUM:
			*protocol = mnl_attr_get_u8(a);
			break;
		case CTA_PROTO_SRC_PORT:
			t->sport = u16_of(a);
			break;
		case CTA_PROTO_DST_PORT:
			t->dport = u16_of(a);
			break;
		case CTA_PROTO_ICMP_ID:
			t->sport = t->dport = u16_of(a);
			break;
		}
	}
}

static void read_tuple(const struct nlattr *nest, struct nat_ct *ct, struct nat_ct_tuple *t)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, nest)
	{
		if (mnl_attr_get_type(a) == CTA_TUPLE_IP)
			read_ip(a, t);
		else if (mnl_attr_get_type(a) == CTA_TUPLE_PROTO)
			read_proto(a, t, &ct->protocol);
		else if (mnl_attr_get_type(a) == CTA_TUPLE_ZONE && t == &ct->orig)
			ct->zone = u16_of(a);
	}
}

static void read_counters(const struct nlattr *nest, struct nat_ct *ct, unsigned int dir)
{
	const struct nlattr *a;

	mnl_attr_for_each_nested(a, nest)
	{
		if (mnl_attr_get_type(a) == CTA_COUNTERS_PACKETS)
			ct->packets[dir] = u64_of(a);
		else if (mnl_attr_get_type(a) == CTA_COUNTERS_BYTES)
			ct->bytes[dir] = u64_of(a);
	}
}

static void read_tcp(const struct nlattr *info, struct nat_ct *ct)
{
	const struct nlattr *a, *b;

	mnl_attr_for_each_nested(a, info) if (mnl_attr_get_type(a) == CTA_PROTOINFO_TCP)
		mnl_attr_for_each_nested(b, a) if (mnl_attr_get_type(b) == CTA_PROTOINFO_TCP_STATE)
			ct->tcp_state = mnl_attr_get_u8(b);
}

static void read_entry(const struct nlmsghdr *nlh, struct nat_ct *ct)
{
	const struct nlattr *a;

	mnl_attr_for_each(a, nlh, sizeof(struct nfgenmsg))
	{
		switch (mnl_attr_get_type(a)) {
		case CTA_TUPLE_ORIG:
			read_tuple(a, ct, &ct->orig);
			break;
		case CTA_TUPLE_REPLY:
			read_tuple(a, ct, &ct->reply);
			break;
		case CTA_STATUS:
			ct->status = u32_of(a);
			break;
		case CTA_TIMEOUT:
			ct->timeout_s = u32_of(a);
			break;
		case CTA_MARK:
			ct->mark = u32_of(a);
			break;
		case CTA_ZONE:
			ct->zone = u16_of(a);
			break;
		case CTA_ID:
			ct->id = u32_of(a);
			break;
		case CTA_COUNTERS_ORIG:
			read_counters(a, ct, 0);
			break;
		case CTA_COUNTERS_REPLY:
			read_counters(a, ct, 1);
			break;
		case CTA_PROTOINFO:
			read_tcp(a, ct);
			break;
		}
	}
}

/* ---- asking ---- */

static struct mnl_socket *open_socket(unsigned int *port)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);

	if (s && mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(s);
		return NULL;
	}
	if (s)
		*port = mnl_socket_get_portid(s);
	return s;
}

static struct nlmsghdr *request(void *buf, uint16_t type, uint16_t flags, uint32_t seq)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *g;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = seq;
	g = mnl_nlmsg_put_extra_header(nlh, sizeof(*g));
	g->nfgen_family = AF_INET;
	g->version = NFNETLINK_V0;
	return nlh;
}

struct each {
	bool (*fn)(void *ctx, const struct nat_ct *ct);
	void *ctx;
	bool stop;
};

static int each_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct each *e = arg;
	struct nat_ct ct = {0};

	if (e->stop)
		return MNL_CB_OK;
	read_entry(nlh, &ct);
	e->stop = e->fn(e->ctx, &ct);
	return MNL_CB_OK;
}

int nat_ct_each(bool (*fn)(void *ctx, const struct nat_ct *ct), void *ctx)
{
	struct each e = {.fn = fn, .ctx = ctx};
	char *buf = malloc(RECV_SIZE);
	unsigned int port = 0;
	struct mnl_socket *s = open_socket(&port);
	struct nlmsghdr *nlh;
	int r = buf && s ? 1 : buf ? -errno : -ENOMEM;

	if (r > 0) {
		nlh = request(buf, IPCTNL_MSG_CT_GET, NLM_F_DUMP, 1);
		r = mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0 ? -errno : 1;
	}
	while (r > 0) {
		ssize_t n = mnl_socket_recvfrom(s, buf, RECV_SIZE);

		if (n < 0 && errno == EINTR)
			continue;
		r = n < 0 ? -1 : mnl_cb_run(buf, (size_t)n, 1, port, each_cb, &e);
		if (r < 0)
			r = -errno;
	}
	if (s)
		mnl_socket_close(s);
	free(buf);
	return r;
}

/* ---- removing ---- */

/* An entry is named by its original tuple, and by its id: a new one with the same tuple is another. */
static void put_key(struct nlmsghdr *nlh, const struct nat_ct *ct)
{
	struct nlattr *tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG), *nest;

	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	mnl_attr_put_u32(nlh, CTA_IP_V4_SRC, htonl(ct->orig.src));
	mnl_attr_put_u32(nlh, CTA_IP_V4_DST, htonl(ct->orig.dst));
	mnl_attr_nest_end(nlh, nest);
	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, ct->protocol);
	if (ct->protocol == IPPROTO_ICMP) {
		mnl_attr_put_u16(nlh, CTA_PROTO_ICMP_ID, htons(ct->orig.sport));
		mnl_attr_put_u8(nlh, CTA_PROTO_ICMP_TYPE, 8); /* echo: what has entries */
		mnl_attr_put_u8(nlh, CTA_PROTO_ICMP_CODE, 0);
	} else {
		mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(ct->orig.sport));
		mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(ct->orig.dport));
	}
	mnl_attr_nest_end(nlh, nest);
	if (ct->zone)
		mnl_attr_put_u16(nlh, CTA_TUPLE_ZONE, htons(ct->zone));
	mnl_attr_nest_end(nlh, tuple);
	mnl_attr_put_u32(nlh, CTA_ID, htonl(ct->id));
}

static int remove_one(struct mnl_socket *s, unsigned int port, uint32_t seq,
		      const struct nat_ct *ct)
{
	char buf[4096];
	struct nlmsghdr *nlh = request(buf, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, seq);
	ssize_t n;

	put_key(nlh, ct);
	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(s, buf, sizeof(buf));
	} while (n < 0 && errno == EINTR);
	return n < 0 || mnl_cb_run(buf, (size_t)n, seq, port, NULL, NULL) < 0 ? -errno : 0;
}

int nat_ct_remove(const struct nat_ct *cts, unsigned int n, unsigned int *removed)
{
	unsigned int port = 0;
	struct mnl_socket *s = open_socket(&port);
	int r = s ? 0 : -errno;

	*removed = 0;
	for (unsigned int i = 0; i < n && !r; i++) {
		r = remove_one(s, port, i + 1, &cts[i]);
		*removed += r == 0;
		r = r == -ENOENT ? 0 : r;
	}
	if (s)
		mnl_socket_close(s);
	return r;
}

/* ---- news ---- */

#define WATCH_BUFFER (8 << 20) /* bytes that the kernel keeps for us */
#define WATCH_READS  64        /* at once; then others have their turn */

struct nat_ct_watch {
	struct mnl_socket *s;
	char *buf;
};

int nat_ct_watch_open(struct nat_ct_watch **ret)
{
	struct nat_ct_watch *w = calloc(1, sizeof(*w));
	int size = WATCH_BUFFER, r = -ENOMEM;

	if (!w)
		return r;
	w->buf = malloc(RECV_SIZE);
	w->s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!w->buf || !w->s ||
	    mnl_socket_bind(w->s, NF_NETLINK_CONNTRACK_NEW | NF_NETLINK_CONNTRACK_DESTROY,
			    MNL_SOCKET_AUTOPID) < 0) {
		r = w->buf ? -errno : -ENOMEM;
		nat_ct_watch_close(w);
		return r;
	}
	/* bursts fit, or are counted: either is good */
	if (setsockopt(mnl_socket_get_fd(w->s), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) <
	    0)
		setsockopt(mnl_socket_get_fd(w->s), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	*ret = w;
	return 0;
}

void nat_ct_watch_close(struct nat_ct_watch *w)
{
	if (!w)
		return;
	if (w->s)
		mnl_socket_close(w->s);
	free(w->buf);
	free(w);
}

int nat_ct_watch_fd(const struct nat_ct_watch *w)
{
	return mnl_socket_get_fd(w->s);
}

struct news {
	void (*fn)(void *ctx, const struct nat_ct *ct, bool made);
	void *ctx;
};

static int news_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *g = mnl_nlmsg_get_payload(nlh);
	struct news *n = arg;
	struct nat_ct ct = {0};

	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_CTNETLINK ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*g) || g->nfgen_family != AF_INET)
		return MNL_CB_OK;
	read_entry(nlh, &ct);
	n->fn(n->ctx, &ct, (nlh->nlmsg_type & 0xff) == IPCTNL_MSG_CT_NEW);
	return MNL_CB_OK;
}

int nat_ct_watch_read(struct nat_ct_watch *w,
		      void (*fn)(void *ctx, const struct nat_ct *ct, bool made), void *ctx,
		      unsigned int *lost)
{
	struct news news = {fn, ctx};
	int n = 0;

	*lost = 0;
	while (n < WATCH_READS) {
		ssize_t size = mnl_socket_recvfrom(w->s, w->buf, RECV_SIZE);

		if (size < 0 && errno == ENOBUFS) {
			++*lost;
			continue;
		}
		if (size <= 0)
			break;
		mnl_cb_run(w->buf, (size_t)size, 0, 0, news_cb, &news);
		n++;
	}
	return n;
}

const char *nat_ct_state(const struct nat_ct *ct)
{
	static const char *const states[] = {
		[TCP_CONNTRACK_NONE] = "none",
		[TCP_CONNTRACK_SYN_SENT] = "syn-sent",
		[TCP_CONNTRACK_SYN_RECV] = "syn-received",
		[TCP_CONNTRACK_ESTABLISHED] = "established",
		[TCP_CONNTRACK_FIN_WAIT] = "fin-wait",
		[TCP_CONNTRACK_CLOSE_WAIT] = "close-wait",
		[TCP_CONNTRACK_LAST_ACK] = "last-ack",
		[TCP_CONNTRACK_TIME_WAIT] = "time-wait",
		[TCP_CONNTRACK_CLOSE] = "closed",
		[TCP_CONNTRACK_SYN_SENT2] = "syn-sent",
	};

	if (ct->protocol != IPPROTO_TCP || ct->tcp_state >= sizeof(states) / sizeof(states[0]) ||
	    !states[ct->tcp_state])
		return "";
	return states[ct->tcp_state];
}
