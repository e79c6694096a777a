/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcapng blocks, built in memory: what `viridian capture` hands out. Written here rather than with
 * rte_pcapng because that needs one ethdev per interface and writes to a blocking descriptor.
 *
 * Source: draft-ietf-opsawg-pcapng (blocks SHB 4.1, IDB 4.2, EPB 4.3, ISB 4.5), little-endian,
 * nanoseconds (if_tsresol 9). Thread-safety: one buffer, one thread.
 * Proof: tests/unit/vswitch/control/test_pcapng.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vsw_pcapng {
	uint8_t *buf; /* what is not yet written out: [start, size) */
	size_t start, size, room;
};

enum vsw_pcapng_dir { VSW_PCAPNG_UNKNOWN, VSW_PCAPNG_INBOUND, VSW_PCAPNG_OUTBOUND };

struct vsw_pcapng_packet {
	uint32_t iface;   /* number of the interface: order of vsw_pcapng_interface() calls */
	uint64_t time_ns; /* since 1970 */
	const void *data;
	uint32_t captured; /* bytes at data */
	uint32_t original; /* bytes of the frame */
	enum vsw_pcapng_dir dir;
	const char *comment; /* or NULL */
};

/** All return 0 or -ENOMEM (then nothing was added). */
int vsw_pcapng_section(struct vsw_pcapng *p, const char *application);
int vsw_pcapng_interface(struct vsw_pcapng *p, const char *name, const char *filter,
			 uint32_t snaplen);
int vsw_pcapng_packet(struct vsw_pcapng *p, const struct vsw_pcapng_packet *pkt);
/** Counters of interface @iface at @time_ns: frames seen and frames lost by the capture. */
int vsw_pcapng_statistics(struct vsw_pcapng *p, uint32_t iface, uint64_t time_ns, uint64_t seen,
			  uint64_t lost);

/** Bytes waiting. */
static inline size_t vsw_pcapng_pending(const struct vsw_pcapng *p)
{
	return p->size - p->start;
}

/** Write to @fd until nothing is left or it would block. Return: 0 all written, -EAGAIN, -errno. */
int vsw_pcapng_flush(struct vsw_pcapng *p, int fd);

void vsw_pcapng_done(struct vsw_pcapng *p);
