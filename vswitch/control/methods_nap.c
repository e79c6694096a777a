/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods of the noun nap. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/doc.h"
#include "vswitch/control/audit.h"
#include "vswitch/control/edit.h"
#include "vswitch/control/methods.h"
#include "vswitch/control/quarantine.h"
#include "vswitch/model/quarantine.h"

#define AUDIT_DEFAULT 50

VSW_METHOD(nap_status)
{
	struct vsw_nap *n = call->d->nap;
	const char *sw = vsw_edit_text(call->params, "switch");

	if (sw && !vsw_edit_find_switch(&call->d->engine->model, sw, reterr))
		return -ENOENT;
	*result = json_array();
	for (unsigned int i = 0; i < n->n_ports; i++)
		if (n->ports[i].present && (!sw || !strcmp(n->ports[i].sw, sw)))
			json_array_append_new(*result, vsw_nap_row(n, &n->ports[i]));
	return 0;
}

VSW_METHOD(nap_show)
{
	struct vsw_nap *n = call->d->nap;
	struct vsw_nap_port *p = vsw_nap_find(n, vsw_edit_text(call->params, "name"), reterr);

	if (!p)
		return reterr->errnum ? reterr->errnum : -ENOENT;
	*result = vsw_nap_details(n, p);
	return *result ? 0 : -ENOMEM;
}

/* ---- the policy ---- */

static int parse_document(struct vsw_call *call, struct vd_doc **doc, struct vd_err *reterr)
{
	json_t *text = json_object_get(call->params, "document");
	const char *file = vsw_edit_text(call->params, "file");

	return vd_doc_parse(json_string_value(text), json_string_length(text), file ? file : "-",
			    doc, reterr);
}

static int read_policy(struct vsw_call *call, struct vsw_quarantine **ret, struct vd_err *reterr)
{
	struct vd_doc *doc = NULL;
	int rc = parse_document(call, &doc, reterr);

	if (!rc)
		rc = vsw_quarantine_from_json(vd_doc_root(doc), doc, ret, reterr);
	vd_doc_free(doc);
	return rc;
}

/* Takes @q (NULL: no policy). */
static int change_policy(struct vsw_call *call, struct vsw_quarantine *q, json_t **result,
			 struct vd_err *reterr)
{
	struct vsw_model next = {0};
	struct vsw_apply a = {.next = &next};
	int rc = vsw_model_copy(&call->d->engine->model, &next);

	if (rc) {
		vsw_quarantine_unref(q);
		return vd_err_set(reterr, rc, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	}
	vsw_quarantine_unref(next.quarantine);
	next.quarantine = q;
	rc = vsw_methods_apply(call, &a, result, reterr);
	vsw_model_done(&next);
	return rc;
}

VSW_METHOD(nap_apply)
{
	struct vsw_quarantine *q = NULL;
	int rc = read_policy(call, &q, reterr);

	return rc ? rc : change_policy(call, q, result, reterr);
}

VSW_METHOD(nap_remove)
{
	return change_policy(call, NULL, result, reterr);
}

static int try_row(struct vsw_nap *n, const struct vsw_nap_port *p, const struct nap_policy *policy,
		   const struct nap_report *report, json_t *rows)
{
	struct nap_state next;
	struct nap_verdict v;
	json_t *row;

	if (vsw_nap_try(n, p, policy, report, &next, &v) < 0)
		return -ENOMEM;
	row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:o}", "port", p->name, "health",
			nap_health_text[p->state.health], "next_health",
			nap_health_text[next.health], "access", nap_access_text[p->state.access],
			"next_access", nap_access_text[next.access], "rule",
			policy && next.rule >= 0 ? json_string(policy->rules[next.rule].name)
						 : json_null(),
			"changes", p->state.access != next.access || p->state.health != next.health,
			"checks", vsw_nap_findings(&v, vsw_nap_now(), true));
	nap_state_done(&next);
	return row && json_array_append_new(rows, row) == 0 ? 0 : -ENOMEM;
}

