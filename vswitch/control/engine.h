/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine owns the configuration and makes it true: it opens and closes back ends, publishes
 * snapshots to the data plane, saves. One change at a time, all or nothing:
 *
 *   complete and validate the next model -> plan (plan.h) -> open what is new -> change live settings
 *   -> write the state file beside the old one -> close what stands in the way of something new
 *   -> publish -> rename the state file -> close what is gone
 *
 * An error at any step undoes the steps before it. Only a port whose device must close before its
 * successor opens (same interface, other options) loses traffic when that successor fails.
 *
 * Desired and actual state differ in one case: at start a device may be missing. Its port then stays in
 * the configuration, without a back end, with its error shown, and is tried again.
 *
 * Thread-safety: control thread. Proof: tests/net (apply, restart), tests/unit/vswitch/control.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "vswitch/control/meters.h"
#include "vswitch/control/store.h"
#include "vswitch/datapath/dataplane.h"
#include "vswitch/model/model.h"

struct vsw_nap;

/** The run-time side of a configured port. */
struct vsw_rt_port {
	struct vsw_port *port; /* NULL: the back end is not open */
	json_t *left;        /* what a crashed run left of its device, until taken over; or NULL */
	bool hidden;         /* must not be published now */
	bool mac_assigned;   /* by us, not given by the user */
	bool first_mac_told; /* its first-frame address is known to all */
	bool connected;      /* as last told to subscribers */
	uint64_t link_up_at_ms; /* the link comes up again then (after a move); 0: nothing to do */
	uint64_t
		announce_at_ms; /* uplink whose link changed, guest that came here: tell the network again then */
	unsigned int announces; /* how often still */
	uint64_t retry_at_ms;   /* not open: tried again then */
	uint32_t retry_wait_ms;
	struct vd_err fault; /* not open: why */
	struct vsw_meters meters;
};

struct vsw_rt_switch {
	struct vsw_fdb *fdb;
	uint64_t next_age_ms;
};

struct vsw_hostnat;

struct vsw_engine {
	struct vsw_dataplane *dp;
	struct vsw_store *store;
	struct vsw_model model;         /* what is configured */
	struct vsw_rt_port **ports;     /* [model.n_ports], parallel */
	struct vsw_rt_switch *switches; /* [model.n_switches], parallel */
	struct vsw_hostnat *nat;        /* borrowed; NULL: NAT networks are only configuration */
	json_t *leases;          /* of an earlier run, of ports that were not open since; or NULL */
	uint64_t leases_serial;  /* of what was written down */
	uint64_t idle_at_ms;     /* unused addresses are forgotten then */
	uint64_t meters_hash;    /* of what was written down ... */
	uint64_t next_meters_ms; /* ... and when it is looked at next */
	bool meters_fault;       /* it could not be written */
	struct vsw_mirror_rt *mirrors; /* list: sessions that run */
	bool restoring;                /* the saved configuration is being made true */
	struct vsw_nap *nap;           /* quarantine.h; NULL: none yet */
	json_t *leftovers;             /* of a crashed run, until taken over; NULL */
	uint64_t generation;           /* of the configuration */
	uint64_t next_nats_ms;         /* when data-plane NAT networks are looked after next */
	/** Told after every change; @params is borrowed. May be NULL. */
	void (*event)(void *ctx, const char *kind, json_t *params);
	/** @port is about to be destroyed; workers do not use it any more. May be NULL. */
	void (*closing)(void *ctx, const struct vsw_port *port);
	void *ctx;
};

enum vsw_apply_flags {
	VSW_APPLY_DRY_RUN = 1,
	VSW_APPLY_FORCE =
		4, /* although routes or programs of the host are in the way of a NAT network */
	VSW_APPLY_START = 2, /* devices that cannot be opened do not fail the change; always save */
};

