/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Namespace, interface and thread of the health service's way: see portal.h. */
#include "vswitch/portal/portal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "vswitch/datapath/dataplane_impl.h"
#include "vswitch/datapath/frame.h"
#include "vswitch/datapath/probe.h"
#include "vswitch/io/netns.h"
#include "vswitch/policy/portal.h"
#include "vswitch/portal/desk.h"
#include "vswitch/portal/hear.h"

#define IFNAME       "portal"
#define BURST        32
#define FRAME_MAX    (VSW_DESK_PACKET_MAX + VSW_DESK_HEADER_MAX)
#define HELD_MAX     64 /* ports whose leases wait at the same time */
#define HELD_LOOK_MS 10

struct vsw_portal {
	struct vsw_dataplane *dp;
	struct vsw_portal_queue queue;
	int netns_fd, tun_fd;
	bool stop; /* atomic */
	bool runs;
	pthread_t thread;
	struct vsw_portal_stats stats; /* the thread's */
	struct vsw_desk *desks[VSW_PORTS_MAX];
	/* DHCP */
	int heard_fd[2]; /* the control thread's end, ours */
	struct vsw_hear *hears[VSW_PORTS_MAX];
	uint16_t held[HELD_MAX]; /* ports with an answer that waits */
	unsigned int n_held;
};

/* ---- the thread ---- */

static uint32_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint32_t)((uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000);
}

static struct vsw_desk *desk_of(struct vsw_portal *p, uint32_t ticket, bool make)
{
	struct vsw_desk **d = &p->desks[VSW_TICKET_INDEX(ticket)];

	if (!*d && make)
		*d = calloc(1, sizeof(**d));
	if (!*d)
		return NULL;
	if ((*d)->ticket != ticket) {
		if (!make)
			return NULL;
		vsw_desk_init(*d, ticket);
	}
	return *d;
}

static void send_out(struct vsw_portal *p, uint32_t ticket, const uint8_t *frame, int size,
		     uint64_t *count)
{
	if (size > 0 && vsw_own_send(p->dp, (uint16_t)VSW_TICKET_INDEX(ticket), ticket, true, frame,
				     (uint16_t)size) == 0)
		(*count)++;
}

/* ---- DHCP ---- */

static struct vsw_hear *hear_of(struct vsw_portal *p, uint32_t ticket, bool make)
{
	struct vsw_hear **h = &p->hears[VSW_TICKET_INDEX(ticket)];

	if (!*h && make)
		*h = calloc(1, sizeof(**h));
	if (*h && (*h)->ticket != ticket) {
		if (!make)
			return NULL;
		vsw_hear_init(*h, ticket);
	}
	return *h;
}

static void question_in(struct vsw_portal *p, uint32_t ticket, const uint8_t *frame, uint32_t size)
{
	static struct nap_dhcp_message m; /* large; one thread */
	struct {
		struct vsw_heard_note note;
		uint8_t soh[FRAME_MAX];
	} said = {.note = {.ticket = ticket}};
	struct vsw_hear *h = hear_of(p, ticket, true);
	const uint8_t *soh = NULL;
	uint16_t soh_size = 0;
	enum vsw_heard heard;

	if (!h)
		return;
	heard = vsw_hear_question(h, frame, size, now_ms(), &m, &soh, &soh_size);
	p->stats.refused += heard == VSW_HEARD_FOREIGN || heard == VSW_HEARD_BROKEN;
	if (heard != VSW_HEARD_STATEMENT && heard != VSW_HEARD_FOREIGN)
		return;
	p->stats.heard += heard == VSW_HEARD_STATEMENT;
	said.note.xid = m.xid;
	said.note.foreign = heard == VSW_HEARD_FOREIGN;
	if (heard == VSW_HEARD_STATEMENT && soh_size <= sizeof(said.soh)) {
		said.note.size = soh_size;
		memcpy(said.soh, soh, soh_size);
	}
	/* an engine that has too much to do hears of it with the next message; the lease does not wait */
	if (send(p->heard_fd[1], &said, offsetof(typeof(said), soh) + said.note.size,
		 MSG_DONTWAIT) < 0)
		vsw_hear_judged(h, m.xid, said.soh, 0);
}

/* What waits is looked at again and again; there is no room for one more: it goes at once. */
static void hold(struct vsw_portal *p, uint32_t ticket, struct vsw_hear *h)
{
	uint8_t out[FRAME_MAX];
	bool amended;
	int r;

	if (p->n_held < HELD_MAX) {
		p->held[p->n_held++] = (uint16_t)VSW_TICKET_INDEX(ticket);
		return;
	}
	r = vsw_hear_release(h, h->held_ms + VSW_HEAR_WAIT_MS, out, &amended);
	send_out(p, ticket, out, r, &p->stats.out);
}

