/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captures: see capture.h. Also the method that starts one. */
#include "vswitch/control/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <rte_bpf.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include "base/log.h"
#include "vswitch/control/edit.h"
#include "vswitch/control/frame_log.h"
#include "vswitch/control/methods.h"
#include "vswitch/control/pcapng.h"
#include "vswitch/datapath/capture.h"

#define DRAIN_MS    10u
#define END_WAIT_MS 3000u /* for a slow reader to take the rest */

struct vsw_capture_session {
	struct vsw_capture_session *next;
	struct vsw_daemon *d;
	struct vsw_client *client; /* NULL: gone */
	json_t *id;
	struct vsw_port *port; /* NULL: all drops */
	bool attached;
	struct vsw_capture point;
	int fd;
	bool reader_gone;
	struct vsw_frame_log log;
	sd_event_source *timer;
	uint64_t end_by_ms; /* ending: give up then; 0: running */
};

static void write_out(struct vsw_capture_session *s)
{
	int rc = s->reader_gone ? -EPIPE : vsw_pcapng_flush(&s->log.out, s->fd);

	if (rc && rc != -EAGAIN && !s->reader_gone) {
		s->reader_gone = true;
		if (rc != -EPIPE)
			vd_log(LOG_WARNING, "capture", NULL, "cannot write frames: %s",
			       strerror(-rc));
	}
}

static void detach(struct vsw_capture_session *s)
{
	if (!s->attached)
		return;
	vsw_capture_detach(s->d->dp, s->port, &s->point);
	s->attached = false;
	vsw_frame_log_drain(&s->log);
	vsw_frame_log_statistics(&s->log);
	s->port = NULL;
}

static void session_free(struct vsw_capture_session *s)
{
	struct vsw_capture_session **at = &s->d->captures;

	for (; *at && *at != s; at = &(*at)->next)
		;
	if (*at)
		*at = s->next;
	if (s->attached)
		vsw_capture_detach(s->d->dp, s->port, &s->point);
	sd_event_source_disable_unref(s->timer);
	vsw_frame_log_done(&s->log);
	if (s->fd >= 0)
		close(s->fd);
	json_decref(s->id);
	free(s);
}

/* Nothing is left to write, or it is not worth waiting any longer. */
static void finish(struct vsw_capture_session *s)
{
	struct vsw_client *client = s->client;
	json_t *result = json_pack("{s:I, s:I}", "frames", (json_int_t)s->log.frames, "lost",
				   (json_int_t)s->point.lost);
	json_t *id = json_incref(s->id);

	session_free(
		s); /* closes the descriptor first: who reads it sees its end before the answer */
	if (client) {
		vsw_client_reply(client, id, result);
		vsw_client_set_capture(client, NULL);
	} else {
		json_decref(result);
	}
	json_decref(id);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct vsw_capture_session *s = arg;

	if (s->attached)
		vsw_frame_log_drain(&s->log);
	write_out(s);
	if (!s->end_by_ms && (vsw_frame_log_full(&s->log) || s->reader_gone || !s->attached)) {
		detach(s);
		s->end_by_ms = vsw_now_ms() + END_WAIT_MS;
		write_out(s);
	}
	if (s->end_by_ms &&
	    (s->reader_gone || !vsw_pcapng_pending(&s->log.out) || vsw_now_ms() >= s->end_by_ms)) {
		finish(s);
		return 0;
	}
	sd_event_source_set_time_relative(s->timer, DRAIN_MS * 1000);
	sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
	return 0;
}

void vsw_capture_session_end(struct vsw_capture_session *s)
{
	if (s->end_by_ms)
		return;
	detach(s);
	s->end_by_ms = vsw_now_ms() + END_WAIT_MS;
	sd_event_source_set_time_relative(s->timer, 0);
}

void vsw_capture_session_drop(struct vsw_capture_session *s)
{
	s->client = NULL;
	detach(s);
	write_out(s);
	session_free(s);
}

void vsw_capture_port_closes(struct vsw_daemon *d, const struct vsw_port *port)
{
	for (struct vsw_capture_session *s = d->captures; s; s = s->next)
		if (s->attached && s->port == port)
			vsw_capture_session_end(s);
}

/* ---- starting ---- */

static int find_port(struct vsw_call *call, struct vsw_capture_session *s, struct vd_err *reterr)
{
	const char *name = vsw_edit_text(call->params, "port");
	const struct vsw_port_cfg *p;

	s->point.drop_port = VSW_PORT_INDEX_NONE;
	if (!strcmp(name, "drops") && !vsw_model_port(&call->d->engine->model, name))
		return 0;
	return vsw_methods_open_port(call, &p, &s->port, reterr);
}

static void read_params(struct vsw_call *call, struct vsw_capture_session *s)
{
	json_t *snaplen = json_object_get(call->params, "snaplen");
	const char *dir = vsw_edit_text(call->params, "direction");

	s->point.snaplen = snaplen ? (uint32_t)json_integer_value(snaplen) : UINT16_MAX;
	s->log.max_frames = (uint64_t)json_integer_value(json_object_get(call->params, "count"));
	s->point.rx = !dir || strcmp(dir, "to-vm");
	s->point.tx = !dir || strcmp(dir, "from-vm");
}

static int prepare(struct vsw_call *call, struct vsw_capture_session *s, struct vd_err *reterr)
{
	const char *filter = vsw_edit_text(call->params, "filter");
	uint32_t iface;
	int rc = find_port(call, s, reterr);

	if (!rc && s->fd < 0)
		return vd_err_set(reterr, -EINVAL, VD_E_RPC_PARAMS, "capture",
				  "send the write end of a pipe, or a file, with SCM_RIGHTS",
				  "the request came without a descriptor to write to");
	read_params(call, s);
	if (!rc)
		rc = vsw_frame_log_init(&s->log, call->d->engine, &s->point, filter ? filter : "",
					"capture/filter", reterr);
	if (!rc && s->port)
		rc = vsw_frame_log_iface(&s->log, s->port->index, &iface);
	if (!rc)
		rc = sd_event_add_time_relative(call->d->event, &s->timer, CLOCK_MONOTONIC, 0, 0,
						on_timer, s);
	return rc < 0 ? rc : 0;
}

VSW_METHOD(capture)
{
	struct vsw_capture_session *s;
	unsigned int n = 0;
	int rc, flags;

	for (s = call->d->captures; s; s = s->next)
		n++;
	if (n >= VSW_CAPTURES_MAX || vsw_client_capture(call->client))
		return vd_err_set(reterr, -EBUSY, VD_E_LIMIT, "capture", "end another one first",
				  n >= VSW_CAPTURES_MAX ? "too many captures are running"
							: "this connection has a capture already");
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->d = call->d;
	s->fd = vsw_client_take_fd(call->client);
	rc = prepare(call, s, reterr);
	if (rc) {
		session_free(s);
		return rc;
	}
	/* a reader that stalls must not stall us; for files this changes nothing */
	flags = fcntl(s->fd, F_GETFL);
	if (flags >= 0)
		fcntl(s->fd, F_SETFL, flags | O_NONBLOCK);
	s->client = call->client;
	s->id = call->id ? json_incref(call->id) : NULL;
	s->next = call->d->captures;
	call->d->captures = s;
	vsw_capture_attach(call->d->dp, s->port, &s->point);
	s->attached = true;
	vsw_client_set_capture(call->client, s);
	vd_log(LOG_NOTICE, "capture", vsw_client_who(call->client), "captures %s %s",
	       vsw_edit_text(call->params, "port"), s->log.filter);
	return VSW_LATER;
}
