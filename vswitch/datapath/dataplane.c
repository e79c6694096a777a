/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pools, ports, publishing, counters: the control thread's side of the data plane. */
#include "vswitch/datapath/dataplane.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include "nap-policy/allow.h"
#include "vswitch/datapath/dataplane_impl.h"
#include "vswitch/datapath/recorder.h"
#include "vswitch/datapath/txbuf.h"
#include "vswitch/nat/nat.h"
#include "vswitch/policy/gate.h"
#include "vswitch/policy/guard.h"
#include "vswitch/policy/mcast.h"
#include "vswitch/policy/portal.h"
#include "vswitch/policy/shape.h"
#include "vswitch/policy/shape_path.h"
#include "vswitch/policy/quarantine.h"

#define POOL_CACHE         256
#define OWN_FRAMES         8192 /* of the switch itself, waiting to be sent */
#define TICKET_GENERATIONS ((1u << (VSW_TICKET_BITS - VSW_TICKET_INDEX_BITS)) - 1)

struct rte_mempool *vsw_worker_pool(const struct vsw_worker *w)
{
	return w->dp->env.pool;
}

static void wake_all(struct vsw_dataplane *dp)
{
	for (uint16_t i = 0; i < dp->n_workers; i++)
		vsw_worker_wake(&dp->workers[i]);
}

/* vsw_io_env.notify: any thread, workers included */
static void io_notify(void *ctx, struct vsw_io *io)
{
	struct vsw_dataplane *dp = ctx;

	__atomic_fetch_add(&dp->io_epoch, 1, __ATOMIC_RELEASE);
	wake_all(dp);
	if (dp->conf.notify)
		dp->conf.notify(dp->conf.ctx, io);
}

static void flows_wake(void *ctx)
{
	struct vsw_dataplane *dp = ctx;

	if (dp->conf.notify)
		dp->conf.notify(dp->conf.ctx, NULL);
}

static void io_quiesce(void *ctx)
{
	vsw_dataplane_quiesce(ctx);
}

void vsw_dataplane_quiesce(struct vsw_dataplane *dp)
{
	rte_rcu_qsbr_synchronize(dp->rcu, RTE_QSBR_THRID_INVALID);
}

static int make_pools(struct vsw_dataplane *dp, struct vd_err *reterr)
{
	uint32_t n_big = RTE_MAX(64u, dp->conf.n_mbufs / 64);
	int socket = (int)rte_socket_id();

	/* called from the control thread: any socket will do */
	if (socket < 0)
		socket = SOCKET_ID_ANY;
	dp->env.pool = rte_pktmbuf_pool_create("vsw-frames", dp->conf.n_mbufs, POOL_CACHE, 0,
					       RTE_MBUF_DEFAULT_BUF_SIZE, socket);
	if (!dp->env.pool)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, "daemon/memory",
				  "start with a smaller or larger --memory, as the machine has",
				  "no room for %u packet buffers: %s", dp->conf.n_mbufs,
				  rte_strerror(rte_errno));
	dp->env.big_pool = rte_pktmbuf_pool_create("vsw-super", n_big, 0, 0, UINT16_MAX, socket);
	if (!dp->env.big_pool)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, "daemon/memory",
				  "start with a larger --memory",
				  "no room for %u buffers for super-frames: %s", n_big,
				  rte_strerror(rte_errno));
	return 0;
}

static int make_rcu(struct vsw_dataplane *dp, struct vd_err *reterr)
{
	dp->rcu = rte_zmalloc("vsw-rcu", rte_rcu_qsbr_get_memsize(VSW_WORKERS_MAX),
			      RTE_CACHE_LINE_SIZE);
	if (!dp->rcu || rte_rcu_qsbr_init(dp->rcu, VSW_WORKERS_MAX) ||
	    vsw_flows_init(&dp->flows, dp->rcu) < 0)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, "daemon/memory", NULL,
				  "no room for the data plane's tables");
	dp->own = rte_ring_create("vsw-own", OWN_FRAMES, SOCKET_ID_ANY, RING_F_SC_DEQ);
	if (!dp->own)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, "daemon/memory", NULL,
				  "no room for the data plane's tables");
	dp->flows.wake = flows_wake;
	dp->flows.wake_ctx = dp;
	return 0;
}

