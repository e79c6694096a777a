/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits of a port's policy: guards, access rules, bandwidth. See edit.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/doc.h"
#include "vswitch/control/edit.h"
#include "vswitch/model/acl.h"
#include "vswitch/model/policy_json.h"

static int no_memory(struct vd_err *e)
{
	return vd_err_set(e, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
}

/* The port and its policy as one that may be changed. */
static int open_policy(struct vsw_model *m, json_t *params, struct vsw_port_cfg **port,
		       struct vsw_policy **p, struct vd_err *reterr)
{
	*port = vsw_edit_find_port(m, vsw_edit_text(params, "port"), reterr);
	if (!*port)
		return -ENOENT;
	*p = vsw_policy_own(*port);
	return *p ? 0 : no_memory(reterr);
}

/* A policy that says nothing any more goes. */
static void close_policy(struct vsw_port_cfg *port, struct vsw_policy *p)
{
	port->policy = vsw_policy_tidy(p);
}

static struct vd_read reader(json_t *j, const struct vd_doc *doc, const struct vsw_port_cfg *port,
			     const char *part, struct vd_err *e)
{
	struct vd_read rd = {.j = j, .doc = doc, .e = e};

	snprintf(rd.path, sizeof(rd.path), "port/%s%s", port->name, part);
	return rd;
}

/* Member @from of @params under the name that documents use. */
static int rename_member(json_t *doc, json_t *params, const char *from, const char *to)
{
	json_t *v = json_object_get(params, from);

	return v ? json_object_set(doc, to, v) : 0;
}

int vsw_edit_guard_set(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	static const char *const keys[] = {"mac_spoofing",
					   "dhcp",
					   "router",
					   "control",
					   "priority_trust",
					   "pinning",
					   "storm_broadcast_pps",
					   "storm_multicast_pps",
					   "storm_unknown_pps",
					   "address_limit",
					   "team",
					   NULL};
	struct vsw_port_cfg *port;
	struct vsw_policy *p;
	struct vd_read rd;
	json_t *doc;
	int rc = open_policy(m, params, &port, &p, reterr);

	if (rc)
		return rc;
	doc = vsw_edit_document(params, keys);
	if (!doc || rename_member(doc, params, "pin", "pins") < 0 ||
	    rename_member(doc, params, "floating", "floating") < 0) {
		json_decref(doc);
		return no_memory(reterr);
	}
	rd = reader(doc, NULL, port, "/guard", reterr);
	memset(&p->guard.set, 0, sizeof(p->guard.set)); /* the engine signs what differs */
	rc = vsw_guard_from_json(&rd, p);
	json_decref(doc);
	if (!rc)
		close_policy(port, p);
	return rc;
}

int vsw_edit_qos_set(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	static const char *const keys[] = {
		"max_from_vm", "burst_from_vm", "max_to_vm", "burst_to_vm", "min", "weight", NULL};
	struct vsw_port_cfg *port;
	struct vsw_policy *p;
	struct vd_read rd;
	json_t *doc;
	int rc = open_policy(m, params, &port, &p, reterr);

	if (rc)
		return rc;
	doc = vsw_edit_document(params, keys);
	if (!doc)
		return no_memory(reterr);
	rd = reader(doc, NULL, port, "/qos", reterr);
	rc = vsw_qos_from_json(&rd, &p->qos);
	json_decref(doc);
	if (!rc)
		close_policy(port, p);
	return rc;
}

/* ---- access rules ---- */

/* Check @a and make it the rules of @p (taken in any case). */
static int put_acl(const struct vsw_port_cfg *port, struct vsw_policy *p, struct vsw_acl *a,
		   struct vd_err *reterr)
{
	char path[192];
	unsigned int at;
	int rc = 0;

	snprintf(path, sizeof(path), "port/%s/acl", port->name);
	if (a && a->n > VSW_RULES_MAX)
		rc = vd_err_set(reterr, -ENOSPC, VD_E_LIMIT, path,
				"address sets (set:NAME) say much in one rule",
				"a port has at most %u access rules", VSW_RULES_MAX);
	if (a && !rc)
		rc = vsw_acl_check(a, path, &at, reterr);
	if (rc) {
		vsw_acl_unref(a);
		return rc;
	}
	if (a)
		vsw_acl_settle(a, p->acl);
	vsw_acl_unref(p->acl);
	p->acl = a;
	return 0;
}

int vsw_edit_acl_add(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	static const char *const keys[] = {
		"name",           "direction",  "kind",        "action", "local",    "remote",
		"protocol",       "local_port", "remote_port", "weight", "stateful", "ethertype",
		"idle_timeout_s", "vlan",       "report_only", NULL};
	struct vsw_acl_rule rules[2];
	struct vsw_port_cfg *port;
	struct vsw_policy *p;
	struct vsw_acl *a;
	struct vd_read rd;
	unsigned int n;
	json_t *doc;
	int rc = open_policy(m, params, &port, &p, reterr);

	if (rc)
		return rc;
	doc = vsw_edit_document(params, keys);
	if (!doc)
		return no_memory(reterr);
	rd = reader(doc, NULL, port, "/acl", reterr);
	rc = vsw_rule_from_json(&rd, rules);
	json_decref(doc);
	if (rc < 0)
		return rc;
	n = p->acl ? p->acl->n : 0;
	a = vsw_acl_new(n + (unsigned int)rc);
	if (!a)
		return no_memory(reterr);
	if (n)
		memcpy(a->rules, p->acl->rules, n * sizeof(a->rules[0]));
	memcpy(&a->rules[n], rules, (size_t)rc * sizeof(a->rules[0]));
	return put_acl(port, p, a, reterr);
}

bool vsw_edit_is_rule(const struct vsw_acl_rule *r, const char *what)
{
	char id[16];

	snprintf(id, sizeof(id), "%u", r->id);
	return !strcmp(id, what) || (r->name[0] && !strcmp(r->name, what));
}

int vsw_edit_no_rule(const struct vsw_port_cfg *port, const char *what, struct vd_err *reterr)
{
	const struct vsw_acl *a = vsw_policy_of(port)->acl;
	const char **names = calloc((a ? a->n : 0) + 1u, sizeof(*names));
	char path[192], hint[VSW_PORT_NAME_SIZE + 64];
	const char *near = NULL;
	unsigned int n = 0;

	for (unsigned int i = 0; names && a && i < a->n; i++)
		if (a->rules[i].name[0])
			names[n++] = a->rules[i].name;
	if (names)
		near = vd_suggest(what, names, n);
	if (near)
		snprintf(hint, sizeof(hint), "did you mean %s?", near);
	else
		snprintf(hint, sizeof(hint), "viridian acl list %s shows all", port->name);
	free(names);
	snprintf(path, sizeof(path), "port/%s/acl", port->name);
	return vd_err_set(reterr, -ENOENT, VD_E_RULE_UNKNOWN, path, hint,
			  "port %s has no access rule %.60s", port->name, what);
}

/* Mark in gone[] the rules called @what. */
static unsigned int mark(const struct vsw_acl *a, const char *what, bool *gone)
{
	unsigned int n = 0;

	for (unsigned int i = 0; a && i < a->n; i++) {
		if (!vsw_edit_is_rule(&a->rules[i], what))
			continue;
		n++;
		gone[i] = true;
	}
	return n;
}

/* The rules of @a that are not gone; NULL for none left. */
static int keep_rules(const struct vsw_acl *a, const bool *gone, struct vsw_acl **ret,
		      struct vd_err *reterr)
{
	unsigned int n = 0;

	*ret = NULL;
	for (unsigned int i = 0; i < a->n; i++)
		n += !gone[i];
	if (n == 0)
		return 0;
	*ret = vsw_acl_new(n);
	if (!*ret)
		return no_memory(reterr);
	n = 0;
	for (unsigned int i = 0; i < a->n; i++)
		if (!gone[i])
			(*ret)->rules[n++] = a->rules[i];
	return 0;
}

static int remove_named(const struct vsw_port_cfg *port, struct vsw_policy *p, json_t *names,
			struct vd_err *reterr)
{
	bool *gone = calloc((p->acl ? p->acl->n : 0) + 1u, sizeof(*gone));
	struct vsw_acl *left = NULL;
	int rc = gone ? 0 : no_memory(reterr);
	json_t *v;
	size_t i;

	json_array_foreach (names, i, v)
		if (!rc && mark(p->acl, json_string_value(v), gone) == 0)
			rc = vsw_edit_no_rule(port, json_string_value(v), reterr);
	if (!rc && p->acl)
		rc = keep_rules(p->acl, gone, &left, reterr);
	free(gone);
	return rc ? rc : put_acl(port, p, left, reterr);
}

int vsw_edit_acl_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	json_t *names = json_object_get(params, "rule");
	bool all = json_is_true(json_object_get(params, "all"));
	struct vsw_port_cfg *port;
	struct vsw_policy *p;
	int rc = open_policy(m, params, &port, &p, reterr);

	if (rc)
		return rc;
	if (all == (json_array_size(names) > 0))
		return vd_err_set(reterr, -EINVAL, VD_E_RPC_PARAMS, NULL,
				  "name them by id or name, or say --all",
				  "which rules are to go is not said");
	rc = all ? put_acl(port, p, NULL, reterr) : remove_named(port, p, names, reterr);
	if (!rc)
		close_policy(port, p);
	return rc;
}

