/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections of guests with the health service: translated there and back, checksums and all. */
#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>

#include "nat/xlat/checksum.h"
#include "vswitch/policy/portal.h"
#include "vswitch/portal/desk.h"

#define TICKET (5u << VSW_TICKET_INDEX_BITS | 7)

enum { SYN = 2, RST = 4, ACK = 0x10 };

static const uint8_t guest_mac[6] = {2, 0, 0, 0, 0, 7}, service[6] = VSW_PORTAL_MAC;
static struct vsw_desk desk;
static uint8_t frame[VSW_DESK_PACKET_MAX + VSW_DESK_HEADER_MAX + 64];

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static unsigned int get16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

/* Sum over pseudo-header and segment: 0 when the checksum in there is right. */
static uint16_t l4_sum(const uint8_t *ip, uint32_t size)
{
	bool v4 = ip[0] >> 4 == 4;
	uint32_t head = v4 ? 20 : 40, n = v4 ? 8 : 32;
	uint8_t b[64 + VSW_DESK_PACKET_MAX] = {0};

	memcpy(b, ip + (v4 ? 12 : 8), n);
	put16(b + n + 2, size - head);
	b[n + 7] = ip[v4 ? 9 : 6];
	memcpy(b + n + 8, ip + head, size - head);
	return nat_csum(b, n + 8 + size - head);
}

/* A TCP segment or datagram from @last of 10.0.0.0/24 (or 2001:db8::), with right checksums. */
static uint32_t packet(uint8_t *ip, bool v4, uint8_t proto, uint8_t last, unsigned int sport,
		       unsigned int dport, uint8_t flags, uint32_t data)
{
	uint32_t head = v4 ? 20 : 40, l4 = proto == 6 ? 20 : 8, size = head + l4 + data;
	uint8_t *p = ip + head, *csum = p + (proto == 6 ? 16 : 6);

	memset(ip, 0, size);
	ip[0] = v4 ? 0x45 : 0x60;
	put16(ip + (v4 ? 2 : 4), v4 ? size : size - 40);
	ip[v4 ? 8 : 7] = 64;
	ip[v4 ? 9 : 6] = proto;
	ip[v4 ? 12 : 8] = v4 ? 10 : 0x20;
	ip[v4 ? 15 : 23] = last;
	ip[v4 ? 16 : 24] = v4 ? 169 : 0xfe;
	ip[v4 ? 17 : 25] = v4 ? 254 : 0x80;
	ip[v4 ? 19 : 39] = 65;
	put16(p, sport);
	put16(p + 2, dport);
	if (proto == 6) {
		p[12] = 0x50;
		p[13] = flags;
	} else {
		put16(p + 4, 8 + data);
	}
	memset(p + l4, 'd', data);
	if (v4)
		vd_store16(ip + 10, nat_csum(ip, 20));
	vd_store16(csum, l4_sum(ip, size));
	return size;
}

static uint32_t ethernet(bool v4, bool tagged)
{
	uint32_t at = tagged ? 18 : 14;

	memcpy(frame, service, 6);
	memcpy(frame + 6, guest_mac, 6);
	if (tagged) {
		put16(frame + 12, 0x8100);
		put16(frame + 14, 0x2007);
	}
	put16(frame + at - 2, v4 ? 0x0800 : 0x86dd);
	return at;
}

/* One segment into the service; returns what vsw_desk_in() does. */
static int in(bool v4, uint8_t last, unsigned int sport, uint8_t flags, uint32_t now, uint8_t **ip,
	      uint32_t *size)
{
	uint32_t at = ethernet(v4, false), n = packet(frame + at, v4, 6, last, sport, 80, flags, 0);

	return vsw_desk_in(&desk, frame, at + n, NAP_SERVE_WEB, now, ip, size);
}

