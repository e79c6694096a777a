/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bursts. A packet of a live session costs two cache lines, the index's bucket and the session; each is
 * asked for ahead, for the whole burst. Everything else is slow.c's.
 */
#include "nat/xlat/rewrite.h"

#define TCP_FLAGS_SLOW 0x07 /* FIN, SYN, RST: the session's state changes */

struct key {
	uint64_t hash;
	uint64_t addrs;
	const struct nat_bucket *first;
	uint32_t ports;
	uint32_t hint;
};

/* May this packet be translated by its session alone? IPv4 without options, whole, not at its end. */
static inline bool is_plain(const struct nat_frame *f, uint16_t mtu)
{
	const uint8_t *ip = f->l3;
	uint32_t len;

	if (f->len < 28 || ip[0] != 0x45 || (vd_load16(ip + 6) & ~nat_be16(0x4000)) || ip[8] <= 1)
		return false;
	len = nat_be16(vd_load16(ip + 2));
	if (len > f->total)
		return false;
	if (f->gso ? 80u + f->gso > mtu : len > mtu)
		return false;
	if (ip[9] == NAT_TCP)
		return len >= 40 && f->len >= 40 && !(ip[33] & TCP_FLAGS_SLOW) && ip[32] >= 0x50;
	return ip[9] == NAT_UDP && len >= 28;
}

/* Plain packets of these change nothing but when they were last seen. */
static inline bool steady(uint8_t state)
{
	const uint32_t steady_states = 1u << NAT_ST_UDP | 1u << NAT_ST_UDP_DNS |
				       1u << NAT_ST_TCP_ESTABLISHED | 1u << NAT_ST_TCP_FIN_OUT |
				       1u << NAT_ST_TCP_FIN_IN | 1u << NAT_ST_TCP_CLOSING;

	return steady_states >> state & 1;
}

/* The second look at a hint: is it this packet's session? */
static inline bool is_session(const struct nat_session *s, const struct key *k, uint8_t proto,
			      enum nat_side side)
{
	const void *addrs = side == NAT_INSIDE ? (const void *)&s->in_ip : (const void *)&s->rem_ip;
	const void *ports =
		side == NAT_INSIDE ? (const void *)&s->in_port : (const void *)&s->rem_port;

	return vd_load64(addrs) == k->addrs && vd_load32(ports) == k->ports && s->proto == proto &&
	       steady(s->state);
}

/*
 * Is the session alive? Then this packet keeps it so. Who was seen in this second is, and needs nothing; the time is
 * written once a second, so that workers who share a session mostly share its line.
 */
static inline bool keep_alive(const struct nat_xlat *x, struct nat_session *s, enum nat_side side,
			      uint32_t now)
{
	bool counts = side == NAT_INSIDE || s->proto == NAT_TCP || x->inbound_refresh;
	uint32_t *seen = side == NAT_INSIDE || !counts ? &s->seen_out : &s->seen_in;

	if (__builtin_expect(__atomic_load_n(seen, __ATOMIC_RELAXED) == now, 1))
		return true;
	if (nat_session_expired_at(x, s, now))
		return false;
	if (counts)
		__atomic_store_n(seen, now, __ATOMIC_RELAXED);
	return true;
}

/* Find what each packet's session may be; all of a burst at once, so that no line is waited for. */
static inline __attribute__((always_inline)) void look_up(const struct nat_xlat *x,
							  const enum nat_side side,
							  struct nat_frame *f, unsigned int n,
							  struct key *k)
{
	const enum nat_kind kind = side == NAT_INSIDE ? NAT_K_OUT : NAT_K_IN;
	const uint16_t mtu = x->mtu[!side];
	uint8_t second[NAT_BURST];
	unsigned int n_second = 0;

