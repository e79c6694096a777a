/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest without a hypervisor: DPDK's virtio-user driver behind a tap, so that the kernel's stack in some
 * namespace is the guest's. It offers nothing that the tap lacks: checksums and segments are the switch's.
 *
 *   virtio-guest SOCKET TAP [QUEUES]
 *
 * Each queue of the tap is one of the device's, so that a flow stays on one as the kernel chose.
 *
 * It is the socket's server, as QEMU with server=on: the switch connects, and connects again after it was
 * restarted. Prints "ready" when the switch is there; ends with its standard input.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#define BURST        32
#define RING         1024
#define FRAME_MAX    2048
#define QUIET_POLL_N 200 /* rounds without a frame before it sleeps ... */
#define SLEEP_MS     1   /* ... so long, if the tap stays quiet, too */

#define QUEUES_MAX 8

struct guest {
	uint16_t port, n_queues;
	int tap[QUEUES_MAX];
	struct rte_mempool *pool;
};

static void die(const char *what)
{
	fprintf(stderr, "virtio-guest: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_tap(const char *name, uint16_t n_queues)
{
	struct ifreq ifr = {
		.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | (n_queues > 1 ? IFF_MULTI_QUEUE : 0))};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		die("no tap");
	return fd;
}

static void start_eal(const char *program, const char *path, uint16_t n_queues)
{
	char vdev[200];
	char *argv[] = {(char *)(uintptr_t)program,
			"--no-huge",
			"--no-shconf",
			"--no-pci",
			"--no-telemetry",
			"-l",
			"0",
			"-m",
			"64",
			"--log-level",
			"critical",
			"--vdev",
			vdev,
			NULL};

	snprintf(vdev, sizeof(vdev), "net_virtio_user0,path=%s,server=1,queues=%u,queue_size=%u",
		 path, n_queues, RING);
	if (rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])) - 1, argv) < 0)
		die("no EAL");
}

static void start_port(struct guest *g)
{
	/* the link's interrupt is how the driver notices that the switch went away, or came back */
	struct rte_eth_conf conf = {.intr_conf.lsc = 1};
	int r;

	/* both rings may be full, and then there must be one more to read into */
	g->pool = rte_pktmbuf_pool_create("pool", 4u * RING * g->n_queues - 1, 0, 0,
					  FRAME_MAX + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
	if (!g->pool)
		die("no memory");
	r = rte_eth_dev_configure(g->port, g->n_queues, g->n_queues, &conf);
	for (uint16_t q = 0; q < g->n_queues && r == 0; q++) {
		r = rte_eth_rx_queue_setup(g->port, q, RING, SOCKET_ID_ANY, NULL, g->pool);
		if (r == 0)
			r = rte_eth_tx_queue_setup(g->port, q, RING, SOCKET_ID_ANY, NULL);
	}
	if (r == 0)
		r = rte_eth_dev_start(g->port);
	errno = -r;
	if (r)
		die("the port does not start");
	rte_eth_promiscuous_enable(g->port);
}

/* What the tap's stack sends waits in the tap while the ring is full, as in a real guest. */
static unsigned int from_tap(struct guest *g, uint16_t queue)
{
	unsigned int n = 0;

	for (; n < BURST; n++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(g->pool);
		ssize_t size = m ? read(g->tap[queue], rte_pktmbuf_mtod(m, void *), FRAME_MAX) : -1;

		if (size < 0) {
			rte_pktmbuf_free(m);
			break;
		}
		m->data_len = (uint16_t)size;
		m->pkt_len = (uint32_t)size;
		/* the switch may be away: then it is lost, as on an unplugged cable */
		for (unsigned int tries = 0; rte_eth_tx_burst(g->port, queue, &m, 1) == 0;
		     tries++) {
			if (tries < 1000) {
				usleep(50);
				continue;
			}
			rte_pktmbuf_free(m);
			break;
		}
	}
	return n;
}

static unsigned int to_tap(struct guest *g, uint16_t queue)
{
	struct rte_mbuf *m[BURST];
	uint16_t n = rte_eth_rx_burst(g->port, queue, m, BURST);

	for (uint16_t i = 0; i < n; i++) {
		/* a tap that is down refuses: the guest does not listen */
		if (rte_pktmbuf_linearize(m[i]) == 0 &&
		    write(g->tap[queue], rte_pktmbuf_mtod(m[i], void *), m[i]->data_len) < 0)
			errno = 0;
		rte_pktmbuf_free(m[i]);
	}
	return n;
}

static void run(struct guest *g)
{
	struct pollfd fds[1 + QUEUES_MAX] = {{.fd = STDIN_FILENO, .events = POLLIN}};
	unsigned int quiet = 0;

	for (uint16_t q = 0; q < g->n_queues; q++)
		fds[1 + q] = (struct pollfd){.fd = g->tap[q], .events = POLLIN};
	while (!(fds[0].revents & (POLLIN | POLLHUP))) {
		unsigned int n = 0;

		for (uint16_t q = 0; q < g->n_queues; q++)
			n += from_tap(g, q) + to_tap(g, q);
		quiet = n ? 0 : quiet + 1;
		if (quiet < QUIET_POLL_N && quiet % 16)
			continue;
		poll(fds, 1u + g->n_queues, quiet < QUIET_POLL_N ? 0 : SLEEP_MS);
	}
}

int main(int argc, char **argv)
{
	struct guest g = {.n_queues = argc == 4 ? (uint16_t)atoi(argv[3]) : 1};

	if (argc < 3 || argc > 4 || !g.n_queues || g.n_queues > QUEUES_MAX) {
		fprintf(stderr, "usage: virtio-guest SOCKET TAP [QUEUES]\n");
		return 2;
	}
	for (uint16_t q = 0; q < g.n_queues; q++)
		g.tap[q] = open_tap(argv[2], g.n_queues);
	start_eal(argv[0], argv[1], g.n_queues);
	if (rte_eth_dev_get_port_by_name("net_virtio_user0", &g.port) < 0)
		die("no virtio port");
	start_port(&g);
	printf("ready\n");
	fflush(stdout);
	run(&g);
	rte_eth_dev_stop(g.port);
	rte_eth_dev_close(g.port);
	rte_eal_cleanup();
	return 0;
}
