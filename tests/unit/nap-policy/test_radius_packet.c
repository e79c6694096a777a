/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RADIUS packets: whose they are. */
#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>

#include "nap-policy/radius_packet.h"

static const struct nap_radius_secret secret = {.text = "xyzzy5461", .size = 9};
static const struct nap_radius_secret other = {.text = "xyzzy5462", .size = 9};
static const uint8_t auth[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/* The answer of RFC 2865 7.1: Access-Accept of id 0 to the request with this authenticator. */
static void known_answer(void)
{
	static const uint8_t request[16] = {0x0f, 0x40, 0x3f, 0x94, 0x73, 0x97, 0x80, 0x57,
					    0xbd, 0x83, 0xd5, 0xcb, 0x98, 0xf4, 0x22, 0x7a};
	static const uint8_t answer[] = {0x02, 0x00, 0x00, 0x26, 0x86, 0xfe, 0x22, 0x0e, 0x76, 0x24,
					 0xba, 0x2a, 0x10, 0x05, 0xf6, 0xbf, 0x9b, 0x55, 0xe0, 0xb2,
					 0x06, 0x06, 0x00, 0x00, 0x00, 0x01, 0x0f, 0x06, 0x00, 0x00,
					 0x00, 0x00, 0x0e, 0x06, 0xc0, 0xa8, 0x01, 0x03};
	uint8_t got[16];

	nap_radius_digest(answer, sizeof(answer), request, &secret, got);
	CU_ASSERT_TRUE(nap_radius_same(got, answer + 4));
	nap_radius_digest(answer, sizeof(answer), request, &other, got);
	CU_ASSERT_FALSE(nap_radius_same(got, answer + 4));
	/* right, and still nobody's: it has no Message-Authenticator */
	CU_ASSERT_FALSE(nap_radius_genuine(answer, sizeof(answer), 0, request, &secret));
}

static void questions(void)
{
	const struct nap_radius_question q = {.user = "web1", .port = "web1"};
	uint8_t p[512];
	size_t n = nap_radius_ask(&q, 7, auth, &secret, p, sizeof(p));

	CU_ASSERT_FATAL(n > NAP_RADIUS_HEADER);
	CU_ASSERT(p[0] == NAP_ACCESS_REQUEST && p[1] == 7 && (size_t)(p[2] << 8 | p[3]) == n);
	CU_ASSERT_EQUAL(p[NAP_RADIUS_HEADER], 80); /* before everything else */
	CU_ASSERT_EQUAL(nap_radius_message(p, n, auth, &secret), 1);
	CU_ASSERT_EQUAL(nap_radius_message(p, n, auth, &other), -EACCES);
	for (size_t i = NAP_RADIUS_HEADER; i < n; i++) {
		p[i] ^= 1;
		CU_ASSERT_TRUE(nap_radius_message(p, n, auth, &secret) <= 0);
		p[i] ^= 1;
	}
	for (size_t size = 0; size < n; size++)
		CU_ASSERT_EQUAL(nap_radius_ask(&q, 7, auth, &secret, p, size), 0);
}

/* An answer whose Message-Authenticator is that of another packet. */
static size_t answer(uint8_t *p, uint8_t id, const struct nap_radius_secret *by)
{
	static const struct nap_radius_question nothing = {.user = "x"};
	size_t n = nap_radius_ask(&nothing, id, auth, by, p, 512);

	p[0] = NAP_ACCESS_ACCEPT;
	return n;
}

static void q42_forged(void)
{
	uint8_t p[512];
	size_t n = answer(p, 3, &secret);

	/* a right header around a wrong Message-Authenticator */
	nap_radius_digest(p, n, auth, &secret, p + 4);
	CU_ASSERT_FALSE(nap_radius_genuine(p, n, 3, auth, &secret));
	CU_ASSERT_FALSE(nap_radius_genuine(p, n, 4, auth, &secret));
	CU_ASSERT_FALSE(nap_radius_genuine(p, n - 1, 3, auth, &secret));
	CU_ASSERT_FALSE(nap_radius_genuine(p, 0, 3, auth, &secret));
}

static const struct tap_case cases[] = {
	{"the example of RFC 2865", known_answer},
	{"questions have a Message-Authenticator", questions},
	{"Q42: answers without or with a wrong one are refused", q42_forged},
};

TAP_MAIN("nap-policy/radius_packet", cases)
