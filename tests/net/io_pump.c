/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two back ends and a wire between them: what comes out of one goes into the other, prepared as the
 * data plane prepares it. The back ends' tests need no switch and no daemon this way.
 *
 *   io-pump [--mtu N] [--mac-a MAC] [--mac-b MAC] [--state FILE] [--restore] [--poll] [--wait]
 *           [--idle-exit MS] DEVICE-A DEVICE-B
 *
 * --wait: moves nothing until both are connected. --clean: only vsw_io_clean() what FILE tells.
 * Prints "ready" when both are open, and on SIGTERM, SIGINT or idle exit a JSON object: counters and what
 * describe() says of both. SIGUSR1 sets both links down, SIGUSR2 up again. Exit status 1 and the error text
 * when a device cannot be opened.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <rte_eal.h>
#include <rte_mbuf.h>

#include "vswitch/datapath/offload.h"
#include "vswitch/io/io.h"

#define BURST 64

struct side {
	struct vsw_io *io;
	uint64_t rx, rx_bytes, rx_super, tx, prepared, dropped, too_big;
};

static volatile sig_atomic_t stop, link_change; /* link_change: 1 down, 2 up */
static uint64_t loops;                          /* atomic; a pass of the loop is a grace period */

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		link_change = 1;
	else if (sig == SIGUSR2)
		link_change = 2;
	else
		stop = 1;
}

static void notify(void *ctx, struct vsw_io *io)
{
}

static void quiesce(void *ctx)
{
	uint64_t at = __atomic_load_n(&loops, __ATOMIC_ACQUIRE);

	while (!stop && __atomic_load_n(&loops, __ATOMIC_ACQUIRE) < at + 2)
		usleep(1000);
}

static void deliver(struct side *to, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t sent = 0;

	/* A real worker drops what a full device does not take; here TCP tests want to see the
	 * device's own behaviour, so the wire does the same. */
	if (to->io->caps.connected)
		sent = to->io->ops->tx(to->io, 0, pkts, n);
	to->tx += sent;
	to->dropped += n - sent;
	rte_pktmbuf_free_bulk(pkts + sent, n - sent);
}

static uint16_t pump(struct side *from, struct side *to, uint16_t queue)
{
	struct rte_mbuf *pkts[BURST], *out[VSW_GSO_MAX_SEGS], *plain[BURST];
	uint16_t n = from->io->ops->rx(from->io, queue, pkts, BURST), n_plain = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct vsw_io_caps *caps = &to->io->caps;
		struct rte_mbuf *m = pkts[i];
		int k;

		from->rx++;
		from->rx_bytes += m->pkt_len;
		from->rx_super += !!(m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG));
		if (!(m->ol_flags & VSW_TX_REQUESTS & ~caps->tx_offloads) &&
		    m->pkt_len <= caps->max_frame) {
			plain[n_plain++] = m;
			continue;
		}
		k = vsw_offload_prepare(m, caps->tx_offloads, caps->max_frame, to->io->env->pool,
					out, VSW_GSO_MAX_SEGS);
		if (k < 0) {
			to->too_big++;
			rte_pktmbuf_free(m);
			continue;
		}
		to->prepared++;
		deliver(to, plain, n_plain);
		n_plain = 0;
		deliver(to, out, (uint16_t)k);
	}
	deliver(to, plain, n_plain);
	return n;
}

static bool armed_work(struct side *s, bool on)
{
	bool work = false;

	for (uint16_t q = 0; q < s->io->caps.n_rxq && s->io->ops->arm; q++)
		work |= s->io->ops->arm(s->io, q, on);
	return work;
}

