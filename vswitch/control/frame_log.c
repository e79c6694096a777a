/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rings of frames into pcapng: see frame_log.h. */
#include "vswitch/control/frame_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <rte_bpf.h>
#include <rte_cycles.h>

#include "vswitch/control/filter.h"

#define RING_SIZE     4096u
#define RING_SIZE_MIN 256u
#define PENDING_MAX   (4u << 20) /* bytes not yet taken by the reader */
#define NO_IFACE      UINT32_MAX

static uint64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

static uint64_t time_of(const struct vsw_frame_log *l, uint64_t tsc)
{
	__extension__ __int128 ns = (int64_t)(tsc - l->base_tsc);

	return l->base_ns + (uint64_t)(int64_t)(ns * 1000000000 / (int64_t)rte_get_tsc_hz());
}

static const char *name_of(const struct vsw_frame_log *l, uint16_t index)
{
	const struct vsw_engine *e = l->engine;

	for (unsigned int i = 0; i < e->model.n_ports; i++)
		if (e->ports[i]->port && e->ports[i]->port->index == index)
			return e->model.ports[i].name;
	return "removed";
}

/* Interfaces are described when their first frame comes: a capture of drops has thousands at most. */
int vsw_frame_log_iface(struct vsw_frame_log *l, uint16_t index, uint32_t *ret)
{
	if (index >= VSW_PORTS_MAX)
		return -EINVAL;
	if (l->iface[index] == NO_IFACE) {
		if (vsw_pcapng_interface(&l->out, name_of(l, index), l->filter, l->point->snaplen))
			return -ENOMEM;
		l->iface[index] = l->n_ifaces++;
	}
	*ret = l->iface[index];
	return 0;
}

static void write_frame(struct vsw_frame_log *l, struct rte_mbuf *m)
{
	const struct vsw_capture_meta *meta = vsw_capture_meta(m);
	bool drop = meta->dir == VSW_CAPTURE_DROP;
	struct vsw_pcapng_packet p = {
		.time_ns = time_of(l, meta->tsc),
		.captured = m->pkt_len < sizeof(l->data) ? m->pkt_len : sizeof(l->data),
		.original = meta->orig_size,
		.dir = meta->dir == VSW_CAPTURE_TX ? VSW_PCAPNG_OUTBOUND : VSW_PCAPNG_INBOUND,
	};
	char comment[64];

	if (drop && meta->reason < VSW_DROP_N) {
		snprintf(comment, sizeof(comment), "drop: %s", vsw_drop_info[meta->reason].name);
		p.comment = comment;
	}
	p.data = rte_pktmbuf_read(m, 0, p.captured, l->data);
	if (!p.data || vsw_frame_log_iface(l, meta->port, &p.iface) ||
	    vsw_pcapng_packet(&l->out, &p))
		__atomic_fetch_add(&l->point->lost, 1, __ATOMIC_RELAXED);
	else
		l->frames++;
}

void vsw_frame_log_drain(struct vsw_frame_log *l)
{
	struct rte_mbuf *m[64];
	unsigned int n;

	while (vsw_pcapng_pending(&l->out) < PENDING_MAX &&
	       (n = rte_ring_dequeue_burst(l->point->ring, (void **)m, RTE_DIM(m), NULL)) > 0)
		for (unsigned int i = 0; i < n; i++) {
			if (!vsw_frame_log_full(l))
				write_frame(l, m[i]);
			rte_pktmbuf_free(m[i]);
		}
}

void vsw_frame_log_statistics(struct vsw_frame_log *l)
{
	for (uint32_t i = 0; i < VSW_PORTS_MAX; i++)
		if (l->iface[i] != NO_IFACE)
			vsw_pcapng_statistics(&l->out, l->iface[i], wall_ns(), l->frames,
					      l->point->lost);
}

static int make_ring(struct vsw_capture *point, struct vd_err *reterr)
{
	static unsigned int serial;
	char name[32];

	snprintf(name, sizeof(name), "vsw-capture-%u", serial++);
	/* little memory left: a shorter ring loses frames of a burst, and counts them */
	for (unsigned int size = RING_SIZE; size >= RING_SIZE_MIN; size /= 2) {
		point->ring = rte_ring_create(name, size, SOCKET_ID_ANY, RING_F_SC_DEQ);
		point->pool = rte_pktmbuf_pool_create(name, size - 1, 0, 0,
						      RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
		if (point->ring && point->pool)
			return 0;
		rte_ring_free(point->ring);
		rte_mempool_free(point->pool);
		point->ring = NULL;
		point->pool = NULL;
	}
	return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, "capture",
			  "end another capture, or start viridiand with a larger --memory",
			  "no room for captured frames");
}

static int compile(struct vsw_frame_log *l, const char *path, struct vd_err *reterr)
{
	struct rte_bpf_jit jit;
	int rc;

	if (!l->filter[0])
		return 0;
	rc = vsw_filter_compile(l->filter, l->point->snaplen, path, &l->point->bpf, reterr);
	if (!rc && rte_bpf_get_jit(l->point->bpf, &jit) == 0)
		l->point->jit = jit.func;
	return rc;
}

int vsw_frame_log_init(struct vsw_frame_log *l, const struct vsw_engine *e,
		       struct vsw_capture *point, const char *filter, const char *path,
		       struct vd_err *reterr)
{
	int rc;

	l->engine = e;
	l->point = point;
	l->filter = strdup(filter);
	memset(l->iface, 0xff, sizeof(l->iface));
	l->base_tsc = rte_rdtsc();
	l->base_ns = wall_ns();
	rc = l->filter ? compile(l, path, reterr) : -ENOMEM;
	if (!rc)
		rc = make_ring(point, reterr);
	if (!rc && vsw_pcapng_section(&l->out, "viridiand " VIRIDIAN_VERSION))
		rc = -ENOMEM;
	return rc;
}

void vsw_frame_log_done(struct vsw_frame_log *l)
{
	struct rte_mbuf *m;

	if (!l->point)
		return;
	while (l->point->ring && rte_ring_dequeue(l->point->ring, (void **)&m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(l->point->ring);
	rte_mempool_free(l->point->pool);
	rte_bpf_destroy(l->point->bpf);
	vsw_pcapng_done(&l->out);
	free(l->filter);
}
