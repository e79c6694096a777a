/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmdline.h"

#define WORDS_MAX 40

/* Blanks separate the words of a test line; '~' stands for a blank inside one. */
static int parse(const char *line, struct ctl_cmdline *cmd, struct vd_err *e)
{
	static char copy[1024];
	const char *words[WORDS_MAX];
	char *save = NULL;
	int n = 0;

	*e = (struct vd_err){0};
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		for (char *q = p; *q; q++)
			if (*q == '~')
				*q = ' ';
		words[n++] = p;
	}
	return ctl_cmdline_parse(n, words, cmd, e);
}

static void expect(const char *line, const char *method, const char *params)
{
	struct ctl_cmdline cmd;
	struct vd_err e;
	char *text;

	if (parse(line, &cmd, &e)) {
		printf("# '%s': %s\n", line, e.message);
		CU_FAIL("refused");
		return;
	}
	CU_ASSERT_STRING_EQUAL(cmd.verb->method, method);
	text = json_dumps(cmd.params, JSON_COMPACT | JSON_SORT_KEYS);
	if (strcmp(text, params))
		printf("# '%s': %s\n", line, text);
	CU_ASSERT_STRING_EQUAL(text, params);
	free(text);
	ctl_cmdline_done(&cmd);
}

static void requests(void)
{
	expect("switch list", "switch.list", "{}");
	expect("switch add lan --type internal", "switch.add",
	       "{\"name\":\"lan\",\"type\":\"internal\"}");
	expect("switch add lan --type=external --uplink netdev:eth0 --uplink=pci:0000:01:00.0 "
	       "--mtu 9000",
	       "switch.add",
	       "{\"mtu\":9000,\"name\":\"lan\",\"type\":\"external\",\"uplink\":[\"netdev:eth0\","
	       "\"pci:0000:01:00.0\"]}");
	expect("switch set lan --no-host-vnic", "switch.set",
	       "{\"name\":\"lan\",\"no_host_vnic\":true}");
	expect("switch remove lan --force", "switch.remove", "{\"force\":true,\"name\":\"lan\"}");
	expect("switch remove lan --no-force", "switch.remove",
	       "{\"force\":false,\"name\":\"lan\"}");
	expect("port link web1 down", "port.link", "{\"name\":\"web1\",\"state\":\"down\"}");
	expect("fdb add lan 52:54:00:00:00:01 --port web1 --vlan 10", "fdb.add",
	       "{\"mac\":\"52:54:00:00:00:01\",\"port\":\"web1\",\"switch\":\"lan\",\"vlan\":10}");
	expect("capture web1 tcp port 80 --count 5 and host 10.0.0.1", "capture",
	       "{\"count\":5,\"filter\":\"tcp port 80 and host 10.0.0.1\",\"port\":\"web1\"}");
	expect("apply -", "config.apply", "{\"document\":\"-\"}");
	expect("switch add x --type private --notes two~words", "switch.add",
	       "{\"name\":\"x\",\"notes\":\"two words\",\"type\":\"private\"}");
	expect("switch show -- --odd", "switch.show", "{\"name\":\"--odd\"}");
}

static void short_forms(void)
{
	expect("sw li", "switch.list", "{}");
	expect("switch", "switch.list", "{}");
	expect("port --switch lan", "port.list", "{\"switch\":\"lan\"}");
	expect("po add w --sw lan --dev tap:w --vl access:10", "port.add",
	       "{\"device\":\"tap:w\",\"name\":\"w\",\"switch\":\"lan\",\"vlan\":\"access:10\"}");
	expect("fdb lan", "fdb.list", "{\"switch\":\"lan\"}");
	expect("fdb", "fdb.list", "{}");
	expect("fdb list add", "fdb.list", "{\"switch\":\"add\"}");
	expect("sta web1", "stats", "{\"port\":\"web1\"}");
	expect("drops", "drops", "{}");
	expect("switch set lan --rena dmz --no-h", "switch.set",
	       "{\"name\":\"lan\",\"no_host_vnic\":true,\"rename\":\"dmz\"}");
}

static void globals(void)
{
	struct ctl_cmdline cmd;
	struct vd_err e;

	CU_ASSERT_EQUAL_FATAL(parse("--socket /s --json switch list --timeout 2.5", &cmd, &e), 0);
	CU_ASSERT_STRING_EQUAL(cmd.socket, "/s");
	CU_ASSERT_TRUE(cmd.json);
	CU_ASSERT_EQUAL(cmd.timeout_ms, 2500);
	CU_ASSERT_FALSE(cmd.dry_run);
	ctl_cmdline_done(&cmd);
	expect("switch remove lan --dry-run", "switch.remove",
	       "{\"dry_run\":true,\"name\":\"lan\"}");
	expect("--dry-run switch remove lan", "switch.remove",
	       "{\"dry_run\":true,\"name\":\"lan\"}");
	CU_ASSERT_EQUAL_FATAL(parse("capture web1 -w x.pcapng -c3", &cmd, &e), 0);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(cmd.local, "write")), "x.pcapng");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(cmd.params, "count")), 3);
	CU_ASSERT_PTR_NULL(json_object_get(cmd.params, "write"));
	ctl_cmdline_done(&cmd);
}