static void wait_for_work(struct side *a, struct side *b)
{
	struct pollfd fds[2 * VSW_QUEUES_MAX];
	nfds_t n = 0;
	int timeout_ms = 100;
	bool work;

	for (int k = 0; k < 2; k++) {
		struct vsw_io *io = k ? b->io : a->io;

		for (uint16_t q = 0; q < io->caps.n_rxq; q++) {
			int fd = io->ops->wait_fd(io, q);

			if (fd < 0)
				timeout_ms = 1;
			else
				fds[n++] = (struct pollfd){.fd = fd, .events = POLLIN};
		}
	}
	work = armed_work(a, true);
	work = armed_work(b, true) || work;
	if (!work)
		poll(fds, n, timeout_ms);
	armed_work(a, false);
	armed_work(b, false);
}

static void set_links(struct side *s, bool up)
{
	if (s->io->ops->set_link)
		s->io->ops->set_link(s->io, up, NULL);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void run(struct side *a, struct side *b, bool busy, bool wait_connected,
		unsigned int idle_exit_ms)
{
	uint64_t last = now_ms();

	while (!stop) {
		uint16_t n = 0;

		if (wait_connected && !(a->io->caps.connected && b->io->caps.connected)) {
			usleep(1000);
			/* an idle receiver notices its link by looking for frames */
			if (!a->io->caps.connected)
				pump(a, b, 0);
			if (!b->io->caps.connected)
				pump(b, a, 0);
			continue;
		}
		wait_connected = false;

		for (uint16_t q = 0; q < a->io->caps.n_rxq; q++)
			n += pump(a, b, q);
		for (uint16_t q = 0; q < b->io->caps.n_rxq; q++)
			n += pump(b, a, q);
		__atomic_fetch_add(&loops, 1, __ATOMIC_RELEASE);
		if (link_change) {
			set_links(a, link_change == 2);
			set_links(b, link_change == 2);
			link_change = 0;
		}
		if (n && idle_exit_ms)
			last = now_ms();
		else if (idle_exit_ms && now_ms() - last > idle_exit_ms)
			break;
		if (!n && !busy)
			wait_for_work(a, b);
	}
}

static json_t *report(struct side *s)
{
	json_t *j = json_object();

	if (s->io->ops->refresh)
		s->io->ops->refresh(s->io);
	s->io->ops->describe(s->io, j);
	json_object_update_new(
		j,
		json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b}", "rx", s->rx,
			  "rx_bytes", s->rx_bytes, "rx_super", s->rx_super, "tx", s->tx, "prepared",
			  s->prepared, "dropped", s->dropped, "too_big", s->too_big,
			  "drops_offload", s->io->rx_drops_offload, "drops_memory",
			  s->io->rx_drops_memory, "tx_errors", s->io->tx_errors, "max_frame",
			  (json_int_t)s->io->caps.max_frame, "connected", s->io->caps.connected));
	return j;
}

static void save_state(const char *path, struct side *a, struct side *b)
{
	json_t *j = json_array();

	for (int k = 0; k < 2; k++) {
		struct vsw_io *io = k ? b->io : a->io;
		json_t *l = io->ops->leftover ? io->ops->leftover(io) : NULL;

		json_array_append_new(j, l ? l : json_null());
	}
	json_dump_file(j, path, 0);
	json_decref(j);
}

struct options {
	struct vd_mac mac[2];
	bool has_mac[2];
	uint16_t mtu_bytes;
	const char *state;
	bool restore, busy, clean, wait_connected;
	unsigned int idle_exit_ms;
};

static void usage(void)
{
	fprintf(stderr,
		"usage: io-pump [--mtu N] [--mac-a MAC] [--mac-b MAC] [--state FILE] [--restore] "
		"[--clean] [--poll] [--wait] [--idle-exit MS] DEVICE-A DEVICE-B\n");
	exit(2);
}

