/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guards: attacks and what they must not be confused with. */
#include "tests/unit/tap.h"

#include <stdlib.h>

#include "guard_kit.h"
#include "vswitch/policy/guard.h"

#define PASS VSW_DROP_N
#define ME   5
#define LL   "fe80::ff:fe00:5" /* of 02:00:00:00:00:05 */

static struct vsw_switch_cfg sw;
static struct vsw_port_cfg port;
static struct vsw_model model = {.switches = &sw, .n_switches = 1, .ports = &port, .n_ports = 1};
static struct vsw_policy policy;
static struct vd_prefix pins[4];
static struct vsw_gate_guard *g;
static struct vsw_guard_state *s;
static struct kit_bytes b;
static uint64_t now;
static bool unknown;

static void fresh(void)
{
	vsw_guard_free(g);
	free(s);
	g = NULL;
	s = vsw_guard_state_create();
	memset(&sw, 0, sizeof(sw));
	memset(&port, 0, sizeof(port));
	memset(&policy, 0, sizeof(policy));
	strcpy(sw.name, "a");
	strcpy(port.sw, "a");
	port.has_mac = true;
	port.mac = (struct vd_mac){{2, 0, 0, 0, 0, ME}};
	port.policy = &policy;
	policy.refs = 1;
	policy.pins = pins;
	unknown = false;
	now = 1000000;
}

static void make(void)
{
	CU_ASSERT_EQUAL(vsw_guard_make(&model, 0, 1000, &g), 0);
}

static void pin(const char *text)
{
	CU_ASSERT_EQUAL(vd_prefix_parse(text, &pins[policy.n_pins++]), 0);
}

static enum vsw_drop verdict_of(uint32_t visible)
{
	struct vsw_headers h;
	struct vsw_guard_frame f = {
		.h = &h, .d = b.d, .len = visible, .time = now, .unknown = unknown};

	vsw_headers_parse(b.d, visible, b.n, &h);
	memcpy(&f.dst, b.d, 6);
	memcpy(&f.src, b.d + 6, 6);
	return vsw_guard_check(g, s, &f);
}

static enum vsw_drop verdict(void)
{
	kit_end(&b);
	return verdict_of(b.n);
}

static enum vsw_drop udp4(const char *src, uint16_t sport, uint16_t dport, uint8_t op)
{
	kit_eth(&b, 1, ME, 0x0800);
	kit_ip4(&b, src, "10.0.0.9", 17);
	kit_udp(&b, sport, dport);
	kit_put(&b, &op, 1);
	kit_zero(&b, 99);
	return verdict();
}

static enum vsw_drop udp6(uint16_t sport, uint16_t dport, uint8_t type)
{
	kit_eth(&b, 1, ME, 0x86dd);
	kit_ip6(&b, LL, "fe80::1", 17);
	kit_udp(&b, sport, dport);
	kit_put(&b, &type, 1);
	kit_zero(&b, 50);
	return verdict();
}

static void no_guard(void)
{
	fresh();
	make();
	CU_ASSERT_PTR_NULL(g);
	policy.guard.mac_spoofing = true; /* the pipeline's business */
	make();
	CU_ASSERT_PTR_NULL(g);
}

