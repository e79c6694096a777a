/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random statements of health as our encoder writes them, with what our decoder says of them: one line each,
 * "HEX FACT=WORDS ...". A peer decodes the same bytes in nap-radius.test.
 * usage: soh-kit COUNT SEED
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nap-policy/soh.h"

static uint32_t state;

static uint32_t pick(uint32_t n)
{
	state = state * 1664525u + 1013904223u;
	return (state >> 8) % n;
}

static void product(struct nap_soh_wsha *w, uint8_t class, uint32_t status)
{
	struct nap_soh_product *p = &w->products[w->n_products++];

	*p = (struct nap_soh_product){.class = class, .begins = true, .status = status};
	/* a name or two more, and the statement would not fit into one attribute */
	if (class == NAP_SOH_ANTIVIRUS && status < 16) {
		p->named = true;
		p->name_size = 4;
		memcpy(p->name, "A\0B\0", 4);
	}
}

static void make(struct nap_soh *s)
{
	static const uint32_t updates[] = {1, 2, 3, 4, 5};

	memset(s, 0, sizeof(*s));
	s->wrapped = s->has_header = s->has_inventory = s->has_machine = s->has_state =
		s->has_product = true;
	s->intent = 1;
	for (unsigned int i = 0; i < NAP_SOH_CORRELATION; i++)
		s->correlation[i] = (uint8_t)pick(256);
	s->has_correlation = true;
	memcpy(s->system_correlation, s->correlation, NAP_SOH_CORRELATION);
	s->os_major = 5 + pick(6);
	s->os_build = pick(30000);
	s->arch = 9;
	snprintf(s->machine, sizeof(s->machine), "vm-%u", pick(100000));
	s->qflags = NAP_SOH_FULL;
	s->probation = NAP_FILETIME_NEVER;
	s->product = 1;
	s->n_entries = 1;
	s->entries[0].id = NAP_SOH_WSHA;
	s->wsha.present = true;
	product(&s->wsha, NAP_SOH_FIREWALL,
		pick(5) ? (uint32_t[]){0, 1, 4, 5, 9, 13}[pick(6)] : 0xc0ff0002);
	product(&s->wsha, NAP_SOH_ANTIVIRUS, pick(5) ? pick(16) : 0xc0ff0002);
	product(&s->wsha, NAP_SOH_ANTISPYWARE, pick(5) ? pick(16) : 0xc0ff0002);
	product(&s->wsha, NAP_SOH_UPDATES, updates[pick(5)]);
	product(&s->wsha, NAP_SOH_PATCHES, 0x00ff0005);
}

int main(int argc, char **argv)
{
	static struct nap_soh s, back;
	static struct nap_report r;
	const struct nap_time now = {.mono_ms = 1};
	uint8_t buf[512];
	const char *why;

	if (argc != 3)
		return 2;
	state = (uint32_t)atoi(argv[2]);
	for (int i = 0; i < atoi(argv[1]); i++) {
		size_t n;

		make(&s);
		n = nap_soh_build(&s, buf, sizeof(buf));
		if (!n || nap_soh_parse(buf, n, &back, &why) < 0)
			return 1;
		nap_soh_facts(&back, now, &r);
		for (size_t k = 0; k < n; k++)
			printf("%02x", buf[k]);
		for (unsigned int k = 0; k < r.n_facts; k++)
			printf(" %s=%x", r.facts[k].name, r.facts[k].words);
		printf("\n");
	}
	return 0;
}
