/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of VMBus, a line a thing. */
#include <stdio.h>

#include "base/log.h"
#include "hv/dump.h"

static void dump_vp(const struct hv_machine *m, unsigned int vp)
{
	char text[96];
	struct hv_synic_look look;
	int at = 0;

	hv_synic_look(&m->vmbus.synic, vp, &look);
	text[0] = '\0';
	for (unsigned int i = 0; i < sizeof(look.flags) / sizeof(look.flags[0]); i++)
		if (look.flags[i] && at < (int)sizeof(text) - 24)
			at += snprintf(text + at, sizeof(text) - (size_t)at, " %u:%016lx", i,
				       (unsigned long)look.flags[i]);
	vd_log(LOG_INFO, "vm", m->opt->name,
	       "VP %u: SynIC %s, message slot type %u flags %u first word %u, event flags%s", vp,
	       m->vmbus.synic.vp[vp].on ? "on" : "off", look.type, look.slot_flags, look.first_word,
	       at ? text : " none");
}

static void dump_channel(const struct hv_nic *nic, unsigned int i)
{
	const struct vmb_chan *chan = nic->chan[i].chan;

	if (!chan)
		return;
	vd_log(LOG_INFO, "nic", nic->port,
	       "channel %u: relid %u, %s, target VP %u, kicks go %s%s%s", i, vmb_chan_relid(chan),
	       vmb_chan_state_text(chan), vmb_chan_target_vp(chan),
	       nic->chan[i].assigned ? "by KVM" : "by us", nic->chan[i].modifying ? ", moving" : "",
	       nvsp_link_is_open(nic->link, i) ? ", open in the switch" : "");
}

void hv_machine_dump(struct hv_machine *m)
{
	const struct vmb_bus_stats *st;
	uint32_t v;

	hv_vmbus_lock(&m->vmbus);
	st = vmb_bus_stats(m->vmbus.bus);
	v = vmb_bus_version(m->vmbus.bus);
	vd_log(LOG_INFO, "vm", m->opt->name,
	       "VMBus %u.%u%s: %lu messages in, %lu out, %lu dropped, %lu refused, %u bytes unsent",
	       v >> 16, v & 0xffff, vmb_bus_resetting(m->vmbus.bus) ? " (resetting)" : "",
	       (unsigned long)st->messages_in, (unsigned long)st->messages_out,
	       (unsigned long)st->dropped, (unsigned long)st->busy, vmb_bus_unsent(m->vmbus.bus));
	for (unsigned int i = 0; i < m->vmbus.synic.n; i++)
		dump_vp(m, i);
	for (unsigned int i = 0; i < m->n_nics; i++)
		for (unsigned int k = 0; k < NVSP_QUEUES_MAX; k++)
			dump_channel(&m->nic[i], k);
	hv_vmbus_unlock(&m->vmbus);
}
