/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viridian-health: says what is true of this Linux machine's health, as a report that viridian nap report
 * takes. Looks, changes nothing, keeps nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nap-policy/agent/facts.h"
#include "nap-policy/agent/send.h"

#define SERVICES_MAX 32

static const char usage_text[] =
	"usage: viridian-health [--service NAME]... [--output FILE]\n"
	"       viridian-health [--service NAME]... --report [--to ADDRESS] [--interface NAME] "
	"[--every SECONDS]\n"
	"\n"
	"Writes a report of this machine's health as JSON: packet filter, security updates, "
	"kernel, mandatory\n"
	"access control, disk encryption, and whether the services named run.\n"
	"FILE may be a virtio port (/dev/virtio-ports/NAME) that the host reads. Default: standard "
	"output.\n"
	"With --report it is sent to the switch that this machine is connected to (" HEALTH_IPV6
	", " HEALTH_IPV4 ",\n"
	"on every interface unless one is named), and the verdict printed. --every: again and "
	"again.\n"
	"Status: 0 done; with --report full access; 1 failed; 2 usage; 3 reported and confined.\n";

#define EVERY_MIN_S 5
#define EVERY_MAX_S 86400

static void quoted(FILE *o, const char *s)
{
	fputc('"', o);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			fprintf(o, "\\%c", c);
		else
			fputc(c < 0x20 || c >= 0x7f ? '?' : c, o);
	}
	fputc('"', o);
}

static void put(FILE *o, const char *name, const struct health_fact *f, bool first)
{
	fprintf(o, "%s\n    ", first ? "" : ",");
	quoted(o, name);
	fputs(": {", o);
	if (f->failed) {
		fputs("\"failure\": \"client-component\"", o);
	} else {
		fputs("\"is\": [", o);
		for (int i = 0; i < 4 && f->is[i]; i++) {
			fputs(i ? ", " : "", o);
			quoted(o, f->is[i]);
		}
		fputc(']', o);
		if (f->count >= 0)
			fprintf(o, ", \"count\": %ld", f->count);
		if (f->age_s >= 0)
			fprintf(o, ", \"age\": %lld", f->age_s);
	}
	fputs(", \"detail\": ", o);
	quoted(o, f->detail);
	fputc('}', o);
}

/* PRETTY_NAME of os-release(5). */
static void os_version(char *buf, size_t size)
{
	FILE *f = fopen("/etc/os-release", "re");
	char line[256];

	snprintf(buf, size, "unknown");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "PRETTY_NAME=", 12)) {
			line[strcspn(line, "\n")] = '\0';
			snprintf(buf, size, "%.60s", line[12] == '"' ? line + 13 : line + 12);
			buf[strcspn(buf, "\"")] = '\0';
		}
	if (f)
		fclose(f);
}

static void report(FILE *o, const char *const *services, int n)
{
	static const struct {
		const char *name;
		void (*look)(struct health_fact *f);
	} facts[] = {{"firewall", health_firewall},
		     {"patches", health_patches},
		     {"kernel", health_kernel},
		     {"mac", health_mac},
		     {"disk", health_disk}};
	char os[64], host[65] = "";

	os_version(os, sizeof(os));
	gethostname(host, sizeof(host) - 1);
	fputs("{\n  \"report\": 1,\n  \"os\": \"linux\",\n  \"os_version\": ", o);
	quoted(o, os);
	fputs(",\n  \"machine\": ", o);
	quoted(o, host);
	fputs(",\n  \"checks\": {", o);
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		struct health_fact f = {.count = -1, .age_s = -1};

		facts[i].look(&f);
		put(o, facts[i].name, &f, i == 0);
	}
	for (int i = 0; i < n; i++) {
		struct health_fact f = {.count = -1, .age_s = -1};
		char name[64];

		health_service(services[i], &f);
		snprintf(name, sizeof(name), "service.%.50s", services[i]);
		put(o, name, &f, false);
	}
	fputs("\n  }\n}\n", o);
}

static bool plain_name(const char *s)
{
	return s[0] && strlen(s) < 50 &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       strlen(s);
}

/* Report once. Returns the status to end with. */
static int report_to(struct health_service *s, const char *const *services, int n)
{
	static char answer[HEALTH_ANSWER_SIZE];
	struct health_challenge challenge;
	char *text = NULL;
	size_t size = 0;
	int status = -1;
	FILE *o;

	o = open_memstream(&text, &size);
	if (!o)
		return 1;
	/* looking may take its time, and a challenge has little */
	report(o, services, n);
	if (fclose(o) == 0 && health_challenge(s, &challenge) == 0)
		status = health_send(s, &challenge, text, size, answer);
	free(text);
	if (status < 0)
		return 1;
	puts(answer);
	fflush(stdout);
	if (status != 200)
		return 1;
	return strstr(answer, "\"access\":\"full\"") ? 0 : 3;
}

/* What the command line asks for. */
struct wanted {
	const char *services[SERVICES_MAX], *output;
	struct health_service service;
	unsigned int every_s;
	int n;
	bool report;
};

static bool number(const char *s, unsigned int *ret)
{
	char *end;
	unsigned long v = strtoul(s, &end, 10);

	*ret = (unsigned int)v;
	return s[0] >= '0' && s[0] <= '9' && !*end && v >= EVERY_MIN_S && v <= EVERY_MAX_S;
}

/* One option and what follows it. Returns how many words it took; 0: not understood. */
static int option(struct wanted *w, const char *word, const char *value)
{
	if (!strcmp(word, "--report"))
		return (w->report = true);
	if (!value)
		return 0;
	if (!strcmp(word, "--service") && w->n < SERVICES_MAX && plain_name(value))
		w->services[w->n++] = value;
	else if (!strcmp(word, "--output"))
		w->output = value;
	else if (!strcmp(word, "--to"))
		w->service.address = value;
	else if (!strcmp(word, "--interface"))
		w->service.interface = value;
	else if (strcmp(word, "--every") || !number(value, &w->every_s))
		return 0;
	return 2;
}

int main(int argc, char **argv)
{
	struct wanted w = {.output = NULL};
	FILE *o = stdout;
	int status;

	for (int i = 1, k; i < argc; i += k) {
		k = option(&w, argv[i], argv[i + 1]);
		if (!k) {
			bool help = !strcmp(argv[i], "--help");

			fputs(usage_text, help ? stdout : stderr);
			return help ? 0 : 2;
		}
	}
	while (w.report) {
		status = report_to(&w.service, w.services, w.n);
		if (!w.every_s)
			return status;
		sleep(w.every_s);
	}
	if (w.output)
		o = fopen(w.output, "we");
	if (!o) {
		fprintf(stderr, "viridian-health: cannot write %s: %m\n", w.output);
		return 1;
	}
	report(o, w.services, w.n);
	if (fflush(o) || (w.output && fclose(o))) {
		fprintf(stderr, "viridian-health: cannot write: %m\n");
		return 1;
	}
	return 0;
}
