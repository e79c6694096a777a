/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPFIX messages (RFC 7011 3): a header, then sets of records; what a record consists of is told by templates. The
 * elements and templates follow RFC 8158 4 and IANA's registry "IP Flow Information Export Entities".
 */
#include <string.h>

#include "nat/log/log.h"

#define VERSION      10
#define SET_HEADER   4
#define SET_TEMPLATE 2

enum {
	T_SESSION = 256, /* the first number that a template may have */
	T_SESSION_DESTINATIONS,
	T_BLOCK,
	T_EXHAUSTED,
	T_QUOTA,
	T_ADDRESS,
};

/* IANA: information elements */
enum {
	E_PROTOCOL = 4,
	E_SOURCE_PORT = 7,
	E_SOURCE = 8,
	E_DESTINATION_PORT = 11,
	E_DESTINATION = 12,
	E_POST_SOURCE = 225,
	E_POST_SOURCE_PORT = 227,
	E_NAT_EVENT = 230,
	E_TIME_MS = 323,
	E_RANGE_START = 361,
	E_RANGE_END = 362,
	E_INSTANCE = 463,
	E_QUOTA_EVENT = 466,
};

#define QUOTA_ENTRIES_PER_USER 3 /* of natQuotaExceededEvent */

struct field {
	uint16_t element, size;
};

struct template
{
	uint16_t id;
	uint8_t n;
	struct field fields[12];
};

static const struct template templates[] = {
	{T_SESSION,
	 8,
	 {{E_TIME_MS, 8},
	  {E_NAT_EVENT, 1},
	  {E_PROTOCOL, 1},
	  {E_SOURCE, 4},
	  {E_SOURCE_PORT, 2},
	  {E_POST_SOURCE, 4},
	  {E_POST_SOURCE_PORT, 2},
	  {E_INSTANCE, 4}}},
	{T_SESSION_DESTINATIONS,
	 10,
	 {{E_TIME_MS, 8},
	  {E_NAT_EVENT, 1},
	  {E_PROTOCOL, 1},
	  {E_SOURCE, 4},
	  {E_SOURCE_PORT, 2},
	  {E_POST_SOURCE, 4},
	  {E_POST_SOURCE_PORT, 2},
	  {E_DESTINATION, 4},
	  {E_DESTINATION_PORT, 2},
	  {E_INSTANCE, 4}}},
	{T_BLOCK,
	 7,
	 {{E_TIME_MS, 8},
	  {E_NAT_EVENT, 1},
	  {E_SOURCE, 4},
	  {E_POST_SOURCE, 4},
	  {E_RANGE_START, 2},
	  {E_RANGE_END, 2},
	  {E_INSTANCE, 4}}},
	{T_EXHAUSTED,
	 6,
	 {{E_TIME_MS, 8},
	  {E_NAT_EVENT, 1},
	  {E_PROTOCOL, 1},
	  {E_SOURCE, 4},
	  {E_POST_SOURCE, 4},
	  {E_INSTANCE, 4}}},
	{T_QUOTA,
	 5,
	 {{E_TIME_MS, 8}, {E_NAT_EVENT, 1}, {E_QUOTA_EVENT, 4}, {E_SOURCE, 4}, {E_INSTANCE, 4}}},
	{T_ADDRESS,
	 5,
	 {{E_TIME_MS, 8}, {E_NAT_EVENT, 1}, {E_SOURCE, 4}, {E_POST_SOURCE, 4}, {E_INSTANCE, 4}}},
};

#define N_TEMPLATES (sizeof(templates) / sizeof(templates[0]))

static void put(struct nat_ipfix *m, uint64_t v, unsigned int size)
{
	while (size--)
		m->bytes[m->n++] = (uint8_t)(v >> 8 * size);
}

static void put_at(struct nat_ipfix *m, size_t at, uint16_t v)
{
	m->bytes[at] = (uint8_t)(v >> 8);
	m->bytes[at + 1] = (uint8_t)v;
}