static void dhcp(void)
{
	fresh();
	policy.guard.dhcp = true;
	make();
	CU_ASSERT_EQUAL(udp4("10.0.0.5", 67, 68, 2), VSW_DROP_DHCP_GUARD);
	CU_ASSERT_EQUAL(udp4("10.0.0.5", 4000, 68, 2), VSW_DROP_DHCP_GUARD);
	CU_ASSERT_EQUAL(udp4("10.0.0.5", 67, 67, 2), VSW_DROP_DHCP_GUARD);
	CU_ASSERT_EQUAL(udp4("10.0.0.5", 4011, 4011, 2), VSW_DROP_DHCP_GUARD);
	CU_ASSERT_EQUAL(udp4("0.0.0.0", 68, 67, 1), PASS);
	CU_ASSERT_EQUAL(udp4("10.0.0.5", 67, 67, 1), PASS); /* a relay asks */
	CU_ASSERT_EQUAL(udp4("10.0.0.5", 53, 1053, 2), PASS);
	CU_ASSERT_EQUAL(udp6(547, 546, 7), VSW_DROP_DHCP_GUARD);
	CU_ASSERT_EQUAL(udp6(1000, 546, 2), VSW_DROP_DHCP_GUARD);
	CU_ASSERT_EQUAL(udp6(547, 547, 13), VSW_DROP_DHCP_GUARD);
	CU_ASSERT_EQUAL(udp6(546, 547, 1), PASS);
	/* behind an extension header, and in a first fragment */
	kit_eth(&b, 1, ME, 0x86dd);
	kit_ip6(&b, LL, "fe80::1", 17);
	kit_ext(&b, 60, 0, 0);
	kit_udp(&b, 547, 546);
	kit_zero(&b, 20);
	CU_ASSERT_EQUAL(verdict(), VSW_DROP_DHCP_GUARD);
	kit_eth(&b, 1, ME, 0x86dd);
	kit_ip6(&b, LL, "fe80::1", 17);
	kit_ext(&b, 44, 1, 77);
	kit_udp(&b, 547, 546);
	kit_zero(&b, 24);
	CU_ASSERT_EQUAL(verdict(), VSW_DROP_DHCP_GUARD);
}

static enum vsw_drop icmp4(uint8_t type)
{
	kit_eth(&b, 1, ME, 0x0800);
	kit_ip4(&b, "10.0.0.5", "10.0.0.9", 1);
	kit_put(&b, &type, 1);
	kit_zero(&b, 31);
	return verdict();
}

static enum vsw_drop icmp6(uint8_t type, unsigned int n_ext)
{
	kit_eth(&b, 1, ME, 0x86dd);
	kit_ip6(&b, LL, "ff02::1", 58);
	for (unsigned int i = 0; i < n_ext; i++)
		kit_ext(&b, 60, 0, 0);
	kit_nd(&b, type, "fe80::9", 0, 0);
	return verdict();
}

static void router(void)
{
	fresh();
	policy.guard.router = true;
	make();
	CU_ASSERT_EQUAL(icmp4(5), VSW_DROP_ROUTER_GUARD);
	CU_ASSERT_EQUAL(icmp4(9), VSW_DROP_ROUTER_GUARD);
	CU_ASSERT_EQUAL(icmp4(8), PASS);
	CU_ASSERT_EQUAL(icmp6(134, 0), VSW_DROP_ROUTER_GUARD);
	CU_ASSERT_EQUAL(icmp6(137, 0), VSW_DROP_ROUTER_GUARD);
	CU_ASSERT_EQUAL(icmp6(134, 1), VSW_DROP_ROUTER_GUARD);
	CU_ASSERT_EQUAL(icmp6(134, 9), VSW_DROP_ROUTER_GUARD);
	CU_ASSERT_EQUAL(icmp6(134, 17), VSW_DROP_INVALID_PACKET); /* nobody needs that many */
	CU_ASSERT_EQUAL(icmp6(133, 0), PASS);
	CU_ASSERT_EQUAL(icmp6(135, 0), PASS);
	CU_ASSERT_EQUAL(icmp6(128, 0), PASS);
}

static enum vsw_drop fragment(uint16_t offset_flags, uint32_t id, uint8_t kind, bool later_ext)
{
	kit_eth(&b, 1, ME, 0x86dd);
	kit_ip6(&b, LL, "fe80::1", 58);
	kit_ext(&b, 44, offset_flags, id);
	if (later_ext)
		kit_ext(&b, 60, 0, 0);
	kit_nd(&b, kind, "fe80::9", 0, 0);
	return verdict();
}

