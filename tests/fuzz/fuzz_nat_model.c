/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * N34: the translator against a model of what the RFCs ask of it. UDP between few VMs and few remotes, time in leaps. The model
 * keeps lists and searches them; it does not know how ports are chosen, only what is allowed: one endpoint for one inside endpoint
 * (U1), no endpoint for two (U3), one address a VM (U2), filtering as configured (U8), timers (U5, U6), a rest between two VMs
 * (C8), and a refusal only when nothing is free (C11, U11).
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nat/xlat/xlat.h"
#include "tests/fuzz/fuzz_input.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define VM(n)          IP(10, 0, 0, 2 + (n))
#define REMOTE(n)      IP(198, 51, 100, 1 + (n))
#define FIRST_PORT     1024
#define N_PORTS        12 /* of each outside address: few, so that they run out */
#define N_VMS          4
#define STATIC_PORT    1030
#define MAX            512
#define TIMEOUT_S      300
#define HOLD_S         120

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct end {
	uint32_t ip;
	uint16_t port;
};

struct session {
	struct end in, out, rem;
	uint32_t seen; /* seconds */
	bool inbound, used;
};

struct rest {
	struct end out;
	uint32_t since, vm;
};

struct model {
	struct nat_xlat *x;
	struct nat_conf conf;
	struct nat_external external;
	struct nat_map map;
	uint64_t now_ms;
	struct session s[MAX];
	struct rest rests[MAX];
	unsigned int n_rests;
};

static void require(bool good)
{
	if (!good)
		abort();
}

static bool same(struct end a, struct end b)
{
	return a.ip == b.ip && a.port == b.port;
}

static uint32_t now(const struct model *m)
{
	return (uint32_t)(m->now_ms / 1000);
}

static bool is_static(struct end in)
{
	return in.ip == VM(3) && in.port == 80;
}

/* ---- the model's questions ---- */

static struct session *exact(struct model *m, struct end in, struct end rem)
{
	for (unsigned int i = 0; i < MAX; i++)
		if (m->s[i].used && same(m->s[i].in, in) && same(m->s[i].rem, rem))
			return &m->s[i];
	return NULL;
}

static struct session *of_inside(struct model *m, struct end in)
{
	for (unsigned int i = 0; i < MAX; i++)
		if (m->s[i].used && same(m->s[i].in, in))
			return &m->s[i];
	return NULL;
}

static struct session *of_outside(struct model *m, struct end out)
{
	for (unsigned int i = 0; i < MAX; i++)
		if (m->s[i].used && same(m->s[i].out, out))
			return &m->s[i];
	return NULL;
}

static bool rests(const struct model *m, struct end out)
{
	for (unsigned int i = 0; i < m->n_rests; i++)
		if (same(m->rests[i].out, out))
			return true;
	return false;
}

/* May @rem come in to the mapping of @in? */
static bool allowed(struct model *m, struct end in, struct end rem)
{
	if (is_static(in) || m->conf.filter_udp == NAT_FILTER_ENDPOINT)
		return true;
	for (unsigned int i = 0; i < MAX; i++)
		if (m->s[i].used && !m->s[i].inbound && same(m->s[i].in, in) &&
		    m->conf.filter_udp == NAT_FILTER_ADDRESS && m->s[i].rem.ip == rem.ip)
			return true;
	return false;
}

static bool anything_free(struct model *m, uint32_t address)
{
	for (uint16_t p = FIRST_PORT; p < FIRST_PORT + N_PORTS; p++) {
		struct end out = {address, p};

		if (p != STATIC_PORT && !of_outside(m, out) && !rests(m, out))
			return true;
	}
	return false;
}

static void remember(struct model *m, struct end in, struct end out, struct end rem, bool inbound)
{
	for (unsigned int i = 0; i < MAX; i++)
		if (!m->s[i].used) {
			m->s[i] = (struct session){in, out, rem, now(m), inbound, true};
			return;
		}
	abort(); /* there are fewer combinations */
}

/* ---- time ---- */

static void pass(struct model *m, uint32_t s)
{
	unsigned int n = 0;

	m->now_ms += s * 1000ull;
	nat_xlat_tick(m->x, m->now_ms, 4096);
	for (unsigned int i = 0; i < MAX; i++) {
		struct session old = m->s[i];

		if (!old.used || now(m) - old.seen <= TIMEOUT_S)
			continue;
		m->s[i].used = false;
		if (of_inside(m, old.in) || is_static(old.in))
			continue;
		require(m->n_rests < MAX);
		m->rests[m->n_rests++] = (struct rest){old.out, now(m), old.in.ip};
	}
	for (unsigned int i = 0; i < m->n_rests; i++)
		if (now(m) - m->rests[i].since <= HOLD_S)
			m->rests[n++] = m->rests[i];
	m->n_rests = n;
}

/* ---- packets ---- */