static void parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {{"mtu", 1, NULL, 'm'},       {"mac-a", 1, NULL, 'a'},
					      {"mac-b", 1, NULL, 'b'},     {"state", 1, NULL, 's'},
					      {"restore", 0, NULL, 'r'},   {"poll", 0, NULL, 'p'},
					      {"idle-exit", 1, NULL, 'i'}, {"clean", 0, NULL, 'c'},
					      {"wait", 0, NULL, 'w'},      {NULL, 0, NULL, 0}};
	int c;

	*o = (struct options){.mtu_bytes = 1500};
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'm')
			o->mtu_bytes = (uint16_t)atoi(optarg);
		else if (c == 'a' || c == 'b')
			o->has_mac[c - 'a'] = vd_mac_parse(optarg, &o->mac[c - 'a']) == 0;
		else if (c == 's')
			o->state = optarg;
		else if (c == 'r')
			o->restore = true;
		else if (c == 'c')
			o->clean = true;
		else if (c == 'w')
			o->wait_connected = true;
		else if (c == 'p')
			o->busy = true;
		else if (c == 'i')
			o->idle_exit_ms = (unsigned int)atoi(optarg);
		else
			usage();
	}
	if (argc - optind != 2)
		usage();
}

static void must(int r, struct vd_err *e)
{
	if (r == 0)
		return;
	fprintf(stderr, "error: %s\n  hint: %s\n  code: %s\n", e->message, e->hint,
		vd_code_text(e->code));
	exit(1);
}

static struct vsw_io *open_side(const struct vsw_io_env *env, const struct options *o, int k,
				const char *text, json_t *state)
{
	struct vsw_io_params p = {
		.port_name = k ? "b" : "a",
		.mac = o->mac[k],
		.has_mac = o->has_mac[k],
		.mtu_bytes = o->mtu_bytes,
		.link_up = true,
		.restore = o->restore,
		.leftover = json_array_get(state, (size_t)k),
		.n_workers = 1,
	};
	struct vd_err e = {0};
	struct vsw_io *io;

	must(vsw_device_parse(text, "device", &p.device, &e), &e);
	must(vsw_io_open(env, &p, &io, &e), &e);
	return io;
}

static void eal(const char *program)
{
	char *argv[] = {(char *)(uintptr_t)program,
			"--no-huge",
			"--no-shconf",
			"--no-pci",
			"--no-telemetry",
			"-l",
			"0",
			"-m",
			"512",
			"--log-level",
			"error",
			NULL};

	if (rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv) < 0) {
		fprintf(stderr, "error: no EAL\n");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct sigaction act = {.sa_handler = on_signal};
	struct vsw_io_env env = {.run_dir = "/run", .notify = notify, .quiesce = quiesce};
	struct side a = {0}, b = {0};
	struct options o;
	json_t *state, *out;

	parse_options(argc, argv, &o);
	eal(argv[0]);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGUSR1, &act, NULL);
	sigaction(SIGUSR2, &act, NULL);
	env.pool = rte_pktmbuf_pool_create("pool", 16383, 250, 0, 2048 + RTE_PKTMBUF_HEADROOM,
					   SOCKET_ID_ANY);
	env.big_pool = rte_pktmbuf_pool_create(
		"big", 1023, 64, 0, VSW_IO_BIG_ROOM + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
	if (!env.pool || !env.big_pool)
		return 1;
	state = o.state && (o.restore || o.clean) ? json_load_file(o.state, 0, NULL) : NULL;
	if (o.clean) {
		for (size_t i = 0; i < json_array_size(state); i++)
			vsw_io_clean(&env, json_array_get(state, i));
		return 0;
	}
	a.io = open_side(&env, &o, 0, argv[optind], state);
	b.io = open_side(&env, &o, 1, argv[optind + 1], state);
	if (o.state)
		save_state(o.state, &a, &b);
	printf("ready\n");
	fflush(stdout);
	run(&a, &b, o.busy, o.wait_connected, o.idle_exit_ms);
	out = json_pack("{s:o, s:o}", "a", report(&a), "b", report(&b));
	json_dumpf(out, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	printf("\n");
	json_decref(out);
	json_decref(state);
	a.io->ops->close(a.io);
	b.io->ops->close(b.io);
	rte_eal_cleanup();
	return 0;
}
