/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why packets are dropped: enum and texts, made from drops.def. Thread-safety: constants. */
#pragma once

enum vsw_drop {
#define VSW_DROP(id, name, text, hint) VSW_DROP_##id,
#include "vswitch/datapath/drops.def"
#undef VSW_DROP
	VSW_DROP_N,
};

struct vsw_drop_info {
	const char *name;
	const char *text;
	const char *hint;
};

extern const struct vsw_drop_info vsw_drop_info[VSW_DROP_N];

/** Reason of a name; VSW_DROP_N when there is none. */
enum vsw_drop vsw_drop_of(const char *name);
