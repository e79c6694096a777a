/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies for mirror sessions, and which ports give some. */
#include "vswitch/policy/mirror.h"

#include <string.h>

#include "vswitch/datapath/capture_point.h"
#include "vswitch/datapath/txbuf.h"
#include "vswitch/policy/gate.h"

/* ---- the packet path ---- */

static struct rte_mbuf *copy_of(struct vsw_worker *w, const struct vsw_mirror_tap *t,
				struct rte_mbuf *m)
{
	uint32_t size = RTE_MIN(m->pkt_len, t->c.snaplen);
	struct rte_mbuf *copy = rte_pktmbuf_copy(m, vsw_worker_pool(w), 0, size);

	/* what is cut off cannot be summed or segmented any more */
	if (copy && size < m->pkt_len)
		copy->ol_flags &= ~VSW_TX_REQUESTS;
	return copy;
}

/* Copies of those of @n frames that @want says. */
static void mirror(struct vsw_worker *w, const struct vsw_snap_port *p,
		   const struct vsw_snap_tap *t, struct rte_mbuf **m, uint16_t n,
		   enum vsw_capture_dir dir,
		   bool (*want)(const struct vsw_snap_port *, const struct vsw_snap_tap *,
				const struct rte_mbuf *))
{
	struct rte_mbuf *out[VSW_BURST];
	uint16_t k = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (!want(p, t, m[i]) || !vsw_capture_wanted(&t->tap->c, m[i]))
			continue;
		if (!t->to)
			vsw_capture_record(&t->tap->c, m[i], p->index, dir, VSW_DROP_N);
		else if ((out[k] = copy_of(w, t->tap, m[i])) != NULL)
			k++;
		else
			__atomic_fetch_add(&t->tap->c.lost, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&t->tap->copied, 1, __ATOMIC_RELAXED);
	}
	/* whoever is confined does not see what others say */
	if (k && unlikely(t->to->gate && t->to->gate->quarantine))
		for (uint16_t i = 0; i < k; i++)
			vsw_pipeline_drop(w, t->to, out[i], VSW_DROP_QUARANTINE_TO_VM);
	else if (k)
		vsw_pipeline_send_copies(w, t->to, out, k);
}

static uint64_t mac48_at(const struct rte_mbuf *m, uint16_t off)
{
	return vd_load64(rte_pktmbuf_mtod_offset(m, const char *, off)) & VSW_MAC48;
}

static bool want_rx(const struct vsw_snap_port *p, const struct vsw_snap_tap *t,
		    const struct rte_mbuf *m)
{
	if (m->data_len < VSW_ETH_SIZE || t->to == p)
		return false;
	/* whole frames for the mirror's own port reach it anyway */
	return !t->to || !t->to->mac48 || mac48_at(m, 0) != t->to->mac48 ||
	       m->pkt_len > t->tap->c.snaplen;
}

void vsw_mirror_rx(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
		   uint16_t n)
{
	for (const struct vsw_snap_tap *t = p->taps; t->dirs; t++)
		if (t->dirs & VSW_MIRROR_FROM_VM)
			for (uint16_t i = 0; i < n; i += VSW_BURST)
				mirror(w, p, t, m + i, RTE_MIN(n - i, VSW_BURST), VSW_CAPTURE_RX,
				       want_rx);
}

/* Was it copied for this session where it came in? */
static bool copied_in(const struct vsw_snap_port *from, const struct vsw_snap_tap *t)
{
	for (const struct vsw_snap_tap *s = from ? from->taps : NULL; s && s->dirs; s++)
		if (s->tap == t->tap)
			return s->dirs & VSW_MIRROR_FROM_VM;
	return false;
}

/* A flooded frame leaves by several ports: the first one has it copied. */
static bool first_of_flood(struct vsw_mirror_tap *t, uint32_t number)
{
	uint32_t *slot = &t->seen[number % VSW_MIRROR_SEEN];

	return __atomic_exchange_n(slot, number, __ATOMIC_RELAXED) != number;
}

static bool gets_flood(const struct vsw_snap_port *d, const struct rte_mbuf *m)
{
	return vsw_snap_delivers(d, m->vlan_tci) && d->flags & VSW_SNAP_LINK_UP &&
	       (!(m->hash.usr & VSW_FLOOD_UNKNOWN) || d->flags & VSW_SNAP_FLOOD_UNKNOWN);
}

