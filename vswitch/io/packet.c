/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netdev through AF_PACKET: an interface that exists, with virtio-net headers, so that the
 * super-frames of GRO and of local senders pass whole, both ways. Batches of recvmmsg/sendmmsg.
 *
 * The kernel hands over the outer VLAN tag beside the frame; it is put back in, after the offload
 * request was checked, whose offsets do not count it.
 */
#include "vswitch/io/packet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_malloc.h>

#define BIG_MAX    16   /* big buffers held ready for one burst at most */
#define TX_IOV_MAX 1024 /* IOV_MAX; a frame in more pieces is refused, not cut */

static uint16_t arm_slots(struct packet *p, uint16_t n)
{
	uint16_t n_big = RTE_MIN(p->n_super + 1, BIG_MAX);
	uint16_t i;

	for (i = 0; i < n; i++) {
		struct packet_slot *slot = &p->slots[i];

		if (unlikely(!vsw_rxslot_arm(&slot->s, p->io.env, i < n_big, slot->iov)))
			break;
		p->msgs[i].msg_hdr.msg_controllen = sizeof(slot->control);
	}
	return i;
}

/** Put the tag that the kernel took out back in. Return: false when the frame must be dropped. */
static bool insert_tag(struct rte_mbuf *m, const struct tpacket_auxdata *aux)
{
	uint16_t tag[2] = {RTE_BE16(RTE_ETHER_TYPE_VLAN), rte_cpu_to_be_16(aux->tp_vlan_tci)};
	uint8_t *p;

	if (m->data_len < 2 * RTE_ETHER_ADDR_LEN)
		return false;
	if (aux->tp_status & TP_STATUS_VLAN_TPID_VALID)
		tag[0] = rte_cpu_to_be_16(aux->tp_vlan_tpid);
	p = (uint8_t *)rte_pktmbuf_prepend(m, sizeof(tag));
	if (!p)
		return false;
	memmove(p, p + sizeof(tag), 2 * RTE_ETHER_ADDR_LEN);
	memcpy(p + 2 * RTE_ETHER_ADDR_LEN, tag, sizeof(tag));
	if (m->ol_flags & VSW_TX_REQUESTS)
		m->l2_len += sizeof(tag);
	return true;
}

static bool restore_tag(struct rte_mbuf *m, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA ||
		    c->cmsg_len < CMSG_LEN(sizeof(aux)))
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (aux.tp_status & TP_STATUS_VLAN_VALID)
			return insert_tag(m, &aux);
	}
	return true;
}

/** The frame of slot @i, or NULL: dropped and counted. */
static struct rte_mbuf *take(struct packet *p, uint16_t i)
{
	struct packet_slot *slot = &p->slots[i];
	struct mmsghdr *msg = &p->msgs[i];
	struct rte_mbuf *m;

	if (unlikely(msg->msg_len <= sizeof(slot->s.hdr)))
		return NULL;
	if (unlikely(msg->msg_hdr.msg_flags & MSG_TRUNC)) {
		/* beyond 64 KiB ("BIG TCP"): no form we could pass it on in */
		p->io.rx_drops_offload++;
		return NULL;
	}
	m = vsw_rxslot_take(&slot->s, p->io.env, msg->msg_len - sizeof(slot->s.hdr));
	if (unlikely(!m)) {
		p->io.rx_drops_memory++;
		return NULL;
	}
	if (unlikely(vsw_offload_from_vnet(m, &slot->s.hdr) < 0 ||
		     !restore_tag(m, &msg->msg_hdr))) {
		p->io.rx_drops_offload++;
		rte_pktmbuf_free(m);
		return NULL;
	}
	return m;
}

