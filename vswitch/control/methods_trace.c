/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods that answer "why?": trace and why. */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <rte_cycles.h>

#include "nap-policy/allow.h"
#include "vswitch/control/edit.h"
#include "vswitch/control/methods.h"
#include "vswitch/control/quarantine.h"
#include "vswitch/datapath/recorder.h"
#include "vswitch/datapath/trace.h"
#include "vswitch/policy/gate.h"
#include "vswitch/policy/headers.h"
#include "vswitch/policy/words.h"

/* ---- what both say ---- */

static const char *name_of_index(struct vsw_daemon *d, uint16_t index)
{
	for (unsigned int i = 0; i < d->engine->model.n_ports; i++)
		if (d->engine->ports[i]->port && d->engine->ports[i]->port->index == index)
			return d->engine->model.ports[i].name;
	return "?";
}

/* Who made the rule, and what it says; {} for a rule that is gone. */
static json_t *rule_row(const struct vsw_port_cfg *p, uint32_t id)
{
	const struct vsw_acl *acl = vsw_policy_of(p)->acl;
	const struct vsw_acl_rule *r = acl ? vsw_acl_find(acl, id) : NULL;

	if (!r)
		return json_pack("{s:I, s:b}", "id", (json_int_t)id, "removed", true);
	return json_pack("{s:I, s:s, s:s, s:s, s:s, s:I}", "id", (json_int_t)id, "name", r->name,
			 "action",
			 r->action == VSW_ACL_ALLOW  ? "allow"
			 : r->action == VSW_ACL_DENY ? "deny"
						     : "meter",
			 "direction", r->direction == VSW_FROM_VM ? "from-vm" : "to-vm", "set_by",
			 r->set.by, "set_at", (json_int_t)r->set.at);
}

/* The rule that would let the frame pass: one step above the one that denied it. */
static void allow_command(const struct vsw_port_cfg *p, uint32_t id, enum vsw_dir dir,
			  const struct vsw_record *e, char *buf, size_t size)
{
	const struct vsw_acl *acl = vsw_policy_of(p)->acl;
	const struct vsw_acl_rule *r = acl ? vsw_acl_find(acl, id) : NULL;
	char remote[VD_PREFIX_STR_SIZE] = "", ports[48] = "", proto[32] = "";
	struct vd_prefix who = {0};
	struct vsw_headers h;

	buf[0] = '\0';
	if (!r || e->kept < 14)
		return;
	vsw_headers_parse(e->data, e->kept, e->len, &h);
	if (h.family == VSW_FAMILY_OTHER || !h.src || r->kind == VSW_ACL_BASIC ||
	    r->weight == UINT16_MAX) {
		snprintf(buf, size, "viridian acl remove %s %u", p->name, id);
		return;
	}
	who.family = h.family == VSW_FAMILY_IPV4 ? 4 : 6;
	who.len = who.family == 4 ? 32 : 128;
	memcpy(who.addr, dir == VSW_FROM_VM ? h.dst : h.src, who.len / 8);
	vd_prefix_format(&who, remote);
	snprintf(proto, sizeof(proto), " --protocol %u", h.proto);
	if (h.flags & VSW_HDR_PORTS)
		snprintf(ports, sizeof(ports), " --%s-port %u",
			 dir == VSW_FROM_VM ? "remote" : "local", h.dport);
	snprintf(buf, size,
		 "viridian acl add %s --direction %s --action allow%s --remote %s%s --weight %u "
		 "--stateful",
		 p->name, dir == VSW_FROM_VM ? "from-vm" : "to-vm", proto, remote, ports,
		 r->weight + 1u);
}

#define PINS_SAID 8u /* more make no command that anybody would type */
#define ARP_SIZE  28u
#define ND_SIZE   24u

