/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vhost-user ports: virtio guests.
 *
 * Theory of operation. librte_vhost keeps the protocol: sockets, reconnecting, messages, the memory
 * map, feature negotiation. The rings are ours (vring.h). A ring is "live" while a worker may touch
 * it. Whenever a message arrives that can change what a ring or the memory map is made of, the device's rings
 * are taken from the workers first (pause: not live, then a grace period), and given back after the
 * message was handled, read anew from librte_vhost (resume). Workers never take librte_vhost's locks, so
 * waiting for them inside its message handler cannot deadlock.
 *
 * Packed rings do not tell where a dead switch stopped, as split ones do, and QEMU does not ask a network
 * adapter's back end for it in time. We note it in a file of the run folder, and take a note's word only
 * for the first look at a ring of a new connection, and only when the ring agrees (vsw_packed_recall()).
 *
 * Limits. One guest a port. No dirty logging, so a guest's live migration by its VMM is
 * refused by the VMM. A guest cannot be told of a link change: vhost-user has no such message.
 */
#include "vswitch/io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <linux/virtio_net.h>
#include <rte_spinlock.h>
#include <rte_vhost.h>

#include "vswitch/io/sockpath.h"
#include "vswitch/io/vring.h"

#define RINGS_MAX           (2 * VSW_QUEUES_MAX)
#define VIDS_MAX            1024
#define VSW_NOTES_PATH_SIZE 512
/* vhost-user messages after which rings or memory may be other ones (vhost-user specification) */
enum { MSG_SET_FEATURES = 2, MSG_GET_VRING_BASE = 11, MSG_SET_MEM_TABLE = 5, MSG_RESET_OWNER = 4 };

#define MSG_HEADER_SIZE 12 /* request, flags, size */

/* One direction of one queue pair. Even indices: to the guest. */
struct ring {
	struct vsw_vring v;
	vsw_vring_rx_fn rx; /* for the ring's layout */
	vsw_vring_tx_fn give;
	bool live;         /* atomic; workers may use v */
	bool ready;        /* librte_vhost has all parts of it; vhost thread only */
	bool seen;         /* on this connection: its base is told truly; vhost thread only */
	rte_spinlock_t tx; /* several workers sending to one guest queue */
};

struct vhost_port {
	struct vsw_io io;
	const struct vsw_vring_ops *ring_ops;
	struct vsw_vmem mem;
	struct ring ring[RINGS_MAX];
	int vid;      /* -1: nobody connected */
	bool running; /* between new_device and destroy_device */
	uint64_t features;
	uint32_t n_pauses; /* for describe: how often the guest made us stop */
	int idle_fd;       /* never readable: where queues the guest does not use wait */
	uint16_t mtu;
	struct vsw_vring_note *notes; /* [RINGS_MAX] in a file; NULL: none are kept */
	char notes_path[VSW_NOTES_PATH_SIZE];
	pthread_mutex_t lock; /* vid, running, features against describe() */
};

/* Who is behind a vid, and which ports wait for a connection. */
static struct {
	pthread_mutex_t lock;
	struct vhost_port *by_vid[VIDS_MAX];
	struct vhost_port *open[4096];
	unsigned int n_open;
} registry = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct vhost_port *port_of_vid(int vid)
{
	struct vhost_port *p = NULL;

	pthread_mutex_lock(&registry.lock);
	if (vid >= 0 && vid < VIDS_MAX)
		p = registry.by_vid[vid];
	pthread_mutex_unlock(&registry.lock);
	return p;
}

static struct vhost_port *port_of_path(const char *path)
{
	for (unsigned int i = 0; i < registry.n_open; i++)
		if (!strcmp(registry.open[i]->io.device.target, path))
			return registry.open[i];
	return NULL;
}

/* ---- workers ---- */

