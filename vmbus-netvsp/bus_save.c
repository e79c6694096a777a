/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saved state of the bus: connection, channels, page lists (also half-made ones), unsent messages.
 * Saved only when no device owes an answer, so the blob knows settled states alone.
 */
#include "vmbus-netvsp/bus_priv.h"

#include <stdlib.h>

#include "vmbus-netvsp/blob.h"

#define MAGIC   0x53554256u /* "VBUS" */
#define VERSION 1u

static bool settled(const struct vmb_bus *bus)
{
	const struct vmb_chan *c;
	const struct gpadl *g;

	if (bus->state == BUS_RESETTING)
		return false;
	TAILQ_FOREACH (c, &bus->chans, link)
		if (c->state == CHAN_OPENING || c->state == CHAN_CLOSING || c->modifying)
			return false;
	TAILQ_FOREACH (g, &bus->gpadls, link)
		if (g->state != GPADL_LIVE)
			return false;
	return true;
}

static void save_chan(const struct vmb_chan *c, struct blob_out *b)
{
	blob_put(b, &c->offer.type, 16);
	blob_put(b, &c->offer.instance, 16);
	blob_put32(b, c->offer.sub_index);
	blob_put32(b, c->relid);
	blob_put32(b,
		   c->told | c->revoked << 1 | c->rescind_sent << 2 | (c->state == CHAN_OPEN) << 3);
	blob_put32(b, c->open_id);
	blob_put32(b, c->target_vp);
	blob_put32(b, c->downstream_page);
	blob_put32(b, c->ring ? c->ring->g.id : 0);
}

static void save_gpadl(const struct gpadl *g, struct blob_out *b)
{
	blob_put32(b, g->g.id);
	blob_put32(b, g->g.relid);
	blob_put32(b, g->drop | g->answer << 1);
	blob_put32(b, g->g.n_ranges);
	/* as the guest wrote it, so that it is checked as then */
	for (uint32_t i = 0; i < g->g.n_ranges; i++) {
		const struct vmb_gpadl_range *r = &g->g.ranges[i];

		blob_put32(b, r->size);
		blob_put32(b, r->offset);
		blob_put(b, g->g.pfns + r->first, r->n_pfns * 8);
	}
}

size_t vmb_bus_save(const struct vmb_bus *bus, void *buf, size_t room)
{
	struct blob_out b = {buf, room, 0};
	const struct assembly *as;
	const struct unsent *u;
	const struct vmb_chan *c;
	const struct gpadl *g;
	uint32_t n = 0, bytes;

	if (!settled(bus))
		return 0;
	blob_put32(&b, MAGIC);
	blob_put32(&b, VERSION);
	blob_put32(&b, bus->state == BUS_CONNECTED ? bus->version : 0);
	blob_put32(&b, bus->target_vp);
	blob_put32(&b, bus->offers_sent);
	blob_put32(&b, bus->last_relid);
	TAILQ_FOREACH (c, &bus->chans, link)
		n++;
	blob_put32(&b, n);
	TAILQ_FOREACH (c, &bus->chans, link)
		save_chan(c, &b);
	n = 0;
	TAILQ_FOREACH (g, &bus->gpadls, link)
		n++;
	blob_put32(&b, n);
	TAILQ_FOREACH (g, &bus->gpadls, link) {
		bytes = g->g.n_ranges * 8 + g->g.n_pfns * 8;
		blob_put32(&b, bytes);
		save_gpadl(g, &b);
	}
	n = 0;
	TAILQ_FOREACH (as, &bus->assemblies, link)
		n++;
	blob_put32(&b, n);
	TAILQ_FOREACH (as, &bus->assemblies, link) {
		uint32_t head[5] = {as->a.id, as->a.relid, as->a.n_ranges, as->a.want, as->a.got};

		blob_put(&b, head, sizeof(head));
		blob_put(&b, as->a.buf, as->a.got);
	}
	n = 0;
	STAILQ_FOREACH (u, &bus->unsent, link)
		n++;
	blob_put32(&b, n);
	STAILQ_FOREACH (u, &bus->unsent, link) {
		blob_put32(&b, u->vp);
		blob_put32(&b, u->size);
		blob_put(&b, u->msg, u->size);
	}
	return b.size;
}

static struct vmb_chan *find_offer(struct vmb_bus *bus, const struct vmb_offer *o)
{
	struct vmb_chan *c;

	TAILQ_FOREACH (c, &bus->chans, link)
		if (!memcmp(&c->offer.type, &o->type, 16) && !c->told && !c->revoked &&
		    !memcmp(&c->offer.instance, &o->instance, 16) &&
		    c->offer.sub_index == o->sub_index)
			return c;
	return NULL;
}

