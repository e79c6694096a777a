/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netvsp ports: guests of Hyper-V's kind. The protocol engine is vmbus-netvsp/netvsp.h; here are
 * its packets: mbufs in and out of rings and buffers in the guest's memory, with one copy.
 *
 * Theory of operation. One queue of the port is one VMBus channel; the worker that owns the queue
 * polls the channel's ring. The guest need not signal while it is polled; before a worker sleeps it
 * arms the channel and waits for the kick eventfd. Towards the guest the engine says when an
 * interrupt is due: a bit in guest memory, and an eventfd that KVM injects.
 *
 * Offloads. What a guest asks for is put into virtio-net's words, which offload.h checks against the
 * frame like those of every other peer. VLAN tags travel beside the frame on the guest's side and
 * inside of it in the switch.
 */
#include "vswitch/io/netvsp_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <netinet/in.h>
#include <linux/virtio_net.h>
#include <rte_byteorder.h>
#include <rte_ether.h>

#include "vswitch/datapath/frame_l4.h"
#include "vswitch/datapath/offload.h"
#include "vswitch/io/sockpath.h"

#define PLAIN_GROUP 64u  /* plain frames given to the engine at once */
#define TX_GROUP    32u  /* other ones */
#define TX_SEGS     192u /* pieces of memory they may consist of */
#define TAG         4u

/* ---- from the guest ---- */

struct rx_ctx {
	struct netvsp_port *p;
	struct netvsp_chan *ch;
	struct rte_mbuf **pkts;
	uint16_t n;
};

static struct rte_mbuf *take_spare(struct netvsp_port *p, struct netvsp_chan *ch)
{
	if (unlikely(!ch->n_spare)) {
		if (rte_pktmbuf_alloc_bulk(p->io.env->pool, ch->spare, NETVSP_SPARE))
			return rte_pktmbuf_alloc(p->io.env->pool);
		ch->n_spare = NETVSP_SPARE;
	}
	return ch->spare[--ch->n_spare];
}

/* The rest of a frame, in large buffers while they last. -ENOMEM. */
static int copy_chain(struct netvsp_port *p, struct rte_mbuf *head, const struct nvsp_seg *segs,
		      uint32_t off, uint32_t left)
{
	struct rte_mbuf *m = head;

	while (left) {
		uint32_t room = rte_pktmbuf_tailroom(m), k = segs->size - off;

		if (!room) {
			struct rte_mbuf *next = left > RTE_MBUF_DEFAULT_DATAROOM
							? rte_pktmbuf_alloc(p->io.env->big_pool)
							: NULL;

			if (!next)
				next = rte_pktmbuf_alloc(p->io.env->pool);
			if (!next)
				return -ENOMEM;
			m->next = next;
			m = next;
			head->nb_segs++;
			continue;
		}
		k = RTE_MIN(RTE_MIN(k, room), left);
		memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, m->data_len), segs->ptr + off, k);
		m->data_len = (uint16_t)(m->data_len + k);
		head->pkt_len += k;
		left -= k;
		off += k;
		if (off == segs->size) {
			segs++;
			off = 0;
		}
	}
	return 0;
}

/* The tag travels beside the frame: put it inside. */
static int insert_tag(struct rte_mbuf *m, uint16_t tci)
{
	uint8_t *p = (uint8_t *)rte_pktmbuf_prepend(m, TAG);
	uint16_t tag[2] = {rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN), rte_cpu_to_be_16(tci)};

	if (!p)
		return -ENOMEM; /* a pool without headroom */
	memmove(p, p + TAG, 2 * RTE_ETHER_ADDR_LEN);
	memcpy(p + 2 * RTE_ETHER_ADDR_LEN, tag, TAG);
	return 0;
}

