/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus: connection, versions, message dispatch, outgoing queue, reset.
 *
 * Theory of operation. A message changes flags of channels and GPADLs ("revoked", "want_close",
 * "drop"); vmb_settle() then moves each of them one step towards what its flags ask for, until
 * nothing moves. Whatever finishes later clears its state in a vmb_*_done() call and settles
 * again. So no order of messages and completions needs code of its own.
 */
#include "vmbus-netvsp/bus_priv.h"

#include <errno.h>
#include <stdlib.h>

#define GPADL_PAGES_DEFAULT 327680u
#define QUEUE_BYTES_DEFAULT 102400u

struct vmb_bus *vmb_bus_create(const struct vmb_bus_cfg *cfg, const struct vmb_mem *mem,
			       const struct vmb_bus_ops *ops, void *ctx)
{
	struct vmb_bus *bus = calloc(1, sizeof(*bus));

	if (!bus)
		return NULL;
	bus->cfg = *cfg;
	if (!bus->cfg.n_vps)
		bus->cfg.n_vps = 1;
	if (!bus->cfg.max_version)
		bus->cfg.max_version = VMB_V5_3;
	if (!bus->cfg.gpadl_pages_max)
		bus->cfg.gpadl_pages_max = GPADL_PAGES_DEFAULT;
	if (!bus->cfg.queue_bytes_max)
		bus->cfg.queue_bytes_max = QUEUE_BYTES_DEFAULT;
	bus->mem = mem;
	bus->ops = ops;
	bus->ctx = ctx;
	STAILQ_INIT(&bus->unsent);
	TAILQ_INIT(&bus->chans);
	TAILQ_INIT(&bus->gpadls);
	TAILQ_INIT(&bus->assemblies);
	return bus;
}

static void forget_unsent(struct vmb_bus *bus)
{
	struct unsent *u;

	while ((u = STAILQ_FIRST(&bus->unsent))) {
		STAILQ_REMOVE_HEAD(&bus->unsent, link);
		free(u);
	}
	bus->unsent_bytes = 0;
}

void vmb_bus_destroy(struct vmb_bus *bus)
{
	struct vmb_chan *chan;
	struct assembly *as;
	struct gpadl *g;

	if (!bus)
		return;
	while ((as = TAILQ_FIRST(&bus->assemblies)))
		vmb_assembly_free(bus, as);
	while ((g = TAILQ_FIRST(&bus->gpadls)))
		vmb_gpadl_free(bus, g);
	while ((chan = TAILQ_FIRST(&bus->chans)))
		vmb_chan_free(chan);
	forget_unsent(bus);
	free(bus);
}

void vmb_bus_flush(struct vmb_bus *bus)
{
	struct unsent *u;

	while ((u = STAILQ_FIRST(&bus->unsent))) {
		if (bus->ops->post(bus->ctx, u->vp, u->msg, u->size))
			return;
		STAILQ_REMOVE_HEAD(&bus->unsent, link);
		bus->unsent_bytes -= u->size;
		bus->stats.messages_out++;
		free(u);
	}
}

void vmb_send(struct vmb_bus *bus, const void *msg, uint32_t size)
{
	struct unsent *u;

	/* what is queued goes first: order is part of the protocol */
	if (STAILQ_EMPTY(&bus->unsent) && !bus->ops->post(bus->ctx, bus->target_vp, msg, size)) {
		bus->stats.messages_out++;
		return;
	}
	u = malloc(sizeof(*u) + size);
	if (!u)
		return; /* the guest waits for an answer that is lost; nothing else is hurt */
	u->vp = bus->target_vp;
	u->size = size;
	memcpy(u->msg, msg, size);
	STAILQ_INSERT_TAIL(&bus->unsent, u, link);
	bus->unsent_bytes += size;
}

bool vmb_version_known(uint32_t version)
{
	static const uint32_t known[] = {VMB_V2_4, VMB_V3_0, VMB_V4_0, VMB_V4_1,
					 VMB_V5_0, VMB_V5_1, VMB_V5_2, VMB_V5_3};

	for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i] == version)
			return true;
	return false;
}

/* Is the saved INITIATE_CONTACT one that we can serve? */
static bool contact_ok(const struct vmb_bus *bus, bool *failed)
{
	const struct vmb_contact_wire *c = &bus->contact;
	bool multi = bus->contact_connection == VMB_CONN_MULTI;

	*failed = false;
	if (!vmb_version_known(c->version) || c->version > bus->cfg.max_version)
		return false;
	/* the version is fine but the connection cannot be made: told apart by the state field */
	*failed = !c->monitor_to_child != !c->monitor_to_parent;
	if (c->version >= VMB_V5_0 && multi && (c->v5.sint != VMB_SINT || c->v5.vtl != 0))
		*failed = true;
	if (c->version >= VMB_V3_0 && c->target_vp >= bus->cfg.n_vps)
		*failed = true;
	return !*failed;
}