VSW_METHOD(nap_what_if)
{
	struct vsw_nap *n = call->d->nap;
	struct vsw_quarantine *q = NULL;
	int rc = read_policy(call, &q, reterr);

	*result = rc ? NULL : json_array();
	for (unsigned int i = 0; !rc && i < n->n_ports; i++)
		if (n->ports[i].present)
			rc = try_row(n, &n->ports[i], q->policy, NULL, *result);
	vsw_quarantine_unref(q);
	return rc;
}

/* ---- reports ---- */

static int read_report(struct vsw_call *call, enum nap_source source, struct nap_report *ret,
		       struct vd_err *reterr)
{
	json_t *text = json_object_get(call->params, "document");
	const char *file = vsw_edit_text(call->params, "file");

	return nap_report_parse(json_string_value(text), json_string_length(text),
				file ? file : "-", source, vsw_nap_now(), ret, reterr);
}

VSW_METHOD(nap_simulate)
{
	static struct nap_report report; /* large; one thread */
	const char *port = vsw_edit_text(call->params, "port");
	const char *word = vsw_edit_text(call->params, "source");
	int source = word ? nap_index_of(word, nap_source_text, NAP_N_SOURCES) : NAP_AGENT;
	struct vsw_nap *n = call->d->nap;
	int rc = 0;

	if (port && !vsw_nap_find(n, port, reterr))
		return reterr->errnum ? reterr->errnum : -ENOENT;
	rc = read_report(call, (enum nap_source)source, &report, reterr);
	*result = rc ? NULL : json_array();
	for (unsigned int i = 0; !rc && i < n->n_ports; i++)
		if (n->ports[i].present && (!port || !strcmp(port, n->ports[i].name)))
			rc = try_row(n, &n->ports[i], vsw_nap_policy(n), &report, *result);
	return rc;
}

static int answer(struct vsw_call *call, const char *name, json_t **result)
{
	struct vd_err none = {0};
	struct vsw_nap_port *p = vsw_nap_find(call->d->nap, name, &none);

	*result = p ? vsw_nap_row(call->d->nap, p) : NULL;
	vsw_daemon_kick(call->d); /* what time asks for has changed */
	return *result ? 0 : -ENOMEM;
}

/* Hexadecimal digits with blanks between them, to bytes. */
static bool unhex(const char *text, uint8_t *ret, size_t room, size_t *size)
{
	char pair[3] = "";

	*size = 0;
	for (text += strspn(text, " \t\r\n"); *text; text += strspn(text, " \t\r\n")) {
		pair[0] = text[0];
		pair[1] = text[1];
		if (*size == room || !text[1] || !nap_hex_parse(pair, ret + *size, 1))
			return false;
		++*size;
		text += 2;
	}
	return *size > 0;
}

static int report_soh(struct vsw_call *call, struct vsw_nap_port *p, struct vd_err *reterr)
{
	const char *text = json_string_value(json_object_get(call->params, "document"));
	uint8_t bytes[NAP_SOH_SIZE_MAX + NAP_SOH_WRAPPER_SIZE];
	size_t size;

	if (!text || !unhex(text, bytes, sizeof(bytes), &size))
		return vd_err_set(reterr, -EINVAL, VD_E_VALUE, "document", NULL,
				  "a statement of health is 1 to %zu bytes in hexadecimal",
				  sizeof(bytes));
	return vsw_nap_soh(call->d->nap, p, bytes, size, vsw_client_user(call->client), reterr);
}

VSW_METHOD(nap_report)
{
	static struct nap_report report;
	const char *name = vsw_edit_text(call->params, "name");
	const char *word = vsw_edit_text(call->params, "source");
	struct vsw_nap_port *p = vsw_nap_find(call->d->nap, name, reterr);
	int rc;

	if (!p)
		return reterr->errnum ? reterr->errnum : -ENOENT;
	if (word && !strcmp(word, "soh")) {
		rc = report_soh(call, p, reterr);
		return rc ? rc : answer(call, name, result);
	}
	rc = read_report(call, word && !strcmp(word, "agent") ? NAP_AGENT : NAP_HOST, &report,
			 reterr);
	if (!rc && report.port[0] && strcmp(report.port, name))
		rc = vd_err_set(reterr, -EINVAL, VD_E_VALUE, "report/port", NULL,
				"the report speaks of port \"%.60s\", not of %.60s", report.port,
				name);
	if (rc) {
		p->state.count.malformed++;
		return rc;
	}
	if (nap_state_report(&p->state, &report) < 0)
		return -ENOMEM;
	rc = vsw_nap_act(call->d->nap, p, VSW_NAP_REPORT, vsw_client_user(call->client), reterr);
	return rc ? rc : answer(call, name, result);
}

