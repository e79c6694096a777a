/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bus's GPADLs: assembly, quota, life cycle. */
#include "vmbus-netvsp/bus_priv.h"

#include <errno.h>
#include <stdlib.h>

struct gpadl *vmb_gpadl_find(struct vmb_bus *bus, uint32_t id)
{
	struct gpadl *g;

	TAILQ_FOREACH (g, &bus->gpadls, link)
		if (g->g.id == id)
			return g;
	return NULL;
}

static struct assembly *assembly_find(struct vmb_bus *bus, uint32_t id)
{
	struct assembly *as;

	TAILQ_FOREACH (as, &bus->assemblies, link)
		if (as->a.id == id)
			return as;
	return NULL;
}

/* Pages are counted from the moment they are announced, so half-made lists cannot pile up. */
static uint32_t asm_pages(const struct vmb_gpadl_asm *a)
{
	return a->want / 8;
}

void vmb_assembly_free(struct vmb_bus *bus, struct assembly *as)
{
	TAILQ_REMOVE(&bus->assemblies, as, link);
	bus->gpadl_pages -= asm_pages(&as->a);
	bus->n_gpadls--;
	vmb_gpadl_asm_done(&as->a);
	free(as);
}

void vmb_gpadl_free(struct vmb_bus *bus, struct gpadl *g)
{
	TAILQ_REMOVE(&bus->gpadls, g, link);
	bus->gpadl_pages -= g->g.n_pfns;
	bus->n_gpadls--;
	vmb_gpadl_done(&g->g);
	free(g);
}

static void send_created(struct vmb_bus *bus, uint32_t relid, uint32_t id, int status)
{
	struct vmb_gpadl_created_wire m = {
		.hdr.type = VMB_MSG_GPADL_CREATED,
		.relid = relid,
		.gpadl = id,
		.status = status ? VMB_STATUS_FAILED : VMB_STATUS_OK,
	};

	if (bus->state == BUS_CONNECTED)
		vmb_send(bus, &m, sizeof(m));
}

static void send_torndown(struct vmb_bus *bus, uint32_t id)
{
	struct vmb_gpadl_torndown_wire m = {.hdr.type = VMB_MSG_GPADL_TORNDOWN, .gpadl = id};

	if (bus->state == BUS_CONNECTED)
		vmb_send(bus, &m, sizeof(m));
}

static void added(struct vmb_bus *bus, struct gpadl *g, int status)
{
	/* a teardown may have come before the device answered: it gets its own answer */
	if (!g->drop || g->answer)
		send_created(bus, g->g.relid, g->g.id, status);
	if (status) {
		if (g->answer)
			send_torndown(bus, g->g.id);
		vmb_gpadl_free(bus, g);
		return;
	}
	g->state = GPADL_LIVE;
}

/* All ranges are here: check, show the device, answer. */
static void complete(struct vmb_bus *bus, struct assembly *as)
{
	struct vmb_chan *chan = vmb_chan_by_relid(bus, as->a.relid);
	struct gpadl *g = calloc(1, sizeof(*g));
	uint32_t relid = as->a.relid, id = as->a.id;
	int r = -ENOMEM;

	if (g)
		r = vmb_gpadl_asm_finish(&as->a, bus->mem, &g->g);
	vmb_assembly_free(bus, as);
	if (!r && (!chan || chan->revoked)) {
		vmb_gpadl_done(&g->g);
		r = -ENOENT;
	}
	if (r) {
		free(g);
		send_created(bus, relid, id, r);
		return;
	}
	g->chan = chan;
	g->state = GPADL_ADDING;
	bus->gpadl_pages += g->g.n_pfns;
	bus->n_gpadls++;
	TAILQ_INSERT_TAIL(&bus->gpadls, g, link);
	r = bus->ops->gpadl_add(bus->ctx, chan, &g->g);
	if (r != -EINPROGRESS)
		added(bus, g, r);
}

