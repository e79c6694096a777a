/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cuts a port again and again while many flows run through it in both directions, and looks at what its
 * frames' capture says: none may have been delivered after the answer to the command.
 *
 *   cut-meter SOCKET PORT FLOWS CUTS PPS NETNS-A IF-A MAC-A NETNS-B IF-B MAC-B
 *
 * A is the port that is cut, B the other end. Every flow (UDP) is seen in both directions before the first
 * cut. Frames' times are the kernel's at the moment when the switch hands them over. Prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MAGIC      0x76637574u
#define FRAME_SIZE 64
#define BATCH      32
#define AT_ID      46 /* behind Ethernet, IPv4, UDP and the magic */
#define QUIET_MS   20
#define LIMIT_MS   20000

struct side {
	int fd;
	uint8_t mac[6];
	uint8_t ip[4];
	struct side *peer;
	/* what was received */
	uint8_t *seen; /* a bit a flow */
	uint32_t n_seen;
	uint64_t n;       /* atomic */
	uint64_t last_ns; /* atomic; CLOCK_REALTIME of the last frame */
};

static struct side sides[2];
static uint32_t n_flows;
static unsigned int pps;
static bool stop;     /* atomic */
static bool fill = 1; /* atomic: as fast as it goes */

static void die(const char *what)
{
	fprintf(stderr, "cut-meter: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void sleep_ms(unsigned int ms)
{
	struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	nanosleep(&ts, NULL);
}

/* ---- frames ---- */

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void make_frame(const struct side *from, uint32_t flow, uint8_t *d)
{
	bool a = from == &sides[0];
	unsigned int mine = 1024 + flow % 50000, other = 5000 + flow / 50000;
	uint32_t sum = 0;

	memset(d, 0, FRAME_SIZE);
	memcpy(d, from->peer->mac, 6);
	memcpy(d + 6, from->mac, 6);
	put16(d + 12, ETHERTYPE_IP);
	d[14] = 0x45;
	put16(d + 16, FRAME_SIZE - 14);
	d[22] = 64;
	d[23] = IPPROTO_UDP;
	memcpy(d + 26, from->ip, 4);
	memcpy(d + 30, from->peer->ip, 4);
	for (unsigned int i = 14; i < 34; i += 2)
		sum += (uint32_t)(d[i] << 8 | d[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(d + 24, ~(sum + (sum >> 16)) & 0xffff);
	put16(d + 34, a ? mine : other);
	put16(d + 36, a ? other : mine);
	put16(d + 38, FRAME_SIZE - 34);
	put32(d + AT_ID - 4, MAGIC);
	put32(d + AT_ID, flow);
}

static bool next_flow(const struct side *s, uint32_t *flow)
{
	const struct side *to = s->peer;

	for (uint32_t i = 0; i < n_flows; i++) {
		*flow = (*flow + 1) % n_flows;
		/* while filling: what did not arrive yet; the answers only of what was asked */
		if (!__atomic_load_n(&fill, __ATOMIC_ACQUIRE))
			return true;
		if (!(to->seen[*flow / 8] >> (*flow % 8) & 1) &&
		    (s == &sides[0] || s->seen[*flow / 8] >> (*flow % 8) & 1))
			return true;
	}
	return false;
}

static void *sender(void *arg)
{
	struct side *s = arg;
	static __thread uint8_t d[BATCH][FRAME_SIZE];
	struct iovec iov[BATCH];
	struct mmsghdr m[BATCH];
	uint64_t due = now_ns(CLOCK_MONOTONIC);
	uint32_t flow = 0;

	memset(m, 0, sizeof(m));
	for (unsigned int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){d[i], FRAME_SIZE};
		m[i].msg_hdr.msg_iov = &iov[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		unsigned int rate = __atomic_load_n(&fill, __ATOMIC_ACQUIRE) ? 60000 : pps, n = 0;
		uint64_t now = now_ns(CLOCK_MONOTONIC);

		while (n < BATCH && next_flow(s, &flow))
			make_frame(s, flow, d[n++]);
		if (!n || sendmmsg(s->fd, m, n, 0) < 0)
			sleep_ms(1); /* the interface's queue is full, or all have arrived */
		due += UINT64_C(1000000000) / rate * BATCH;
		if (due > now)
			usleep((useconds_t)((due - now) / 1000));
		else if (now - due > 50000000)
			due = now;
	}
	return NULL;
}

static void note(struct side *s, struct msghdr *h, const uint8_t *d, size_t size)
{
	uint64_t ns = 0;
	uint32_t flow;

	if (size < FRAME_SIZE || get32(d + AT_ID - 4) != MAGIC)
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec ts;

			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
			ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
		}
	flow = get32(d + AT_ID);
	if (flow < n_flows && !(s->seen[flow / 8] >> (flow % 8) & 1)) {
		s->seen[flow / 8] |= (uint8_t)(1 << (flow % 8));
		__atomic_fetch_add(&s->n_seen, 1, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&s->last_ns, ns, __ATOMIC_RELEASE);
	__atomic_fetch_add(&s->n, 1, __ATOMIC_RELEASE);
}

static void *receiver(void *arg)
{
	static __thread uint8_t d[BATCH][128], control[BATCH][64];
	struct side *s = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		struct iovec iov[BATCH];
		struct mmsghdr m[BATCH];
		int n;

		for (unsigned int i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){d[i], sizeof(d[i])};
			m[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i],
						       .msg_iovlen = 1,
						       .msg_control = control[i],
						       .msg_controllen = sizeof(control[i])};
		}
		n = recvmmsg(s->fd, m, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++)
			note(s, &m[i].msg_hdr, d[i], m[i].msg_len);
	}
	return NULL;
}

/* ---- the daemon ---- */

static int rpc_fd;

static void rpc(const char *method, const char *port, const char *more)
{
	char line[512], answer[65536];
	size_t n = 0;
	int size = snprintf(line, sizeof(line),
			    "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"%s\", \"params\": "
			    "{\"name\": \"%s\"%s}}\n",
			    method, port, more);

	if (write(rpc_fd, line, (size_t)size) != size)
		die("write to the daemon");
	do {
		ssize_t got = read(rpc_fd, answer + n, sizeof(answer) - 1 - n);

		if (got <= 0)
			die("read from the daemon");
		n += (size_t)got;
	} while (answer[n - 1] != '\n' && n < sizeof(answer) - 1);
	answer[n] = '\0';
	if (!strstr(answer, "\"result\"")) {
		fprintf(stderr, "cut-meter: %s: %s", method, answer);
		exit(1);
	}
}

static void connect_daemon(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	rpc_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (rpc_fd < 0 || connect(rpc_fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		die(path);
}

/* ---- set-up ---- */

static void open_side(struct side *s, char **argv, uint8_t host)
{
	struct sockaddr_ll ll = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int one = 1, size = 32 << 20, ns;
	struct timeval tv = {.tv_usec = 50000};
	char path[256];

	snprintf(path, sizeof(path), "/run/netns/%s", argv[0]);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET) < 0)
		die(path);
	s->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	ll.sll_ifindex = (int)if_nametoindex(argv[1]);
	if (s->fd < 0 || !ll.sll_ifindex || bind(s->fd, (struct sockaddr *)&ll, sizeof(ll)) < 0 ||
	    setsockopt(s->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) < 0 ||
	    setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
	    setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0)
		die(argv[1]);
	if (sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &s->mac[0], &s->mac[1], &s->mac[2],
		   &s->mac[3], &s->mac[4], &s->mac[5]) != 6)
		die(argv[2]);
	memcpy(s->ip, (uint8_t[]){10, 0, 0, host}, 4);
	s->seen = calloc(n_flows / 8 + 1, 1);
	if (!s->seen)
		die("memory");
	close(ns);
}