static void close_set(struct nat_ipfix *m)
{
	if (m->set)
		put_at(m, m->set + 2, (uint16_t)(m->n - m->set));
	m->set = 0;
}

static void open_set(struct nat_ipfix *m, uint16_t id)
{
	if (m->set && m->set_id == id)
		return;
	close_set(m);
	m->set = m->n;
	m->set_id = id;
	put(m, id, 2);
	put(m, 0, 2);
}

void nat_ipfix_begin(struct nat_ipfix *m, uint32_t domain, uint32_t sequence, uint64_t time_ms,
		     bool destinations)
{
	m->n = m->set = 0;
	m->set_id = 0;
	m->records = 0;
	m->domain = domain;
	m->destinations = destinations;
	put(m, VERSION, 2);
	put(m, 0, 2); /* length: in the end */
	put(m, time_ms / 1000, 4);
	put(m, sequence, 4);
	put(m, domain, 4);
}

void nat_ipfix_templates(struct nat_ipfix *m)
{
	open_set(m, SET_TEMPLATE);
	for (size_t i = 0; i < N_TEMPLATES; i++) {
		put(m, templates[i].id, 2);
		put(m, templates[i].n, 2);
		for (unsigned int k = 0; k < templates[i].n; k++) {
			put(m, templates[i].fields[k].element, 2);
			put(m, templates[i].fields[k].size, 2);
		}
	}
	close_set(m);
}

static uint64_t value_of(const struct nat_ipfix *m, const struct nat_event *e, uint16_t element)
{
	switch (element) {
	case E_TIME_MS:
		return e->time_ms;
	case E_NAT_EVENT:
		return e->type;
	case E_PROTOCOL:
		return e->proto;
	case E_SOURCE:
		return e->inside;
	case E_SOURCE_PORT:
		return e->inside_port;
	case E_POST_SOURCE:
		return e->outside;
	case E_POST_SOURCE_PORT:
	case E_RANGE_START:
		return e->outside_port;
	case E_RANGE_END:
		return e->outside_port + e->count - 1;
	case E_DESTINATION:
		return e->remote;
	case E_DESTINATION_PORT:
		return e->remote_port;
	case E_INSTANCE:
		return m->domain;
	default:
		return QUOTA_ENTRIES_PER_USER;
	}
}

static uint16_t template_of(const struct nat_ipfix *m, const struct nat_event *e)
{
	switch (e->type) {
	case NAT_EV_SESSION_CREATE:
	case NAT_EV_SESSION_DELETE:
		return m->destinations ? T_SESSION_DESTINATIONS : T_SESSION;
	case NAT_EV_BLOCK_ALLOC:
	case NAT_EV_BLOCK_FREE:
		return T_BLOCK;
	case NAT_EV_PORTS_EXHAUSTED:
	case NAT_EV_ADDRESSES_EXHAUSTED:
		return T_EXHAUSTED;
	case NAT_EV_QUOTA_EXCEEDED:
		return T_QUOTA;
	case NAT_EV_ADDRESS_BOUND:
	case NAT_EV_ADDRESS_UNBOUND:
		return T_ADDRESS;
	default: /* a gap shows in the sequence numbers */
		return 0;
	}
}

bool nat_ipfix_add(struct nat_ipfix *m, const struct nat_event *e)
{
	uint16_t id = template_of(m, e);
	const struct template *t;
	size_t size = SET_HEADER;

	if (!id)
		return true;
	t = &templates[id - T_SESSION];
	for (unsigned int k = 0; k < t->n; k++)
		size += t->fields[k].size;
	if (m->n + size > sizeof(m->bytes))
		return false;
	open_set(m, id);
	for (unsigned int k = 0; k < t->n; k++)
		put(m, value_of(m, e, t->fields[k].element), t->fields[k].size);
	m->records++;
	return true;
}

size_t nat_ipfix_end(struct nat_ipfix *m)
{
	close_set(m);
	put_at(m, 2, (uint16_t)m->n);
	return m->n;
}