static bool want_tx(const struct vsw_snap_port *p, const struct vsw_snap_tap *t,
		    const struct rte_mbuf *m)
{
	const struct vsw_snap_port *from = NULL;

	for (uint16_t i = 0; i < p->sw->n_ports && !from; i++)
		if (p->sw->ports[i]->index == m->port)
			from = p->sw->ports[i];
	/* nor does the mirror's port want back what it sent */
	if (t->to == p || (t->to && t->to == from) || copied_in(from, t))
		return false;
	if (m->hash.usr == 0)
		return true;
	if (t->to && m->pkt_len <= t->tap->c.snaplen && gets_flood(t->to, m))
		return false;
	return first_of_flood(t->tap, m->hash.usr & ~VSW_FLOOD_UNKNOWN);
}

void vsw_mirror_tx(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
		   uint16_t n)
{
	for (const struct vsw_snap_tap *t = p->taps; t->dirs; t++)
		if (t->dirs & VSW_MIRROR_TO_VM)
			mirror(w, p, t, m, n, VSW_CAPTURE_TX, want_tx);
}

bool vsw_mirror_covers(const struct vsw_snap_port *p, const struct vsw_snap_port *d,
		       struct rte_mbuf *m)
{
	for (const struct vsw_snap_tap *t = p->taps; t && t->dirs; t++)
		if (t->to == d && t->dirs & VSW_MIRROR_FROM_VM && m->pkt_len <= t->tap->c.snaplen &&
		    vsw_capture_wanted(&t->tap->c, m))
			return true;
	return false;
}

/* ---- compilation ---- */

static uint8_t dirs_of(const struct vsw_mirror *s, const struct vsw_port_cfg *p)
{
	uint8_t dirs = s->all;

	if (strcmp(s->sw, p->sw))
		return 0;
	for (unsigned int i = 0; i < s->n_sources; i++)
		if (!strcmp(s->sources[i].port, p->name))
			dirs |= s->sources[i].dirs;
	/* the mirror's own port gives nothing to it */
	return strcmp(s->to_port, p->name) ? dirs : 0;
}

size_t vsw_mirror_arena(const struct vsw_model *m)
{
	return m->n_mirrors ? m->n_ports * (RTE_CACHE_LINE_ROUNDUP((m->n_mirrors + 1) *
								   sizeof(struct vsw_snap_tap)))
			    : 0;
}

static const struct vsw_snap_port *find(const struct vsw_snapshot *s, const struct vsw_model *m,
					const char *name)
{
	for (unsigned int i = 0; i < m->n_ports; i++)
		if (!strcmp(m->ports[i].name, name))
			return &s->all[i];
	return NULL;
}

static void compile_port(struct vsw_snapshot *s, const struct vsw_binding *b, unsigned int i,
			 struct vsw_snap_tap *taps)
{
	const struct vsw_model *m = b->model;
	struct vsw_snap_port *p = &s->all[i];
	unsigned int n = 0;

	for (unsigned int k = 0; k < m->n_mirrors; k++) {
		const struct vsw_mirror *mi = &m->mirrors[k];
		const struct vsw_snap_port *to = mi->to_port[0] ? find(s, m, mi->to_port) : NULL;
		uint8_t dirs = dirs_of(mi, &m->ports[i]);

		/* a session whose port has no device now has nobody to copy for */
		if (!dirs || !b->taps[k] || (mi->to_port[0] && !to))
			continue;
		taps[n++] = (struct vsw_snap_tap){b->taps[k], to, dirs};
		p->flags |= dirs & VSW_MIRROR_FROM_VM ? VSW_SNAP_TAPPED_RX : 0;
		p->flags |= dirs & VSW_MIRROR_TO_VM ? VSW_SNAP_TAPPED_TX | VSW_SNAP_SOURCES : 0;
	}
	taps[n] = (struct vsw_snap_tap){0};
	p->taps = taps;
}

void vsw_mirror_compile(struct vsw_snapshot *s, const struct vsw_binding *b,
			void *(*carve)(void *arena, size_t size), void *arena)
{
	const struct vsw_model *m = b->model;

	if (!m->n_mirrors || !b->taps)
		return;
	for (unsigned int i = 0; i < m->n_ports; i++)
		compile_port(s, b, i,
			     carve(arena, (m->n_mirrors + 1) * sizeof(struct vsw_snap_tap)));
	for (unsigned int k = 0; k < m->n_mirrors; k++)
		for (unsigned int i = 0; i < m->n_ports; i++)
			if (!strcmp(m->ports[i].name, m->mirrors[k].to_port))
				s->all[i].flags |= VSW_SNAP_MIRROR;
}
