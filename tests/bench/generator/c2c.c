/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viridian-bench-c2c CORE PEER: how long a cache line takes from one core to the other, in nanoseconds, as the median of
 * a hundred samples. For ./run bench workers, which runs when both cores have nothing else to do.
 */
#include "place.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <rte_eal.h>

#define SAMPLES 100

int main(int argc, char **argv)
{
	/* only for its clock */
	char lcores[16], *eal[] = {argv[0],
				   (char[]){"--no-huge"},
				   (char[]){"--no-shconf"},
				   (char[]){"--no-pci"},
				   (char[]){"--no-telemetry"},
				   (char[]){"--log-level=error"},
				   (char[]){"-m"},
				   (char[]){"16"},
				   (char[]){"--lcores"},
				   lcores,
				   NULL};
	static struct place_window window;
	struct place_verdict v;
	cpu_set_t set;
	int r;

	if (argc != 3) {
		fprintf(stderr, "usage: viridian-bench-c2c CORE PEER\n");
		return 2;
	}
	snprintf(lcores, sizeof(lcores), "0@%d", atoi(argv[1]));
	if (rte_eal_init((int)(sizeof(eal) / sizeof(eal[0])) - 1, eal) < 0)
		return 1;
	CPU_ZERO(&set);
	CPU_SET(atoi(argv[1]), &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0) {
		perror("viridian-bench-c2c: core");
		return 1;
	}
	r = place_start(atoi(argv[2]));
	if (r < 0) {
		fprintf(stderr, "viridian-bench-c2c: %s\n", strerror(-r));
		return 1;
	}
	place_begin(&window, NULL);
	for (int i = 0; i < SAMPLES; i++)
		place_sample(&window);
	place_end(&window, NULL, 1, 0, &v);
	printf("%.1f\n", v.c2c_median_ns);
	return window.n_samples ? 0 : 1;
}
