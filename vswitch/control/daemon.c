/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Start, run, stop: the order in which the parts of the daemon come and go. */
#include "vswitch/control/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/doc.h"
#include "base/log.h"
#include "vswitch/control/capture.h"
#include "vswitch/control/probe.h"
#include "vswitch/control/daemon.h"
#include "vswitch/control/eal.h"
#include "vswitch/control/plan.h"
#include "vswitch/hostnat/hostnat.h"
#include "vswitch/control/coa.h"
#include "vswitch/control/health.h"
#include "vswitch/control/names.h"
#include "vswitch/control/quarantine.h"
#include "vswitch/control/radius.h"

/* A buffer costs its 2 KiB, headers, and its share of the big pool; captures and drivers need room, too. */
#define BYTES_PER_MBUF 3600u
#define MBUF_PERCENT   54u

_Static_assert(VSW_CORES_MAX == VSW_WORKERS_MAX, "options.h");

void vsw_daemon_kick(struct vsw_daemon *d)
{
	if (!d->timer)
		return;
	sd_event_source_set_time_relative(d->timer, 0);
	sd_event_source_set_enabled(d->timer, SD_EVENT_ONESHOT);
}

void vsw_daemon_wake(void *daemon, struct vsw_io *io)
{
	struct vsw_daemon *d = daemon;
	uint64_t one = 1;

	if (write(d->wake_fd, &one, sizeof(one)) < 0)
		return; /* full: it will look anyway */
}

static int on_wake(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct vsw_daemon *d = arg;
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0)
		return 0;
	vsw_engine_io_changed(d->engine);
	vsw_daemon_kick(d); /* the flow table may want to age */
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct vsw_daemon *d = arg;
	uint64_t now = vsw_now_ms();
	uint64_t next = vsw_engine_tick(d->engine, now);
	uint64_t other = vsw_server_tick(d->server, now), quarantine = vsw_nap_tick(d->nap, now);

	if (other < next)
		next = other;
	vsw_coa_sync(d);
	vsw_health_sync(d);
	vsw_names_sync(d);
	if (vsw_health_next(d->health) < next)
		next = vsw_health_next(d->health);
	if (quarantine < next)
		next = quarantine;
	other = vsw_radius_tick(d, now);
	if (other < next)
		next = other;
	sd_event_source_set_time_relative(source, (next > now ? next - now : 1) * 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void on_event(void *ctx, const char *kind, json_t *params)
{
	struct vsw_daemon *d = ctx;

	if (d->server)
		vsw_server_event(d->server, kind, params);
}

static void on_closing(void *ctx, const struct vsw_port *port)
{
	vsw_capture_port_closes(ctx, port);
	vsw_probes_port_closes(ctx, port);
}

/* 1,000 clients, thousands of ports: the usual soft limit of 1,024 descriptors is too small. */
static void raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &r) < 0)
			vd_log(LOG_WARNING, "daemon", NULL,
			       "cannot raise the limit of open files: %m");
	}
}

static int system_error(struct vd_err *e, int rc, const char *what)
{
	return vd_err_set(e, rc, VD_E_SYSTEM, NULL, NULL, "%s: %s", what, strerror(-rc));
}

static int make_loop(struct vsw_daemon *d, struct vd_err *reterr)
{
	int rc = sd_event_default(&d->event);

	d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (rc >= 0 && d->wake_fd < 0)
		rc = -errno;
	if (rc >= 0)
		rc = sd_event_add_io(d->event, NULL, d->wake_fd, EPOLLIN, on_wake, d);
	if (rc >= 0)
		rc = sd_event_add_signal(d->event, NULL, SIGTERM, NULL, NULL);
	if (rc >= 0)
		rc = sd_event_add_signal(d->event, NULL, SIGINT, NULL, NULL);
	if (rc >= 0)
		rc = sd_event_set_watchdog(d->event, 1);
	return rc < 0 ? system_error(reterr, rc, "cannot make the event loop") : 0;
}

