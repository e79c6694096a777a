/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filter rules: see filter_rule.h. */
#include "nap-policy/filter_rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_SIZE 256
#define WORDS_MAX     10

static const struct nap_port_range all_ports = {1, 65535};

/* Cut @line at blanks. Returns the number of words; WORDS_MAX + 1: too many. */
static unsigned int split(char *line, char *words[WORDS_MAX])
{
	unsigned int n = 0;
	char *save = NULL;

	for (char *w = strtok_r(line, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
		if (n == WORDS_MAX)
			return WORDS_MAX + 1;
		words[n++] = w;
	}
	return n;
}

static int read_ports(char *text, struct nap_port_range *ret, uint8_t *n)
{
	char *save = NULL;

	*n = 0;
	for (char *w = strtok_r(text, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		unsigned int first, last;
		char end;

		if (*n == NAP_PORTS_MAX || strlen(w) > 11 || strspn(w, "0123456789-") != strlen(w))
			return -EINVAL;
		if (sscanf(w, "%u-%u%c", &first, &last, &end) != 2) {
			if (sscanf(w, "%u%c", &first, &end) != 1)
				return -EINVAL;
			last = first;
		}
		if (first < 1 || last < first || last > 65535)
			return -EINVAL;
		ret[(*n)++] = (struct nap_port_range){(uint16_t)first, (uint16_t)last};
	}
	return *n ? 0 : -EINVAL;
}

static bool is(const char *word, const char *name, const char *number)
{
	return !strcmp(word, name) || !strcmp(word, number);
}

/* "permit in PROTO from any to HOST [PORTS]" */
static int permit(char **w, unsigned int n, struct nap_target *t)
{
	bool tcp = is(w[2], "tcp", "6"), udp = is(w[2], "udp", "17");
	bool icmp = is(w[2], "icmp", "1") || !strcmp(w[2], "58"), ip = is(w[2], "ip", "0");
	int r = 0;

	memset(t, 0, sizeof(*t));
	if ((!tcp && !udp && !icmp && !ip) || (n == 8 && !tcp && !udp) ||
	    vd_prefix_parse(w[6], &t->to) != 0 || t->to.len == 0)
		return -EINVAL;
	t->ping = icmp || ip;
	if (tcp || ip) {
		t->tcp[0] = all_ports;
		t->n_tcp = 1;
	}
	if (udp || ip) {
		t->udp[0] = all_ports;
		t->n_udp = 1;
	}
	if (n == 8)
		r = tcp ? read_ports(w[7], t->tcp, &t->n_tcp) : read_ports(w[7], t->udp, &t->n_udp);
	return r;
}

/* Return: 1 a target; 0 the last rule; -EINVAL. */
static int read_rule(char *line, struct nap_target *t)
{
	char *w[WORDS_MAX];
	unsigned int n = split(line, w);

	if ((n != 7 && n != 8) || strcmp(w[1], "in") || strcmp(w[3], "from") || strcmp(w[5], "to"))
		return -EINVAL;
	if (!strcmp(w[0], "deny") && n == 7 && is(w[2], "ip", "0") && !strcmp(w[4], "any") &&
	    !strcmp(w[6], "any"))
		return 0;
	if (strcmp(w[0], "permit") || (strcmp(w[4], "any") && strcmp(w[4], "assigned")))
		return -EINVAL;
	return permit(w, n, t) < 0 ? -EINVAL : 1;
}

int nap_filter_parse(const char *rules, struct nap_target *ret, unsigned int max, unsigned int *n)
{
	bool over = false;

	*n = 0;
	while (*rules) {
		size_t len = strcspn(rules, "\n");
		char line[LINE_MAX_SIZE];
		int r;

		if (len >= sizeof(line))
			return -EINVAL;
		memcpy(line, rules, len);
		line[len] = '\0';
		rules += len + (rules[len] == '\n');
		if (!len)
			continue;
		if (*n == max)
			return -E2BIG;
		/* behind the one that denies everything nothing has a meaning */
		r = over ? -EINVAL : read_rule(line, &ret[*n]);
		if (r < 0)
			return r;
		over = r == 0;
		*n += (unsigned int)r;
	}
	return 0;
}
