/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Learning, throughput windows and ping-pong. */
#include "measure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "place.h"

#define LOOPS_A_CHECK  16    /* loops between two looks at the clock */
#define SAMPLE_EVERY_S 0.025 /* placement samples inside a window */
#define PING_TIMEOUT_S 0.02
#define PING_SAMPLE_S  0.002 /* a ping-pong run is short */
#define PINGS_LOST_MAX 200
#define NEAR_SHARE     0.9
#define ASK_EVERY_US   20     /* a device may learn in its control thread */
#define FIRST_S        2      /* mode new: the first frame may wait for a control thread */
#define SETTLE_S       0.1    /* ... and when nothing came for so long, nothing will */
#define REST_US        100000 /* between windows: a device's control thread may make room */
#define LOOK_S         0.1    /* a short look at the placement before a window */

volatile bool measure_stop;

static uint64_t to_cycles(double seconds)
{
	return (uint64_t)(rte_get_tsc_hz() * seconds);
}

void measure_learn(struct side sides[N_SIDES], const struct gen_options *o)
{
	double cycles_a_frame = rte_get_tsc_hz() / (o->learn_mpps * 1e6);
	uint64_t start, now, end;
	int i;

	for (i = N_SIDES - 1; i >= 0; i--) {
		struct side *s = &sides[i];
		uint32_t n_sent = 0;

		start = rte_rdtsc();
		while (n_sent < o->n_flows && !measure_stop) {
			if ((rte_rdtsc() - start) / cycles_a_frame > n_sent) {
				if (!s->n_pending)
					side_fill(s, 1);
				n_sent += s->n_pending ? side_push(s) : 0;
			}
			side_drain(&sides[SIDE_A], false);
			side_drain(&sides[SIDE_B], false);
		}
	}
	end = rte_rdtsc() + to_cycles(0.05);
	for (now = rte_rdtsc(); now < end; now = rte_rdtsc()) {
		side_drain(&sides[SIDE_A], false);
		side_drain(&sides[SIDE_B], false);
	}
}

void measure_ask(struct side sides[N_SIDES], const struct gen_options *o)
{
	for (int i = 0; i < N_SIDES; i++) {
		uint32_t n = i == SIDE_A ? o->n_hosts : 1;

		for (uint32_t nth = 0; o->gateway[i] && nth < n && !measure_stop; nth++) {
			struct side *s = &sides[i];

			while (!s->n_pending && !measure_stop) {
				side_fill(s, 1);
				side_drain(s, false);
			}
			frame_ask(o, i, nth,
				  rte_pktmbuf_mtod(s->pending[s->first_pending], uint8_t *));
			while (s->n_pending && !measure_stop)
				side_push(s);
			side_drain(s, false);
			rte_delay_us_block(ASK_EVERY_US);
		}
	}
}

struct window {
	double seconds;
	uint64_t n_loops, n_idle;
	struct place_window place;
	struct place_verdict verdict;
};

/* Send and receive for @seconds; sample placement when @w is not NULL. */
static double run_for(struct side sides[N_SIDES], const struct gen_options *o, double seconds,
		      struct window *w)
{
	bool send_a = strcmp(o->dir, "ba") != 0, send_b = strcmp(o->dir, "ab") != 0;
	uint64_t start = rte_rdtsc(), end = start + to_cycles(seconds), now = start, next = start;
	int i;

	while (now < end && !measure_stop) {
		for (i = 0; i < LOOPS_A_CHECK; i++) {
			uint32_t did = 0;

			if (send_a)
				did += side_send(&sides[SIDE_A]);
			if (send_b)
				did += side_send(&sides[SIDE_B]);
			did += side_drain(&sides[SIDE_B], o->reflect);
			did += side_drain(&sides[SIDE_A], false);
			if (w) {
				w->n_loops++;
				w->n_idle += !did;
			}
		}
		now = rte_rdtsc();
		if (w && now >= next) {
			place_sample(&w->place);
			next = now + to_cycles(SAMPLE_EVERY_S);
		}
	}
	return (double)(rte_rdtsc() - start) / rte_get_tsc_hz();
}