/* The guest's requests as requests on the mbuf. -EBADMSG, -EINVAL: they do not fit the frame. */
static int take_requests(struct rte_mbuf *m, struct nvsp_frame *f)
{
	struct vsw_vnet_hdr h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM};
	uint32_t shift = 0;
	int r;

	r = nvsp_frame_finish(rte_pktmbuf_mtod(m, uint8_t *), m->data_len, f);
	if (r)
		return r;
	if (f->flags & NVSP_F_VLAN) {
		r = insert_tag(m, f->vlan_tci);
		if (r)
			return r;
		shift = TAG;
	}
	if (!(f->flags & (NVSP_F_CSUM_L4 | NVSP_F_LSO)))
		return 0;
	h.csum_start = (uint16_t)(f->l4_off + shift);
	h.csum_offset = f->flags & NVSP_F_TCP ? VSW_TCP_CSUM_OFFSET : VSW_UDP_CSUM_OFFSET;
	if (f->flags & NVSP_F_LSO) {
		h.gso_type =
			f->flags & NVSP_F_V6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
		h.gso_size = f->mss;
		h.hdr_len = (uint16_t)(f->hdr_size + shift);
	}
	return vsw_offload_from_vnet(m, &h);
}

/* A plain frame that is longer than a buffer. */
static void take_long(struct rx_ctx *rx, struct rte_mbuf *m, const struct nvsp_seg *frame)
{
	if (!copy_chain(rx->p, m, frame, 0, frame->size)) {
		rx->pkts[rx->n++] = m;
		return;
	}
	rx->ch->no_memory++;
	rte_pktmbuf_free(m);
}

static void take_frame(void *ctx, struct nvsp_frame *f, const struct nvsp_seg *segs,
		       unsigned int n_segs)
{
	struct rx_ctx *rx = ctx;
	struct rte_mbuf *m = take_spare(rx->p, rx->ch);

	if (unlikely(!m)) {
		rx->ch->no_memory++;
		return;
	}
	if (likely(n_segs == 1 && f->size <= rte_pktmbuf_tailroom(m))) {
		vmb_copy(rte_pktmbuf_mtod(m, void *), segs->ptr, f->size);
		m->data_len = (uint16_t)f->size;
		m->pkt_len = f->size;
	} else if (copy_chain(rx->p, m, segs, 0, f->size)) {
		rx->ch->no_memory++;
		rte_pktmbuf_free(m);
		return;
	}
	vmb_barrier(); /* from here on the copy, never the guest's memory again */
	if (unlikely(f->flags & ~NVSP_F_HASH) && take_requests(m, f)) {
		rx->ch->bad_offload++;
		rte_pktmbuf_free(m);
		return;
	}
	rx->pkts[rx->n++] = m;
}

/* Nearly all frames. */
static void take_plain(void *ctx, const struct nvsp_seg *frames, unsigned int n)
{
	struct rx_ctx *rx = ctx;
	struct rte_mbuf **m = rx->pkts + rx->n;

	if (unlikely(rte_pktmbuf_alloc_bulk(rx->p->io.env->pool, m, n))) {
		rx->ch->no_memory += n;
		return;
	}
	for (unsigned int i = 0; i < n; i++) {
		uint32_t size = frames[i].size;

		if (unlikely(size > RTE_MBUF_DEFAULT_DATAROOM)) {
			take_long(rx, m[i], &frames[i]);
			continue;
		}
		vmb_copy_over(rte_pktmbuf_mtod(m[i], void *), frames[i].ptr, size);
		m[i]->data_len = (uint16_t)size;
		m[i]->pkt_len = size;
		rx->pkts[rx->n++] = m[i];
	}
	vmb_barrier();
}

static const struct nvsp_sink rx_sink = {.frame = take_frame, .plain = take_plain};

static uint16_t netvsp_rx(struct vsw_io *io, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct netvsp_port *p = (struct netvsp_port *)io;
	struct netvsp_chan *ch = &p->chan[queue];
	struct rx_ctx rx = {p, ch, pkts, 0};

	if (unlikely(!netvsp_is_live(ch)))
		return 0;
	nvsp_rx_burst(ch->c, n, &rx_sink, &rx);
	return rx.n;
}

/* ---- to the guest ---- */

struct tx_group {
	struct nvsp_tx tx[TX_GROUP];
	struct nvsp_seg segs[TX_SEGS];
	unsigned int n, n_segs;
};

/* The engine wants to know what was verified; virtio's "good" does not say. */
static void mark_good(struct nvsp_frame *f, const struct rte_mbuf *m)
{
	struct vsw_frame_l4 l4;

	if (vsw_frame_l4_parse(m, &l4) || (l4.proto != IPPROTO_TCP && l4.proto != IPPROTO_UDP))
		return;
	f->flags |= NVSP_F_CSUM_GOOD | (l4.proto == IPPROTO_TCP ? NVSP_F_TCP : 0) |
		    (l4.ipv6 ? NVSP_F_V6 : 0);
}

