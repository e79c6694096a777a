/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * export | apply for any configuration: random valid models, written as the command line exports them
 * (YAML and JSON), read as the daemon reads them, come out the same. Seeds are fixed: a failure
 * comes back.
 */
#include "tests/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/yaml_out.h"
#include "vswitch/model/acl.h"
#include "vswitch/model/model.h"

static uint64_t state;

static unsigned int pick(unsigned int n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)((state >> 11) % n);
}

static void numbers(void *ctx, void *buf, size_t n)
{
	(void)ctx;
	for (size_t i = 0; i < n; i++)
		((uint8_t *)buf)[i] = (uint8_t)pick(256);
}

/* Names that a careless writer or reader of YAML takes for something else. */
static void make_name(char *ret, size_t size, unsigned int i)
{
	static const char *const odd[] = {"on",   "no",    "null", "true", "1e3", "0x1f",
					  "0123", "12.30", "y",    "1_0",  "a.b", "2001-01-01"};

	if (i < sizeof(odd) / sizeof(odd[0]) && pick(2))
		snprintf(ret, size, "%s", odd[i]);
	else
		snprintf(ret, size, "n%u%s", i, pick(4) ? "" : "-x._");
}

static void make_notes(char *ret, size_t size)
{
	static const char *const pieces[] = {"a",
					     " ",
					     "\n",
					     "\t",
					     "#",
					     ": ",
					     "- ",
					     "'",
					     "\"",
					     "\\",
					     "\xc3\xa9",
					     "\xf0\x9f\x98\x80",
					     "null",
					     "{",
					     "*x",
					     "%",
					     "\xe2\x80\xa8",
					     "0"};
	unsigned int n = pick(12);

	ret[0] = '\0';
	while (n--)
		strncat(ret, pieces[pick(sizeof(pieces) / sizeof(pieces[0]))],
			size - strlen(ret) - 1);
}

static void make_device(struct vsw_device *d, unsigned int i)
{
	static const char *const forms[] = {
		"tap:if%u",           "tap:if%u,queues=4",  "netdev:if%u",
		"netdev:if%u,af-xdp", "memif:/run/m,id=%u", "pcap:rx=/shared,tx=/out%u",
		"pcap:tx=/out%u",     "pci:%04x:01:00.0",   "vhost-user:/run/a b: #%u,client",
		"netvsp:/run/%u",
	};
	char text[VSW_DEVICE_STR_SIZE];

	snprintf(text, sizeof(text), forms[pick(sizeof(forms) / sizeof(forms[0]))], i);
	CU_ASSERT_EQUAL_FATAL(vsw_device_parse(text, NULL, d, NULL), 0);
}

static void make_vlan(struct vsw_vlan *v)
{
	char text[160];
	unsigned int a = 1 + pick(4000), primary = 4001 + pick(4) * 10;

	switch (pick(7)) {
	case 0:
		snprintf(text, sizeof(text), "access:%u", a);
		break;
	case 1:
		snprintf(text, sizeof(text), "trunk:%u-%u,4094,native=%u", a, a + pick(90),
			 pick(4095));
		break;
	case 2:
		snprintf(text, sizeof(text), "trunk:%u", a);
		break;
	case 3:
		snprintf(text, sizeof(text), "isolated:%u,%u", primary, primary + 1);
		break;
	case 4:
		snprintf(text, sizeof(text), "community:%u,%u", primary, primary + 2 + pick(3));
		break;
	case 5:
		snprintf(text, sizeof(text), "promiscuous:%u,%u-%u", primary, primary + 1,
			 primary + 1 + pick(8));
		break;
	default:
		snprintf(text, sizeof(text), "none");
	}
	CU_ASSERT_EQUAL_FATAL(vsw_vlan_parse(text, NULL, v, NULL), 0);
}

