/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A statement of health from anywhere: decoded, turned to facts, answered, encoded, decoded again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nap-policy/soh.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
	if (!fact)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct nap_soh soh, again, answer;
	static struct nap_report facts, facts_again;
	static uint8_t buf[2 * NAP_SOH_SIZE_MAX];
	const struct nap_time now = {.mono_ms = 1000, .wall_s = 1700000000};
	struct nap_sohr an = {.state = NAP_SOH_RESTRICTED, .url = "http://169.254.78.65/"};
	const char *why;
	size_t n;

	nap_soh_is_request(data, size);
	if (nap_soh_parse(data, size, &soh, &why) < 0) {
		must(why && !soh.n_entries);
		return 0;
	}
	nap_soh_facts(&soh, now, &facts);
	n = nap_sohr_build(&soh, &an, buf, sizeof(buf));
	must(n && nap_soh_parse(buf, n, &answer, &why) == 0);
	must(answer.n_entries == soh.n_entries && answer.response);
	if (soh.response)
		return 0;
	n = nap_soh_build(&soh, buf, sizeof(buf));
	must(n && nap_soh_parse(buf, n, &again, &why) == 0);
	nap_soh_facts(&again, now, &facts_again);
	must(facts.n_facts == facts_again.n_facts);
	for (unsigned int i = 0; i < facts.n_facts; i++)
		must(facts.facts[i].words == facts_again.facts[i].words &&
		     facts.facts[i].failure == facts_again.facts[i].failure);
	return 0;
}
