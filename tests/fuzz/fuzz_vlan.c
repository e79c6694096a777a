/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VLAN modes: what is accepted has a canonical text that means the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/vlan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char buf[VSW_VLAN_STR_SIZE], buf2[VSW_VLAN_STR_SIZE];
	char *text = malloc(size + 1);
	struct vsw_vlan v, again;
	struct vd_err e = {0};

	memcpy(text, data, size);
	text[size] = '\0';
	if (vsw_vlan_parse(text, "vlan", &v, &e) < 0) {
		if (!e.code || !e.message[0] || !e.hint[0])
			abort();
	} else {
		vsw_vlan_format(&v, buf, sizeof(buf));
		if (e.code || vsw_vlan_parse(buf, "vlan", &again, NULL) < 0 ||
		    !vsw_vlan_equal(&v, &again) ||
		    strcmp(buf, vsw_vlan_format(&again, buf2, sizeof(buf2))))
			abort();
	}
	free(text);
	return 0;
}
