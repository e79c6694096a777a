/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a specification to a running DPDK port: make or probe the device, choose queues and offloads by
 * what the driver has, start, and undo all of it in the reverse order. What a driver lacks is said in
 * `degraded`, not hidden.
 */
#include "vswitch/io/ethdev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <rte_dev.h>

#include "vswitch/io/link.h"
#include "vswitch/io/sockpath.h"

#define DESCRIPTORS    1024
#define TAGGED_HEADER  18   /* bytes of Ethernet header with one tag */
#define PCAP_FRAME_MAX 9728 /* what net_pcap writes without cutting */
#define ROOM           2048 /* data room of env->pool */

static const uint64_t tx_wanted = RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM |
				  RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
				  RTE_ETH_TX_OFFLOAD_TCP_TSO;

/* ---- making the device ---- */

/** A vdev's name must be unique in the process for ever: drivers keep state by name. */
static void vdev_name(struct eth *e, const char *driver)
{
	static unsigned int serial; /* control thread only */

	snprintf(e->driver, sizeof(e->driver), "%s", driver);
	snprintf(e->name, sizeof(e->name), "%s%u", driver, serial++);
}

static int find_port(struct eth *e)
{
	if (rte_eth_dev_get_port_by_name(e->name, &e->port_id) < 0)
		return -ENODEV;
	e->open = true;
	return 0;
}

static int make_vdev(struct eth *e, const char *args)
{
	int r = rte_eal_hotplug_add("vdev", e->name, args);

	if (r == -EPERM) /* drivers return a bare -1 for everything */
		r = -EIO;
	return r < 0 ? r : find_port(e);
}

/** Several memif interfaces of ours may share a server socket; this list knows which sockets are ours. */
static struct eth *memif_servers;

static bool memif_socket_is_ours(const char *path)
{
	for (const struct eth *e = memif_servers; e; e = e->next_server)
		if (!strcmp(e->io.device.target, path))
			return true;
	return false;
}

static void memif_forget(struct eth *e)
{
	for (struct eth **p = &memif_servers; *p; p = &(*p)->next_server) {
		if (*p == e) {
			*p = e->next_server;
			return;
		}
	}
}

static int open_memif(struct eth *e, struct vd_err *reterr)
{
	const struct vsw_device *d = &e->io.device;
	char args[400];
	int r = d->client || memif_socket_is_ours(d->target)
			? 0
			: vsw_sockpath_clear(d->target, "device", reterr);

	if (r < 0)
		return r;
	vdev_name(e, "net_memif");
	snprintf(args, sizeof(args), "role=%s,id=%u,socket=%s,socket-abstract=no",
		 d->client ? "client" : "server", d->id, d->target);
	r = make_vdev(e, args);
	if (r < 0)
		return vd_err_set(reterr, r, VD_E_DEVICE_OPEN, "device",
				  "another port may have the id; the folder must exist",
				  "memif socket %s, id %u, could not be opened: %s", d->target,
				  d->id, strerror(-r));
	if (!d->client) {
		e->next_server = memif_servers;
		memif_servers = e;
	}
	return 0;
}

