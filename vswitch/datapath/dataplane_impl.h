/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data plane's inside, shared by dataplane.c, worker.c and capture.c. */
#pragma once

#include <rte_mempool.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>

#include "vswitch/datapath/capture.h"
#include "vswitch/datapath/dataplane.h"
#include "vswitch/datapath/recorder.h"
#include "vswitch/datapath/worker.h"
#include "vswitch/policy/flow.h"

struct vsw_dataplane {
	struct vsw_dataplane_conf conf;
	struct vsw_io_env env;
	struct vsw_snapshot *snapshot; /* atomic; workers load it once per loop */
	struct rte_rcu_qsbr *rcu;
	struct vsw_flows flows;
	/* of VSW_WORKER_LOOKING, for all ports */
	struct vsw_counters looking_counters;
	struct vsw_recorder looking_recorder;
	uint32_t io_epoch;    /* atomic; bumped when a back end's descriptors changed */
	bool stop;            /* atomic */
	bool own_waits;       /* atomic; worker 0: frames of the switch's own are to be sent */
	struct rte_ring *own; /* of mbufs; their port is where they go */
	struct vsw_capture *drop_captures; /* atomic */
	struct vsw_portal_queue *portal;   /* atomic; NULL: there is no health service */
	uint32_t tickets;                  /* given to ports so far */
	struct vsw_port *ports[VSW_PORTS_MAX];
	uint16_t next_index; /* indices are reused as late as possible */
	struct vsw_worker_thread workers[VSW_WORKERS_MAX];
	uint16_t n_workers;
};