static void put_requests(struct nvsp_frame *f, const struct rte_mbuf *m)
{
	struct vsw_vnet_hdr h;

	vsw_offload_to_vnet(m, &h);
	if (h.flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		mark_good(f, m);
		return;
	}
	if (!(h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return;
	f->flags |= NVSP_F_CSUM_L4;
	f->l4_off = h.csum_start;
	if (h.csum_offset == VSW_TCP_CSUM_OFFSET)
		f->flags |= NVSP_F_TCP;
	if (m->ol_flags & RTE_MBUF_F_TX_IPV6)
		f->flags |= NVSP_F_V6;
	if (h.gso_type) {
		f->flags |= NVSP_F_LSO;
		f->mss = h.gso_size;
	}
}

static void add_seg(struct tx_group *g, const uint8_t *ptr, uint32_t size)
{
	if (size)
		g->segs[g->n_segs++] = (struct nvsp_seg){ptr, size};
}

/* One frame into the group. false: it is full. */
static bool add_frame(struct tx_group *g, const struct rte_mbuf *m)
{
	struct nvsp_tx *t = &g->tx[g->n];
	const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);
	uint16_t proto;

	if (g->n == TX_GROUP || g->n_segs + m->nb_segs + 1u > TX_SEGS)
		return false;
	t->f = (struct nvsp_frame){.size = m->pkt_len};
	t->segs = &g->segs[g->n_segs];
	if (unlikely(m->ol_flags & (VSW_TX_REQUESTS | RTE_MBUF_F_RX_L4_CKSUM_MASK)))
		put_requests(&t->f, m);
	memcpy(&proto, p + 2 * RTE_ETHER_ADDR_LEN, sizeof(proto));
	if (unlikely(proto == rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN) && m->data_len >= 18)) {
		t->f.flags |= NVSP_F_VLAN;
		t->f.vlan_tci = (uint16_t)(p[14] << 8 | p[15]);
		t->f.size -= TAG;
		if (t->f.l4_off)
			t->f.l4_off = (uint16_t)(t->f.l4_off - TAG);
		add_seg(g, p, 12);
		add_seg(g, p + 16, m->data_len - 16u);
	} else {
		add_seg(g, p, m->data_len);
	}
	for (m = m->next; m; m = m->next)
		add_seg(g, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len);
	t->n_segs = (unsigned int)(&g->segs[g->n_segs] - t->segs);
	g->n++;
	return true;
}

/* One piece of memory, nothing asked for, no tag: nearly all frames. */
static inline bool is_plain(const struct rte_mbuf *m)
{
	uint16_t proto;

	memcpy(&proto, rte_pktmbuf_mtod_offset(m, const uint8_t *, 2 * RTE_ETHER_ADDR_LEN),
	       sizeof(proto));
	return likely(m->nb_segs == 1 &&
		      !(m->ol_flags & (VSW_TX_REQUESTS | RTE_MBUF_F_RX_L4_CKSUM_MASK)) &&
		      proto != rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN));
}

/* As many plain frames as stand in front. Return: how many there were, and in @sent how many went. */
static uint16_t tx_plain(struct netvsp_chan *ch, struct rte_mbuf **pkts, uint16_t n, uint16_t *sent)
{
	struct nvsp_seg segs[PLAIN_GROUP];
	uint16_t k;

	for (k = 0; k < RTE_MIN(n, PLAIN_GROUP) && is_plain(pkts[k]); k++)
		segs[k] = (struct nvsp_seg){rte_pktmbuf_mtod(pkts[k], const uint8_t *),
					    pkts[k]->data_len};
	*sent = k ? (uint16_t)nvsp_tx_plain(ch->c, segs, k) : 0;
	rte_pktmbuf_free_bulk(pkts, *sent);
	return k;
}