static void there_and_back_once(bool v4, bool tagged, uint8_t proto, enum nap_class class)
{
	uint32_t at = ethernet(v4, tagged), size, head = v4 ? 20 : 40;
	uint32_t n = packet(frame + at, v4, proto, 7, 40000, 80, SYN, proto == 6 ? 0 : 11);
	uint8_t *ip, sent[128], reply[VSW_DESK_PACKET_MAX];
	int r;

	memcpy(sent, frame + at, n);
	/* Ethernet pads short frames */
	CU_ASSERT_EQUAL_FATAL(vsw_desk_in(&desk, frame, at + n + 5, class, 100, &ip, &size), 0);
	CU_ASSERT_EQUAL(size, n);
	CU_ASSERT_EQUAL(l4_sum(ip, size), 0);
	CU_ASSERT(!v4 || nat_csum(ip, 20) == 0);
	CU_ASSERT_EQUAL(get16(ip + head + 2), class == NAP_SERVE_DNS        ? VSW_DESK_DNS
					      : class == NAP_SERVE_REDIRECT ? VSW_DESK_REDIRECT
									    : VSW_DESK_WEB);
	/* the answer: the other way round */
	memcpy(reply, ip, size);
	memcpy(reply + (v4 ? 12 : 8), ip + (v4 ? 16 : 24), v4 ? 4 : 16);
	memcpy(reply + (v4 ? 16 : 24), ip + (v4 ? 12 : 8), v4 ? 4 : 16);
	memcpy(reply + head, ip + head + 2, 2);
	memcpy(reply + head + 2, ip + head, 2);
	CU_ASSERT_EQUAL(vsw_desk_ticket(reply, size), TICKET);
	r = vsw_desk_out(&desk, reply, size, 200, frame);
	CU_ASSERT_EQUAL_FATAL(r, at + size < 60 ? 60 : (int)(at + size));
	CU_ASSERT(!memcmp(frame, guest_mac, 6) && !memcmp(frame + 6, service, 6));
	CU_ASSERT(!tagged || (get16(frame + 12) == 0x8100 && get16(frame + 14) == 0x2007));
	ip = frame + at;
	CU_ASSERT_EQUAL(l4_sum(ip, size), 0);
	CU_ASSERT(!v4 || nat_csum(ip, 20) == 0);
	CU_ASSERT(!memcmp(ip + (v4 ? 12 : 8), sent + (v4 ? 16 : 24), v4 ? 4 : 16));
	CU_ASSERT(!memcmp(ip + (v4 ? 16 : 24), sent + (v4 ? 12 : 8), v4 ? 4 : 16));
	CU_ASSERT(!memcmp(ip + head, sent + head + 2, 2));
	CU_ASSERT(!memcmp(ip + head + 2, sent + head, 2));
}

static void there_and_back(void)
{
	vsw_desk_init(&desk, TICKET);
	for (unsigned int i = 0; i < 4; i++) {
		there_and_back_once(i & 1, i & 2, 6, NAP_SERVE_WEB);
		there_and_back_once(i & 1, i & 2, 6, NAP_SERVE_REDIRECT);
		there_and_back_once(i & 1, i & 2, 17, NAP_SERVE_DNS);
	}
}

static void no_connection(void)
{
	uint8_t *ip, packet4[40];
	uint32_t size, n;

	vsw_desk_init(&desk, TICKET);
	CU_ASSERT_EQUAL(in(true, 7, 1000, ACK, 0, &ip, &size), -ENOENT);
	CU_ASSERT_EQUAL(in(true, 7, 1000, SYN, 0, &ip, &size), 0);
	CU_ASSERT_EQUAL(in(true, 7, 1000, ACK, 0, &ip, &size), 0);
	CU_ASSERT_EQUAL(in(true, 7, 1000, RST, 0, &ip, &size), 0);
	CU_ASSERT_EQUAL(in(true, 7, 1000, ACK, 0, &ip, &size), -ENOENT);
	/* the service's word to nobody */
	n = packet(packet4, true, 6, 7, 80, 1234, ACK, 0);
	CU_ASSERT_EQUAL(vsw_desk_ticket(packet4, n), 0);
	CU_ASSERT_EQUAL(vsw_desk_out(&desk, packet4, n, 0, frame), -ENOENT);
}

