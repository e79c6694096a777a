/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A RADIUS server changes its mind about a port (RFC 5176): Disconnect isolates it, CoA with
 * MS-Quarantine-State 1 or 2 restricts it to the remediation group (its rule's, or the one that Filter-Id names) and to
 * the remediation servers that the request names, 0 takes back what the server did.
 * An administrator's isolation is not touched: the answer is a NAK, 501.
 *
 * Listens on the policy's radius.coa_port, when it has one. Silently dropped, as the RFC wants: senders
 * that are not radius.server, wrong authenticators, timestamps more than 300 s off, repeats.
 *
 * Thread-safety: control thread. Proof: tests/net/nap-radius.test; attributes: nap-policy/radius.h.
 */
#pragma once

#include <stdint.h>

struct vsw_coa;
struct vsw_daemon;

/** Listen as the policy in force says, or stop. Called whenever it may have changed. */
void vsw_coa_sync(struct vsw_daemon *d);
/** Accepts NULL. */
void vsw_coa_destroy(struct vsw_coa *c);
