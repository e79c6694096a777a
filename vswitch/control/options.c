/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's command line: see options.h. */
#include "vswitch/control/options.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/names.h"

enum { OPT_CONFIG = 256, OPT_STATE, OPT_SOCKET, OPT_WORKERS, OPT_MEMORY, OPT_POLL, OPT_LOG };

static const struct option options[] = {
	{"config", required_argument, NULL, OPT_CONFIG},
	{"state", required_argument, NULL, OPT_STATE},
	{"socket", required_argument, NULL, OPT_SOCKET},
	{"workers", required_argument, NULL, OPT_WORKERS},
	{"memory", required_argument, NULL, OPT_MEMORY},
	{"poll", no_argument, NULL, OPT_POLL},
	{"log-level", required_argument, NULL, OPT_LOG},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

void vsw_options_help(FILE *out)
{
	fprintf(out,
		"viridiand - the switch daemon of Viridian\n"
		"\n"
		"Usage: viridiand [OPTION]...\n"
		"\n"
		"  --config FILE     start with the configuration of FILE (YAML or JSON); it "
		"replaces\n"
		"                    the saved one\n"
		"  --state DIR       keep the configuration in DIR (default %s)\n"
		"  --socket PATH     listen for viridian(1) here (default $VIRIDIAN_SOCKET, else\n"
		"                    %s)\n"
		"  --workers CORES   one worker on each of these CPUs, as in 2,4-7; or any:N for "
		"N\n"
		"                    workers that the kernel places (default any:1)\n"
		"  --memory MIB      memory for packets, %u-%u (default %u)\n"
		"  --poll            workers never sleep: lowest latency, a full CPU each\n"
		"  --log-level L     error, warning, notice, info or debug (default info)\n"
		"  --help, --version\n"
		"\n"
		"Needs no hugepages, no PCI device and no configuration. See viridiand(8).\n",
		VSW_STATE_DEFAULT, VSW_SOCKET_DEFAULT, VSW_MEMORY_MIN, VSW_MEMORY_MAX,
		VSW_MEMORY_DEFAULT);
}

static int usage(struct vd_err *e, const char *what, const char *value, const char *allowed)
{
	return vd_err_set(e, -EINVAL, VD_E_USAGE, NULL, "viridiand --help", "%s%s%s%s%s", what,
			  value ? " " : "", value ? value : "", allowed[0] ? ": " : "", allowed);
}

static bool number(const char **p, unsigned long max, unsigned long *ret)
{
	char *end;

	if (**p < '0' || **p > '9')
		return false;
	errno = 0;
	*ret = strtoul(*p, &end, 10);
	*p = end;
	return !errno && *ret <= max;
}

static int parse_workers(const char *text, struct vsw_options *o, struct vd_err *reterr)
{
	static const char allowed[] = "write CPUs as 2,4-7, or any:N (at most 16 workers)";
	const char *p = text;
	unsigned long from, to;

	o->n_workers = 0;
	if (!strncmp(text, "any:", 4)) {
		p += 4;
		if (!number(&p, VSW_CORES_MAX, &to) || *p || !to)
			return usage(reterr, "--workers", text, allowed);
		for (; o->n_workers < to; o->n_workers++)
			o->cores[o->n_workers] = -1;
		return 0;
	}
	for (;; p++) {
		if (!number(&p, CPU_SETSIZE - 1, &from))
			return usage(reterr, "--workers", text, allowed);
		to = from;
		if (*p == '-' && (p++, !number(&p, CPU_SETSIZE - 1, &to)))
			return usage(reterr, "--workers", text, allowed);
		for (; from <= to; from++) {
			if (o->n_workers == VSW_CORES_MAX)
				return usage(reterr, "--workers", text, allowed);
			for (uint16_t i = 0; i < o->n_workers; i++)
				if (o->cores[i] == (int)from)
					return usage(reterr, "--workers", text,
						     "a CPU is named twice");
			o->cores[o->n_workers++] = (int)from;
		}
		if (*p != ',')
			break;
	}
	if (*p || !o->n_workers)
		return usage(reterr, "--workers", text, allowed);
	return 0;
}

static int parse_level(const char *text, int *ret, struct vd_err *reterr)
{
	static const struct {
		const char *name;
		int level;
	} levels[] = {{"error", LOG_ERR},     {"err", LOG_ERR},   {"warning", LOG_WARNING},
		      {"notice", LOG_NOTICE}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (!strcmp(levels[i].name, text)) {
			*ret = levels[i].level;
			return 0;
		}
	return usage(reterr, "--log-level", text, "use error, warning, notice, info or debug");
}

static int parse_one(int c, struct vsw_options *o, struct vd_err *reterr)
{
	const char *p = optarg;
	unsigned long n;

	switch (c) {
	case OPT_CONFIG:
		o->config = optarg;
		return 0;
	case OPT_STATE:
		o->state = optarg;
		return *optarg ? 0 : usage(reterr, "--state", NULL, "name a folder");
	case OPT_SOCKET:
		o->socket = optarg;
		return 0;
	case OPT_WORKERS:
		return parse_workers(optarg, o, reterr);
	case OPT_MEMORY:
		if (!number(&p, VSW_MEMORY_MAX, &n) || *p || n < VSW_MEMORY_MIN)
			return usage(reterr, "--memory", optarg, "give MiB, 32-65536");
		o->memory_mib = (uint32_t)n;
		return 0;
	case OPT_POLL:
		o->poll = true;
		return 0;
	case OPT_LOG:
		return parse_level(optarg, &o->log_level, reterr);
	case 'h':
		o->help = true;
		return 0;
	case 'V':
		o->version = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static int unknown_option(const char *word, struct vd_err *reterr)
{
	const char *names[sizeof(options) / sizeof(options[0]) - 1], *best;
	char hint[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		names[i] = options[i].name;
	best = strncmp(word, "--", 2)
		       ? NULL
		       : vd_suggest(word + 2, names, sizeof(names) / sizeof(names[0]));
	snprintf(hint, sizeof(hint), best ? "did you mean --%s?" : "viridiand --help", best);
	return vd_err_set(reterr, -EINVAL, VD_E_USAGE, NULL, hint,
			  "%s is not an option, or lacks or refuses a value", word);
}

int vsw_options_parse(int argc, char **argv, const char *env_socket, struct vsw_options *ret,
		      struct vd_err *reterr)
{
	struct vsw_options o = {.state = VSW_STATE_DEFAULT,
				.socket =
					env_socket && *env_socket ? env_socket : VSW_SOCKET_DEFAULT,
				.cores = {-1},
				.n_workers = 1,
				.memory_mib = VSW_MEMORY_DEFAULT,
				.log_level = LOG_INFO};
	int c, rc;

	optind = 0; /* start over: tests parse many lines */
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (c == '?' || c == ':')
			return unknown_option(argv[optind - 1], reterr);
		rc = parse_one(c, &o, reterr);
		if (rc)
			return rc;
	}
	if (optind < argc)
		return unknown_option(argv[optind], reterr);
	if (o.socket[0] != '/' || strlen(o.socket) >= 108)
		return usage(reterr, "--socket", o.socket,
			     "give an absolute path shorter than 108 bytes");
	*ret = o;
	return 0;
}