static void answer_in(struct vsw_portal *p, uint32_t ticket, const uint8_t *frame, uint32_t size)
{
	static struct nap_dhcp_message m;
	struct vsw_hear *h = hear_of(p, ticket, false);
	uint8_t out[FRAME_MAX];
	bool amended = false;
	int r = h ? vsw_hear_answer(h, frame, size, now_ms(), &m, out, &amended) : -ENOENT;

	if (r == 0)
		hold(p, ticket, h);
	else if (r > 0)
		send_out(p, ticket, out, r, amended ? &p->stats.amended : &p->stats.out);
	else
		send_out(p, ticket, frame, (int)size, &p->stats.out);
}

static unsigned int drain_heard(struct vsw_portal *p)
{
	struct {
		struct vsw_heard_note note;
		uint8_t answer[VSW_HEAR_ANSWER];
	} said;
	unsigned int n;

	for (n = 0; n < BURST; n++) {
		ssize_t size = recv(p->heard_fd[1], &said, sizeof(said), MSG_DONTWAIT);
		struct vsw_hear *h;

		if (size < (ssize_t)offsetof(typeof(said), answer) ||
		    said.note.size > size - (ssize_t)offsetof(typeof(said), answer))
			break;
		h = hear_of(p, said.note.ticket, false);
		if (h)
			vsw_hear_judged(h, said.note.xid, said.answer, said.note.size);
	}
	return n;
}

static unsigned int release_held(struct vsw_portal *p)
{
	unsigned int kept = 0, n = p->n_held;
	uint8_t out[FRAME_MAX];

	for (unsigned int i = 0; i < n; i++) {
		struct vsw_hear *h = p->hears[p->held[i]];
		bool amended;
		int r = vsw_hear_release(h, now_ms(), out, &amended);

		send_out(p, h->ticket, out, r, amended ? &p->stats.amended : &p->stats.out);
		if (h->held_size)
			p->held[kept++] = p->held[i];
	}
	p->n_held = kept;
	return n - kept;
}

/* ---- frames and packets ---- */

static void frame_in(struct vsw_portal *p, uint32_t ticket, unsigned int class, uint8_t *frame,
		     uint32_t size)
{
	struct vsw_desk *d;
	uint8_t answer[128], *ip;
	uint32_t ip_size;
	int r;

	if (class == VSW_HEAR_QUESTION) {
		question_in(p, ticket, frame, size);
		return;
	}
	if (class == VSW_HEAR_ANSWERS) {
		answer_in(p, ticket, frame, size);
		return;
	}
	if (class == NAP_SERVE_LINK || class == NAP_SERVE_RESET) {
		r = vsw_desk_answer(frame, size, (enum nap_class) class, answer);
		if (r > 0 && vsw_own_send(p->dp, (uint16_t)VSW_TICKET_INDEX(ticket), ticket, true,
					  answer, (uint16_t)r) == 0)
			p->stats.answers++;
		else
			p->stats.refused++;
		return;
	}
	d = desk_of(p, ticket, true);
	r = d ? vsw_desk_in(d, frame, size, (enum nap_class) class, now_ms(), &ip, &ip_size)
	      : -ENOMEM;
	p->stats.full += r == -ENOSPC;
	p->stats.refused += r < 0 && r != -ENOSPC;
	/* an interface that takes no more loses it: TCP says it again */
	if (r == 0 && write(p->tun_fd, ip, ip_size) == (ssize_t)ip_size)
		p->stats.in++;
}

/* A frame with all that its sender left undone finished, and cut to size. Takes @m. */
static void mbuf_in(struct vsw_portal *p, struct rte_mbuf *m)
{
	struct rte_mbuf *part[VSW_GSO_MAX_SEGS];
	unsigned int class = m->vlan_tci;
	uint32_t ticket = m->hash.usr;
	uint8_t frame[FRAME_MAX];
	int n;

	m->vlan_tci = 0;
	n = vsw_offload_prepare(m, 0, FRAME_MAX, p->dp->env.pool, part, VSW_GSO_MAX_SEGS);
	if (n < 0) {
		p->stats.refused++;
		rte_pktmbuf_free(m);
		return;
	}
	for (int i = 0; i < n; i++) {
		uint32_t size = part[i]->pkt_len;
		const void *d =
			size <= sizeof(frame) ? rte_pktmbuf_read(part[i], 0, size, frame) : NULL;

		/* copied once, then checked */
		if (d && d != frame)
			memcpy(frame, d, size);
		if (d)
			frame_in(p, ticket, class, frame, size);
		rte_pktmbuf_free(part[i]);
	}
}