static void make_prefix(struct vd_prefix *p, unsigned int i)
{
	static const char *const forms[] = {"10.%u.0.0/16", "192.0.2.%u", "fd00:%x::/32",
					    "2001:db8::%x"};
	char text[VD_PREFIX_STR_SIZE];

	snprintf(text, sizeof(text), forms[pick(4)], i);
	CU_ASSERT_EQUAL_FATAL(vd_prefix_parse(text, p), 0);
}

static void make_addr(struct vsw_addr *a, unsigned int i)
{
	a->kind = (uint8_t)pick(5);
	if (a->kind == VSW_ADDR_PREFIX)
		make_prefix(&a->prefix, i);
	else if (a->kind == VSW_ADDR_MAC)
		a->mac = (struct vd_mac){{2, 0, 0, 0, 3, (uint8_t)i}};
	else if (a->kind != VSW_ADDR_ANY)
		strcpy(a->name, a->kind == VSW_ADDR_SET ? "on" : "1e3");
}

/* No contradictions: each rule has a weight of its own, or is a basic one for an address of its own. */
static void make_rule(struct vsw_acl_rule *r, unsigned int i)
{
	static const char *const whos[] = {"", "root", "uid 7", "on", "0x10"};

	r->id = i + 1 + (pick(2) ? 1000 * i : 0);
	r->direction = (uint8_t)pick(2);
	r->action = (uint8_t)pick(2);
	r->report_only = pick(2);
	r->kind = (uint8_t)pick(2);
	r->protocol = VSW_PROTOCOL_ANY;
	r->local_port[1] = r->remote_port[1] = UINT16_MAX;
	snprintf(r->set.by, sizeof(r->set.by), "%s", whos[pick(5)]);
	r->set.at = pick(2) ? 0 : 1 + pick(2000000000);
	if (pick(2))
		make_name(r->name, sizeof(r->name), pick(20));
	make_prefix(&r->remote.prefix, i);
	r->remote.kind = VSW_ADDR_PREFIX;
	if (r->kind == VSW_ACL_BASIC)
		return;
	r->weight = (uint16_t)i;
	r->idle_timeout_s = VSW_IDLE_DEFAULT_S;
	r->vlan = (uint16_t)(pick(3) ? 0 : 1 + pick(4094));
	memset(&r->remote, 0, sizeof(r->remote));
	make_addr(&r->remote, i);
	if (pick(2)) {
		r->protocol = pick(2) ? 6 : 17;
		r->remote_port[0] = (uint16_t)pick(1000);
		r->remote_port[1] = (uint16_t)(r->remote_port[0] + pick(60000));
	}
	if (r->action == VSW_ACL_ALLOW && r->remote.kind != VSW_ADDR_MAC && pick(2)) {
		r->stateful = true;
		r->idle_timeout_s = (uint16_t)(1 + pick(65535));
	}
}

static void make_policy(struct vsw_port_cfg *port)
{
	struct vsw_policy *p = vsw_policy_clone(NULL);
	unsigned int n_rules = pick(6);

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	p->guard.mac_spoofing = pick(2);
	p->guard.router = pick(2);
	p->guard.drop_priority = pick(2);
	p->guard.storm_multicast_pps = pick(2) ? 0 : pick(100000000);
	p->guard.pinning = (uint8_t)(pick(2) ? VSW_PIN_OFF : VSW_PIN_SNOOPED);
	p->n_pins = pick(3);
	p->pins = calloc(p->n_pins + 1, sizeof(*p->pins));
	for (unsigned int i = 0; i < p->n_pins; i++)
		make_prefix(&p->pins[i], i);
	if (pick(2))
		make_name(p->guard.team, sizeof(p->guard.team), pick(20));
	p->qos.from_vm.bps = 8 * (1000 + (uint64_t)pick(1u << 30) * pick(16));
	p->qos.from_vm.burst_bytes = pick(2) ? 0 : 10000 + pick(1000000);
	p->qos.min_weight = (uint8_t)pick(101);
	p->n_tags = 1;
	p->tags = calloc(1, sizeof(*p->tags));
	make_name(p->tags[0], sizeof(p->tags[0]), pick(20));
	if (n_rules)
		p->acl = vsw_acl_new(n_rules);
	for (unsigned int i = 0; i < n_rules; i++)
		make_rule(&p->acl->rules[i], i);
	if (p->acl && !vsw_acl_settled(p->acl))
		vsw_acl_settle(p->acl, NULL);
	port->policy = p;
}

