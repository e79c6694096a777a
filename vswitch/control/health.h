/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The health service that guests talk to: while a health policy is in force, its way from the ports
 * (vswitch/portal/portal.h) is open and its process (nap-policy/portal/portal.h) runs, started anew when it ends.
 * What the process asks is answered here; its word counts as far as a ticket goes that a port has now.
 *
 * Thread-safety: control thread. Proof: tests/net/nap-portal.test.
 */
#pragma once

#include <jansson.h>

#include "nap-policy/portal/ask.h"
#include "vswitch/control/daemon.h"

struct vsw_health;

/** Open, close, start as the policy in force wants it. Cheap when nothing changed. */
void vsw_health_sync(struct vsw_daemon *d);
/** When to sync again, if nothing happens (ms). Accepts NULL. */
uint64_t vsw_health_next(const struct vsw_health *h);
/** Accepts NULL. */
void vsw_health_destroy(struct vsw_health *h);

/** {"state": "running|waiting|off", "pid", "starts", "error", counters}. New reference. */
json_t *vsw_health_status(const struct vsw_health *h);

/* ---- health_answer.c ---- */

/** The machine of the port with @ticket said @bytes in DHCP (@foreign: something that speaks for another one): judge it.
 *  Returns the size of the answering statement in @ret; 0: none. */
size_t vsw_health_heard(struct vsw_daemon *d, uint32_t ticket, bool foreign, const uint8_t *bytes,
			size_t size, uint8_t *ret, size_t room);

/** What @ask with @body is told: fills @told and at most NAP_TOLD_MAX bytes at @ret. */
void vsw_health_answer(struct vsw_daemon *d, const struct nap_ask *ask, const uint8_t *body,
		       struct nap_told *told, uint8_t *ret);