static void print_place(const struct place_verdict *v)
{
	printf("\"near\":%.3f,\"c2c_ns\":%.1f,\"self_wait\":%.4f,\"peer_wait\":%.4f,\"steal\":%.4f",
	       v->near, v->c2c_median_ns, v->self_wait, v->peer_wait, v->steal);
}

static bool is_clean(const struct place_verdict *v, const struct gen_options *o)
{
	return (v->near < 0 || v->near >= NEAR_SHARE) && v->self_wait <= o->max_wait &&
	       v->peer_wait <= o->max_wait && v->steal <= 2 * o->max_wait;
}

static void print_hex(const uint8_t *data)
{
	int i;

	putchar('"');
	for (i = 0; i < FRAME_HDR; i++)
		printf("%02x", data[i]);
	putchar('"');
}

static void print_pair(const char *name, double a, double b)
{
	printf("\"%s\":[%.4f,%.4f],", name, a, b);
}

static double ratio(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

static void print_window(const struct side sides[N_SIDES], const struct window *w, bool clean)
{
	const struct side *sa = &sides[SIDE_A], *sb = &sides[SIDE_B];
	const struct side_count *a = &sa->count, *b = &sb->count;
	double us = w->seconds * 1e6, n_rx = a->n_rx + b->n_rx, n_tx = a->n_tx + b->n_tx;

	printf("{\"seconds\":%.4f,\"mpps\":%.4f,", w->seconds, n_rx / us);
	printf("\"loss\":%.5f,\"idle\":%.4f,", n_tx ? 1 - n_rx / n_tx : 0,
	       ratio(w->n_idle, w->n_loops));
	if (a->n_honest_tx)
		printf("\"honest_sent\":%" PRIu64 ",\"honest_loss\":%.6f,", a->n_honest_tx,
		       1 - ratio(b->n_honest, a->n_honest_tx));
	print_pair("tx_mpps", a->n_tx / us, b->n_tx / us);
	print_pair("rx_mpps", a->n_rx / us, b->n_rx / us);
	print_pair("tagged", ratio(a->n_tagged, a->n_rx), ratio(b->n_tagged, b->n_rx));
	print_pair("rx_size", ratio(a->rx_bytes, a->n_rx), ratio(b->rx_bytes, b->n_rx));
	printf("\"sample_size\":[%u,%u],\"sample_zero\":[%d,%d],\"sample\":[", sa->sample_size,
	       sb->sample_size, sa->sample_zero, sb->sample_zero);
	print_hex(sa->sample);
	putchar(',');
	print_hex(sb->sample);
	printf("],");
	print_place(&w->verdict);
	printf(",\"clean\":%s}\n", clean ? "true" : "false");
	fflush(stdout);
}

static void side_reset(struct side *s)
{
	memset(&s->count, 0, sizeof(s->count));
	s->sample_size = 0;
	s->want_sample = true;
}

/* Run unmeasured until the placement is near or @patience_s is over. Return: seconds spent. */
static double await_near(struct side sides[N_SIDES], const struct gen_options *o, struct window *w,
			 double patience_s)
{
	double spent_s = 0;

	while (spent_s < patience_s && o->peer_core >= 0 && !measure_stop) {
		w->place.n_samples = 0;
		spent_s += run_for(sides, o, LOOK_S, w);
		place_end(&w->place, NULL, LOOK_S, o->near_ns, &w->verdict);
		if (w->verdict.near < 0 || w->verdict.near >= NEAR_SHARE)
			break;
	}
	return spent_s;
}

void measure_throughput(struct side sides[N_SIDES], const struct gen_options *o)
{
	static struct window w; /* static: a page of samples does not belong on the stack */
	uint32_t n_clean = 0, i;

	run_for(sides, o, o->warm_s, NULL);
	double patience_s = o->patience_s;

	for (i = 0; i < o->max_windows && n_clean < o->n_windows && !measure_stop; i++) {
		bool clean;

		patience_s -= await_near(sides, o, &w, patience_s);
		side_reset(&sides[SIDE_A]);
		side_reset(&sides[SIDE_B]);
		w.n_loops = w.n_idle = 0;
		place_begin(&w.place, o->watch);
		w.seconds = run_for(sides, o, o->window_s, &w);
		place_end(&w.place, o->watch, w.seconds, o->near_ns, &w.verdict);
		clean = is_clean(&w.verdict, o);
		n_clean += clean;
		print_window(sides, &w, clean);
	}
}

/* ---- every frame begins a flow ---- */

static void fill_new(struct side *s, uint32_t n, uint32_t *next)
{
	uint32_t honest = s->o->honest;

	side_fill(s, n);
	for (uint32_t i = 0; i < s->n_pending; i++) {
		uint8_t *frame = rte_pktmbuf_mtod(s->pending[i], uint8_t *);
		bool old = honest && *next % honest == 0;

		if (old)
			frame_write_old(s->o, SIDE_A, false, frame);
		else
			frame_write(s->o, SIDE_A, *next, frame);
		s->count.n_honest_tx += old;
		++*next;
	}
}

/* One frame of the old flow each way. */
static void ping_flow(struct side sides[N_SIDES], const struct gen_options *o, bool opening)
{
	for (int i = 0; i < N_SIDES; i++) {
		struct side *s = &sides[i];
		uint64_t end = rte_rdtsc() + to_cycles(0.002);

		side_fill(s, 1);
		if (s->n_pending)
			frame_write_old(o, i, opening, rte_pktmbuf_mtod(s->pending[0], uint8_t *));
		while (s->n_pending && !measure_stop)
			side_push(s);
		while (rte_rdtsc() < end) {
			side_drain(&sides[SIDE_A], false);
			side_drain(&sides[SIDE_B], false);
		}
	}
}

/* Send flows *@next to @end, and receive until all are there or nothing comes any more. Return: seconds. */
static double run_new(struct side sides[N_SIDES], uint32_t *next, uint32_t end, struct window *w)
{
	struct side *a = &sides[SIDE_A], *b = &sides[SIDE_B];
	uint64_t start = rte_rdtsc(), last = start, now = start;

	while (now - last < to_cycles(b->count.n_rx ? SETTLE_S : FIRST_S) && !measure_stop) {
		uint32_t did = 0, got;

		if (!a->n_pending && *next < end)
			fill_new(a, RTE_MIN(a->o->burst, end - *next), next);
		if (a->n_pending)
			did = side_push(a);
		got = side_count_honest(b);
		side_drain(a, false);
		w->n_loops++;
		w->n_idle += !did && !got;
		now = rte_rdtsc();
		if (got)
			last = now;
		if (*next >= end && !a->n_pending && b->count.n_rx >= a->count.n_tx)
			break;
	}
	return (double)((last > start ? last : now) - start) / rte_get_tsc_hz();
}

void measure_new(struct side sides[N_SIDES], const struct gen_options *o)
{
	static struct window w;
	uint32_t n_clean = 0, next = 0, i;

	/* the old flow, there and back */
	for (i = 0; i < 8 && o->honest; i++)
		ping_flow(sides, o, i == 0);
	next = 1;
	for (i = 0; i < o->max_windows && n_clean < o->n_windows && !measure_stop; i++) {
		bool clean;

		side_reset(&sides[SIDE_A]);
		side_reset(&sides[SIDE_B]);
		w.n_loops = w.n_idle = 0;
		place_begin(&w.place, o->watch);
		place_sample(&w.place);
		w.seconds = run_new(sides, &next, next + o->n_flows, &w);
		place_sample(&w.place);
		place_end(&w.place, o->watch, w.seconds, o->near_ns, &w.verdict);
		clean = is_clean(&w.verdict, o);
		n_clean += clean;
		print_window(sides, &w, clean);
		usleep(REST_US);
	}
}

/*
 * A ping carries its number in the payload, or a frame left over from learning or from a lost ping would pass for the
 * answer. Its UDP checksum is 0, "not computed" (RFC 768).
 */
#define STAMP_OFFSET 50

static void stamp(struct rte_mbuf *m, uint64_t number)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);
	uint32_t l2_size = frame[12] == 0x81 && frame[13] == 0 ? 18 : 14;

	memset(frame + l2_size + 26, 0, 2); /* 20 bytes of IPv4, 6 of UDP */
	memcpy(frame + STAMP_OFFSET, &number, sizeof(number));
}

