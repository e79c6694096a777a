/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viridian-bench-gen: traffic generator and sink for a two-port device, all on one core so that the device has
 * the other one to itself.
 *
 *   viridian-bench-gen EAL-OPTIONS -- [--size N] [--flows N] ...       (options.h has them all)
 *
 * Exit status: 0 measured, 1 set-up failed, 2 bad option, 3 a link did not come up.
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_debug.h>
#include <rte_eal.h>

#include "measure.h"
#include "place.h"

static void on_signal(int sig)
{
	measure_stop = true;
}

static void await_link(const struct side *s, double seconds)
{
	uint64_t limit = rte_rdtsc() + (uint64_t)(rte_get_tsc_hz() * seconds);
	struct rte_eth_link link = {0};

	while (!s->nv && !link.link_status && !measure_stop) {
		if (rte_eth_link_get_nowait(s->port, &link) || rte_rdtsc() > limit)
			rte_exit(3, "port %u: no link: the device did not take the connection\n",
				 s->port);
		usleep(1000);
	}
}

int main(int argc, char **argv)
{
	struct gen_options o;
	struct side sides[N_SIDES];
	int n_eal = rte_eal_init(argc, argv), i;

	if (n_eal < 0)
		rte_exit(1, "DPDK did not start: %s\n", rte_strerror(rte_errno));
	options_parse(argc - n_eal, argv + n_eal, &o);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	if (!o.netvsp[SIDE_A] != !o.netvsp[SIDE_B])
		rte_exit(2, "--netvsp-a goes with --netvsp-b\n");
	if (!o.netvsp[SIDE_A] && rte_eth_dev_count_avail() < N_SIDES)
		rte_exit(1, "two ports are needed (--vdev net_virtio_user0,... twice)\n");
	if (o.peer_core >= 0 && place_start(o.peer_core))
		rte_exit(1, "no helper thread on core %d\n", o.peer_core);

	for (i = 0; i < N_SIDES; i++)
		side_open(&sides[i], &o, i);
	for (i = 0; i < N_SIDES; i++)
		await_link(&sides[i], o.connect_s);
	rte_delay_us_sleep((unsigned int)(o.settle_s * 1e6));
	measure_ask(sides, &o);
	if (o.learn)
		measure_learn(sides, &o);
	if (o.mode[0] == 'l')
		measure_latency(sides, &o);
	else if (o.mode[0] == 'n')
		measure_new(sides, &o);
	else
		measure_throughput(sides, &o);
	for (i = 0; i < N_SIDES; i++)
		side_close(&sides[i]);
	return 0;
}
