/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements of health in DHCP: which questions count, and what goes into the answers. */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nat/xlat/checksum.h"
#include "tests/unit/nap-policy/golden.h"
#include "vswitch/portal/desk.h"
#include "vswitch/portal/hear.h"

enum { DISCOVER = 1, OFFER, REQUEST, NAK = 6 };

static const uint8_t guest[6] = {2, 0, 0, 0, 0, 7}, server[6] = {2, 0, 0, 0, 0, 9};
static struct vsw_hear h;
static struct nap_dhcp_message m;
static uint8_t frame[VSW_HEAR_FRAME_MAX], out[VSW_HEAR_FRAME_MAX];
static const uint8_t *soh;
static uint16_t soh_size;
static bool amended;

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* A message of @type with @n bytes of options more, from the machine or to it. Returns the frame's size. */
static uint32_t message(bool request, uint8_t type, uint8_t xid, const uint8_t *options, size_t n,
			uint16_t max_size)
{
	const uint8_t first[] = {99, 130, 83, 99, 53, 1, type, 57, 2, 0, 0};
	uint8_t *ip = frame + 14, *udp = ip + 20, *b = udp + 8, *o = b + 236;
	uint32_t size = 240 + 7 + (uint32_t)n + 1;

	memset(frame, 0, sizeof(frame));
	memcpy(frame, request ? server : guest, 6);
	memcpy(frame + 6, request ? guest : server, 6);
	put16(frame + 12, 0x800);
	ip[0] = 0x45;
	ip[8] = 64;
	ip[9] = 17;
	put16(ip + 2, size + 28);
	ip[15] = request ? 0 : 2;
	put16(udp, request ? 68 : 67);
	put16(udp + 2, request ? 67 : 68);
	put16(udp + 4, size + 8);
	b[0] = request ? 1 : 2;
	b[1] = 1;
	b[2] = 6;
	b[7] = xid;
	memcpy(b + 28, guest, 6);
	memcpy(o, first, sizeof(first));
	put16(o + 9, max_size);
	if (n)
		memcpy(o + sizeof(first), options, n);
	o[sizeof(first) + n] = 255;
	return 14 + 28 + size + 3;
}

static size_t golden(uint8_t *ret)
{
	uint8_t bytes[GOLDEN_SIZE];

	CU_ASSERT_TRUE_FATAL(nap_hex_parse(golden_hex, bytes, GOLDEN_SIZE));
	return nap_dhcp_build(NAP_DHCP_SOH, bytes, GOLDEN_SIZE, ret, 512);
}

static enum vsw_heard ask(uint8_t type, uint8_t xid, const uint8_t *options, size_t n, uint32_t now)
{
	return vsw_hear_question(&h, frame, message(true, type, xid, options, n, 1500), now, &m,
				 &soh, &soh_size);
}

static int answer(uint8_t type, uint8_t xid, uint32_t now)
{
	return vsw_hear_answer(&h, frame, message(false, type, xid, NULL, 0, 0), now, &m, out,
			       &amended);
}

/* Is @out of @size bytes whole, and what does it say? */
static const struct nap_dhcp *said(int size)
{
	static struct nap_dhcp_message got;
	const uint8_t *ip = out + 14;
	uint8_t sum[12 + VSW_HEAR_FRAME_MAX] = {0};
	uint32_t udp;

	CU_ASSERT_TRUE_FATAL(size > 14 + 28 + 240);
	udp = (uint32_t)size - 34;
	CU_ASSERT_EQUAL((uint32_t)(ip[2] << 8 | ip[3]), udp + 20);
	CU_ASSERT_EQUAL((uint32_t)(ip[24] << 8 | ip[25]), udp);
	CU_ASSERT_EQUAL(nat_csum(ip, 20), 0);
	memcpy(sum, ip + 12, 8);
	sum[9] = 17;
	put16(sum + 10, udp);
	memcpy(sum + 12, ip + 20, udp);
	CU_ASSERT_EQUAL(nat_csum(sum, 12 + udp), 0);
	CU_ASSERT_EQUAL_FATAL(nap_dhcp_read(ip + 28, udp - 8, &got), 0);
	return &got.health;
}

static void probe(void)
{
	static const uint8_t option[] = {43, 2, 220, 0};

	vsw_hear_init(&h, 1);
	CU_ASSERT_EQUAL(answer(OFFER, 5, 0), -ENOENT);
	CU_ASSERT_EQUAL(ask(DISCOVER, 5, option, sizeof(option), 100), VSW_HEARD_PROBE);
	CU_ASSERT_EQUAL(answer(OFFER, 6, 110), -ENOENT);
	CU_ASSERT_EQUAL(said(answer(OFFER, 5, 110))->kind, NAP_DHCP_CAPABLE);
	CU_ASSERT_TRUE(amended);
	CU_ASSERT_EQUAL(said(answer(NAP_DHCP_ACK, 5, 120))->kind, NAP_DHCP_CAPABLE);
	CU_ASSERT_TRUE(answer(NAK, 5, 120) < 0);
	CU_ASSERT_EQUAL(answer(OFFER, 5, 100 + VSW_HEAR_FOR_MS + 1), -ENOENT);
}

