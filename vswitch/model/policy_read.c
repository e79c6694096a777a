/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies, address sets and mirror sessions from JSON: see policy_json.h. Rules: acl_read.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/acl.h"
#include "vswitch/model/model_internal.h"
#include "vswitch/model/policy_json.h"
#include "vswitch/model/terms.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

#define PPS_MAX   100000000u
#define BPS_MIN   UINT64_C(8000)
#define BPS_MAX   UINT64_C(1000000000000)
#define BURST_MIN 2000u
#define BURST_MAX UINT64_C(1000000000)

static const char *const guard_keys[] = {"mac_spoofing",
					 "dhcp",
					 "router",
					 "control",
					 "priority_trust",
					 "pinning",
					 "pins",
					 "floating",
					 "storm_broadcast_pps",
					 "storm_multicast_pps",
					 "storm_unknown_pps",
					 "address_limit",
					 "team",
					 "set_by",
					 "set_at"};
static const char *const qos_keys[] = {"max_from_vm", "burst_from_vm", "max_to_vm",
				       "burst_to_vm", "min",           "weight"};
static const char *const set_keys[] = {"name", "members"};
static const char *const mirror_keys[] = {"name",    "switch", "sources", "to_port",
					  "to_file", "filter", "snaplen"};

static int conflict(const struct vd_read *rd, const char *key, const char *hint, const char *what)
{
	char path[VSW_PATH_SIZE];

	return vd_read_at(rd, key,
			  vd_err_set(rd->e, -EINVAL, VD_E_POLICY,
				     key ? vd_read_path(rd, key, path, sizeof(path)) : rd->path,
				     hint, "%s", what));
}

/* Text @i of a list; the error is placed. */
static int list_text(const struct vd_read *rd, const char *key, json_t *list, size_t i,
		     const char **ret)
{
	json_t *v = json_array_get(list, i);
	char path[VSW_PATH_SIZE];

	*ret = json_string_value(v);
	if (*ret)
		return 0;
	return vd_read_at_item(rd, list, i,
			       vd_err_set(rd->e, -EINVAL, VD_E_TYPE,
					  vd_read_path(rd, key, path, sizeof(path)), NULL,
					  "an item of \"%s\" is %s (expected: a text)", key,
					  vd_read_kind(v)));
}

/*
 * The list behind @key, each text parsed into an element of @size bytes. The list ["none"] is empty,
 * so that a command line can say so. Returns 1 with *@ret (to be freed) when the key is there.
 */
static int read_array(const struct vd_read *rd, const char *key, size_t max, size_t size,
		      int (*parse)(const char *, const char *, void *, struct vd_err *),
		      void *ret_array, unsigned int *n)
{
	char path[VSW_PATH_SIZE];
	json_t *list;
	char *out;
	int r = vd_read_list(rd, key, max, &list);
	size_t count = json_array_size(list);

	if (r <= 0)
		return r;
	if (count == 1 && json_is_string(json_array_get(list, 0)) &&
	    !strcmp(json_string_value(json_array_get(list, 0)), "none"))
		count = 0;
	out = calloc(count + 1, size);
	if (!out)
		return vsw_no_memory(rd->e);
	r = 0;
	for (size_t i = 0; i < count && r == 0; i++) {
		const char *s;

		r = list_text(rd, key, list, i, &s);
		if (r < 0)
			break;
		r = parse(s, vd_read_path(rd, key, path, sizeof(path)), out + i * size, rd->e);
		if (r < 0)
			vd_read_at_item(rd, list, i, r);
	}
	if (r < 0) {
		free(out);
		return r;
	}
	*(void **)ret_array = count ? out : NULL;
	if (!count)
		free(out);
	*n = (unsigned int)count;
	return 1;
}

static int parse_prefix(const char *s, const char *path, void *ret, struct vd_err *e)
{
	return vsw_prefix_parse(s, path, ret, e);
}

static int parse_member(const char *s, const char *path, void *ret, struct vd_err *e)
{
	return vsw_member_parse(s, path, ret, e);
}

