/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections of one port with the health service: see desk.h. */
#include "vswitch/portal/desk.h"

#include <errno.h>
#include <string.h>

#include "nat/xlat/checksum.h"
#include "vswitch/policy/headers.h"
#include "vswitch/policy/portal.h"

enum { TCP = 6, UDP = 17, ICMP6 = 58 };
enum { FIN = 1, SYN = 2, RST = 4, ACK = 0x10 };

#define ETH        14
#define TAG        4
#define PORT_FIRST 1024
#define FRAME_MIN  60
#define IDLE_MS    60000 /* a connection that was quiet so long is over */

static const uint8_t service_mac[6] = VSW_PORTAL_MAC;

void vsw_desk_init(struct vsw_desk *d, uint32_t ticket)
{
	memset(d, 0, sizeof(*d));
	d->ticket = ticket;
	d->next = PORT_FIRST;
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static void inside_address(uint8_t family, uint32_t ticket, uint8_t *ret)
{
	static const uint8_t net[16] = VSW_DESK_IPV6_NET;

	if (family == 4) {
		put32(ret, VSW_DESK_IPV4 + ticket);
		return;
	}
	memcpy(ret, net, sizeof(net));
	put32(ret + 12, ticket);
}

/* ---- one IP packet ---- */

struct packet {
	uint8_t *ip, *l4;
	uint32_t size, l4_size;
	uint8_t family, proto;
};

/* The packet at @ip, as far as this module takes it. */
static bool packet_parse(uint8_t *ip, uint32_t size, struct packet *ret)
{
	uint32_t head = 20;

	memset(ret, 0, sizeof(*ret));
	if (size < 20)
		return false;
	ret->ip = ip;
	ret->family = ip[0] >> 4;
	if (ret->family == 4) {
		ret->size = get16(ip + 2);
		ret->proto = ip[9];
		/* no options, no fragment */
		if (ip[0] != 0x45 || get16(ip + 6) & 0x3fff)
			return false;
	} else if (ret->family == 6 && size >= 40) {
		head = 40;
		ret->size = 40u + get16(ip + 4);
		ret->proto = ip[6];
	} else {
		return false;
	}
	if (ret->size > size || ret->size > VSW_DESK_PACKET_MAX || ret->size < head)
		return false;
	ret->l4 = ip + head;
	ret->l4_size = ret->size - head;
	return ret->proto == TCP ? ret->l4_size >= 20 : ret->proto == UDP && ret->l4_size >= 8;
}

/* Change @size bytes of addresses at @at; returns what checksums must follow. */
static uint32_t replace(uint8_t *at, const uint8_t *with, unsigned int size)
{
	uint32_t delta = 0;

	for (unsigned int i = 0; i < size; i += 2) {
		delta += nat_delta16(vd_load16(at + i), vd_load16(with + i));
		memcpy(at + i, with + i, 2);
	}
	return delta;
}

/* Give the packet new addresses and ports. */
static void rewrite(struct packet *p, const uint8_t *src, const uint8_t *dst, uint16_t sport,
		    uint16_t dport)
{
	unsigned int size = p->family == 4 ? 4 : 16;
	uint8_t *from = p->ip + (p->family == 4 ? 12 : 8), ports[4];
	uint8_t *csum = p->l4 + (p->proto == TCP ? 16 : 6);
	uint32_t delta = replace(from, src, size) + replace(from + size, dst, size);
	uint16_t sum = vd_load16(csum);

	if (p->family == 4)
		vd_store16(p->ip + 10, nat_csum_change(vd_load16(p->ip + 10), nat_fold(delta)));
	put16(ports, sport);
	put16(ports + 2, dport);
	delta += replace(p->l4, ports, 4);
	if (p->proto == UDP && !sum)
		return; /* had none */
	sum = nat_csum_change(sum, nat_fold(delta));
	vd_store16(csum, p->proto == UDP && !sum ? 0xffff : sum);
}

/* ---- connections ---- */

static bool over(const struct vsw_desk_flow *f, uint32_t now_ms)
{
	return !f->family || now_ms - f->used_ms > IDLE_MS;
}

static struct vsw_desk_flow *find(struct vsw_desk *d, const struct vsw_desk_flow *key)
{
	unsigned int size = key->family == 4 ? 4 : 16;

	for (unsigned int i = 0; i < VSW_DESK_FLOWS; i++) {
		struct vsw_desk_flow *f = &d->flows[i];

		if (f->family == key->family && f->proto == key->proto && f->sport == key->sport &&
		    f->dport == key->dport && !memcmp(f->src, key->src, size) &&
		    !memcmp(f->dst, key->dst, size))
			return f;
	}
	return NULL;
}

static struct vsw_desk_flow *by_inside(struct vsw_desk *d, uint8_t family, uint8_t proto,
				       uint16_t inside)
{
	for (unsigned int i = 0; i < VSW_DESK_FLOWS; i++) {
		struct vsw_desk_flow *f = &d->flows[i];

		if (f->family == family && f->proto == proto && f->inside == inside)
			return f;
	}
	return NULL;
}

/* Room for one more: a free one, else the one that was quiet longest, if that was long enough. */
static struct vsw_desk_flow *make_room(struct vsw_desk *d, uint32_t now_ms)
{
	struct vsw_desk_flow *best = &d->flows[0];

	for (unsigned int i = 0; i < VSW_DESK_FLOWS; i++) {
		struct vsw_desk_flow *f = &d->flows[i];

		if (over(f, now_ms))
			return f;
		if (now_ms - f->used_ms > now_ms - best->used_ms)
			best = f;
	}
	return now_ms - best->used_ms > VSW_DESK_HOLD_MS ? best : NULL;
}

static uint16_t free_inside(struct vsw_desk *d, uint8_t family, uint8_t proto)
{
	do {
		d->next = d->next == UINT16_MAX ? PORT_FIRST : (uint16_t)(d->next + 1);
	} while (by_inside(d, family, proto, d->next));
	return d->next;
}

static int connection(struct vsw_desk *d, const struct vsw_desk_flow *key, bool opens,
		      uint32_t now_ms, struct vsw_desk_flow **ret)
{
	struct vsw_desk_flow *f = find(d, key);
	uint16_t inside;

	if (f && opens && over(f, now_ms))
		f->family = 0;
	else if (f) {
		*ret = f;
		return 0;
	}
	if (!opens)
		return -ENOENT;
	f = make_room(d, now_ms);
	if (!f)
		return -ENOSPC;
	f->family = 0;
	inside = free_inside(d, key->family, key->proto);
	*f = *key;
	f->inside = inside;
	*ret = f;
	return 0;
}

/* Offset of the network header; 0: not understood. */
static uint32_t link_layer(const uint8_t *frame, uint32_t size, struct vsw_desk_flow *f)
{
	if (size < ETH + TAG)
		return 0;
	memcpy(f->mac, frame + 6, 6);
	f->tagged = get16(frame + 12) == 0x8100;
	f->tci = f->tagged ? get16(frame + 14) : 0;
	return f->tagged ? ETH + TAG : ETH;
}

static uint16_t service_port(enum nap_class class)
{
	return class == NAP_SERVE_DNS        ? VSW_DESK_DNS
	       : class == NAP_SERVE_REDIRECT ? VSW_DESK_REDIRECT
					     : VSW_DESK_WEB;
}

int vsw_desk_in(struct vsw_desk *d, uint8_t *frame, uint32_t size, enum nap_class class,
		uint32_t now_ms, uint8_t **ip, uint32_t *ip_size)
{
	struct vsw_desk_flow key = {.used_ms = now_ms}, *f;
	uint32_t l3 = link_layer(frame, size, &key);
	uint8_t src[16], dst[16];
	struct packet p;
	bool opens;
	int r;

	if (!l3 || !packet_parse(frame + l3, size - l3, &p))
		return -EBADMSG;
	if (p.proto == UDP && class != NAP_SERVE_DNS)
		return -EBADMSG;
	key.family = p.family;
	key.proto = p.proto;
	key.sport = get16(p.l4);
	key.dport = get16(p.l4 + 2);
	memcpy(key.src, p.ip + (p.family == 4 ? 12 : 8), p.family == 4 ? 4 : 16);
	memcpy(key.dst, p.ip + (p.family == 4 ? 16 : 24), p.family == 4 ? 4 : 16);
	opens = p.proto == UDP || (p.l4[13] & (SYN | ACK | RST | FIN)) == SYN;
	r = connection(d, &key, opens, now_ms, &f);
	if (r < 0)
		return r;
	/* what it says last counts: it may have been given another address on the link */
	memcpy(f->mac, key.mac, sizeof(f->mac));
	f->tagged = key.tagged;
	f->tci = key.tci;
	f->used_ms = now_ms;
	inside_address(p.family, d->ticket, src);
	inside_address(p.family, VSW_DESK_SERVICE, dst);
	rewrite(&p, src, dst, f->inside, service_port(class));
	if (p.proto == TCP && p.l4[13] & RST)
		f->family = 0;
	*ip = p.ip;
	*ip_size = p.size;
	return 0;
}

uint32_t vsw_desk_ticket(const uint8_t *ip, uint32_t size)
{
	static const uint8_t net[12] = VSW_DESK_IPV6_NET;
	uint32_t a;

	if (size >= 20 && ip[0] >> 4 == 4) {
		a = get32(ip + 16) - VSW_DESK_IPV4;
		return a >> VSW_TICKET_BITS ? 0 : a;
	}
	if (size >= 40 && ip[0] >> 4 == 6 && !memcmp(ip + 24, net, sizeof(net))) {
		a = get32(ip + 36);
		return a >> VSW_TICKET_BITS ? 0 : a;
	}
	return 0;
}

/* Ethernet header for the guest; returns its size. */
static uint32_t put_link(uint8_t *frame, const uint8_t *mac, bool tagged, uint16_t tci,
			 uint16_t ethertype)
{
	memcpy(frame, mac, 6);
	memcpy(frame + 6, service_mac, 6);
	if (tagged) {
		put16(frame + 12, 0x8100);
		put16(frame + 14, tci);
		put16(frame + 16, ethertype);
		return ETH + TAG;
	}
	put16(frame + 12, ethertype);
	return ETH;
}

static int padded(uint8_t *frame, uint32_t size)
{
	if (size < FRAME_MIN) {
		memset(frame + size, 0, FRAME_MIN - size);
		size = FRAME_MIN;
	}
	return (int)size;
}

int vsw_desk_out(struct vsw_desk *d, const uint8_t *ip, uint32_t size, uint32_t now_ms,
		 uint8_t *frame)
{
	struct vsw_desk_flow *f;
	struct packet p;
	uint32_t l3;

	/* parsed where it will lie; which connection it is says how long the header is, so look twice */
	if (size > VSW_DESK_PACKET_MAX)
		return -EBADMSG;
	memcpy(frame + ETH, ip, size);
	if (!packet_parse(frame + ETH, size, &p))
		return -EBADMSG;
	f = by_inside(d, p.family, p.proto, get16(p.l4 + 2));
	if (!f)
		return -ENOENT;
	l3 = put_link(frame, f->mac, f->tagged, f->tci, p.family == 4 ? 0x0800 : 0x86dd);
	if (l3 != ETH) {
		memcpy(frame + l3, ip, size);
		packet_parse(frame + l3, size, &p);
	}
	rewrite(&p, f->dst, f->src, f->dport, f->sport);
	f->used_ms = now_ms;
	if (p.proto == TCP && p.l4[13] & RST)
		f->family = 0;
	return padded(frame, l3 + p.size);
}

/* ---- answers without a connection ---- */

uint16_t vsw_desk_checksum(const uint8_t *ip, uint8_t proto, const uint8_t *l4, uint32_t size)
{
	bool v4 = ip[0] >> 4 == 4;
	uint8_t pseudo[40] = {0};
	uint32_t n = v4 ? 8 : 32;
	uint16_t a, b;

	memcpy(pseudo, ip + (v4 ? 12 : 8), n);
	put32(pseudo + n, size);
	pseudo[n + 7] = proto;
	a = (uint16_t)~nat_csum(pseudo, n + 8);
	b = (uint16_t)~nat_csum(l4, size);
	return (uint16_t)~nat_fold((uint32_t)a + b);
}

static int arp_answer(const uint8_t *frame, const struct vsw_headers *h, uint8_t *ret)
{
	struct vsw_desk_flow f;
	const uint8_t *q = frame + h->l3;
	uint8_t *a;
	uint32_t l3;

	link_layer(frame, ETH + TAG, &f);
	l3 = put_link(ret, frame + 6, f.tagged, f.tci, 0x0806);
	a = ret + l3;
	memcpy(a, q, 8);
	a[7] = 2;
	memcpy(a + 8, service_mac, 6);
	memcpy(a + 14, q + 24, 4);
	memcpy(a + 18, q + 8, 10);
	return padded(ret, l3 + 28);
}

/* RFC 4861 7.2.4; who asks without an address of his own is told together with all nodes. */
static int nd_answer(const uint8_t *frame, const struct vsw_headers *h, uint8_t *ret)
{
	static const uint8_t nobody[16], all[16] = {0xff, 2, [15] = 1};
	static const uint8_t all_mac[6] = {0x33, 0x33, 0, 0, 0, 1};
	const uint8_t *q = frame + h->l3;
	bool alone = memcmp(q + 8, nobody, 16) != 0;
	struct vsw_desk_flow f;
	uint8_t *ip, *na;
	uint32_t l3;

	link_layer(frame, ETH + TAG, &f);
	l3 = put_link(ret, alone ? frame + 6 : all_mac, f.tagged, f.tci, 0x86dd);
	ip = ret + l3;
	na = ip + 40;
	memset(ip, 0, 72);
	ip[0] = 0x60;
	put16(ip + 4, 32);
	ip[6] = ICMP6;
	ip[7] = 255;
	memcpy(ip + 8, frame + h->l4 + 8, 16);
	memcpy(ip + 24, alone ? q + 8 : all, 16);
	na[0] = 136;
	na[4] = alone ? 0x60 : 0x20; /* solicited, overrides */
	memcpy(na + 8, frame + h->l4 + 8, 16);
	na[24] = 2;
	na[25] = 1;
	memcpy(na + 26, service_mac, 6);
	vd_store16(na + 2, vsw_desk_checksum(ip, ICMP6, na, 32));
	return (int)(l3 + 72);
}

/* RFC 9293 3.10.7.1: the segment acknowledges what opened the connection. */
static int reset_answer(const uint8_t *frame, const struct vsw_headers *h, uint8_t *ret)
{
	const uint8_t *q = frame + h->l3, *syn = frame + h->l4;
	bool v4 = h->family == VSW_FAMILY_IPV4;
	uint32_t head = v4 ? 20 : 40, n = v4 ? 4 : 16, at = v4 ? 12 : 8, l3;
	struct vsw_desk_flow f;
	uint8_t *ip, *rst;

	link_layer(frame, ETH + TAG, &f);
	l3 = put_link(ret, frame + 6, f.tagged, f.tci, v4 ? 0x0800 : 0x86dd);
	ip = ret + l3;
	rst = ip + head;
	memset(ip, 0, head + 20);
	ip[0] = v4 ? 0x45 : 0x60;
	put16(ip + (v4 ? 2 : 4), v4 ? 40 : 20);
	ip[v4 ? 8 : 7] = 64;
	ip[v4 ? 9 : 6] = TCP;
	memcpy(ip + at, q + at + n, n);
	memcpy(ip + at + n, q + at, n);
	if (v4)
		vd_store16(ip + 10, nat_csum(ip, 20));
	memcpy(rst, syn + 2, 2);
	memcpy(rst + 2, syn, 2);
	put32(rst + 8, get32(syn + 4) + 1);
	rst[12] = 0x50;
	rst[13] = RST | ACK;
	vd_store16(rst + 16, vsw_desk_checksum(ip, TCP, rst, 20));
	return padded(ret, l3 + head + 20);
}

int vsw_desk_answer(const uint8_t *frame, uint32_t size, enum nap_class class, uint8_t *ret)
{
	struct vsw_headers h;

	if (size < ETH + TAG)
		return -EBADMSG;
	vsw_headers_parse(frame, size, size, &h);
	if (h.flags & (VSW_HDR_BROKEN | VSW_HDR_FRAGMENT))
		return -EBADMSG;
	/* two tags: nobody's */
	if (h.l3 != ETH && h.l3 != ETH + TAG)
		return -EBADMSG;
	if (class == NAP_SERVE_LINK && h.ethertype == 0x0806 && h.l3 + 28u <= size)
		return arp_answer(frame, &h, ret);
	if (class == NAP_SERVE_LINK && h.family == VSW_FAMILY_IPV6 && h.proto == ICMP6 &&
	    h.l4 + 24u <= size)
		return nd_answer(frame, &h, ret);
	if (class == NAP_SERVE_RESET && h.proto == TCP && h.family != VSW_FAMILY_OTHER &&
	    h.l4 + 20u <= size)
		return reset_answer(frame, &h, ret);
	return -EBADMSG;
}
