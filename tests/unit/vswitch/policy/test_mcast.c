/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snooping: who gets a group's frames after which messages. */
#include "tests/unit/tap.h"

#include <stdlib.h>

#include "guard_kit.h"
#include "vswitch/policy/mcast.h"

#define GROUP4 "239.1.2.3"
#define GROUP6 "ff05::1:2"

static struct vsw_mcast *t;
static struct kit_bytes b;
static uint32_t now; /* seconds */
static uint8_t families = VSW_MCAST_IGMP | VSW_MCAST_MLD;
static bool may_route = true;

static void fresh(void)
{
	vsw_mcast_destroy(t);
	t = vsw_mcast_create(1);
	now = 1000;
}

static void dst4(const char *group)
{
	uint8_t a[4];

	inet_pton(AF_INET, group, a);
	memcpy(b.d, (uint8_t[6]){1, 0, 0x5e, a[1] & 0x7f, a[2], a[3]}, 6);
}

static void dst6(const char *group)
{
	uint8_t a[16];

	inet_pton(AF_INET6, group, a);
	memcpy(b.d, (uint8_t[6]){0x33, 0x33, a[12], a[13], a[14], a[15]}, 6);
}

static enum vsw_mcast_to input(uint16_t port, uint64_t *key)
{
	struct vsw_headers h;
	struct vsw_mcast_frame f = {.h = &h,
				    .d = b.d,
				    .len = b.n,
				    .fid = 7,
				    .port = port,
				    .may_route = may_route,
				    .families = families,
				    .now = now};

	kit_end(&b);
	vsw_headers_parse(b.d, b.n, b.n, &h);
	memcpy(&f.dst, b.d, 6);
	return vsw_mcast_input(t, &f, key);
}

/* What port @to gets of the frame in b, from port @from. */
static bool reaches(uint16_t from, uint16_t to)
{
	uint64_t key;
	enum vsw_mcast_to who = input(from, &key);

	return vsw_mcast_wants(t, who, key, to, now);
}

static void igmp(uint8_t type, const char *src, const char *group)
{
	uint8_t msg[8] = {type};

	kit_eth(&b, 1, 5, 0x0800);
	kit_ip4(&b, src, type == 0x11 ? "224.0.0.1" : group, 2);
	inet_pton(AF_INET, group, msg + 4);
	kit_put(&b, msg, 8);
	dst4(type == 0x11 ? "224.0.0.1" : group);
}

static void igmp3(uint8_t kind, const char *group, uint16_t n_sources)
{
	uint8_t msg[16] = {
		0x22, 0, 0, 0, 0, 0, 0, 1, kind, 0, (uint8_t)(n_sources >> 8), (uint8_t)n_sources};

	kit_eth(&b, 1, 5, 0x0800);
	kit_ip4(&b, "10.0.0.5", "224.0.0.22", 2);
	inet_pton(AF_INET, group, msg + 12);
	kit_put(&b, msg, 16);
	kit_zero(&b, n_sources * 4u);
	dst4("224.0.0.22");
}

static void data4(const char *group)
{
	kit_eth(&b, 1, 5, 0x0800);
	kit_ip4(&b, "10.0.0.9", group, 17);
	kit_udp(&b, 5, 5);
	dst4(group);
}

static void mld(uint8_t type, const char *group, uint8_t kind)
{
	uint8_t msg[8] = {type}, addr[16];

	kit_eth(&b, 1, 5, 0x86dd);
	kit_ip6(&b, "fe80::5", type == 143 ? "ff02::16" : "ff02::1", 58);
	inet_pton(AF_INET6, group, addr);
	if (type == 143) {
		msg[7] = 1;
		kit_put(&b, msg, 8);
		kit_put(&b, (uint8_t[4]){kind}, 4);
	} else {
		kit_put(&b, msg, 8);
	}
	kit_put(&b, addr, 16);
	dst6(type == 143 ? "ff02::16" : "ff02::1");
}

static void data6(const char *group)
{
	kit_eth(&b, 1, 5, 0x86dd);
	kit_ip6(&b, "fe80::5", group, 17);
	kit_udp(&b, 5, 5);
	dst6(group);
}

static uint64_t key;

static void before_a_querier(void)
{
	fresh();
	igmp(0x16, "10.0.0.5", GROUP4);
	CU_ASSERT_EQUAL(input(1, &key), VSW_MCAST_ALL);
	data4(GROUP4);
	CU_ASSERT(reaches(9, 2)); /* nobody asks: nobody is left out */
	igmp(0x11, "0.0.0.0", "0.0.0.0");
	input(3, &key); /* a proxy that only asks is no router */
	data4(GROUP4);
	CU_ASSERT(reaches(9, 2));
	may_route = false;
	igmp(0x11, "10.0.0.1", "0.0.0.0");
	input(3, &key); /* a port that may not have one */
	may_route = true;
	data4(GROUP4);
	CU_ASSERT(reaches(9, 2));
}

