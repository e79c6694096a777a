/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many packets pass the stages of the data plane together. */
#pragma once

/*
 * Packets in a vector at most, of the pipeline, the rings, the flow table and the translator alike. 32 (frames in one message
 * of a netvsp guest) to 256 (places in a vector are bytes). docs/performance.md says why it is 64, and has a table that
 * `./run bench vectors` prints, building with other values.
 */
#ifndef VD_BURST
#define VD_BURST 64
#endif
_Static_assert(VD_BURST >= 32 && VD_BURST <= 256, "see above");