static uint16_t vhost_rx(struct vsw_io *io, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct vhost_port *p = (struct vhost_port *)io;
	struct ring *r = &p->ring[2 * queue + 1];

	if (unlikely(!__atomic_load_n(&r->live, __ATOMIC_ACQUIRE)))
		return 0;
	return r->rx(&r->v, pkts, n);
}

static uint16_t vhost_tx(struct vsw_io *io, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct vhost_port *p = (struct vhost_port *)io;
	struct ring *r = &p->ring[2 * queue];
	uint16_t sent;

	/* a guest with fewer queues than the switch has workers */
	if (unlikely(!__atomic_load_n(&r->live, __ATOMIC_ACQUIRE))) {
		r = &p->ring[0];
		if (!__atomic_load_n(&r->live, __ATOMIC_ACQUIRE))
			return 0;
	}
	rte_spinlock_lock(&r->tx);
	sent = r->give(&r->v, pkts, n);
	rte_spinlock_unlock(&r->tx);
	return sent;
}

static bool vhost_queue_live(struct vsw_io *io, uint16_t queue)
{
	struct vhost_port *p = (struct vhost_port *)io;

	return __atomic_load_n(&p->ring[2 * queue + 1].live, __ATOMIC_ACQUIRE);
}

static int vhost_wait_fd(struct vsw_io *io, uint16_t queue)
{
	struct vhost_port *p = (struct vhost_port *)io;
	struct ring *r = &p->ring[2 * queue + 1];

	return vhost_queue_live(io, queue) ? r->v.kick_fd : p->idle_fd;
}

static bool vhost_arm(struct vsw_io *io, uint16_t queue, bool on)
{
	struct vhost_port *p = (struct vhost_port *)io;
	struct ring *r = &p->ring[2 * queue + 1];
	uint64_t count;

	if (!vhost_queue_live(io, queue) || r->v.broken)
		return false;
	if (!on && r->v.kick_fd >= 0 && read(r->v.kick_fd, &count, sizeof(count)) < 0)
		count = 0; /* nobody kicked: woken for another reason */
	return vsw_vring_notify(&r->v, on);
}

/* ---- the vhost thread ---- */

/* What the guest can take, for the data plane. */
static void offer_caps(struct vhost_port *p)
{
	uint64_t f = p->features, tx = 0;
	bool tso = f & (1ULL << VIRTIO_NET_F_GUEST_TSO4) && f & (1ULL << VIRTIO_NET_F_GUEST_TSO6);
	bool live = __atomic_load_n(&p->ring[0].live, __ATOMIC_ACQUIRE);

	if (f & (1ULL << VIRTIO_NET_F_GUEST_CSUM))
		tx |= RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM;
	if (tx && tso)
		tx |= RTE_MBUF_F_TX_TCP_SEG;
	__atomic_store_n(&p->io.caps.tx_offloads, tx, __ATOMIC_RELAXED);
	/* without mergeable buffers or TSO a guest posts buffers for its own MTU, which it does not
	 * tell: what does not fit then is dropped by the ring and counted */
	__atomic_store_n(&p->io.caps.max_frame,
			 f & (1ULL << VIRTIO_NET_F_MRG_RXBUF) || tso ? 65535u + 18u : 9216u + 18u,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&p->io.caps.connected, live, __ATOMIC_RELEASE);
}

/* Take all rings from the workers and hand their positions back to librte_vhost. */
static void pause_rings(struct vhost_port *p)
{
	bool any = false;

	for (unsigned int i = 0; i < RINGS_MAX; i++) {
		any |= p->ring[i].live;
		__atomic_store_n(&p->ring[i].live, false, __ATOMIC_RELEASE);
	}
	if (!any)
		return;
	__atomic_store_n(&p->io.caps.connected, false, __ATOMIC_RELEASE);
	p->io.env->quiesce(p->io.env->ctx);
	for (unsigned int i = 0; i < RINGS_MAX; i++) {
		struct vsw_vring *v = &p->ring[i].v;
		uint16_t avail, used;

		vsw_vring_base(v, &avail, &used);
		if (v->desc)
			rte_vhost_set_vring_base(p->vid, (uint16_t)i, avail, used);
		v->desc = NULL;
	}
	p->n_pauses++;
}