static void answer_contact(struct vmb_bus *bus)
{
	const struct vmb_contact_wire *c = &bus->contact;
	struct vmb_version_response_wire m = {.hdr.type = VMB_MSG_VERSION_RESPONSE};
	bool failed;

	bus->target_vp = 0;
	if (!contact_ok(bus, &failed)) {
		m.state = failed ? 2 : 0;
		if (c->target_vp < bus->cfg.n_vps)
			bus->target_vp = c->target_vp;
		vmb_send(bus, &m, sizeof(m));
		return;
	}
	if (c->version >= VMB_V3_0)
		bus->target_vp = c->target_vp;
	bus->version = c->version;
	bus->state = BUS_CONNECTED;
	bus->offers_sent = false;
	m.supported = 1;
	m.version_or_connection = c->version >= VMB_V5_0 ? bus->contact_connection : c->version;
	vmb_send(bus, &m, sizeof(m));
}

/* Every channel closes, every GPADL goes; vmb_settle() ends it. */
static void begin_reset(struct vmb_bus *bus, enum bus_after after)
{
	struct assembly *as;
	struct vmb_chan *chan;

	bus->after = after;
	if (bus->state == BUS_RESETTING)
		return;
	bus->state = BUS_RESETTING;
	forget_unsent(bus); /* they were for the old connection */
	while ((as = TAILQ_FIRST(&bus->assemblies)))
		vmb_assembly_free(bus, as);
	TAILQ_FOREACH (chan, &bus->chans, link) {
		chan->want_close = true;
		chan->reopen = false;
		chan->modify_again = false;
	}
}

static bool all_quiet(const struct vmb_bus *bus)
{
	const struct vmb_chan *chan;

	if (!TAILQ_EMPTY(&bus->gpadls))
		return false;
	TAILQ_FOREACH (chan, &bus->chans, link)
		if (chan->state != CHAN_CLOSED || chan->modifying)
			return false;
	return true;
}

static void end_reset(struct vmb_bus *bus)
{
	struct vmb_msg_hdr_wire unload = {.type = VMB_MSG_UNLOAD_RESPONSE};
	struct vmb_chan *chan, *next;
	enum bus_after after = bus->after;

	bus->state = BUS_DISCONNECTED;
	bus->after = AFTER_NOTHING;
	bus->version = 0;
	bus->offers_sent = false;
	for (chan = TAILQ_FIRST(&bus->chans); chan; chan = next) {
		next = TAILQ_NEXT(chan, link);
		chan->told = chan->rescind_sent = chan->want_close = false;
		/* subchannels are offered anew when the driver asks for them */
		if (chan->revoked || chan->offer.sub_index) {
			bus->ops->released(bus->ctx, chan);
			vmb_chan_free(chan);
		}
	}
	if (after == AFTER_UNLOAD)
		vmb_send(bus, &unload, sizeof(unload));
	else if (after == AFTER_CONTACT)
		answer_contact(bus);
}

void vmb_settle(struct vmb_bus *bus)
{
	struct vmb_chan *chan, *next;
	bool moved;

	bus->settle_again = true;
	if (bus->settling)
		return; /* an op called back: the loop below goes round once more */
	bus->settling = true;
	do {
		moved = bus->settle_again;
		bus->settle_again = false;
		for (chan = TAILQ_FIRST(&bus->chans); chan; chan = next) {
			next = TAILQ_NEXT(chan, link);
			if (vmb_chan_settle(chan)) {
				moved = true;
				break; /* its subchannels, or itself, may be gone from the list */
			}
		}
		moved |= vmb_gpadl_settle(bus);
		if (!moved && bus->state == BUS_RESETTING && all_quiet(bus)) {
			end_reset(bus);
			moved = true;
		}
	} while (moved || bus->settle_again);
	bus->settling = false;
}

static void on_contact(struct vmb_bus *bus, uint32_t connection, const void *msg, uint32_t size)
{
	memcpy(&bus->contact, msg, sizeof(bus->contact));
	bus->contact_size = size;
	bus->contact_connection = connection;
	if (bus->state == BUS_DISCONNECTED)
		answer_contact(bus);
	else
		begin_reset(bus, AFTER_CONTACT);
}

static void on_tl_connect(struct vmb_bus *bus, const struct vmb_tl_connect_wire *c)
{
	struct vmb_tl_result_wire m = {.hdr.type = VMB_MSG_TL_RESULT,
				       .endpoint = c->endpoint,
				       .service = c->service,
				       .status = VMB_STATUS_REFUSED};

	vmb_send(bus, &m, sizeof(m));
}