static int parse_name(const char *s, const char *path, void *ret, struct vd_err *e)
{
	int r = vd_name_check(s, path, e);

	if (r == 0)
		memcpy(ret, s, strlen(s) + 1);
	return r;
}

/* A new list in the place of the old one. */
static int read_prefixes(const struct vd_read *rd, const char *key, struct vd_prefix **io,
			 unsigned int *n)
{
	struct vd_prefix *list = NULL;
	int r = read_array(rd, key, VSW_PINS_MAX, sizeof(*list), parse_prefix, &list, n);

	if (r <= 0)
		return r;
	free(*io);
	*io = list;
	return 1;
}

/* ---- guards ---- */

static int read_storm(const struct vd_read *rd, struct vsw_guard *g)
{
	int r = vd_read_int(rd, "storm_broadcast_pps", 0, PPS_MAX, VD_E_VALUE,
			    &g->storm_broadcast_pps);

	if (r >= 0)
		r = vd_read_int(rd, "storm_multicast_pps", 0, PPS_MAX, VD_E_VALUE,
				&g->storm_multicast_pps);
	if (r >= 0)
		r = vd_read_int(rd, "storm_unknown_pps", 0, PPS_MAX, VD_E_VALUE,
				&g->storm_unknown_pps);
	if (r >= 0)
		r = vd_read_int(rd, "address_limit", 0, VSW_ADDRESSES_MAX, VD_E_VALUE,
				&g->address_limit);
	return r;
}

static int read_switches(const struct vd_read *rd, struct vsw_guard *g)
{
	bool trust = !g->drop_priority;
	int r = vd_read_bool(rd, "mac_spoofing", &g->mac_spoofing);

	if (r >= 0)
		r = vd_read_bool(rd, "dhcp", &g->dhcp);
	if (r >= 0)
		r = vd_read_bool(rd, "router", &g->router);
	if (r >= 0)
		r = vd_read_bool(rd, "control", &g->control);
	if (r >= 0)
		r = vd_read_bool(rd, "priority_trust", &trust);
	g->drop_priority = !trust;
	return r;
}

/* A name, or "none". */
static int read_team(const struct vd_read *rd, struct vsw_guard *g)
{
	const char *s = json_string_value(json_object_get(rd->j, "team"));

	if (!s || strcmp(s, "none"))
		return vd_read_name(rd, "team", g->team, sizeof(g->team));
	memset(g->team, 0, sizeof(g->team));
	return 1;
}

int vsw_guard_from_json(const struct vd_read *rd, struct vsw_policy *io)
{
	unsigned int pinning = io->guard.pinning;
	int r = vd_read_keys(rd, guard_keys, N(guard_keys));

	if (r >= 0)
		r = read_switches(rd, &io->guard);
	if (r >= 0)
		r = read_storm(rd, &io->guard);
	if (r >= 0)
		r = read_team(rd, &io->guard);
	if (r >= 0)
		r = vd_read_choice(rd, "pinning", vsw_pinning_text, N(vsw_pinning_text), &pinning);
	if (r >= 0)
		r = read_prefixes(rd, "pins", &io->pins, &io->n_pins);
	if (r >= 0)
		r = read_prefixes(rd, "floating", &io->floating, &io->n_floating);
	if (r >= 0)
		r = vsw_signature_read(rd, &io->guard.set);
	if (r < 0)
		return r;
	io->guard.pinning = (uint8_t)pinning;
	if (!vsw_guard_says(io)) /* then nobody set it */
		memset(&io->guard.set, 0, sizeof(io->guard.set));
	if (pinning == VSW_PIN_STATIC && io->n_pins + io->n_floating == 0)
		return conflict(rd, "pinning",
				"list them in \"pins\" (command line: --pin ADDRESS), or use "
				"snooped",
				"static pinning without any address would stop all IP traffic");
	return 0;
}

/* ---- bandwidth ---- */

static int read_quantity(const struct vd_read *rd, const char *key, const char *what, uint64_t min,
			 uint64_t max, uint64_t *io)
{
	char path[VSW_PATH_SIZE], number[24];
	const char *s = NULL;
	int r = vd_read_term(rd, key, number, &s);

	if (r <= 0)
		return r;
	r = vsw_quantity_parse(s, vd_read_path(rd, key, path, sizeof(path)), what, min, max, io,
			       rd->e);
	return r < 0 ? vd_read_at(rd, key, r) : 1;
}

