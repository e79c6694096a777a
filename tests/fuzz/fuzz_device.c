/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices: what is accepted has a canonical text that means the same, and clashes with itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct vsw_device *d)
{
	char buf[VSW_DEVICE_STR_SIZE], buf2[VSW_DEVICE_STR_SIZE];
	struct vsw_device again;
	bool reads_only = d->kind == VSW_DEV_PCAP && !d->target2[0];

	vsw_device_format(d, buf, sizeof(buf));
	if (vsw_device_parse(buf, "device", &again, NULL) < 0 || !vsw_device_equal(d, &again) ||
	    strcmp(buf, vsw_device_format(&again, buf2, sizeof(buf2))))
		abort();
	if (vsw_device_clash(d, &again) == reads_only)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct vsw_device d;
	struct vd_err e = {0};

	memcpy(text, data, size);
	text[size] = '\0';
	if (vsw_device_parse(text, "device", &d, &e) == 0)
		check(&d);
	else if (!e.code || !e.message[0] || !e.hint[0])
		abort();
	free(text);
	return 0;
}