static void put(uint8_t *p, uint32_t v, unsigned int n)
{
	while (n--) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

static uint32_t get(const uint8_t *p, unsigned int n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static struct nat_frame send(struct model *m, enum nat_side side, struct end *src, struct end *dst)
{
	static uint8_t p[64];
	struct nat_frame f = {.l3 = p, .len = 32, .room = 64, .total = 32};
	uint32_t sum = 0;

	memset(p, 0, sizeof(p));
	p[0] = 0x45;
	p[3] = 32;
	p[8] = 64;
	p[9] = 17;
	put(p + 12, src->ip, 4);
	put(p + 16, dst->ip, 4);
	put(p + 20, src->port, 2);
	put(p + 22, dst->port, 2);
	p[25] = 12;
	for (unsigned int i = 0; i < 20; i += 2)
		sum += get(p + i, 2);
	put(p + 10, ~((sum & 0xffff) + (sum >> 16)) & 0xffff, 2);
	if (!nat_xlat_run_plain(m->x, side, &f, 1, m->now_ms))
		nat_xlat_run(m->x, side, &f, 1, m->now_ms);
	src->ip = get(p + 12, 4);
	dst->ip = get(p + 16, 4);
	src->port = (uint16_t)get(p + 20, 2);
	dst->port = (uint16_t)get(p + 22, 2);
	return f;
}

static void refused(struct model *m, struct end in, const struct nat_frame *f)
{
	struct session *s = NULL;

	require(f->verdict == NAT_TO_INSIDE ||
		f->verdict == NAT_DROP); /* an ICMP error, or silence */
	require(!of_inside(m, in) && !is_static(in));
	/* the VM keeps to the address of its other mappings, but for static maps, which are on every address */
	for (unsigned int i = 0; i < MAX && !s; i++)
		s = m->s[i].used && m->s[i].in.ip == in.ip && !is_static(m->s[i].in) ? &m->s[i]
										     : NULL;
	if (s)
		require(!anything_free(m, s->out.ip));
	else
		require(!anything_free(m, m->external.first) ||
			!anything_free(m, m->external.last));
}

static void outbound(struct model *m, struct end in, struct end rem)
{
	struct session *old = exact(m, in, rem), *map = of_inside(m, in);
	struct end src = in, dst = rem;
	struct nat_frame f = send(m, NAT_INSIDE, &src, &dst);

	if (f.verdict != NAT_TO_OUTSIDE) {
		refused(m, in, &f);
		return;
	}
	require(same(dst, rem));
	require(src.ip >= m->external.first && src.ip <= m->external.last);
	require(src.port >= FIRST_PORT && src.port < FIRST_PORT + N_PORTS);
	if (old) {
		require(same(src, old->out));
		old->seen = now(m);
		return;
	}
	if (is_static(in)) {
		require(src.port == STATIC_PORT);
	} else if (map) {
		require(same(src, map->out));
	} else {
		require(!of_outside(m, src) && !rests(m, src) && src.port != STATIC_PORT);
		for (unsigned int i = 0; i < MAX;
		     i++) /* a static map's session uses the address it was sent to */
			if (m->s[i].used && m->s[i].in.ip == in.ip && !is_static(m->s[i].in))
				require(m->s[i].out.ip == src.ip);
	}
	remember(m, in, src, rem, false);
}

static void inbound(struct model *m, struct end rem, struct end out)
{
	struct session *map = of_outside(m, out);
	struct end src = rem, dst = out, in = {VM(3), 80};
	bool known = map || out.port == STATIC_PORT, found = false;
	struct nat_frame f = send(m, NAT_OUTSIDE, &src, &dst);

	if (map && !is_static(map->in))
		in = map->in;
	for (unsigned int i = 0; i < MAX; i++)
		found |= m->s[i].used && same(m->s[i].out, out) && same(m->s[i].rem, rem);
	if (!known || (!found && !allowed(m, in, rem))) {
		require(f.verdict == NAT_DROP);
		return;
	}
	/* a VM that already has a session with that remote, by another of its addresses, cannot have a second */
	if (f.verdict == NAT_DROP) {
		require(is_static(in) && !found && exact(m, in, rem));
		return;
	}
	require(found || !exact(m, in, rem));
	require(f.verdict == NAT_TO_INSIDE && same(src, rem) && same(dst, in));
	if (!found)
		remember(m, in, out, rem, true);
}

static void start(struct model *m, uint32_t bits)
{
	static const uint16_t mtu[2] = {1500, 1500};

	memset(m, 0, sizeof(*m));
	m->now_ms = 10000000;
	m->external = (struct nat_external){IP(203, 0, 113, 1), IP(203, 0, 113, 2), FIRST_PORT,
					    FIRST_PORT + N_PORTS - 1};
	m->map = (struct nat_map){NAT_UDP, 0, STATIC_PORT, STATIC_PORT, VM(3), 80, {0, 0}};
	m->conf = (struct nat_conf){.prefix = {IP(10, 0, 0, 0), 24},
				    .gateway = IP(10, 0, 0, 1),
				    .external = &m->external,
				    .n_external = 1,
				    .maps = &m->map,
				    .n_maps = 1};
	nat_conf_profile(&m->conf);
	m->conf.filter_udp = bits % NAT_N_FILTERINGS;
	m->conf.timeouts.udp_s = TIMEOUT_S;
	m->conf.timeouts.port_hold_s = HOLD_S;
	m->conf.limits.total_sessions = 4096;
	require(nat_xlat_create(&m->conf, mtu, NULL, m->now_ms, bits, &m->x) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct model m;

	start(&m, fuzz_num(&input, 1));
	for (unsigned int i = 0; i < 2000 && input.left; i++) {
		uint32_t v = fuzz_num(&input, 2);
		struct end in = {VM(v >> 2 & (N_VMS - 1)),
				 (uint16_t)(v >> 4 & 7 ? 1024 + (v >> 4 & 7) : 80)};
		struct end rem = {REMOTE(v >> 7 & 3), (uint16_t)(1000 + (v >> 9 & 1))};
		struct end out = {IP(203, 0, 113, 1 + (v >> 2 & 1)),
				  (uint16_t)(FIRST_PORT + (v >> 3 & 15) % N_PORTS)};

		if ((v & 3) == 0)
			pass(&m, v >> 2 & 255);
		else if ((v & 3) == 1)
			inbound(&m, rem, out);
		else
			outbound(&m, in, rem);
	}
	nat_xlat_destroy(m.x);
	return 0;
}