/* "--pin" with all that is pinned, and the address of @len bits at @addr. */
static void pin_command(const struct vsw_port_cfg *p, uint8_t family, const uint8_t *addr,
			char *buf, size_t size)
{
	const struct vsw_policy *policy = vsw_policy_of(p);
	struct vd_prefix who = {.family = family, .len = family == 4 ? 32 : 128};
	char text[VD_PREFIX_STR_SIZE];
	size_t n;

	if (policy->n_pins > PINS_SAID)
		return;
	memcpy(who.addr, addr, who.len / 8);
	n = (size_t)snprintf(buf, size, "viridian guard set %s", p->name);
	for (unsigned int i = 0; i < policy->n_pins && n < size; i++)
		n += (size_t)snprintf(buf + n, size - n, " --pin %s",
				      vd_prefix_format(&policy->pins[i], text));
	if (n < size)
		snprintf(buf + n, size - n, " --pin %s", vd_prefix_format(&who, text));
}

/* The address that the frame claims: of an IP packet, ARP message or neighbour discovery message. */
static void claim_command(const struct vsw_port_cfg *p, const struct vsw_record *e, char *buf,
			  size_t size)
{
	static const uint8_t none[4];
	const uint8_t *l3;
	struct vsw_headers h;

	vsw_headers_parse(e->data, e->kept, e->len, &h);
	l3 = e->data + h.l3;
	if (e->reason == VSW_DROP_ARP_SPOOFING && h.l3 + ARP_SIZE <= e->kept)
		pin_command(p, 4, memcmp(l3 + 14, none, 4) ? l3 + 14 : l3 + 24, buf, size);
	else if (e->reason == VSW_DROP_ND_SPOOFING && h.family == VSW_FAMILY_IPV6 &&
		 h.l4 + ND_SIZE <= e->kept)
		pin_command(p, 6, e->data + h.l4 + 8, buf, size);
	else if (e->reason == VSW_DROP_IP_SPOOFING && h.src)
		pin_command(p, h.family == VSW_FAMILY_IPV4 ? 4 : 6, h.src, buf, size);
}

/* What would let a frame pass that a guard stopped; "": the list's hint is all that can be said. */
static void guard_command(const struct vsw_port_cfg *p, const struct vsw_record *e, char *buf,
			  size_t size)
{
	const struct vsw_guard *g = &vsw_policy_of(p)->guard;
	static const uint8_t everybody[6] = {255, 255, 255, 255, 255, 255};

	if (e->kept < 14)
		return;
	switch (e->reason) {
	case VSW_DROP_MAC_SPOOFING:
	case VSW_DROP_MAC_LIMIT:
		snprintf(buf, size, "viridian port set %s --learn %u", p->name, p->learn + 1);
		return;
	case VSW_DROP_ADDRESS_LIMIT:
		if (g->address_limit && g->address_limit < VSW_ADDRESSES_MAX)
			snprintf(buf, size, "viridian guard set %s --address-limit %u", p->name,
				 g->address_limit + 1);
		return;
	case VSW_DROP_STORM_LIMIT:
		snprintf(buf, size, "viridian guard set %s --storm-%s-pps 0", p->name,
			 !memcmp(e->data, everybody, 6) ? "broadcast"
			 : e->data[0] & 1               ? "multicast"
							: "unknown");
		return;
	default:
		claim_command(p, e, buf, size);
	}
}

/* ---- trace ---- */

static const char *const kinds[] = {"note", "pass", "drop", "sent"};

static json_t *step_row(struct vsw_daemon *d, const struct vsw_trace_step *s)
{
	const char *port = name_of_index(d, s->port);
	const struct vsw_port_cfg *p = vsw_model_port(&d->engine->model, port);
	json_t *row = json_pack("{s:s, s:s, s:s, s:s}", "port", port, "stage", s->stage, "decision",
				kinds[s->kind], "text", s->text);

	if (s->kind == VSW_TRACE_DROP)
		json_object_set_new(row, "reason", json_string(vsw_drop_info[s->reason].name));
	if (s->rule && p)
		json_object_set_new(row, "rule", rule_row(p, s->rule));
	return row;
}