static int start_dataplane(struct vsw_daemon *d, struct vd_err *reterr)
{
	struct vsw_dataplane_conf conf = {
		.n_workers = d->opt.n_workers,
		.poll = d->opt.poll,
		.run_dir = d->run_dir,
		.notify = vsw_daemon_wake,
		.ctx = d,
		.n_mbufs = (uint32_t)((uint64_t)d->opt.memory_mib * 1024 * 1024 / 100 *
				      MBUF_PERCENT / BYTES_PER_MBUF),
	};
	int rc = vsw_eal_start(d->opt.memory_mib, &d->hugepages, reterr);

	if (rc)
		return rc;
	d->eal = true;
	memcpy(conf.cores, d->opt.cores, sizeof(conf.cores));
	rc = vsw_dataplane_start(&conf, &d->dp, reterr);
	if (rc)
		return rc;
	rc = vsw_engine_create(d->dp, d->store, &d->engine);
	if (rc)
		return system_error(reterr, rc, "cannot make the engine");
	d->engine->event = on_event;
	d->engine->closing = on_closing;
	d->engine->ctx = d;
	return 0;
}

static int start_nat(struct vsw_daemon *d, struct vd_err *reterr)
{
	const char *tables = getenv("VIRIDIAN_NAT_TABLES");
	struct vsw_hostnat_env env = {
		.event = d->event,
		.state_dir = d->opt.state,
		.own_tables = !tables || strcmp(tables, "shared"),
		.first_mac = vsw_rt_first_mac,
		.ctx = d->engine,
	};
	int rc = vsw_hostnat_create(&env, &d->nat, reterr);

	d->engine->nat = d->nat;
	return rc;
}

static int read_file(const char *path, char **ret, size_t *size, struct vd_err *reterr)
{
	char *text = malloc(VD_DOC_SIZE_MAX + 1u);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got = -1;

	while (text && fd >= 0 && (got = read(fd, text + n, VD_DOC_SIZE_MAX + 1u - n)) > 0)
		n += (size_t)got;
	if (!text || got < 0) {
		int rc = text ? -errno : -ENOMEM;

		free(text);
		if (fd >= 0)
			close(fd);
		return vd_err_set(reterr, rc, VD_E_STATE, NULL, "check --config",
				  "cannot read %s: %s", path, strerror(-rc));
	}
	close(fd);
	*ret = text;
	*size = n;
	return 0;
}

/* Objects of the file that were there before keep their identity and addresses. */
static void inherit_saved(struct vsw_daemon *d, struct vsw_model *next, json_t **assigned)
{
	struct vsw_model saved = {0};
	struct vd_err err = {0};
	json_t *state = NULL;

	if (vsw_store_load(d->store, &state, &err) || !state) {
		if (err.code)
			vd_log(LOG_WARNING, "store", NULL, "%s, ignoring", err.message);
		return;
	}
	if (vsw_model_from_json(json_object_get(state, "document"), NULL, &saved, &err) == 0) {
		vsw_model_nat_ports(next, &err);
		vsw_plan_inherit(&saved, next);
		*assigned = json_incref(json_object_get(state, "assigned_macs"));
	}
	vsw_model_done(&saved);
	json_decref(state);
}