static void router_fragments(void)
{
	fresh();
	policy.guard.router = true;
	make();
	CU_ASSERT_EQUAL(fragment(1, 1, 134, false), VSW_DROP_ROUTER_GUARD);
	CU_ASSERT_EQUAL(fragment(1, 1, 134, true), VSW_DROP_ROUTER_GUARD);
	CU_ASSERT_EQUAL(fragment(1, 2, 135, false), VSW_DROP_ROUTER_GUARD); /* RFC 6980 */
	CU_ASSERT_EQUAL(fragment(8, 3, 0, false), VSW_DROP_ROUTER_GUARD); /* of nobody knows what */
	/* a large ping: its first fragment shows what it is */
	CU_ASSERT_EQUAL(fragment(1, 4, 128, false), PASS);
	CU_ASSERT_EQUAL(fragment(8, 4, 0, false), PASS);
	CU_ASSERT_EQUAL(fragment(8, 5, 0, false), VSW_DROP_ROUTER_GUARD);
	/* a first fragment too short to show its transport header */
	kit_eth(&b, 1, ME, 0x86dd);
	kit_ip6(&b, LL, "fe80::1", 58);
	kit_ext(&b, 44, 1, 6);
	kit_ext(&b, 60, 0, 0);
	CU_ASSERT_EQUAL(verdict(), VSW_DROP_INVALID_PACKET);
	/* an atomic fragment is a whole packet (RFC 6946) */
	CU_ASSERT_EQUAL(fragment(0, 7, 128, false), PASS);
	CU_ASSERT_EQUAL(fragment(0, 7, 134, false), VSW_DROP_ROUTER_GUARD);
}

static void wrapped(void)
{
	static const uint8_t snap6[8] = {0xaa, 0xaa, 3, 0, 0, 0, 0x86, 0xdd};
	static const uint8_t snap_other[8] = {0xaa, 0xaa, 3, 0, 0, 0, 0x80, 0x9b};

	fresh();
	policy.guard.router = true;
	make();
	kit_eth(&b, 1, ME, 100);
	kit_put(&b, snap6, 8);
	kit_ip6(&b, LL, "ff02::1", 58);
	kit_nd(&b, 134, "fe80::9", 0, 0);
	b.ip = 0;
	CU_ASSERT_EQUAL(verdict(), VSW_DROP_INVALID_PACKET);
	kit_eth(&b, 1, ME, 100);
	kit_put(&b, snap_other, 8);
	kit_zero(&b, 40);
	CU_ASSERT_EQUAL(verdict(), PASS);
	/* priority tags in front of an advertisement: two are looked through, three are not IP any more */
	for (unsigned int tags = 1; tags <= 3; tags++) {
		kit_eth(&b, 1, ME, 0x8100);
		for (unsigned int i = 0; i < tags; i++) {
			kit_be16(&b, 0);
			kit_be16(&b, i + 1 < tags ? 0x8100 : 0x86dd);
		}
		kit_ip6(&b, LL, "ff02::1", 58);
		kit_nd(&b, 134, "fe80::9", 0, 0);
		CU_ASSERT_EQUAL(verdict(),
				tags < 3 ? VSW_DROP_ROUTER_GUARD : VSW_DROP_INVALID_PACKET);
	}
}

static enum vsw_drop group(uint64_t dst48, uint16_t type)
{
	kit_eth(&b, 1, ME, type);
	for (int i = 0; i < 6; i++)
		b.d[i] = (uint8_t)(dst48 >> (40 - 8 * i));
	kit_zero(&b, 46);
	return verdict();
}

static void control(void)
{
	fresh();
	policy.guard.control = true;
	make();
	CU_ASSERT_EQUAL(group(0x0180c2000000, 38), VSW_DROP_BRIDGE_GUARD);
	CU_ASSERT_EQUAL(group(0x0180c200000e, 0x88cc), VSW_DROP_BRIDGE_GUARD);
	CU_ASSERT_EQUAL(group(0x0180c2000021, 38), VSW_DROP_BRIDGE_GUARD);
	CU_ASSERT_EQUAL(group(0x01000ccccccd, 50), VSW_DROP_BRIDGE_GUARD);
	CU_ASSERT_EQUAL(group(0x020000000001, 0x8809), VSW_DROP_BRIDGE_GUARD);
	CU_ASSERT_EQUAL(group(0x0180c2000010, 0x88b5), PASS);
	CU_ASSERT_EQUAL(group(0x01005e000005, 0x88b5), PASS);
	/* spanning tree to an ordinary address */
	kit_eth(&b, 1, ME, 38);
	kit_put(&b, "\x42\x42\x03", 3);
	kit_zero(&b, 40);
	CU_ASSERT_EQUAL(verdict(), VSW_DROP_BRIDGE_GUARD);
}