static void limits(void)
{
	uint8_t *ip;
	uint32_t size;

	vsw_desk_init(&desk, TICKET);
	for (unsigned int i = 0; i < VSW_DESK_FLOWS; i++)
		CU_ASSERT_EQUAL(in(true, 7, 1000 + i, SYN, i, &ip, &size), 0);
	CU_ASSERT_EQUAL(in(true, 7, 2000, SYN, VSW_DESK_FLOWS, &ip, &size), -ENOSPC);
	/* those there go on; the one that was quiet longest makes room */
	CU_ASSERT_EQUAL(in(true, 7, 1000, ACK, 3000, &ip, &size), 0);
	CU_ASSERT_EQUAL(in(true, 7, 2000, SYN, VSW_DESK_HOLD_MS + 2, &ip, &size), 0);
	CU_ASSERT_EQUAL(in(true, 7, 1001, ACK, VSW_DESK_HOLD_MS + 2, &ip, &size), -ENOENT);
	CU_ASSERT_EQUAL(in(true, 7, 1000, ACK, VSW_DESK_HOLD_MS + 2, &ip, &size), 0);
}

static void same_address_twice(void)
{
	uint8_t *ip, a[4], b[4];
	uint32_t size;

	vsw_desk_init(&desk, TICKET);
	CU_ASSERT_EQUAL(in(true, 7, 1000, SYN, 0, &ip, &size), 0);
	memcpy(a, ip + 12, 4);
	vsw_desk_init(&desk, TICKET + 1);
	CU_ASSERT_EQUAL(in(true, 7, 1000, SYN, 0, &ip, &size), 0);
	memcpy(b, ip + 12, 4);
	CU_ASSERT(memcmp(a, b, 4) != 0);
	/* Q13: whatever source a guest writes, the service sees its port */
	CU_ASSERT_EQUAL(in(true, 99, 1001, SYN, 0, &ip, &size), 0);
	CU_ASSERT(!memcmp(ip + 12, b, 4));
}

static void broken(void)
{
	uint32_t at = ethernet(true, false), n, size;
	uint8_t good[128], *ip;

	vsw_desk_init(&desk, TICKET);
	n = packet(frame + at, true, 6, 7, 1000, 80, SYN, 10);
	memcpy(good, frame, at + n);
	for (uint32_t k = 0; k < at + n; k++) {
		memcpy(frame, good, at + n);
		CU_ASSERT_EQUAL(vsw_desk_in(&desk, frame, k, NAP_SERVE_WEB, 0, &ip, &size),
				-EBADMSG);
	}
	memcpy(frame, good, at + n);
	frame[at] = 0x46; /* options */
	CU_ASSERT_EQUAL(vsw_desk_in(&desk, frame, at + n, NAP_SERVE_WEB, 0, &ip, &size), -EBADMSG);
	memcpy(frame, good, at + n);
	frame[at + 6] = 0x20; /* a fragment */
	CU_ASSERT_EQUAL(vsw_desk_in(&desk, frame, at + n, NAP_SERVE_WEB, 0, &ip, &size), -EBADMSG);
	n = packet(frame + at, true, 17, 7, 1000, 80, 0, 10);
	CU_ASSERT_EQUAL(vsw_desk_in(&desk, frame, at + n, NAP_SERVE_WEB, 0, &ip, &size), -EBADMSG);
}

