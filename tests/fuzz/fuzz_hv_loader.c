/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernel files: whatever is in them, the loader stays inside of file and guest memory. */
#include <string.h>

#include "hv/layout.h"
#include "hv/loader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hv_ram ram = {.memfd = -1};
	struct hv_boot boot = {.kernel = {data, size}, .cmdline = "quiet"};
	struct hv_entry entry;
	struct vd_err err = {0};

	if (ram.memfd < 0 && hv_ram_init(&ram, 32 * HV_MIB, NULL))
		return 0;
	if (size > 8) /* the tail doubles as an initrd */
		boot.initrd = (struct hv_blob){data + size / 2, size - size / 2};
	if (hv_load(&ram, &boot, &entry, &err) == 0 && !hv_ram_at(&ram, entry.rip, 1))
		__builtin_trap();
	return 0;
}