static enum vsw_drop arp(uint16_t op, uint8_t mac, const char *sender, const char *target)
{
	kit_eth(&b, 0xff, ME, 0x0806);
	kit_arp(&b, op, mac, sender, target);
	return verdict();
}

static void pinned4(void)
{
	fresh();
	policy.guard.pinning = VSW_PIN_STATIC;
	pin("10.0.0.5");
	pin("10.1.0.0/16");
	make();
	CU_ASSERT_EQUAL(udp4("10.0.0.5", 5, 5, 0), PASS);
	CU_ASSERT_EQUAL(udp4("10.1.2.3", 5, 5, 0), PASS);
	CU_ASSERT_EQUAL(udp4("10.0.0.6", 5, 5, 0), VSW_DROP_IP_SPOOFING);
	CU_ASSERT_EQUAL(udp4("0.0.0.0", 68, 67, 1), PASS);
	CU_ASSERT_EQUAL(udp4("0.0.0.0", 5, 67, 1), VSW_DROP_IP_SPOOFING);
	CU_ASSERT_EQUAL(arp(1, ME, "10.0.0.5", "10.0.0.1"), PASS);
	CU_ASSERT_EQUAL(arp(2, ME, "10.0.0.1", "10.0.0.9"), VSW_DROP_ARP_SPOOFING);
	CU_ASSERT_EQUAL(arp(1, ME, "10.0.0.1", "10.0.0.1"), VSW_DROP_ARP_SPOOFING);
	CU_ASSERT_EQUAL(arp(2, 9, "10.0.0.5", "10.0.0.9"), VSW_DROP_ARP_SPOOFING);
	CU_ASSERT_EQUAL(arp(1, ME, "0.0.0.0", "10.0.0.5"), PASS); /* a probe for its own */
	CU_ASSERT_EQUAL(arp(1, ME, "0.0.0.0", "10.0.0.1"), VSW_DROP_ARP_SPOOFING);
	/* cut short, or for other hardware */
	arp(1, ME, "10.0.0.5", "10.0.0.1");
	b.n = 30;
	CU_ASSERT_EQUAL(verdict(), VSW_DROP_ARP_SPOOFING);
	/* what is neither IP nor ARP is no address */
	CU_ASSERT_EQUAL(group(0x020000000001, 0x88b5), PASS);
}

static enum vsw_drop nd(const char *src, uint8_t type, const char *target, uint8_t option,
			uint8_t lladdr)
{
	kit_eth(&b, 1, ME, 0x86dd);
	kit_ip6(&b, src, "ff02::1", 58);
	kit_nd(&b, type, target, option, lladdr);
	return verdict();
}

