/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole RADIUS packets: what proves who sent them. Every Access-Request has a Message-Authenticator, and
 * an answer without one is nobody's: an Access-Accept protected only by its header can be forged by
 * somebody on the way.
 *
 * Source: RFC 2865 3, 3579 3.2, 5176 3. Thread-safety: pure functions.
 * Proof: tests/unit/nap-policy/test_radius_packet.c, tests/fuzz/fuzz_nap_carriers.c.
 */
#pragma once

#include "nap-policy/radius.h"

#define NAP_RADIUS_HEADER    20u
#define NAP_RADIUS_AUTH_SIZE 16u
#define NAP_RADIUS_AUTH_AT   4u

struct nap_radius_secret {
	char text[128];
	size_t size;
};

/** MD5 over the header with @auth in place of its authenticator, the attributes and the secret. */
void nap_radius_digest(const uint8_t *p, size_t size, const uint8_t auth[NAP_RADIUS_AUTH_SIZE],
		       const struct nap_radius_secret *secret, uint8_t ret[NAP_RADIUS_AUTH_SIZE]);

/** In time that does not depend on where the first difference is. */
bool nap_radius_same(const uint8_t a[NAP_RADIUS_AUTH_SIZE], const uint8_t b[NAP_RADIUS_AUTH_SIZE]);

/**
 * The Message-Authenticator of @p, computed with @auth in place of the header's.
 * Return: 1 there and right; 0 none; -EACCES wrong, or more than one; -EBADMSG attributes that contradict
 * their lengths.
 */
int nap_radius_message(const uint8_t *p, size_t size, const uint8_t auth[NAP_RADIUS_AUTH_SIZE],
		       const struct nap_radius_secret *secret);

/** Write an Access-Request with @id and @auth (random). Returns its size; 0: too small. */
size_t nap_radius_ask(const struct nap_radius_question *q, uint8_t id,
		      const uint8_t auth[NAP_RADIUS_AUTH_SIZE],
		      const struct nap_radius_secret *secret, uint8_t *buf, size_t size);

/** Is @p the answer to the request with @id and @auth, from somebody who knows the secret, whole and with a
 *  Message-Authenticator? */
bool nap_radius_genuine(const uint8_t *p, size_t size, uint8_t id,
			const uint8_t auth[NAP_RADIUS_AUTH_SIZE],
			const struct nap_radius_secret *secret);