static void wait_filled(void)
{
	uint64_t limit = now_ns(CLOCK_MONOTONIC) + UINT64_C(6) * LIMIT_MS * 1000000;

	while (__atomic_load_n(&sides[0].n_seen, __ATOMIC_ACQUIRE) < n_flows ||
	       __atomic_load_n(&sides[1].n_seen, __ATOMIC_ACQUIRE) < n_flows) {
		if (now_ns(CLOCK_MONOTONIC) > limit) {
			fprintf(stderr, "cut-meter: of %u flows %u and %u were seen\n", n_flows,
				sides[0].n_seen, sides[1].n_seen);
			exit(1);
		}
		sleep_ms(5);
	}
	__atomic_store_n(&fill, false, __ATOMIC_RELEASE);
}

/* Frames come again, in both directions. Returns microseconds. */
static uint64_t wait_moving(void)
{
	uint64_t a = __atomic_load_n(&sides[0].n, __ATOMIC_ACQUIRE);
	uint64_t b = __atomic_load_n(&sides[1].n, __ATOMIC_ACQUIRE);
	uint64_t began = now_ns(CLOCK_MONOTONIC);

	while (__atomic_load_n(&sides[0].n, __ATOMIC_ACQUIRE) == a ||
	       __atomic_load_n(&sides[1].n, __ATOMIC_ACQUIRE) == b) {
		if (now_ns(CLOCK_MONOTONIC) - began > UINT64_C(1000000) * LIMIT_MS) {
			fprintf(stderr, "cut-meter: nothing moves after a release\n");
			exit(1);
		}
		usleep(200);
	}
	return (now_ns(CLOCK_MONOTONIC) - began) / 1000;
}

