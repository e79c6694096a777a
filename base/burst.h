/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many packets pass the stages of the data plane together. */
#pragma once

/*
 * Packets in a vector at most, of the pipeline, the rings, the flow table and the translator alike. 64 is what measured
 * best: docs/performance.md has the table, `./run bench vectors` prints it, building with other values. Those over 64
 * are for measuring only: a gate's verdicts are a mask of 64 bits (vsw_acl_burst()).
 */
#ifndef VD_BURST
#define VD_BURST 64
#endif
