/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <string.h>

#include "tests/lib/vsc/vsc.h"

void vsc_on_message(struct vsc *v, const void *msg, uint32_t size);
/** The bus with @ops instead of the NIC in this process. */
int vsc_init_bus(struct vsc *v, const struct vmb_bus_ops *ops, size_t ram_size);
void vsc_offer(struct vsc *v, uint16_t index);
struct vsc_frame *vsc_keep(struct vsc_frame *list, unsigned int *n, uint32_t size);
