/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What VMBus and the cards wait for, into the log: SIGUSR2 asks for it. Main thread, not locked. */
#pragma once

#include "hv/machine.h"

void hv_machine_dump(struct hv_machine *m);
