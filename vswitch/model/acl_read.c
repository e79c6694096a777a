/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Access rules from JSON, with everything that can be wrong inside of one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/acl.h"
#include "vswitch/model/model_internal.h"
#include "vswitch/model/policy_json.h"
#include "vswitch/model/terms.h"

static const char *const rule_keys[] = {
	"id",        "name",           "direction",  "kind",        "action", "local",
	"remote",    "protocol",       "local_port", "remote_port", "weight", "stateful",
	"ethertype", "idle_timeout_s", "vlan",       "report_only", "set_by", "set_at"};
/* What makes a rule an extended one. */
static const char *const extended_keys[] = {"protocol", "local_port", "remote_port",    "weight",
					    "stateful", "ethertype",  "idle_timeout_s", "vlan"};

#define N(a) (sizeof(a) / sizeof((a)[0]))

static bool has(const struct vd_read *rd, const char *key)
{
	json_t *v = json_object_get(rd->j, key);

	return v && !json_is_null(v) && !json_is_false(v);
}

/* Read member @key with a parser of terms.h. */
#define READ_TERM(rd, key, parse, ret)                                                             \
	({                                                                                         \
		char path_[VSW_PATH_SIZE], number_[24];                                            \
		const char *s_ = NULL;                                                             \
		int r_ = vd_read_term(rd, key, number_, &s_);                                      \
		if (r_ > 0) {                                                                      \
			r_ = parse(s_, vd_read_path(rd, key, path_, sizeof(path_)), ret, (rd)->e); \
			r_ = r_ < 0 ? vd_read_at(rd, key, r_) : 1;                                 \
		}                                                                                  \
		r_;                                                                                \
	})

static int impossible(const struct vd_read *rd, const char *key, const char *hint, const char *what)
{
	char path[VSW_PATH_SIZE];

	return vd_read_at(rd, key,
			  vd_err_set(rd->e, -EINVAL, VD_E_RULE,
				     vd_read_path(rd, key, path, sizeof(path)), hint, "%s", what));
}

/* ---- what contradicts itself or can never match ---- */

static uint8_t family(const struct vsw_addr *a)
{
	return a->kind == VSW_ADDR_PREFIX ? a->prefix.family : 0;
}

static bool ip_only(const struct vsw_addr *a)
{
	return a->kind != VSW_ADDR_MAC;
}

static int check_families(const struct vd_read *rd, const struct vsw_acl_rule *r)
{
	uint8_t local = family(&r->local), remote = family(&r->remote);
	uint8_t both = local ? local : remote;

	if (local && remote && local != remote)
		return impossible(rd, "remote", "use two addresses of one family, or two rules",
				  "an IPv4 and an IPv6 address never stand in one packet");
	if (both == 6 && r->protocol == 1)
		return impossible(rd, "protocol", "use icmpv6",
				  "icmp is of IPv4, the address of IPv6");
	if (both == 4 && r->protocol == 58)
		return impossible(rd, "protocol", "use icmp",
				  "icmpv6 is of IPv6, the address of IPv4");
	if (r->ethertype == 0 || (r->ethertype == 0x0800 && both != 6) ||
	    (r->ethertype == 0x86dd && both != 4))
		return 0;
	if (both || r->ethertype == 0x0800 || r->ethertype == 0x86dd)
		return both ? impossible(rd, "ethertype", "leave it out: the address says it",
					 "frames of this EtherType have no such address")
			    : 0;
	if (r->protocol != VSW_PROTOCOL_ANY)
		return impossible(rd, "ethertype", "leave one of the two out",
				  "frames of this EtherType have no IP protocol");
	return 0;
}

static int check_ports(const struct vd_read *rd, const struct vsw_acl_rule *r)
{
	static const uint16_t with_ports[] = {6, 17, 33, 132, 136};

	for (size_t i = 0; i < N(with_ports); i++)
		if (r->protocol == with_ports[i])
			return 0;
	for (int remote = 0; remote < 2; remote++) {
		const uint16_t *range = remote ? r->remote_port : r->local_port;

		if (range[0] != 0 || range[1] != UINT16_MAX)
			return impossible(rd, remote ? "remote_port" : "local_port",
					  "add protocol tcp or udp (command line: --protocol tcp)",
					  "only TCP, UDP, UDP-Lite, DCCP and SCTP have ports");
	}
	return 0;
}

static int check_state(const struct vd_read *rd, const struct vsw_acl_rule *r)
{
	if (r->stateful && r->action != VSW_ACL_ALLOW)
		return impossible(rd, "stateful", "make the action allow, or leave stateful out",
				  "only an allow rule can be stateful");
	if (r->stateful && (!ip_only(&r->local) || !ip_only(&r->remote)))
		return impossible(rd, "stateful", "use IP addresses",
				  "only IP traffic has connections to be followed");
	if (has(rd, "idle_timeout_s") && !r->stateful)
		return impossible(rd, "idle_timeout_s", "add stateful (command line: --stateful)",
				  "only a stateful rule has an idle timeout");
	return 0;
}