/* ---- the administrator ---- */

static int check_reason(const char *reason, struct vd_err *reterr)
{
	if (!reason || (reason[0] && strlen(reason) < NAP_TEXT_SIZE))
		return 0;
	return vd_err_set(reterr, -EINVAL, VD_E_VALUE, "reason", NULL, "a reason has 1 to %d bytes",
			  NAP_TEXT_SIZE - 1);
}

enum order { ISOLATE, FORENSIC, RELEASE, EXEMPT };

static int order(struct vsw_call *call, enum order what, uint64_t for_ms, json_t **result,
		 struct vd_err *reterr)
{
	const char *name = vsw_edit_text(call->params, "name");
	const char *reason = vsw_edit_text(call->params, "reason");
	const char *who = vsw_client_user(call->client);
	struct vsw_nap_port *p = vsw_nap_find(call->d->nap, name, reterr);
	int rc;

	if (!p)
		return reterr->errnum ? reterr->errnum : -ENOENT;
	rc = check_reason(reason, reterr);
	if (rc)
		return rc;
	if (what == RELEASE)
		nap_state_release(&p->state, for_ms, reason, who, vsw_nap_now());
	else if (what == EXEMPT)
		nap_state_exempt(&p->state, true, reason, who);
	else
		nap_state_isolate(&p->state, what == FORENSIC, reason, who);
	rc = vsw_nap_act(call->d->nap, p, VSW_NAP_ADMIN, who, reterr);
	return rc ? rc : answer(call, name, result);
}

VSW_METHOD(nap_isolate)
{
	bool forensic = json_is_true(json_object_get(call->params, "forensic"));

	return order(call, forensic ? FORENSIC : ISOLATE, 0, result, reterr);
}

VSW_METHOD(nap_release)
{
	const char *text = vsw_edit_text(call->params, "for");
	uint64_t for_ms = 0;

	if (text && (nap_duration_parse(text, &for_ms) < 0 || !for_ms || for_ms > 365 * NAP_DAY_MS))
		return vd_err_set(reterr, -EINVAL, VD_E_VALUE, "for", "write 30m, 8h or 2d",
				  "\"%.40s\" is no time from 1s to 365d", text);
	return order(call, RELEASE, for_ms, result, reterr);
}

VSW_METHOD(nap_exempt)
{
	return order(call, EXEMPT, 0, result, reterr);
}

VSW_METHOD(nap_audit)
{
	json_t *last = json_object_get(call->params, "last"), *list = NULL;
	unsigned int n = last ? (unsigned int)json_integer_value(last) : AUDIT_DEFAULT;
	struct vsw_audit_check check;
	int rc = vsw_audit_read(call->d->nap->audit, vsw_edit_text(call->params, "port"), n, &list,
				&check, reterr);

	if (rc)
		return rc;
	if (check.bad_line && json_is_true(json_object_get(call->params, "verify"))) {
		json_decref(list);
		return vd_err_set(reterr, -EIO, VD_E_STATE, NULL,
				  "without --verify the records are printed all the same",
				  "the audit log is not whole: line %lu does not follow from the "
				  "one before",
				  check.bad_line);
	}
	*result = json_pack("{s:b, s:o, s:I, s:o}", "verified", check.bad_line == 0, "bad_line",
			    check.bad_line ? json_integer((json_int_t)check.bad_line) : json_null(),
			    "torn", (json_int_t)check.n_torn, "records", list);
	return *result ? 0 : -ENOMEM;
}
