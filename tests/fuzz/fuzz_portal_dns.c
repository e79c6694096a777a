/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions for names, as a confined guest sends them: an answer fits, and is an answer to that question. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nap-policy/portal/portal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In place of the daemon: knows every name, with as many addresses as there can be. */
int portal_ask(struct nap_ask *ask, const void *body, struct nap_told *told,
	       const uint8_t **body_told)
{
	static struct nap_addrs all = {.n = NAP_ADDRS_MAX, .ttl_s = 60};

	for (unsigned int i = 0; i < NAP_ADDRS_MAX; i++)
		all.a[i].family = i & 1 ? 6 : 4;
	*told = (struct nap_told){.magic = NAP_ASK_MAGIC, .status = 200, .size = sizeof(all)};
	*body_told = (const uint8_t *)&all;
	return 0;
}

uint32_t portal_ticket(const struct sockaddr *a)
{
	return 4097;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t answer[512];
	unsigned int n;

	if (size > 2048)
		return 0;
	n = portal_dns_answer(4097, data, (unsigned int)size, answer);
	if (n > sizeof(answer) || (n && (n < 12 || memcmp(answer, data, 2) || !(answer[2] & 0x80))))
		abort();
	return 0;
}
