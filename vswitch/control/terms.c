/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy server says: see terms.h. */
#include "vswitch/control/terms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nap-policy/filter_rule.h"

#define RULES_MAX   32u
#define SERVERS_MAX 24u /* 16 of IPv4, 8 of IPv6 */
#define VLAN_LAST   4094

uint16_t vsw_nap_group(const struct nap_policy *p, const char *name)
{
	for (unsigned int i = 0; p && i < p->n_groups; i++)
		if (!strcmp(p->groups[i].name, name))
			return (uint16_t)i;
	return NAP_NO_GROUP;
}

/* A server without ports is all of the server. */
static void add_server(struct vsw_nap_terms *t, unsigned int family, const uint8_t *addr)
{
	static const struct nap_port_range all = {1, 65535};
	struct nap_target *s = &t->targets[t->n_targets++];

	s->to.family = (uint8_t)family;
	s->to.len = family == 4 ? 32 : 128;
	memcpy(s->to.addr, addr, family == 4 ? 4 : 16);
	s->tcp[0] = s->udp[0] = all;
	s->n_tcp = s->n_udp = 1;
	s->ping = true;
}

static void add_servers(struct vsw_nap_terms *t, const uint8_t ipv4[16][4], unsigned int n_ipv4,
			const uint8_t ipv6[8][16], unsigned int n_ipv6)
{
	for (unsigned int i = 0; i < n_ipv4; i++)
		add_server(t, 4, ipv4[i]);
	for (unsigned int i = 0; i < n_ipv6; i++)
		add_server(t, 6, ipv6[i]);
}

static int begin(struct vsw_nap_terms *t, const char *group)
{
	memset(t, 0, sizeof(*t));
	snprintf(t->group, sizeof(t->group), "%.63s", group);
	t->targets = calloc(RULES_MAX + SERVERS_MAX, sizeof(*t->targets));
	return t->targets ? 0 : -ENOMEM;
}

int vsw_nap_terms_of_answer(const struct nap_policy *p, struct nap_radius_answer *a,
			    struct vsw_nap_terms *ret)
{
	if (begin(ret, a->filter) < 0)
		return -ENOMEM;
	if (a->filter[0] && vsw_nap_group(p, a->filter) == NAP_NO_GROUP) {
		a->problem =
			a->problem ? a->problem : "a Filter-Id that names no remediation group";
		ret->group[0] = '\0';
	}
	if (nap_filter_parse(a->rules, ret->targets, RULES_MAX, &ret->n_targets) < 0) {
		a->problem = a->problem ? a->problem : "a filter rule that is not understood";
		ret->n_targets = 0;
	}
	add_servers(ret, a->ipv4, a->n_ipv4, a->ipv6, a->n_ipv6);
	ret->vlan = a->vlan;
	return 0;
}

int vsw_nap_terms_of_coa(const struct nap_policy *p, const struct nap_coa *q,
			 struct vsw_nap_terms *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (q->filter[0] && vsw_nap_group(p, q->filter) == NAP_NO_GROUP)
		return -EINVAL;
	if (begin(ret, q->filter) < 0)
		return -ENOMEM;
	add_servers(ret, q->ipv4, q->n_ipv4, q->ipv6, q->n_ipv6);
	return 0;
}

void vsw_nap_terms_done(struct vsw_nap_terms *t)
{
	free(t->targets);
	memset(t, 0, sizeof(*t));
}

void vsw_nap_terms_expire(struct vsw_nap_terms *t, uint64_t now_ms)
{
	uint16_t vlan = t->vlan;

	if (!t->until_ms || now_ms < t->until_ms)
		return;
	vsw_nap_terms_done(t);
	t->vlan = vlan;
}

/* ---- in the state file ---- */

static json_t *ranges_to_json(const struct nap_port_range *r, unsigned int n)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < n; i++)
		json_array_append_new(list, json_pack("[i, i]", r[i].first, r[i].last));
	return list;
}

static json_t *target_to_json(const struct nap_target *t)
{
	char to[VD_PREFIX_STR_SIZE];

	return json_pack("{s:s, s:o, s:o, s:b, s:b}", "to", vd_prefix_format(&t->to, to), "tcp",
			 ranges_to_json(t->tcp, t->n_tcp), "udp", ranges_to_json(t->udp, t->n_udp),
			 "ping", t->ping, "initiate", t->initiate);
}

json_t *vsw_nap_terms_to_json(const struct vsw_nap_terms *t)
{
	json_t *targets = json_array();

	for (unsigned int i = 0; i < t->n_targets; i++)
		json_array_append_new(targets, target_to_json(&t->targets[i]));
	return json_pack("{s:i, s:s, s:I, s:o}", "vlan", t->vlan, "group", t->group, "until_ms",
			 (json_int_t)t->until_ms, "targets", targets);
}

static bool get_ranges(json_t *list, struct nap_port_range *ret, uint8_t *n)
{
	json_t *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > NAP_PORTS_MAX)
		return false;
	json_array_foreach (list, i, item) {
		json_int_t first = json_integer_value(json_array_get(item, 0));
		json_int_t last = json_integer_value(json_array_get(item, 1));

		if (first < 1 || last < first || last > UINT16_MAX)
			return false;
		ret[(*n)++] = (struct nap_port_range){(uint16_t)first, (uint16_t)last};
	}
	return true;
}

static bool get_target(json_t *j, struct nap_target *ret)
{
	const char *to = json_string_value(json_object_get(j, "to"));

	ret->ping = json_is_true(json_object_get(j, "ping"));
	ret->initiate = json_is_true(json_object_get(j, "initiate"));
	return to && vd_prefix_parse(to, &ret->to) == 0 &&
	       get_ranges(json_object_get(j, "tcp"), ret->tcp, &ret->n_tcp) &&
	       get_ranges(json_object_get(j, "udp"), ret->udp, &ret->n_udp);
}

int vsw_nap_terms_from_json(json_t *j, struct vsw_nap_terms *ret)
{
	const char *group = json_string_value(json_object_get(j, "group"));
	json_t *list = json_object_get(j, "targets"), *item;
	json_int_t vlan = json_integer_value(json_object_get(j, "vlan"));
	json_int_t until = json_integer_value(json_object_get(j, "until_ms"));
	size_t i;

	if (!group || strlen(group) >= sizeof(ret->group) || vlan < 0 || vlan > VLAN_LAST ||
	    until < 0 || !json_is_array(list) || json_array_size(list) > RULES_MAX + SERVERS_MAX)
		return -EINVAL;
	if (begin(ret, group) < 0)
		return -ENOMEM;
	ret->vlan = (uint16_t)vlan;
	ret->until_ms = (uint64_t)until;
	json_array_foreach (list, i, item)
		if (!get_target(item, &ret->targets[ret->n_targets++])) {
			vsw_nap_terms_done(ret);
			return -EINVAL;
		}
	return 0;
}
