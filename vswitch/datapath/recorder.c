/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading flight recorders. */
#include "vswitch/datapath/recorder.h"

unsigned int vsw_recorder_read(const struct vsw_recorder *r, struct vsw_record *ret,
			       unsigned int n_max)
{
	uint64_t serial = __atomic_load_n(&r->n, __ATOMIC_ACQUIRE);
	unsigned int n = 0;

	for (unsigned int i = 0; i < VSW_RECORDER_ENTRIES && serial && n < n_max; i++, serial--) {
		const struct vsw_record *e = &r->entry[(serial - 1) % VSW_RECORDER_ENTRIES];

		if (__atomic_load_n(&e->serial, __ATOMIC_ACQUIRE) != serial)
			continue;
		ret[n] = *e;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&e->serial, __ATOMIC_RELAXED) == serial)
			n++;
	}
	return n;
}
