/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements of health: the golden vector, everything near it, and answers. */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nap-policy/engine.h"
#include "nap-policy/soh.h"
#include "nap-policy/soh_wire.h"
#include "tests/unit/nap-policy/golden.h"
#include "tests/unit/nap-policy/policy_kit.h"

static uint8_t golden[GOLDEN_SIZE];
static struct nap_soh soh;
static const char *why;
static const struct nap_time now = {.mono_ms = 5000, .wall_s = 1700000000};

static void load(void)
{
	CU_ASSERT_FATAL(nap_hex_parse(golden_hex, golden, sizeof(golden)));
	CU_ASSERT_EQUAL_FATAL(nap_soh_parse(golden, sizeof(golden), &soh, &why), 0);
}

static const struct nap_fact *fact(const struct nap_report *r, const char *name)
{
	for (unsigned int i = 0; i < r->n_facts; i++)
		if (!strcmp(r->facts[i].name, name))
			return &r->facts[i];
	CU_FAIL("the fact is missing");
	abort();
}

static void q1_golden(void)
{
	static struct nap_report r;
	uint8_t again[512];

	load();
	CU_ASSERT_TRUE(soh.wrapped && soh.has_header && !soh.response);
	CU_ASSERT_EQUAL(soh.os_major, 10);
	CU_ASSERT_EQUAL(soh.os_build, 0x4a65);
	CU_ASSERT_EQUAL(soh.arch, 9);
	CU_ASSERT_STRING_EQUAL(soh.machine, "vm-01");
	CU_ASSERT_EQUAL(soh.qflags, 1);
	CU_ASSERT_EQUAL(soh.probation, NAP_FILETIME_NEVER);
	CU_ASSERT_EQUAL(soh.product, 1);
	CU_ASSERT_EQUAL(soh.n_entries, 1);
	CU_ASSERT_EQUAL(soh.wsha.n_products, 5);
	nap_soh_facts(&soh, now, &r);
	CU_ASSERT_EQUAL(r.n_facts, 5);
	CU_ASSERT_EQUAL(fact(&r, "firewall")->words,
			NAP_BIT(INSTALLED) | NAP_BIT(ENABLED) | NAP_BIT(MICROSOFT));
	CU_ASSERT_EQUAL(fact(&r, "av")->words,
			NAP_BIT(INSTALLED) | NAP_BIT(ENABLED) | NAP_BIT(CURRENT));
	CU_ASSERT_EQUAL(fact(&r, "antispyware")->words, 0);
	CU_ASSERT_EQUAL(fact(&r, "updates")->words, NAP_BIT(ENABLED) | NAP_BIT(AUTOMATIC));
	CU_ASSERT_EQUAL(fact(&r, "patches")->words, NAP_BIT(CURRENT));
	CU_ASSERT_EQUAL(nap_soh_build(&soh, again, sizeof(again)), sizeof(golden));
	CU_ASSERT_EQUAL(memcmp(again, golden, sizeof(golden)), 0);
	/* the same without the wrapper */
	CU_ASSERT_EQUAL(nap_soh_parse(golden + 12, sizeof(golden) - 12, &soh, &why), 0);
	CU_ASSERT_FALSE(soh.wrapped);
	CU_ASSERT_EQUAL(soh.wsha.n_products, 5);
	CU_ASSERT_EQUAL(nap_soh_build(&soh, again, sizeof(again)), sizeof(golden) - 12);
	CU_ASSERT_EQUAL(memcmp(again, golden + 12, sizeof(golden) - 12), 0);
}

/* A policy that the golden statement does not satisfy, and one that it does. */
static const char strict[] =
	"version: 1\ndefault: {mode: enforce, unmatched: restricted}\n"
	"checks:\n  firewall: {require: enabled}\n  antispyware: {require: [enabled, current]}\n"
	"rules: [{name: all}]\n";