static int read_rate(const struct vd_read *rd, const char *key, uint64_t *io)
{
	int r = read_quantity(rd, key, "a rate in bit/s", BPS_MIN, BPS_MAX, io);

	if (r > 0)
		*io -= *io % 8; /* as Hyper-V's */
	return r;
}

static int read_burst(const struct vd_read *rd, const char *key, uint64_t *io)
{
	return read_quantity(rd, key, "a burst in bytes", BURST_MIN, BURST_MAX, io);
}

static int check_qos(const struct vd_read *rd, const struct vsw_qos *q)
{
	if (q->from_vm.burst_bytes && !q->from_vm.bps)
		return conflict(rd, "burst_from_vm", "set max_from_vm, too",
				"a burst without a maximum means nothing");
	if (q->to_vm.burst_bytes && !q->to_vm.bps)
		return conflict(rd, "burst_to_vm", "set max_to_vm, too",
				"a burst without a maximum means nothing");
	if (q->min_bps && q->min_weight)
		return conflict(rd, "weight", "set one of them to 0",
				"a port has a minimum in bit/s or a weight, not both");
	if (q->min_bps && q->from_vm.bps && q->min_bps > q->from_vm.bps)
		return conflict(rd, "min", "lower min, or raise max_from_vm",
				"the minimum is above the maximum");
	return 0;
}

int vsw_qos_from_json(const struct vd_read *rd, struct vsw_qos *io)
{
	struct vsw_qos q = *io;
	uint32_t weight = q.min_weight;
	int r = vd_read_keys(rd, qos_keys, N(qos_keys));

	if (r >= 0)
		r = read_rate(rd, "max_from_vm", &q.from_vm.bps);
	if (r >= 0)
		r = read_burst(rd, "burst_from_vm", &q.from_vm.burst_bytes);
	if (r >= 0)
		r = read_rate(rd, "max_to_vm", &q.to_vm.bps);
	if (r >= 0)
		r = read_burst(rd, "burst_to_vm", &q.to_vm.burst_bytes);
	if (r >= 0)
		r = read_rate(rd, "min", &q.min_bps);
	if (r >= 0)
		r = vd_read_int(rd, "weight", 0, 100, VD_E_VALUE, &weight);
	if (r < 0)
		return r;
	q.min_weight = (uint8_t)weight;
	r = check_qos(rd, &q);
	if (r == 0)
		*io = q;
	return r;
}

int vsw_switch_policy_from_json(const struct vd_read *rd, struct vsw_switch_cfg *io)
{
	unsigned int mode = io->qos.min_mode, team = io->team_mode;
	uint32_t weight = io->qos.default_min_weight;
	int r = vd_read_choice(rd, "min_mode", vsw_min_mode_text, N(vsw_min_mode_text), &mode);

	if (r >= 0)
		r = vd_read_int(rd, "default_weight", 1, 100, VD_E_VALUE, &weight);
	if (r >= 0)
		r = read_rate(rd, "default_min", &io->qos.default_min_bps);
	if (r >= 0)
		r = vd_read_choice(rd, "team_mode", vsw_team_mode_text, N(vsw_team_mode_text),
				   &team);
	if (r >= 0)
		r = vd_read_bool(rd, "igmp_snooping", &io->igmp_snooping);
	if (r >= 0)
		r = vd_read_bool(rd, "mld_snooping", &io->mld_snooping);
	if (r >= 0)
		r = vd_read_bool(rd, "nlb", &io->nlb);
	io->qos.min_mode = (uint8_t)mode;
	io->qos.default_min_weight = (uint8_t)weight;
	io->team_mode = (enum vsw_team_mode)team;
	return r < 0 ? r : 0;
}

/* ---- a port's policy ---- */