static void pinned6(void)
{
	fresh();
	policy.guard.pinning = VSW_PIN_STATIC;
	pin("fd00::5");
	make();
	CU_ASSERT_EQUAL(nd("fd00::5", 136, "fd00::5", 2, ME), PASS);
	CU_ASSERT_EQUAL(nd("fd00::5", 136, "fd00::1", 2, ME), VSW_DROP_ND_SPOOFING);
	CU_ASSERT_EQUAL(nd(LL, 136, LL, 2, ME), PASS);
	CU_ASSERT_EQUAL(nd(LL, 136, "fe80::1", 2, ME), VSW_DROP_ND_SPOOFING);
	CU_ASSERT_EQUAL(nd("fe80::1", 136, "fe80::1", 2, ME), VSW_DROP_IP_SPOOFING);
	CU_ASSERT_EQUAL(nd(LL, 136, LL, 2, 9), VSW_DROP_ND_SPOOFING);
	CU_ASSERT_EQUAL(nd(LL, 135, "fe80::1", 1, ME), PASS); /* asks for a neighbour */
	CU_ASSERT_EQUAL(nd(LL, 135, "fe80::1", 1, 9), VSW_DROP_ND_SPOOFING);
	CU_ASSERT_EQUAL(nd("::", 135, "fd00::5", 0, 0), PASS);                 /* its own DAD */
	CU_ASSERT_EQUAL(nd("::", 135, "fd00::1", 0, 0), VSW_DROP_ND_SPOOFING); /* denies others */
	CU_ASSERT_EQUAL(nd("::", 136, "fd00::5", 0, 0), VSW_DROP_IP_SPOOFING);
	CU_ASSERT_EQUAL(nd("::", 133, NULL, 0, 0), PASS);
	CU_ASSERT_EQUAL(nd("::", 143, "::", 0, 0), PASS);
	CU_ASSERT_EQUAL(nd("::", 128, "::", 0, 0), VSW_DROP_IP_SPOOFING);
	CU_ASSERT_EQUAL(nd("fd00::6", 128, "::", 0, 0), VSW_DROP_IP_SPOOFING);
	CU_ASSERT_EQUAL(udp4("10.0.0.5", 5, 5, 0), VSW_DROP_IP_SPOOFING);
	/* an advertisement cut behind its type */
	nd(LL, 136, LL, 0, 0);
	b.n -= 10;
	CU_ASSERT_EQUAL(verdict(), VSW_DROP_ND_SPOOFING);
}

static void cluster_arp(void)
{
	fresh();
	policy.guard.pinning = VSW_PIN_STATIC;
	sw.nlb = true;
	pin("10.0.0.50");
	make();
	CU_ASSERT_EQUAL(arp(2, ME, "10.0.0.50", "10.0.0.1"), PASS);
	kit_eth(&b, 1, ME, 0x0806);
	kit_arp(&b, 2, 0, "10.0.0.50", "10.0.0.1");
	memcpy(b.d + 22, "\x03\xbf\x0a\x00\x00\x32", 6);
	CU_ASSERT_EQUAL(verdict(), PASS);
	memcpy(b.d + 22, "\x03\xbe\x0a\x00\x00\x32", 6);
	CU_ASSERT_EQUAL(verdict(), VSW_DROP_ARP_SPOOFING);
}

/* A DHCPv4 message: type, transaction, address, lease. */
static uint32_t v4(uint8_t *d, uint8_t op, uint8_t type, uint32_t xid, const char *addr,
		   uint32_t lease_s)
{
	uint32_t be = htonl(lease_s), n = 240;

	memset(d, 0, 300);
	d[0] = op;
	memcpy(d + 4, &xid, 4);
	inet_pton(AF_INET, addr, d + (op == 2 ? 16 : 12));
	memcpy(d + 236, "\x63\x82\x53\x63\x35\x01", 6);
	n += 2;
	d[n++] = type;
	if (lease_s) {
		memcpy(d + n, "\x33\x04", 2);
		memcpy(d + n + 2, &be, 4);
		n += 6;
	}
	d[n++] = 255;
	return n;
}

