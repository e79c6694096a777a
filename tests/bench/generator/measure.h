/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The measurements. Each prints one JSON object a line on standard output:
 *
 * throughput, one line a window:
 *   {"seconds", "tx_mpps":[a,b], "rx_mpps":[a,b], "mpps" (both directions received), "loss", "idle" (share of
 *   loops with nothing to do: near 0 means that the generator, not the device, was the limit), "tagged":[a,b] (share
 *   of received frames with a tag), "rx_size":[a,b], "sample":[hex,hex], "sample_size":[a,b], "sample_zero":[a,b],
 *   "near", "c2c_ns", "self_wait", "peer_wait", "steal", "clean"}
 * latency, one line:
 *   {"pings", "lost", "p50_us", "p90_us", "p99_us", "max_us", "min_us", placement fields}
 *
 * A window is clean when placement was near in 90 % of the samples and no thread waited for its core longer than the
 * limit; windows go on until enough were clean or max_windows is reached. Before each, traffic runs unmeasured until
 * the placement is near, as long as patience lasts.
 */
#pragma once

#include <stdbool.h>

#include "side.h"

/** Set by a signal handler: finish now. */
extern volatile bool measure_stop;

/** Let the device learn every address: all templates once from B, then once from A. */
void measure_learn(struct side sides[N_SIDES], const struct gen_options *o);

void measure_throughput(struct side sides[N_SIDES], const struct gen_options *o);

/** Every frame begins a flow of its own; a window is n_flows of them. "mpps" is then flows per microsecond. With
 *  --honest also "honest_sent", "honest_loss": of the one old flow among them. */
void measure_new(struct side sides[N_SIDES], const struct gen_options *o);

/** Ask for the gateways, so that a router knows all neighbours. */
void measure_ask(struct side sides[N_SIDES], const struct gen_options *o);

/** One frame at a time: A -> device -> B -> device -> A. */
void measure_latency(struct side sides[N_SIDES], const struct gen_options *o);
