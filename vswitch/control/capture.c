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
#include "vswitch/control/filter.h"
#include "vswitch/control/methods.h"
#include "vswitch/control/pcapng.h"
#include "vswitch/datapath/capture.h"

#define DRAIN_MS      10u
#define RING_SIZE     4096u
#define RING_SIZE_MIN 256u
#define PENDING_MAX   (4u << 20) /* bytes not yet taken by the reader */
#define END_WAIT_MS   3000u      /* for a slow reader to take the rest */
#define NO_IFACE      UINT32_MAX

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
	struct vsw_pcapng out;
	sd_event_source *timer;
	char *filter;
	uint64_t frames, max_frames; /* 0: no limit */
	uint64_t base_tsc, base_ns;
	uint64_t end_by_ms; /* ending: give up then; 0: running */
	uint32_t n_ifaces;
	uint32_t iface[VSW_PORTS_MAX]; /* by port index */
	uint8_t data[UINT16_MAX];      /* one frame in one piece */
};

static uint64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static uint64_t time_of(const struct vsw_capture_session *s, uint64_t tsc)
{
	__extension__ __int128 ns = (int64_t)(tsc - s->base_tsc);

	return s->base_ns + (uint64_t)(int64_t)(ns * 1000000000 / (int64_t)rte_get_tsc_hz());
}

static const char *name_of(const struct vsw_capture_session *s, uint16_t index)
{
	const struct vsw_engine *e = s->d->engine;

	for (unsigned int i = 0; i < e->model.n_ports; i++)
		if (e->ports[i]->port && e->ports[i]->port->index == index)
			return e->model.ports[i].name;
	return "removed";
}

/* Interfaces are described when their first frame comes: a capture of drops has thousands at most. */
static int iface_of(struct vsw_capture_session *s, uint16_t index, uint32_t *ret)
{
	if (index >= VSW_PORTS_MAX)
		return -EINVAL;
	if (s->iface[index] == NO_IFACE) {
		if (vsw_pcapng_interface(&s->out, name_of(s, index), s->filter, s->point.snaplen))
			return -ENOMEM;
		s->iface[index] = s->n_ifaces++;
	}
	*ret = s->iface[index];
	return 0;
}

static void write_frame(struct vsw_capture_session *s, struct rte_mbuf *m)
{
	const struct vsw_capture_meta *meta = vsw_capture_meta(m);
	bool drop = meta->dir == VSW_CAPTURE_DROP;
	struct vsw_pcapng_packet p = {
		.time_ns = time_of(s, meta->tsc),
		.captured = m->pkt_len < sizeof(s->data) ? m->pkt_len : sizeof(s->data),
		.original = meta->orig_size,
		.dir = meta->dir == VSW_CAPTURE_TX ? VSW_PCAPNG_OUTBOUND : VSW_PCAPNG_INBOUND,
	};
	char comment[64];

	if (drop && meta->reason < VSW_DROP_N) {
		snprintf(comment, sizeof(comment), "drop: %s", vsw_drop_info[meta->reason].name);
		p.comment = comment;
	}
	p.data = rte_pktmbuf_read(m, 0, p.captured, s->data);
	if (!p.data || iface_of(s, meta->port, &p.iface) || vsw_pcapng_packet(&s->out, &p))
		__atomic_fetch_add(&s->point.lost, 1, __ATOMIC_RELAXED);
	else
		s->frames++;
}

static bool full(const struct vsw_capture_session *s)
{
	return s->max_frames && s->frames >= s->max_frames;
}

static void drain(struct vsw_capture_session *s)
{
	struct rte_mbuf *m[64];
	unsigned int n;

	while (vsw_pcapng_pending(&s->out) < PENDING_MAX &&
	       (n = rte_ring_dequeue_burst(s->point.ring, (void **)m, RTE_DIM(m), NULL)) > 0)
		for (unsigned int i = 0; i < n; i++) {
			if (!full(s))
				write_frame(s, m[i]);
			rte_pktmbuf_free(m[i]);
		}
}

static void write_out(struct vsw_capture_session *s)
{
	int rc = s->reader_gone ? -EPIPE : vsw_pcapng_flush(&s->out, s->fd);

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
	drain(s);
	for (uint32_t i = 0; i < VSW_PORTS_MAX; i++)
		if (s->iface[i] != NO_IFACE)
			vsw_pcapng_statistics(&s->out, s->iface[i], wall_ns(), s->frames,
					      s->point.lost);
	s->port = NULL;
}