static int start_workers(struct vsw_dataplane *dp, struct vd_err *reterr)
{
	for (uint16_t i = 0; i < dp->conf.n_workers; i++) {
		struct vsw_worker_thread *t = &dp->workers[i];
		int r;

		t->w.dp = dp;
		t->w.id = i;
		t->core = dp->conf.cores[i];
		t->poll = dp->conf.poll;
		t->w.stats.core = t->core;
		t->w.txbuf = calloc(VSW_PORTS_MAX, sizeof(*t->w.txbuf));
		if (!t->w.txbuf)
			return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, "daemon/memory", NULL,
					  "no room for worker %u", i);
		r = vsw_worker_start(t);
		if (r < 0)
			return vd_err_set(reterr, r, VD_E_SYSTEM, "daemon/workers",
					  "name cores that exist and are allowed: --workers 1,2",
					  "worker %u cannot run on core %d: %s", i, t->core,
					  strerror(-r));
		dp->n_workers++;
	}
	return 0;
}

int vsw_dataplane_start(const struct vsw_dataplane_conf *conf, struct vsw_dataplane **ret,
			struct vd_err *reterr)
{
	struct vsw_dataplane *dp =
		aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN(sizeof(*dp), RTE_CACHE_LINE_SIZE));
	struct vsw_binding nothing = {.model = &(struct vsw_model){0}};
	int r;

	if (!dp)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, "daemon/memory", NULL,
				  "memory ran out");
	memset(dp, 0, sizeof(*dp));
	dp->conf = *conf;
	dp->env.run_dir = conf->run_dir;
	dp->env.notify = io_notify;
	dp->env.quiesce = io_quiesce;
	dp->env.ctx = dp;
	dp->env.nats = vsw_nats_create(&dp->env);
	dp->snapshot = vsw_snapshot_build(&nothing, conf->n_workers, 0);
	r = dp->snapshot && dp->env.nats ? make_pools(dp, reterr) : -ENOMEM;
	if (r == 0)
		r = make_rcu(dp, reterr);
	if (r == 0)
		r = start_workers(dp, reterr);
	if (r < 0) {
		vsw_dataplane_stop(dp);
		return r;
	}
	*ret = dp;
	return 0;
}

void vsw_dataplane_stop(struct vsw_dataplane *dp)
{
	if (!dp)
		return;
	__atomic_store_n(&dp->stop, true, __ATOMIC_RELEASE);
	for (uint16_t i = 0; i < dp->n_workers; i++)
		vsw_worker_stop(&dp->workers[i]);
	for (uint16_t i = 0; i < VSW_WORKERS_MAX; i++)
		free(dp->workers[i].w.txbuf);
	vsw_snapshot_free(dp->snapshot);
	vsw_flows_done(&dp->flows);
	vsw_nats_destroy(dp->env.nats);
	rte_ring_free(dp->own);
	rte_mempool_free(dp->env.pool);
	rte_mempool_free(dp->env.big_pool);
	rte_free(dp->rcu);
	free(dp);
}

const struct vsw_io_env *vsw_dataplane_env(struct vsw_dataplane *dp)
{
	return &dp->env;
}

uint16_t vsw_dataplane_workers(const struct vsw_dataplane *dp)
{
	return dp->n_workers;
}

static void free_port(struct vsw_port *port)
{
	for (uint16_t i = 0; i < VSW_WORKERS_MAX; i++) {
		free(port->counters[i]);
		free(port->recorder[i]);
	}
	vsw_gate_free(port->gate);
	free(port->guard);
	vsw_shaper_destroy(port->shaper);
	free(port->hold);
	nap_allow_unref(port->allow);
	free(port);
}

