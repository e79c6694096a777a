/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet path on frames made here: ports whose back end is an array. The VLAN matrix is computed
 * by a second, slow statement of the rules and compared with what the pipeline delivers.
 */
#include "tests/unit/tap.h"

#include <string.h>

#include "tests/unit/vswitch/eal.h"
#include "vswitch/datapath/dataplane_impl.h"
#include "vswitch/datapath/txbuf.h"

#define N_PORTS 8
#define CAUGHT  256

struct fake_io {
	struct vsw_io io;
	struct rte_mbuf *caught[CAUGHT];
	unsigned int n;
	unsigned int room; /* frames tx() takes at most */
};

static struct vsw_dataplane dp;
static struct vsw_worker w;
static struct fake_io ios[N_PORTS];
static struct vsw_port_cfg cfgs[N_PORTS];
static struct vsw_switch_cfg switches[2];
static struct vsw_port *ports[N_PORTS];
static struct vsw_fdb *fdbs[2];
static struct vsw_snapshot *snap;
static struct vsw_model model;

static uint16_t fake_tx(struct vsw_io *io, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct fake_io *f = (struct fake_io *)io;
	uint16_t i;

	for (i = 0; i < n && f->n < f->room; i++)
		f->caught[f->n++] = pkts[i];
	return i;
}

static const struct vsw_io_ops fake_ops = {.kind = "fake", .tx = fake_tx};

static void notify(void *ctx, struct vsw_io *io)
{
}

static void forget_frames(void)
{
	for (int i = 0; i < N_PORTS; i++) {
		for (unsigned int k = 0; k < ios[i].n; k++)
			rte_pktmbuf_free(ios[i].caught[k]);
		ios[i].n = 0;
	}
}

/* N_PORTS ports on switch "a", MACs 02:00:00:00:00:<index>, mode none, no learning. */
static void reset(void)
{
	forget_frames();
	memset(cfgs, 0, sizeof(cfgs));
	for (int i = 0; i < N_PORTS; i++) {
		snprintf(cfgs[i].name, sizeof(cfgs[i].name), "p%d", i);
		strcpy(cfgs[i].sw, "a");
		cfgs[i].link_up = true;
		cfgs[i].has_mac = true;
		cfgs[i].mac.addr[0] = 2;
		cfgs[i].mac.addr[5] = (uint8_t)i;
		ios[i].io.ops = &fake_ops;
		ios[i].io.env = &dp.env;
		ios[i].io.caps.connected = true;
		ios[i].io.caps.max_frame = 65535;
		ios[i].io.caps.tx_offloads = VSW_TX_REQUESTS;
		ios[i].io.caps.n_txq = ios[i].io.caps.n_rxq = 1;
		ios[i].room = CAUGHT;
		memset(ports[i]->counters[0], 0, sizeof(struct vsw_counters));
		ports[i]->first_mac_state = VSW_FIRST_MAC_UNWANTED;
	}
	memset(switches, 0, sizeof(switches));
	strcpy(switches[0].name, "a");
	strcpy(switches[1].name, "b");
	switches[0].mtu = switches[1].mtu = 1500;
	for (int k = 0; k < 2; k++)
		vsw_fdb_flush(fdbs[k], VSW_PORT_INDEX_NONE, -1);
}

static void publish(void)
{
	struct vsw_fdb_static st[N_PORTS + 1];
	struct vsw_binding b = {.model = &model, .fdbs = fdbs, .ports = ports};

	vsw_snapshot_free(snap);
	snap = vsw_snapshot_build(&b, 1, 1);
	for (unsigned int k = 0; k < 2; k++)
		vsw_fdb_set_static(fdbs[k], st, vsw_snapshot_statics(&b, k, st));
	w.snap = snap;
	w.now += 1;
}