	for (unsigned int i = 0; i < n; i++) {
		const uint8_t *ip = f[i].l3;

		k[i].hint = NAT_INDEX_NONE;
		k[i].hash = 0;
		if (!is_plain(&f[i], mtu))
			continue;
		k[i].addrs = vd_load64(ip + 12);
		k[i].ports = vd_load32(ip + 20);
		k[i].hash = nat_hash_key(x, k[i].addrs, k[i].ports, ip[9], kind);
		k[i].first = nat_index_first(&x->index, k[i].hash);
		__builtin_prefetch(k[i].first);
	}
	for (unsigned int i = 0; i < n; i++) {
		uint32_t v;

		if (!k[i].hash)
			continue;
		v = nat_bucket_hint(k[i].first, nat_index_tag(k[i].hash));
		if (v != NAT_INDEX_NONE) {
			k[i].hint = v >> 2;
			__builtin_prefetch(&x->sessions[v >> 2]);
		} else {
			second[n_second++] = (uint8_t)i;
			__builtin_prefetch(nat_index_second(&x->index, k[i].hash));
		}
	}
	for (unsigned int j = 0; j < n_second; j++) {
		struct key *q = &k[second[j]];
		uint32_t v = nat_bucket_hint(nat_index_second(&x->index, q->hash),
					     nat_index_tag(q->hash));

		if (v != NAT_INDEX_NONE) {
			q->hint = v >> 2;
			__builtin_prefetch(&x->sessions[v >> 2]);
		}
	}
}

/* One packet by its session alone. Return: false: that is not enough. */
static inline __attribute__((always_inline)) bool plain(const struct nat_xlat *x,
							const enum nat_side side,
							struct nat_frame *f, const struct key *k,
							uint32_t now)
{
	struct nat_session *s = &x->sessions[k->hint];
	uint8_t *ip = f->l3;

	if (__builtin_expect(k->hint == NAT_INDEX_NONE, 0) ||
	    __builtin_expect(!is_session(s, k, ip[9], side), 0) ||
	    __builtin_expect(!keep_alive(x, s, side, now), 0))
		return false;
	nat_rewrite_plain(ip, ip + 20, s, side, f->flags & NAT_F_PARTIAL);
	f->verdict = side == NAT_INSIDE ? NAT_TO_OUTSIDE : NAT_TO_INSIDE;
	return true;
}

static inline bool turns_back(const struct nat_xlat *x, enum nat_side side, const struct key *k)
{
	return side == NAT_INSIDE &&
	       __builtin_expect(x->sessions[k->hint].flags & NAT_S_HAIRPIN, 0);
}

static inline __attribute__((always_inline)) void run(struct nat_xlat *x, const enum nat_side side,
						      struct nat_frame *f, unsigned int n)
{
	struct key k[NAT_BURST];

	look_up(x, side, f, n, k);
	for (unsigned int i = 0; i < n; i++) {
		if (__builtin_expect(!plain(x, side, &f[i], &k[i], x->now), 0)) {
			nat_slow(x, side, &f[i], false);
			continue;
		}
		x->translated[side]++;
		if (turns_back(x, side, &k[i]))
			nat_slow(x, NAT_OUTSIDE, &f[i], true);
	}
}

static inline __attribute__((always_inline)) unsigned int run_plain(const struct nat_xlat *x,
								    const enum nat_side side,
								    struct nat_frame *f,
								    unsigned int n, uint32_t now)
{
	struct key k[NAT_BURST];
	unsigned int i;

	look_up(x, side, f, n, k);
	for (i = 0; i < n; i++) {
		if (k[i].hint != NAT_INDEX_NONE && turns_back(x, side, &k[i]))
			break;
		if (!plain(x, side, &f[i], &k[i], now))
			break;
	}
	return i;
}

void nat_xlat_run(struct nat_xlat *x, enum nat_side side, struct nat_frame *f, unsigned int n,
		  uint64_t now_ms)
{
	nat_set_time(x, now_ms);
	if (side == NAT_INSIDE)
		run(x, NAT_INSIDE, f, n);
	else
		run(x, NAT_OUTSIDE, f, n);
}

unsigned int nat_xlat_run_plain(const struct nat_xlat *x, enum nat_side side, struct nat_frame *f,
				unsigned int n, uint64_t now_ms)
{
	uint32_t now = (uint32_t)(now_ms / 1000);

	return side == NAT_INSIDE ? run_plain(x, NAT_INSIDE, f, n, now)
				  : run_plain(x, NAT_OUTSIDE, f, n, now);
}