static int find_index(struct vsw_dataplane *dp, uint16_t *ret)
{
	for (uint32_t i = 0; i < VSW_PORTS_MAX; i++) {
		uint16_t index = (uint16_t)((dp->next_index + i) % VSW_PORTS_MAX);

		if (dp->ports[index])
			continue;
		dp->next_index = (uint16_t)((index + 1) % VSW_PORTS_MAX);
		*ret = index;
		return 0;
	}
	return -ENOSPC;
}

int vsw_port_create(struct vsw_dataplane *dp, struct vsw_io *io, bool want_first_mac,
		    struct vsw_port **ret)
{
	struct vsw_port *port =
		aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN(sizeof(*port), RTE_CACHE_LINE_SIZE));
	int r;

	if (!port)
		return -ENOMEM;
	memset(port, 0, sizeof(*port));
	r = find_index(dp, &port->index);
	for (uint16_t i = 0; r == 0 && i < dp->n_workers; i++) {
		port->counters[i] = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(**port->counters));
		port->recorder[i] = calloc(1, sizeof(**port->recorder));
		if (!port->counters[i] || !port->recorder[i])
			r = -ENOMEM;
		else
			memset(port->counters[i], 0, sizeof(**port->counters));
	}
	if (r < 0) {
		free_port(port);
		return r;
	}
	port->counters[VSW_WORKER_LOOKING] = &dp->looking_counters;
	port->recorder[VSW_WORKER_LOOKING] = &dp->looking_recorder;
	port->io = io;
	port->ops = io->ops;
	io->port_index = port->index;
	/* generations begin at 1: the lowest tickets are nobody's */
	port->ticket =
		(dp->tickets++ % TICKET_GENERATIONS + 1) << VSW_TICKET_INDEX_BITS | port->index;
	port->n_rxq = RTE_MIN(io->caps.n_rxq, VSW_QUEUES_MAX);
	port->n_txq = RTE_MIN(io->caps.n_txq, VSW_QUEUES_MAX);
	port->tx_locked = !io->caps.tx_shared && port->n_txq < dp->n_workers;
	port->first_mac_state = want_first_mac ? VSW_FIRST_MAC_WANTED : VSW_FIRST_MAC_UNWANTED;
	for (uint16_t i = 0; i < VSW_QUEUES_MAX; i++) {
		rte_spinlock_init(&port->rxq[i].lock);
		rte_spinlock_init(&port->tx_lock[i]);
		port->rxq[i].owner = UINT16_MAX;
		port->rxq[i].fd = -1;
	}
	dp->ports[port->index] = port;
	*ret = port;
	return 0;
}

void vsw_port_destroy(struct vsw_dataplane *dp, struct vsw_port *port)
{
	if (!port)
		return;
	dp->ports[port->index] = NULL;
	vsw_flows_flush(&dp->flows, port->index);
	port->ops->close(port->io);
	free_port(port);
}

void vsw_port_confine(struct vsw_port *port, struct nap_allow *allow, uint16_t vlan)
{
	struct nap_allow *before = port->allow;

	port->vlan = vlan;
	if (before == allow)
		return;
	port->allow = allow ? nap_allow_ref(allow) : NULL;
	nap_allow_unref(before);
}

const struct nap_allow *vsw_port_confined(const struct vsw_port *port)
{
	return port->gate && port->gate->quarantine ? port->gate->quarantine->allow : NULL;
}

void vsw_port_serve(struct vsw_port *port, bool on, bool statements, uint32_t dhcp_server)
{
	port->portal = on;
	port->statements = on && statements;
	__atomic_store_n(&port->dhcp_server, rte_cpu_to_be_32(dhcp_server), __ATOMIC_RELAXED);
}

uint16_t vsw_port_confined_vlan(const struct vsw_port *port)
{
	return port->vlan_in_force;
}

struct vsw_port *vsw_dataplane_port(struct vsw_dataplane *dp, uint16_t index)
{
	return index < VSW_PORTS_MAX ? dp->ports[index] : NULL;
}

static bool same_vlans(const uint64_t *a, const uint64_t *b)
{
	return a == b || (a && b && memcmp(a, b, 512) == 0);
}