static struct rte_mbuf *frame(uint64_t dst, uint64_t src, const uint16_t *tags, int n_tags,
			      uint16_t tpid, uint32_t size)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(dp.env.pool);
	uint8_t *d = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)size);

	memset(d, 0x5a, size);
	for (int i = 0; i < 6; i++) {
		d[i] = (uint8_t)(dst >> (40 - 8 * i));
		d[6 + i] = (uint8_t)(src >> (40 - 8 * i));
	}
	for (int i = 0; i < n_tags; i++) {
		d[12 + 4 * i] = (uint8_t)(tpid >> 8);
		d[13 + 4 * i] = (uint8_t)tpid;
		d[14 + 4 * i] = (uint8_t)(tags[i] >> 8);
		d[15 + 4 * i] = (uint8_t)tags[i];
	}
	d[12 + 4 * n_tags] = 0x08;
	d[13 + 4 * n_tags] = 0x00;
	return m;
}

static uint64_t mac_of(int port)
{
	return UINT64_C(0x020000000000) + (uint64_t)port;
}

static void inject(int port, struct rte_mbuf *m)
{
	vsw_pipeline_inject(&w, snap->ports[ports[port]->index], &m, 1);
}

static uint64_t drops(int port, enum vsw_drop why)
{
	return ports[port]->counters[0]->drops[why];
}

/* The tag of a caught frame: VID, or -1 without one. */
static int caught_vid(int port, unsigned int k)
{
	const uint8_t *d = rte_pktmbuf_mtod(ios[port].caught[k], const uint8_t *);

	return d[12] == 0x81 && d[13] == 0 ? (d[14] & 15) << 8 | d[15] : -1;
}

static void known_unicast_goes_to_one(void)
{
	reset();
	publish();
	inject(0, frame(mac_of(3), mac_of(0), NULL, 0, 0, 64));
	for (int i = 0; i < N_PORTS; i++)
		CU_ASSERT_EQUAL(ios[i].n, i == 3 ? 1 : 0);
	CU_ASSERT_EQUAL(ports[0]->counters[0]->rx_packets, 1);
	CU_ASSERT_EQUAL(ports[0]->counters[0]->rx_bytes, 64);
	CU_ASSERT_EQUAL(ports[3]->counters[0]->tx_packets, 1);
	CU_ASSERT_EQUAL(ports[3]->counters[0]->tx_bytes, 64);
}

static void broadcast_goes_to_all_others(void)
{
	reset();
	strcpy(cfgs[7].sw, "b");
	publish();
	inject(0, frame(UINT64_C(0xffffffffffff), mac_of(0), NULL, 0, 0, 64));
	for (int i = 0; i < N_PORTS; i++)
		CU_ASSERT_EQUAL(ios[i].n, i != 0 && i != 7 ? 1 : 0);
}