static uint16_t packet_rx(struct vsw_io *io, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct packet *p = (struct packet *)io;
	uint16_t armed = arm_slots(p, RTE_MIN(n, PACKET_BATCH)), got = 0, n_super = 0;
	int fd = __atomic_load_n(&p->fd, __ATOMIC_ACQUIRE);
	int r = armed ? recvmmsg(fd, p->msgs, armed, MSG_DONTWAIT, NULL) : 0;

	for (int i = 0; i < r; i++) {
		struct rte_mbuf *m = take(p, (uint16_t)i);

		if (unlikely(!m))
			continue;
		n_super += m->nb_segs > 1;
		pkts[got++] = m;
	}
	if (r < (int)armed)
		for (uint16_t i = 0; i < armed; i++)
			vsw_rxslot_relax(&p->slots[i].s);
	if (r > 0)
		p->n_super = n_super;
	return got;
}

/** Frames on their way into one sendmmsg(). */
struct batch {
	struct mmsghdr msgs[PACKET_BATCH];
	struct vsw_vnet_hdr hdrs[PACKET_BATCH];
	struct iovec iov[TX_IOV_MAX];
	unsigned int n, n_iov;
};

static bool batch_add(struct batch *b, const struct rte_mbuf *m)
{
	struct mmsghdr *msg = &b->msgs[b->n];

	if (b->n == PACKET_BATCH || b->n_iov + m->nb_segs + 1 > TX_IOV_MAX)
		return false;
	vsw_offload_to_vnet(m, &b->hdrs[b->n]);
	memset(msg, 0, sizeof(*msg));
	msg->msg_hdr.msg_iov = &b->iov[b->n_iov];
	msg->msg_hdr.msg_iovlen = m->nb_segs + 1u;
	b->iov[b->n_iov++] = (struct iovec){&b->hdrs[b->n], sizeof(b->hdrs[0])};
	for (const struct rte_mbuf *s = m; s; s = s->next)
		b->iov[b->n_iov++] = (struct iovec){rte_pktmbuf_mtod(s, void *), s->data_len};
	b->n++;
	return true;
}

/** Return: how many frames were taken; those refused for themselves are counted in @errors. */
static unsigned int batch_send(struct batch *b, int fd, uint64_t *errors)
{
	unsigned int done = 0;

	while (done < b->n) {
		int r = sendmmsg(fd, b->msgs + done, b->n - done, MSG_DONTWAIT);

		if (r > 0) {
			done += (unsigned int)r;
			continue;
		}
		if (errno == EAGAIN || errno == ENOBUFS)
			break;
		if (errno == EINTR)
			continue;
		(*errors)++;
		done++;
	}
	return done;
}

static uint16_t packet_tx(struct vsw_io *io, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct packet *p = (struct packet *)io;
	int fd = __atomic_load_n(&p->fd, __ATOMIC_ACQUIRE);
	uint64_t errors = 0;
	uint16_t sent = 0;

	while (sent < n) {
		struct batch b;
		unsigned int taken;

		b.n = b.n_iov = 0;
		if (unlikely(pkts[sent]->nb_segs >= TX_IOV_MAX)) {
			errors++;
			sent++;
			continue;
		}
		for (uint16_t i = sent; i < n && batch_add(&b, pkts[i]); i++)
			;
		taken = batch_send(&b, fd, &errors);
		sent += taken;
		if (taken < b.n)
			break;
	}
	rte_pktmbuf_free_bulk(pkts, sent);
	if (unlikely(errors))
		__atomic_fetch_add(&io->tx_errors, errors, __ATOMIC_RELAXED);
	return sent;
}

static int packet_wait_fd(struct vsw_io *io, uint16_t queue)
{
	return __atomic_load_n(&((struct packet *)io)->fd, __ATOMIC_ACQUIRE);
}

static void packet_describe(struct vsw_io *io, json_t *out)
{
	struct packet *p = (struct packet *)io;
	char mac[VD_MAC_STR_SIZE];
	struct vd_mac addr;

	json_object_set_new(out, "driver", json_string("af-packet"));
	json_object_set_new(out, "why", json_string(p->why));
	pthread_mutex_lock(&p->lock);
	if (p->gone) {
		json_object_set_new(
			out, "gone",
			json_string("the interface was deleted, renamed or moved to another "
				    "namespace; the port resumes when it is back"));
	} else {
		memcpy(addr.addr, p->link.mac, sizeof(addr.addr));
		json_object_set_new(out, "interface_mac", json_string(vd_mac_format(&addr, mac)));
		json_object_set_new(out, "interface_mtu", json_integer(p->link.mtu_bytes));
		json_object_set_new(out, "interface_up", json_boolean(p->link.flags & IFF_UP));
		json_object_set_new(out, "carrier", json_boolean(p->link.flags & IFF_LOWER_UP));
		if (p->link.kind[0])
			json_object_set_new(out, "interface_kind", json_string(p->link.kind));
	}
	pthread_mutex_unlock(&p->lock);
}

