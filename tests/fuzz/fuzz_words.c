/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames in words: any text is refused with a message or gives a frame; any frame can be said. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/policy/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vsw_port_cfg port = {.name = "p0", .sw = "lan", .has_mac = true};
	static struct vsw_words_frame f;
	struct vsw_model m = {.ports = &port, .n_ports = 1};
	char *text = malloc(size + 1), buf[VSW_WORDS_TEXT];
	uint8_t *copy = malloc(size ? size : 1);
	struct vd_err e = {0};

	memcpy(text, data, size);
	text[size] = '\0';
	if (vsw_words_parse(text, &m, &port, &f, &e) == 0) {
		if (f.size < 14 || f.size > VSW_WORDS_FRAME_MAX)
			abort();
		vsw_words_format(f.data, f.size, f.size, buf);
	} else if (!e.code || !e.message[0]) {
		abort();
	}
	memcpy(copy, data, size);
	vsw_words_format(copy, (uint32_t)size, (uint32_t)size, buf);
	free(copy);
	free(text);
	return 0;
}