static enum nap_health health_of(const struct nap_soh *s, struct nap_policy *p)
{
	static struct nap_report r;
	struct nap_subject who = {.port = "p", .sw = "s"};
	struct nap_change ch;
	struct nap_state st;

	nap_soh_facts(s, now, &r);
	nap_state_init(&st, now);
	CU_ASSERT_EQUAL_FATAL(nap_state_report(&st, &r), 0);
	nap_state_decide(&st, p, &who, now, &ch, NULL);
	nap_state_done(&st);
	return st.health;
}

static void q4_prefixes(void)
{
	for (size_t n = 0; n < GOLDEN_SIZE; n++) {
		/* a block of its own: a read behind its end is one that a sanitizer sees */
		uint8_t *copy = malloc(n ? n : 1);

		CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
		memcpy(copy, golden, n);
		CU_ASSERT_EQUAL(nap_soh_parse(copy, n, &soh, &why), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(why);
		free(copy);
	}
}

static void q4_byte_changes(void)
{
	struct nap_policy *p = kit_good_policy(strict);
	unsigned int accepted = 0, compliant = 0;
	uint8_t *copy = malloc(GOLDEN_SIZE);

	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	for (size_t at = 0; at < GOLDEN_SIZE; at++) {
		for (unsigned int v = 0; v < 256; v++) {
			memcpy(copy, golden, GOLDEN_SIZE);
			copy[at] = (uint8_t)v;
			if (nap_soh_parse(copy, GOLDEN_SIZE, &soh, &why) < 0)
				continue;
			accepted++;
			compliant += health_of(&soh, p) == NAP_COMPLIANT;
		}
	}
	CU_ASSERT_TRUE(accepted > GOLDEN_SIZE); /* names and versions may be anything */
	CU_ASSERT_EQUAL(compliant, 0);
	free(copy);
	nap_policy_free(p);
}

/* The golden vector with @size bytes at @at replaced. */
static int with(size_t at, const char *hex)
{
	uint8_t copy[GOLDEN_SIZE], patch[16];
	size_t n = strlen(hex) / 2;

	memcpy(copy, golden, sizeof(copy));
	CU_ASSERT_FATAL(nap_hex_parse(hex, patch, n));
	memcpy(copy + at, patch, n);
	return nap_soh_parse(copy, sizeof(copy), &soh, &why);
}

static void q5_lengths(void)
{
	struct nap_soh big = {.has_header = true, .has_machine = true};
	uint8_t buf[8192];
	size_t n;

	load();
	CU_ASSERT_EQUAL(with(2, "00f3"), -EBADMSG);
	CU_ASSERT_EQUAL(with(2, "0000"), -EBADMSG);
	CU_ASSERT_EQUAL(with(2, "ffff"), -EBADMSG);
	CU_ASSERT_EQUAL(with(22, "0021"), -EBADMSG); /* inner length shorter than the sub-header */
	CU_ASSERT_EQUAL(with(22, "00df"), -EBADMSG);
	CU_ASSERT_EQUAL(with(68, "fff0"), -EBADMSG);  /* the vendor TLV beyond the end */
	CU_ASSERT_EQUAL(with(140, "ffff"), -EBADMSG); /* the URL beyond the end */
	CU_ASSERT_EQUAL(with(0, "0008"), -EBADMSG);
	CU_ASSERT_EQUAL(with(4, "00000138"), -EBADMSG);
	/* 21 agents */
	big.n_entries = NAP_SOH_ENTRIES;
	for (unsigned int i = 0; i < NAP_SOH_ENTRIES; i++)
		big.entries[i].id = 0x00013781 + i;
	n = nap_soh_build(&big, buf, sizeof(buf));
	CU_ASSERT_EQUAL(nap_soh_parse(buf, n, &soh, &why), 0);
	CU_ASSERT_EQUAL(soh.n_entries, NAP_SOH_ENTRIES);
	memcpy(buf + n, "\x00\x02\x00\x04\x00\x01\x37\xff", 8);
	buf[11] = (uint8_t)(buf[11] + 8);
	buf[3] = (uint8_t)(buf[3] + 8);
	CU_ASSERT_EQUAL(nap_soh_parse(buf, n + 8, &soh, &why), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(why, "too many agents");
}

static void q5_attributes(void)
{
	struct nap_soh one = {.n_entries = 1, .entries = {{.id = 0x00013781}}};
	uint8_t buf[2048];
	size_t n = nap_soh_build(&one, buf, sizeof(buf)), body;

	CU_ASSERT_FATAL(n > 0);
	for (unsigned int i = 0; i < NAP_SOH_ATTRIBUTES; i++)
		memcpy(buf + n + 4 * i, "\x00\x06\x00\x00", 4);
	for (unsigned int count = NAP_SOH_ATTRIBUTES - 1; count <= NAP_SOH_ATTRIBUTES; count++) {
		body = n + 4 * count;
		buf[2] = (uint8_t)((body - 4) >> 8);
		buf[3] = (uint8_t)(body - 4);
		buf[10] = (uint8_t)((body - 12) >> 8);
		buf[11] = (uint8_t)(body - 12);
		CU_ASSERT_EQUAL(nap_soh_parse(buf, body, &soh, &why),
				count < NAP_SOH_ATTRIBUTES ? 0 : -EBADMSG);
	}
	CU_ASSERT_STRING_EQUAL(why, "too many attributes");
}

/* Offsets inside of the golden vector: machine's name, an unknown type-value, names, states. */
static void q5_texts(void)
{
	load();
	CU_ASSERT_EQUAL(with(103, "41"), -EBADMSG); /* the NUL of "vm-01" */
	CU_ASSERT_STRING_EQUAL(why, "a text of the system that is not ended");
	CU_ASSERT_EQUAL(with(96, "ffff"), -EBADMSG);
	CU_ASSERT_EQUAL(with(95, "63"), 0); /* an unknown type-value ends the list, not the world */
	CU_ASSERT_FALSE(soh.has_machine);
	CU_ASSERT_EQUAL(soh.wsha.n_products, 5);
	CU_ASSERT_EQUAL(with(189, "0007"), -EBADMSG); /* half a UTF-16 character */
}

static void q6_structure(void)
{
	struct nap_policy *p =
		kit_good_policy("version: 1\ndefault: {mode: enforce, unmatched: restricted}\n"
				"checks: {firewall: {require: enabled}}\nrules: [{name: all}]\n");
	struct nap_soh s;

	load();
	/* M and R bits are ignored */
	CU_ASSERT_EQUAL(with(0, "c007"), 0);
	CU_ASSERT_EQUAL(with(149, "8002"), 0);
	/* the same agent twice, the system twice */
	s = soh;
	s.n_entries = 2;
	s.entries[1] = (struct nap_soh_entry){.id = NAP_SOH_SYSTEM, .has_failure = true};
	{
		uint8_t buf[512];
		size_t n = nap_soh_build(&s, buf, sizeof(buf));

		CU_ASSERT_EQUAL(nap_soh_parse(buf, n, &soh, &why), -EBADMSG);
		s.entries[1].id = NAP_SOH_WSHA;
		n = nap_soh_build(&s, buf, sizeof(buf));
		CU_ASSERT_EQUAL(nap_soh_parse(buf, n, &soh, &why), -EBADMSG);
	}
	/* class 0 twice: the worse one counts, whichever comes first */
	load();
	s = soh;
	s.wsha.n_products = 2;
	s.wsha.products[1] = s.wsha.products[0];
	CU_ASSERT_EQUAL(health_of(&s, p), NAP_COMPLIANT);
	s.wsha.products[1].status = 0;
	CU_ASSERT_EQUAL(health_of(&s, p), NAP_NONCOMPLIANT);
	s.wsha.products[1] = s.wsha.products[0];
	s.wsha.products[0].status = 0;
	CU_ASSERT_EQUAL(health_of(&s, p), NAP_NONCOMPLIANT);
	/* two products behind one class: the better one counts */
	s.wsha.products[1].begins = false;
	CU_ASSERT_EQUAL(health_of(&s, p), NAP_COMPLIANT);
	nap_policy_free(p);
}

static void q7_errors_fail(void)
{
	static const uint32_t failing[] = {SOH_ST_NOT_STARTED, SOH_ST_STOPPED, SOH_ST_SERVICE,
					   SOH_ST_NO_PRODUCT,  0xc0ff0003,     0xffffffff,
					   0x00ff0007};
	static const char text[] = "version: 1\ndefault: {mode: enforce, unmatched: restricted}\n"
				   "checks: {%s: {require: enabled}}\nrules: [{name: all}]\n";
	static const char *const names[] = {"firewall", "av", "antispyware", "updates"};

	for (uint8_t class = 0; class < 4; class ++) {
		struct nap_policy *p;
		char buf[256];

		load();
		snprintf(buf, sizeof(buf), text, names[class]);
		p = kit_good_policy(buf);
		soh.wsha.n_products = 1;
		soh.wsha.products[0].class = class;
		for (size_t i = 0; i < sizeof(failing) / sizeof(failing[0]); i++) {
			soh.wsha.products[0].status = failing[i];
			CU_ASSERT_EQUAL(health_of(&soh, p), NAP_NONCOMPLIANT);
		}
		/* the upper bits of what is no error say nothing */
		soh.wsha.products[0].status = 0x12345670u | (class == 3 ? 4 : 3);
		CU_ASSERT_EQUAL(health_of(&soh, p), NAP_COMPLIANT);
		nap_policy_free(p);
	}
}

static void q8_numberings(void)
{
	static const int table[][3] = {{1, 0, 0}, {2, 2, 3}, {3, 1, 1}};

	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(nap_qstate_to_radius(table[i][0]), table[i][1]);
		CU_ASSERT_EQUAL(nap_qstate_from_radius(table[i][1]), table[i][0]);
		CU_ASSERT_EQUAL(nap_qstate_to_dhcp(table[i][0]), table[i][2]);
		CU_ASSERT_EQUAL(nap_qstate_from_dhcp(table[i][2]), table[i][0]);
	}
	CU_ASSERT_EQUAL(nap_qstate_to_radius(0), -1);
	CU_ASSERT_EQUAL(nap_qstate_from_radius(3), -1);
	CU_ASSERT_EQUAL(nap_qstate_from_dhcp(2), -1);
}

static void q9_answer(void)
{
	static const char wsha_restricted[] =
		"0002000400013780"                   /* the agent */
		"00080001000004000400000000"         /* firewall: in order */
		"0008000101000400080000000000000000" /* antivirus: on, current */
		"000800010200040004c0ff0002"         /* antispyware: not installed */
		"00080001030004000400000000"
		"00080001040004000400000000";
	struct nap_sohr an = {.state = NAP_SOH_RESTRICTED,
			      .fix = true,
			      .extended = 2,
			      .url = "http://p/",
			      .n_ipv4 = 1,
			      .ipv4 = {{10, 0, 9, 10}}};
	uint8_t buf[512], want[sizeof(wsha_restricted) / 2];
	size_t n;

	load();
	for (int c = 0; c < NAP_SOH_N_CLASSES; c++)
		an.class_ok[c] = an.class_current[c] = c != NAP_SOH_ANTISPYWARE;
	n = nap_sohr_build(&soh, &an, buf, sizeof(buf));
	CU_ASSERT_FATAL(n > 0);
	CU_ASSERT_FATAL(nap_hex_parse(wsha_restricted, want, sizeof(want)));
	CU_ASSERT_EQUAL(memcmp(buf + n - sizeof(want), want, sizeof(want)), 0);
	CU_ASSERT_EQUAL(nap_soh_parse(buf, n, &soh, &why), 0);
	CU_ASSERT_TRUE(soh.response);
	CU_ASSERT_EQUAL(soh.n_entries, 1);
	CU_ASSERT_EQUAL(soh.qflags, 3 | 8 | 2 << 4);
	CU_ASSERT_STRING_EQUAL(soh.url, "http://p/");
	/* the extended state only when restricted; the correlation id comes back */
	load();
	an.state = NAP_SOH_FULL;
	n = nap_sohr_build(&soh, &an, buf, sizeof(buf));
	CU_ASSERT_EQUAL(nap_soh_parse(buf, n, &soh, &why), 0);
	CU_ASSERT_EQUAL(soh.qflags, 1 | 8);
	CU_ASSERT_EQUAL(soh.system_correlation[23], 0x17);
	/* too little room is no answer, and nothing is written behind it */
	load();
	for (size_t room = 0; room < n; room++) {
		memset(buf, 0xee, sizeof(buf));
		CU_ASSERT_EQUAL(nap_sohr_build(&soh, &an, buf, room), 0);
		CU_ASSERT_EQUAL(buf[room], 0xee);
	}
}

static void q9_unknown_agents(void)
{
	struct nap_sohr an = {.state = NAP_SOH_RESTRICTED};
	uint8_t buf[512];
	size_t n;

	load();
	soh.n_entries = 3;
	soh.entries[1] = (struct nap_soh_entry){.id = 0x00013799};
	soh.entries[2] = (struct nap_soh_entry){
		.id = 0x0001379a, .has_failure = true, .failure = NAP_CLIENT_COMPONENT};
	n = nap_sohr_build(&soh, &an, buf, sizeof(buf));
	CU_ASSERT_EQUAL(nap_soh_parse(buf, n, &soh, &why), 0);
	CU_ASSERT_EQUAL(soh.n_entries, 3);
	CU_ASSERT_EQUAL(soh.entries[1].failure, NAP_SERVER_COMPONENT);
	CU_ASSERT_EQUAL(soh.entries[2].failure, NAP_CLIENT_COMPONENT);
}

/* xorshift: the same statements on every machine */
static uint64_t next_random(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* A byte changed, a length that lies, a piece said twice, the rest left out. Returns the new size. */
static size_t mutate(uint8_t *p, size_t n)
{
	uint64_t r = next_random();
	size_t at = (r >> 8) % n, len = 1 + (r >> 32) % 16;

	switch (r & 3) {
	case 0:
		p[at] = (uint8_t)(r >> 24);
		return n;
	case 1:
		p[at & ~(size_t)1] = (uint8_t)(r >> 56 & 3 ? 0 : 0xff);
		p[at | 1] = (uint8_t)(r >> 24);
		return n;
	case 2:
		if (at + len > n)
			return n;
		memmove(p + at + len, p + at, n - at);
		return n + len;
	default:
		return r >> 40 & 7 ? n : at + 1;
	}
}

/* Everything that a rule can ask about, in the same order. */
static bool same_facts(const struct nap_report *a, const struct nap_report *b)
{
	if (a->n_facts != b->n_facts || strcmp(a->os, b->os) != 0 ||
	    strcmp(a->os_version, b->os_version) != 0 || strcmp(a->machine, b->machine) != 0)
		return false;
	for (unsigned int i = 0; i < a->n_facts; i++) {
		const struct nap_fact *f = &a->facts[i], *g = &b->facts[i];

		if (strcmp(f->name, g->name) != 0 || f->failure != g->failure ||
		    f->words != g->words || f->has_age != g->has_age || f->age_ms != g->age_ms ||
		    strcmp(f->detail, g->detail) != 0)
			return false;
	}
	return true;
}

/* 200,000 of them; 10^8 with VIRIDIAN_LONG=1. What is taken says the same when it is encoded and decoded again. */
static void q10_mutations(void)
{
	const char *all = getenv("VIRIDIAN_LONG");
	unsigned long n_runs = all && !strcmp(all, "1") ? 100000000 : 200000, taken = 0, wrong = 0;
	static struct nap_report a, b;
	static struct nap_soh back;
	uint8_t buf[GOLDEN_SIZE + 8 * 16], again[2 * NAP_SOH_SIZE_MAX];

	for (unsigned long i = 0; i < n_runs; i++) {
		size_t n = GOLDEN_SIZE, size;
		uint8_t *copy;

		memcpy(buf, golden, n);
		for (uint64_t k = 1 + next_random() % 8; k; k--)
			n = mutate(buf, n);
		copy = malloc(n);
		CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
		memcpy(copy, buf, n);
		if (nap_soh_parse(copy, n, &soh, &why) == 0 && !soh.response) {
			taken++;
			nap_soh_facts(&soh, now, &a);
			size = nap_soh_build(&soh, again, sizeof(again));
			wrong += !size || nap_soh_parse(again, size, &back, &why) < 0;
			nap_soh_facts(&back, now, &b);
			wrong += !same_facts(&a, &b);
		}
		free(copy);
	}
	printf("# %lu changed statements, %lu taken\n", n_runs, taken);
	CU_ASSERT_TRUE(taken > n_runs / 100);
	CU_ASSERT_EQUAL(wrong, 0);
}

static void missing_updates(void)
{
	static struct nap_report r;
	uint8_t buf[512];
	size_t n;

	load();
	soh.wsha.products[4].status = SOH_ST_MISSING;
	soh.wsha.has_sync = true;
	soh.wsha.since_sync_s = 79200;
	soh.wsha.update_flags = 0x4200;
	n = nap_soh_build(&soh, buf, sizeof(buf));
	CU_ASSERT_EQUAL_FATAL(nap_soh_parse(buf, n, &soh, &why), 0);
	CU_ASSERT_EQUAL(soh.wsha.since_sync_s, 79200);
	CU_ASSERT_EQUAL(soh.wsha.update_flags, 0x4200);
	nap_soh_facts(&soh, now, &r);
	CU_ASSERT_EQUAL(fact(&r, "patches")->words, 0);
	CU_ASSERT_EQUAL(fact(&r, "patches")->age_ms, 79200000);
}

static void requests(void)
{
	static const uint8_t request[12] = {0, 7, 0, 8, 0, 0, 1, 0x37, 0, 2, 0, 0};

	CU_ASSERT_TRUE(nap_soh_is_request(request, sizeof(request)));
	CU_ASSERT_FALSE(nap_soh_is_request(request, 11));
	CU_ASSERT_FALSE(nap_soh_is_request(golden, 12));
	CU_ASSERT_EQUAL(nap_soh_parse(request, sizeof(request), &soh, &why), -EBADMSG);
}

static const struct tap_case cases[] = {
	{"Q1: the golden vector decodes, and encodes to the same bytes", q1_golden},
	{"Q4: every prefix is refused", q4_prefixes},
	{"Q4: no changed byte makes a failing statement pass", q4_byte_changes},
	{"Q5: lengths that lie, 21 agents", q5_lengths},
	{"Q5: 101 attributes", q5_attributes},
	{"Q5: texts without end, unknown type-values, half characters", q5_texts},
	{"Q6: flag bits, duplicates, classes twice", q6_structure},
	{"Q7: error statuses fail in classes 0 to 3", q7_errors_fail},
	{"Q8: the three numberings of the quarantine state", q8_numberings},
	{"Q9: an answer has one entry for each, to the byte", q9_answer},
	{"Q9: agents that no validator knows", q9_unknown_agents},
	{"Q10: many changes at once: taken and the same, or refused", q10_mutations},
	{"missing updates say since when", missing_updates},
	{"requests", requests},
};

TAP_MAIN("nap-policy/soh", cases)