static void where_is_the_portal(void)
{
	static const uint8_t asked[4] = {169, 254, 78, 65}, me[4] = {10, 0, 0, 7};
	uint8_t q[60] = {0}, a[128];

	memset(q, 0xff, 6);
	memcpy(q + 6, guest_mac, 6);
	memcpy(q + 12, (uint8_t[]){8, 6, 0, 1, 8, 0, 6, 4, 0, 1}, 10);
	memcpy(q + 22, guest_mac, 6);
	memcpy(q + 28, me, 4);
	memcpy(q + 38, asked, 4);
	CU_ASSERT_EQUAL(vsw_desk_answer(q, sizeof(q), NAP_SERVE_LINK, a), 60);
	CU_ASSERT(!memcmp(a, guest_mac, 6) && !memcmp(a + 6, service, 6));
	CU_ASSERT_EQUAL(a[21], 2);
	CU_ASSERT(!memcmp(a + 22, service, 6) && !memcmp(a + 28, asked, 4));
	CU_ASSERT(!memcmp(a + 32, guest_mac, 6) && !memcmp(a + 38, me, 4));
	for (uint32_t k = 0; k < 42; k++)
		CU_ASSERT(vsw_desk_answer(q, k, NAP_SERVE_LINK, a) < 0);
}

static void solicitation(void)
{
	uint8_t q[14 + 72] = {0}, a[128], *ip = q + 14, sum[72 + 8] = {0};

	memcpy(q, (uint8_t[]){0x33, 0x33, 0xff, 0, 0x4e, 0x41}, 6);
	memcpy(q + 6, guest_mac, 6);
	put16(q + 12, 0x86dd);
	ip[0] = 0x60;
	put16(ip + 4, 32);
	ip[6] = 58;
	ip[7] = 255;
	ip[8] = 0xfe;
	ip[9] = 0x80;
	ip[23] = 7;
	ip[40] = 135;
	ip[48] = 0xfe;
	ip[49] = 0x80;
	put16(ip + 62, 0x4e41);
	CU_ASSERT_EQUAL(vsw_desk_answer(q, sizeof(q), NAP_SERVE_LINK, a), 86);
	CU_ASSERT(!memcmp(a, guest_mac, 6));
	CU_ASSERT(a[54] == 136 && a[58] == 0x60 && a[21] == 255);
	CU_ASSERT(!memcmp(a + 22, ip + 48, 16) && !memcmp(a + 38, ip + 8, 16));
	memcpy(sum, a + 22, 32);
	sum[35] = 32;
	sum[39] = 58;
	memcpy(sum + 40, a + 54, 32);
	CU_ASSERT_EQUAL(nat_csum(sum, 72), 0);
	memset(ip + 8, 0, 16); /* is it taken? It is: all are told */
	CU_ASSERT_EQUAL(vsw_desk_answer(q, sizeof(q), NAP_SERVE_LINK, a), 86);
	CU_ASSERT(a[0] == 0x33 && a[38] == 0xff && a[58] == 0x20);
}

static void refusals(void)
{
	for (unsigned int v4 = 0; v4 < 2; v4++) {
		uint32_t at = ethernet(v4, false);
		uint32_t n = packet(frame + at, v4, 6, 7, 1000, 443, SYN, 0),
			 l4 = at + (v4 ? 20 : 40);
		uint8_t a[128];

		put16(frame + l4 + 6, 0x1234); /* sequence number */
		CU_ASSERT_EQUAL(vsw_desk_answer(frame, at + n, NAP_SERVE_RESET, a), v4 ? 60 : 74);
		CU_ASSERT(a[l4 + 13] == (RST | ACK) && get16(a + l4) == 443);
		CU_ASSERT(get16(a + l4 + 2) == 1000 && get16(a + l4 + 10) == 0x1235);
		CU_ASSERT_EQUAL(l4_sum(a + at, n), 0);
		CU_ASSERT(!v4 || nat_csum(a + at, 20) == 0);
	}
}

static const struct tap_case cases[] = {
	{"both families, with and without a tag, TCP and UDP, there and back", there_and_back},
	{"what belongs to no connection", no_connection},
	{"as many connections as a port may have", limits},
	{"Q13: two guests with one address are two, one with two addresses is one",
	 same_address_twice},
	{"every prefix, options, fragments", broken},
	{"ARP for the portal", where_is_the_portal},
	{"neighbour solicitation for it", solicitation},
	{"Q29: connections refused at once", refusals},
};

TAP_MAIN("vswitch/portal/desk", cases)
