/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Talking to the health service of the switch: HTTP/1.1 over one short connection a request, to a link-local address
 * that needs neither DHCP nor a route. Tries every interface until one is answered.
 *
 * Thread-safety: none. Source: RFC 9112. Proof: tests/net/nap-portal.test.
 */
#pragma once

#include <stddef.h>

#define HEALTH_IPV4        "169.254.78.65"
#define HEALTH_IPV6        "fe80::4e41"
#define HEALTH_ANSWER_SIZE 65536

struct health_service {
	const char *address;   /* NULL: those above */
	const char *interface; /* NULL: each that is up */
	char via[64];          /* where it was found last: "fe80::4e41%eth0"; empty: not yet */
};

/** What the next report has to answer. */
struct health_challenge {
	unsigned long long counter;
	char nonce[33]; /* hexadecimal */
};

/** Ask for a challenge. Return: 0; -1: nobody answers as the service does, said on standard error. */
int health_challenge(struct health_service *s, struct health_challenge *ret);

/** Send @report (JSON, @size bytes), which answers @challenge. @answer (HEALTH_ANSWER_SIZE) gets the body. Return: HTTP's status; -1: none. */
int health_send(struct health_service *s, const struct health_challenge *challenge,
		const char *report, size_t size, char *answer);
