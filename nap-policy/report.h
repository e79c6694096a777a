/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was said about a machine's health: a list of facts, each about one named thing. Reports come as
 * JSON (host, agent), as Microsoft's Statement of Health (soh_facts.h), or from a RADIUS server
 * (radius.h); here they are all the same.
 *
 *   {"report": 1, "os": "linux", "os_version": "Debian 12", "machine": "web1",
 *    "checks": {"firewall": {"is": ["enabled"], "detail": "nftables, 12 rules"},
 *               "patches": {"is": ["current"], "count": 0, "age": "3h"},
 *               "av": {"failure": "client-component"}},
 *    "port": "web1", "counter": 7, "nonce": "32 hexadecimal digits"}
 *
 * Only "report" and "checks" are required. "port" is a claim that must be true; counter and nonce answer
 * a challenge. The text is a stranger's: everything is bounded and checked before it counts.
 *
 * Thread-safety: pure functions. Proof: tests/unit/nap-policy/test_report.c, tests/fuzz/fuzz_nap_report.c.
 */
#pragma once

#include <jansson.h>

#include "base/doc.h"
#include "base/err.h"
#include "nap-policy/types.h"

#define NAP_REPORT_VERSION  1
#define NAP_REPORT_SIZE_MAX 16384 /* bytes of text from a guest */
#define NAP_DETAIL_SIZE     96
#define NAP_OS_SIZE         16
#define NAP_NONCE_SIZE      16

struct nap_fact {
	char name[NAP_NAME_SIZE];
	uint8_t source;  /* enum nap_source */
	uint8_t failure; /* enum nap_failure: the rest says nothing unless it is NAP_NO_FAILURE */
	bool has_count, has_age;
	uint32_t words;
	uint32_t count;
	uint64_t age_ms;      /* of what it speaks of, at @received_ms */
	uint64_t received_ms; /* monotonic */
	uint64_t until_ms;    /* says nothing from then on, whatever the policy; NAP_NEVER */
	char detail[NAP_DETAIL_SIZE];
};

struct nap_report {
	enum nap_source source;
	char os[NAP_OS_SIZE]; /* "linux", "windows"; empty: not said */
	char os_version[NAP_NAME_SIZE];
	char machine[NAP_NAME_SIZE];
	char port[2 * NAP_NAME_SIZE]; /* claimed; empty: not said */
	bool has_nonce;
	uint64_t counter;
	uint8_t nonce[NAP_NONCE_SIZE];
	struct nap_fact facts[NAP_FACTS_MAX];
	unsigned int n_facts;
};

/** Read the JSON form, as said by @source at @now. *@ret is the caller's, and filled only on success.
 *  Return: 0; -EINVAL. */
int nap_report_from_json(json_t *j, const struct vd_doc *doc, enum nap_source source,
			 struct nap_time now, struct nap_report *ret, struct vd_err *reterr);

/** The same from text. -E2BIG beyond NAP_REPORT_SIZE_MAX. */
int nap_report_parse(const char *text, size_t size, const char *file, enum nap_source source,
		     struct nap_time now, struct nap_report *ret, struct vd_err *reterr);

/** A new fact in @r, or NULL when it is full. @name must be a valid name. */
struct nap_fact *nap_report_add(struct nap_report *r, const char *name, struct nap_time now);

/** Copy @text into @ret, replacing what is no printable ASCII. */
void nap_text_clean(char *ret, size_t size, const char *text, size_t len);

/** Hexadecimal to exactly @size bytes. */
bool nap_hex_parse(const char *text, uint8_t *ret, size_t size);
/** @ret has room for 2 * @size + 1. Returns @ret. */
const char *nap_hex_format(const uint8_t *bytes, size_t size, char *ret);
