/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viridian trace, why: the switch explains itself. */
#include "ctl/command.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *text_of(json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* ", set by root at ..." and the end of the line. */
static void print_who(json_t *o)
{
	json_int_t at = json_integer_value(json_object_get(o, "set_at"));
	char when[32] = "";
	time_t t = (time_t)at;
	struct tm tm;

	if (text_of(o, "set_by")[0])
		printf(", set by %s", text_of(o, "set_by"));
	if (at && gmtime_r(&t, &tm) && strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm))
		printf(" at %s", when);
	putchar('\n');
}

static void print_rule(json_t *rule)
{
	if (!rule)
		return;
	printf("    rule %" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(rule, "id")));
	if (json_is_true(json_object_get(rule, "removed"))) {
		printf(", removed since\n");
		return;
	}
	if (text_of(rule, "name")[0])
		printf(" \"%s\"", text_of(rule, "name"));
	printf(": %s %s", text_of(rule, "action"), text_of(rule, "direction"));
	print_who(rule);
}

static void print_trace(json_t *result)
{
	json_t *steps = json_object_get(result, "steps"), *s;
	size_t i;

	printf("%s\n", text_of(result, "packet"));
	if (json_is_true(json_object_get(result, "guessed_destination")))
		printf("  (nobody said whose MAC address the destination has: traced to one that "
		       "nobody has; say `to PORT` or `to MAC`)\n");
	json_array_foreach (steps, i, s) {
		printf("  %-16s %-12s %-5s %s\n", text_of(s, "port"), text_of(s, "stage"),
		       text_of(s, "decision"), text_of(s, "text"));
		print_rule(json_object_get(s, "rule"));
	}
	printf("verdict: %s", text_of(result, "verdict"));
	json_array_foreach (json_object_get(result, "sent_to"), i, s)
		printf("%s%s", i ? ", " : " to ", json_string_value(s));
	putchar('\n');
}

void ctl_print_why(struct ctl_context *ctx, json_t *result)
{
	json_t *row;
	size_t i;

	if (!json_array_size(result))
		printf("nothing was dropped here\n");
	json_array_foreach (result, i, row) {
		printf("%.1f s ago: %s\n    %s: %s\n",
		       json_number_value(json_object_get(row, "seconds_ago")),
		       text_of(row, "packet"), text_of(row, "reason"), text_of(row, "text"));
		print_rule(json_object_get(row, "rule"));
		if (json_object_get(row, "guard")) {
			printf("    guards of the port");
			print_who(json_object_get(row, "guard"));
		}
		if (json_object_get(row, "isolation")) {
			printf("    isolated (%s)",
			       text_of(json_object_get(row, "isolation"), "reason"));
			print_who(json_object_get(row, "isolation"));
		}
		if (text_of(row, "check")[0])
			printf("    failing check: %s\n", text_of(row, "check"));
		printf("    to do: %s\n", text_of(row, "hint"));
	}
}

/* Frame number @n of a capture file, as the words "hex ..." */
static int read_frame(const char *file, json_int_t n, char **ret, struct vd_err *reterr)
{
	char why[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h = NULL;
	const u_char *d = NULL;
	pcap_t *p = pcap_open_offline(file, why);
	int rc = 0;

	if (!p)
		return vd_err_set(reterr, -EINVAL, VD_E_VALUE, "--pcap",
				  "give a pcap or pcapng file of Ethernet frames", "%s", why);
	if (pcap_datalink(p) != DLT_EN10MB)
		rc = vd_err_set(reterr, -EINVAL, VD_E_VALUE, "--pcap",
				"capture on an Ethernet port", "%s: its frames are not Ethernet",
				file);
	for (json_int_t i = 0; rc == 0 && i < n; i++)
		if (pcap_next_ex(p, &h, &d) != 1)
			rc = vd_err_set(reterr, -ENOENT, VD_E_VALUE, "--frame", "count from 1",
					"%s has %" JSON_INTEGER_FORMAT " frames", file, i);
	if (rc == 0) {
		*ret = malloc(h->caplen * 2 + 5);
		if (!*ret)
			rc = -ENOMEM;
	}
	if (rc == 0) {
		strcpy(*ret, "hex ");
		for (uint32_t i = 0; i < h->caplen; i++)
			sprintf(*ret + 4 + 2 * i, "%02x", d[i]);
	}
	pcap_close(p);
	return rc;
}

int ctl_run_trace(struct ctl_context *ctx, struct vd_err *reterr)
{
	const struct ctl_cmdline *cmd = ctx->cmd;
	const char *file = json_string_value(json_object_get(cmd->local, "pcap"));
	json_t *frame = json_object_get(cmd->local, "frame"), *params = json_copy(cmd->params);
	json_t *result = NULL;
	char *hex = NULL;
	int rc = 0;

	if (file) {
		rc = read_frame(file, frame ? json_integer_value(frame) : 1, &hex, reterr);
		if (rc == 0)
			json_object_set_new(params, "packet", json_string(hex));
		free(hex);
	} else if (!json_object_get(params, "packet")) {
		rc = vd_err_set(reterr, -EINVAL, VD_E_USAGE, "PACKET",
				"viridian trace --port web1 tcp 10.0.0.5:1234 > 10.0.0.9:443 "
				"(quote the >), or --pcap FILE",
				"no packet to trace");
	}
	if (rc == 0)
		rc = ctl_ask(ctx, cmd->verb->method, json_incref(params), &result, reterr);
	json_decref(params);
	if (rc)
		return rc;
	if (cmd->json)
		ctl_print_json(result);
	else
		print_trace(result);
	json_decref(result);
	return 0;
}