static void make_port(struct vsw_model *m, unsigned int i)
{
	struct vsw_port_cfg *p = &m->ports[i];
	const struct vsw_switch_cfg *s = &m->switches[pick(m->n_switches)];

	snprintf(p->sw, sizeof(p->sw), "%s", s->name);
	make_name(p->name, sizeof(p->name), i);
	make_device(&p->device, i);
	make_vlan(&p->vlan);
	p->learn = pick(3) ? 0 : pick(VSW_FDB_LIMIT_MAX + 1);
	p->link_up = pick(2);
	if (s->type != VSW_PRIVATE && !pick(4)) {
		p->role = VSW_ROLE_HOST;
		if (pick(2))
			snprintf(p->name, sizeof(p->name), "%s:h%u", s->name, i);
	}
	p->has_mac = pick(2);
	if (p->has_mac) {
		numbers(NULL, &p->mac, sizeof(p->mac));
		p->mac.addr[0] &= 0xfe;
		p->mac.addr[5] = (uint8_t)(i + 1);
		p->mac.addr[4] = 1;
	}
	if (!pick(3))
		make_policy(p);
}

static void make_uplink(struct vsw_port_cfg *p, const struct vsw_switch_cfg *s, unsigned int i)
{
	snprintf(p->sw, sizeof(p->sw), "%s", s->name);
	snprintf(p->name, sizeof(p->name), "%s:uplink", s->name);
	p->role = VSW_ROLE_UPLINK;
	p->link_up = true;
	p->device.kind = VSW_DEV_NETDEV;
	p->device.queues = 1;
	snprintf(p->device.target, sizeof(p->device.target), "up%u", i);
	make_vlan(&p->vlan);
}

static void make_statics(struct vsw_model *m, struct vsw_switch_cfg *s)
{
	unsigned int n = pick(4);

	s->statics = calloc(n + 1, sizeof(*s->statics));
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->statics);
	for (unsigned int i = 0; i < m->n_ports && s->n_statics < n; i++) {
		struct vsw_static_entry *e = &s->statics[s->n_statics];

		if (strcmp(m->ports[i].sw, s->name) || strlen(m->ports[i].name) > VD_NAME_MAX)
			continue;
		snprintf(e->port, sizeof(e->port), "%s", m->ports[i].name);
		e->vid = (uint16_t)pick(4095);
		e->mac = (struct vd_mac){{0x52, 0x54, 0, 0, 2, (uint8_t)i}};
		s->n_statics++;
	}
}

