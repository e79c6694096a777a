/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies, address sets and mirror sessions to JSON: see policy_json.h. */
#include <stdio.h>

#include "vswitch/model/model_internal.h"
#include "vswitch/model/policy_json.h"
#include "vswitch/model/terms.h"

static json_t *quantity(uint64_t n)
{
	char buf[VSW_TERM_STR_SIZE];

	return json_string(vsw_quantity_format(n, buf));
}

static json_t *prefixes(const struct vd_prefix *p, unsigned int n)
{
	json_t *list = json_array();
	char buf[VD_PREFIX_STR_SIZE];

	for (unsigned int i = 0; i < n; i++)
		list = vsw_append(list, json_string(vd_prefix_format(&p[i], buf)));
	return list;
}

/* One member, where it differs from its default or all are wanted. */
static json_t *put_bool(json_t *j, const char *key, bool value, bool standard, bool all)
{
	return all || value != standard ? vsw_put(j, key, json_boolean(value)) : j;
}

static json_t *put_number(json_t *j, const char *key, uint32_t value, bool all)
{
	return all || value ? vsw_put(j, key, json_integer(value)) : j;
}

static json_t *put_quantity(json_t *j, const char *key, uint64_t value, bool all)
{
	return all || value ? vsw_put(j, key, quantity(value)) : j;
}

json_t *vsw_signature_put(json_t *j, const struct vsw_signature *s)
{
	char buf[VSW_TERM_STR_SIZE];

	if (s->by[0])
		j = vsw_put(j, "set_by", json_string(s->by));
	if (s->at)
		j = vsw_put(j, "set_at", json_string(vsw_time_format(s->at, buf)));
	return j;
}

json_t *vsw_guard_to_json(const struct vsw_policy *p, bool defaults)
{
	const struct vsw_guard *g = &p->guard;
	json_t *j = put_bool(json_object(), "mac_spoofing", g->mac_spoofing, false, defaults);

	j = put_bool(j, "dhcp", g->dhcp, false, defaults);
	j = put_bool(j, "router", g->router, false, defaults);
	j = put_bool(j, "control", g->control, false, defaults);
	j = put_bool(j, "priority_trust", !g->drop_priority, true, defaults);
	if (defaults || g->pinning)
		j = vsw_put(j, "pinning", json_string(vsw_pinning_text[g->pinning]));
	if (defaults || p->n_pins)
		j = vsw_put(j, "pins", prefixes(p->pins, p->n_pins));
	if (defaults || p->n_floating)
		j = vsw_put(j, "floating", prefixes(p->floating, p->n_floating));
	j = put_number(j, "storm_broadcast_pps", g->storm_broadcast_pps, defaults);
	j = put_number(j, "storm_multicast_pps", g->storm_multicast_pps, defaults);
	j = put_number(j, "storm_unknown_pps", g->storm_unknown_pps, defaults);
	j = put_number(j, "address_limit", g->address_limit, defaults);
	if (defaults || g->team[0])
		j = vsw_put(j, "team", json_string(g->team[0] ? g->team : "none"));
	return vsw_signature_put(j, &g->set);
}

json_t *vsw_qos_to_json(const struct vsw_qos *q, bool defaults)
{
	json_t *j = put_quantity(json_object(), "max_from_vm", q->from_vm.bps, defaults);

	j = put_quantity(j, "burst_from_vm", q->from_vm.burst_bytes, defaults);
	j = put_quantity(j, "max_to_vm", q->to_vm.bps, defaults);
	j = put_quantity(j, "burst_to_vm", q->to_vm.burst_bytes, defaults);
	j = put_quantity(j, "min", q->min_bps, defaults);
	return put_number(j, "weight", q->min_weight, defaults);
}

/* The object, unless it is empty. */
static json_t *put_part(json_t *j, const char *key, json_t *part)
{
	if (part && json_object_size(part) == 0) {
		json_decref(part);
		return j;
	}
	return vsw_put(j, key, part);
}

json_t *vsw_policy_put(json_t *port, const struct vsw_policy *p)
{
	json_t *tags = p->n_tags ? json_array() : NULL;

	for (unsigned int i = 0; i < p->n_tags; i++)
		tags = vsw_append(tags, json_string(p->tags[i]));
	if (p->n_tags)
		port = vsw_put(port, "tags", tags);
	if (p->affinity[0])
		port = vsw_put(port, "affinity", json_string(p->affinity));
	port = put_part(port, "guard", vsw_guard_to_json(p, false));
	return put_part(port, "qos", vsw_qos_to_json(&p->qos, false));
}