static json_t *trace_answer(struct vsw_daemon *d, const struct vsw_words_frame *f,
			    const struct vsw_trace *t)
{
	json_t *steps = json_array(), *sent = json_array();
	const char *verdict = "dropped";
	char text[VSW_WORDS_TEXT];

	for (unsigned int i = 0; i < t->n; i++) {
		json_array_append_new(steps, step_row(d, &t->step[i]));
		if (t->step[i].kind != VSW_TRACE_SENT)
			continue;
		json_array_append_new(sent, json_string(name_of_index(d, t->step[i].port)));
		verdict = "sent";
	}
	return json_pack("{s:s, s:b, s:s, s:o, s:o}", "packet",
			 vsw_words_format(f->data, f->size, f->size, text), "guessed_destination",
			 f->guessed_destination, "verdict", verdict, "sent_to", sent, "steps",
			 steps);
}

VSW_METHOD(trace)
{
	const char *packet = vsw_edit_text(call->params, "packet");
	const struct vsw_port_cfg *p;
	struct vsw_words_frame *f;
	struct vsw_trace *t;
	struct vsw_port *port;
	int rc = vsw_methods_open_port(call, &p, &port, reterr);

	if (rc)
		return rc;
	f = malloc(sizeof(*f));
	t = calloc(1, sizeof(*t));
	rc = f && t ? vsw_words_parse(packet, &call->d->engine->model, p, f, reterr) : -ENOMEM;
	if (rc == 0) {
		rc = vsw_trace_run(call->d->dp, port, f->data, f->size, t);
		if (rc < 0)
			vd_err_set(reterr, rc, VD_E_SYSTEM, p->name, "try again",
				   "the packet cannot be traced now: %s", strerror(-rc));
	}
	if (rc == 0)
		*result = trace_answer(call->d, f, t);
	free(f);
	free(t);
	return rc;
}

/* ---- why ---- */

/* tcpdump's language on what was kept of the frames. */
static int compile_filter(const char *text, struct bpf_program *ret, struct vd_err *reterr)
{
	pcap_t *p = pcap_open_dead(DLT_EN10MB, VSW_RECORDER_BYTES);
	int rc = 0;

	if (!p)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "memory ran out");
	if (pcap_compile(p, ret, text, 1, PCAP_NETMASK_UNKNOWN) < 0)
		rc = vd_err_set(reterr, -EINVAL, VD_E_FILTER, "why/filter",
				"the syntax is tcpdump's: see pcap-filter(7)", "%s: %s", text,
				pcap_geterr(p));
	pcap_close(p);
	return rc;
}

static int newest_first(const void *a, const void *b)
{
	const struct vsw_record *x = a, *y = b;

	return (x->tsc < y->tsc) - (x->tsc > y->tsc);
}

/* The hints of the list speak of PORT. */
static void put_port(const char *hint, const char *port, char *buf, size_t size)
{
	const char *at = strstr(hint, "PORT");

	if (!at)
		snprintf(buf, size, "%s", hint);
	else
		snprintf(buf, size, "%.*s%s%s", (int)(at - hint), hint, port, at + 4);
}

/* Somebody confined the port: who, why, and how that ends. `nap audit` has the rest. */
static void put_isolation(struct vsw_daemon *d, const struct vsw_port_cfg *p, json_t *row)
{
	struct vd_err err = {0};
	struct vsw_nap_port *n = d->nap ? vsw_nap_find(d->nap, p->name, &err) : NULL;

	if (!n || !nap_state_held(&n->state))
		return;
	json_object_set_new(
		row, "isolation",
		json_pack("{s:s, s:s}", "reason", n->state.reason, "set_by", n->state.actor));
	json_object_set_new(row, "hint", json_sprintf("viridian nap release %s", p->name));
}

