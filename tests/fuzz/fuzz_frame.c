/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames into the packet path: the input is a VLAN mode choice for three ports, then frames. Whatever they
 * are, each leaves or is dropped for a reason (counters add up), and no buffer is lost.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/vswitch/eal.h"
#include "vswitch/datapath/dataplane_impl.h"

#define N_PORTS 3

static const char *const modes[] = {
	"none",           "access:10",       "trunk:10,20,native=20", "trunk:1-4094",
	"isolated:10,30", "community:10,31", "promiscuous:10,30-32"};

static struct vsw_dataplane dp;
static struct vsw_worker w;
static struct vsw_io ios[N_PORTS];
static struct vsw_port *ports[N_PORTS];
static struct vsw_fdb *fdb;
static uint64_t taken;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint16_t sink(struct vsw_io *io, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		rte_mbuf_sanity_check(pkts[i], 1);
		rte_pktmbuf_free(pkts[i]);
	}
	taken += n;
	return n;
}

static const struct vsw_io_ops ops = {.kind = "sink", .tx = sink};

static void start(void)
{
	test_eal_init();
	dp.env.pool = test_pool("frames", 256, RTE_MBUF_DEFAULT_BUF_SIZE);
	dp.n_workers = 1;
	w.dp = &dp;
	w.txbuf = calloc(VSW_PORTS_MAX, sizeof(*w.txbuf));
	for (int i = 0; i < N_PORTS; i++) {
		ios[i].ops = &ops;
		ios[i].caps = (struct vsw_io_caps){.n_rxq = 1, .n_txq = 1, .connected = true};
		ios[i].caps.max_frame = 1518;
		if (vsw_port_create(&dp, &ios[i], false, &ports[i]) < 0)
			abort();
	}
	fdb = vsw_fdb_create(16);
}

static void one_frame(struct vsw_snapshot *snap, const uint8_t *data, uint16_t len, int from)
{
	uint16_t first = data[0] % 64 < 18 ? len : RTE_MIN(len, (uint16_t)(data[0] % 64));
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp.env.pool), *rest;

	memcpy(rte_pktmbuf_append(m, first), data, first);
	if (first < len) { /* a chain, cut anywhere behind the header */
		rest = rte_pktmbuf_alloc(dp.env.pool);
		memcpy(rte_pktmbuf_append(rest, len - first), data + first, len - first);
		rte_pktmbuf_chain(m, rest);
	}
	vsw_pipeline_inject(&w, snap->ports[ports[from]->index], &m, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vsw_switch_cfg sw = {.name = "a", .mtu = 1500};
	struct vsw_port_cfg cfg[N_PORTS];
	struct vsw_model model = {&sw, 1, cfg, N_PORTS};
	struct vsw_binding b = {&model, &fdb, ports};
	struct vsw_snapshot *snap;
	uint64_t in = 0, out = 0;

	if (!fdb)
		start();
	if (size < 4)
		return 0;
	memset(cfg, 0, sizeof(cfg));
	for (int i = 0; i < N_PORTS; i++) {
		cfg[i].sw[0] = 'a';
		cfg[i].link_up = true;
		cfg[i].learn = data[3] >> i & 1 ? 4 : 0;
		cfg[i].mac.addr[0] = 2;
		cfg[i].mac.addr[5] = (uint8_t)i;
		cfg[i].has_mac = !(data[3] >> (i + 4) & 1);
		cfg[i].role = i == 2 ? VSW_ROLE_UPLINK : VSW_ROLE_VM;
		if (vsw_vlan_parse(modes[data[i] % 7], NULL, &cfg[i].vlan, NULL) < 0)
			abort();
	}
	snap = vsw_snapshot_build(&b, 1, 1);
	w.snap = snap;
	data += 4;
	size -= 4;
	while (size > 2) {
		uint16_t len = (uint16_t)(data[0] | (data[1] & 7) << 8);
		int from = data[1] >> 6;

		data += 2;
		size -= 2;
		len = (uint16_t)RTE_MIN(size, (size_t)RTE_MIN(len, (uint16_t)2000));
		if (len)
			one_frame(snap, data, len, from % N_PORTS);
		data += len;
		size -= len;
	}
	for (int i = 0; i < N_PORTS; i++) {
		in += ports[i]->counters[0]->rx_packets;
		out += ports[i]->counters[0]->tx_packets;
	}
	if (out != taken || in > UINT64_MAX / 2)
		abort();
	vsw_snapshot_free(snap);
	vsw_fdb_flush(fdb, VSW_PORT_INDEX_NONE, -1);
	if (rte_mempool_in_use_count(dp.env.pool))
		abort();
	return 0;
}