/* Is @q, the same port in the next snapshot, still on the same network as @p? */
static bool same_place(const struct vsw_snap_port *p, const struct vsw_snap_port *q)
{
	return q && q->rt == p->rt && q->fdb == p->fdb && q->pvid == p->pvid &&
	       q->out_vid == p->out_vid && same_vlans(q->out, p->out) &&
	       same_vlans(q->in_tags, p->in_tags);
}

/* Of ports that left their switch or their VLANs: what was learned there, and frames from there that wait
 * for them. What was learned goes, too, where a port may show fewer addresses. */
static void flush_strays(const struct vsw_snapshot *old, const struct vsw_snapshot *next)
{
	for (uint16_t i = 0; i < old->n_ports; i++) {
		const struct vsw_snap_port *p = &old->all[i], *q = next->ports[p->index];
		bool same = same_place(p, q);

		if (!same || q->learn < p->learn)
			vsw_fdb_flush(p->fdb, p->index, -1);
		if (!same && q && q->rt == p->rt && p->rt->shaper)
			vsw_shaper_condemn(p->rt->shaper);
	}
}

static int set_statics(const struct vsw_binding *b)
{
	struct vsw_fdb_static *e;
	int r = 0;

	for (unsigned int k = 0; k < b->model->n_switches && r == 0; k++) {
		size_t room = b->model->n_ports + b->model->switches[k].n_statics + 1u;

		e = calloc(room, sizeof(*e));
		if (!e)
			return -ENOMEM;
		r = vsw_fdb_set_static(b->fdbs[k], e, vsw_snapshot_statics(b, k, e));
		free(e);
	}
	return r;
}

/* Compile what changed of the ports' policies. */
static int make_gates(struct vsw_dataplane *dp, const struct vsw_binding *b, struct vd_err *reterr)
{
	int r = 0;

	for (unsigned int i = 0; i < b->model->n_ports && r == 0; i++)
		r = vsw_gate_make(b->model, i, b->ports[i]->allow, b->ports[i]->gate, dp->n_workers,
				  &b->ports[i]->next_gate, reterr);
	for (unsigned int i = 0; i < b->model->n_ports && r == 0; i++) {
		struct vsw_port *p = b->ports[i];

		if (!p->next_gate || !p->next_gate->guard || p->guard)
			continue;
		p->guard = vsw_guard_state_create();
		if (!p->guard)
			r = vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, b->model->ports[i].name,
				       NULL, "no room for the port's guards");
	}
	return r;
}

static bool gates_change(const struct vsw_binding *b)
{
	for (unsigned int i = 0; i < b->model->n_ports; i++)
		if (b->ports[i]->next_gate != b->ports[i]->gate)
			return true;
	return false;
}

/* After nobody can use the old ones: @published says whether the next or the old gates stay. */
static void settle_gates(struct vsw_dataplane *dp, const struct vsw_binding *b, bool published)
{
	for (unsigned int i = 0; i < b->model->n_ports; i++) {
		struct vsw_port *p = b->ports[i];
		struct vsw_gate *gone = published ? p->gate : p->next_gate;

		if (published)
			p->vlan_in_force = p->vlan;
		if (p->next_gate != p->gate) {
			if (published && p->gate && p->next_gate)
				vsw_gate_inherit(p->next_gate, p->gate, dp->n_workers);
			vsw_gate_free(gone);
			if (published)
				p->gate = p->next_gate;
			if (published && !p->gate)
				vsw_flows_flush(&dp->flows, p->index);
		}
		p->next_gate = NULL;
	}
}

/* Tables for switches that snoop; they live as long as the forwarding table. */
static int make_mcasts(const struct vsw_binding *b, struct vd_err *reterr)
{
	for (unsigned int k = 0; k < b->model->n_switches; k++) {
		const struct vsw_switch_cfg *sw = &b->model->switches[k];

		if ((!sw->igmp_snooping && !sw->mld_snooping) || b->fdbs[k]->mcast)
			continue;
		b->fdbs[k]->mcast = vsw_mcast_create(vsw_flow_stamps_per_s());
		if (!b->fdbs[k]->mcast)
			return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, sw->name, NULL,
					  "no room for the switch's multicast groups");
	}
	return 0;
}