static void unknown_unicast_only_where_unknown_can_be(void)
{
	reset();
	cfgs[5].learn = 10;
	publish();
	inject(0, frame(UINT64_C(0x021111111111), mac_of(0), NULL, 0, 0, 64));
	for (int i = 0; i < N_PORTS; i++)
		CU_ASSERT_EQUAL(ios[i].n, i == 5 ? 1 : 0);
	/* learned there, found there, moved at once */
	inject(5, frame(mac_of(0), UINT64_C(0x021111111111), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(vsw_fdb_count(fdbs[0]), 1);
	cfgs[5].learn = 0;
	publish();
	forget_frames();
	inject(0, frame(UINT64_C(0x021111111111), mac_of(0), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(ios[5].n, 1);
	CU_ASSERT_EQUAL(ios[1].n, 0);
}

static void sources_are_checked(void)
{
	reset();
	cfgs[4].learn = 2;
	publish();
	inject(1, frame(mac_of(0), mac_of(2), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(drops(1, VSW_DROP_MAC_SPOOFING), 1);
	inject(1, frame(mac_of(0), UINT64_C(0x010000000001), NULL, 0, 0, 64));
	inject(4, frame(mac_of(0), 0, NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(drops(1, VSW_DROP_SOURCE_MAC_INVALID), 1);
	CU_ASSERT_EQUAL(drops(4, VSW_DROP_SOURCE_MAC_INVALID), 1);
	inject(4, frame(mac_of(0), mac_of(2), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(drops(4, VSW_DROP_MAC_CONFLICT), 1);
	for (int i = 0; i < 3; i++)
		inject(4, frame(mac_of(0), UINT64_C(0x02eeee000000) + (unsigned int)i, NULL, 0, 0,
				64));
	CU_ASSERT_EQUAL(drops(4, VSW_DROP_MAC_LIMIT), 1);
	CU_ASSERT_EQUAL(ios[0].n, 2);
	inject(4, frame(mac_of(0), mac_of(4), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(ios[0].n, 3);
}

static struct vsw_policy policies[N_PORTS];

static struct vsw_policy *policy_of(int port)
{
	memset(&policies[port], 0, sizeof(policies[port]));
	policies[port].refs = 1;
	cfgs[port].policy = &policies[port];
	return &policies[port];
}

static void mac_spoofing_allowed(void)
{
	reset();
	policy_of(4)->guard.mac_spoofing = true;
	publish();
	inject(4, frame(mac_of(0), UINT64_C(0x02eeee000001), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(ios[0].n, 1);
	inject(0, frame(UINT64_C(0x02eeee000001), mac_of(0), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(ios[4].n, 1); /* it was learned there */
	/* somebody else's address may be shown, but stays where it is assigned */
	inject(4, frame(mac_of(0), mac_of(2), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(ios[0].n, 2);
	inject(0, frame(mac_of(2), mac_of(0), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(ios[2].n, 1);
	inject(4, frame(mac_of(0), UINT64_C(0x010000000001), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(drops(4, VSW_DROP_SOURCE_MAC_INVALID), 1);
}

static void team_of_a_guest(void)
{
	reset();
	strcpy(policy_of(1)->guard.team, "vm");
	strcpy(policy_of(2)->guard.team, "vm");
	strcpy(policy_of(3)->guard.team, "other");
	publish();
	inject(0, frame(mac_of(1), mac_of(0), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(ios[1].n, 1);
	/* port 2 takes the address of port 1 over: frames for it follow */
	inject(2, frame(mac_of(0), mac_of(1), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(ios[0].n, 1);
	inject(0, frame(mac_of(1), mac_of(0), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(ios[2].n, 1);
	publish(); /* some other change: it stays there */
	inject(0, frame(mac_of(1), mac_of(0), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(ios[2].n, 2);
	inject(1, frame(mac_of(0), mac_of(1), NULL, 0, 0, 64));
	inject(0, frame(mac_of(1), mac_of(0), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(ios[1].n, 2);
	/* exactly that set */
	inject(1, frame(mac_of(0), mac_of(3), NULL, 0, 0, 64));
	inject(3, frame(mac_of(0), mac_of(1), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(drops(1, VSW_DROP_MAC_SPOOFING), 1);
	CU_ASSERT_EQUAL(drops(3, VSW_DROP_MAC_SPOOFING), 1);
	/* the team ends: the address goes back */
	inject(2, frame(mac_of(0), mac_of(1), NULL, 0, 0, 64));
	policies[2].guard.team[0] = 0;
	publish();
	inject(0, frame(mac_of(1), mac_of(0), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(ios[1].n, 3);
}

static void first_frame_names_a_netdev(void)
{
	reset();
	cfgs[2].has_mac = false;
	cfgs[2].device.kind = VSW_DEV_NETDEV;
	ports[2]->first_mac_state = VSW_FIRST_MAC_WANTED;
	publish();
	inject(2, frame(mac_of(0), UINT64_C(0x02abcdef0123), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(ios[0].n, 1);
	CU_ASSERT_EQUAL(ports[2]->first_mac_state, VSW_FIRST_MAC_VALID);
	inject(2, frame(mac_of(0), UINT64_C(0x02abcdef0124), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(drops(2, VSW_DROP_MAC_SPOOFING), 1);
	publish();
	forget_frames();
	inject(0, frame(UINT64_C(0x02abcdef0123), mac_of(0), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(ios[2].n, 1);
}

static void frames_that_never_pass(void)
{
	static const uint16_t t10[] = {10}, t4095[] = {4095};
	struct rte_mbuf *m;

	reset();
	publish();
	inject(0, frame(UINT64_C(0x0180c2000000), mac_of(0), NULL, 0, 0, 64));
	inject(0, frame(UINT64_C(0x0180c200000f), mac_of(0), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(drops(0, VSW_DROP_RESERVED_ADDRESS), 2);
	inject(0, frame(UINT64_C(0x0180c2000010), mac_of(0), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(ios[1].n, 1);
	inject(0, frame(mac_of(0), mac_of(0), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(drops(0, VSW_DROP_HAIRPIN), 1);
	inject(0, frame(mac_of(1), mac_of(0), NULL, 0, 0, 1515));
	CU_ASSERT_EQUAL(drops(0, VSW_DROP_GIANT), 1);
	inject(0, frame(mac_of(1), mac_of(0), NULL, 0, 0, 1514));
	CU_ASSERT_EQUAL(ios[1].n, 2);
	m = frame(mac_of(1), mac_of(0), NULL, 0, 0, 64);
	rte_pktmbuf_trim(m, 64 - 13);
	inject(0, m);
	CU_ASSERT_EQUAL(drops(0, VSW_DROP_RUNT), 1);
	m = frame(mac_of(1), mac_of(0), t10, 1, 0x8100, 64);
	rte_pktmbuf_trim(m, 64 - 17);
	inject(0, m);
	inject(0, frame(mac_of(1), mac_of(0), t4095, 1, 0x8100, 64));
	inject(0, frame(mac_of(1), mac_of(0), t10, 1, 0x88a8, 64));
	inject(0, frame(mac_of(1), mac_of(0), t10, 1, 0x9100, 64));
	CU_ASSERT_EQUAL(drops(0, VSW_DROP_VLAN_FORMAT), 4);
	inject(0, frame(mac_of(1), mac_of(0), t10, 1, 0x8100, 64));
	CU_ASSERT_EQUAL(drops(0, VSW_DROP_VLAN_UNAUTHORIZED), 1);
	CU_ASSERT_EQUAL(ios[1].n, 2);
}

static void destinations_that_cannot(void)
{
	reset();
	cfgs[1].link_up = false;
	ios[2].io.caps.connected = false;
	ios[3].room = 0;
	publish();
	for (int i = 1; i <= 3; i++)
		inject(0, frame(mac_of(i), mac_of(0), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(drops(1, VSW_DROP_DEST_LINK_DOWN), 1);
	CU_ASSERT_EQUAL(drops(2, VSW_DROP_DEST_DISCONNECTED), 1);
	CU_ASSERT_EQUAL(drops(3, VSW_DROP_DEST_FULL), 1);
	CU_ASSERT_EQUAL(ports[3]->counters[0]->tx_bytes, 0);
	inject(1, frame(mac_of(0), mac_of(1), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(drops(1, VSW_DROP_LINK_DOWN), 1);
	CU_ASSERT_EQUAL(ios[0].n, 0);
}

/* ---- the VLAN matrix ---- */

static const char *const modes[] = {
	"none",
	"access:10",
	"access:20",
	"trunk:10,20",
	"trunk:10,native=20",
	"trunk:20,native=0",
	"isolated:10,30",
	"community:10,31",
	"community:10,32",
	"promiscuous:10,30-32",
};

/* The rules once more, straight from the words: VID of a frame from a port, -1 when not admitted. */
static int slow_ingress(const struct vsw_vlan *v, int tag)
{
	if (tag > 0)
		return v->mode == VSW_VLAN_TRUNK && vsw_vlan_has(v, (uint16_t)tag) ? tag : -1;
	switch (v->mode) {
	case VSW_VLAN_NONE:
		return 0;
	case VSW_VLAN_TRUNK:
		return v->vid == VSW_VID_NONE ? -1 : v->vid;
	case VSW_VLAN_ISOLATED:
	case VSW_VLAN_COMMUNITY:
		return v->secondary;
	default:
		return v->vid;
	}
}

/* What arrives: -2 nothing, -1 untagged, else the tag. */
static int slow_egress(const struct vsw_vlan *v, int vid)
{
	switch (v->mode) {
	case VSW_VLAN_NONE:
		return vid == 0 ? -1 : -2;
	case VSW_VLAN_ACCESS:
		return vid == v->vid ? -1 : -2;
	case VSW_VLAN_TRUNK:
		if (vid == v->vid)
			return -1;
		return vid && vsw_vlan_has(v, (uint16_t)vid) ? vid : -2;
	case VSW_VLAN_ISOLATED:
		return vid == v->vid ? -1 : -2;
	case VSW_VLAN_COMMUNITY:
		return vid == v->vid || vid == v->secondary ? -1 : -2;
	default:
		return vid == v->vid || (vid && vsw_vlan_has(v, (uint16_t)vid)) ? -1 : -2;
	}
}

static void check_pair(int a, int b, int tag, bool broadcast, unsigned int *checked)
{
	uint16_t tci = (uint16_t)(tag | 5 << 13);
	int vid = slow_ingress(&cfgs[0].vlan, tag);
	int want = vid < 0 ? -2 : slow_egress(&cfgs[1].vlan, vid);

	inject(0, frame(broadcast ? UINT64_C(0xffffffffffff) : mac_of(1), mac_of(0), &tci, tag >= 0,
			0x8100, 64));
	CU_ASSERT_EQUAL(ios[1].n, want == -2 ? 0 : 1);
	if (want != -2 && ios[1].n == 1) {
		const uint8_t *d = rte_pktmbuf_mtod(ios[1].caught[0], const uint8_t *);

		CU_ASSERT_EQUAL(caught_vid(1, 0), want);
		if (want > 0 && tag >= 0) /* the priority survives where there is a tag */
			CU_ASSERT_EQUAL(d[14] >> 5, 5);
		CU_ASSERT_EQUAL(d[5], broadcast ? 0xff : 1);
		CU_ASSERT_EQUAL(d[6], 2);
	}
	if (ios[1].n != (want == -2 ? 0u : 1u))
		printf("# %s -> %s tag %d broadcast %d: got %u, expected %d\n", modes[a], modes[b],
		       tag, broadcast, ios[1].n, want);
	(*checked)++;
	forget_frames();
}

static void vlan_matrix(void)
{
	static const int tags[] = {-1, 0, 10, 20, 30, 31, 99};
	const unsigned int n = sizeof(modes) / sizeof(modes[0]);
	unsigned int checked = 0;

	for (unsigned int a = 0; a < n; a++) {
		for (unsigned int b = 0; b < n; b++) {
			reset();
			for (int i = 2; i < N_PORTS; i++)
				strcpy(cfgs[i].sw, "b");
			CU_ASSERT_EQUAL_FATAL(vsw_vlan_parse(modes[a], NULL, &cfgs[0].vlan, NULL),
					      0);
			CU_ASSERT_EQUAL_FATAL(vsw_vlan_parse(modes[b], NULL, &cfgs[1].vlan, NULL),
					      0);
			publish();
			for (unsigned int t = 0; t < sizeof(tags) / sizeof(tags[0]); t++) {
				check_pair((int)a, (int)b, tags[t], true, &checked);
				check_pair((int)a, (int)b, tags[t], false, &checked);
			}
		}
	}
	CU_ASSERT_EQUAL(checked, n * n * 14);
}

/* Attack: an inner tag must never come out as the outer one. */
static void double_tags_never_hop(void)
{
	static const uint16_t outer_native[] = {10, 20}, priority[] = {0, 20};
	static const uint16_t tpids[] = {0x8100, 0x88a8, 0x9100};

	for (int t = 0; t < 3; t++) {
		reset();
		vsw_vlan_parse("trunk:10,20", NULL, &cfgs[0].vlan, NULL);
		vsw_vlan_parse("access:10", NULL, &cfgs[1].vlan, NULL);
		vsw_vlan_parse("trunk:10,20,native=10", NULL, &cfgs[2].vlan, NULL);
		vsw_vlan_parse("access:20", NULL, &cfgs[3].vlan, NULL);
		vsw_vlan_parse("trunk:10", NULL, &cfgs[4].vlan, NULL);
		for (int i = 5; i < N_PORTS; i++)
			strcpy(cfgs[i].sw, "b");
		publish();
		for (int from = 0; from < 4; from++) {
			struct rte_mbuf *m = frame(UINT64_C(0xffffffffffff), mac_of(from),
						   outer_native, 2, 0x8100, 80);
			uint8_t *d = rte_pktmbuf_mtod(m, uint8_t *);

			d[16] = (uint8_t)(tpids[t] >> 8);
			d[17] = (uint8_t)tpids[t];
			inject(from, m);
			m = frame(UINT64_C(0xffffffffffff), mac_of(from), priority, 2, 0x8100, 80);
			d = rte_pktmbuf_mtod(m, uint8_t *);
			d[16] = (uint8_t)(tpids[t] >> 8);
			d[17] = (uint8_t)tpids[t];
			inject(from, m);
		}
		CU_ASSERT_EQUAL(ios[1].n, 0);
		CU_ASSERT_EQUAL(ios[3].n, 0);
		for (unsigned int k = 0; k < ios[4].n; k++)
			CU_ASSERT_EQUAL(caught_vid(4, k), 10);
		CU_ASSERT_EQUAL(ios[4].n, 2); /* from both trunks, outer tag kept */
		for (unsigned int k = 0; k < ios[2].n; k++)
			CU_ASSERT_NOT_EQUAL(caught_vid(2, k), 20);
		CU_ASSERT(drops(1, VSW_DROP_VLAN_DOUBLE_TAG) > 0);
	}
}

/* Bursts around the vector's length: every frame leaves, in order. */
static void bursts_keep_order(void)
{
	static const unsigned int sizes[] = {1, 2, 31, 63, 64, 65, 128, 200};

	for (unsigned int s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		struct rte_mbuf *m[200];

		reset();
		publish();
		for (unsigned int i = 0; i < sizes[s]; i++) {
			m[i] = frame(mac_of(1), mac_of(0), NULL, 0, 0, 64);
			rte_pktmbuf_mtod(m[i], uint8_t *)[20] = (uint8_t)i;
		}
		vsw_pipeline_inject(&w, snap->ports[ports[0]->index], m, (uint16_t)sizes[s]);
		CU_ASSERT_EQUAL(ios[1].n, sizes[s]);
		for (unsigned int i = 0; i < ios[1].n; i++)
			CU_ASSERT_EQUAL(rte_pktmbuf_mtod(ios[1].caught[i], uint8_t *)[20], i);
	}
}

/* What one port did with a burst: what each port got, in its order, and why the rest was dropped. */
struct outcome {
	unsigned int n[N_PORTS];
	uint8_t got[N_PORTS][64];
	uint64_t drops[VSW_DROP_N];
};

/* Frames from port 4, which learns, by numbers of @dst and @src below; one by one, or together. */
static struct outcome outcome_of(const uint8_t *dst, const uint8_t *src, unsigned int n,
				 bool together)
{
	static const uint64_t to[] = {UINT64_C(0x020000000001), UINT64_C(0x020000000002),
				      UINT64_C(0x020000000004), UINT64_C(0x021111111111),
				      UINT64_C(0xffffffffffff), UINT64_C(0x0180c2000000)};
	static const uint64_t from[] = {UINT64_C(0x020000000004), UINT64_C(0x02eeee000001),
					UINT64_C(0x02eeee000002), UINT64_C(0x02eeee000003),
					UINT64_C(0x020000000002), 0};
	struct outcome o = {0};
	struct rte_mbuf *m[64];

	reset();
	cfgs[4].learn = 2;
	cfgs[5].learn = 2;
	publish();
	for (unsigned int i = 0; i < n; i++) {
		m[i] = frame(to[dst[i]], from[src[i]], NULL, 0, 0, 64);
		rte_pktmbuf_mtod(m[i], uint8_t *)[20] = (uint8_t)i;
		if (!together)
			inject(4, m[i]);
	}
	if (together)
		vsw_pipeline_inject(&w, snap->ports[ports[4]->index], m, (uint16_t)n);
	for (int p = 0; p < N_PORTS; p++) {
		o.n[p] = ios[p].n;
		for (unsigned int i = 0; i < ios[p].n; i++)
			o.got[p][i] = rte_pktmbuf_mtod(ios[p].caught[i], uint8_t *)[20];
		for (int why = 0; why < VSW_DROP_N; why++)
			o.drops[why] += drops(p, (enum vsw_drop)why);
	}
	return o;
}

/* An address is looked up once for frames in a row: nobody may notice. */
static void bursts_are_their_frames(void)
{
	uint8_t dst[64], src[64];
	uint32_t state = 1;
	struct outcome one, all;

	for (int round = 0; round < 300; round++) {
		for (int i = 0; i < 64; i++) {
			state = state * 1664525 + 1013904223;
			dst[i] = i && state >> 29 < 5 ? dst[i - 1] : (uint8_t)((state >> 16) % 6);
			src[i] = i && (state >> 26 & 7) < 5 ? src[i - 1]
							    : (uint8_t)((state >> 8 & 255) % 6);
		}
		one = outcome_of(dst, src, 64, false);
		all = outcome_of(dst, src, 64, true);
		if (memcmp(&one, &all, sizeof(one))) {
			CU_FAIL("a burst differs from its frames");
			return;
		}
	}
	CU_ASSERT(one.n[1] && one.n[5] && one.drops[VSW_DROP_MAC_CONFLICT]);
}

static void nothing_leaks(void)
{
	forget_frames();
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(dp.env.pool), 0);
}

/* What a health policy costs a port that is healthy: not an instruction where known addresses are forwarded; a
 * comparison where its machine may speak of its health in DHCP. */
static void healthy_ports_take_the_short_way(void)
{
	void (*input)(struct vsw_worker *, const struct vsw_snap_port *, struct vsw_vec *);

	reset();
	cfgs[1].learn = 5;
	ports[2]->portal = ports[3]->portal = true;
	cfgs[3].learn = 5;
	ports[4]->statements = true;
	publish();
	input = snap->ports[ports[0]->index]->input;
	CU_ASSERT_EQUAL(snap->ports[ports[2]->index]->input, input);
	CU_ASSERT_NOT_EQUAL(snap->ports[ports[4]->index]->input, input);
	CU_ASSERT_EQUAL(snap->ports[ports[3]->index]->input, snap->ports[ports[1]->index]->input);
	inject(4, frame(mac_of(0), mac_of(4), NULL, 0, 0, 64));
	CU_ASSERT_EQUAL(ios[0].n, 1);
	ports[2]->portal = ports[3]->portal = ports[4]->statements = false;
}

static const struct tap_case cases[] = {
	{"known unicast goes to one port and is counted", known_unicast_goes_to_one},
	{"broadcast goes to all others of the switch", broadcast_goes_to_all_others},
	{"unknown unicast goes only where somebody unknown can be",
	 unknown_unicast_only_where_unknown_can_be},
	{"source addresses: spoofing, conflict, limit, invalid", sources_are_checked},
	{"MAC spoofing allowed", mac_spoofing_allowed},
	{"a guest's team moves its addresses between its ports", team_of_a_guest},
	{"a netdev port takes its address from its first frame", first_frame_names_a_netdev},
	{"reserved, hairpin, giant, runt and malformed frames", frames_that_never_pass},
	{"destinations that are down, gone or full", destinations_that_cannot},
	{"VLAN mode x mode x tag x cast, against the rules stated twice", vlan_matrix},
	{"double tags never hop", double_tags_never_hop},
	{"bursts of 1 to 200 keep order", bursts_keep_order},
	{"a burst fares as its frames would one by one", bursts_are_their_frames},
	{"healthy ports take the short way", healthy_ports_take_the_short_way},
	{"no packet buffer leaks", nothing_leaks},
};

int main(void)
{
	test_eal_init();
	dp.env.pool = test_pool("frames", 4096, RTE_MBUF_DEFAULT_BUF_SIZE);
	dp.env.notify = notify;
	w.dp = &dp;
	w.now = 100;
	w.txbuf = calloc(VSW_PORTS_MAX, sizeof(*w.txbuf));
	dp.n_workers = 1;
	model = (struct vsw_model){
		.switches = switches, .n_switches = 2, .ports = cfgs, .n_ports = N_PORTS};
	for (int i = 0; i < N_PORTS; i++) {
		ios[i].io.ops = &fake_ops;
		ios[i].io.caps.n_rxq = ios[i].io.caps.n_txq = 1;
		if (vsw_port_create(&dp, &ios[i].io, false, &ports[i]) < 0)
			return 2;
	}
	for (int k = 0; k < 2; k++)
		fdbs[k] = vsw_fdb_create(1000);
	return tap_run("vswitch/datapath/pipeline", cases, sizeof(cases) / sizeof(cases[0]));
}
