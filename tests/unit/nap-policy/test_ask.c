/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages between the health service's process and the daemon. */
#include "tests/unit/tap.h"

#include <string.h>

#include "nap-policy/portal/ask.h"

static uint8_t message[NAP_ASK_MAX + 1];

static struct nap_ask question(uint32_t op, uint32_t size)
{
	struct nap_ask a = {.magic = NAP_ASK_MAGIC, .op = op, .ticket = 4097, .size = size};

	memcpy(message, &a, sizeof(a));
	memset(message + sizeof(a), 'x', size);
	return a;
}

static void questions(void)
{
	struct nap_ask a = question(NAP_ASK_REPORT, 5), back;
	const uint8_t *body;

	CU_ASSERT(nap_ask_parse(message, sizeof(a) + 5, &back, &body));
	CU_ASSERT(back.ticket == 4097 && back.size == 5 && body[4] == 'x');
	for (size_t n = 0; n < sizeof(a) + 5; n++)
		CU_ASSERT_FALSE(nap_ask_parse(message, n, &back, &body));
	CU_ASSERT_FALSE(nap_ask_parse(message, sizeof(a) + 6, &back, &body));
	a = question(NAP_N_ASKS, 0);
	CU_ASSERT_FALSE(nap_ask_parse(message, sizeof(a), &back, &body));
	a = question(NAP_ASK_STATUS, 0);
	CU_ASSERT(nap_ask_parse(message, sizeof(a), &back, &body));
	message[0] ^= 1;
	CU_ASSERT_FALSE(nap_ask_parse(message, sizeof(a), &back, &body));
	a = question(NAP_ASK_REPORT, NAP_REPORT_SIZE_MAX);
	CU_ASSERT(nap_ask_parse(message, sizeof(a) + a.size, &back, &body));
}

static void answers(void)
{
	struct nap_told t = {.magic = NAP_ASK_MAGIC, .status = 409, .size = 3}, back;
	uint8_t bytes[sizeof(t) + 3] = {0};
	const uint8_t *body;

	memcpy(bytes, &t, sizeof(t));
	CU_ASSERT(nap_told_parse(bytes, sizeof(bytes), &back, &body));
	CU_ASSERT(back.status == 409 && body == bytes + sizeof(t));
	for (size_t n = 0; n < sizeof(bytes); n++)
		CU_ASSERT_FALSE(nap_told_parse(bytes, n, &back, &body));
	t.status = 99;
	memcpy(bytes, &t, sizeof(t));
	CU_ASSERT_FALSE(nap_told_parse(bytes, sizeof(bytes), &back, &body));
}

static const struct tap_case cases[] = {
	{"a question is whole, of this build, and as long as it says", questions},
	{"so is an answer", answers},
};

TAP_MAIN("nap-policy/portal/ask", cases)
