/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which state belongs to which port: by UUID while it is there, by name when it was removed and made again.
 * Look-ups do not depend on the number of ports: a thousand are decided about in one go.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/control/quarantine.h"

#define GONE_PORTS_MAX 1024u /* remembered by name after they were removed */
#define SLOTS_MIN      128u

/* ---- the table: open addressing, at most half full; 0 is an empty slot, else index + 1 ---- */

static uint32_t hash_of(const char *uuid)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *uuid; uuid++)
		h = (h ^ (uint8_t)*uuid) * 16777619u;
	return h;
}

static void put(struct vsw_nap *n, unsigned int i)
{
	uint32_t at = hash_of(n->ports[i].uuid);

	while (n->slots[at & (n->n_slots - 1)])
		at++;
	n->slots[at & (n->n_slots - 1)] = i + 1;
	n->n_put++;
}

/* Entries of ports that have another UUID by now go. */
static void rebuild(struct vsw_nap *n)
{
	unsigned int size = SLOTS_MIN;
	uint32_t *slots;

	while (size < 4 * n->n_ports)
		size *= 2;
	slots = calloc(size, sizeof(*slots));
	free(n->slots);
	n->slots = slots;
	n->n_slots = slots ? size : 0;
	n->n_put = 0;
	for (unsigned int i = 0; slots && i < n->n_ports; i++)
		put(n, i);
	n->table_good = slots != NULL;
}

static struct vsw_nap_port *search(struct vsw_nap *n, const char *uuid)
{
	for (unsigned int i = 0; i < n->n_ports; i++)
		if (!strcmp(n->ports[i].uuid, uuid))
			return &n->ports[i];
	return NULL;
}

struct vsw_nap_port *vsw_nap_ports_find(struct vsw_nap *n, const char *uuid)
{
	uint32_t at = hash_of(uuid), i;

	if (!n->table_good)
		rebuild(n);
	if (!n->table_good)
		return search(n, uuid); /* without memory, slowly */
	for (; (i = n->slots[at & (n->n_slots - 1)]); at++)
		if (i <= n->n_ports && !strcmp(n->ports[i - 1].uuid, uuid))
			return &n->ports[i - 1];
	return NULL;
}

/* ---- ports that come, are there, and go ---- */

struct vsw_nap_port *vsw_nap_add(struct vsw_nap *n)
{
	struct vsw_nap_port *p;

	if (n->n_ports == n->room) {
		unsigned int room = n->room ? 2 * n->room : 64;

		p = realloc(n->ports, room * sizeof(*p));
		if (!p)
			return NULL;
		n->ports = p;
		n->room = room;
	}
	p = &n->ports[n->n_ports++];
	memset(p, 0, sizeof(*p));
	nap_state_init(&p->state, vsw_nap_now());
	n->table_good = false;
	return p;
}

void vsw_nap_ports_note(struct vsw_nap *n, const struct vsw_model *m)
{
	for (unsigned int i = 0; i < n->n_ports; i++)
		n->ports[i].present = false;
	n->n_gone = n->n_ports;
	/* first all that are there, then those that may be somebody who is gone */
	for (unsigned int i = 0; i < m->n_ports; i++) {
		struct vsw_nap_port *p = vsw_nap_ports_find(n, m->ports[i].uuid);

		if (!p || p->present)
			continue;
		p->present = true;
		n->n_gone--;
	}
}

/* A port that is gone and had this name. */
static struct vsw_nap_port *gone_by_name(struct vsw_nap *n, const char *name)
{
	for (unsigned int i = 0; n->n_gone && i < n->n_ports; i++)
		if (!n->ports[i].present && !strcmp(n->ports[i].name, name))
			return &n->ports[i];
	return NULL;
}

struct vsw_nap_port *vsw_nap_ports_adopt(struct vsw_nap *n, const struct vsw_port_cfg *cfg)
{
	struct vsw_nap_port *p = vsw_nap_ports_find(n, cfg->uuid);
	bool good = n->table_good;

	if (p)
		return p;
	p = gone_by_name(n, cfg->name);
	if (p) {
		/* removed and made again: what was reported is another machine's, isolation and
		 * used grace are not */
		vsw_nap_ports_reset(p);
		p->told = false;
		n->n_gone--;
	} else {
		p = vsw_nap_add(n);
		if (!p)
			return NULL;
	}
	snprintf(p->uuid, sizeof(p->uuid), "%s", cfg->uuid);
	p->sw[0] = '\0';
	n->table_good = good && 2 * (n->n_put + 1) <= n->n_slots;
	if (n->table_good)
		put(n, (unsigned int)(p - n->ports));
	return p;
}

void vsw_nap_ports_reset(struct vsw_nap_port *p)
{
	nap_state_reset(&p->state);
	if (p->state.override != NAP_CONFINED) /* the terms of that are the server's word, too */
		vsw_nap_terms_done(&p->terms);
	free(p->soh);
	p->soh = NULL;
	p->soh_size = 0;
	p->ask_at_ms = 0;
}

static void free_port(struct vsw_nap_port *p)
{
	vsw_nap_terms_done(&p->terms);
	free(p->soh);
	nap_state_done(&p->state);
	nap_allow_unref(p->allow);
}

const struct vsw_port_cfg *vsw_nap_ports_cfg(const struct vsw_model *m,
					     const struct vsw_nap_port *p)
{
	if (p->at < m->n_ports && !strcmp(m->ports[p->at].uuid, p->uuid))
		return &m->ports[p->at];
	/* noted for a model that did not come into force */
	for (unsigned int i = 0; i < m->n_ports; i++)
		if (!strcmp(m->ports[i].uuid, p->uuid))
			return &m->ports[i];
	return NULL;
}

void vsw_nap_ports_forget(struct vsw_nap *n)
{
	unsigned int gone = 0;

	for (unsigned int i = 0; i < n->n_ports; i++)
		gone += !n->ports[i].present;
	for (unsigned int i = 0; i < n->n_ports && gone > GONE_PORTS_MAX;) {
		struct vsw_nap_port *p = &n->ports[i];

		if (p->present || nap_state_held(&p->state)) {
			i++;
			continue;
		}
		free_port(p);
		memmove(p, p + 1, (--n->n_ports - i) * sizeof(*p));
		n->table_good = false;
		gone--;
	}
}

void vsw_nap_ports_done(struct vsw_nap *n)
{
	for (unsigned int i = 0; i < n->n_ports; i++)
		free_port(&n->ports[i]);
	free(n->ports);
	free(n->slots);
}