/* Who set what stopped the frame. */
static void put_culprit(struct vsw_daemon *d, const struct vsw_port_cfg *p,
			const struct vsw_port *rt, const struct vsw_record *e, json_t *row)
{
	const struct vsw_signature *s = &vsw_policy_of(p)->guard.set;

	if ((e->reason == VSW_DROP_ACL_FROM_VM || e->reason == VSW_DROP_ACL_TO_VM) && e->detail)
		json_object_set_new(row, "rule", rule_row(p, e->detail));
	if (e->reason >= VSW_DROP_BRIDGE_GUARD && e->reason <= VSW_DROP_STORM_LIMIT && s->at)
		json_object_set_new(
			row, "guard",
			json_pack("{s:s, s:I}", "set_by", s->by, "set_at", (json_int_t)s->at));
	if (e->reason != VSW_DROP_QUARANTINE_FROM_VM && e->reason != VSW_DROP_QUARANTINE_TO_VM)
		return;
	if (rt->allow && rt->allow->check[0])
		json_object_set_new(row, "check", json_string(rt->allow->check));
	put_isolation(d, p, row);
}

static json_t *why_row(struct vsw_daemon *d, const struct vsw_port_cfg *p,
		       const struct vsw_port *rt, const struct vsw_record *e)
{
	const struct vsw_drop_info *info = &vsw_drop_info[e->reason];
	enum vsw_dir dir = e->reason == VSW_DROP_ACL_TO_VM ? VSW_TO_VM : VSW_FROM_VM;
	bool acl = e->reason == VSW_DROP_ACL_FROM_VM || e->reason == VSW_DROP_ACL_TO_VM;
	double ago = (double)(rte_rdtsc() - e->tsc) / (double)rte_get_tsc_hz();
	char text[VSW_WORDS_TEXT], hint[512] = "";
	json_t *row;

	if (acl)
		allow_command(p, e->detail, dir, e, hint, sizeof(hint));
	else
		guard_command(p, e, hint, sizeof(hint));
	if (!hint[0])
		put_port(info->hint, p->name, hint, sizeof(hint));
	row = json_pack("{s:f, s:s, s:s, s:s, s:i, s:s}", "seconds_ago", ago, "packet",
			vsw_words_format(e->data, e->kept, e->len, text), "reason", info->name,
			"text", info->text, "bytes", (int)e->len, "hint", hint);
	put_culprit(d, p, rt, e, row);
	return row;
}

static json_t *why_rows(struct vsw_daemon *d, const struct vsw_port_cfg *p,
			const struct vsw_port *rt, struct bpf_program *filter)
{
	uint16_t n_workers = vsw_dataplane_workers(d->dp);
	struct vsw_record *all = calloc(n_workers * (size_t)VSW_RECORDER_ENTRIES, sizeof(*all));
	json_t *rows = json_array();
	unsigned int n = 0;

	for (uint16_t w = 0; all && w < n_workers; w++)
		n += vsw_recorder_read(rt->recorder[w], all + n, VSW_RECORDER_ENTRIES);
	if (n)
		qsort(all, n, sizeof(*all), newest_first);
	for (unsigned int i = 0; i < n; i++) {
		struct pcap_pkthdr h = {.caplen = all[i].kept, .len = all[i].len};

		if (!filter || pcap_offline_filter(filter, &h, all[i].data))
			json_array_append_new(rows, why_row(d, p, rt, &all[i]));
	}
	free(all);
	return rows;
}

VSW_METHOD(why)
{
	struct vsw_engine *e = call->d->engine;
	const struct vsw_port_cfg *p =
		vsw_edit_find_port(&e->model, vsw_edit_text(call->params, "port"), reterr);
	const char *filter = vsw_edit_text(call->params, "filter");
	struct bpf_program prog;
	struct vsw_rt_port *rt;
	int rc;

	if (!p)
		return -ENOENT;
	if (filter && filter[0]) {
		rc = compile_filter(filter, &prog, reterr);
		if (rc)
			return rc;
	} else {
		filter = NULL;
	}
	rt = e->ports[vsw_engine_port_index(e, p)];
	*result = rt->port ? why_rows(call->d, p, rt->port, filter ? &prog : NULL) : json_array();
	if (filter)
		pcap_freecode(&prog);
	return 0;
}
