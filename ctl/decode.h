/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line about an Ethernet frame, in tcpdump's short form with addresses:
 *
 *   52:54:00:00:00:01 > ff:ff:ff:ff:ff:ff, vlan 10, ARP who-has 10.0.0.2 tell 10.0.0.1, length 42
 *
 * Says what it knows of a frame that is cut short and marks the place with "[cut]". Frames are
 * hostile: nothing is read beyond the captured bytes, nothing unprintable is passed on.
 *
 * Thread-safety: pure. Source: IEEE 802.3, 802.1Q, RFC 826, 791, 8200, 9293, 768, 792, 4443.
 * Proof: tests/unit/ctl/test_decode.c, tests/fuzz/fuzz_capture.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** @data: @captured bytes of a frame of @original bytes. Returns @buf (NUL terminated when size > 0). */
const char *ctl_decode(const uint8_t *data, size_t captured, size_t original, char *buf,
		       size_t size);