static void session_free(struct vsw_capture_session *s)
{
	struct vsw_capture_session **at = &s->d->captures;
	struct rte_mbuf *m;

	for (; *at && *at != s; at = &(*at)->next)
		;
	if (*at)
		*at = s->next;
	if (s->attached)
		vsw_capture_detach(s->d->dp, s->port, &s->point);
	while (s->point.ring && rte_ring_dequeue(s->point.ring, (void **)&m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(s->point.ring);
	rte_mempool_free(s->point.pool);
	rte_bpf_destroy(s->point.bpf);
	sd_event_source_disable_unref(s->timer);
	vsw_pcapng_done(&s->out);
	if (s->fd >= 0)
		close(s->fd);
	json_decref(s->id);
	free(s->filter);
	free(s);
}

/* Nothing is left to write, or it is not worth waiting any longer. */
static void finish(struct vsw_capture_session *s)
{
	struct vsw_client *client = s->client;
	json_t *result = json_pack("{s:I, s:I}", "frames", (json_int_t)s->frames, "lost",
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
		drain(s);
	write_out(s);
	if (!s->end_by_ms && (full(s) || s->reader_gone || !s->attached)) {
		detach(s);
		s->end_by_ms = vsw_now_ms() + END_WAIT_MS;
		write_out(s);
	}
	if (s->end_by_ms &&
	    (s->reader_gone || !vsw_pcapng_pending(&s->out) || vsw_now_ms() >= s->end_by_ms)) {
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

static int compile(struct vsw_capture_session *s, struct vd_err *reterr)
{
	struct rte_bpf_jit jit;
	int rc;

	if (!s->filter[0])
		return 0;
	rc = vsw_filter_compile(s->filter, s->point.snaplen, "capture/filter", &s->point.bpf,
				reterr);
	if (!rc && rte_bpf_get_jit(s->point.bpf, &jit) == 0)
		s->point.jit = jit.func;
	return rc;
}

static int find_port(struct vsw_call *call, struct vsw_capture_session *s, struct vd_err *reterr)
{
	const char *name = vsw_edit_text(call->params, "port");
	const struct vsw_port_cfg *p;
	struct vsw_rt_port *rt;

	s->point.drop_port = VSW_PORT_INDEX_NONE;
	if (!strcmp(name, "drops") && !vsw_model_port(&call->d->engine->model, name))
		return 0;
	p = vsw_edit_find_port(&call->d->engine->model, name, reterr);
	if (!p)
		return -ENOENT;
	rt = call->d->engine->ports[vsw_engine_port_index(call->d->engine, p)];
	if (!rt->port)
		return vd_err_set(reterr, -ENODEV, VD_E_DEVICE_MISSING, p->name,
				  "viridian port show tells why", "port %s has no device now",
				  p->name);
	s->port = rt->port;
	return 0;
}

static int make_ring(struct vsw_capture_session *s, struct vd_err *reterr)
{
	static unsigned int serial;
	char name[32];

	snprintf(name, sizeof(name), "vsw-capture-%u", serial++);
	/* little memory left: a shorter ring loses frames of a burst, and counts them */
	for (unsigned int size = RING_SIZE; size >= RING_SIZE_MIN; size /= 2) {
		s->point.ring = rte_ring_create(name, size, SOCKET_ID_ANY, RING_F_SC_DEQ);
		s->point.pool = rte_pktmbuf_pool_create(name, size - 1, 0, 0,
							RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
		if (s->point.ring && s->point.pool)
			return 0;
		rte_ring_free(s->point.ring);
		rte_mempool_free(s->point.pool);
		s->point.ring = NULL;
		s->point.pool = NULL;
	}
	return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, "capture",
			  "end another capture, or start viridiand with a larger --memory",
			  "no room for captured frames");
}

static void read_params(struct vsw_call *call, struct vsw_capture_session *s)
{
	json_t *snaplen = json_object_get(call->params, "snaplen");
	const char *filter = vsw_edit_text(call->params, "filter");
	const char *dir = vsw_edit_text(call->params, "direction");

	s->point.snaplen = snaplen ? (uint32_t)json_integer_value(snaplen) : UINT16_MAX;
	s->max_frames = (uint64_t)json_integer_value(json_object_get(call->params, "count"));
	s->point.rx = !dir || strcmp(dir, "to-vm");
	s->point.tx = !dir || strcmp(dir, "from-vm");
	s->filter = strdup(filter ? filter : "");
	memset(s->iface, 0xff, sizeof(s->iface));
	s->base_tsc = rte_rdtsc();
	s->base_ns = wall_ns();
}

static int prepare(struct vsw_call *call, struct vsw_capture_session *s, struct vd_err *reterr)
{
	uint32_t iface;
	int rc = find_port(call, s, reterr);

	if (!rc && s->fd < 0)
		return vd_err_set(reterr, -EINVAL, VD_E_RPC_PARAMS, "capture",
				  "send the write end of a pipe, or a file, with SCM_RIGHTS",
				  "the request came without a descriptor to write to");
	read_params(call, s);
	if (!rc)
		rc = s->filter ? compile(s, reterr) : -ENOMEM;
	if (!rc)
		rc = make_ring(s, reterr);
	if (!rc && (vsw_pcapng_section(&s->out, "viridiand " VIRIDIAN_VERSION) ||
		    (s->port && iface_of(s, s->port->index, &iface))))
		rc = -ENOMEM;
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
	       vsw_edit_text(call->params, "port"), s->filter);
	return VSW_LATER;
}