static uint16_t tx_to(struct netvsp_chan *ch, struct rte_mbuf **pkts, uint16_t n)
{
	struct tx_group g;
	uint16_t sent = 0;
	unsigned int k;

	while (sent < n) {
		uint16_t there, gone;

		there = tx_plain(ch, pkts + sent, (uint16_t)(n - sent), &gone);
		sent = (uint16_t)(sent + gone);
		if (gone < there)
			break;
		if (there)
			continue;
		g.n = g.n_segs = 0;
		while (sent + g.n < n && add_frame(&g, pkts[sent + g.n]))
			;
		if (unlikely(!g.n)) { /* in more pieces than can be told: never deliverable */
			rte_pktmbuf_free(pkts[sent++]);
			continue;
		}
		k = nvsp_tx_burst(ch->c, g.tx, g.n);
		rte_pktmbuf_free_bulk(pkts + sent, k);
		sent = (uint16_t)(sent + k);
		if (k < g.n)
			break;
	}
	return sent;
}

/* The channel the guest wants a frame's flow on. */
static uint32_t channel_of(struct netvsp_port *p, const struct rte_mbuf *m)
{
	uint32_t hash, index;

	if (!nvsp_rss_hash(p->dev, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, &hash))
		return 0;
	index = nvsp_rss_queue(p->dev, hash);
	return index < VSW_QUEUES_MAX && netvsp_is_live(&p->chan[index]) ? index : 0;
}

/* Flows go where the guest's table says. What does not fit is moved behind what was taken. */
static uint16_t tx_spread(struct netvsp_port *p, struct rte_mbuf **pkts, uint16_t n)
{
	struct rte_mbuf *mine[VSW_GSO_MAX_SEGS], *left[VSW_GSO_MAX_SEGS];
	uint8_t to[VSW_GSO_MAX_SEGS];
	uint16_t n_left = 0, sent, k;
	uint32_t todo = 0;

	for (uint16_t i = 0; i < n; i++) {
		to[i] = (uint8_t)channel_of(p, pkts[i]);
		todo |= 1u << to[i];
	}
	for (; todo; todo &= todo - 1) {
		uint32_t index = (uint32_t)__builtin_ctz(todo);

		k = 0;
		for (uint16_t i = 0; i < n; i++)
			if (to[i] == index)
				mine[k++] = pkts[i];
		sent = tx_to(&p->chan[index], mine, k);
		memcpy(left + n_left, mine + sent, (size_t)(k - sent) * sizeof(mine[0]));
		n_left = (uint16_t)(n_left + k - sent);
	}
	memcpy(pkts + n - n_left, left, n_left * sizeof(left[0]));
	return (uint16_t)(n - n_left);
}

static uint16_t netvsp_tx(struct vsw_io *io, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct netvsp_port *p = (struct netvsp_port *)io;

	if (unlikely(!netvsp_is_live(&p->chan[0])))
		return 0;
	if (n <= VSW_GSO_MAX_SEGS && nvsp_rss_on(p->dev))
		return tx_spread(p, pkts, n);
	return tx_to(&p->chan[0], pkts, n);
}

/* ---- sleeping and waking ---- */

void netvsp_signal(struct netvsp_chan *ch)
{
	uint64_t one = 1;

	if (!ch->flag)
		return;
	/* still set: the guest has not come to look since the last interrupt */
	if (__atomic_fetch_or(ch->flag, ch->mask, __ATOMIC_SEQ_CST) & ch->mask)
		return;
	ch->interrupts++;
	if (write(ch->call_fd, &one, sizeof(one)) < 0)
		return; /* counter full: an interrupt is pending anyway */
}

static bool netvsp_queue_live(struct vsw_io *io, uint16_t queue)
{
	struct netvsp_port *p = (struct netvsp_port *)io;

	return netvsp_is_live(&p->chan[queue]);
}

static int netvsp_wait_fd(struct vsw_io *io, uint16_t queue)
{
	struct netvsp_port *p = (struct netvsp_port *)io;

	return netvsp_is_live(&p->chan[queue]) ? p->chan[queue].kick_fd : p->idle_fd;
}

static bool netvsp_arm(struct vsw_io *io, uint16_t queue, bool on)
{
	struct netvsp_port *p = (struct netvsp_port *)io;
	struct netvsp_chan *ch = &p->chan[queue];
	uint64_t count;

	if (!netvsp_is_live(ch))
		return false;
	if (on)
		return !nvsp_chan_arm(ch->c);
	if (read(ch->kick_fd, &count, sizeof(count)) < 0)
		count = 0; /* nobody kicked: woken for another reason */
	ch->kicks += (uint32_t)count;
	nvsp_chan_disarm(ch->c);
	return false;
}

