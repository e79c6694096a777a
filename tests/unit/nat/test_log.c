/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/log/log.h"
#include "tests/unit/tap.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define AT(s)          (UINT64_C(1795254703000) + (uint64_t)(s)*1000) /* 2026-11-21T09:51:43Z and @s */

static struct nat_event session(uint8_t type, uint32_t inside, uint16_t port, uint32_t remote,
				unsigned int s)
{
	return (struct nat_event){.time_ms = AT(s),
				  .type = type,
				  .proto = NAT_TCP,
				  .inside = inside,
				  .inside_port = port,
				  .outside = IP(203, 0, 113, 5),
				  .outside_port = 40000,
				  .remote = remote,
				  .remote_port = 443};
}

static void lines(void)
{
	struct nat_event e =
		session(NAT_EV_SESSION_CREATE, IP(10, 0, 0, 2), 5000, IP(198, 51, 100, 1), 0);
	char buf[512];
	size_t n = nat_log_line("lab", &e, true, buf, sizeof(buf));

	CU_ASSERT_EQUAL(n, strlen(buf));
	CU_ASSERT_STRING_EQUAL(
		buf, "{\"time\":\"2026-11-21T09:51:43.000Z\",\"nat\":\"lab\",\"event\":"
		     "\"session-create\",\"protocol\":\"tcp\",\"inside\":\"10.0.0.2:5000\","
		     "\"outside\":\"203.0.113.5:40000\",\"remote\":\"198.51.100.1:443\"}\n");
	nat_log_line("lab", &e, false, buf, sizeof(buf));
	CU_ASSERT_PTR_NULL(strstr(buf, "remote"));
	e = (struct nat_event){
		.type = NAT_EV_BLOCK_ALLOC, .inside = 1, .outside_port = 1024, .count = 256};
	nat_log_line("lab", &e, true, buf, sizeof(buf));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, ":1024-1279\""));
	e = (struct nat_event){.time_ms = AT(0),
			       .type = NAT_EV_ADDRESS_BOUND,
			       .inside = IP(10, 0, 0, 2),
			       .outside = IP(203, 0, 113, 5)};
	nat_log_line("lab", &e, true, buf, sizeof(buf));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "\"event\":\"address-bind\",\"inside\":\"10.0.0.2\","
					   "\"outside\":\"203.0.113.5\"}"));
	e = (struct nat_event){.type = NAT_EV_GAP, .count = 7};
	nat_log_line("lab", &e, true, buf, sizeof(buf));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "\"event\":\"gap\",\"lost\":7}"));
	e.type = 200;
	CU_ASSERT_EQUAL(nat_log_line("lab", &e, true, buf, sizeof(buf)), 0);
	e.type = NAT_EV_GAP;
	for (size_t k = 0; k < 70; k++)
		CU_ASSERT_EQUAL(nat_log_line("lab", &e, true, buf, k), 0); /* cut lines are none */
}

static void times(void)
{
	static const char *const bad[] = {"",
					  "yesterday",
					  "2026-11-21",
					  "2026-11-21T10:00:00",
					  "@",
					  "@-1",
					  "2026-11-21T10:00:00+1",
					  "2026-11-21T10:00:00ZZ",
					  "@1x",
					  "2026-11-21T10:00:00 Z",
					  "1969-12-31T23:59:59Z"};
	char buf[NAT_TIME_SIZE];
	uint64_t ms;

	CU_ASSERT_EQUAL(nat_time_parse("2026-11-21T09:51:43.123Z", &ms), 0);
	CU_ASSERT_EQUAL(ms, AT(0) + 123);
	CU_ASSERT_STRING_EQUAL(nat_time_format(ms, buf), "2026-11-21T09:51:43.123Z");
	CU_ASSERT_EQUAL(nat_time_parse("2026-11-21T10:51:43+01:00", &ms), 0);
	CU_ASSERT_EQUAL(ms, AT(0));
	CU_ASSERT_EQUAL(nat_time_parse("2026-11-21 09:51:43.123456Z", &ms), 0);
	CU_ASSERT_EQUAL(ms, AT(0) + 123);
	CU_ASSERT_EQUAL(nat_time_parse("@1795254703", &ms), 0);
	CU_ASSERT_EQUAL(ms, AT(0));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_NOT_EQUAL(nat_time_parse(bad[i], &ms), 0);
	nat_time_format(UINT64_MAX, buf);
	CU_ASSERT_EQUAL(strlen(buf), 24);
}

