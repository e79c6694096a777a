/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names and texts of drop reasons and stages. */
#include "vswitch/datapath/drops.h"

#include <string.h>

#include "vswitch/datapath/dataplane.h"

const struct vsw_drop_info vsw_drop_info[VSW_DROP_N] = {
#define VSW_DROP(id, name, text, hint) [VSW_DROP_##id] = {name, text, hint},
#include "vswitch/datapath/drops.def"
#undef VSW_DROP
};

const struct vsw_stage_info vsw_stage_info[VSW_STAGE_N] = {
#define VSW_STAGE(id, name, text) [VSW_STAGE_##id] = {name, text},
#include "vswitch/datapath/stages.def"
#undef VSW_STAGE
};

enum vsw_drop vsw_drop_of(const char *name)
{
	for (unsigned int i = 0; i < VSW_DROP_N; i++)
		if (!strcmp(vsw_drop_info[i].name, name))
			return (enum vsw_drop)i;
	return VSW_DROP_N;
}