static int read_memory(struct vhost_port *p)
{
	struct rte_vhost_memory *m;

	if (rte_vhost_get_mem_table(p->vid, &m) < 0)
		return -ENOMEM;
	p->mem.n = 0;
	for (uint32_t i = 0; i < m->nregions && p->mem.n < VSW_VMEM_REGIONS; i++) {
		struct vsw_vmem_region *g = &p->mem.region[p->mem.n++];

		g->gpa = m->regions[i].guest_phys_addr;
		g->size = m->regions[i].size;
		g->hva = (uint8_t *)(uintptr_t)m->regions[i].host_user_addr;
	}
	free(m);
	return 0;
}

/* Where a packed ring stands that another life of ours may have used. */
static void recall(struct vhost_port *p, uint16_t i, uint16_t *avail, uint16_t *used)
{
	struct vsw_vring *v = &p->ring[i].v;
	uint16_t base;

	v->note = p->notes ? &p->notes[i] : NULL;
	if (v->packed && v->note && !p->ring[i].seen &&
	    vsw_packed_recall(v, i % 2 == 0, *avail, &base))
		*avail = *used = base;
	p->ring[i].seen = true;
}

static bool load_ring(struct vhost_port *p, uint16_t i)
{
	struct vsw_vring *v = &p->ring[i].v;
	struct rte_vhost_vring vr;
	uint16_t avail, used;

	if (rte_vhost_get_vhost_vring(p->vid, i, &vr) < 0 || !vr.desc || !vr.avail || !vr.used ||
	    rte_vhost_get_vring_base(p->vid, i, &avail, &used) < 0)
		return false;
	v->desc = vr.desc; /* the packed ring's parts stand in the same unions */
	v->avail = vr.avail;
	v->used = vr.used;
	v->size = vr.size;
	v->mem = &p->mem;
	v->kick_fd = vr.kickfd;
	v->call_fd = vr.callfd;
	v->mergeable = p->features & (1ULL << VIRTIO_NET_F_MRG_RXBUF);
	v->packed = p->features & (1ULL << VIRTIO_F_RING_PACKED);
	p->ring[i].rx = v->packed ? p->ring_ops->rx_packed : p->ring_ops->rx;
	p->ring[i].give = v->packed ? p->ring_ops->tx_packed : p->ring_ops->tx;
	v->event_idx = p->features & (1ULL << VIRTIO_RING_F_EVENT_IDX);
	v->requests = p->features & (1ULL << VIRTIO_NET_F_CSUM);
	v->hdr_size = v->mergeable || p->features & (1ULL << VIRTIO_F_VERSION_1) ? 12 : 10;
	v->pool = p->io.env->pool;
	v->big_pool = p->io.env->big_pool;
	recall(p, i, &avail, &used);
	if (vsw_vring_init(v, avail, used) < 0) {
		v->desc = NULL;
		return false;
	}
	vsw_vring_notify(v, false);
	return true;
}

/* Give the workers every ring that is whole. */
static void resume_rings(struct vhost_port *p)
{
	bool any = false;

	if (!p->running)
		return;
	rte_vhost_get_negotiated_features(p->vid, &p->features);
	if (read_memory(p) < 0)
		return;
	for (uint16_t i = 0; i < RINGS_MAX && i < rte_vhost_get_vring_num(p->vid); i++) {
		struct ring *r = &p->ring[i];

		if (!r->ready || r->live || !load_ring(p, i))
			continue;
		__atomic_store_n(&r->live, true, __ATOMIC_RELEASE);
		any = true;
	}
	offer_caps(p);
	if (any)
		p->io.env->notify(p->io.env->ctx, &p->io);
}