static int check_pcap_files(const struct vsw_device *d, struct vd_err *reterr)
{
	int fd;

	if (d->target[0] && access(d->target, R_OK) < 0)
		return vd_err_set(reterr, errno == ENOENT ? -ENOENT : -errno,
				  errno == ENOENT ? VD_E_DEVICE_MISSING : VD_E_DEVICE_OPEN,
				  "device", "tcpdump -w makes such files", "%s cannot be read: %s",
				  d->target, strerror(errno));
	if (!d->target2[0])
		return 0;
	fd = open(d->target2, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return vd_err_set(reterr, -errno, VD_E_DEVICE_OPEN, "device",
				  "the folder must exist and be writable for viridiand",
				  "%s cannot be written: %s", d->target2, strerror(errno));
	close(fd);
	return 0;
}

static int open_pcap(struct eth *e, struct vd_err *reterr)
{
	const struct vsw_device *d = &e->io.device;
	char args[640];
	int r = check_pcap_files(d, reterr);

	if (r < 0)
		return r;
	vdev_name(e, "net_pcap");
	snprintf(args, sizeof(args), "%s%s%s%s%s%s", d->target[0] ? "rx_pcap=" : "", d->target,
		 d->target[0] && d->target2[0] ? "," : "", d->target2[0] ? "tx_pcap=" : "",
		 d->target2, d->loop && d->target[0] ? ",infinite_rx=1" : "");
	r = make_vdev(e, args);
	if (r < 0)
		return vd_err_set(reterr, r, VD_E_DEVICE_OPEN, "device",
				  "the rx file must be pcap or pcapng with Ethernet frames",
				  "pcap device rx=%s tx=%s could not be opened: %s", d->target,
				  d->target2, strerror(-r));
	return 0;
}

/** Kernel driver that holds a PCI device; "" when none does. */
static void pci_driver(const char *bdf, char *buf, size_t size)
{
	char path[128], target[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", bdf);
	n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = 0;
	snprintf(buf, size, "%s", strrchr(target, '/') ? strrchr(target, '/') + 1 : "");
}

static int open_pci(struct eth *e, struct vd_err *reterr)
{
	const char *bdf = e->io.device.target;
	char path[128], driver[64];
	int r;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
	if (access(path, F_OK) < 0)
		return vd_err_set(reterr, -ENOENT, VD_E_DEVICE_MISSING, "device",
				  "lspci -D lists the devices", "there is no PCI device %s", bdf);
	pci_driver(bdf, driver, sizeof(driver));
	snprintf(e->name, sizeof(e->name), "%s", bdf);
	if (rte_eth_dev_get_port_by_name(bdf, &e->port_id) == 0)
		return vd_err_set(reterr, -EBUSY, VD_E_DEVICE_BUSY, "device", NULL,
				  "PCI device %s is in use already", bdf);
	r = rte_dev_probe(bdf);
	if (r == 0)
		r = find_port(e);
	if (r < 0)
		return vd_err_set(reterr, r, VD_E_DEVICE_OPEN, "device",
				  "bind it to vfio-pci: dpdk-devbind.py -b vfio-pci BDF",
				  "PCI device %s (kernel driver %s) could not be opened: %s", bdf,
				  driver[0] ? driver : "none", strerror(-r));
	return 0;
}

static int open_af_xdp(struct eth *e, struct vd_err *reterr)
{
	const struct vsw_device *d = &e->io.device;
	unsigned int channels = vsw_link_channels(d->target);
	struct vsw_link link;
	char args[160];
	int zerocopy, r;

	if (vsw_link_get(d->target, 0, &link) < 0)
		return vd_err_set(reterr, -ENOENT, VD_E_DEVICE_MISSING, "device",
				  "ip link lists the interfaces",
				  "there is no interface named %s in this network namespace",
				  d->target);
	/* A frame that the NIC puts in a queue we do not serve would be lost to us. */
	if (channels > VSW_QUEUES_MAX)
		return vd_err_set(reterr, -ENOTSUP, VD_E_UNSUPPORTED, "device",
				  "ethtool -L IFNAME combined 16, or use netdev:IFNAME,af-packet",
				  "interface %s has %u queues; AF_XDP serves at most %u", d->target,
				  channels, VSW_QUEUES_MAX);
	e->io.device.queues = (uint16_t)channels;
	zerocopy = vsw_link_xsk_zerocopy(link.index);
	snprintf(e->why, sizeof(e->why), "%s",
		 d->way == VSW_NETDEV_AF_XDP ? "as asked for"
					     : "the driver has AF_XDP without copying");
	if (zerocopy != 1)
		snprintf(e->degraded, sizeof(e->degraded),
			 "the driver copies every frame, and super-frames are segmented: af-packet "
			 "may be faster");
	vdev_name(e, "net_af_xdp");
	snprintf(args, sizeof(args), "iface=%s,start_queue=0,queue_count=%u", d->target, channels);
	r = make_vdev(e, args);
	if (r < 0)
		return vd_err_set(reterr, r, VD_E_DEVICE_OPEN, "device",
				  "netdev:IFNAME,af-packet works with every driver",
				  "AF_XDP on interface %s could not be opened: %s", d->target,
				  strerror(-r));
	return 0;
}

static int make_device(struct eth *e, struct vd_err *reterr)
{
	switch (e->io.device.kind) {
	case VSW_DEV_MEMIF:
		e->memory = true;
		return open_memif(e, reterr);
	case VSW_DEV_PCAP:
		e->memory = true;
		return open_pcap(e, reterr);
	case VSW_DEV_PCI:
		return open_pci(e, reterr);
	case VSW_DEV_NETDEV:
		return open_af_xdp(e, reterr);
	default:
		return vd_err_set(reterr, -ENOTSUP, VD_E_UNSUPPORTED, "device", NULL,
				  "not a DPDK device");
	}
}

/* ---- starting it ---- */

static void choose_offloads(struct eth *e, const struct rte_eth_dev_info *info, uint16_t mtu_bytes,
			    struct rte_eth_conf *conf)
{
	const uint64_t rx_sums = RTE_ETH_RX_OFFLOAD_UDP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;

	conf->txmode.offloads = info->tx_offload_capa & tx_wanted;
	/* TSO without L4 checksums makes no sense, and we have no request for it. */
	if (!(conf->txmode.offloads & RTE_ETH_TX_OFFLOAD_TCP_CKSUM) ||
	    !(conf->txmode.offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM) ||
	    !(conf->txmode.offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS))
		conf->txmode.offloads &= ~RTE_ETH_TX_OFFLOAD_TCP_TSO;
	conf->rxmode.offloads = info->rx_offload_capa & rx_sums;
	if (mtu_bytes + TAGGED_HEADER > ROOM)
		conf->rxmode.offloads |= info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	e->hw_offloads = conf->txmode.offloads;
	/* net_memif and net_pcap send chains without saying so. */
	e->multi_seg = e->memory || (conf->txmode.offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
}

static void choose_queues(struct eth *e, const struct rte_eth_dev_info *info,
			  struct rte_eth_conf *conf, uint16_t n_workers)
{
	uint16_t want_tx =
		e->memory || e->io.device.kind == VSW_DEV_NETDEV ? e->io.device.queues : n_workers;

	e->io.caps.n_rxq =
		RTE_MIN(RTE_MAX(e->io.device.queues, 1), RTE_MAX(info->max_rx_queues, 1));
	e->io.caps.n_txq = RTE_MIN(RTE_MAX(want_tx, 1), RTE_MAX(info->max_tx_queues, 1));
	e->io.caps.n_txq = RTE_MIN(e->io.caps.n_txq, VSW_QUEUES_MAX);
	if (e->io.caps.n_rxq > 1 && e->io.device.kind == VSW_DEV_PCI) {
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf->rx_adv_conf.rss_conf.rss_hf =
			(RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP) &
			info->flow_type_rss_offloads;
	}
}

static int setup_queues(struct eth *e, const struct rte_eth_conf *conf)
{
	uint16_t n_rxd = DESCRIPTORS, n_txd = DESCRIPTORS;
	int r = rte_eth_dev_adjust_nb_rx_tx_desc(e->port_id, &n_rxd, &n_txd);

	for (uint16_t q = 0; r == 0 && q < e->io.caps.n_rxq; q++)
		r = rte_eth_rx_queue_setup(e->port_id, q, n_rxd, SOCKET_ID_ANY, NULL,
					   e->io.env->pool);
	for (uint16_t q = 0; r == 0 && q < e->io.caps.n_txq; q++)
		r = rte_eth_tx_queue_setup(e->port_id, q, n_txd, SOCKET_ID_ANY, NULL);
	return r;
}

static int link_event(uint16_t port_id, enum rte_eth_event_type type, void *arg, void *ret)
{
	eth_dev_check_link(arg);
	return 0;
}

static int start(struct eth *e, const struct vsw_io_params *params, bool intr)
{
	struct rte_eth_dev_info info;
	struct rte_eth_conf conf = {.intr_conf.rxq = intr};
	uint16_t mtu_bytes = params->mtu_bytes;
	int r = rte_eth_dev_info_get(e->port_id, &info);

	if (r < 0)
		return r;
	if (e->io.device.kind == VSW_DEV_PCI)
		snprintf(e->driver, sizeof(e->driver), "%s", info.driver_name);
	choose_offloads(e, &info, mtu_bytes, &conf);
	choose_queues(e, &info, &conf, params->n_workers);
	e->lsc = *info.dev_flags & RTE_ETH_DEV_INTR_LSC;
	conf.intr_conf.lsc = e->lsc;
	/* Devices in memory have no MTU; theirs in DPDK is a number they do not look at. */
	if (!e->memory) {
		mtu_bytes = RTE_MIN(RTE_MAX(mtu_bytes, info.min_mtu), info.max_mtu);
		if (mtu_bytes + TAGGED_HEADER > ROOM &&
		    !(conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER))
			mtu_bytes = ROOM - TAGGED_HEADER;
		conf.rxmode.mtu = mtu_bytes;
	}
	r = rte_eth_dev_configure(e->port_id, e->io.caps.n_rxq, e->io.caps.n_txq, &conf);
	if (r == 0)
		r = setup_queues(e, &conf);
	if (r == 0)
		r = rte_eth_dev_start(e->port_id);
	return r;
}

/** Descriptors of rx interrupts; all queues or none. */
static bool interrupts_ready(struct eth *e)
{
	for (uint16_t q = 0; q < e->io.caps.n_rxq; q++) {
		e->rx_fd[q] = rte_eth_dev_rx_intr_ctl_q_get_fd(e->port_id, q);
		if (e->rx_fd[q] < 0 || rte_eth_dev_rx_intr_disable(e->port_id, q) < 0 ||
		    rte_eth_rx_queue_count(e->port_id, q) < 0)
			return false;
		/* arm() empties it without blocking */
		fcntl(e->rx_fd[q], F_SETFL, fcntl(e->rx_fd[q], F_GETFL) | O_NONBLOCK);
	}
	return true;
}

static void publish_limits(struct eth *e, uint16_t wanted_mtu)
{
	uint16_t mtu_bytes = wanted_mtu;

	if (!e->memory)
		rte_eth_dev_get_mtu(e->port_id, &mtu_bytes);
	if (mtu_bytes < wanted_mtu)
		snprintf(e->degraded, sizeof(e->degraded), "the device takes an MTU of %u at most",
			 mtu_bytes);
	__atomic_store_n(&e->io.caps.max_frame,
			 e->io.device.kind == VSW_DEV_PCAP
				 ? RTE_MIN(mtu_bytes + TAGGED_HEADER, PCAP_FRAME_MAX)
				 : mtu_bytes + TAGGED_HEADER,
			 __ATOMIC_RELAXED);
}

static uint64_t requests_of(uint64_t hw)
{
	uint64_t caps = 0;

	if (hw & RTE_ETH_TX_OFFLOAD_TCP_CKSUM)
		caps |= hw & RTE_ETH_TX_OFFLOAD_UDP_CKSUM ? RTE_MBUF_F_TX_UDP_CKSUM
							  : RTE_MBUF_F_TX_TCP_CKSUM;
	if (hw & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM)
		caps |= RTE_MBUF_F_TX_IP_CKSUM;
	if (hw & RTE_ETH_TX_OFFLOAD_TCP_TSO)
		caps |= RTE_MBUF_F_TX_TCP_SEG;
	return caps;
}

/*
 * Not every driver has rx interrupts, and some say so only when started. net_e1000_em says yes, but has one
 * vector for frames and link changes alike, and behind vfio no frame ever raised it: a worker that
 * trusted it slept for ever.
 */
static bool may_interrupt(const struct eth *e)
{
	struct rte_eth_dev_info info;

	return e->io.device.kind == VSW_DEV_PCI && rte_eth_dev_info_get(e->port_id, &info) == 0 &&
	       strcmp(info.driver_name, "net_e1000_em") != 0;
}

int eth_dev_open(struct eth *e, const struct vsw_io_params *params, struct vd_err *reterr)
{
	int r = make_device(e, reterr);

	if (r < 0)
		return r;
	r = may_interrupt(e) ? start(e, params, true) : -ENOTSUP;
	e->intr = r == 0 && interrupts_ready(e);
	if (!e->intr)
		for (unsigned int q = 0; q < VSW_QUEUES_MAX; q++)
			e->rx_fd[q] = -1;
	if (r < 0) {
		rte_eth_dev_stop(e->port_id); /* refused where it was never started: no harm */
		r = start(e, params, false);
	}
	if (r < 0)
		return vd_err_set(reterr, r, VD_E_DEVICE_OPEN, "device", NULL,
				  "the device could not be started (%s): %s",
				  e->driver[0] ? e->driver : e->name, strerror(-r));
	rte_eth_promiscuous_enable(e->port_id);
	publish_limits(e, params->mtu_bytes);
	e->io.caps.tx_offloads = requests_of(e->hw_offloads);
	if (e->lsc)
		rte_eth_dev_callback_register(e->port_id, RTE_ETH_EVENT_INTR_LSC, link_event, e);
	eth_dev_check_link(e);
	return 0;
}

void eth_dev_check_link(struct eth *e)
{
	struct rte_eth_link link = {0};
	bool up = rte_eth_link_get_nowait(e->port_id, &link) == 0 && link.link_status;

	if (__atomic_exchange_n(&e->io.caps.connected, up, __ATOMIC_RELAXED) != up)
		e->io.env->notify(e->io.env->ctx, &e->io);
}

int eth_dev_set_mtu(struct eth *e, uint16_t mtu_bytes, struct vd_err *reterr)
{
	int r = 0;

	e->degraded[0] = 0;
	if (!e->memory)
		r = rte_eth_dev_set_mtu(e->port_id, mtu_bytes);
	if (r < 0)
		return vd_err_set(reterr, r, VD_E_UNSUPPORTED, "mtu",
				  r == -EBUSY ? "remove the port and add it again" : NULL,
				  "the MTU of %s could not be set to %u: %s", e->name, mtu_bytes,
				  strerror(-r));
	publish_limits(e, mtu_bytes);
	return 0;
}

/** What a pcap port wrote shall be there after a power cut. */
static void sync_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

void eth_dev_close(struct eth *e)
{
	struct rte_eth_dev_info info;

	if (!e->open)
		return;
	memif_forget(e);
	if (e->lsc)
		rte_eth_dev_callback_unregister(e->port_id, RTE_ETH_EVENT_INTR_LSC, link_event, e);
	rte_eth_dev_stop(e->port_id);
	/* Removing the device closes its port too; the name is free afterwards. */
	if (e->io.device.kind != VSW_DEV_PCI)
		rte_eal_hotplug_remove("vdev", e->name);
	else if (rte_eth_dev_info_get(e->port_id, &info) == 0)
		rte_dev_remove(info.device);
	e->open = false;
	if (e->io.device.kind == VSW_DEV_PCAP && e->io.device.target2[0])
		sync_file(e->io.device.target2);
}