/* Until the receivers have read all that there is. */
static void wait_quiet(void)
{
	uint64_t n, before;

	do {
		before = __atomic_load_n(&sides[0].n, __ATOMIC_ACQUIRE) +
			 __atomic_load_n(&sides[1].n, __ATOMIC_ACQUIRE);
		sleep_ms(QUIET_MS);
		n = __atomic_load_n(&sides[0].n, __ATOMIC_ACQUIRE) +
		    __atomic_load_n(&sides[1].n, __ATOMIC_ACQUIRE);
	} while (n != before);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print_times(const char *name, uint64_t *us, unsigned int n)
{
	qsort(us, n, sizeof(*us), by_size);
	printf("\"%s\": {\"p50\": %lu, \"p99\": %lu, \"max\": %lu}, ", name,
	       (unsigned long)us[n / 2], (unsigned long)us[(n * 99 + 99) / 100 - 1],
	       (unsigned long)us[n - 1]);
}

int main(int argc, char **argv)
{
	unsigned int n_cuts, late = 0;
	uint64_t *ack, *back, worst_ns = 0;
	pthread_t t;

	if (argc != 12)
		return 2;
	n_flows = (uint32_t)atoi(argv[3]);
	n_cuts = (unsigned int)atoi(argv[4]);
	pps = (unsigned int)atoi(argv[5]);
	connect_daemon(argv[1]);
	ack = calloc(n_cuts + 1, sizeof(*ack));
	back = calloc(n_cuts + 1, sizeof(*back));
	if (!ack || !back || !n_flows || !n_cuts || !pps)
		return 2;
	sides[0].peer = &sides[1];
	sides[1].peer = &sides[0];
	open_side(&sides[0], argv + 6, 20);
	open_side(&sides[1], argv + 9, 10);
	for (unsigned int i = 0; i < 2; i++)
		if (pthread_create(&t, NULL, receiver, &sides[i]) ||
		    pthread_create(&t, NULL, sender, &sides[i]))
			die("thread");
	wait_filled();
	for (unsigned int i = 0; i < n_cuts; i++) {
		uint64_t began, answered;

		wait_moving();
		began = now_ns(CLOCK_MONOTONIC);
		rpc("nap.isolate", argv[2], ", \"reason\": \"cut-meter\"");
		answered = now_ns(CLOCK_REALTIME);
		ack[i] = (now_ns(CLOCK_MONOTONIC) - began) / 1000;
		wait_quiet();
		for (unsigned int k = 0; k < 2; k++)
			if (sides[k].last_ns > answered) {
				late++;
				if (sides[k].last_ns - answered > worst_ns)
					worst_ns = sides[k].last_ns - answered;
			}
		rpc("nap.release", argv[2], "");
		back[i] = wait_moving();
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	printf("{\"flows\": %u, \"cuts\": %u, ", n_flows, n_cuts);
	print_times("ack_us", ack, n_cuts);
	print_times("resumed_us", back, n_cuts);
	printf("\"frames\": %lu, \"late\": %u, \"worst_late_us\": %lu}\n",
	       (unsigned long)(sides[0].n + sides[1].n), late, (unsigned long)(worst_ns / 1000));
	return 0;
}