static unsigned int drain_queue(struct vsw_portal *p)
{
	struct rte_mbuf *m[BURST];
	unsigned int n = rte_ring_dequeue_burst(p->queue.ring, (void **)m, BURST, NULL);

	for (unsigned int i = 0; i < n; i++)
		mbuf_in(p, m[i]);
	return n;
}

static unsigned int drain_tun(struct vsw_portal *p)
{
	uint8_t ip[VSW_DESK_PACKET_MAX], frame[FRAME_MAX + 64];
	unsigned int n;

	for (n = 0; n < BURST; n++) {
		ssize_t size = read(p->tun_fd, ip, sizeof(ip));
		uint32_t ticket = size > 0 ? vsw_desk_ticket(ip, (uint32_t)size) : 0;
		struct vsw_desk *d;
		int r;

		if (size <= 0)
			break;
		d = ticket ? desk_of(p, ticket, false) : NULL;
		r = d ? vsw_desk_out(d, ip, (uint32_t)size, now_ms(), frame) : -ENOENT;
		send_out(p, ticket, frame, r, &p->stats.out);
	}
	return n;
}

static void rest(struct vsw_portal *p)
{
	struct pollfd fds[] = {{.fd = p->queue.wake_fd, .events = POLLIN},
			       {.fd = p->tun_fd, .events = POLLIN},
			       {.fd = p->heard_fd[1], .events = POLLIN}};
	uint64_t count;

	__atomic_store_n(&p->queue.asleep, true, __ATOMIC_SEQ_CST);
	/* what came before a worker could see that we sleep */
	if (rte_ring_empty(p->queue.ring) && !__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE))
		poll(fds, 3, p->n_held ? HELD_LOOK_MS : -1);
	__atomic_store_n(&p->queue.asleep, false, __ATOMIC_SEQ_CST);
	if (fds[0].revents && read(p->queue.wake_fd, &count, sizeof(count)) < 0)
		return;
}

static void *run(void *arg)
{
	struct vsw_portal *p = arg;

	prctl(PR_SET_NAME, "vsw-portal");
	while (!__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE))
		if (drain_queue(p) + drain_tun(p) + drain_heard(p) + release_held(p) == 0)
			rest(p);
	return NULL;
}

/* ---- the namespace ---- */

static void set_sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	/* what cannot be set stays as the kernel has it: slower, not wrong */
	if (fd >= 0) {
		if (write(fd, value, strlen(value)) < 0)
			errno = 0;
		close(fd);
	}
}

static int set_ipv4(int s, struct ifreq *ifr)
{
	struct sockaddr_in *a = (struct sockaddr_in *)&ifr->ifr_addr;

	a->sin_family = AF_INET;
	a->sin_addr.s_addr = htonl(VSW_DESK_IPV4 + VSW_DESK_SERVICE);
	if (ioctl(s, SIOCSIFADDR, ifr) < 0)
		return -errno;
	a->sin_addr.s_addr = htonl(~0u << VSW_TICKET_BITS);
	return ioctl(s, SIOCSIFNETMASK, ifr) < 0 ? -errno : 0;
}

/* A machine without IPv6 has guests without it, too, as far as the service is concerned. */
static void set_ipv6(int index)
{
	struct in6_ifreq r = {.ifr6_addr.s6_addr = VSW_DESK_IPV6_NET,
			      .ifr6_prefixlen = 64,
			      .ifr6_ifindex = index};
	int s = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	r.ifr6_addr.s6_addr[15] = VSW_DESK_SERVICE;
	set_sysctl("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0");
	set_sysctl("/proc/sys/net/ipv6/conf/" IFNAME "/disable_ipv6", "0");
	if (s < 0)
		return;
	if (ioctl(s, SIOCSIFADDR, &r) < 0)
		errno = 0;
	close(s);
}

static int dress(int fd)
{
	struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI, .ifr_name = IFNAME};
	int s, r = 0;

	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return -errno;
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -errno;
	ifr.ifr_mtu = VSW_DESK_MTU;
	if (ioctl(s, SIOCSIFMTU, &ifr) < 0)
		r = -errno;
	if (!r)
		r = set_ipv4(s, &ifr);
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (!r && ioctl(s, SIOCSIFFLAGS, &ifr) < 0)
		r = -errno;
	if (!r)
		set_ipv6((int)if_nametoindex(IFNAME));
	close(s);
	return r;
}

struct made {
	int netns_fd, tun_fd, error;
};

