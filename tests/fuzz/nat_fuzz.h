/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A translator for fuzzers: made from a few bytes of input, and judged when the input is used up. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "nat/xlat/xlat.h"
#include "tests/fuzz/fuzz_input.h"

#define FUZZ_ROOM   2048
#define FUZZ_FRAMES 400

#define FUZZ_IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

struct fuzz_nat {
	struct nat_xlat *x;
	struct nat_conf conf;
	struct nat_external external[2];
	struct nat_map maps[2];
	struct nat_pair pairs[1];
	uint16_t mtu[2];
	uint64_t now_ms;
	unsigned int held; /* frames that the translator has */
};

static inline void fuzz_nat_conf(struct fuzz_nat *n, uint32_t bits)
{
	n->conf = (struct nat_conf){.prefix = {FUZZ_IP(10, 0, 0, 0), 24},
				    .gateway = FUZZ_IP(10, 0, 0, 1),
				    .profile = bits & 1 ? NAT_PROFILE_DENSE : NAT_PROFILE_RFC,
				    .external = n->external,
				    .n_external = 1 + (bits >> 1 & 1),
				    .maps = n->maps,
				    .n_maps = bits >> 2 & 3 ? 2 : 0,
				    .pairs = n->pairs,
				    .n_pairs = bits >> 4 & 1};
	nat_conf_profile(&n->conf);
	n->conf.filter_udp = n->conf.filter_tcp = (bits >> 5 & 3) % NAT_N_FILTERINGS;
	n->conf.hairpin = n->conf.mss_clamp = true;
	n->conf.limits.total_sessions = 64;
	n->conf.limits.ports = bits >> 7 & 1 ? 3 : 0;
	n->conf.blocks.size = bits >> 8 & 1 ? 32 : 0;
	n->conf.blocks.max = 2;
	n->conf.blocks.deterministic = (bits >> 8 & 3) == 3;
	n->conf.log.what = bits >> 10 & 1 ? NAT_LOG_SESSIONS : NAT_LOG_BLOCKS;
	n->external[0] =
		(struct nat_external){FUZZ_IP(203, 0, 113, 1), FUZZ_IP(203, 0, 113, 2), 1024, 1151};
	n->external[1] =
		(struct nat_external){FUZZ_IP(203, 0, 113, 9), FUZZ_IP(203, 0, 113, 9), 1, 65535};
	n->maps[0] = (struct nat_map){NAT_TCP, 0, 1030, 1040, FUZZ_IP(10, 0, 0, 5), 80, {0, 0}};
	n->maps[1] = (struct nat_map){
		NAT_UDP, FUZZ_IP(203, 0, 113, 1),       53, 53, FUZZ_IP(10, 0, 0, 6),
		53,      {FUZZ_IP(198, 51, 100, 0), 24}};
	n->pairs[0] = (struct nat_pair){FUZZ_IP(203, 0, 113, 7), FUZZ_IP(10, 0, 0, 7)};
	n->mtu[0] = bits >> 11 & 1 ? 576 : 1500;
	n->mtu[1] = bits >> 12 & 1 ? 576 : 1500;
}

static inline void fuzz_nat_start(struct fuzz_nat *n, uint32_t bits)
{
	memset(n, 0, sizeof(*n));
	n->now_ms = 10000000;
	fuzz_nat_conf(n, bits);
	if (nat_xlat_create(&n->conf, n->mtu, NULL, n->now_ms, 1, &n->x) < 0)
		abort();
}

static inline void fuzz_nat_check(const struct nat_frame *f)
{
	if (f->len > f->room || f->verdict > NAT_HELD ||
	    (f->verdict == NAT_DROP && f->reason >= NAT_R_N))
		abort();
}

static inline void fuzz_nat_released(struct fuzz_nat *n)
{
	struct nat_frame f;

	while (nat_xlat_released(n->x, &f, 1)) {
		fuzz_nat_check(&f);
		if (f.verdict == NAT_HELD || n->held == 0)
			abort();
		free(f.cookie);
		n->held--;
	}
}

/* One frame, in memory of exactly its size and @spare bytes, so that a step outside is seen. */
static inline void fuzz_nat_frame(struct fuzz_nat *n, const uint8_t *bytes, uint32_t size,
				  uint32_t spare, uint8_t bits)
{
	uint8_t *copy = malloc(size + spare + 1);
	struct nat_frame f = {.l3 = copy,
			      .len = size,
			      .room = size + spare,
			      .total = bits >> 1 & 1 ? size + 3000 : size,
			      .gso = bits >> 2 & 1 ? 700 : 0,
			      .flags = bits >> 3 & 1 ? NAT_F_PARTIAL : 0,
			      .cookie = copy};

	memcpy(copy, bytes, size);
	/* as workers do: alone with the session if that is enough */
	if (!nat_xlat_run_plain(n->x, bits & 1 ? NAT_OUTSIDE : NAT_INSIDE, &f, 1, n->now_ms))
		nat_xlat_run(n->x, bits & 1 ? NAT_OUTSIDE : NAT_INSIDE, &f, 1, n->now_ms);
	fuzz_nat_check(&f);
	if (f.verdict == NAT_HELD)
		n->held++;
	else
		free(copy);
	fuzz_nat_released(n);
}

static inline void fuzz_nat_pass(struct fuzz_nat *n, uint32_t s)
{
	n->now_ms += s * 1000ull;
	nat_xlat_tick(n->x, n->now_ms, 200);
	fuzz_nat_released(n);
}

/* In the end everything is given back: frames, sessions, ports, hosts. */
static inline void fuzz_nat_end(struct fuzz_nat *n)
{
	struct nat_xlat_stats s;
	uint32_t statics = 0;

	for (int i = 0; i < 16; i++)
		fuzz_nat_pass(n, 8000);
	nat_xlat_drain(n->x);
	fuzz_nat_released(n);
	nat_xlat_stats_get(n->x, &s);
	for (unsigned int i = 0; i < n->conf.n_maps; i++)
		statics += n->maps[i].port_last - n->maps[i].port_first + 1u;
	if (n->held || s.sessions || s.fragments_held || s.mappings != statics || s.hosts)
		abort();
	nat_xlat_destroy(n->x);
}
