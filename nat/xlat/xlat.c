/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The translator as a whole: making it, its time, what it shows. configure.c changes it. */
#include "nat/xlat/xlat_impl.h"

#include <errno.h>
#include <stdlib.h>

#include "nat/xlat/memory.h"

#define MAGIC   UINT64_C(0x31305441) /* changes with the layout of sessions */
#define EVENTS  65536
#define STATICS NAT_STATICS_MAX

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 64;

	while (p < n)
		p *= 2;
	return p;
}

size_t nat_xlat_memory_size(uint32_t max_sessions)
{
	return sizeof(struct nat_header) + (size_t)max_sessions * sizeof(struct nat_session);
}

static uint64_t hash_of(void *ctx, uint32_t value)
{
	const struct nat_xlat *x = ctx;

	return nat_session_hash(x, &x->sessions[value >> 2], value & 3);
}

static void *take(struct nat_xlat *x, size_t size)
{
	return x->n_areas < NAT_AREAS && (x->areas[x->n_areas].p = nat_memory_map(size)) != NULL
		       ? (x->areas[x->n_areas].size = size, x->areas[x->n_areas++].p)
		       : NULL;
}

/* Reserve everything that grows with use. */
static int reserve(struct nat_xlat *x)
{
	x->max_maps = x->max_sessions + STATICS;
	/* a large map must not make long chains of a small table */
	x->map_mask = power_of_two(x->max_sessions > STATICS ? x->max_sessions : STATICS) - 1;
	x->host_mask = power_of_two(x->max_hosts) - 1;
	x->event_mask = EVENTS - 1;
	x->maps = take(x, (size_t)x->max_maps * sizeof(*x->maps));
	x->map_heads = take(x, ((size_t)x->map_mask + 1) * sizeof(*x->map_heads));
	x->hosts = take(x, (size_t)x->max_hosts * sizeof(*x->hosts));
	x->host_heads = take(x, ((size_t)x->host_mask + 1) * sizeof(*x->host_heads));
	x->events = take(x, EVENTS * sizeof(*x->events));
	x->statics = take(x, STATICS * sizeof(*x->statics));
	if (!x->maps || !x->map_heads || !x->hosts || !x->host_heads || !x->events || !x->statics)
		return -ENOMEM;
	/* three pairs a session at most */
	return nat_index_init(&x->index, x->max_sessions * 3, hash_of, x);
}

static int adopt_memory(struct nat_xlat *x, void *memory)
{
	struct nat_header *h = memory ? memory : take(x, nat_xlat_memory_size(x->max_sessions));

	if (!h)
		return -ENOMEM;
	x->header = h;
	x->sessions = (struct nat_session *)(h + 1);
	if (h->magic == MAGIC)
		x->high_water = h->high_water < x->max_sessions ? h->high_water : x->max_sessions;
	h->high_water = x->high_water;
	h->magic = MAGIC;
	return 0;
}

int nat_xlat_create(const struct nat_conf *conf, const uint16_t mtu[2], void *memory,
		    uint64_t now_ms, uint64_t seed, struct nat_xlat **ret)
{
	struct nat_xlat *x;
	int r = -EINVAL;

	if (conf->limits.total_sessions < 16 || conf->limits.total_sessions > NAT_SESSIONS_MAX)
		return -EINVAL;
	x = calloc(1, sizeof(*x));
	if (!x)
		return -ENOMEM;
	x->random = seed;
	x->seed[0] = (uint64_t)nat_random(x) << 32 | nat_random(x);
	x->seed[1] = (uint64_t)nat_random(x) << 32 | nat_random(x);
	x->ip_id = (uint16_t)nat_random(x);
	x->max_sessions = conf->limits.total_sessions;
	x->max_hosts = NAT_HOSTS_MAX;
	x->now_ms = now_ms;
	x->now = x->hold_done = (uint32_t)(now_ms / 1000);
	x->free_session = x->free_map = x->free_host = NAT_NONE;
	r = reserve(x);
	if (r == 0)
		r = adopt_memory(x, memory);
	if (r == 0)
		r = nat_frags_init(&x->frags, nat_random(x));
	if (r == 0)
		r = nat_xlat_configure(x, conf, mtu, now_ms);
	if (r < 0) {
		nat_xlat_destroy(x);
		return r;
	}
	nat_session_restore(x);
	*ret = x;
	return 0;
}

void nat_xlat_destroy(struct nat_xlat *x)
{
	if (!x)
		return;
	for (unsigned int i = 0; i < NAT_ADDRS_MAX; i++)
		nat_ports_done(&x->addrs[i]);
	nat_frags_done(&x->frags);
	nat_index_done(&x->index);
	for (unsigned int i = 0; i < x->n_areas; i++)
		nat_memory_unmap(x->areas[i].p, x->areas[i].size);
	nat_conf_copy_free(x->conf);
	free(x);
}

/* ---- time ---- */

static void sweep_sessions(struct nat_xlat *x, unsigned int budget)
{
	for (; budget && x->high_water; budget--) {
		struct nat_session *s;

		if (x->sweep >= x->high_water)
			x->sweep = 0;
		s = &x->sessions[x->sweep++];
		__builtin_prefetch(s + 8);
		if (s->state == NAT_ST_FREE || !nat_session_expired(x, s))
			continue;
		nat_session_end(x, (uint32_t)(s - x->sessions));
		x->expired++;
	}
}

