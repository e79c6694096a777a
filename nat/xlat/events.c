/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the log is told: a bounded ring; when nobody reads it, the newest are lost and counted. */
#include "nat/xlat/xlat_impl.h"

static bool push(struct nat_xlat *x, const struct nat_event *e)
{
	if (x->event_head - x->event_tail > x->event_mask)
		return false;
	x->events[x->event_head++ & x->event_mask] = *e;
	return true;
}

void nat_event_add(struct nat_xlat *x, const struct nat_event *e)
{
	struct nat_event gap = {.time_ms = x->now_ms, .type = NAT_EV_GAP, .count = x->event_gap};
	struct nat_event timed = *e;

	timed.time_ms = x->now_ms;
	/* the record of what was lost comes first, or not at all */
	if (x->event_gap && push(x, &gap))
		x->event_gap = 0;
	if (x->event_gap || !push(x, &timed)) {
		x->event_gap++;
		x->events_lost++;
	}
}

unsigned int nat_xlat_events(struct nat_xlat *x, struct nat_event *out, unsigned int n)
{
	unsigned int k;

	for (k = 0; k < n && x->event_tail != x->event_head; k++)
		out[k] = x->events[x->event_tail++ & x->event_mask];
	return k;
}