void vmb_on_gpadl_header(struct vmb_bus *bus, const void *msg, uint32_t size)
{
	struct vmb_chan *chan;
	struct assembly *as = calloc(1, sizeof(*as));
	struct vmb_gpadl_asm a;
	int r = vmb_gpadl_asm_begin(&a, msg, size);

	if (!as && !r)
		vmb_gpadl_asm_done(&a);
	if (!as)
		r = -ENOMEM;
	chan = vmb_chan_by_relid(bus, a.relid);
	if (!r && (!chan || chan->revoked || !chan->told || vmb_gpadl_find(bus, a.id) ||
		   assembly_find(bus, a.id) || bus->n_gpadls >= VMB_GPADLS_MAX ||
		   bus->gpadl_pages + asm_pages(&a) > bus->cfg.gpadl_pages_max)) {
		vmb_gpadl_asm_done(&a);
		r = -EINVAL;
	}
	if (r) {
		free(as);
		send_created(bus, a.relid, a.id, r);
		return;
	}
	as->a = a;
	bus->gpadl_pages += asm_pages(&a);
	bus->n_gpadls++;
	TAILQ_INSERT_TAIL(&bus->assemblies, as, link);
	if (vmb_gpadl_asm_complete(&as->a))
		complete(bus, as);
}

void vmb_on_gpadl_body(struct vmb_bus *bus, const void *msg, uint32_t size)
{
	const struct vmb_gpadl_body_wire *b = msg;
	struct assembly *as = assembly_find(bus, b->gpadl);

	/* one too many, or for a list that was refused: of no use, and no reason to stop */
	if (!as || vmb_gpadl_asm_more(&as->a, msg, size)) {
		bus->stats.dropped++;
		return;
	}
	if (vmb_gpadl_asm_complete(&as->a))
		complete(bus, as);
}

void vmb_on_gpadl_teardown(struct vmb_bus *bus, const struct vmb_gpadl_teardown_wire *m)
{
	struct vmb_chan *chan = vmb_chan_by_relid(bus, m->relid);
	struct assembly *as = assembly_find(bus, m->gpadl);
	struct gpadl *g = vmb_gpadl_find(bus, m->gpadl);

	if (g && g->g.relid == m->relid) {
		g->answer = g->drop = true;
		return;
	}
	if (as && as->a.relid == m->relid) {
		vmb_assembly_free(bus, as);
		send_torndown(bus, m->gpadl);
		return;
	}
	/* of a revoked channel we have dropped them all, but the guest waits for an answer */
	if (!g && !as && chan && chan->revoked)
		send_torndown(bus, m->gpadl);
	else
		bus->stats.dropped++;
}

static void deleted(struct vmb_bus *bus, struct gpadl *g)
{
	if (g->answer)
		send_torndown(bus, g->g.id);
	vmb_gpadl_free(bus, g);
}

bool vmb_gpadl_settle(struct vmb_bus *bus)
{
	struct gpadl *g, *next;
	bool moved = false;

	for (g = TAILQ_FIRST(&bus->gpadls); g; g = next) {
		next = TAILQ_NEXT(g, link);
		if (g->state != GPADL_LIVE || g->refs)
			continue;
		if (!g->drop && !(bus->state == BUS_RESETTING && g->chan->state == CHAN_CLOSED))
			continue;
		moved = true;
		g->state = GPADL_DELETING;
		if (bus->ops->gpadl_del(bus->ctx, g->chan, &g->g) != -EINPROGRESS)
			deleted(bus, g);
		break; /* the op may have changed the list */
	}
	return moved;
}

bool vmb_chan_has_gpadls(const struct vmb_chan *chan)
{
	const struct gpadl *g;

	TAILQ_FOREACH (g, &chan->bus->gpadls, link)
		if (g->chan == chan)
			return true;
	return false;
}

void vmb_chan_drop_gpadls(struct vmb_chan *chan)
{
	struct assembly *as, *next;
	struct gpadl *g;

	TAILQ_FOREACH (g, &chan->bus->gpadls, link)
		if (g->chan == chan)
			g->drop = true;
	for (as = TAILQ_FIRST(&chan->bus->assemblies); as; as = next) {
		next = TAILQ_NEXT(as, link);
		if (as->a.relid == chan->relid)
			vmb_assembly_free(chan->bus, as);
	}
}

void vmb_gpadl_add_done(struct vmb_bus *bus, uint32_t id, int status)
{
	struct gpadl *g = vmb_gpadl_find(bus, id);

	if (!g || g->state != GPADL_ADDING)
		return;
	added(bus, g, status);
	vmb_settle(bus);
}

void vmb_gpadl_del_done(struct vmb_bus *bus, uint32_t id)
{
	struct gpadl *g = vmb_gpadl_find(bus, id);

	if (!g || g->state != GPADL_DELETING)
		return;
	deleted(bus, g);
	vmb_settle(bus);
}