/* ---- what the engine tells, from within a burst ---- */

static void on_signal(void *ctx, void *chan_priv)
{
	if (chan_priv)
		netvsp_signal(chan_priv);
}

static void on_event(void *ctx, const struct nvsp_event *ev)
{
	static const uint32_t bits[] = {
		[NVSP_EV_FAULT] = NETVSP_EV_FAULT, [NVSP_EV_SUBCHANNELS] = NETVSP_EV_SUBCHANNELS,
		[NVSP_EV_FILTER] = NETVSP_EV_NIC,  [NVSP_EV_MTU] = NETVSP_EV_NIC,
		[NVSP_EV_OFFLOAD] = NETVSP_EV_NIC, [NVSP_EV_GPADL_IDLE] = NETVSP_EV_IDLE,
	};
	struct netvsp_port *p = ctx;

	/* a few times in a guest's life: a system call is fine; the link's thread does the rest */
	__atomic_fetch_or(&p->events, bits[ev->kind], __ATOMIC_RELEASE);
	netvsp_link_wake();
}

static int on_set_mac(void *ctx, const uint8_t mac[6])
{
	struct netvsp_port *p = ctx;

	/* the guards drop its frames anyway: better that the guest hears it now */
	if (!__atomic_load_n(&p->any_mac, __ATOMIC_RELAXED) && memcmp(mac, p->cfg.mac, 6) != 0)
		return -EPERM;
	return 0;
}

const struct nvsp_ops netvsp_dev_ops = {
	.signal = on_signal,
	.event = on_event,
	.set_mac = on_set_mac,
};

void netvsp_offer_caps(struct netvsp_port *p)
{
	uint64_t tx = 0;
	uint32_t max = 0;
	bool up = false, rsc = false;
	struct nvsp_info info;

	if (p->dev) {
		nvsp_dev_info(p->dev, &info);
		/* a guest that stands still for a snapshot is there all the same */
		up = info.filter && (netvsp_is_live(&p->chan[0]) || p->paused);
		max = nvsp_max_frame(p->dev, &rsc) + TAG;
		tx = RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_UDP_CKSUM;
		if (rsc)
			tx |= RTE_MBUF_F_TX_TCP_SEG;
	}
	__atomic_store_n(&p->io.caps.tx_offloads, tx, __ATOMIC_RELAXED);
	__atomic_store_n(&p->io.caps.max_frame, max, __ATOMIC_RELAXED);
	__atomic_store_n(&p->io.caps.connected, up, __ATOMIC_RELEASE);
}

/* ---- the control thread ---- */

static int netvsp_set_link(struct vsw_io *io, bool up, struct vd_err *reterr)
{
	struct netvsp_port *p = (struct netvsp_port *)io;

	netvsp_lock();
	p->cfg.link_up = up;
	if (p->dev && !p->paused)
		nvsp_set_link(p->dev, up, netvsp_now_ms());
	netvsp_send_nic(p);
	netvsp_unlock();
	return 0;
}

static uint16_t guest_mtu(uint16_t mtu)
{
	return mtu < 1500 ? 1500 : mtu > NVSP_MTU_MAX ? NVSP_MTU_MAX : mtu;
}

static int netvsp_set_mtu(struct vsw_io *io, uint16_t mtu_bytes, struct vd_err *reterr)
{
	struct netvsp_port *p = (struct netvsp_port *)io;

	/* a guest hears of it when it asks next: its own MTU change, or a new driver */
	netvsp_lock();
	p->cfg.max_mtu = guest_mtu(mtu_bytes);
	if (p->dev)
		nvsp_set_max_mtu(p->dev, p->cfg.max_mtu);
	netvsp_send_nic(p);
	netvsp_unlock();
	return 0;
}

static int netvsp_set_mac(struct vsw_io *io, const struct vd_mac *mac, struct vd_err *reterr)
{
	struct netvsp_port *p = (struct netvsp_port *)io;

	bool any;

	/* workers compare with it when a guest asks for another */
	netvsp_lock();
	any = netvsp_stop_all(p);
	memcpy(p->cfg.mac, mac->addr, sizeof(p->cfg.mac));
	if (p->dev)
		nvsp_set_mac(p->dev, mac->addr);
	netvsp_start_all(p, any);
	netvsp_send_nic(p);
	netvsp_unlock();
	return 0;
}