/* The guest knows a channel by its relid: give that to whoever has it by chance. */
static int take_relid(struct vmb_bus *bus, struct vmb_chan *c, uint32_t relid)
{
	struct vmb_chan *other = bus->by_relid[relid];

	if (other == c)
		return 0;
	if (other && other->told)
		return -EINVAL;
	bus->by_relid[c->relid] = other;
	if (other)
		other->relid = c->relid;
	bus->by_relid[relid] = c;
	c->relid = relid;
	return 0;
}

struct want_ring {
	uint32_t gpadl;
	bool open;
};

static int load_chan(struct vmb_bus *bus, struct blob_in *b, struct want_ring *rings)
{
	struct vmb_offer o = {.monitor_id = -1};
	uint32_t sub, relid, flags;
	struct vmb_chan *c;

	blob_get(b, &o.type, 16);
	blob_get(b, &o.instance, 16);
	sub = blob_get32(b);
	relid = blob_get32(b);
	flags = blob_get32(b);
	if (b->bad || sub > 0xffff || !relid || relid > VMB_RELID_MAX)
		return -EINVAL;
	o.sub_index = (uint16_t)sub;
	c = flags & 2 ? NULL : find_offer(bus, &o);
	if (!c) {
		/* nobody here has this device: it exists only until the guest let go of it */
		c = calloc(1, sizeof(*c));
		if (!c)
			return -ENOMEM;
		c->bus = bus;
		c->offer = o;
		for (c->relid = 1; c->relid <= VMB_RELID_MAX && bus->by_relid[c->relid];)
			c->relid++;
		if (c->relid > VMB_RELID_MAX) {
			free(c);
			return -ENOSPC;
		}
		bus->by_relid[c->relid] = c;
		TAILQ_INSERT_TAIL(&bus->chans, c, link);
		c->revoked = true;
		flags &= ~8u; /* and nothing of it is open */
	}
	if (take_relid(bus, c, relid))
		return -EINVAL;
	c->told = flags & 1;
	c->rescind_sent = (flags & 4) && c->revoked;
	c->open_id = blob_get32(b);
	c->target_vp = blob_get32(b);
	c->downstream_page = blob_get32(b);
	rings[relid].gpadl = blob_get32(b);
	rings[relid].open = flags & 8;
	if (c->target_vp != VMB_VP_NONE && c->target_vp >= bus->cfg.n_vps)
		return -EINVAL;
	return 0;
}

static int load_gpadl(struct vmb_bus *bus, struct blob_in *b)
{
	struct vmb_gpadl_asm a = {0};
	struct gpadl *g;
	uint32_t flags;
	int r;

	a.want = a.got = blob_get32(b);
	a.id = blob_get32(b);
	a.relid = blob_get32(b);
	flags = blob_get32(b);
	a.n_ranges = blob_get32(b);
	if (b->bad || a.want > b->left || a.want > 65535 || a.want % 8 || !a.n_ranges ||
	    a.n_ranges > VMB_GPADL_RANGES || a.want < a.n_ranges * 8 ||
	    !vmb_chan_by_relid(bus, a.relid) || vmb_gpadl_find(bus, a.id) ||
	    bus->gpadl_pages + a.want / 8 > bus->cfg.gpadl_pages_max ||
	    bus->n_gpadls >= VMB_GPADLS_MAX)
		return -EINVAL;
	a.buf = malloc(a.want);
	g = calloc(1, sizeof(*g));
	r = a.buf && g ? 0 : -ENOMEM;
	if (!r) {
		blob_get(b, a.buf, a.want);
		r = vmb_gpadl_asm_finish(&a, bus->mem, &g->g);
	}
	free(a.buf);
	if (r) {
		free(g);
		return r;
	}
	g->chan = vmb_chan_by_relid(bus, a.relid);
	g->state = GPADL_LIVE;
	g->drop = flags & 1;
	g->answer = flags & 2;
	bus->gpadl_pages += g->g.n_pfns;
	bus->n_gpadls++;
	TAILQ_INSERT_TAIL(&bus->gpadls, g, link);
	return 0;
}

static int load_assembly(struct vmb_bus *bus, struct blob_in *b)
{
	struct assembly *as;
	uint32_t head[5];

	blob_get(b, head, sizeof(head));
	if (b->bad || !head[2] || head[2] > VMB_GPADL_RANGES || head[3] > 65535 || head[3] % 8 ||
	    head[3] < head[2] * 8 || head[4] >= head[3] || head[4] > b->left ||
	    vmb_gpadl_find(bus, head[0]) ||
	    bus->gpadl_pages + head[3] / 8 > bus->cfg.gpadl_pages_max ||
	    bus->n_gpadls >= VMB_GPADLS_MAX)
		return -EINVAL;
	as = calloc(1, sizeof(*as));
	if (!as)
		return -ENOMEM;
	as->a = (struct vmb_gpadl_asm){head[0], head[1], head[2],
				       head[3], head[4], malloc(head[3])};
	if (!as->a.buf) {
		free(as);
		return -ENOMEM;
	}
	blob_get(b, as->a.buf, head[4]);
	bus->gpadl_pages += head[3] / 8;
	bus->n_gpadls++;
	TAILQ_INSERT_TAIL(&bus->assemblies, as, link);
	return 0;
}