static bool touches_rings(uint32_t request)
{
	/* every SET_VRING_*, and what changes memory, features or ownership */
	return (request >= 8 && request <= 14) || request == MSG_SET_FEATURES ||
	       request == MSG_SET_MEM_TABLE || request == MSG_RESET_OWNER || request == 18 ||
	       request == 6 || request == 7;
}

static enum rte_vhost_msg_result before_message(int vid, void *msg)
{
	struct vhost_port *p = port_of_vid(vid);
	uint32_t request;

	memcpy(&request, msg, sizeof(request));
	if (p && touches_rings(request))
		pause_rings(p);
	if (p && p->notes && request == MSG_GET_VRING_BASE) {
		uint32_t ring;

		memcpy(&ring, (const uint8_t *)msg + MSG_HEADER_SIZE, sizeof(ring));
		if (ring < RINGS_MAX)
			p->notes[ring].size = 0; /* the peer knows itself now */
	}
	return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
}

static enum rte_vhost_msg_result after_message(int vid, void *msg)
{
	struct vhost_port *p = port_of_vid(vid);
	uint32_t request;

	memcpy(&request, msg, sizeof(request));
	if (p && touches_rings(request) && request != MSG_GET_VRING_BASE)
		resume_rings(p);
	return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
}

static struct rte_vhost_user_extern_ops message_ops = {
	.pre_msg_handle = before_message,
	.post_msg_handle = after_message,
};

static int on_connect(int vid)
{
	char path[VSW_DEVICE_PATH_SIZE + 1] = "";
	struct vhost_port *p;
	int r = -1;

	if (vid >= VIDS_MAX || rte_vhost_get_ifname(vid, path, sizeof(path)) < 0)
		return -1;
	pthread_mutex_lock(&registry.lock);
	p = port_of_path(path);
	if (p && p->vid < 0) { /* a second guest on one port is refused */
		registry.by_vid[vid] = p;
		p->vid = vid;
		r = rte_vhost_extern_callback_register(vid, &message_ops, NULL);
	}
	pthread_mutex_unlock(&registry.lock);
	return r;
}

static void on_disconnect(int vid)
{
	struct vhost_port *p = port_of_vid(vid);

	if (!p)
		return;
	pause_rings(p);
	pthread_mutex_lock(&registry.lock);
	registry.by_vid[vid] = NULL;
	p->vid = -1;
	p->running = false;
	for (unsigned int i = 0; i < RINGS_MAX; i++)
		p->ring[i].ready = p->ring[i].seen = false;
	pthread_mutex_unlock(&registry.lock);
	p->io.env->notify(p->io.env->ctx, &p->io);
}

static int on_device(int vid)
{
	struct vhost_port *p = port_of_vid(vid);

	if (!p)
		return -1;
	p->running = true;
	resume_rings(p);
	return 0;
}

static void on_destroy(int vid)
{
	struct vhost_port *p = port_of_vid(vid);

	if (!p)
		return;
	pause_rings(p);
	p->running = false;
	offer_caps(p);
	p->io.env->notify(p->io.env->ctx, &p->io);
}

static int on_ring_state(int vid, uint16_t ring, int enable)
{
	struct vhost_port *p = port_of_vid(vid);

	if (!p || ring >= RINGS_MAX)
		return 0;
	p->ring[ring].ready = enable;
	if (!enable && p->ring[ring].live)
		pause_rings(p);
	resume_rings(p);
	return 0;
}

static const struct rte_vhost_device_ops device_ops = {
	.new_connection = on_connect,
	.destroy_connection = on_disconnect,
	.new_device = on_device,
	.destroy_device = on_destroy,
	.vring_state_changed = on_ring_state,
};

/* ---- the control thread ---- */