static void netvsp_set_any_mac(struct vsw_io *io, bool any)
{
	struct netvsp_port *p = (struct netvsp_port *)io;

	__atomic_store_n(&p->any_mac, any, __ATOMIC_RELAXED);
}

static json_t *describe_ring(const struct vmb_ring_words *w, uint32_t ours)
{
	return json_pack("{s:I,s:I,s:I,s:b,s:I}", "ours", (json_int_t)ours, "write",
			 (json_int_t)w->write, "read", (json_int_t)w->read, "masked", w->mask != 0,
			 "wanted_bytes", (json_int_t)w->pending);
}

/* Who sleeps, and who should have been woken: what one wants to see when a guest hangs. */
static json_t *describe_channels(const struct netvsp_port *p)
{
	json_t *list = json_array(), *one;
	struct nvsp_rings r;
	struct nvsp_stats st;

	for (unsigned int i = 0; i < p->cfg.max_queues; i++) {
		const struct netvsp_chan *ch = &p->chan[i];

		if (!nvsp_chan_rings(ch->c, &r))
			continue;
		nvsp_chan_stats(ch->c, &st);
		one = json_pack("{s:i,s:b,s:b,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "channel", (int)i,
				"polled", netvsp_is_live(ch), "interrupt_pending",
				ch->flag && __atomic_load_n(ch->flag, __ATOMIC_RELAXED) & ch->mask,
				"interrupts_on", ch->flag != NULL, "interrupts",
				(json_int_t)ch->interrupts, "kicks", (json_int_t)ch->kicks,
				"from_guest", (json_int_t)st.rx_frames, "to_guest",
				(json_int_t)st.tx_frames, "no_buffer", (json_int_t)st.tx_no_buffer,
				"no_ring", (json_int_t)st.tx_no_ring, "unanswered",
				(json_int_t)r.n_todo);
		json_object_set_new(one, "ring_from_guest", describe_ring(&r.in, r.in_read));
		json_object_set_new(one, "ring_to_guest", describe_ring(&r.out, r.out_write));
		json_array_append_new(list, one);
	}
	return list;
}

static void describe_guest(struct netvsp_port *p, json_t *out)
{
	uint64_t interrupts = 0, too_big = 0;
	struct nvsp_stats st;
	struct nvsp_info i;
	char text[24];

	nvsp_dev_info(p->dev, &i);
	for (unsigned int k = 0; k < p->cfg.max_queues; k++) {
		nvsp_chan_stats(p->chan[k].c, &st);
		too_big += st.tx_big;
		interrupts += p->chan[k].interrupts;
	}
	snprintf(text, sizeof(text), "%u.%u", i.nvsp_version >> 16, i.nvsp_version & 0xffff);
	json_object_set_new(out, "vm", json_string(p->vm_name));
	json_object_set_new(out, "nvsp_version", json_string(i.nvsp_version ? text : "none"));
	json_object_set_new(out, "queues", json_integer(i.n_open));
	json_object_set_new(out, "guest_mtu", json_integer(i.mtu));
	json_object_set_new(out, "receive_merge", json_boolean(i.rsc));
	json_object_set_new(out, "rss", json_boolean(i.rss));
	json_object_set_new(out, "receive_buffers", json_integer(i.recv_suballocs));
	json_object_set_new(out, "receive_buffers_busy", json_integer(i.recv_busy));
	json_object_set_new(out, "interrupts", json_integer((json_int_t)interrupts));
	json_object_set_new(out, "channels", describe_channels(p));
	if (too_big)
		json_object_set_new(out, "too_big", json_integer((json_int_t)too_big));
	if (p->paused)
		json_object_set_new(out, "paused", json_true());
}

static void netvsp_describe(struct vsw_io *io, json_t *out)
{
	struct netvsp_port *p = (struct netvsp_port *)io;

	netvsp_lock();
	json_object_set_new(out, "driver", json_string("netvsp"));
	json_object_set_new(out, "connects", json_integer(p->n_connects));
	if (p->dev)
		describe_guest(p, out);
	if (p->last_fault)
		json_object_set_new(out, "channel_error", json_string(p->last_fault));
	netvsp_unlock();
}

static json_t *netvsp_leftover(struct vsw_io *io)
{
	return json_pack("{s:s}", "netvsp", io->device.target);
}