static void members4(void)
{
	fresh();
	igmp(0x11, "10.0.0.1", "0.0.0.0");
	CU_ASSERT(reaches(3, 1)); /* queries reach everybody */
	igmp(0x16, "10.0.0.5", GROUP4);
	CU_ASSERT_EQUAL(input(1, &key), VSW_MCAST_ROUTERS);
	CU_ASSERT(vsw_mcast_wants(t, VSW_MCAST_ROUTERS, key, 3, now));
	CU_ASSERT(!vsw_mcast_wants(t, VSW_MCAST_ROUTERS, key, 2, now));
	data4(GROUP4);
	CU_ASSERT(reaches(9, 1));
	CU_ASSERT(reaches(9, 3));
	CU_ASSERT(!reaches(9, 2));
	data4("239.9.9.9");
	CU_ASSERT(!reaches(9, 1)); /* only routers want what nobody asked for */
	CU_ASSERT(reaches(9, 3));
	data4("224.0.0.251");
	CU_ASSERT(reaches(9, 2)); /* link-local groups are everybody's */
	/* leaving takes a moment, in which another member behind the port may speak up */
	igmp(0x17, "10.0.0.5", GROUP4);
	input(1, &key);
	data4(GROUP4);
	now += 1;
	CU_ASSERT(reaches(9, 1));
	now += 1;
	CU_ASSERT(!reaches(9, 1));
	/* and silence ends a membership, too, in time; the querier's end ends it all */
	igmp(0x16, "10.0.0.5", GROUP4);
	input(1, &key);
	now += VSW_MCAST_QUERIER_S - 10;
	data4(GROUP4);
	CU_ASSERT(!reaches(9, 2));
	now += 20;
	CU_ASSERT(reaches(9, 2));
}

static void members4_v3(void)
{
	static const struct {
		uint8_t kind;
		uint16_t sources;
		bool in;
	} k[] = {{4, 0, true},  {3, 0, false}, {2, 1, true}, {1, 0, false}, {3, 2, true},
		 {1, 0, false}, {5, 1, true},  {6, 1, true}, {3, 0, false}};

	fresh();
	igmp(0x11, "10.0.0.1", "0.0.0.0");
	input(3, &key);
	for (unsigned int i = 0; i < sizeof(k) / sizeof(k[0]); i++) {
		igmp3(k[i].kind, GROUP4, k[i].sources);
		input(1, &key);
		now += VSW_MCAST_LEAVE_S;
		data4(GROUP4);
		CU_ASSERT_EQUAL(reaches(9, 1), k[i].in);
	}
}

static void members6(void)
{
	fresh();
	mld(130, "::", 0);
	input(3, &key);
	data6(GROUP6);
	CU_ASSERT(!reaches(9, 1));
	mld(143, GROUP6, 4);
	CU_ASSERT_EQUAL(input(1, &key), VSW_MCAST_ROUTERS);
	mld(131, GROUP6, 0);
	CU_ASSERT_EQUAL(input(2, &key), VSW_MCAST_ROUTERS);
	data6(GROUP6);
	CU_ASSERT(reaches(9, 1));
	CU_ASSERT(reaches(9, 2));
	CU_ASSERT(reaches(9, 3));
	CU_ASSERT(!reaches(9, 4));
	mld(132, GROUP6, 0);
	input(2, &key);
	now += VSW_MCAST_LEAVE_S;
	data6(GROUP6);
	CU_ASSERT(!reaches(9, 2));
	data6("ff02::1");
	CU_ASSERT(reaches(9, 4));
	data6("ff02::1:ff00:1234");
	CU_ASSERT(reaches(9, 4)); /* neighbour discovery */
	data4(GROUP4);
	CU_ASSERT(reaches(9, 4)); /* the other family has no querier */
	families = VSW_MCAST_IGMP;
	data6(GROUP6);
	CU_ASSERT(reaches(9, 4));
	families = VSW_MCAST_IGMP | VSW_MCAST_MLD;
}

static void cluster(void)
{
	/* IGMP mode of load balancing: a group's MAC address, a unicast IP address */
	fresh();
	igmp(0x11, "10.0.0.1", "0.0.0.0");
	input(3, &key);
	igmp(0x16, "10.0.0.5", "239.255.0.50");
	input(1, &key);
	kit_eth(&b, 1, 5, 0x0800);
	kit_ip4(&b, "10.0.0.9", "10.0.0.50", 17);
	kit_udp(&b, 5, 5);
	dst4("239.255.0.50"); /* 01:00:5e:7f:00:32 */
	CU_ASSERT(reaches(9, 1));
	CU_ASSERT(!reaches(9, 2));
	/* multicast mode: not IP's addresses, everybody's */
	memcpy(b.d, (uint8_t[6]){3, 0xbf, 10, 0, 0, 50}, 6);
	CU_ASSERT(reaches(9, 2));
}

static void bounded(void)
{
	char group[20];

	fresh();
	igmp(0x11, "10.0.0.1", "0.0.0.0");
	input(3, &key);
	/* one port joins more than it may: what does not fit is flooded, its neighbour is not hurt */
	for (unsigned int i = 0; i < VSW_MCAST_PORT_MAX + 50; i++) {
		snprintf(group, sizeof(group), "239.5.%u.%u", i >> 8, i & 255);
		igmp(0x16, "10.0.0.5", group);
		input(1, &key);
	}
	data4("239.5.0.0");
	CU_ASSERT(reaches(9, 1));
	CU_ASSERT(!reaches(9, 2));
	data4(group);
	CU_ASSERT(reaches(9, 1));
	CU_ASSERT(reaches(9, 2));
	igmp(0x16, "10.0.0.6", GROUP4);
	input(2, &key);
	data4(GROUP4);
	CU_ASSERT(reaches(9, 2));
	CU_ASSERT(!reaches(9, 4));
	/* when they are over, others take their place */
	now += VSW_MCAST_MEMBER_S;
	igmp(0x11, "10.0.0.1", "0.0.0.0");
	input(3, &key);
	data4("239.5.0.0");
	CU_ASSERT(!reaches(9, 1));
}

static const struct tap_case cases[] = {
	{"before there is a querier", before_a_querier},
	{"IGMPv2 members", members4},
	{"IGMPv3 records", members4_v3},
	{"MLD members", members6},
	{"clusters", cluster},
	{"bounded", bounded},
};

TAP_MAIN("mcast", cases)