/* Sessions of addresses that are gone end. */
static void sweep_gone(struct nat_xlat *x, unsigned int budget)
{
	if (!x->n_gone)
		return;
	for (; budget && x->gone_sweep; budget--) {
		struct nat_session *s = &x->sessions[--x->gone_sweep];

		if (s->state != NAT_ST_FREE && nat_addr_find(x, s->out_ip) < 0)
			nat_session_end(x, x->gone_sweep);
	}
	if (x->gone_sweep)
		return;
	for (unsigned int i = 0; i < x->n_addrs; i++)
		x->addrs[i].forget |= x->addrs[i].gone;
	x->n_gone = 0;
}

static void release_dropped(struct nat_xlat *x, struct nat_frag *d)
{
	struct nat_frame f;

	while (x->n_released < NAT_RELEASED && nat_frags_next(&x->frags, d, &f)) {
		nat_drop(x, &f, NAT_R_FRAGMENT);
		x->released[(x->released_head + x->n_released++) % NAT_RELEASED] = f;
	}
	if (d->waiting == NAT_FRAG_NONE)
		nat_frags_forget(&x->frags, d);
}

void nat_xlat_tick(struct nat_xlat *x, uint64_t now_ms, unsigned int budget)
{
	struct nat_frag *d;

	nat_set_time(x, now_ms);
	sweep_sessions(x, budget);
	sweep_gone(x, budget);
	nat_ports_tick(x, budget);
	nat_host_tick(x, 1 + budget / 16);
	d = nat_frags_stale(&x->frags, x->now, false);
	if (d)
		release_dropped(x, d);
}

unsigned int nat_xlat_released(struct nat_xlat *x, struct nat_frame *out, unsigned int n)
{
	unsigned int k;

	for (k = 0; k < n && x->n_released; k++, x->n_released--) {
		out[k] = x->released[x->released_head];
		x->released_head = (x->released_head + 1) % NAT_RELEASED;
	}
	return k;
}

void nat_xlat_drain(struct nat_xlat *x)
{
	struct nat_frag *d;

	while (x->n_released < NAT_RELEASED &&
	       (d = nat_frags_stale(&x->frags, x->now, true)) != NULL)
		release_dropped(x, d);
}

/* ---- what it shows ---- */

static uint64_t memory_in_use(const struct nat_xlat *x)
{
	/* the chains' heads are a table of four bytes a mapping that only its used part is real of */
	return (uint64_t)x->high_water * sizeof(struct nat_session) +
	       (uint64_t)x->index.n * sizeof(struct nat_bucket) +
	       (uint64_t)x->maps_high * (sizeof(struct nat_binding) + sizeof(uint32_t)) +
	       (uint64_t)x->hosts_high * (sizeof(struct nat_host) + sizeof(uint32_t));
}

uint32_t nat_xlat_span(const struct nat_xlat *x)
{
	return __atomic_load_n(&x->high_water, __ATOMIC_RELAXED);
}

/* Shared, and not on its way out. */
static bool in_pool(const struct nat_addr *a)
{
	return a->used && !a->gone && !a->one_to_one;
}

void nat_xlat_stats_get(const struct nat_xlat *x, struct nat_xlat_stats *ret)
{
	*ret = (struct nat_xlat_stats){.created = x->created,
				       .expired = x->expired,
				       .answers = x->answers,
				       .answers_limited = x->answers_limited,
				       .events_lost = x->events_lost,
				       .sessions = x->n_sessions,
				       .sessions_max = x->max_sessions,
				       .mappings = x->n_maps,
				       .hosts = x->n_hosts,
				       .fragments_held = x->frags.n_waiting,
				       .memory = memory_in_use(x)};
	memcpy(ret->translated, x->translated, sizeof(ret->translated));
	memcpy(ret->drops, x->drops, sizeof(ret->drops));
	for (unsigned int i = 0; i < x->n_addrs; i++) {
		const struct nat_addr *a = &x->addrs[i];

		for (unsigned int l4 = 0; l4 < NAT_L4_N && in_pool(a); l4++) {
			ret->ports_used[l4] += a->ports[l4]->n_owned;
			ret->ports_total[l4] += a->ports[l4]->n_total;
		}
	}
}

bool nat_xlat_session_next(const struct nat_xlat *x, uint32_t *cursor, uint64_t now_ms,
			   struct nat_session_info *ret)
{
	uint32_t now = (uint32_t)(now_ms / 1000);

	for (; *cursor < x->high_water; (*cursor)++) {
		const struct nat_session *s = &x->sessions[*cursor];

		if (s->state == NAT_ST_FREE)
			continue;
		*ret = (struct nat_session_info){.proto = s->proto,
						 .inside = nat_be32(s->in_ip),
						 .outside = nat_be32(s->out_ip),
						 .remote = nat_be32(s->rem_ip),
						 .inside_port = nat_be16(s->in_port),
						 .outside_port = nat_be16(s->out_port),
						 .remote_port = nat_be16(s->rem_port),
						 .state = nat_state_text(s->state),
						 .age_s = now - s->created,
						 .idle_s = nat_session_idle(s, now),
						 .timeout_s = x->timeout[s->state],
						 .inbound = s->flags & NAT_S_INBOUND};
		(*cursor)++;
		return true;
	}
	return false;
}

void nat_xlat_session_kill(struct nat_xlat *x, uint32_t cursor, uint64_t now_ms)
{
	nat_set_time(x, now_ms);
	if (cursor > 0 && cursor <= x->high_water && x->sessions[cursor - 1].state != NAT_ST_FREE)
		nat_session_end(x, cursor - 1);
}