static void packet_free(struct packet *p)
{
	for (unsigned int i = 0; i < PACKET_BATCH; i++)
		vsw_rxslot_done(&p->slots[i].s);
	rte_free(p);
}

static void packet_close(struct vsw_io *io)
{
	struct packet *p = (struct packet *)io;

	packet_dev_close(p);
	packet_free(p);
}

static const struct vsw_io_ops packet_ops = {
	.kind = "netdev",
	.rx = packet_rx,
	.tx = packet_tx,
	.wait_fd = packet_wait_fd,
	.describe = packet_describe,
	.close = packet_close,
};

static int packet_init(struct packet *p)
{
	p->io.ops = &packet_ops;
	p->fd = p->claim_fd = -1;
	pthread_mutex_init(&p->lock, NULL);
	p->io.caps = (struct vsw_io_caps){
		/* Without TX_UDP_SEG on kernels before 6.2 a guest's UDP super-frames would be lost;
		 * cut by us they arrive everywhere. */
		.tx_offloads = RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_TCP_SEG,
		.n_rxq = 1,
		.n_txq = 1,
		.tx_shared = true,
	};
	for (unsigned int i = 0; i < PACKET_BATCH; i++) {
		struct msghdr *msg = &p->msgs[i].msg_hdr;

		if (vsw_rxslot_init(&p->slots[i].s) < 0)
			return -ENOMEM;
		msg->msg_iov = p->slots[i].iov;
		msg->msg_iovlen = 3;
		msg->msg_control = p->slots[i].control;
	}
	return 0;
}

static int open_packet(const struct vsw_io_env *env, const struct vsw_io_params *params,
		       const char *why, struct vsw_io **ret, struct vd_err *reterr)
{
	struct packet *p = rte_zmalloc("packet", sizeof(*p), RTE_CACHE_LINE_SIZE);
	int r = p ? packet_init(p) : -ENOMEM;

	if (r == 0) {
		p->io.env = env;
		p->io.device = params->device;
		snprintf(p->why, sizeof(p->why), "%s", why);
		r = packet_dev_open(p, reterr);
	}
	if (r < 0) {
		if (p) {
			packet_dev_close(p);
			packet_free(p);
		}
		return vd_err_set(reterr, r, VD_E_NO_MEMORY, NULL, NULL, "memory ran out");
	}
	*ret = &p->io;
	return 0;
}

int vsw_io_packet_open(const struct vsw_io_env *env, const struct vsw_io_params *params,
		       struct vsw_io **ret, struct vd_err *reterr)
{
	struct vsw_link link;
	int zerocopy;

	if (params->device.way == VSW_NETDEV_AF_XDP)
		return vsw_io_ethdev_open(env, params, ret, reterr);
	if (params->device.way == VSW_NETDEV_AF_PACKET)
		return open_packet(env, params, "as asked for", ret, reterr);
	if (vsw_link_get(params->device.target, 0, &link) < 0)
		return open_packet(env, params, "", ret, reterr);
	zerocopy = vsw_link_xsk_zerocopy(link.index);
	/* AF_XDP pays only where frames are not copied: with copies it is slower than this, and it
	 * never takes super-frames. */
	if (zerocopy == 1 && vsw_io_ethdev_open(env, params, ret, NULL) == 0)
		return 0;
	return open_packet(env, params,
			   zerocopy == 1   ? "AF_XDP without copying failed to start"
			   : zerocopy == 0 ? "the driver has no AF_XDP without copying"
					   : "this kernel does not say whether AF_XDP would copy",
			   ret, reterr);
}