static void snooped(void)
{
	uint8_t d[300];
	uint32_t n;

	fresh();
	policy.guard.pinning = VSW_PIN_SNOOPED;
	make();
	CU_ASSERT_EQUAL(udp4("10.0.0.77", 5, 5, 0), VSW_DROP_IP_SPOOFING);
	/* an answer that nobody asked for grants nothing */
	n = v4(d, 2, 5, 42, "10.0.0.77", 60);
	vsw_guard_learn(g, s, false, VSW_TO_VM, d, n, 1000);
	CU_ASSERT_EQUAL(udp4("10.0.0.77", 5, 5, 0), VSW_DROP_IP_SPOOFING);
	n = v4(d, 1, 3, 42, "0.0.0.0", 0);
	vsw_guard_learn(g, s, false, VSW_FROM_VM, d, n, 1000);
	/* nor does what the guest says itself */
	n = v4(d, 2, 5, 42, "10.0.0.77", 60);
	vsw_guard_learn(g, s, false, VSW_FROM_VM, d, n, 1000);
	CU_ASSERT_EQUAL(udp4("10.0.0.77", 5, 5, 0), VSW_DROP_IP_SPOOFING);
	vsw_guard_learn(g, s, false, VSW_TO_VM, d, n, 1000);
	CU_ASSERT_EQUAL(udp4("10.0.0.77", 5, 5, 0), PASS);
	CU_ASSERT_EQUAL(arp(1, ME, "10.0.0.77", "10.0.0.1"), PASS);
	vsw_addrs_sweep(&s->addrs, 1059, false);
	CU_ASSERT_EQUAL(udp4("10.0.0.77", 5, 5, 0), PASS);
	vsw_addrs_sweep(&s->addrs, 1060, false);
	CU_ASSERT_EQUAL(udp4("10.0.0.77", 5, 5, 0), VSW_DROP_IP_SPOOFING);
	/* given back */
	n = v4(d, 2, 5, 42, "10.0.0.77", 60);
	vsw_guard_learn(g, s, false, VSW_TO_VM, d, n, 2000);
	n = v4(d, 1, 7, 43, "10.0.0.77", 0);
	vsw_guard_learn(g, s, false, VSW_FROM_VM, d, n, 2000);
	CU_ASSERT_EQUAL(udp4("10.0.0.77", 5, 5, 0), VSW_DROP_IP_SPOOFING);
}

static void snooped6(void)
{
	/* REPLY, transaction 1, IA_NA with fd00::77 for 60 s, and IA_PD with fd01:0:0:1::/64 */
	static const uint8_t head[] = {7, 0, 0, 1, 0, 3, 0, 40, 0, 0, 0, 1,
				       0, 0, 0, 0, 0, 0, 0, 0,  0, 5, 0, 24};
	static const uint8_t pd[] = {0, 25, 0,  41, 0,  0, 0, 1, 0,  0, 0, 0, 0,  0, 0,
				     0, 0,  26, 0,  25, 0, 0, 0, 30, 0, 0, 0, 60, 64};
	static const uint8_t life[] = {0, 0, 0, 30, 0, 0, 0, 60};
	struct vd_prefix a;
	uint8_t d[200], ask[] = {3, 0, 0, 1};
	uint32_t n = 0;

	fresh();
	policy.guard.pinning = VSW_PIN_SNOOPED;
	make();
	vd_prefix_parse("fd00::77", &a);
	memcpy(d, head, sizeof(head));
	n = sizeof(head);
	memcpy(d + n, a.addr, 16);
	memcpy(d + n + 16, life, 8);
	n += 24;
	memcpy(d + n, pd, sizeof(pd));
	n += sizeof(pd);
	vd_prefix_parse("fd01:0:0:1::/64", &a);
	memcpy(d + n, a.addr, 16);
	n += 16;
	CU_ASSERT_EQUAL(nd("fd00::77", 128, "::", 0, 0), VSW_DROP_IP_SPOOFING);
	vsw_guard_learn(g, s, true, VSW_FROM_VM, ask, sizeof(ask), 1000);
	/* cut anywhere it grants nothing that is not whole, and reads nothing behind its end */
	for (uint32_t k = 0; k < sizeof(head) + 24; k++)
		vsw_guard_learn(g, s, true, VSW_TO_VM, d, k, 1000);
	CU_ASSERT_EQUAL(nd("fd00::77", 128, "::", 0, 0), VSW_DROP_IP_SPOOFING);
	vsw_guard_learn(g, s, true, VSW_TO_VM, d, n, 1000);
	CU_ASSERT_EQUAL(nd("fd00::77", 128, "::", 0, 0), PASS);
	CU_ASSERT_EQUAL(nd("fd01:0:0:1:2:3:4:5", 128, "::", 0, 0), PASS);
	CU_ASSERT_EQUAL(nd("fd01:0:0:2::1", 128, "::", 0, 0), VSW_DROP_IP_SPOOFING);
}

