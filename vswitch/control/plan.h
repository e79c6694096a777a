/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has to be done to get from one configuration to the next: which ports keep their back end, which
 * need a new one, what changes live. Decided before anything is touched, from the two models alone.
 *
 * Identity is the UUID. Documents written by people have none: vsw_plan_inherit() gives their
 * objects the identity (and the assigned address) of the object of the same name.
 *
 * Thread-safety: pure. Proof: tests/unit/vswitch/control/test_plan.c.
 */
#pragma once

#include <stdbool.h>

#include "vswitch/model/model.h"

/** What happens to a port of the next model. */
enum vsw_plan_action {
	VSW_PLAN_KEEP,   /* its back end stays open; the flags below say what changes on it */
	VSW_PLAN_OPEN,   /* a new port */
	VSW_PLAN_REOPEN, /* the same port with another device */
};

enum vsw_plan_change {
	VSW_PLAN_LINK = 1,
	VSW_PLAN_MAC = 2,
	VSW_PLAN_MTU = 4,      /* of its switch, or because it moved to one with another MTU */
	VSW_PLAN_MOVED = 8,    /* to another switch: its guest must see the link go down and up */
	VSW_PLAN_ANY_MAC = 16, /* may the guest choose its address? */
};

struct vsw_plan_port {
	enum vsw_plan_action action;
	unsigned int changes; /* of KEEP: enum vsw_plan_change */
	int old;              /* index in the old model; -1: none */
	/** OPEN and REOPEN: a device that is in use until some old port is closed (the port's own, or one
	 *  that goes away or changes its device in the same step): the old one must close first. */
	bool needs_close;
};

struct vsw_plan {
	struct vsw_plan_port *ports; /* [next->n_ports] */
	int *switches;               /* [next->n_switches] index in the old model; -1: new */
	bool *fdb_new;               /* [next->n_switches] needs a new forwarding table */
	bool *goes;                  /* [old->n_ports] its back end closes (removed, or REOPEN) */
	bool *in_the_way;            /* [old->n_ports] it goes, and must close before others open */
};

/** -ENOMEM. */
int vsw_plan_make(const struct vsw_model *old, const struct vsw_model *next, struct vsw_plan *ret);
void vsw_plan_done(struct vsw_plan *p);

/** Fill in missing UUIDs of @next from objects of the same name in @cur that no other object of @next
 *  claims, and missing addresses of ports from the same port in @cur; access rules of the same port
 *  that say the same keep their id, and who set them when. -ENOMEM. */
int vsw_plan_inherit(const struct vsw_model *cur, struct vsw_model *next);