static void nothing(void)
{
	vsw_hear_init(&h, 1);
	CU_ASSERT_EQUAL(ask(DISCOVER, 5, NULL, 0, 0), VSW_HEARD_NOTHING);
	CU_ASSERT_EQUAL(ask(DISCOVER, 5, (const uint8_t *)"\x2b\x03\x01\x01\x07", 5, 0),
			VSW_HEARD_NOTHING);
	CU_ASSERT_EQUAL(ask(DISCOVER, 5, (const uint8_t *)"\x2b\x30\xdc\x01\x07", 5, 0),
			VSW_HEARD_BROKEN);
	CU_ASSERT_EQUAL(answer(OFFER, 5, 0), -ENOENT);
}

static void judged(void)
{
	uint8_t option[512], verdict[300];
	size_t n = golden(option);
	int r;

	for (size_t i = 0; i < sizeof(verdict); i++)
		verdict[i] = (uint8_t)i;
	vsw_hear_init(&h, 1);
	CU_ASSERT_EQUAL_FATAL(ask(REQUEST, 5, option, n, 100), VSW_HEARD_STATEMENT);
	CU_ASSERT_EQUAL(soh_size, GOLDEN_SIZE);
	CU_ASSERT_EQUAL(ask(REQUEST, 5, option, n, 101), VSW_HEARD_AGAIN);
	CU_ASSERT_EQUAL(answer(NAP_DHCP_ACK, 5, 110), 0);
	CU_ASSERT_EQUAL(vsw_hear_release(&h, 120, out, &amended), 0);
	vsw_hear_judged(&h, 6, verdict, sizeof(verdict));
	CU_ASSERT_EQUAL(vsw_hear_release(&h, 120, out, &amended), 0);
	vsw_hear_judged(&h, 5, verdict, sizeof(verdict));
	r = vsw_hear_release(&h, 130, out, &amended);
	CU_ASSERT_TRUE(amended);
	CU_ASSERT_EQUAL(said(r)->soh_size, sizeof(verdict));
	CU_ASSERT_EQUAL(memcmp(said(r)->soh, verdict, sizeof(verdict)), 0);
	CU_ASSERT_EQUAL(vsw_hear_release(&h, 140, out, &amended), 0);
	/* the same message once more, because the answer was lost: the same answer */
	CU_ASSERT_EQUAL(ask(REQUEST, 5, option, n, 150), VSW_HEARD_AGAIN);
	CU_ASSERT_EQUAL(said(answer(NAP_DHCP_ACK, 5, 160))->soh_size, sizeof(verdict));
}

static void late(void)
{
	uint8_t option[512], byte = 1;
	size_t n = golden(option);
	uint32_t size;

	vsw_hear_init(&h, 1);
	CU_ASSERT_EQUAL(ask(REQUEST, 5, option, n, UINT32_MAX - 10), VSW_HEARD_STATEMENT);
	size = message(false, NAP_DHCP_ACK, 5, NULL, 0, 0);
	CU_ASSERT_EQUAL(vsw_hear_answer(&h, frame, size, UINT32_MAX - 5, &m, out, &amended), 0);
	CU_ASSERT_EQUAL(vsw_hear_release(&h, VSW_HEAR_WAIT_MS - 10, out, &amended), 0);
	CU_ASSERT_EQUAL(vsw_hear_release(&h, VSW_HEAR_WAIT_MS, out, &amended), (int)size);
	CU_ASSERT_TRUE(!amended && !memcmp(out, frame, size));
	/* another exchange begins while one waits: that goes as it was, at once */
	CU_ASSERT_EQUAL(answer(NAP_DHCP_ACK, 5, 2000), 0);
	CU_ASSERT_EQUAL(ask(REQUEST, 6, option, n, 2001), VSW_HEARD_STATEMENT);
	vsw_hear_judged(&h, 6, &byte, 1);
	CU_ASSERT_EQUAL(vsw_hear_release(&h, 2002, out, &amended), (int)size);
	CU_ASSERT_FALSE(amended);
	/* refused: no answering statement */
	CU_ASSERT_EQUAL(ask(REQUEST, 7, option, n, 2003), VSW_HEARD_STATEMENT);
	vsw_hear_judged(&h, 7, NULL, 0);
	CU_ASSERT_TRUE(answer(NAP_DHCP_ACK, 7, 2004) < 0);
}