/* What was only seen, under a limit, is no lease when the policy becomes pinning. */
static void seen_is_not_leased(void)
{
	fresh();
	policy.guard.address_limit = 3;
	make();
	CU_ASSERT_EQUAL(udp4("10.0.0.77", 5, 5, 0), PASS);
	policy.guard.pinning = VSW_PIN_SNOOPED;
	vsw_guard_free(g);
	make();
	CU_ASSERT_EQUAL(udp4("10.0.0.77", 5, 5, 0), VSW_DROP_IP_SPOOFING);
}

static void limit(void)
{
	char text[20];

	fresh();
	policy.guard.address_limit = 3;
	make();
	for (int i = 1; i <= 5; i++) {
		snprintf(text, sizeof(text), "10.0.0.%d", i);
		CU_ASSERT_EQUAL(udp4(text, 5, 5, 0), i <= 3 ? PASS : VSW_DROP_ADDRESS_LIMIT);
	}
	CU_ASSERT_EQUAL(arp(1, ME, "10.0.0.2", "10.0.0.9"), PASS);
	CU_ASSERT_EQUAL(arp(1, ME, "10.0.0.4", "10.0.0.9"), VSW_DROP_ADDRESS_LIMIT);
	/* those not used between two sweeps make room */
	vsw_addrs_sweep(&s->addrs, 0, true);
	CU_ASSERT_EQUAL(udp4("10.0.0.1", 5, 5, 0), PASS);
	vsw_addrs_sweep(&s->addrs, 0, true);
	CU_ASSERT_EQUAL(udp4("10.0.0.4", 5, 5, 0), PASS);
	CU_ASSERT_EQUAL(udp4("10.0.0.5", 5, 5, 0), PASS);
	CU_ASSERT_EQUAL(udp4("10.0.0.2", 5, 5, 0), VSW_DROP_ADDRESS_LIMIT);
}

static void storm(void)
{
	static const uint64_t dst[] = {0xffffffffffff, 0x01005e000001, 0x020000000009};

	for (unsigned int k = 0; k < 3; k++) {
		fresh();
		policy.guard.storm_broadcast_pps = k == 0 ? 10 : 0;
		policy.guard.storm_multicast_pps = k == 1 ? 10 : 0;
		policy.guard.storm_unknown_pps = k == 2 ? 10 : 0;
		make();
		CU_ASSERT_EQUAL(!!(g->checks & VSW_GUARD_UNKNOWN), k == 2);
		unknown = k == 2;
		/* 999 of 1000 units: one window */
		for (int i = 0; i < 50; i++, now += 20)
			CU_ASSERT_EQUAL(group(dst[k], 0x88b5),
					i < 10 ? PASS : VSW_DROP_STORM_LIMIT);
		CU_ASSERT_EQUAL(group(dst[k], 0x88b5), PASS); /* the next second */
		unknown = false;
		/* the others are not limited */
		for (int i = 0; i < 50; i++) {
			CU_ASSERT_EQUAL(group(dst[(k + 1) % 3], 0x88b5), PASS);
			CU_ASSERT_EQUAL(group(0x020000000001, 0x88b5), PASS);
		}
	}
}

static void invisible(void)
{
	/* a chain of headers that leaves the visible part of the frame */
	fresh();
	policy.guard.router = true;
	make();
	icmp6(134, 6);
	CU_ASSERT_EQUAL(verdict_of(60), VSW_DROP_INVALID_PACKET);
}

static const struct tap_case cases[] = {
	{"no guard costs nothing", no_guard},
	{"DHCP servers", dhcp},
	{"routers", router},
	{"routers in fragments", router_fragments},
	{"IP in disguise", wrapped},
	{"control frames", control},
	{"pinned IPv4 and ARP", pinned4},
	{"pinned IPv6 and neighbour discovery", pinned6},
	{"a cluster's ARP answers", cluster_arp},
	{"leases", snooped},
	{"leases of IPv6", snooped6},
	{"seen addresses are no leases", seen_is_not_leased},
	{"address limit", limit},
	{"storms", storm},
	{"headers out of sight", invisible},
};

TAP_MAIN("guard", cases)