static int check_meter(const struct vd_read *rd, const struct vsw_acl_rule *r)
{
	if (r->action != VSW_ACL_METER)
		return 0;
	if (r->report_only)
		return impossible(rd, "report_only", "leave it out",
				  "a meter rule never drops anything");
	if (!ip_only(&r->local) || !ip_only(&r->remote))
		return impossible(rd, ip_only(&r->local) ? "remote" : "local",
				  "use IP addresses, or any",
				  "a meter rule counts IP traffic, not that of a MAC address");
	return 0;
}

static int check_basic(const struct vd_read *rd, const struct vsw_acl_rule *r)
{
	for (size_t i = 0; i < N(extended_keys); i++)
		if (has(rd, extended_keys[i]))
			return impossible(rd, extended_keys[i], "make the kind extended",
					  "a basic rule has one address and nothing else");
	if (r->local.kind != VSW_ADDR_ANY && r->remote.kind != VSW_ADDR_ANY)
		return impossible(rd, "remote", "make the kind extended, or make two rules",
				  "a basic rule has a local or a remote address, not both");
	return 0;
}

static int check_rule(const struct vd_read *rd, const struct vsw_acl_rule *r)
{
	int rc = check_meter(rd, r);

	if (rc == 0 && r->kind == VSW_ACL_BASIC)
		return check_basic(rd, r);
	if (rc == 0)
		rc = check_families(rd, r);
	if (rc == 0)
		rc = check_ports(rd, r);
	return rc ? rc : check_state(rd, r);
}

/* ---- reading ---- */

