/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The examples of docs/reference/configuration.md. Fences: "yaml" and "json" are documents that are
 * accepted; "yaml refused" is one that is not, and the next "text" is what the command prints then.
 */
#include "tests/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/model.h"

static char page[64 << 10];

static void read_page(void)
{
	FILE *f = fopen(VIRIDIAN_SOURCE "/docs/reference/configuration.md", "r");
	size_t n = f ? fread(page, 1, sizeof(page) - 1, f) : 0;

	if (f)
		fclose(f);
	page[n] = '\0';
	CU_ASSERT_FATAL(n > 1000 && n < sizeof(page) - 1);
}

static int load(const char *text, size_t size, struct vsw_model *m, struct vd_err *e)
{
	struct vd_doc *d = NULL;
	int r = vd_doc_parse(text, size, "net.yaml", &d, e);

	if (r == 0)
		r = vsw_model_from_json(vd_doc_root(d), d, m, e);
	if (r == 0)
		r = vsw_model_validate(m, vd_doc_root(d), d, e);
	vd_doc_free(d);
	return r;
}

/* What viridian(1) writes to a terminal (ctl/out.c). */
static void screen(const struct vd_err *e, char *buf, size_t size)
{
	snprintf(buf, size, "error: %s\n  where: %s:%u:%u%s%s\n%s%s%s  code:  %s\n", e->message,
		 e->file, e->line, e->column, e->path[0] ? "  " : "", e->path,
		 e->hint[0] ? "  hint:  " : "", e->hint, e->hint[0] ? "\n" : "",
		 vd_code_text(e->code));
}

static void check_accepted(const char *body, size_t size)
{
	struct vsw_model m = {0};
	struct vd_err e = {0};

	if (load(body, size, &m, &e) < 0)
		printf("# %u:%u: %s\n", e.line, e.column, e.message);
	CU_ASSERT_EQUAL(e.code, VD_E_OK);
	vsw_model_done(&m);
}

static void check_refused(const char *body, size_t size, char *want, size_t want_size)
{
	struct vsw_model m = {0};
	struct vd_err e = {0};

	CU_ASSERT_TRUE(load(body, size, &m, &e) < 0);
	screen(&e, want, want_size);
	vsw_model_done(&m);
}

static void examples(void)
{
	char want[1200] = "";
	unsigned int accepted = 0, refused = 0, screens = 0;

	read_page();
	for (char *p = strstr(page, "\n```"); p; p = strstr(p, "\n```")) {
		char *info = p + 4, *body = strchr(info, '\n') + 1, *end = strstr(body, "```");
		size_t size = (size_t)(end - body);

		if (!strncmp(info, "yaml refused\n", 13)) {
			check_refused(body, size, want, sizeof(want));
			refused++;
		} else if (!strncmp(info, "yaml\n", 5) || !strncmp(info, "json\n", 5)) {
			check_accepted(body, size);
			accepted++;
		} else if (!strncmp(info, "text\n", 5)) {
			if (strncmp(body, want, size) || want[size])
				printf("# the program says:\n%s", want);
			CU_ASSERT_TRUE(!strncmp(body, want, size) && !want[size]);
			screens++;
		} else {
			CU_FAIL("a fence of another kind");
		}
		p = end;
	}
	CU_ASSERT_TRUE(accepted >= 4);
	CU_ASSERT_TRUE(refused >= 6);
	CU_ASSERT_EQUAL(screens, refused);
}

static void members_are_named(json_t *j)
{
	const char *key;
	json_t *v;
	size_t i;

	json_object_foreach (j, key, v) {
		char quoted[80];

		snprintf(quoted, sizeof(quoted), "`%s`", key);
		if (!strstr(page, quoted))
			printf("# %s is not explained\n", key);
		CU_ASSERT_PTR_NOT_NULL(strstr(page, quoted));
		members_are_named(v);
	}
	json_array_foreach (j, i, v)
		members_are_named(v);
}

static void every_key_is_explained(void)
{
	static const char text[] =
		"viridian: 1\n"
		"sets: [{name: s, members: [10.0.0.1]}]\n"
		"switches:\n"
		"- {name: a, type: external, uuid: 00000000-0000-4000-8000-000000000001,\n"
		"   fdb: [{mac: '02:00:00:00:00:01', port: p}], team_mode: dynamic,\n"
		"   min_mode: absolute, default_weight: 2, default_min: 1M, igmp_snooping: true,\n"
		"   mld_snooping: true, nlb: true}\n"
		"- {name: b, type: private}\n"
		"ports:\n"
		"- {name: 'a:u', switch: a, role: uplink, device: 'netdev:u'}\n"
		"- {name: p, switch: a, device: 'tap:p', mac: '02:00:00:00:00:02',\n"
		"   uuid: 00000000-0000-4000-8000-000000000002, tags: [x], affinity: 'a:u',\n"
		"   guard: {mac_spoofing: true, dhcp: true, router: true, control: true,\n"
		"     priority_trust: false, pinning: static, pins: [10.0.0.1], floating: "
		"[10.0.0.2],\n"
		"     storm_broadcast_pps: 1, storm_multicast_pps: 1, storm_unknown_pps: 1,\n"
		"     address_limit: 1, team: t},\n"
		"   qos: {max_from_vm: 1M, max_to_vm: 1M, burst_from_vm: 9k, burst_to_vm: 9k, min: "
		"1M},\n"
		"   acl: [{id: 1, name: r, direction: to-vm, action: allow, local: 10.0.0.1,\n"
		"     remote: 'set:s', protocol: tcp, local_port: 1, remote_port: 2, ethertype: "
		"ipv4,\n"
		"     vlan: 3, weight: 4, stateful: true, idle_timeout_s: 5, kind: extended,\n"
		"     report_only: true, set_by: me, set_at: 2026-11-21T06:42:43Z}]}\n"
		"- {name: q, switch: b, device: 'tap:q', qos: {weight: 3}}\n"
		"mirrors:\n"
		"- {name: m, switch: a, sources: [p], to_port: 'a:u', filter: tcp, snaplen: 99}\n"
		"- {name: n, switch: a, sources: [all], to_file: /f}\n";
	struct vsw_model m = {0};
	struct vd_err e = {0};
	json_t *j;

	read_page();
	CU_ASSERT_EQUAL_FATAL(load(text, sizeof(text) - 1, &m, &e), 0);
	j = vsw_model_to_json(&m);
	members_are_named(j);
	json_decref(j);
	for (int k = 0; k < VSW_DEV_N; k++) {
		char form[32];

		snprintf(form, sizeof(form), "`%s:", vsw_device_kind_text((enum vsw_device_kind)k));
		CU_ASSERT_PTR_NOT_NULL(strstr(page, form));
	}
	vsw_model_done(&m);
}

static const struct tap_case cases[] = {
	{"every example is accepted, or refused with the screen shown", examples},
	{"every key and device kind is explained", every_key_is_explained},
};

TAP_MAIN("docs/reference/configuration", cases)