static int load_unsent(struct vmb_bus *bus, struct blob_in *b)
{
	uint32_t vp = blob_get32(b), size = blob_get32(b);
	struct unsent *u;

	if (b->bad || vp >= bus->cfg.n_vps || size < 8 || size > VMB_MSG_MAX || size > b->left)
		return -EINVAL;
	u = malloc(sizeof(*u) + size);
	if (!u)
		return -ENOMEM;
	u->vp = vp;
	u->size = size;
	blob_get(b, u->msg, size);
	STAILQ_INSERT_TAIL(&bus->unsent, u, link);
	bus->unsent_bytes += size;
	return 0;
}

/* Open channels get their rings back, by the rules of OPEN_CHANNEL. */
static int link_rings(struct vmb_bus *bus, const struct want_ring *rings)
{
	for (uint32_t i = 1; i <= VMB_RELID_MAX; i++) {
		struct vmb_chan *c = bus->by_relid[i];
		struct gpadl *g;

		if (!c || !rings[i].open)
			continue;
		g = vmb_gpadl_find(bus, rings[i].gpadl);
		if (!g || g->chan != c || !c->told || !vmb_gpadl_is_plain(&g->g) ||
		    c->downstream_page < 2 || c->downstream_page > g->g.n_pfns ||
		    g->g.n_pfns - c->downstream_page < 2)
			return -EINVAL;
		c->ring = g;
		g->refs++;
		c->state = CHAN_OPEN;
	}
	return 0;
}

typedef int (*load_fn)(struct vmb_bus *bus, struct blob_in *b);

static int load_list(struct vmb_bus *bus, struct blob_in *b, load_fn fn)
{
	uint32_t n = blob_get32(b);
	int r = 0;

	for (uint32_t i = 0; !r && i < n; i++)
		r = fn(bus, b);
	return r;
}

static int load(struct vmb_bus *bus, struct blob_in *b, struct want_ring *rings)
{
	uint32_t version, n, sent;
	int r = 0;

	if (blob_get32(b) != MAGIC || blob_get32(b) != VERSION)
		return -ENOTSUP;
	version = blob_get32(b);
	if (version && (!vmb_version_known(version) || version > bus->cfg.max_version))
		return -ENOTSUP;
	bus->target_vp = blob_get32(b);
	sent = blob_get32(b);
	bus->last_relid = blob_get32(b) % (VMB_RELID_MAX + 1);
	n = blob_get32(b);
	if (b->bad || bus->target_vp >= bus->cfg.n_vps || n > VMB_RELID_MAX)
		return -EINVAL;
	for (uint32_t i = 0; !r && i < n; i++)
		r = load_chan(bus, b, rings);
	if (!r)
		r = load_list(bus, b, load_gpadl);
	if (!r)
		r = load_list(bus, b, load_assembly);
	if (!r)
		r = load_list(bus, b, load_unsent);
	if (!r && (b->bad || b->left))
		r = -EINVAL;
	if (!r)
		r = link_rings(bus, rings);
	if (r)
		return r;
	bus->version = version;
	bus->state = version ? BUS_CONNECTED : BUS_DISCONNECTED;
	bus->offers_sent = version && sent;
	return 0;
}

int vmb_bus_restore(struct vmb_bus *bus, const void *buf, size_t size)
{
	struct blob_in b = {buf, size, false};
	struct want_ring *rings;
	struct vmb_chan *c;
	int r;

	if (bus->state != BUS_DISCONNECTED || !TAILQ_EMPTY(&bus->gpadls))
		return -EBUSY;
	rings = calloc(VMB_RELID_MAX + 1, sizeof(*rings));
	if (!rings)
		return -ENOMEM;
	r = load(bus, &b, rings);
	free(rings);
	if (r)
		return r;
	/* devices that are new here; channels of devices that are not here any more */
	TAILQ_FOREACH (c, &bus->chans, link)
		if (bus->offers_sent && !c->told && !c->revoked)
			vmb_send_offer(c);
	vmb_settle(bus);
	return 0;
}

void vmb_bus_each_gpadl(struct vmb_bus *bus,
			void (*fn)(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *gpadl),
			void *ctx)
{
	struct gpadl *g;

	TAILQ_FOREACH (g, &bus->gpadls, link)
		fn(ctx, g->chan, &g->g);
}
