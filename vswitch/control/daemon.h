/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon as one object: what main() builds and the methods of the control protocol use.
 * Thread-safety: control thread, except vsw_daemon_wake().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "vswitch/control/engine.h"
#include "vswitch/control/options.h"
#include "vswitch/control/server.h"
#include "vswitch/control/store.h"
#include "vswitch/datapath/dataplane.h"

struct vsw_capture_session;
struct vsw_probe_session;
struct vsw_hostnat;
struct vsw_nap;
struct vsw_coa;
struct vsw_health;
struct vsw_radius;
struct vsw_names;

struct vsw_daemon {
	struct vsw_options opt;
	sd_event *event;
	sd_event_source *timer;
	struct vsw_store *store;
	struct vsw_dataplane *dp;
	struct vsw_engine *engine;
	struct vsw_hostnat *nat;
	struct vsw_nap *nap;
	struct vsw_coa *coa;       /* NULL: no server may change anything */
	struct vsw_names *names;   /* NULL: no policy */
	struct vsw_health *health; /* NULL: there never was a policy */
	struct vsw_radius *radius; /* NULL: no server is asked */
	struct vsw_server *server;
	struct vsw_capture_session *captures; /* list */
	struct vsw_probe_session *probes;     /* list */
	uint64_t started_ms;
	char run_dir[108];
	bool eal;       /* DPDK runs */
	bool hugepages; /* the EAL uses them */
	int wake_fd;    /* eventfd: a back end has news */
};

/** Run the periodic work as soon as the event loop is reached (something it watches has changed). */
void vsw_daemon_kick(struct vsw_daemon *d);

/** vsw_dataplane_conf.notify: any thread. */
void vsw_daemon_wake(void *daemon, struct vsw_io *io);