static void sizes(void)
{
	uint8_t option[512], verdict[VSW_HEAR_ANSWER] = {0};
	size_t n = golden(option);
	uint32_t size = message(true, REQUEST, 5, option, n, 0);
	int r;

	vsw_hear_init(&h, 1);
	CU_ASSERT_EQUAL(vsw_hear_question(&h, frame, size, 1, &m, &soh, &soh_size),
			VSW_HEARD_STATEMENT);
	vsw_hear_judged(&h, 5, verdict, 200);
	CU_ASSERT_EQUAL(said(answer(NAP_DHCP_ACK, 5, 2))->soh_size, 200);
	CU_ASSERT_EQUAL(ask(REQUEST, 6, option, n, 3), VSW_HEARD_STATEMENT);
	vsw_hear_judged(&h, 6, verdict, sizeof(verdict));
	r = answer(NAP_DHCP_ACK, 6, 4);
	CU_ASSERT_EQUAL(said(r)->soh_size, sizeof(verdict));
	/* 576 bytes are what every client takes, and nobody knows that this one takes more */
	size = message(true, REQUEST, 7, option, n, 0);
	CU_ASSERT_EQUAL(vsw_hear_question(&h, frame, size, 5, &m, &soh, &soh_size),
			VSW_HEARD_STATEMENT);
	vsw_hear_judged(&h, 7, verdict, 400);
	CU_ASSERT_TRUE(answer(NAP_DHCP_ACK, 7, 6) < 0);
}

static void others(void)
{
	uint8_t option[512];
	size_t n = golden(option);
	uint32_t size = message(true, REQUEST, 5, option, n, 1500);

	vsw_hear_init(&h, 1);
	frame[42 + 28 + 5] = 8; /* chaddr */
	CU_ASSERT_EQUAL(vsw_hear_question(&h, frame, size, 1, &m, &soh, &soh_size),
			VSW_HEARD_FOREIGN);
	size = message(true, REQUEST, 5, option, n, 1500);
	frame[42 + 24] = 10; /* giaddr */
	CU_ASSERT_EQUAL(vsw_hear_question(&h, frame, size, 1, &m, &soh, &soh_size),
			VSW_HEARD_FOREIGN);
	size = message(true, REQUEST, 5, option, n, 1500);
	frame[42 + 1] = 6; /* htype */
	CU_ASSERT_EQUAL(vsw_hear_question(&h, frame, size, 1, &m, &soh, &soh_size),
			VSW_HEARD_FOREIGN);
	/* a server's message from a machine, and an answer that already speaks of health */
	CU_ASSERT_EQUAL(vsw_hear_question(&h, frame, message(false, OFFER, 5, option, n, 0), 1, &m,
					  &soh, &soh_size),
			VSW_HEARD_NOTHING);
	CU_ASSERT_EQUAL(ask(DISCOVER, 5, (const uint8_t *)"\x2b\x02\xdc\0", 4, 1), VSW_HEARD_PROBE);
	size = message(false, OFFER, 5, option, n, 0);
	CU_ASSERT_EQUAL(vsw_hear_answer(&h, frame, size, 2, &m, out, &amended), -ENOENT);
}

/* Every prefix of every frame, in memory of just that size. */
static void prefixes(void)
{
	uint8_t option[512];
	size_t n = golden(option);

	for (unsigned int from = 0; from < 2; from++) {
		uint32_t size = message(!from, from ? NAP_DHCP_ACK : REQUEST, 5, option, n, 1500);

		for (uint32_t i = 0; i < size - 3; i++) { /* there is a trailer */
			uint8_t *copy = malloc(i ? i : 1);

			CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
			memcpy(copy, frame, i);
			vsw_hear_init(&h, 1);
			if (from) {
				h.state = 1;
				h.xid = 5;
				CU_ASSERT_TRUE(vsw_hear_answer(&h, copy, i, 1, &m, out, &amended) <
					       0);
			} else {
				CU_ASSERT_NOT_EQUAL(
					vsw_hear_question(&h, copy, i, 1, &m, &soh, &soh_size),
					VSW_HEARD_STATEMENT);
			}
			free(copy);
		}
	}
}

static const struct tap_case cases[] = {
	{"a probe", probe},
	{"messages that do not speak of health", nothing},
	{"a statement is judged, and its answer goes into the lease", judged},
	{"an answer that waits too long, or for something else", late},
	{"no more than the client takes", sizes},
	{"in the name of others", others},
	{"every prefix", prefixes},
};

TAP_MAIN("vswitch/portal/hear", cases)
