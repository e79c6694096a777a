/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane as the control thread sees it: workers, ports, publishing a configuration, reading
 * counters. What workers do with a frame is in pipeline.h.
 *
 * A change is: create what is new (vsw_port_create, vsw_fdb_create), vsw_dataplane_publish() with the
 * whole model, then destroy what is gone. publish() returns after every worker has left the old
 * snapshot; forwarding never pauses, and what the change does not touch keeps its state.
 *
 * Thread-safety: one control thread, except where noted.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "vswitch/datapath/fdb.h"
#include "vswitch/datapath/port.h"
#include "vswitch/io/io.h"
#include "vswitch/model/model.h"

struct vsw_dataplane;
struct nap_allow;
struct vsw_mirror_tap;

struct vsw_dataplane_conf {
	uint16_t n_workers;         /* 1..VSW_WORKERS_MAX */
	int cores[VSW_WORKERS_MAX]; /* CPU of each worker, -1: not pinned */
	bool poll;                  /* spin instead of sleeping when idle */
	const char *run_dir;
	/** Called (any thread) when vsw_io_env.notify() was, or (@io NULL) when the flow table wants
	 *  vsw_dataplane_age_flows(): the control thread should look. */
	void (*notify)(void *ctx, struct vsw_io *io);
	void *ctx;
	uint32_t n_mbufs; /* 2 KiB buffers; the big pool is a small part of it */
};

/** Make pools and start the workers. The EAL must be initialised. */
int vsw_dataplane_start(const struct vsw_dataplane_conf *conf, struct vsw_dataplane **ret,
			struct vd_err *reterr);

/** Stop the workers and free everything; all ports must be destroyed before. Accepts NULL. */
void vsw_dataplane_stop(struct vsw_dataplane *dp);

/** What back ends need. Borrowed. */
const struct vsw_io_env *vsw_dataplane_env(struct vsw_dataplane *dp);

/** Take @io (which from now on belongs to the port) as a port. -ENOSPC, -ENOMEM. */
int vsw_port_create(struct vsw_dataplane *dp, struct vsw_io *io, bool want_first_mac,
		    struct vsw_port **ret);

/** The port must not be in the published model. Closes the back end. */
void vsw_port_destroy(struct vsw_dataplane *dp, struct vsw_port *port);

/** A model with the run-time objects of its switches and ports, in the same order. */
struct vsw_binding {
	const struct vsw_model *model;
	struct vsw_fdb *const *fdbs;   /* [model->n_switches] */
	struct vsw_port *const *ports; /* [model->n_ports] */
	/** [model->n_mirrors], NULL where a session cannot run now; or NULL: none runs. They must live
	 *  until the next publish() without them has returned. */
	struct vsw_mirror_tap *const *taps;
};

/**
 * Make @b what the workers forward by. Nothing of @b or its model is referenced afterwards except
 * run-time objects. Learned entries of ports that left a switch are flushed. -ENOMEM, -E2BIG (a
 * port's access rules), then nothing has changed.
 */
int vsw_dataplane_publish(struct vsw_dataplane *dp, const struct vsw_binding *b,
			  struct vd_err *reterr);

/** Forget idle flows, a part of them each time; give the flow table more room when it needs it. Call it
 *  several times a second while there are flows. */
void vsw_dataplane_age_flows(struct vsw_dataplane *dp);

/** Flows remembered now. Any thread. */
uint32_t vsw_dataplane_flow_count(const struct vsw_dataplane *dp);

/**
 * Confine @port to @allow (nap-policy/allow.h; takes a reference), or release it with NULL. @vlan: its VLAN meanwhile
 * (0: its own), where its mode is none or access. Takes effect
 * with the next vsw_dataplane_publish(): when that has returned, no worker lets a frame pass by the old
 * state. Control thread.
 */
void vsw_port_confine(struct vsw_port *port, struct nap_allow *allow, uint16_t vlan);
/** What the workers confine @port to, read back from what they have; NULL: it is not confined. Borrowed
 *  until the next publish. Control thread. */
const struct nap_allow *vsw_port_confined(const struct vsw_port *port);
/** The VLAN that confinement put it into, of what the workers have; 0: none. Control thread. */
uint16_t vsw_port_confined_vlan(const struct vsw_port *port);

/** Let @port's guest talk to the health service (vswitch/policy/portal.h), or not. @statements: and look through its
 *  DHCP for statements of health; @dhcp_server (host order, 0: none) is the one of ours that it asks. Takes effect with the
 *  next publish. Control thread. */
void vsw_port_serve(struct vsw_port *port, bool on, bool statements, uint32_t dhcp_server);

/** Wait until every worker has let go of what it could reach before the call. Any thread but workers. */
void vsw_dataplane_quiesce(struct vsw_dataplane *dp);

/** Sum of all workers, back-end losses included. Any thread while the port exists. */
void vsw_port_stats_get(const struct vsw_dataplane *dp, const struct vsw_port *port,
			struct vsw_port_stats *ret);

/** The port of a data-plane index, or NULL. Control thread. */
struct vsw_port *vsw_dataplane_port(struct vsw_dataplane *dp, uint16_t index);

/* The stages of stages.def. */
enum vsw_stage {
#define VSW_STAGE(id, name, text) VSW_STAGE_##id,
#include "vswitch/datapath/stages.def"
#undef VSW_STAGE
	VSW_STAGE_N
};

/** Measured on one burst in VSW_STAGE_SAMPLE: ratios are what counts. */
struct vsw_stage_stats {
	uint64_t packets; /* that went through the stage in measured bursts */
	uint64_t cycles;  /* TSC */
};
#define VSW_STAGE_SAMPLE 64

struct vsw_stage_info {
	const char *name, *text;
};
extern const struct vsw_stage_info vsw_stage_info[VSW_STAGE_N];

struct vsw_worker_stats {
	int core; /* -1: not pinned */
	uint64_t loops, empty_loops, sleeps;
	uint64_t packets;
	uint64_t busy_cycles, total_cycles; /* TSC; busy = loops that moved packets */
	uint16_t n_queues;
	struct vsw_stage_stats stage[VSW_STAGE_N];
};
void vsw_worker_stats_get(const struct vsw_dataplane *dp, uint16_t worker,
			  struct vsw_worker_stats *ret);
uint16_t vsw_dataplane_workers(const struct vsw_dataplane *dp);