void vsw_io_netvsp_clean(json_t *leftover)
{
	const char *path = json_string_value(json_object_get(leftover, "netvsp"));

	/* only a dead socket: somebody else may have taken the path since */
	if (path)
		vsw_sockpath_clear(path, NULL, NULL);
}

static void netvsp_refresh(struct vsw_io *io)
{
	struct netvsp_port *p = (struct netvsp_port *)io;
	uint64_t bad = 0, none = 0, errors = p->tx_errors_before;
	struct nvsp_stats st;

	netvsp_lock();
	for (unsigned int i = 0; i < p->cfg.max_queues; i++) {
		bad += p->chan[i].bad_offload;
		none += p->chan[i].no_memory;
		if (!p->dev)
			continue;
		nvsp_chan_stats(p->chan[i].c, &st);
		errors += st.tx_big + st.tx_down;
	}
	io->rx_drops_offload = bad;
	io->rx_drops_memory = none;
	io->tx_errors = errors;
	netvsp_unlock();
}

static void netvsp_free(struct netvsp_port *p)
{
	for (unsigned int i = 0; i < VSW_QUEUES_MAX; i++)
		rte_pktmbuf_free_bulk(p->chan[i].spare, p->chan[i].n_spare);
	if (p->idle_fd >= 0)
		close(p->idle_fd);
	free(p);
}

static void netvsp_close(struct vsw_io *io)
{
	struct netvsp_port *p = (struct netvsp_port *)io;

	netvsp_link_remove(p);
	netvsp_free(p);
}

static const struct vsw_io_ops netvsp_ops = {
	.kind = "netvsp",
	.rx = netvsp_rx,
	.tx = netvsp_tx,
	.queue_live = netvsp_queue_live,
	.wait_fd = netvsp_wait_fd,
	.arm = netvsp_arm,
	.set_link = netvsp_set_link,
	.set_mtu = netvsp_set_mtu,
	.set_mac = netvsp_set_mac,
	.set_any_mac = netvsp_set_any_mac,
	.describe = netvsp_describe,
	.refresh = netvsp_refresh,
	.leftover = netvsp_leftover,
	.close = netvsp_close,
};

static struct netvsp_port *make_port(const struct vsw_io_env *env,
				     const struct vsw_io_params *params)
{
	struct netvsp_port *p = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*p));

	if (!p)
		return NULL;
	memset(p, 0, sizeof(*p));
	p->io.ops = &netvsp_ops;
	p->io.env = env;
	p->io.device = params->device;
	p->io.caps.n_rxq = p->io.caps.n_txq = params->device.queues;
	p->io.caps.tx_shared = true; /* by the engine's lock of each channel */
	p->listen_fd = p->conn_fd = -1;
	for (unsigned int i = 0; i < VSW_QUEUES_MAX; i++)
		p->chan[i].call_fd = p->chan[i].kick_fd = -1;
	p->mem = (struct vmb_mem){vmb_slots_map, &p->slots};
	p->cfg.max_queues = params->device.queues;
	p->cfg.max_mtu = guest_mtu(params->mtu_bytes);
	p->cfg.speed_bps = 10ull * 1000 * 1000 * 1000;
	p->cfg.link_up = params->link_up;
	p->any_mac = params->any_mac;
	if (params->has_mac)
		memcpy(p->cfg.mac, params->mac.addr, sizeof(p->cfg.mac));
	snprintf(p->cfg.name, sizeof(p->cfg.name), "%s", params->port_name);
	p->idle_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return p;
}

int vsw_io_netvsp_open(const struct vsw_io_env *env, const struct vsw_io_params *params,
		       struct vsw_io **ret, struct vd_err *reterr)
{
	struct netvsp_port *p;
	char object[160];
	int r;

	snprintf(object, sizeof(object), "port/%s/device", params->port_name);
	r = vsw_sockpath_clear(params->device.target, object, reterr);
	if (r < 0)
		return r;
	p = make_port(env, params);
	if (!p || p->idle_fd < 0) {
		if (p)
			netvsp_free(p);
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, object, NULL, "memory ran out");
	}
	r = netvsp_link_add(p, object, reterr);
	if (r < 0) {
		netvsp_free(p);
		return r;
	}
	*ret = &p->io;
	return 0;
}
