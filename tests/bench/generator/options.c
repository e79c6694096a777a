/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generator's command line: one table, so that a new option is one line. */
#include "options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum opt_type { OPT_U32, OPT_INT, OPT_DOUBLE, OPT_TEXT, OPT_FLAG };

static const struct opt_row {
	const char *name;
	enum opt_type type;
	size_t offset;
} opt_rows[] = {
#define ROW(name, type, field)                                  \
	{                                                       \
		name, type, offsetof(struct gen_options, field) \
	}
	ROW("size", OPT_U32, size),
	ROW("flows", OPT_U32, n_flows),
	ROW("macs", OPT_U32, n_macs),
	ROW("hosts", OPT_U32, n_hosts),
	ROW("vlan-a", OPT_U32, vlan[SIDE_A]),
	ROW("vlan-b", OPT_U32, vlan[SIDE_B]),
	ROW("ip-a", OPT_U32, ip[SIDE_A]),
	ROW("ip-b", OPT_U32, ip[SIDE_B]),
	ROW("dmac-a", OPT_TEXT, dmac[SIDE_A]),
	ROW("dmac-b", OPT_TEXT, dmac[SIDE_B]),
	ROW("proto", OPT_TEXT, proto),
	ROW("syn", OPT_FLAG, syn),
	ROW("gateway-a", OPT_U32, gateway[SIDE_A]),
	ROW("gateway-b", OPT_U32, gateway[SIDE_B]),
	ROW("honest", OPT_U32, honest),
	ROW("mode", OPT_TEXT, mode),
	ROW("dir", OPT_TEXT, dir),
	ROW("reflect", OPT_FLAG, reflect),
	ROW("settle", OPT_DOUBLE, settle_s),
	ROW("learn", OPT_FLAG, learn),
	ROW("learn-mpps", OPT_DOUBLE, learn_mpps),
	ROW("burst", OPT_U32, burst),
	ROW("ring", OPT_U32, ring),
	ROW("rxq", OPT_U32, n_rxq),
	ROW("warm", OPT_DOUBLE, warm_s),
	ROW("window", OPT_DOUBLE, window_s),
	ROW("windows", OPT_U32, n_windows),
	ROW("max-windows", OPT_U32, max_windows),
	ROW("patience", OPT_DOUBLE, patience_s),
	ROW("near-ns", OPT_DOUBLE, near_ns),
	ROW("max-wait", OPT_DOUBLE, max_wait),
	ROW("pings", OPT_U32, n_pings),
	ROW("gap-us", OPT_U32, gap_us),
	ROW("peer-core", OPT_INT, peer_core),
	ROW("watch", OPT_TEXT, watch),
	ROW("connect", OPT_DOUBLE, connect_s),
	ROW("netvsp-a", OPT_TEXT, netvsp[SIDE_A]),
	ROW("netvsp-b", OPT_TEXT, netvsp[SIDE_B]),
#undef ROW
};
#define N_ROWS (sizeof(opt_rows) / sizeof(opt_rows[0]))

static void refuse(const char *name, const char *value, const char *why)
{
	fprintf(stderr, "viridian-bench-gen: --%s %s: %s\n", name, value ? value : "", why);
	exit(2);
}

static void store(const struct opt_row *row, const char *text, struct gen_options *ret)
{
	void *field = (char *)ret + row->offset;
	char *end = NULL;

	switch (row->type) {
	case OPT_FLAG:
		*(bool *)field = true;
		return;
	case OPT_TEXT:
		*(const char **)field = text;
		return;
	case OPT_U32:
		*(uint32_t *)field = strtoul(text, &end, 0);
		break;
	case OPT_INT:
		*(int *)field = strtol(text, &end, 0);
		break;
	case OPT_DOUBLE:
		*(double *)field = strtod(text, &end);
		break;
	}
	if (end == text || *end)
		refuse(row->name, text, "not a number");
}

static void check(const struct gen_options *o)
{
	if (o->size < 60 || o->size > GEN_SUPER_MAX)
		refuse("size", NULL, "60..65214 bytes");
	if (gen_super(o) &&
	    (strcmp(o->proto, "tcp") || o->vlan[SIDE_A] || o->vlan[SIDE_B] || o->reflect))
		refuse("size", NULL, "above 1518 bytes: TCP, no tag, no --reflect");
	if (o->burst < 1 || o->burst > GEN_BURST_MAX)
		refuse("burst", NULL, "1..256");
	if (!o->n_flows || !o->n_macs || o->n_macs > o->n_flows || !o->n_hosts)
		refuse("flows/macs/hosts", NULL, "at least 1 each, and no more MACs than flows");
	if (strcmp(o->dir, "ab") && strcmp(o->dir, "ba") && strcmp(o->dir, "both"))
		refuse("dir", o->dir, "ab, ba or both");
	if (strcmp(o->mode, "throughput") && strcmp(o->mode, "latency") && strcmp(o->mode, "new"))
		refuse("mode", o->mode, "throughput, latency or new");
	if (o->mode[0] == 'n' && (o->reflect || o->learn || strcmp(o->dir, "ab")))
		refuse("mode", o->mode, "new goes with --dir ab alone");
	if (strcmp(o->proto, "udp") && strcmp(o->proto, "tcp"))
		refuse("proto", o->proto, "udp or tcp");
	if (o->reflect && strcmp(o->dir, "ab"))
		refuse("reflect", NULL, "goes with --dir ab: B only answers");
}

void options_parse(int argc, char **argv, struct gen_options *ret)
{
	struct option longs[N_ROWS + 1] = {0};
	int i, index;

	*ret = (struct gen_options){
		.size = 64,
		.n_flows = 1,
		.n_macs = 1,
		.n_hosts = 1,
		.proto = "udp",
		.ip = {0x0a000002, 0x14000002},
		.mode = "throughput",
		.dir = "ab",
		.learn_mpps = 1,
		.burst = 32,
		.ring = 1024,
		.n_rxq = 1,
		.warm_s = 0.5,
		.window_s = 0.35,
		.n_windows = 2,
		.max_windows = 6,
		.patience_s = 5,
		.near_ns = 90,
		.max_wait = 0.03,
		.n_pings = 50000,
		.peer_core = -1,
		.connect_s = 10,
	};
	for (i = 0; i < (int)N_ROWS; i++)
		longs[i] = (struct option){
			opt_rows[i].name,
			opt_rows[i].type == OPT_FLAG ? no_argument : required_argument, NULL, 0};
	while ((i = getopt_long(argc, argv, "", longs, &index)) != -1) {
		if (i)
			exit(2); /* getopt has said why */
		store(&opt_rows[index], optarg, ret);
	}
	if (optind < argc)
		refuse("?", argv[optind], "unexpected argument");
	check(ret);
}