static int read_tags(const struct vd_read *rd, struct vsw_policy *p)
{
	char(*tags)[VD_NAME_MAX + 1] = NULL;
	unsigned int n = 0;
	int r = read_array(rd, "tags", VSW_TAGS_MAX, sizeof(*tags), parse_name, &tags, &n);

	if (r <= 0)
		return r;
	free(p->tags);
	p->tags = tags;
	p->n_tags = n;
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int k = 0; k < i; k++)
			if (!strcmp(tags[i], tags[k]))
				return conflict(rd, "tags", "name each tag once",
						"a tag stands twice");
	return 1;
}

/* The name of an uplink port, or "none". */
static int read_affinity(const struct vd_read *rd, struct vsw_policy *p)
{
	const char *s = json_string_value(json_object_get(rd->j, "affinity"));

	if (!s || strcmp(s, "none"))
		return vsw_read_port_name(rd, "affinity", p->affinity, sizeof(p->affinity));
	memset(p->affinity, 0, sizeof(p->affinity));
	return 1;
}

static int read_parts(const struct vd_read *port, struct vsw_policy *p)
{
	struct vd_read part;
	json_t *rules = NULL;
	int r = read_tags(port, p);

	if (r >= 0)
		r = read_affinity(port, p);
	if (r >= 0)
		r = vd_read_inner(port, "guard", &part);
	if (r > 0)
		r = vsw_guard_from_json(&part, p);
	if (r >= 0)
		r = vd_read_inner(port, "qos", &part);
	if (r > 0)
		r = vsw_qos_from_json(&part, &p->qos);
	if (r >= 0)
		r = vd_read_list(port, "acl", SIZE_MAX, &rules);
	if (r > 0) {
		struct vsw_acl *acl;

		r = vsw_acl_from_json(port, rules, &acl);
		if (r < 0)
			return r;
		vsw_acl_unref(p->acl);
		p->acl = acl;
	}
	return r < 0 ? r : 0;
}

int vsw_policy_from_json(const struct vd_read *port, bool patch, struct vsw_port_cfg *io)
{
	static const char *const keys[] = {"tags", "affinity", "guard", "qos", "acl"};
	struct vsw_policy *p;
	bool any = false;
	int r;

	for (size_t i = 0; i < N(keys); i++)
		any |= json_object_get(port->j, keys[i]) != NULL;
	if (!any)
		return 0;
	p = vsw_policy_clone(patch ? io->policy : NULL);
	if (!p)
		return vsw_no_memory(port->e);
	r = read_parts(port, p);
	if (r < 0) {
		vsw_policy_unref(p);
		return r;
	}
	/* the caller holds the reference of the old one */
	io->policy = vsw_policy_tidy(p);
	return 0;
}

/* ---- address sets ---- */

int vsw_set_from_json(json_t *j, const struct vd_doc *doc, struct vsw_set *ret,
		      struct vd_err *reterr)
{
	struct vsw_set s = {0};
	struct vd_read rd;
	int r = vd_read_object(&rd, j, doc, "set", NULL, reterr);

	if (r == 0)
		r = vd_read_keys(&rd, set_keys, N(set_keys));
	if (r < 0)
		return r;
	r = vd_read_name(&rd, "name", s.name, sizeof(s.name));
	if (r <= 0)
		return r < 0 ? r : vd_read_missing(&rd, "name");
	r = read_array(&rd, "members", VSW_SET_MEMBERS_MAX, sizeof(*s.members), parse_member,
		       &s.members, &s.n_members);
	if (r < 0)
		return r;
	*ret = s;
	return 0;
}

/* ---- mirror sessions ---- */

static int parse_source(const char *s, const char *path, void *ret, struct vd_err *e)
{
	struct vsw_mirror_source *src = ret;
	const char *comma = strrchr(s, ',');
	size_t len = comma ? (size_t)(comma - s) : strlen(s);

	src->dirs = !comma                       ? VSW_MIRROR_BOTH
		    : !strcmp(comma, ",from-vm") ? VSW_MIRROR_FROM_VM
		    : !strcmp(comma, ",to-vm")   ? VSW_MIRROR_TO_VM
		    : !strcmp(comma, ",both")    ? VSW_MIRROR_BOTH
						 : 0;
	if (len == 0 || len >= sizeof(src->port) || !src->dirs)
		return vd_err_set(e, -EINVAL, VD_E_VALUE, path,
				  "write PORT, PORT,from-vm, PORT,to-vm or all",
				  "\"%.80s\" is not a source of a mirror session", s);
	memcpy(src->port, s, len);
	src->port[len] = '\0';
	return 0;
}