/* Wait for the frame with that number on @s; others are dropped. Return: the frame, NULL after PING_TIMEOUT_S. */
static struct rte_mbuf *await(struct side *s, uint64_t number)
{
	uint64_t limit = rte_rdtsc() + to_cycles(PING_TIMEOUT_S);
	struct rte_mbuf *burst[512], *found = NULL;
	uint32_t n, i;

	while (!found && rte_rdtsc() < limit && !measure_stop) {
		n = side_rx(s, burst, 32);
		for (i = 0; i < n; i++) {
			/* the tag may be gone or new by now */
			const uint8_t *at =
				rte_pktmbuf_mtod_offset(burst[i], uint8_t *, STAMP_OFFSET);

			if (!found && (!memcmp(at, &number, 8) || !memcmp(at - 4, &number, 8) ||
				       !memcmp(at + 4, &number, 8)))
				found = burst[i];
			else
				rte_pktmbuf_free(burst[i]);
		}
	}
	return found;
}

static void send_one(struct side *s, uint64_t number)
{
	if (!s->n_pending)
		side_fill(s, 1);
	if (s->n_pending)
		stamp(s->pending[s->first_pending], number);
	while (s->n_pending && !side_push(s) && !measure_stop)
		;
}

/* One round trip. Return: its cycles, 0 when lost. */
static uint64_t ping(struct side sides[N_SIDES], const struct gen_options *o)
{
	static uint64_t number = 0x5649524944000000;
	struct side *a = &sides[SIDE_A], *b = &sides[SIDE_B];
	uint64_t start = rte_rdtsc();
	struct rte_mbuf *m;

	send_one(a, ++number);
	m = await(b, number);
	if (!m)
		return 0;
	if (o->reflect) {
		frame_swap(rte_pktmbuf_mtod(m, uint8_t *));
		while (!side_tx(b, &m, 1) && !measure_stop)
			;
	} else {
		rte_pktmbuf_free(m);
		send_one(b, ++number);
	}
	m = await(a, number);
	rte_pktmbuf_free(m);
	return m ? rte_rdtsc() - start : 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void print_latency(uint64_t *trips, uint32_t n, uint32_t n_lost,
			  const struct place_verdict *v, bool clean)
{
	double us = 1e6 / rte_get_tsc_hz();

	qsort(trips, n, sizeof(*trips), compare);
	printf("{\"pings\":%u,\"lost\":%u,", n, n_lost);
	if (n)
		printf("\"min_us\":%.3f,\"p50_us\":%.3f,\"p90_us\":%.3f,\"p99_us\":%.3f,"
		       "\"max_us\":%.2f,",
		       trips[0] * us, trips[n / 2] * us, trips[(size_t)n * 90 / 100] * us,
		       trips[(size_t)n * 99 / 100] * us, trips[n - 1] * us);
	print_place(v);
	printf(",\"clean\":%s}\n", clean ? "true" : "false");
	fflush(stdout);
}

void measure_latency(struct side sides[N_SIDES], const struct gen_options *o)
{
	static struct window w;
	uint64_t *trips = calloc(o->n_pings + 1, sizeof(*trips)), start, next;
	uint32_t n = 0, n_lost = 0, i;

	if (!trips)
		rte_exit(1, "no memory for %u pings\n", o->n_pings);
	for (i = 0; i < 20; i++)
		ping(sides, o);
	place_begin(&w.place, o->watch);
	start = next = rte_rdtsc();
	for (i = 0; i < o->n_pings && n_lost < PINGS_LOST_MAX && !measure_stop; i++) {
		uint64_t trip;

		if (rte_rdtsc() >= next) {
			place_sample(&w.place);
			next = rte_rdtsc() + to_cycles(PING_SAMPLE_S);
		}
		if (o->gap_us)
			rte_delay_us_block(o->gap_us);
		trip = ping(sides, o);
		if (trip)
			trips[n++] = trip;
		else
			n_lost++;
	}
	w.seconds = (double)(rte_rdtsc() - start) / rte_get_tsc_hz();
	place_end(&w.place, o->watch, w.seconds, o->near_ns, &w.verdict);
	print_latency(trips, n, n_lost, &w.verdict, is_clean(&w.verdict, o));
	free(trips);
}