static int apply_file(struct vsw_daemon *d, struct vd_err *reterr)
{
	struct vsw_model next = {0};
	struct vsw_apply a = {
		.next = &next, .flags = VSW_APPLY_START, .who = "the configuration file"};
	struct vd_doc *doc = NULL;
	json_t *changes = NULL;
	char *text = NULL;
	size_t size = 0;
	int rc = read_file(d->opt.config, &text, &size, reterr);

	if (!rc)
		rc = vd_doc_parse(text, size, d->opt.config, &doc, reterr);
	if (!rc) {
		a.doc = doc;
		a.root = vd_doc_root(doc);
		rc = vsw_model_from_json(a.root, doc, &next, reterr);
	}
	if (!rc) {
		inherit_saved(d, &next, &a.assigned);
		rc = vsw_engine_apply(d->engine, &a, &changes, reterr);
	}
	if (!rc)
		vd_log(LOG_NOTICE, "engine", NULL,
		       "started with %s, which replaces the saved configuration", d->opt.config);
	vsw_model_done(&next);
	json_decref(a.assigned);
	json_decref(changes);
	vd_doc_free(doc);
	free(text);
	return rc;
}

static int start(struct vsw_daemon *d, struct vd_err *reterr)
{
	char *slash;
	int rc;

	snprintf(d->run_dir, sizeof(d->run_dir), "%s", d->opt.socket);
	slash = strrchr(d->run_dir, '/');
	slash[slash == d->run_dir] = '\0';
	d->started_ms = vsw_now_ms();
	raise_limits();
	rc = make_loop(d, reterr);
	if (!rc)
		rc = vsw_store_open(d->opt.state, &d->store, reterr);
	/* clients may connect from here on; they are answered when the configuration stands */
	if (!rc)
		rc = vsw_server_start(d, d->opt.socket, &d->server, reterr);
	if (!rc)
		rc = start_dataplane(d, reterr);
	if (!rc)
		rc = start_nat(d, reterr);
	if (!rc)
		rc = vsw_nap_create(d->engine, d->store, &d->nap, reterr);
	if (!rc)
		rc = d->opt.config ? apply_file(d, reterr) : vsw_engine_restore(d->engine, reterr);
	if (rc)
		return rc;
	vsw_meters_load(d->engine);
	vsw_engine_clean_leftovers(d->engine);
	rc = sd_event_add_time_relative(d->event, &d->timer, CLOCK_MONOTONIC, 0, 0, on_timer, d);
	return rc < 0 ? system_error(reterr, rc, "cannot make the timer") : 0;
}

/* Everything that was made goes: interfaces, sockets, memory. The configuration stays. */
static void stop(struct vsw_daemon *d)
{
	struct vsw_server *server = d->server;

	sd_event_source_disable_unref(d->timer);
	d->timer = NULL;
	d->server = NULL;
	vsw_server_stop(server); /* ends captures: they need engine and data plane */
	if (d->engine)
		d->engine->nat = NULL;
	vsw_hostnat_destroy(d->nat);
	vsw_coa_destroy(d->coa);
	vsw_health_destroy(d->health);
	vsw_radius_destroy(d->radius);
	if (d->nap)
		d->nap->names = NULL;
	vsw_names_destroy(d->names);
	vsw_nap_destroy(d->nap);
	vsw_engine_destroy(d->engine);
	if (d->dp)
		vsw_dataplane_stop(d->dp);
	vsw_store_close(d->store);
	sd_event_unref(d->event);
	if (d->wake_fd >= 0)
		close(d->wake_fd);
	if (d->eal)
		vsw_eal_stop();
}

int vsw_daemon_run(const struct vsw_options *opt, struct vd_err *reterr)
{
	struct vsw_daemon d = {.opt = *opt, .wake_fd = -1};
	int rc = start(&d, reterr);

	if (!rc) {
		vd_log(LOG_NOTICE, "daemon", NULL, "viridiand %s ready on %s", VIRIDIAN_VERSION,
		       d.opt.socket);
		sd_notifyf(0, "READY=1\nSTATUS=%u switches, %u ports at start",
			   d.engine->model.n_switches, d.engine->model.n_ports);
		rc = sd_event_loop(d.event);
		if (rc < 0)
			system_error(reterr, rc, "the event loop failed");
		sd_notify(0, "STOPPING=1");
		vd_log(LOG_NOTICE, "daemon", NULL, "stopping");
	}
	stop(&d);
	return rc;
}
