/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap: an interface of the kernel's stack that ends in the switch, with virtio-net headers, so that
 * TCP super-frames of up to 64 KiB and partial checksums pass whole. One system call moves one frame:
 * with super-frames that is cheap enough, and it is all the tun driver offers.
 */
#include "vswitch/io/tap.h"

#include <errno.h>
#include <unistd.h>
#include <sys/uio.h>
#include <rte_malloc.h>

/* A frame in more pieces than this is refused, not cut. IOV_MAX is 1024. */
#define TX_IOV_MAX 1024

/** The interface is gone for good (its namespace went, or somebody deleted it). */
static void tap_gone(struct tap *t)
{
	if (__atomic_exchange_n(&t->io.caps.connected, false, __ATOMIC_RELAXED))
		t->io.env->notify(t->io.env->ctx, &t->io);
}

/** Queues of one interface may be served by different workers. */
static void lose(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static uint16_t tap_rx(struct vsw_io *io, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct tap *t = (struct tap *)io;
	struct tap_queue *q = &t->q[queue];
	struct iovec iov[3];
	uint16_t got = 0;
	bool drained = false;

	/* Lost frames count too, so that a flood of bad ones cannot hold the worker. */
	for (uint16_t tries = 0; tries < n; tries++) {
		struct rte_mbuf *m;
		ssize_t size;

		if (unlikely(!vsw_rxslot_arm(&q->slot, io->env, true, iov)))
			break;
		size = readv(q->fd, iov, 3);
		if (size < 0) {
			if (errno == EBADFD || errno == EIO)
				tap_gone(t);
			drained = true;
			break;
		}
		if (unlikely((size_t)size <= sizeof(q->slot.hdr)))
			continue;
		m = vsw_rxslot_take(&q->slot, io->env, (uint32_t)size - sizeof(q->slot.hdr));
		if (unlikely(!m)) {
			lose(&io->rx_drops_memory);
			continue;
		}
		if (unlikely(vsw_offload_from_vnet(m, &q->slot.hdr) < 0)) {
			lose(&io->rx_drops_offload);
			rte_pktmbuf_free(m);
			continue;
		}
		pkts[got++] = m;
	}
	if (drained)
		vsw_rxslot_relax(&q->slot);
	return got;
}

/** Return: 0 sent; 1 refused for itself; -1 the device is full. */
static int tap_send(struct tap *t, int fd, const struct rte_mbuf *m)
{
	struct vsw_vnet_hdr hdr;
	struct iovec iov[TX_IOV_MAX];
	int n_iov = 1;

	if (unlikely(m->nb_segs >= TX_IOV_MAX))
		return 1;
	vsw_offload_to_vnet(m, &hdr);
	iov[0] = (struct iovec){&hdr, sizeof(hdr)};
	for (const struct rte_mbuf *s = m; s; s = s->next)
		iov[n_iov++] = (struct iovec){rte_pktmbuf_mtod(s, void *), s->data_len};
	while (writev(fd, iov, n_iov) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == ENOBUFS)
			return -1;
		if (errno == EBADFD)
			tap_gone(t);
		return 1; /* EIO: the interface is down */
	}
	return 0;
}

static uint16_t tap_tx(struct vsw_io *io, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct tap *t = (struct tap *)io;
	int fd = t->q[queue].fd;
	uint64_t errors = 0;
	uint16_t i;

	for (i = 0; i < n; i++) {
		int r = tap_send(t, fd, pkts[i]);

		if (unlikely(r < 0))
			break;
		errors += (unsigned int)r;
	}
	rte_pktmbuf_free_bulk(pkts, i);
	if (unlikely(errors))
		__atomic_fetch_add(&io->tx_errors, errors, __ATOMIC_RELAXED);
	return i;
}

static int tap_wait_fd(struct vsw_io *io, uint16_t queue)
{
	struct tap *t = (struct tap *)io;

	/* An interface that is gone leaves its descriptor readable for ever. */
	return __atomic_load_n(&io->caps.connected, __ATOMIC_RELAXED) ? t->q[queue].fd : -1;
}