/* A worker forgets ports that are not in its snapshot; when they come back, any worker may drain them. */
static void disown_shapers(const struct vsw_snapshot *old, const struct vsw_snapshot *next)
{
	for (uint16_t i = 0; i < old->n_ports; i++) {
		struct vsw_port *rt = old->all[i].rt;

		if (rt->shaper && !next->ports[rt->index])
			vsw_shaper_disown(rt->shaper);
	}
}

int vsw_dataplane_publish(struct vsw_dataplane *dp, const struct vsw_binding *b,
			  struct vd_err *reterr)
{
	struct vsw_snapshot *old = dp->snapshot, *next = NULL;
	int r = make_gates(dp, b, reterr);

	if (r == 0)
		r = vsw_qos_prepare(b, reterr);
	if (r == 0)
		r = make_mcasts(b, reterr);
	if (r == 0) {
		next = vsw_snapshot_build(b, dp->n_workers, old->generation + 1);
		if (!next)
			r = vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL,
				       "memory ran out");
	}
	if (r == 0)
		next->gates = old->gates + gates_change(b);
	/* addresses first: a frame that arrives at once already finds its way. Workers under the old
	 * snapshot ignore entries of ports they do not know. */
	if (r == 0) {
		r = set_statics(b);
		if (r < 0)
			vd_err_set(reterr, r, VD_E_NO_MEMORY, NULL, NULL,
				   "no room for the ports' addresses in the forwarding table");
	}
	if (r < 0) {
		vsw_snapshot_free(next);
		settle_gates(dp, b, false);
		return r;
	}
	__atomic_store_n(&dp->snapshot, next, __ATOMIC_RELEASE);
	wake_all(dp);
	vsw_dataplane_quiesce(dp);
	settle_gates(dp, b, true);
	disown_shapers(old, next);
	flush_strays(old, next);
	vsw_snapshot_free(old);
	return 0;
}

uint32_t vsw_dataplane_flow_count(const struct vsw_dataplane *dp)
{
	return __atomic_load_n(&dp->flows.n, __ATOMIC_RELAXED);
}

#define AGE_FLOWS_CALLS 32 /* the whole flow table in so many calls */

void vsw_dataplane_age_flows(struct vsw_dataplane *dp)
{
	vsw_flows_grow(&dp->flows);
	vsw_flows_age(&dp->flows, vsw_fdb_stamp(rte_rdtsc()),
		      (dp->flows.at->mask + 1) / AGE_FLOWS_CALLS);
}

void vsw_port_stats_get(const struct vsw_dataplane *dp, const struct vsw_port *port,
			struct vsw_port_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (port->ops->refresh)
		port->ops->refresh(port->io);
	for (uint16_t w = 0; w < dp->n_workers; w++) {
		const volatile struct vsw_counters *c = port->counters[w];

		ret->rx_packets += c->rx_packets;
		ret->rx_bytes += c->rx_bytes;
		ret->tx_packets += c->tx_packets;
		ret->tx_bytes += c->tx_bytes;
		ret->cycles += c->cycles;
		for (unsigned int i = 0; i < VSW_DROP_N; i++)
			ret->drops[i] += c->drops[i];
	}
	/* taken from the device and dropped there: received = sent on + dropped holds for them, too */
	ret->rx_packets += port->io->rx_drops_offload;
	ret->drops[VSW_DROP_OFFLOAD_INVALID] += port->io->rx_drops_offload;
	ret->drops[VSW_DROP_NO_MEMORY] += port->io->rx_drops_memory;
	ret->drops[VSW_DROP_DEST_ERROR] += port->io->tx_errors;
	for (unsigned int i = 0; i < VSW_DROP_N; i++)
		ret->drops_total += ret->drops[i];
}

void vsw_worker_stats_get(const struct vsw_dataplane *dp, uint16_t worker,
			  struct vsw_worker_stats *ret)
{
	*ret = dp->workers[worker].w.stats;
}
