/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filters in tcpdump's language, as programs that workers run on frames: of captures and of mirror
 * sessions. Source: pcap-filter(7). Thread-safety: control thread. Proof: tests/net (capture,
 * policy-config).
 */
#pragma once

#include "base/err.h"

struct rte_bpf;

/** *@ret: to be freed with rte_bpf_destroy(). @path for errors. Return: 0; -EINVAL with what the
 *  compiler says; -ENOTSUP; -ENOMEM. */
int vsw_filter_compile(const char *text, unsigned int snaplen, const char *path,
		       struct rte_bpf **ret, struct vd_err *reterr);

/** Does it compile? */
int vsw_filter_check(const char *text, const char *path, struct vd_err *reterr);