static int read_destination(const struct vd_read *rd, struct vsw_mirror *m)
{
	const char *file = NULL;
	int r = vsw_read_port_name(rd, "to_port", m->to_port, sizeof(m->to_port));

	if (r >= 0)
		r = vd_read_text(rd, "to_file", &file);
	if (r < 0)
		return r;
	if (file && m->to_port[0])
		return conflict(rd, "to_file", "make two sessions",
				"a session copies to a port or to a file, not both");
	if (!file && !m->to_port[0])
		return conflict(rd, NULL, "give to_port or to_file (command line: --to-port PORT)",
				"the session has no destination");
	if (!file)
		return 0;
	if (file[0] != '/' || strlen(file) >= sizeof(m->to_file) || file[strlen(file) - 1] == '/')
		return conflict(rd, "to_file", "for example /var/tmp/lan.pcapng",
				"the file is not an absolute path of at most 255 characters");
	for (const char *p = file; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return conflict(rd, "to_file", NULL, "the path has a control character");
	snprintf(m->to_file, sizeof(m->to_file), "%s", file);
	return 0;
}

static int read_filter(const struct vd_read *rd, struct vsw_mirror *m)
{
	const char *s = NULL;
	int r = vd_read_text(rd, "filter", &s);

	if (r >= 0 && s && strlen(s) >= sizeof(m->filter))
		return conflict(rd, "filter", NULL, "the filter is longer than 511 characters");
	if (r >= 0 && s)
		snprintf(m->filter, sizeof(m->filter), "%s", s);
	if (r >= 0)
		r = vd_read_int(rd, "snaplen", 0, 65535, VD_E_VALUE, &m->snaplen);
	if (r > 0 && m->snaplen && m->snaplen < 16)
		return conflict(rd, "snaplen", "16 at least, or 0 for all",
				"less than a header would be kept of each frame");
	return r < 0 ? r : 0;
}

/* "all" among the sources stands for every port. */
static int take_all(const struct vd_read *rd, struct vsw_mirror *m)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < m->n_sources; i++) {
		if (!strcmp(m->sources[i].port, "all"))
			m->all |= m->sources[i].dirs;
		else
			m->sources[kept++] = m->sources[i];
	}
	m->n_sources = kept;
	if (m->all && kept)
		return conflict(rd, "sources", "leave the other sources out",
				"\"all\" contains every port of the switch");
	if (!m->all && !kept)
		return conflict(rd, "sources", "name ports of the switch, or all",
				"the session has no source");
	return 0;
}

int vsw_mirror_from_json(json_t *j, const struct vd_doc *doc, struct vsw_mirror *ret,
			 struct vd_err *reterr)
{
	struct vsw_mirror m = {0};
	struct vd_read rd;
	int r = vd_read_object(&rd, j, doc, "mirror", NULL, reterr);

	if (r == 0)
		r = vd_read_keys(&rd, mirror_keys, N(mirror_keys));
	if (r < 0)
		return r;
	r = vd_read_name(&rd, "name", m.name, sizeof(m.name));
	if (r <= 0)
		return r < 0 ? r : vd_read_missing(&rd, "name");
	r = vd_read_name(&rd, "switch", m.sw, sizeof(m.sw));
	if (r <= 0)
		return r < 0 ? r : vd_read_missing(&rd, "switch");
	r = read_destination(&rd, &m);
	if (r == 0)
		r = read_filter(&rd, &m);
	if (r == 0)
		r = read_array(&rd, "sources", VSW_MIRROR_SOURCES_MAX, sizeof(*m.sources),
			       parse_source, &m.sources, &m.n_sources);
	if (r >= 0)
		r = take_all(&rd, &m);
	if (r < 0) {
		free(m.sources);
		return r;
	}
	*ret = m;
	return 0;
}
