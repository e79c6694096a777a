/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filter rules of a RADIUS answer (NAS-Filter-Rule) as peers that stay reachable. What is understood:
 *
 *   permit in PROTO from any|assigned to HOST[/BITS] [PORTS]     PROTO: ip, tcp, udp, icmp or their numbers
 *   deny in ip from any to any                                   last; it is so anyhow
 *
 * PORTS is a list, "80,443,8000-8010". Anything else is an error, and an answer with an error restricts.
 *
 * Source: RFC 4849, IPFilterRule of RFC 6733 4.3.1. Thread-safety: pure.
 * Proof: tests/unit/nap-policy/test_filter_rule.c, tests/fuzz/fuzz_nap_carriers.c.
 */
#pragma once

#include "nap-policy/policy.h"

/** Read rules that are separated by line feeds. Return: 0 and *@n of @ret[@max]; -EINVAL: one is not
 *  understood; -E2BIG: more than @max. */
int nap_filter_parse(const char *rules, struct nap_target *ret, unsigned int max, unsigned int *n);