static void help(void)
{
	static const struct {
		const char *line, *noun, *verb;
	} t[] = {
		{"help", NULL, NULL},
		{"--help", NULL, NULL},
		{"-h", NULL, NULL},
		{"help port", "port", NULL},
		{"port --help", "port", NULL},
		{"help port add", "port", "add"},
		{"port add -h", "port", "add"},
		{"port add x --help", "port", "add"},
	};
	struct ctl_cmdline cmd;
	struct vd_err e;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CU_ASSERT_EQUAL_FATAL(parse(t[i].line, &cmd, &e), 0);
		CU_ASSERT_TRUE(cmd.help);
		CU_ASSERT_STRING_EQUAL(cmd.noun ? cmd.noun : "-", t[i].noun ? t[i].noun : "-");
		CU_ASSERT_STRING_EQUAL(cmd.verb ? cmd.verb->verb : "-",
				       t[i].verb ? t[i].verb : "-");
		ctl_cmdline_done(&cmd);
	}
	CU_ASSERT_EQUAL(parse("--version", &cmd, &e), 0);
	CU_ASSERT_TRUE(cmd.version);
	ctl_cmdline_done(&cmd);
}

static void errors(void)
{
	static const struct {
		const char *line, *message, *hint; /* parts of them; NULL: anything */
	} t[] = {
		{"", "no command was given", "viridian help"},
		{"swich list", "no command 'swich'", "did you mean switch?"},
		{"frobnicate", "no command 'frobnicate'", "viridian help"},
		{"s", "ambiguous: switch, set, stats or subscribe", NULL},
		{"switch lsit", "switch has no verb 'lsit'", "did you mean list?"},
		{"switch fly", "switch has no verb 'fly'", "add, list, show, set or remove"},
		{"switch s", "ambiguous: show or set", NULL},
		{"fdb lst", "fdb has no verb 'lst'", "did you mean list?"},
		{"port add w --swithc lan", "no option '--swithc'", "did you mean --switch?"},
		{"switch add x --t private", "ambiguous: --type, --team-mode or --timeout", NULL},
		{"switch add x", "needs --type external|internal|private",
		 "viridian help switch add"},
		{"switch show", "switch show needs NAME", "usage: viridian switch show NAME"},
		{"switch show a b", "does not take the word 'b'", NULL},
		{"switch add x --type", "--type needs a value", NULL},
		{"switch add x --type --mtu 9000", "--type needs a value", NULL},
		{"switch add x --type privat", "type is not 'privat'", "did you mean private?"},
		{"switch set x --mtu 575", "allowed: 576-9216", NULL},
		{"switch set x --mtu many", "whole number within 576-9216, not 'many'", NULL},
		{"switch set x --mtu 1500x", "whole number", NULL},
		{"switch set x --mtu 99999999999999999999", "whole number", NULL},
		{"switch set x --mtu 1500 --mtu 1600", "--mtu was given twice", NULL},
		{"switch remove x --force=yes", "--force does not take a value", NULL},
		{"switch list --dry-run", "--dry-run is for commands that change", NULL},
		{"--timeout 0 switch", "--timeout must be seconds", NULL},
		{"--timeout nan switch", "--timeout must be seconds", NULL},
		{"top --interval 0", "allowed: 1-3600", NULL},
		{"switch list -x", "no option '-x'", NULL},
		{"switch show \xff", "not valid UTF-8", NULL},
	};
	struct ctl_cmdline cmd;
	struct vd_err e;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int r = parse(t[i].line, &cmd, &e);

		CU_ASSERT_EQUAL(r, -EINVAL);
		if (!r)
			ctl_cmdline_done(&cmd);
		if (!strstr(e.message, t[i].message) || (t[i].hint && !strstr(e.hint, t[i].hint))) {
			printf("# '%s': %s (%s)\n", t[i].line, e.message, e.hint);
			CU_FAIL("another message");
		}
	}
	CU_ASSERT_EQUAL(parse("nonsense --json", &cmd, &e), -EINVAL);
	CU_ASSERT_TRUE(cmd.json);
}

/* What the table shows as an example must be a command that this accepts. */
static void examples(void)
{
	for (size_t i = 0; i < ctl_n_verbs; i++) {
		struct ctl_cmdline cmd;
		struct vd_err e;

		if (parse(ctl_verbs[i].example, &cmd, &e)) {
			printf("# '%s': %s\n", ctl_verbs[i].example, e.message);
			CU_FAIL("refused");
			continue;
		}
		CU_ASSERT_PTR_EQUAL(cmd.verb, &ctl_verbs[i]);
		ctl_cmdline_done(&cmd);
	}
}

static void usage(void)
{
	char buf[2048], small[20];

	CU_ASSERT_STRING_EQUAL(ctl_usage(ctl_verb_find("port", "link"), buf, sizeof(buf)),
			       "viridian port link NAME up|down");
	CU_ASSERT_STRING_EQUAL(ctl_usage(ctl_verb_find("drops", ""), buf, sizeof(buf)),
			       "viridian drops [PORT] [--all]");
	CU_ASSERT_STRING_EQUAL(ctl_usage(ctl_verb_find("port", "link"), small, sizeof(small)),
			       "viridian port link ");
}

static const struct tap_case cases[] = {
	{"words become requests", requests},
	{"words may be cut short or left out", short_forms},
	{"options that every command has", globals},
	{"help is understood everywhere", help},
	{"errors name the word and the way out", errors},
	{"every example of the table is accepted", examples},
	{"usage lines", usage},
};

TAP_MAIN("ctl/cmdline", cases)