static void *make_namespace(void *arg)
{
	struct made *m = arg;

	m->netns_fd = m->tun_fd = -1;
	if (unshare(CLONE_NEWNET) < 0) {
		m->error = errno;
		return NULL;
	}
	m->netns_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	m->tun_fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	m->error = m->netns_fd < 0 || m->tun_fd < 0 ? errno : -dress(m->tun_fd);
	/* a guest that closes and opens again must not meet what is left of before */
	set_sysctl("/proc/sys/net/ipv4/tcp_max_tw_buckets", "0");
	return NULL;
}

static int open_namespace(struct vsw_portal *p, struct vd_err *reterr)
{
	struct made m = {-1, -1, 0};
	pthread_t t;
	int r = -pthread_create(&t, NULL, make_namespace, &m);

	if (r == 0) {
		pthread_join(t, NULL);
		r = -m.error;
	}
	p->netns_fd = m.netns_fd;
	p->tun_fd = m.tun_fd;
	if (r < 0)
		vd_err_set(reterr, r, VD_E_SYSTEM, "quarantine/portal", "modprobe tun",
			   "the health service has no interface: %s", strerror(-r));
	return r;
}

/* ---- from outside ---- */

int vsw_portal_open(struct vsw_dataplane *dp, struct vsw_portal **ret, struct vd_err *reterr)
{
	struct vsw_portal *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	p->dp = dp;
	p->netns_fd = p->tun_fd = p->heard_fd[0] = p->heard_fd[1] = -1;
	p->queue.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->queue.ring =
		rte_ring_create("vsw-portal", VSW_PORTAL_RING, SOCKET_ID_ANY, RING_F_SC_DEQ);
	r = p->queue.wake_fd < 0 || !p->queue.ring ? -ENOMEM : 0;
	if (r < 0)
		vd_err_set(reterr, r, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	if (r == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->heard_fd) < 0)
		r = vd_err_set(reterr, -errno, VD_E_SYSTEM, "quarantine/portal", NULL,
			       "the health service has no socket: %m");
	if (r == 0)
		r = open_namespace(p, reterr);
	if (r == 0)
		r = -pthread_create(&p->thread, NULL, run, p);
	if (r < 0) {
		vsw_portal_close(p);
		return r;
	}
	p->runs = true;
	__atomic_store_n(&dp->portal, &p->queue, __ATOMIC_RELEASE);
	*ret = p;
	return 0;
}

void vsw_portal_close(struct vsw_portal *p)
{
	uint64_t one = 1;
	struct rte_mbuf *m;

	if (!p)
		return;
	if (p->runs) {
		__atomic_store_n(&p->dp->portal, NULL, __ATOMIC_RELEASE);
		vsw_dataplane_quiesce(p->dp);
		__atomic_store_n(&p->stop, true, __ATOMIC_RELEASE);
		if (write(p->queue.wake_fd, &one, sizeof(one)) < 0)
			errno = 0; /* full: it is awake already */
		pthread_join(p->thread, NULL);
	}
	while (p->queue.ring && rte_ring_dequeue(p->queue.ring, (void **)&m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(p->queue.ring);
	for (unsigned int i = 0; i < VSW_PORTS_MAX; i++) {
		free(p->desks[i]);
		free(p->hears[i]);
	}
	for (unsigned int i = 0; i < 2; i++)
		if (p->heard_fd[i] >= 0)
			close(p->heard_fd[i]);
	if (p->queue.wake_fd >= 0)
		close(p->queue.wake_fd);
	if (p->tun_fd >= 0)
		close(p->tun_fd);
	if (p->netns_fd >= 0)
		close(p->netns_fd);
	free(p);
}

int vsw_portal_heard(const struct vsw_portal *p)
{
	return p->heard_fd[0];
}

int vsw_portal_netns(const struct vsw_portal *p)
{
	return p->netns_fd;
}

void vsw_portal_stats_get(const struct vsw_portal *p, struct vsw_portal_stats *ret)
{
	*ret = (struct vsw_portal_stats){
		.in = __atomic_load_n(&p->stats.in, __ATOMIC_RELAXED),
		.out = __atomic_load_n(&p->stats.out, __ATOMIC_RELAXED),
		.answers = __atomic_load_n(&p->stats.answers, __ATOMIC_RELAXED),
		.refused = __atomic_load_n(&p->stats.refused, __ATOMIC_RELAXED),
		.heard = __atomic_load_n(&p->stats.heard, __ATOMIC_RELAXED),
		.amended = __atomic_load_n(&p->stats.amended, __ATOMIC_RELAXED),
		.full = __atomic_load_n(&p->stats.full, __ATOMIC_RELAXED),
	};
}
