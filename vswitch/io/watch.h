/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watching interfaces of the daemon's namespace by name: one thread and one netlink socket for all of
 * them, running while there is something to watch.
 * Thread-safety: add and remove from the control thread; fn is called in the watching thread, never
 * after vsw_watch_remove() returned.
 */
#pragma once

#include "vswitch/io/link.h"

struct vsw_watch {
	struct vsw_watch *next;
	char name[IF_NAMESIZE];
	int index; /* last seen; 0 absent */
	/** The interface changed, came (also with another index), or, @link NULL, went or was renamed. */
	void (*fn)(void *ctx, const struct vsw_link *link);
	void *ctx;
};

/** @w is filled by the caller (next excepted) and stays his. Return: 0 or -errno. */
int vsw_watch_add(struct vsw_watch *w);
void vsw_watch_remove(struct vsw_watch *w);