json_t *vsw_switch_policy_put(json_t *j, const struct vsw_switch_cfg *s)
{
	if (s->qos.min_mode)
		j = vsw_put(j, "min_mode", json_string(vsw_min_mode_text[s->qos.min_mode]));
	if (s->qos.default_min_weight > VSW_DEFAULT_WEIGHT)
		j = vsw_put(j, "default_weight", json_integer(s->qos.default_min_weight));
	j = put_quantity(j, "default_min", s->qos.default_min_bps, false);
	if (s->team_mode)
		j = vsw_put(j, "team_mode", json_string(vsw_team_mode_text[s->team_mode]));
	j = put_bool(j, "igmp_snooping", s->igmp_snooping, false, false);
	j = put_bool(j, "mld_snooping", s->mld_snooping, false, false);
	return put_bool(j, "nlb", s->nlb, false, false);
}

/* ---- rules ---- */

static json_t *put_addr(json_t *j, const char *key, const struct vsw_addr *a)
{
	char buf[VSW_TERM_STR_SIZE];

	return a->kind == VSW_ADDR_ANY ? j : vsw_put(j, key, json_string(vsw_addr_format(a, buf)));
}

static json_t *put_ports(json_t *j, const char *key, const uint16_t ports[2])
{
	char buf[VSW_TERM_STR_SIZE];

	return ports[0] == 0 && ports[1] == UINT16_MAX
		       ? j
		       : vsw_put(j, key, json_string(vsw_ports_format(ports, buf)));
}

static json_t *put_extended(json_t *j, const struct vsw_acl_rule *r)
{
	char buf[VSW_TERM_STR_SIZE];

	if (r->ethertype)
		j = vsw_put(j, "ethertype", json_string(vsw_ethertype_format(r->ethertype, buf)));
	if (r->protocol != VSW_PROTOCOL_ANY)
		j = vsw_put(j, "protocol", json_string(vsw_protocol_format(r->protocol, buf)));
	j = put_ports(j, "local_port", r->local_port);
	j = put_ports(j, "remote_port", r->remote_port);
	j = vsw_put(j, "weight", json_integer(r->weight));
	if (r->stateful) {
		j = vsw_put(j, "stateful", json_true());
		j = vsw_put(j, "idle_timeout_s", json_integer(r->idle_timeout_s));
	}
	return put_number(j, "vlan", r->vlan, false);
}

json_t *vsw_rule_to_json(const struct vsw_acl_rule *r)
{
	json_t *j = json_object();

	if (r->id)
		j = vsw_put(j, "id", json_integer(r->id));
	if (r->name[0])
		j = vsw_put(j, "name", json_string(r->name));
	j = vsw_put(j, "direction", json_string(vsw_dir_text[r->direction]));
	j = vsw_put(j, "kind", json_string(vsw_acl_kind_text[r->kind]));
	j = vsw_put(j, "action", json_string(vsw_acl_action_text[r->action]));
	j = put_addr(j, "local", &r->local);
	j = put_addr(j, "remote", &r->remote);
	if (r->kind == VSW_ACL_EXTENDED)
		j = put_extended(j, r);
	j = put_bool(j, "report_only", r->report_only, false, false);
	return vsw_signature_put(j, &r->set);
}

json_t *vsw_acl_to_json(const struct vsw_acl *a)
{
	json_t *list = json_array();

	for (unsigned int i = 0; a && i < a->n; i++)
		list = vsw_append(list, vsw_rule_to_json(&a->rules[i]));
	return list;
}

/* ---- sets, mirrors ---- */

json_t *vsw_set_to_json(const struct vsw_set *s)
{
	json_t *list = json_array();
	char buf[VSW_TERM_STR_SIZE];

	for (unsigned int i = 0; i < s->n_members; i++)
		list = vsw_append(list, json_string(vsw_member_format(&s->members[i], buf)));
	return vsw_put(vsw_put(json_object(), "name", json_string(s->name)), "members", list);
}

static json_t *source(const char *port, uint8_t dirs)
{
	return json_sprintf("%s%s", port,
			    dirs == VSW_MIRROR_FROM_VM ? ",from-vm"
			    : dirs == VSW_MIRROR_TO_VM ? ",to-vm"
						       : "");
}

json_t *vsw_mirror_to_json(const struct vsw_mirror *s)
{
	json_t *list = json_array(), *j = vsw_put(json_object(), "name", json_string(s->name));

	if (s->all)
		list = vsw_append(list, source("all", s->all));
	for (unsigned int i = 0; i < s->n_sources; i++)
		list = vsw_append(list, source(s->sources[i].port, s->sources[i].dirs));
	j = vsw_put(j, "switch", json_string(s->sw));
	j = vsw_put(j, "sources", list);
	if (s->to_port[0])
		j = vsw_put(j, "to_port", json_string(s->to_port));
	else
		j = vsw_put(j, "to_file", json_string(s->to_file));
	if (s->filter[0])
		j = vsw_put(j, "filter", json_string(s->filter));
	return put_number(j, "snaplen", s->snaplen, false);
}
