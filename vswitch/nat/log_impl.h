/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between log.c (queue, thread) and log_sink.c (file, socket). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "nat/log/log.h"
#include "vswitch/nat/log.h"

#define BATCH 512 /* events that are written at once */

struct vsw_nat_log_counts {
	uint64_t written;                   /* events in the file */
	uint64_t sent;                      /* ... handed to the network */
	uint64_t messages;                  /* datagrams */
	uint64_t lost_file, lost_collector; /* could not be written, or sent */
	uint64_t refused;                   /* datagrams that the collector's host refused */
	int file_error, collector_error;    /* errno of the last try; 0: it works */
};

/* What the writing thread alone uses. */
struct vsw_nat_sink {
	struct nat_conf c; /* name, log, blocks, prefix, external */
	uint32_t domain;
	int fd, sock;
	dev_t dev;
	ino_t ino;
	uint64_t gap;      /* events missing in the file since the last line */
	uint32_t sequence; /* of IPFIX records */
	uint64_t templates_ms;
	bool want_templates, started;
	uint32_t last_records; /* in the message before this one */
	uint32_t sessions;     /* when the log began */
	struct vsw_nat_log_counts counts;
	struct nat_ipfix message;
	char text[BATCH * 256];
};

void vsw_nat_sink_init(struct vsw_nat_sink *s);
/** Use @c from now on (taken). */
void vsw_nat_sink_configure(struct vsw_nat_sink *s, struct nat_conf *c, uint64_t now_ms);
void vsw_nat_sink_write(struct vsw_nat_sink *s, const struct nat_event *e, unsigned int n,
			uint64_t now_ms);
/** A good end; @lost: events that were never taken. */
void vsw_nat_sink_close(struct vsw_nat_sink *s, uint64_t now_ms);
