/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/nat/xlat/kit.h"

#define ROOM 4096

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

uint16_t kit_sum(const uint8_t *p, uint32_t n, uint32_t sum)
{
	for (uint32_t i = 0; i < n; i++) {
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

static uint32_t pseudo(const uint8_t *ip, uint32_t l4_size)
{
	return kit_sum(ip + 12, 8, 0) + ip[9] + l4_size;
}

void kit_world(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->conf.prefix = (struct nat_prefix){VM(0), 24};
	w->conf.gateway = GATEWAY;
	w->conf.profile = NAT_PROFILE_RFC;
	nat_conf_profile(&w->conf);
	w->conf.hairpin = w->conf.mss_clamp = true;
	w->conf.blocks.max = 4;
	w->conf.limits.total_sessions = 4096;
	w->external[0] = (struct nat_external){OUT(1), OUT(1), NAT_PORT_MIN, 65535};
	w->conf.external = w->external;
	w->conf.n_external = 1;
	w->conf.maps = w->maps;
	w->conf.pairs = w->pairs;
	w->mtu[0] = w->mtu[1] = 1500;
	w->now_ms = 1000000;
}

void kit_start(struct world *w)
{
	CU_ASSERT_EQUAL_FATAL(nat_xlat_create(&w->conf, w->mtu, w->memory, w->now_ms, 42, &w->x),
			      0);
}

void kit_stop(struct world *w)
{
	nat_xlat_destroy(w->x);
	w->x = NULL;
}

void kit_pass(struct world *w, uint32_t s)
{
	w->now_ms += (uint64_t)s * 1000;
	for (int i = 0; i < 64; i++)
		nat_xlat_tick(w->x, w->now_ms, 2 * w->conf.limits.total_sessions);
}

static uint32_t write_l4(const struct packet *p, uint8_t *l4)
{
	uint32_t n = 8;

	if (p->proto == NAT_TCP) {
		n = p->mss ? 24 : 20;
		put32(l4 + 4, 1000);
		put32(l4 + 8, 2000);
		l4[12] = (uint8_t)(n / 4 << 4);
		l4[13] = p->flags;
		put16(l4 + 14, 65535);
		if (p->mss) {
			put16(l4 + 20, 0x0204);
			put16(l4 + 22, p->mss);
		}
	}
	if (p->proto == NAT_ICMP) {
		put16(l4, p->sport);
		put16(l4 + 4, p->dport);
		put16(l4 + 6, 1);
		return n;
	}
	put16(l4, p->sport);
	put16(l4 + 2, p->dport);
	if (p->proto == NAT_UDP)
		put16(l4 + 4, n + p->payload);
	return n;
}

static uint8_t *sum_field(uint8_t *l4, uint8_t proto)
{
	return l4 + (proto == NAT_TCP ? 16 : proto == NAT_ICMP ? 2 : 6);
}

uint32_t kit_write(const struct packet *q, uint8_t *ip)
{
	struct packet p = *q;
	uint32_t ihl, l4_size = 0, sum;
	uint8_t *l4, *body;

	p.proto = p.proto ? p.proto : NAT_UDP;
	ihl = 20 + 4u * p.options;
	memset(ip, 0, ihl + 64);
	ip[0] = (uint8_t)(0x40 | ihl / 4);
	ip[1] = p.tos;
	put16(ip + 4, p.id);
	put16(ip + 6, (p.df ? 0x4000u : 0) | (p.more ? 0x2000u : 0) | p.offset / 8);
	ip[8] = p.ttl ? p.ttl : 64;
	ip[9] = p.proto;
	put32(ip + 12, p.src);
	put32(ip + 16, p.dst);
	for (uint32_t i = 20; i < ihl; i++)
		ip[i] = 1; /* no operation */
	l4 = body = ip + ihl;
	if (!p.offset)
		body += l4_size = write_l4(&p, l4);
	for (uint32_t i = 0; i < p.payload; i++)
		body[i] = p.data ? p.data[i] : (uint8_t)(i * 7 + p.offset);
	l4_size += p.payload;
	put16(ip + 2, ihl + l4_size);
	put16(ip + 10, (uint16_t)~kit_sum(ip, ihl, 0));
	if (p.offset || p.no_checksum)
		return ihl + l4_size;
	sum = p.proto == NAT_ICMP ? 0 : pseudo(ip, l4_size);
	if (p.partial)
		sum = kit_sum(ip, 0, (sum & 0xffff) + (sum >> 16));
	else
		sum = (uint16_t)~kit_sum(l4, l4_size, sum);
	if (p.proto == NAT_UDP && !p.partial && sum == 0)
		sum = 0xffff;
	put16(sum_field(l4, p.proto), sum);
	return ihl + l4_size;
}

static bool sums_good(const uint8_t *ip, uint32_t ihl, uint32_t l4_size, const struct result *r,
		      bool partial)
{
	uint8_t *field = sum_field((uint8_t *)ip + ihl, ip[9]);
	uint32_t want;

	if (kit_sum(ip, ihl, 0) != 0xffff)
		return false;
	if (r->p.offset || r->p.more)
		return true; /* covers what is not here */
	if (ip[9] == NAT_UDP && get16(field) == 0)
		return r->p.no_checksum;
	want = ip[9] == NAT_ICMP ? 0 : pseudo(ip, l4_size);
	if (partial)
		return get16(field) % 0xffff == want % 0xffff;
	return kit_sum(ip + ihl, l4_size, want) == 0xffff;
}

void kit_read(const struct nat_frame *f, struct result *r)
{
	const uint8_t *ip = f->l3, *l4;
	uint32_t ihl = (ip[0] & 15u) * 4, l4_size;

	r->verdict = f->verdict;
	r->reason = f->reason;
	r->flags = f->flags;
	r->cookie = f->cookie;
	r->size = f->len;
	memcpy(r->bytes, f->l3, f->len);
	if (f->verdict != NAT_TO_INSIDE && f->verdict != NAT_TO_OUTSIDE)
		return;
	l4 = ip + ihl;
	l4_size = get16(ip + 2) - ihl;
	r->p.proto = ip[9];
	r->p.src = get32(ip + 12);
	r->p.dst = get32(ip + 16);
	r->p.ttl = ip[8];
	r->p.id = (uint16_t)get16(ip + 4);
	r->p.offset = (uint16_t)((get16(ip + 6) & 0x1fff) * 8);
	r->p.more = get16(ip + 6) & 0x2000;
	r->p.df = get16(ip + 6) & 0x4000;
	r->p.sport = (uint16_t)get16(l4);
	r->p.dport = (uint16_t)get16(l4 + (ip[9] == NAT_ICMP ? 4 : 2));
	r->p.flags = ip[9] == NAT_TCP ? l4[13] : 0;
	r->p.mss = ip[9] == NAT_TCP && l4[12] >> 4 > 5 ? (uint16_t)get16(l4 + 22) : 0;
	r->p.payload = (uint16_t)l4_size;
	r->sums_good = sums_good(ip, ihl, l4_size, r, f->flags & NAT_F_PARTIAL);
}

static struct result run(struct world *w, enum nat_side side, uint8_t *bytes, uint32_t size,
			 struct packet p)
{
	struct nat_frame f = {.l3 = bytes,
			      .len = size,
			      .total = size,
			      .room = ROOM,
			      .gso = p.gso,
			      .flags = p.partial ? NAT_F_PARTIAL : 0,
			      .cookie = p.cookie};
	struct result r = {.p.no_checksum = p.no_checksum};
	uint8_t copy[ROOM];
	struct nat_frame plain = f;
	unsigned int n;

	/* what its session alone can decide comes out the same both ways */
	CU_ASSERT_TRUE_FATAL(size <= ROOM);
	memcpy(copy, bytes, size);
	plain.l3 = copy;
	n = nat_xlat_run_plain(w->x, side, &plain, 1, w->now_ms);
	if (n == 0)
		CU_ASSERT_EQUAL(memcmp(copy, bytes, size), 0);
	nat_xlat_run(w->x, side, &f, 1, w->now_ms);
	if (n == 1)
		CU_ASSERT_TRUE(f.verdict == plain.verdict && f.flags == plain.flags &&
			       memcmp(copy, bytes, size) == 0);
	kit_read(&f, &r);
	return r;
}

struct result kit_send(struct world *w, enum nat_side side, struct packet p)
{
	static uint8_t kept[512][ROOM]; /* a waiting fragment stays where it is */
	static unsigned int next;
	uint8_t *bytes = kept[next++ % 512];

	return run(w, side, bytes, kit_write(&p, bytes), p);
}

struct result kit_send_bytes(struct world *w, enum nat_side side, uint8_t *bytes, uint32_t size)
{
	return run(w, side, bytes, size, (struct packet){0});
}

bool kit_released(struct world *w, struct result *r)
{
	struct nat_frame f;

	*r = (struct result){0};
	if (nat_xlat_released(w->x, &f, 1) == 0)
		return false;
	kit_read(&f, r);
	return true;
}

struct result kit_out(struct world *w, uint8_t proto, uint32_t src, uint16_t sport, uint32_t dst,
		      uint16_t dport)
{
	struct result r = kit_send(w, NAT_INSIDE,
				   (struct packet){.proto = proto,
						   .src = src,
						   .sport = sport,
						   .dst = dst,
						   .dport = dport,
						   .flags = SYN,
						   .payload = 11});

	CU_ASSERT_EQUAL(r.verdict, NAT_TO_OUTSIDE);
	CU_ASSERT_TRUE(r.sums_good);
	return r;
}

struct result kit_in(struct world *w, uint8_t proto, uint32_t src, uint16_t sport, uint32_t dst,
		     uint16_t dport)
{
	return kit_send(w, NAT_OUTSIDE,
			(struct packet){.proto = proto,
					.src = src,
					.sport = sport,
					.dst = dst,
					.dport = dport,
					.flags = SYN,
					.payload = 5});
}

struct result kit_tcp(struct world *w, enum nat_side side, uint8_t flags, uint32_t src,
		      uint16_t sport, uint32_t dst, uint16_t dport)
{
	return kit_send(w, side,
			(struct packet){.proto = NAT_TCP,
					.src = src,
					.sport = sport,
					.dst = dst,
					.dport = dport,
					.flags = flags});
}

uint16_t kit_connect(struct world *w, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
	struct result r = kit_tcp(w, NAT_INSIDE, SYN, src, sport, dst, dport);
	uint16_t port = r.p.sport;

	CU_ASSERT_EQUAL(r.verdict, NAT_TO_OUTSIDE);
	CU_ASSERT_EQUAL(kit_tcp(w, NAT_OUTSIDE, SYN | ACK, dst, dport, r.p.src, port).verdict,
			NAT_TO_INSIDE);
	CU_ASSERT_EQUAL(kit_tcp(w, NAT_INSIDE, ACK, src, sport, dst, dport).verdict,
			NAT_TO_OUTSIDE);
	return port;
}

struct result kit_error(struct world *w, enum nat_side side, uint8_t type, uint8_t code,
			uint32_t from, uint32_t to, const struct packet *quoted,
			uint32_t quote_size)
{
	static uint8_t quote[ROOM];
	uint32_t size = kit_write(quoted, quote);

	return kit_send(
		w, side,
		(struct packet){.proto = NAT_ICMP,
				.src = from,
				.dst = to,
				.sport = (uint16_t)(type << 8 | code),
				.data = quote,
				.payload = (uint16_t)(size < quote_size ? size : quote_size)});
}

unsigned int kit_events(struct world *w, struct nat_event *out, unsigned int n)
{
	return nat_xlat_events(w->x, out, n);
}

struct nat_xlat_stats kit_stats(const struct world *w)
{
	struct nat_xlat_stats s;

	nat_xlat_stats_get(w->x, &s);
	return s;
}
