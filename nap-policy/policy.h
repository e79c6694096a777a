/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A health policy as data: which things a report must show (checks), for which ports (ordered rules,
 * the first that matches decides), how strictly (mode), and what a restricted port may still reach
 * (remediation groups). The document's keys: docs/reference/quarantine.md, JSON Schema beside it.
 *
 * Nothing here judges a report: engine.h does. Everything is validated when read: unknown keys,
 * unknown names and impossible values are errors with file:line:column.
 *
 * Thread-safety: one policy, one thread; read-only once made. Proof:
 * tests/unit/nap-policy/test_policy.c, tests/fuzz/fuzz_nap_policy.c.
 */
#pragma once

#include <jansson.h>

#include "base/doc.h"
#include "base/err.h"
#include "base/prefix.h"
#include "nap-policy/types.h"

#define NAP_POLICY_VERSION 1
#define NAP_DNS_NAME_SIZE  254
#define NAP_RESOLVERS_MAX  4
#define NAP_RESOLVERS_SIZE 256 /* of all of them as one text */

struct nap_check {
	char name[NAP_NAME_SIZE];
	char fact[NAP_NAME_SIZE]; /* what of the report it looks at; its own name unless given */
	uint8_t sources[NAP_N_SOURCES]; /* enum nap_source, in order of preference */
	unsigned int n_sources;
	uint32_t require; /* words that must be there */
	uint32_t forbid;  /* words that must not */
	uint32_t max_count;
	bool has_max_count;
	uint64_t max_age_ms; /* of what the report speaks of; 0: any */
	bool blocking;       /* false: shown, and confines nobody */
	char fix[NAP_TEXT_SIZE];
};

/** Names with '*' for any run of characters; empty: matches everything. */
struct nap_patterns {
	char (*v)[NAP_NAME_SIZE * 2];
	unsigned int n;
};

struct nap_rule {
	char name[NAP_NAME_SIZE]; /* "rule 3" unless given */
	struct nap_patterns port, sw, tag, os;
	enum nap_mode mode;
	int64_t until_s; /* DEFERRED: enforced from this Unix time on */
	bool exempt;
	char reason[NAP_TEXT_SIZE];
	uint32_t checks; /* bit i: checks[i] is asked */
	uint64_t grace_ms, validity_ms, dwell_ms;
	uint16_t group; /* remediation group; NAP_NO_GROUP: none */
	uint16_t vlan;  /* of its ports while they are confined; 0: their own */
	char url[NAP_TEXT_SIZE];
};

#define NAP_NO_GROUP UINT16_MAX

struct nap_port_range {
	uint16_t first, last;
};

/** One peer that stays reachable. */
struct nap_target {
	struct vd_prefix to;          /* family 0: @name has to be resolved */
	char name[NAP_DNS_NAME_SIZE]; /* what the built-in resolver answers for; may be empty */
	struct nap_port_range tcp[NAP_PORTS_MAX], udp[NAP_PORTS_MAX];
	uint8_t n_tcp, n_udp;
	bool ping;     /* ICMP echo, small and slow */
	bool initiate; /* the peer may begin, too */
};

struct nap_group {
	char name[NAP_NAME_SIZE];
	struct nap_target *targets;
	unsigned int n_targets;
};

/** Where a guest reports, and what answers it there. */
struct nap_portal {
	struct vd_prefix ipv4, ipv6; /* link-local hosts */
	char url[NAP_TEXT_SIZE];     /* more for people to read; may be empty */
};

struct nap_radius {
	char server[NAP_DNS_NAME_SIZE]; /* empty: no policy server is asked */
	uint16_t port, coa_port;        /* coa_port 0: no change of authorization */
	char secret_file[NAP_TEXT_SIZE];
	bool when_down_last; /* unreachable: the last verdict until it expires, else restricted */
	bool soh_wrapped;    /* statements of health go to it in PEAP's TLVs */
	uint64_t timeout_ms; /* for one answer; asked three times */
};

struct nap_policy {
	enum nap_mode mode;  /* of rules that name none, and of ports that no rule matches */
	int64_t until_s;     /* with DEFERRED */
	bool unmatched_full; /* ports that no rule matches are left alone */
	uint16_t vlan;       /* of rules that name none */
	bool failure_passes[NAP_N_FAILURES];
	struct nap_check *checks;
	unsigned int n_checks;
	struct nap_rule *rules;
	unsigned int n_rules;
	struct nap_group *groups;
	unsigned int n_groups;
	uint16_t default_group, forensic_group; /* NAP_NO_GROUP: none */
	struct vd_prefix dhcp[8]; /* servers; none: any that the switch's guards allow */
	unsigned int n_dhcp;
	struct vd_prefix dns[8]; /* resolvers beside the built-in one */
	unsigned int n_dns;
	struct vd_prefix gateways[16]; /* routers: ARP, ND, errors; nothing else is sent to them */
	unsigned int n_gateways;
	struct nap_portal portal;
	char resolvers[NAP_RESOLVERS_SIZE]; /* "ADDRESS[:PORT],..."; empty: the host's own */
	struct nap_radius radius;
};

/** Read the JSON form. @doc (may be NULL) supplies positions. Return: 0 and *@ret; -EINVAL; -ENOMEM. */
int nap_policy_from_json(json_t *j, const struct vd_doc *doc, struct nap_policy **ret,
			 struct vd_err *reterr);

/** Accepts NULL. */
void nap_policy_free(struct nap_policy *p);

/** Whom a policy speaks of; texts are borrowed. */
struct nap_subject {
	const char *port;
	const char *sw;
	const char *const *tags;
	unsigned int n_tags;
	const char *os; /* as the last report said; NULL: not known */
};

/** Index of the first rule that matches, or -1. */
int nap_policy_match(const struct nap_policy *p, const struct nap_subject *s);

/** '*' stands for any run of characters, nothing else is special. */
bool nap_pattern_match(const char *pattern, const char *text);