/* Least sizes of what a guest may send; 0: not a guest's message. */
static uint32_t least_size(uint32_t type)
{
	switch (type) {
	case VMB_MSG_REQUEST_OFFERS:
	case VMB_MSG_UNLOAD:
		return sizeof(struct vmb_msg_hdr_wire);
	case VMB_MSG_OPEN:
		return sizeof(struct vmb_open_wire);
	case VMB_MSG_CLOSE:
	case VMB_MSG_RELID_RELEASED:
		return sizeof(struct vmb_relid_wire);
	case VMB_MSG_GPADL_HEADER:
		return sizeof(struct vmb_gpadl_header_wire);
	case VMB_MSG_GPADL_BODY:
		return sizeof(struct vmb_gpadl_body_wire);
	case VMB_MSG_GPADL_TEARDOWN:
		return sizeof(struct vmb_gpadl_teardown_wire);
	case VMB_MSG_CONTACT:
		return sizeof(struct vmb_contact_wire);
	case VMB_MSG_MODIFY:
		return sizeof(struct vmb_modify_wire);
	case VMB_MSG_TL_CONNECT:
		return sizeof(struct vmb_tl_connect_wire);
	default:
		return 0;
	}
}

static void dispatch(struct vmb_bus *bus, uint32_t type, const void *msg, uint32_t size)
{
	const struct vmb_relid_wire *relid = msg;

	switch (type) {
	case VMB_MSG_REQUEST_OFFERS:
		vmb_on_request_offers(bus);
		break;
	case VMB_MSG_OPEN:
		vmb_on_open(bus, msg);
		break;
	case VMB_MSG_CLOSE:
		vmb_on_close(bus, relid->relid);
		break;
	case VMB_MSG_RELID_RELEASED:
		vmb_on_released(bus, relid->relid);
		break;
	case VMB_MSG_GPADL_HEADER:
		vmb_on_gpadl_header(bus, msg, size);
		break;
	case VMB_MSG_GPADL_BODY:
		vmb_on_gpadl_body(bus, msg, size);
		break;
	case VMB_MSG_GPADL_TEARDOWN:
		vmb_on_gpadl_teardown(bus, msg);
		break;
	case VMB_MSG_MODIFY:
		vmb_on_modify(bus, msg);
		break;
	case VMB_MSG_TL_CONNECT:
		on_tl_connect(bus, msg);
		break;
	default:
		bus->stats.dropped++;
	}
}

int vmb_bus_input(struct vmb_bus *bus, uint32_t connection, const void *msg, uint32_t size)
{
	uint8_t copy[VMB_MSG_MAX] __attribute__((aligned(8))) = {0};
	struct vmb_msg_hdr_wire hdr;

	if (connection != VMB_CONN_MESSAGE &&
	    (connection != VMB_CONN_MULTI || bus->cfg.max_version < VMB_V5_0))
		return -ENOENT;
	if (size > VMB_MSG_MAX)
		return -EINVAL;
	if (bus->unsent_bytes > bus->cfg.queue_bytes_max) {
		bus->stats.busy++;
		return -EBUSY;
	}
	bus->stats.messages_in++;
	memcpy(copy, msg, size);
	memcpy(&hdr, copy, sizeof(hdr));
	if (size < sizeof(hdr) || !least_size(hdr.type) || size < least_size(hdr.type)) {
		bus->stats.dropped++;
		return 0;
	}
	if (hdr.type == VMB_MSG_CONTACT)
		on_contact(bus, connection, copy, size);
	else if (hdr.type == VMB_MSG_UNLOAD)
		begin_reset(bus, AFTER_UNLOAD);
	else if (bus->state == BUS_CONNECTED)
		dispatch(bus, hdr.type, copy, size);
	else
		bus->stats.dropped++;
	vmb_settle(bus);
	return 0;
}

void vmb_bus_reset(struct vmb_bus *bus)
{
	begin_reset(bus, AFTER_NOTHING);
	vmb_settle(bus);
}

uint32_t vmb_bus_version(const struct vmb_bus *bus)
{
	return bus->state == BUS_CONNECTED ? bus->version : 0;
}

bool vmb_bus_resetting(const struct vmb_bus *bus)
{
	return bus->state == BUS_RESETTING;
}

const struct vmb_bus_stats *vmb_bus_stats(const struct vmb_bus *bus)
{
	return &bus->stats;
}

uint32_t vmb_bus_unsent(const struct vmb_bus *bus)
{
	return bus->unsent_bytes;
}