int vsw_signature_read(const struct vd_read *rd, struct vsw_signature *io)
{
	const char *s = NULL;
	int rc = vd_read_text(rd, "set_by", &s);

	if (rc < 0)
		return rc;
	for (const char *p = s; p && *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return impossible(rd, "set_by", NULL, "set_by has a control character");
	if (s && strlen(s) >= sizeof(io->by))
		return impossible(rd, "set_by", NULL, "set_by is longer than 47 bytes");
	if (s)
		snprintf(io->by, sizeof(io->by), "%s", s);
	s = NULL;
	rc = vd_read_text(rd, "set_at", &s);
	if (rc > 0 && vsw_time_parse(s, &io->at) < 0)
		return impossible(rd, "set_at", "write it as 2026-11-21T06:42:43Z, or leave it out",
				  "set_at is not a time");
	return rc < 0 ? rc : 0;
}

static int read_identity(const struct vd_read *rd, struct vsw_acl_rule *r)
{
	unsigned int action = 0;
	int rc = vd_read_int(rd, "id", 1, VSW_RULE_ID_MAX, VD_E_VALUE, &r->id);

	if (rc < 0)
		return rc;
	rc = vd_read_name(rd, "name", r->name, sizeof(r->name));
	if (rc < 0)
		return rc;
	rc = vd_read_choice(rd, "action", vsw_acl_action_text, N(vsw_acl_action_text), &action);
	if (rc <= 0)
		return rc < 0 ? rc : vd_read_missing(rd, "action");
	r->action = (uint8_t)action;
	rc = vd_read_bool(rd, "report_only", &r->report_only);
	return rc < 0 ? rc : vsw_signature_read(rd, &r->set);
}

static int read_extended(const struct vd_read *rd, struct vsw_acl_rule *r)
{
	uint32_t weight = VSW_WEIGHT_DEFAULT, idle = VSW_IDLE_DEFAULT_S, vlan = 0;
	int rc = READ_TERM(rd, "protocol", vsw_protocol_parse, &r->protocol);

	if (rc >= 0)
		rc = READ_TERM(rd, "ethertype", vsw_ethertype_parse, &r->ethertype);
	if (rc >= 0)
		rc = READ_TERM(rd, "local_port", vsw_ports_parse, r->local_port);
	if (rc >= 0)
		rc = READ_TERM(rd, "remote_port", vsw_ports_parse, r->remote_port);
	if (rc >= 0)
		rc = vd_read_int(rd, "weight", 0, UINT16_MAX, VD_E_VALUE, &weight);
	if (rc >= 0)
		rc = vd_read_bool(rd, "stateful", &r->stateful);
	if (rc >= 0)
		rc = vd_read_int(rd, "idle_timeout_s", 1, UINT16_MAX, VD_E_VALUE, &idle);
	if (rc >= 0)
		rc = vd_read_int(rd, "vlan", 0, VSW_VID_MAX, VD_E_VLAN_RANGE, &vlan);
	r->weight = (uint16_t)weight;
	r->idle_timeout_s = (uint16_t)idle;
	r->vlan = (uint16_t)vlan;
	return rc < 0 ? rc : 0;
}

/* Given, or what its members make it. */
static int read_kind(const struct vd_read *rd, struct vsw_acl_rule *r)
{
	unsigned int kind = VSW_ACL_BASIC;
	int rc = vd_read_choice(rd, "kind", vsw_acl_kind_text, N(vsw_acl_kind_text), &kind);

	if (rc < 0)
		return rc;
	if (rc == 0 && r->local.kind != VSW_ADDR_ANY && r->remote.kind != VSW_ADDR_ANY)
		kind = VSW_ACL_EXTENDED;
	for (size_t i = 0; rc == 0 && i < N(extended_keys); i++)
		if (has(rd, extended_keys[i]))
			kind = VSW_ACL_EXTENDED;
	r->kind = (uint8_t)kind;
	return 0;
}

int vsw_rule_from_json(const struct vd_read *rd, struct vsw_acl_rule ret[2])
{
	static const char *const directions[] = {"from-vm", "to-vm", "both"};
	struct vsw_acl_rule r = {.protocol = VSW_PROTOCOL_ANY,
				 .local_port = {0, UINT16_MAX},
				 .remote_port = {0, UINT16_MAX}};
	unsigned int direction = 0;
	int rc = vd_read_keys(rd, rule_keys, N(rule_keys));

	if (rc < 0)
		return rc;
	rc = vd_read_choice(rd, "direction", directions, N(directions), &direction);
	if (rc <= 0)
		return rc < 0 ? rc : vd_read_missing(rd, "direction");
	rc = read_identity(rd, &r);
	if (rc == 0)
		rc = READ_TERM(rd, "local", vsw_addr_parse, &r.local);
	if (rc >= 0)
		rc = READ_TERM(rd, "remote", vsw_addr_parse, &r.remote);
	if (rc >= 0)
		rc = read_kind(rd, &r);
	if (rc == 0)
		rc = read_extended(rd, &r);
	if (rc == 0)
		rc = check_rule(rd, &r);
	if (rc == 0 && direction == 2 && r.id)
		rc = impossible(rd, "id", "leave the id out",
				"direction both makes two rules, which cannot share an id");
	if (rc < 0)
		return rc;
	if (r.kind == VSW_ACL_BASIC)
		r.weight = r.idle_timeout_s = 0;
	r.direction = direction == 1 ? VSW_TO_VM : VSW_FROM_VM;
	ret[0] = r;
	r.direction = VSW_TO_VM;
	ret[1] = r;
	return direction == 2 ? 2 : 1;
}

static int too_many(const struct vd_read *port)
{
	char path[VSW_PATH_SIZE];

	return vd_read_at(port, "acl",
			  vd_err_set(port->e, -ENOSPC, VD_E_LIMIT,
				     vd_read_path(port, "acl", path, sizeof(path)),
				     "address sets (set:NAME) say much in one rule",
				     "a port has at most %u access rules", VSW_RULES_MAX));
}

/* Contradictions, said where the later rule stands in the list. */
static int check_list(const struct vd_read *port, json_t *list, const struct vsw_acl *a,
		      const unsigned int *place)
{
	char path[VSW_PATH_SIZE];
	unsigned int at = 0;
	int rc = vsw_acl_check(a, vd_read_path(port, "acl", path, sizeof(path)), &at, port->e);

	return rc < 0 ? vd_read_at_item(port, list, place[at], rc) : 0;
}

int vsw_acl_from_json(const struct vd_read *port, json_t *list, struct vsw_acl **ret)
{
	size_t n = json_array_size(list), i;
	struct vsw_acl *a;
	unsigned int *place;
	json_t *j;
	int rc = 0;

	*ret = NULL;
	if (n == 0)
		return 0;
	if (n > VSW_RULES_MAX)
		return too_many(port);
	a = vsw_acl_new(2 * (unsigned int)n);
	place = calloc(2 * n, sizeof(*place));
	if (!a || !place)
		rc = vsw_no_memory(port->e);
	else
		a->n = 0;
	json_array_foreach (list, i, j) {
		struct vd_read rd;

		if (rc >= 0)
			rc = vd_read_item(port, "acl", j, &rd);
		if (rc == 0)
			rc = vsw_rule_from_json(&rd, &a->rules[a->n]);
		if (rc < 0) {
			vd_read_at_item(port, list, i, rc);
			break;
		}
		for (; rc > 0; rc--)
			place[a->n++] = (unsigned int)i;
	}
	if (rc == 0 && a->n > VSW_RULES_MAX)
		rc = too_many(port);
	if (rc == 0)
		rc = check_list(port, list, a, place);
	free(place);
	if (rc < 0) {
		vsw_acl_unref(a);
		return rc;
	}
	*ret = a;
	return 0;
}
