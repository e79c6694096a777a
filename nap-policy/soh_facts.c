/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A statement of health as facts. Of several products in one class the best one counts, as with
 * Microsoft's validator, except that one which was told to look away is none; when a class comes twice,
 * the worse of the two counts.
 */
#include <stdio.h>
#include <string.h>

#include "nap-policy/soh.h"
#include "nap-policy/soh_wire.h"

static const char *const class_fact[] = {"firewall", "av", "antispyware", "updates", "patches"};

#define GOOD (NAP_BIT(ENABLED) | NAP_BIT(CURRENT) | NAP_BIT(INSTALLED) | NAP_BIT(AUTOMATIC))

/* Words of a security product (classes 0 to 2). Anything that looks like an error is none of the bits. */
static uint32_t product_words(uint32_t st, uint8_t *failure)
{
	uint32_t words = NAP_BIT(INSTALLED);

	if (st == SOH_ST_NO_PRODUCT)
		return 0;
	if ((st & 0xc0000000u) == 0xc0000000u || (st & 0xffff0000u) == 0x00ff0000u) {
		*failure = NAP_CLIENT_COMPONENT;
		return 0;
	}
	words |= st & SOH_ST_ENABLED ? NAP_BIT(ENABLED) : 0;
	words |= st & SOH_ST_CURRENT ? NAP_BIT(CURRENT) : 0;
	words |= st & SOH_ST_MICROSOFT ? NAP_BIT(MICROSOFT) : 0;
	words |= st & SOH_ST_SNOOZED ? NAP_BIT(SNOOZED) : 0;
	return words;
}

static uint32_t update_words(uint32_t st, uint8_t *failure)
{
	uint32_t words = st & SOH_ST_BY_POLICY ? NAP_BIT(BY_POLICY) : 0;
	unsigned int how = st & 0xf;

	if ((st & 0xc0000000u) == 0xc0000000u || (st & 0xffff0000u) == 0x00ff0000u) {
		*failure = NAP_CLIENT_COMPONENT;
		return 0;
	}
	if (how >= 2 && how <= 4) /* checks, downloads, installs */
		words |= NAP_BIT(ENABLED);
	if (how == 4)
		words |= NAP_BIT(AUTOMATIC);
	return words;
}

static uint32_t patch_words(uint32_t st, uint8_t *failure)
{
	switch (st) {
	case SOH_ST_COMPLETE:
		return NAP_BIT(CURRENT);
	case SOH_ST_MISSING:
		return 0;
	case SOH_ST_REBOOT:
		return NAP_BIT(REBOOT);
	case SOH_ST_COMM:
		*failure = NAP_CLIENT_COMMUNICATION;
		return 0;
	default:
		*failure = NAP_CLIENT_COMPONENT;
		return 0;
	}
}

static uint32_t words_of(const struct nap_soh_product *p, uint8_t *failure)
{
	*failure = NAP_NO_FAILURE;
	if (p->class <= NAP_SOH_ANTISPYWARE)
		return product_words(p->status, failure);
	return p->class == NAP_SOH_UPDATES ? update_words(p->status, failure)
					   : patch_words(p->status, failure);
}

/* More is better; looking away is worst of what is there. */
static unsigned int rank(uint32_t words, uint8_t failure)
{
	if (failure || words & NAP_BIT(SNOOZED))
		return 0;
	return 1 + (words & NAP_BIT(ENABLED) ? 4u : 0) + (words & NAP_BIT(CURRENT) ? 2u : 0) +
	       (words & NAP_BIT(INSTALLED) ? 1u : 0);
}

static struct nap_fact *find(struct nap_report *r, const char *name)
{
	for (unsigned int i = 0; i < r->n_facts; i++)
		if (!strcmp(r->facts[i].name, name))
			return &r->facts[i];
	return NULL;
}

/* The products behind one class attribute. Returns the index behind it. */
static unsigned int class_facts(const struct nap_soh_wsha *w, unsigned int i, struct nap_time now,
				struct nap_report *ret)
{
	unsigned int class = w->products[i].class, best = 0;
	struct nap_fact *f = find(ret, class_fact[class]), before = f ? *f : (struct nap_fact){0};
	bool again = f != NULL, any = false;

	if (!f)
		f = nap_report_add(ret, class_fact[class], now);
	for (unsigned int first = i; i < w->n_products && (i == first || !w->products[i].begins);
	     i++) {
		uint8_t failure;
		uint32_t words = words_of(&w->products[i], &failure);

		if (any && rank(words, failure) <= best)
			continue;
		any = true;
		best = rank(words, failure);
		f->words = words;
		f->failure = failure;
		snprintf(f->detail, sizeof(f->detail), "status 0x%08x", w->products[i].status);
	}
	if (again) { /* the worse of the two */
		f->words = (f->words & before.words & GOOD) | ((f->words | before.words) & ~GOOD);
		f->failure = before.failure ? before.failure : f->failure;
	}
	return i;
}

static void os_of(const struct nap_soh *soh, struct nap_report *ret)
{
	snprintf(ret->os, sizeof(ret->os), "windows");
	if (soh->has_inventory)
		snprintf(ret->os_version, sizeof(ret->os_version), "%u.%u.%u sp%u.%u",
			 soh->os_major, soh->os_minor, soh->os_build, soh->sp_major, soh->sp_minor);
	snprintf(ret->machine, sizeof(ret->machine), "%s", soh->machine);
}

void nap_soh_facts(const struct nap_soh *soh, struct nap_time now, struct nap_report *ret)
{
	const struct nap_soh_wsha *w = &soh->wsha;
	struct nap_fact *f;

	memset(ret, 0, sizeof(*ret));
	ret->source = NAP_SOH;
	os_of(soh, ret);
	for (unsigned int i = 0; i < w->n_products;)
		i = class_facts(w, i, now, ret);
	f = find(ret, "patches");
	if (f && w->has_sync) {
		f->has_age = true;
		f->age_ms = (uint64_t)w->since_sync_s * 1000;
	}
	for (unsigned int i = 0; i < soh->n_entries; i++) {
		const struct nap_soh_entry *e = &soh->entries[i];
		char name[NAP_NAME_SIZE];

		if (!e->has_failure || e->failure == NAP_NO_FAILURE)
			continue;
		snprintf(name, sizeof(name), "soh.%08x", e->id);
		f = nap_report_add(ret, name, now);
		if (f)
			f->failure = e->failure;
	}
}
