/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model as a container: copy, find, complete. */
#include "vswitch/model/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/acl.h"
#include "vswitch/model/model_internal.h"
#include "vswitch/model/quarantine.h"

void vsw_port_cfg_done(struct vsw_port_cfg *p)
{
	vsw_policy_unref(p->policy);
	p->policy = NULL;
}

void vsw_switch_cfg_done(struct vsw_switch_cfg *s)
{
	free(s->statics);
	s->statics = NULL;
}

void vsw_set_done(struct vsw_set *s)
{
	free(s->members);
	s->members = NULL;
}

void vsw_mirror_done(struct vsw_mirror *s)
{
	free(s->sources);
	s->sources = NULL;
}

void vsw_model_done(struct vsw_model *m)
{
	for (unsigned int i = 0; i < m->n_switches; i++)
		vsw_switch_cfg_done(&m->switches[i]);
	for (unsigned int i = 0; i < m->n_ports; i++)
		vsw_port_cfg_done(&m->ports[i]);
	for (unsigned int i = 0; i < m->n_sets; i++)
		vsw_set_done(&m->sets[i]);
	for (unsigned int i = 0; i < m->n_mirrors; i++)
		vsw_mirror_done(&m->mirrors[i]);
	vsw_nats_done(m);
	vsw_quarantine_unref(m->quarantine);
	free(m->switches);
	free(m->ports);
	free(m->sets);
	free(m->mirrors);
	memset(m, 0, sizeof(*m));
}

void *vsw_dup_array(const void *from, size_t n, size_t size, bool *failed)
{
	void *p;

	if (n == 0 || *failed)
		return NULL;
	p = calloc(n, size);
	if (p)
		memcpy(p, from, n * size);
	else
		*failed = true;
	return p;
}

int vsw_model_copy(const struct vsw_model *from, struct vsw_model *ret)
{
	struct vsw_model m = {0};
	bool failed = false;

	m.ports = vsw_dup_array(from->ports, from->n_ports, sizeof(*m.ports), &failed);
	m.n_ports = m.ports ? from->n_ports : 0;
	for (unsigned int i = 0; i < m.n_ports; i++)
		vsw_policy_ref(m.ports[i].policy);
	m.switches = vsw_dup_array(from->switches, from->n_switches, sizeof(*m.switches), &failed);
	m.n_switches = m.switches ? from->n_switches : 0;
	for (unsigned int i = 0; i < m.n_switches; i++) {
		struct vsw_switch_cfg *s = &m.switches[i];

		s->statics = vsw_dup_array(s->statics, s->n_statics, sizeof(*s->statics), &failed);
	}
	m.sets = vsw_dup_array(from->sets, from->n_sets, sizeof(*m.sets), &failed);
	m.n_sets = m.sets ? from->n_sets : 0;
	for (unsigned int i = 0; i < m.n_sets; i++) {
		struct vsw_set *s = &m.sets[i];

		s->members = vsw_dup_array(s->members, s->n_members, sizeof(*s->members), &failed);
	}
	m.mirrors = vsw_dup_array(from->mirrors, from->n_mirrors, sizeof(*m.mirrors), &failed);
	m.n_mirrors = m.mirrors ? from->n_mirrors : 0;
	for (unsigned int i = 0; i < m.n_mirrors; i++) {
		struct vsw_mirror *s = &m.mirrors[i];

		s->sources = vsw_dup_array(s->sources, s->n_sources, sizeof(*s->sources), &failed);
	}
	if (failed || vsw_nats_copy(from, &m) < 0) {
		vsw_model_done(&m);
		return -ENOMEM;
	}
	m.quarantine = vsw_quarantine_ref(from->quarantine);
	*ret = m;
	return 0;
}

struct vsw_switch_cfg *vsw_model_switch(const struct vsw_model *m, const char *name)
{
	for (unsigned int i = 0; i < m->n_switches; i++)
		if (!strcmp(m->switches[i].name, name))
			return &m->switches[i];
	return NULL;
}

struct vsw_port_cfg *vsw_model_port(const struct vsw_model *m, const char *name)
{
	for (unsigned int i = 0; i < m->n_ports; i++)
		if (!strcmp(m->ports[i].name, name))
			return &m->ports[i];
	return NULL;
}

