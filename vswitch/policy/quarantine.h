/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Confinement of a port on the packet path: every frame from and to its VM is asked of the allow set that
 * the health engine compiled (nap-policy/allow.h); what it does not name is dropped, what the switch
 * answers itself goes to the health service (portal.h). Nothing is
 * remembered from before the confinement: flows of access rules and NAT stay where they are and get no
 * frames, so that they go on when the port is released.
 *
 * Classes of frames have rates, counted per worker. Answers over UDP and echo replies pass while a question
 * of the VM is remembered in the flow table.
 *
 * Thread-safety: any worker. Proof: tests/unit/vswitch/policy/test_quarantine.c.
 */
#pragma once

#include <stdint.h>

#include "nap-policy/allow.h"
#include "vswitch/datapath/port.h"
#include "vswitch/model/policy.h"
#include "vswitch/policy/headers.h"

struct vsw_worker;
struct vsw_snap_port;
struct vsw_vec;
struct rte_mbuf;

/* How many frames of a class a worker let pass in the second under way. */
struct vsw_class_count {
	uint32_t second;
	uint16_t n[NAP_N_CLASSES];
} __rte_cache_aligned;

struct vsw_quarantine {
	struct nap_allow *allow; /* a reference */
	struct vsw_class_count count[VSW_WORKERS_MAX + 1];
};

/* One frame, parsed. */
struct vsw_look {
	uint8_t scratch[VSW_HEADERS_MAX];
	struct vsw_headers h;
	struct nap_frame f;
};

/** Parse @m for the allow set. @l is valid as long as @m is. */
void vsw_quarantine_look(struct rte_mbuf *m, struct vsw_look *l);

/** NULL on lack of memory. Takes a reference of its own. */
struct vsw_quarantine *vsw_quarantine_make(struct nap_allow *allow);
/** Accepts NULL. */
void vsw_quarantine_free(struct vsw_quarantine *q);

/** Frames of @v that the confined port @p may send stay. */
void vsw_quarantine_from_vm(struct vsw_worker *w, const struct vsw_snap_port *p, struct vsw_vec *v);
/** The same for frames to it; returns how many stay. */
uint16_t vsw_quarantine_to_vm(struct vsw_worker *w, const struct vsw_snap_port *p,
			      struct rte_mbuf **m, uint16_t n);

/** May @m, which @p let pass once, still be sent? Changes nothing. Sets *@why when not. */
bool vsw_quarantine_still(struct vsw_worker *w, const struct vsw_snap_port *p, enum vsw_dir dir,
			  struct rte_mbuf *m, enum vsw_drop *why);