struct vsw_apply {
	struct vsw_model *next; /* taken (and emptied) in any case */
	unsigned int flags;
	json_t *root; /* with @doc: where @next came from, for positions in errors; or NULL */
	const struct vd_doc *doc;
	json_t *assigned; /* START: uuids whose MAC was assigned by an earlier run; or NULL */
	const char *who;  /* set the access rules that do not say; NULL: unknown */
	json_t *warnings; /* array: what a person should know of access rules that change; or NULL */
};

/** @dp and @store are borrowed. -ENOMEM. */
int vsw_engine_create(struct vsw_dataplane *dp, struct vsw_store *store, struct vsw_engine **ret);

/** Make @a->next the configuration. *@changes: vsw_model_diff() from the present one (new
 *  reference), also when nothing was done because nothing differs or it was a dry run. */
int vsw_engine_apply(struct vsw_engine *e, struct vsw_apply *a, json_t **changes,
		     struct vd_err *reterr);

/** Read the saved configuration and make it true. */
int vsw_engine_restore(struct vsw_engine *e, struct vd_err *reterr);

/** Remove what a crashed run left and nobody took over. Once, after the start-up configuration. */
void vsw_engine_clean_leftovers(struct vsw_engine *e);

/** A back end or a worker reported something (vsw_io_env.notify()). */
void vsw_engine_io_changed(struct vsw_engine *e);

/** Do what time asks for: ageing, links that come up again, devices to try again.
 *  Returns when to call again (same clock, ms). */
uint64_t vsw_engine_tick(struct vsw_engine *e, uint64_t now_ms);

/** Close everything. The configuration stays saved. Accepts NULL. */
void vsw_engine_destroy(struct vsw_engine *e);

/** Index of an object of @e->model. */
static inline unsigned int vsw_engine_port_index(const struct vsw_engine *e,
						 const struct vsw_port_cfg *p)
{
	return (unsigned int)(p - e->model.ports);
}

/** Milliseconds of CLOCK_MONOTONIC. */
uint64_t vsw_now_ms(void);

/* ---- between the files of the engine ---- */

/** Open the back end of @cfg (a port of @m) as @rt->port. */
int vsw_rt_open(struct vsw_engine *e, const struct vsw_model *m, const struct vsw_port_cfg *cfg,
		struct vsw_rt_port *rt, struct vd_err *reterr);
/** Not published any more. Accepts a port that is not open. */
void vsw_rt_close(struct vsw_engine *e, struct vsw_rt_port *rt);
/** Close, remove what a crashed run left of it, and free. Accepts NULL. */
void vsw_rt_free(struct vsw_engine *e, struct vsw_rt_port *rt);
/** The same for @n ports; interfaces of the kernel, which takes its time, close side by side. */
void vsw_rt_free_many(struct vsw_engine *e, struct vsw_rt_port **rts, unsigned int n);
/** Remember why @rt is not open and when to try again. */
void vsw_rt_fault(struct vsw_rt_port *rt, const char *name, const struct vd_err *err);
/** Bring the live settings in @changes (enum vsw_plan_change) of an open port to what @cfg says. */
int vsw_rt_set(struct vsw_rt_port *rt, const struct vsw_model *m, const struct vsw_port_cfg *cfg,
	       unsigned int changes, struct vd_err *reterr);
/** Give the workers @m, without ports that are not open or hidden. */
int vsw_rt_publish(struct vsw_engine *e, const struct vsw_model *m,
		   struct vsw_rt_port *const *ports, const struct vsw_rt_switch *switches,
		   struct vd_err *reterr);
/** Note what open ports would leave behind after a crash: those of @m and, while a change is under
 *  way, those of @next. */
void vsw_rt_note_leftovers(struct vsw_engine *e, const struct vsw_model *next,
			   struct vsw_rt_port *const *next_ports);
/** The address that port @name has shown, where it has none configured (vsw_hostnat_env.first_mac). */
bool vsw_rt_first_mac(void *engine, const char *name, struct vd_mac *ret);
/** {"port": {..}} to subscribers. */
void vsw_rt_tell_port(struct vsw_engine *e, unsigned int i);