const char *vsw_path(char *buf, size_t size, const char *kind, const char *name, const char *key)
{
	snprintf(buf, size, "%s/%s%s%s", kind, name, key ? "/" : "", key ? key : "");
	return buf;
}

int vsw_no_memory(struct vd_err *reterr)
{
	return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
}

/* RFC 9562 version 4. */
static void make_uuid(char *ret, void (*random)(void *, void *, size_t), void *ctx)
{
	uint8_t b[16];
	char *p = ret;

	random(ctx, b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	for (unsigned int i = 0; i < 16; i++)
		p += snprintf(p, 4, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			      b[i]);
}

uint64_t vsw_mac_number(const struct vd_mac *mac)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < 6; i++)
		n = n << 8 | mac->addr[i];
	return n;
}

int vsw_by_number(const void *pa, const void *pb)
{
	const uint64_t *a = pa, *b = pb;

	return *a < *b ? -1 : *a > *b;
}

/* A netdev port shows the address of whatever is behind it; an uplink has none. */
static bool wants_mac(const struct vsw_port_cfg *p)
{
	return !p->has_mac && p->role != VSW_ROLE_UPLINK && p->device.kind != VSW_DEV_NETDEV;
}

static bool number_used(const uint64_t *used, unsigned int n, uint64_t mac)
{
	return bsearch(&mac, used, n, sizeof(*used), vsw_by_number) != NULL;
}

/* Give @p an address outside of used[], which stays sorted. A used one is counted upwards, so that
 * this ends however poor the random numbers are. */
static void make_mac(struct vsw_port_cfg *p, uint64_t *used, unsigned int *n,
		     void (*random)(void *, void *, size_t), void *ctx)
{
	uint8_t b[5];
	uint64_t low = 0, mac;
	unsigned int at = *n;

	random(ctx, b, sizeof(b));
	for (unsigned int i = 0; i < 5; i++)
		low = low << 8 | b[i];
	do {
		mac = UINT64_C(0x02) << 40 | low;
		low = (low + 1) & UINT64_C(0xffffffffff);
	} while (number_used(used, *n, mac));
	for (unsigned int i = 0; i < 6; i++)
		p->mac.addr[i] = (uint8_t)(mac >> (40 - 8 * i));
	p->has_mac = true;
	while (at > 0 && used[at - 1] > mac) {
		used[at] = used[at - 1];
		at--;
	}
	used[at] = mac;
	(*n)++;
}

/* Rules without an id get one. */
static int settle_rules(struct vsw_model *m)
{
	for (unsigned int i = 0; i < m->n_ports; i++) {
		struct vsw_policy *p;
		struct vsw_acl *a = vsw_policy_of(&m->ports[i])->acl;

		if (!a || vsw_acl_settled(a))
			continue;
		p = vsw_policy_own(&m->ports[i]);
		a = p ? vsw_acl_own(p) : NULL;
		if (!a)
			return -ENOMEM;
		vsw_acl_settle(a, NULL);
	}
	return 0;
}

int vsw_model_complete(struct vsw_model *m, void (*random)(void *ctx, void *buf, size_t n),
		       void *ctx, struct vd_err *reterr)
{
	uint64_t *used = calloc(m->n_ports ? m->n_ports : 1, sizeof(*used));
	unsigned int n = 0;

	if (!used)
		return vsw_no_memory(reterr);
	for (unsigned int i = 0; i < m->n_ports; i++)
		if (m->ports[i].has_mac)
			used[n++] = vsw_mac_number(&m->ports[i].mac);
	qsort(used, n, sizeof(*used), vsw_by_number);
	for (unsigned int i = 0; i < m->n_switches; i++)
		if (!m->switches[i].uuid[0])
			make_uuid(m->switches[i].uuid, random, ctx);
	for (unsigned int i = 0; i < m->n_nats; i++)
		if (!m->nats[i].uuid[0])
			make_uuid(m->nats[i].uuid, random, ctx);
	for (unsigned int i = 0; i < m->n_ports; i++) {
		if (!m->ports[i].uuid[0])
			make_uuid(m->ports[i].uuid, random, ctx);
		if (wants_mac(&m->ports[i]))
			make_mac(&m->ports[i], used, &n, random, ctx);
	}
	free(used);
	return settle_rules(m) < 0 ? vsw_no_memory(reterr) : 0;
}
