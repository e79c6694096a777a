/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames in words, both ways: what people type for `trace`, and what `trace` and `why` print.
 *
 *   [from MAC] [to MAC|PORT] [vlan N] PACKET [size BYTES]
 *   PACKET:  tcp SRC:PORT > DST:PORT [flags SAFRPU]   udp SRC:PORT > DST:PORT
 *            icmp SRC > DST [type N]                  arp SRC > DST      (SRC asks who has DST)
 *            ip PROTOCOL SRC > DST                    ethertype N
 *            hex BYTES                                                   (a whole frame)
 *   IPv6 addresses with a port stand in brackets: [fd00::1]:80.
 *
 * Thread-safety: pure. Proof: tests/unit/vswitch/policy/test_words.c, tests/fuzz/fuzz_words.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/names.h"
#include "vswitch/model/model.h"

#define VSW_WORDS_FRAME_MAX 9234
#define VSW_WORDS_TEXT      200

struct vsw_words_frame {
	uint8_t data[VSW_WORDS_FRAME_MAX];
	uint32_t size;
	bool guessed_destination; /* nobody said whose MAC: one that nobody has */
};

/**
 * Make the frame that @text describes.
 *
 * @m, @port  whose VM sends it: its MAC is the source unless `from` says another; `to PORT` and addresses
 *            pinned to a port of the same switch give the destination's
 * Return: 0; -EINVAL with a message that quotes the word and says what was expected.
 */
int vsw_words_parse(const char *text, const struct vsw_model *m, const struct vsw_port_cfg *port,
		    struct vsw_words_frame *ret, struct vd_err *reterr);

/** Say what the frame of @len bytes (of which @kept are at @d) is: "tcp 10.0.0.5:1234 > 10.0.0.9:443
 *  flags S vlan 10". Returns @buf. */
const char *vsw_words_format(const uint8_t *d, uint32_t kept, uint32_t len,
			     char buf[VSW_WORDS_TEXT]);
