/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reader of a pcapng stream, for `viridian capture` without -w. Takes bytes as they come, gives
 * packets. Understands what other writers make as well: both byte orders, several sections, any
 * if_tsresol, unknown blocks and options.
 *
 * Limits: a block has at most CTL_PCAPNG_BLOCK_MAX bytes, a section CTL_PCAPNG_IFACES_MAX
 * interfaces; the reader refuses what exceeds them.
 *
 * Thread-safety: one reader, one thread; pure. Source: draft-ietf-opsawg-pcapng.
 * Proof: tests/unit/ctl/test_pcapng.c, tests/fuzz/fuzz_capture.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define CTL_PCAPNG_BLOCK_MAX  (1u << 20)
#define CTL_PCAPNG_IFACES_MAX 8192

enum ctl_packet_dir { CTL_DIR_UNKNOWN, CTL_DIR_IN, CTL_DIR_OUT };

struct ctl_packet {
	uint64_t time_ns;        /* since 1970 */
	const char *iface;       /* "" when it has no name */
	uint16_t link_type;      /* 1: Ethernet */
	enum ctl_packet_dir dir; /* IN: from the device into the switch */
	const uint8_t *data;
	uint32_t captured; /* bytes at data */
	uint32_t original; /* bytes of the frame */
	char comment[256]; /* "" when there is none */
};

struct ctl_pcapng;

struct ctl_pcapng *ctl_pcapng_new(void);
void ctl_pcapng_free(struct ctl_pcapng *p);

/** Append bytes. Return: 0; -ENOMEM. */
int ctl_pcapng_feed(struct ctl_pcapng *p, const void *data, size_t size);

/** The next packet; borrowed until the next call on @p. Return: 1; 0 not enough bytes yet;
 *  -EPROTO the stream is no pcapng or exceeds a limit: give up. */
int ctl_pcapng_next(struct ctl_pcapng *p, struct ctl_packet *ret);
