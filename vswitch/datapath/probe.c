/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probing guests: see probe.h. */
#include "vswitch/datapath/probe.h"

#include <errno.h>
#include <string.h>

#include "vswitch/datapath/dataplane_impl.h"
#include "vswitch/datapath/pipeline.h"
#include "vswitch/policy/headers.h"

#define ARP_SIZE       28
#define TYPE_ARP       0x0806
#define ND_SOLICIT     135
#define PROTO_ICMPV6   58
#define ND_SOLICIT_MIN 24

bool vsw_probe_wants(const struct vsw_probe *p, const uint8_t *d, uint32_t len)
{
	static const uint8_t none[16];
	struct vsw_headers h;

	if (len < VSW_ETH_SIZE)
		return false;
	if ((vd_load64(d) & VSW_MAC48) == p->mac48)
		return true;
	if (!(d[0] & 1) || !memcmp(p->ip, none, sizeof(none)))
		return false;
	vsw_headers_parse(d, len, len, &h);
	if (!p->ipv6)
		return h.ethertype == TYPE_ARP && h.l3 + (uint32_t)ARP_SIZE <= len &&
		       !memcmp(d + h.l3 + 24, p->ip, 4);
	return h.family == VSW_FAMILY_IPV6 && h.proto == PROTO_ICMPV6 &&
	       h.icmp_type == ND_SOLICIT && !(h.flags & (VSW_HDR_BROKEN | VSW_HDR_FRAGMENT)) &&
	       h.l4 + (uint32_t)ND_SOLICIT_MIN <= len && !memcmp(d + h.l4 + 8, p->ip, 16);
}

uint16_t vsw_probe_take(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
			uint16_t n)
{
	const struct vsw_probe *probe = __atomic_load_n(&p->rt->probe, __ATOMIC_ACQUIRE);
	struct vsw_counters *c = p->rt->counters[w->id];
	uint16_t k = 0;

	for (uint16_t i = 0; probe && i < n; i++) {
		if (!vsw_probe_wants(probe, rte_pktmbuf_mtod(m[i], const uint8_t *),
				     m[i]->data_len)) {
			m[k++] = m[i];
			continue;
		}
		c->rx_packets++;
		c->rx_bytes += m[i]->pkt_len;
		if (rte_ring_enqueue(probe->ring, m[i]))
			rte_pktmbuf_free(m[i]);
	}
	return probe ? k : n;
}

int vsw_probe_attach(struct vsw_dataplane *dp, struct vsw_port *port, struct vsw_probe *probe)
{
	struct vsw_probe *none = NULL;

	return __atomic_compare_exchange_n(&port->probe, &none, probe, false, __ATOMIC_RELEASE,
					   __ATOMIC_RELAXED)
		       ? 0
		       : -EBUSY;
}

void vsw_probe_detach(struct vsw_dataplane *dp, struct vsw_port *port)
{
	__atomic_store_n(&port->probe, NULL, __ATOMIC_RELEASE);
	vsw_dataplane_quiesce(dp);
}

int vsw_probe_send(struct vsw_dataplane *dp, const struct vsw_port *port, const void *frame,
		   uint16_t size)
{
	return vsw_own_send(dp, port->index, port->ticket, false, frame, size);
}

int vsw_own_send(struct vsw_dataplane *dp, uint16_t index, uint32_t ticket, bool served,
		 const void *frame, uint16_t size)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp->env.pool);
	char *d = m ? rte_pktmbuf_append(m, size) : NULL;

	if (!d) {
		rte_pktmbuf_free(m);
		return -ENOMEM;
	}
	memcpy(d, frame, size);
	m->port = index;
	m->hash.usr = ticket;
	m->vlan_tci = served;
	if (rte_ring_enqueue(dp->own, m)) {
		rte_pktmbuf_free(m);
		return -ENOBUFS;
	}
	__atomic_store_n(&dp->own_waits, true, __ATOMIC_RELEASE);
	vsw_worker_wake(&dp->workers[0]);
	return 0;
}

void vsw_probe_flush(struct vsw_worker *w)
{
	struct rte_mbuf *m;

	__atomic_store_n(&w->dp->own_waits, false, __ATOMIC_RELEASE);
	while (rte_ring_dequeue(w->dp->own, (void **)&m) == 0) {
		const struct vsw_snap_port *p =
			m->port < VSW_PORTS_MAX ? w->snap->ports[m->port] : NULL;

		if (p && m->hash.usr && m->hash.usr != p->rt->ticket)
			p = NULL; /* closed meanwhile, and the index is another's */
		if (p && m->vlan_tci && !(p->flags & VSW_SNAP_PORTAL))
			p = NULL;
		m->port = VSW_PORT_INDEX_NONE;
		m->vlan_tci = 0;
		m->hash.usr = 0;
		if (p)
			vsw_pipeline_send(w, p, &m, 1);
		else
			rte_pktmbuf_free(m);
	}
}