static uint32_t get(const uint8_t *p, unsigned int n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static void ipfix(void)
{
	static struct nat_ipfix m;
	struct nat_event e =
		session(NAT_EV_SESSION_CREATE, IP(10, 0, 0, 2), 5000, IP(198, 51, 100, 1), 0);
	struct nat_event gap = {.type = NAT_EV_GAP, .count = 3};
	size_t size, at = 16;
	unsigned int n = 0, sets = 0;

	nat_ipfix_begin(&m, 0x11223344, 77, AT(5), true);
	nat_ipfix_templates(&m);
	CU_ASSERT_TRUE(nat_ipfix_add(&m, &gap));
	CU_ASSERT_EQUAL(m.records, 0);
	while (nat_ipfix_add(&m, &e))
		n++;
	CU_ASSERT_TRUE(n > 20);
	CU_ASSERT_EQUAL(m.records, n);
	size = nat_ipfix_end(&m);
	CU_ASSERT_TRUE(size <= NAT_IPFIX_SIZE);
	CU_ASSERT_EQUAL(get(m.bytes, 2), 10);
	CU_ASSERT_EQUAL(get(m.bytes + 2, 2), size);
	CU_ASSERT_EQUAL(get(m.bytes + 4, 4), AT(5) / 1000);
	CU_ASSERT_EQUAL(get(m.bytes + 8, 4), 77);
	CU_ASSERT_EQUAL(get(m.bytes + 12, 4), 0x11223344);
	/* sets fill the message exactly: templates, then records */
	for (; at < size; at += get(m.bytes + at + 2, 2), sets++)
		CU_ASSERT_EQUAL(get(m.bytes + at, 2), sets ? 257 : 2);
	CU_ASSERT_EQUAL(at, size);
	CU_ASSERT_EQUAL(sets, 2);
	at = 16 + get(m.bytes + 18, 2) + 4;
	CU_ASSERT_EQUAL(m.bytes[at + 8], 4); /* NAT44 session create */
	CU_ASSERT_EQUAL(get(m.bytes + at + 10, 4), IP(10, 0, 0, 2));
	CU_ASSERT_EQUAL((size - at) % n, 0);
}

/* RFC 8158: an address binding is two addresses, and no port. */
static void ipfix_address(void)
{
	static struct nat_ipfix m;
	struct nat_event e = {.time_ms = AT(1),
			      .type = NAT_EV_ADDRESS_UNBOUND,
			      .inside = IP(10, 0, 0, 2),
			      .outside = IP(203, 0, 113, 5)};

	nat_ipfix_begin(&m, 7, 0, AT(1), false);
	CU_ASSERT_TRUE(nat_ipfix_add(&m, &e));
	CU_ASSERT_EQUAL(nat_ipfix_end(&m), 16 + 4 + 8 + 1 + 4 + 4 + 4);
	CU_ASSERT_EQUAL(m.bytes[28], 15);
	CU_ASSERT_EQUAL(get(m.bytes + 29, 4), e.inside);
	CU_ASSERT_EQUAL(get(m.bytes + 33, 4), e.outside);
}

static void tell(struct nat_lookup *l, const struct nat_event *e, bool destinations)
{
	char buf[512];
	size_t n = nat_log_line("lab", e, destinations, buf, sizeof(buf));

	nat_lookup_line(l, buf, n - 1);
}

static struct nat_lookup question(unsigned int s)
{
	return (struct nat_lookup){
		.nat = "lab", .addr = IP(203, 0, 113, 5), .port = 40000, .at_ms = AT(s)};
}

/* Two VMs have the same outside port, one after the other. */
static void who(void)
{
	struct nat_event first = session(NAT_EV_SESSION_CREATE, IP(10, 0, 0, 2), 5000, 1, 10);
	struct nat_event second = session(NAT_EV_SESSION_CREATE, IP(10, 0, 0, 3), 6000, 1, 30);

	for (unsigned int s = 5; s < 50; s += 5) {
		struct nat_lookup l = question(s);

		first.type = second.type = NAT_EV_SESSION_CREATE;
		first.time_ms = AT(10);
		tell(&l, &first, false);
		first.time_ms = AT(12); /* with a second remote: the same port */
		tell(&l, &first, false);
		first.type = NAT_EV_SESSION_DELETE;
		first.time_ms = AT(15);
		tell(&l, &first, false);
		first.time_ms = AT(22);
		tell(&l, &first, false);
		second.time_ms = AT(30);
		tell(&l, &second, false);
		second.type = NAT_EV_SESSION_DELETE;
		second.time_ms = AT(40);
		tell(&l, &second, false);
		nat_lookup_end(&l);
		CU_ASSERT_EQUAL(l.n_rows, (s >= 10 && s <= 22) || (s >= 30 && s <= 40));
		if (!l.n_rows)
			continue;
		CU_ASSERT_EQUAL(l.rows[0].inside, s < 30 ? IP(10, 0, 0, 2) : IP(10, 0, 0, 3));
		CU_ASSERT_EQUAL(l.rows[0].since_ms, s < 30 ? AT(10) : AT(30));
		CU_ASSERT_EQUAL(l.rows[0].until_ms, s < 30 ? AT(22) : AT(40));
		CU_ASSERT_FALSE(l.rows[0].uncertain);
	}
}

static void doubt(void)
{
	struct nat_event e = session(NAT_EV_SESSION_CREATE, IP(10, 0, 0, 2), 5000, 1, 10);
	struct nat_event gap = {.time_ms = AT(20), .type = NAT_EV_GAP, .count = 1};
	char buf[256];

	for (int k = 0; k < 4; k++) {
		struct nat_lookup l = question(30);

		tell(&l, &e, true);
		if (k == 1)
			tell(&l, &gap, true);
		if (k == 3)
			nat_lookup_line(&l, buf, nat_log_stop("lab", AT(20), buf, sizeof(buf)) - 1);
		if (k >= 2)
			nat_lookup_line(&l, buf,
					nat_log_start("lab", AT(21), 1, buf, sizeof(buf)) - 1);
		nat_lookup_end(&l);
		CU_ASSERT_EQUAL_FATAL(l.n_rows, 1);
		/* a gap, or a beginning that no end came before, leaves it open */
		CU_ASSERT_EQUAL(l.rows[0].uncertain, k == 1 || k == 2);
	}
	/* nothing survives where there was nothing */
	struct nat_lookup l = question(30);

	tell(&l, &e, true);
	nat_lookup_line(&l, buf, nat_log_start("lab", AT(21), 0, buf, sizeof(buf)) - 1);
	nat_lookup_end(&l);
	CU_ASSERT_EQUAL(l.n_rows, 0);
}

/* An address of one's own: every port of it, from one line to the other; after a crash only if it is told again. */
static void one_to_one(void)
{
	for (int k = 0; k < 8; k++) {
		bool crash = k & 1, again = k & 2, late = k & 4;
		struct nat_lookup l = question(late ? 50 : 15);
		struct nat_event e = {.time_ms = AT(10),
				      .type = NAT_EV_ADDRESS_BOUND,
				      .inside = IP(10, 0, 0, 2),
				      .outside = IP(203, 0, 113, 5)};
		char buf[256];

		tell(&l, &e, false);
		e.time_ms = AT(20);
		e.type = NAT_EV_ADDRESS_UNBOUND;
		if (!crash) {
			tell(&l, &e, false);
			nat_lookup_line(&l, buf, nat_log_stop("lab", AT(20), buf, sizeof(buf)) - 1);
		}
		nat_lookup_line(&l, buf, nat_log_start("lab", AT(30), 5, buf, sizeof(buf)) - 1);
		e.time_ms = AT(30);
		e.type = NAT_EV_ADDRESS_BOUND;
		if (again)
			tell(&l, &e, false);
		nat_lookup_end(&l);
		CU_ASSERT_EQUAL_FATAL(l.n_rows, late ? again : 1);
		if (!l.n_rows)
			continue;
		CU_ASSERT_STRING_EQUAL(l.rows[0].how, "one-to-one");
		CU_ASSERT_EQUAL(l.rows[0].inside, e.inside);
		CU_ASSERT_EQUAL(l.rows[0].since_ms, late ? AT(30) : AT(10));
		CU_ASSERT_EQUAL(l.rows[0].until_ms, late ? 0 : crash ? AT(30) : AT(20));
		CU_ASSERT_FALSE(l.rows[0].uncertain);
	}
}

/* N28: of a million ports, the answer is whom the arithmetic gives them. */
static void deterministic(void)
{
	struct nat_external x = {IP(203, 0, 113, 5), IP(203, 0, 113, 8), 1024, 65535};
	struct nat_conf c = {.name = "lab",
			     .prefix = {IP(10, 0, 0, 0), 22},
			     .external = &x,
			     .n_external = 1,
			     .blocks = {.size = 256, .deterministic = true}};
	char before[512], after[512];
	size_t n_before = nat_log_parameters(&c, AT(0), before, sizeof(before)), n_after;
	unsigned int found = 0;

	c.blocks.size = 128;
	n_after = nat_log_parameters(&c, AT(100), after, sizeof(after));
	CU_ASSERT_TRUE_FATAL(n_before > 0 && n_after > 0);
	srand(1);
	for (unsigned int i = 0; i < 20000; i++) {
		struct nat_lookup l = question((unsigned int)rand() % 200);
		bool late = l.at_ms >= AT(100);
		uint32_t inside = 0;

		l.addr = x.first + (uint32_t)rand() % 4;
		l.port = (uint16_t)(1024 + rand() % 64512);
		nat_lookup_line(&l, before, n_before - 1);
		nat_lookup_line(&l, after, n_after - 1);
		nat_lookup_end(&l);
		c.blocks.size = late ? 128 : 256;
		if (nat_deterministic_owner(&c, l.addr, l.port, &inside)) {
			CU_ASSERT_EQUAL(l.n_rows, 0);
			continue;
		}
		found++;
		CU_ASSERT_EQUAL_FATAL(l.n_rows, 1);
		CU_ASSERT_EQUAL(l.rows[0].inside, inside);
		CU_ASSERT_TRUE(l.rows[0].port_first <= l.port && l.port <= l.rows[0].port_last);
		CU_ASSERT_EQUAL(l.rows[0].since_ms, late ? AT(100) : AT(0));
		CU_ASSERT_EQUAL(l.rows[0].until_ms, late ? 0 : AT(100));
	}
	CU_ASSERT_TRUE(found > 10000);
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"lines", lines},
		{"times", times},
		{"IPFIX", ipfix},
		{"IPFIX of an address of its own", ipfix_address},
		{"who had it", who},
		{"what is in doubt", doubt},
		{"addresses of their own", one_to_one},
		{"N28 deterministic look-up", deterministic},
	};

	return tap_run("nat-log", cases, sizeof(cases) / sizeof(cases[0]));
}