static int tap_set_link(struct vsw_io *io, bool up, struct vd_err *reterr)
{
	return tap_dev_set_link((struct tap *)io, up, reterr);
}

static int tap_set_mtu(struct vsw_io *io, uint16_t mtu_bytes, struct vd_err *reterr)
{
	return tap_dev_set_mtu((struct tap *)io, mtu_bytes, reterr);
}

static int tap_set_mac(struct vsw_io *io, const struct vd_mac *mac, struct vd_err *reterr)
{
	return tap_dev_set_mac((struct tap *)io, mac, reterr);
}

static void tap_describe(struct vsw_io *io, json_t *out)
{
	struct tap *t = (struct tap *)io;
	struct tap_place place;

	json_object_set_new(out, "driver", json_string("tap"));
	json_object_set_new(out, "queues", json_integer(t->n_queues));
	json_object_set_new(out, "super_frames", json_string(t->uso ? "tcp, udp" : "tcp"));
	if (!t->uso)
		json_object_set_new(out, "degraded",
				    json_string("UDP super-frames need Linux 6.2: segmented here"));
	if (t->restored)
		json_object_set_new(out, "restored", json_true());
	if (!io->caps.connected || tap_dev_place(t, &place) < 0) {
		json_object_set_new(out, "gone",
				    json_string("the interface was deleted, or its namespace was; "
						"remove the port and add it again"));
		return;
	}
	json_object_set_new(out, "interface", json_string(place.name));
	if (place.netns_fd >= 0) {
		json_object_set_new(out, "netns", json_integer((json_int_t)place.netns));
		close(place.netns_fd);
	}
}

static json_t *tap_leftover(struct vsw_io *io)
{
	struct tap *t = (struct tap *)io;

	return json_pack("{s:s, s:s}", "tap", io->device.target, "id", t->id);
}

static void tap_free(struct tap *t)
{
	for (uint16_t i = 0; i < t->n_queues; i++)
		vsw_rxslot_done(&t->q[i].slot);
	rte_free(t);
}

static void tap_close(struct vsw_io *io)
{
	struct tap *t = (struct tap *)io;

	tap_dev_close(t);
	tap_free(t);
}

static const struct vsw_io_ops tap_ops = {
	.kind = "tap",
	.rx = tap_rx,
	.tx = tap_tx,
	.wait_fd = tap_wait_fd,
	.set_link = tap_set_link,
	.set_mtu = tap_set_mtu,
	.set_mac = tap_set_mac,
	.describe = tap_describe,
	.leftover = tap_leftover,
	.close = tap_close,
};

int vsw_io_tap_open(const struct vsw_io_env *env, const struct vsw_io_params *params,
		    struct vsw_io **ret, struct vd_err *reterr)
{
	uint16_t n = RTE_MAX(params->device.queues, (uint16_t)1);
	struct tap *t = rte_zmalloc("tap", sizeof(*t) + n * sizeof(t->q[0]), RTE_CACHE_LINE_SIZE);
	int r = -ENOMEM;

	if (!t)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "memory ran out");
	t->io.ops = &tap_ops;
	t->io.env = env;
	t->io.device = params->device;
	t->n_queues = n;
	for (uint16_t i = 0; i < n; i++)
		t->q[i].fd = -1;
	for (uint16_t i = 0; i < n; i++)
		if (vsw_rxslot_init(&t->q[i].slot) < 0)
			goto fail;
	r = tap_dev_open(t, params, reterr);
	if (r < 0)
		goto fail;
	t->io.caps = (struct vsw_io_caps){
		.tx_offloads = RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_TCP_SEG |
			       (t->uso ? RTE_MBUF_F_TX_UDP_SEG : 0),
		.max_frame = t->mtu_bytes + 18u,
		.n_rxq = n,
		.n_txq = n,
		.tx_shared = true,
		.connected = true,
	};
	*ret = &t->io;
	return 0;
fail:
	tap_free(t);
	return vd_err_set(reterr, r, VD_E_NO_MEMORY, NULL, NULL, "memory ran out");
}
