/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Announcements: see announce.h. */
#include "vswitch/datapath/announce.h"

#include <string.h>
#include <rte_byteorder.h>

#include "vswitch/datapath/dataplane_impl.h"
#include "vswitch/datapath/probe.h"
#include "vswitch/policy/team.h"

#define FRAME_SIZE 64

/* "Who am I?", from and about @mac48, as it is on @u's wire. */
static void announce(struct vsw_dataplane *dp, const struct vsw_snap_port *u, uint64_t mac48,
		     uint16_t vid)
{
	static const uint8_t rarp[10] = {0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3};
	uint8_t f[FRAME_SIZE] = {255, 255, 255, 255, 255, 255};
	uint16_t n = 12, tag[2] = {rte_cpu_to_be_16(0x8100), rte_cpu_to_be_16(vid)};

	if (!vsw_snap_delivers(u, vid))
		return;
	memcpy(f + 6, &mac48, 6);
	if (vsw_snap_tags(u, vid)) {
		memcpy(f + n, tag, sizeof(tag));
		n += sizeof(tag);
	}
	memcpy(f + n, rarp, sizeof(rarp));
	n += sizeof(rarp);
	memcpy(f + n, &mac48, 6);
	memcpy(f + n + 10, &mac48, 6);
	vsw_probe_send(dp, u->rt, f, FRAME_SIZE);
}

void vsw_announce_uplink(struct vsw_dataplane *dp, const struct vsw_port *uplink)
{
	const struct vsw_snapshot *s = dp->snapshot;
	const struct vsw_snap_port *u = s->ports[uplink->index];
	const struct vsw_snap_team *t = u && u->rt == uplink ? u->sw->team : NULL;

	for (uint16_t i = 0; t && i < s->n_ports; i++) {
		const struct vsw_snap_port *p = &s->all[i];

		if (p->sw == u->sw && !(p->flags & VSW_SNAP_MEMBER) && p->mac48 &&
		    p->pvid != VSW_VID_NONE && t->member[p->pin % t->n] == u)
			announce(dp, t->member[vsw_team_pin(t, p)], p->mac48, p->pvid);
	}
}

void vsw_announce_port(struct vsw_dataplane *dp, const struct vsw_port *port)
{
	const struct vsw_snap_port *p = dp->snapshot->ports[port->index], *u;
	const struct vsw_snap_team *t = p && p->rt == port ? p->sw->team : NULL;

	if (!p || p->rt != port || !p->mac48 || p->pvid == VSW_VID_NONE)
		return;
	for (uint16_t i = 0; i < p->sw->n_ports; i++) {
		u = p->sw->ports[i];
		if (u->role == VSW_ROLE_UPLINK && (!t || u == t->member[vsw_team_pin(t, p)]))
			announce(dp, u, p->mac48, p->pvid);
	}
}