static void make_model(struct vsw_model *m)
{
	unsigned int n_ports = pick(24);

	memset(m, 0, sizeof(*m));
	m->n_switches = 1 + pick(6);
	m->switches = calloc(m->n_switches, sizeof(*m->switches));
	m->ports = calloc(n_ports + m->n_switches + 1, sizeof(*m->ports));
	CU_ASSERT_FATAL(m->switches && m->ports);
	for (unsigned int i = 0; i < m->n_switches; i++) {
		struct vsw_switch_cfg *s = &m->switches[i];

		make_name(s->name, sizeof(s->name), i);
		s->type = (enum vsw_switch_type)pick(3);
		s->mtu = (uint16_t)(VSW_MTU_MIN + pick(VSW_MTU_MAX - VSW_MTU_MIN + 1));
		s->ageing_s = 10 + pick(86391);
		s->fdb_limit = pick(VSW_FDB_LIMIT_MAX + 1);
		make_notes(s->notes, sizeof(s->notes));
		s->qos.default_min_weight = (uint8_t)(1 + pick(100));
		s->qos.default_min_bps = pick(2) ? 0 : 8 * (1000 + (uint64_t)pick(1u << 30));
		s->team_mode = (enum vsw_team_mode)pick(2);
		s->nlb = pick(2);
	}
	m->sets = calloc(1, sizeof(*m->sets));
	m->n_sets = 1;
	strcpy(m->sets[0].name, "on");
	m->sets[0].n_members = pick(4);
	m->sets[0].members = calloc(m->sets[0].n_members + 1, sizeof(*m->sets[0].members));
	for (unsigned int i = 0; i < m->sets[0].n_members; i++)
		make_prefix(&m->sets[0].members[i].prefix, i);
	for (unsigned int i = 0; i < n_ports; i++)
		make_port(m, m->n_ports++);
	for (unsigned int i = 0; i < m->n_switches; i++)
		if (m->switches[i].type == VSW_EXTERNAL)
			make_uplink(&m->ports[m->n_ports++], &m->switches[i], i);
	for (unsigned int i = 0; i < m->n_switches; i++)
		make_statics(m, &m->switches[i]);
}

static bool read_back(const char *text, size_t size, const struct vsw_model *want)
{
	json_t *a = vsw_model_to_json(want), *b = NULL, *diff = NULL;
	struct vsw_model m = {0};
	struct vd_doc *d = NULL;
	struct vd_err e = {0};
	bool same = false;

	if (vd_doc_parse(text, size, "x", &d, &e) == 0 &&
	    vsw_model_from_json(vd_doc_root(d), d, &m, &e) == 0 &&
	    vsw_model_validate(&m, vd_doc_root(d), d, &e) == 0) {
		b = vsw_model_to_json(&m);
		diff = vsw_model_diff(want, &m);
		same = json_equal(a, b) && diff && json_array_size(diff) == 0;
	} else {
		printf("# %u:%u: %s: %s\n", e.line, e.column, e.path, e.message);
	}
	if (!same)
		printf("# %.*s\n", (int)size, text);
	vsw_model_done(&m);
	vd_doc_free(d);
	json_decref(a);
	json_decref(b);
	json_decref(diff);
	return same;
}

static bool survives(const struct vsw_model *m)
{
	json_t *j = vsw_model_to_json(m);
	char *json = json_dumps(j, JSON_INDENT(2)), *yaml = NULL;
	size_t yaml_size = 0;
	FILE *f = open_memstream(&yaml, &yaml_size);
	bool ok;

	CU_ASSERT_FATAL(j && json && f);
	CU_ASSERT_EQUAL(ctl_yaml_write(j, f), 0);
	fclose(f);
	ok = read_back(json, strlen(json), m) && read_back(yaml, yaml_size, m);
	free(json);
	free(yaml);
	json_decref(j);
	return ok;
}

static void round_trips(void)
{
	unsigned int ports = 0;

	for (unsigned int seed = 1; seed <= 400; seed++) {
		struct vsw_model m;
		struct vd_err e = {0};
		bool ok;

		state = seed * UINT64_C(0x9e3779b97f4a7c15);
		make_model(&m);
		ok = vsw_model_validate(&m, NULL, NULL, &e) == 0;
		if (!ok)
			printf("# seed %u makes an invalid model: %s: %s\n", seed, e.path,
			       e.message);
		ok = ok && survives(&m);
		ok = ok && vsw_model_complete(&m, numbers, NULL, NULL) == 0 && survives(&m);
		CU_ASSERT_TRUE(ok);
		ports += m.n_ports;
		vsw_model_done(&m);
		if (!ok) {
			printf("# seed %u\n", seed);
			break;
		}
	}
	CU_ASSERT_TRUE(ports > 2000);
}

static const struct tap_case cases[] = {
	{"400 random configurations survive export | apply, as YAML and as JSON", round_trips},
};

TAP_MAIN("vswitch/model/property", cases)