/* The list of rules: the whole document, or its member "acl". */
static int rules_of(const struct vd_read *rd, json_t **ret)
{
	if (json_is_array(rd->j)) {
		*ret = rd->j;
		return 0;
	}
	if (json_is_object(rd->j) && json_is_array(json_object_get(rd->j, "acl"))) {
		*ret = json_object_get(rd->j, "acl");
		return 0;
	}
	return vd_read_at(rd, NULL,
			  vd_err_set(rd->e, -EINVAL, VD_E_TYPE, rd->path,
				     "write \"acl:\" and below it the rules, each starting with "
				     "\"- \"; to remove all rules: viridian acl remove PORT --all",
				     "the document is no list of access rules"));
}

int vsw_edit_acl_replace(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	json_t *text = json_object_get(params, "document"), *list = NULL;
	const char *file = vsw_edit_text(params, "file");
	struct vsw_acl *a = NULL;
	struct vsw_port_cfg *port;
	struct vsw_policy *p;
	struct vd_doc *doc = NULL;
	struct vd_read rd;
	int rc = open_policy(m, params, &port, &p, reterr);

	if (!rc)
		rc = vd_doc_parse(json_string_value(text), json_string_length(text),
				  file ? file : "-", &doc, reterr);
	if (rc)
		return rc;
	rd = reader(vd_doc_root(doc), doc, port, "", reterr);
	rc = rules_of(&rd, &list);
	if (!rc)
		rc = vsw_acl_from_json(&rd, list, &a);
	vd_doc_free(doc);
	if (rc)
		return rc;
	/* ids and signatures of rules that stay come from the engine (plan.h) */
	vsw_acl_unref(p->acl);
	p->acl = a;
	close_policy(port, p);
	return 0;
}
