/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions of data-plane NAT networks as rows, beside those of the kernel (methods_nat_session.c).
 * Thread-safety: control thread. Proof: tests/net/nat-dataplane.test. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "vswitch/model/model.h"
#include "vswitch/nat/nat.h"

/** What is looked for. */
struct vsw_nat_filter {
	const char *only;        /* network; NULL: all */
	int protocol;            /* -1: all */
	uint32_t inside, remote; /* 0: all */
	uint32_t outside;        /* 0: all */
	uint16_t outside_port;   /* 0: all */
	uint32_t limit;          /* rows */
};

/** Is a session of these endpoints one of them, whatever its network? */
bool vsw_nat_filter_wants(const struct vsw_nat_filter *f, const struct nat_session_info *s);

/** "tcp", or the number. New reference. */
json_t *vsw_nat_protocol_json(uint8_t protocol);

/** Append what @f wants to @rows. */
void vsw_nat_session_rows(struct vsw_nats *n, const struct vsw_model *m,
			  const struct vsw_nat_filter *f, json_t *rows);

/** End what @f wants. Return: how many. */
uint32_t vsw_nat_session_flush(struct vsw_nats *n, const struct vsw_model *m,
			       const struct vsw_nat_filter *f);

/** ADDR:PORT, or ADDR when @port is 0. Return: a new reference. */
json_t *vsw_nat_endpoint(uint32_t addr, uint16_t port);