static void forget(struct vhost_port *p)
{
	pthread_mutex_lock(&registry.lock);
	for (unsigned int i = 0; i < registry.n_open; i++)
		if (registry.open[i] == p)
			registry.open[i--] = registry.open[--registry.n_open];
	pthread_mutex_unlock(&registry.lock);
	if (p->idle_fd >= 0)
		close(p->idle_fd);
	if (p->notes)
		munmap(p->notes, RINGS_MAX * sizeof(*p->notes));
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* Keep notes of packed rings. Without them they work all the same, until we die. */
static void open_notes(struct vhost_port *p, const char *port_name)
{
	const size_t size = RINGS_MAX * sizeof(*p->notes);
	void *map = MAP_FAILED;
	int fd;

	snprintf(p->notes_path, sizeof(p->notes_path), "%s/%s.rings", p->io.env->run_dir,
		 port_name);
	fd = open(p->notes_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	if (ftruncate(fd, (off_t)size) == 0)
		map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		p->notes = map;
}

static bool notes_matter(const struct vhost_port *p)
{
	bool any = false;

	for (unsigned int i = 0; p->notes && i < RINGS_MAX; i++)
		any |= p->notes[i].size != 0;
	return any;
}

static void vhost_close(struct vsw_io *io)
{
	struct vhost_port *p = (struct vhost_port *)io;

	/* a guest's own may be needed by our next life; for good, they go with the port (vsw_io_vhost_clean()) */
	if (p->notes && !notes_matter(p))
		unlink(p->notes_path);
	rte_vhost_driver_unregister(io->device.target);
	if (!io->device.client)
		unlink(io->device.target);
	forget(p);
}

static void vhost_describe(struct vsw_io *io, json_t *out)
{
	struct vhost_port *p = (struct vhost_port *)io;
	unsigned int queues = 0;
	const char *broken = NULL;
	uint64_t too_big = 0, interrupts = 0;

	for (unsigned int i = 0; i < RINGS_MAX; i++) {
		const struct vsw_vring *v = &p->ring[i].v;

		queues += i % 2 && p->ring[i].live;
		too_big += v->too_big;
		interrupts += v->interrupts;
		if (v->broken)
			broken = vsw_vring_broken_text(v->broken);
	}
	json_object_set_new(out, "driver", json_string("vhost-user"));
	json_object_set_new(out, "role", json_string(io->device.client ? "client" : "server"));
	json_object_set_new(out, "copy", json_string(p->ring_ops->name));
	json_object_set_new(out, "queues", json_integer(queues));
	json_object_set_new(
		out, "ring",
		json_string(p->features & (1ULL << VIRTIO_F_RING_PACKED) ? "packed" : "split"));
	if (io->device.packed && !p->notes)
		json_object_set_new(
			out, "degraded",
			json_string(
				"the file for notes on packed rings cannot be made: after kill -9 "
				"of the switch the guest has to reset its adapter"));
	json_object_set_new(out, "mergeable",
			    json_boolean(p->features & (1ULL << VIRTIO_NET_F_MRG_RXBUF)));
	json_object_set_new(out, "interrupts", json_integer((json_int_t)interrupts));
	if (too_big)
		json_object_set_new(out, "too_big", json_integer((json_int_t)too_big));
	if (broken)
		json_object_set_new(out, "ring_error", json_string(broken));
}

static json_t *vhost_leftover(struct vsw_io *io)
{
	struct vhost_port *p = (struct vhost_port *)io;

	if (io->device.client && !p->notes)
		return NULL;
	return json_pack("{s:s*, s:s*}", "vhost_user", io->device.client ? NULL : io->device.target,
			 "rings", p->notes ? p->notes_path : NULL);
}

void vsw_io_vhost_clean(json_t *leftover)
{
	const char *path = json_string_value(json_object_get(leftover, "vhost_user"));

	const char *rings = json_string_value(json_object_get(leftover, "rings"));

	/* only a dead socket: somebody else may have taken the path since */
	if (path)
		vsw_sockpath_clear(path, NULL, NULL);
	if (rings)
		unlink(rings);
}

/* Counters of rings, where the data plane looks for them. */
static void vhost_refresh(struct vsw_io *io)
{
	struct vhost_port *p = (struct vhost_port *)io;
	uint64_t bad = 0, none = 0, big = 0;

	for (unsigned int i = 0; i < RINGS_MAX; i++) {
		bad += p->ring[i].v.bad_offload;
		none += p->ring[i].v.no_buffer;
		big += p->ring[i].v.too_big;
	}
	io->rx_drops_offload = bad;
	io->rx_drops_memory = none;
	io->tx_errors = big;
}

static const struct vsw_io_ops vhost_ops = {
	.kind = "vhost-user",
	.rx = vhost_rx,
	.tx = vhost_tx,
	.queue_live = vhost_queue_live,
	.wait_fd = vhost_wait_fd,
	.arm = vhost_arm,
	.describe = vhost_describe,
	.refresh = vhost_refresh,
	.leftover = vhost_leftover,
	.close = vhost_close,
};

static int start(struct vhost_port *p, const char *object, struct vd_err *reterr)
{
	const char *path = p->io.device.target;
	uint64_t drop = 1ULL << VIRTIO_NET_F_HOST_UFO | 1ULL << VIRTIO_NET_F_GUEST_UFO |
			1ULL << VHOST_F_LOG_ALL | 1ULL << VIRTIO_F_IOMMU_PLATFORM |
			1ULL << VIRTIO_F_IN_ORDER;

	if (!p->io.device.packed)
		drop |= 1ULL << VIRTIO_F_RING_PACKED;

	if (rte_vhost_driver_register(path, p->io.device.client ? RTE_VHOST_USER_CLIENT : 0) < 0)
		return vd_err_set(reterr, -EIO, VD_E_DEVICE_OPEN, object,
				  "use a path in a folder that exists, such as /run/viridian",
				  "cannot open the socket %s", path);
	if (rte_vhost_driver_disable_features(path, drop) < 0 ||
	    rte_vhost_driver_callback_register(path, &device_ops) < 0 ||
	    rte_vhost_driver_start(path) < 0) {
		rte_vhost_driver_unregister(path);
		return vd_err_set(reterr, -EIO, VD_E_DEVICE_OPEN, object,
				  "use a path in a folder that exists and can be written",
				  "cannot listen on %s", path);
	}
	if (!p->io.device.client)
		vsw_sockpath_open_to_vmm(path);
	return 0;
}

int vsw_io_vhost_open(const struct vsw_io_env *env, const struct vsw_io_params *params,
		      struct vsw_io **ret, struct vd_err *reterr)
{
	struct vhost_port *p;
	char object[160];
	int r;

	snprintf(object, sizeof(object), "port/%s/device", params->port_name);
	if (!params->device.client) {
		r = vsw_sockpath_clear(params->device.target, object, reterr);
		if (r < 0)
			return r;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, object, NULL, "memory ran out");
	p->io.ops = &vhost_ops;
	p->io.env = env;
	p->io.device = params->device;
	p->io.caps.n_rxq = p->io.caps.n_txq = params->device.queues;
	p->io.caps.tx_shared = true; /* by ring.tx */
	p->ring_ops = vsw_vring_best();
	p->mtu = params->mtu_bytes;
	p->vid = -1;
	if (params->device.packed)
		open_notes(p, params->port_name);
	p->idle_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&p->lock, NULL);
	for (unsigned int i = 0; i < RINGS_MAX; i++)
		rte_spinlock_init(&p->ring[i].tx);
	pthread_mutex_lock(&registry.lock);
	if (registry.n_open < RTE_DIM(registry.open))
		registry.open[registry.n_open++] = p;
	pthread_mutex_unlock(&registry.lock);
	r = p->idle_fd < 0 ? -errno : start(p, object, reterr);
	if (r < 0) {
		forget(p);
		return r;
	}
	*ret = &p->io;
	return 0;
}
