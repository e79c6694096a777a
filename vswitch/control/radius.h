/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy server is asked about ports: an Access-Request with the port's statement of health, if there is one; the
 * answer is a fact ("radius", compliant or not, of source radius) and terms (terms.h). Ports are asked about whose
 * rule has a check that takes its word; again after half of the time that the answer is good for, and at once when
 * a new statement comes.
 *
 * Nobody answers (three times radius.timeout): the fact says so, which fails the check; with "when_down: last" the
 * last answer stays until it expires. An answer that is not fully understood, or a challenge, restricts.
 *
 * Why not radcli or FreeRADIUS' library: both wait for the answer inside the call, which would stop the control
 * thread of the switch for as long as a server is dead, and neither sends statements of more than one
 * attribute. Attributes and authenticators are nap-policy/radius.h and radius_packet.h.
 *
 * Thread-safety: control thread. Proof: tests/net/nap-policy-server.test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nap-policy/radius_packet.h"

struct vsw_daemon;
struct vsw_radius;

/** Open or close the way to the server as the policy says, repeat questions, ask what is due. Returns when to
 *  call again (ms). */
uint64_t vsw_radius_tick(struct vsw_daemon *d, uint64_t now_ms);
/** Accepts NULL. */
void vsw_radius_destroy(struct vsw_radius *r);

/** The first line of @path. False: there is none. */
bool vsw_radius_read_secret(const char *path, struct nap_radius_secret *ret);
