/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the agent looks at on a Linux machine. Each function fills one fact; one that cannot look says so
 * instead of guessing. Nothing is changed, nothing is sent.
 *
 * Thread-safety: one thread. Proof: tests/net/nap-agent.test.
 */
#pragma once

#include <stdbool.h>

#define HEALTH_DETAIL_SIZE 96

struct health_fact {
	bool failed;       /* could not be looked at */
	const char *is[4]; /* words of nap-policy/words.def; NULL ends */
	long count;        /* of what is wrong; -1: not said */
	long long age_s;   /* of what is there; -1: not said */
	char detail[HEALTH_DETAIL_SIZE];
};

/** Is there a packet filter on what comes in: nftables in this network namespace, or legacy iptables. */
void health_firewall(struct health_fact *f);
/** Security updates that wait, and how old the knowledge of them is (Debian and its relatives). */
void health_patches(struct health_fact *f);
/** The running kernel, and whether another one waits for a restart. */
void health_kernel(struct health_fact *f);
/** SELinux or AppArmor. */
void health_mac(struct health_fact *f);
/** Is the root file system on an encrypted device? */
void health_disk(struct health_fact *f);
/** Does a process of this name run? */
void health_service(const char *name, struct health_fact *f);
