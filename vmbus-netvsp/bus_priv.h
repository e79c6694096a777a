/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the bus: shared by bus.c, bus_chan.c, bus_gpadl.c and bus_save.c only. */
#pragma once

#include <sys/queue.h>

#include "vmbus-netvsp/bus.h"

enum chan_state { CHAN_CLOSED, CHAN_OPENING, CHAN_OPEN, CHAN_CLOSING };

struct vmb_chan {
	TAILQ_ENTRY(vmb_chan) link; /* sorted by type, instance, index: the order of offers */
	struct vmb_bus *bus;
	struct vmb_offer offer;
	uint32_t relid;
	enum chan_state state;
	bool told;         /* the guest has the offer */
	bool revoked;      /* going away */
	bool rescind_sent; /* waits for RELID_RELEASED */
	bool want_close;
	bool reopen; /* an OPEN came while the close was not finished */
	struct vmb_open_wire reopen_msg;
	uint32_t open_id;
	uint32_t target_vp;
	uint32_t downstream_page;
	struct gpadl *ring; /* while not closed */
	bool modifying, modify_again;
	uint32_t modify_vp, modify_again_vp;
};

enum gpadl_state { GPADL_ADDING, GPADL_LIVE, GPADL_DELETING };

struct gpadl {
	TAILQ_ENTRY(gpadl) link;
	struct vmb_gpadl g;
	struct vmb_chan *chan;
	enum gpadl_state state;
	bool drop;     /* delete when it is not in use */
	bool answer;   /* ... and then tell the guest */
	uint32_t refs; /* channels whose ring it is */
};

struct assembly {
	TAILQ_ENTRY(assembly) link;
	struct vmb_gpadl_asm a;
};

struct unsent {
	STAILQ_ENTRY(unsent) link;
	uint32_t vp, size;
	uint8_t msg[];
};

enum bus_state { BUS_DISCONNECTED, BUS_CONNECTED, BUS_RESETTING };
enum bus_after { AFTER_NOTHING, AFTER_UNLOAD, AFTER_CONTACT };

struct vmb_bus {
	struct vmb_bus_cfg cfg;
	const struct vmb_mem *mem;
	const struct vmb_bus_ops *ops;
	void *ctx;
	enum bus_state state;
	enum bus_after after; /* what to answer when the reset is done */
	struct vmb_contact_wire contact;
	uint32_t contact_connection;
	uint32_t contact_size;
	uint32_t version;
	uint32_t target_vp;
	bool offers_sent;
	bool settling, settle_again; /* vmb_settle() is running: ops may call back */
	uint32_t last_relid;
	uint32_t gpadl_pages; /* live and promised */
	uint32_t n_gpadls;
	uint32_t unsent_bytes;
	STAILQ_HEAD(, unsent) unsent;
	TAILQ_HEAD(chan_list, vmb_chan) chans;
	TAILQ_HEAD(, gpadl) gpadls;
	TAILQ_HEAD(, assembly) assemblies;
	struct vmb_chan *by_relid[VMB_RELID_MAX + 1];
	struct vmb_bus_stats stats;
};

#define VMB_GPADLS_MAX 8192u

void vmb_send(struct vmb_bus *bus, const void *msg, uint32_t size);

/** Bring everything forward that waits for something; called at the end of each entry point. */
void vmb_settle(struct vmb_bus *bus);

bool vmb_version_known(uint32_t version);
void vmb_send_offer(struct vmb_chan *chan);
void vmb_on_request_offers(struct vmb_bus *bus);
void vmb_on_open(struct vmb_bus *bus, const struct vmb_open_wire *m);
void vmb_on_close(struct vmb_bus *bus, uint32_t relid);
void vmb_on_modify(struct vmb_bus *bus, const struct vmb_modify_wire *m);
void vmb_on_released(struct vmb_bus *bus, uint32_t relid);
/** Return: something changed. Frees @chan when it is gone. */
bool vmb_chan_settle(struct vmb_chan *chan);
void vmb_chan_free(struct vmb_chan *chan);

void vmb_on_gpadl_header(struct vmb_bus *bus, const void *msg, uint32_t size);
void vmb_on_gpadl_body(struct vmb_bus *bus, const void *msg, uint32_t size);
void vmb_on_gpadl_teardown(struct vmb_bus *bus, const struct vmb_gpadl_teardown_wire *m);
struct gpadl *vmb_gpadl_find(struct vmb_bus *bus, uint32_t id);
bool vmb_gpadl_settle(struct vmb_bus *bus);
bool vmb_chan_has_gpadls(const struct vmb_chan *chan);
void vmb_chan_drop_gpadls(struct vmb_chan *chan);
void vmb_gpadl_free(struct vmb_bus *bus, struct gpadl *g);
void vmb_assembly_free(struct vmb_bus *bus, struct assembly *as);
