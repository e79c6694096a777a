/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probers: what they say, and that they believe only what answers them. */
#include "tests/unit/tap.h"

#include <string.h>

#include "vswitch/datapath/probe_frame.h"
#include "vswitch/policy/headers.h"

static const uint8_t guest[6] = {2, 0, 0, 0, 0, 5}, me[6] = {2, 0, 0, 0, 0, 1};
static struct vsw_probe_talk t;
static struct vsw_probe_frame f, reply;
static uint8_t mac[6];

static void talk(uint8_t family)
{
	t = (struct vsw_probe_talk){.serial = 7, .size = 56};
	t.target.family = family;
	t.target.len = family == 4 ? 32 : 128;
	if (family == 4) {
		memcpy(t.target.addr, (uint8_t[4]){10, 0, 0, 5}, 4);
		memcpy(t.ip, (uint8_t[4]){10, 0, 0, 250}, 4);
	} else {
		memcpy(t.target.addr, (uint8_t[16]){0xfe, 0x80, [15] = 5}, 16);
		memcpy(t.ip, (uint8_t[16]){0xfe, 0x80, [15] = 250}, 16);
	}
	memcpy(t.mac, me, 6);
	memcpy(t.guest, guest, 6);
}

static enum vsw_probe_said heard(void)
{
	memset(mac, 0, sizeof(mac));
	return vsw_probe_read(&t, f.d, f.n, mac, &reply);
}

/* The guest's side of the same conversation. */
static struct vsw_probe_talk other(void)
{
	struct vsw_probe_talk o = t;

	memcpy(o.ip, t.target.addr, 16);
	memcpy(o.target.addr, t.ip, 16);
	memcpy(o.mac, guest, 6);
	memcpy(o.guest, me, 6);
	return o;
}

static void test_arp(void)
{
	struct vsw_probe_talk o;

	talk(4);
	vsw_probe_question(&t, &f);
	CU_ASSERT_EQUAL(f.n, 60);
	CU_ASSERT_TRUE(f.d[0] == 0xff && f.d[12] == 8 && f.d[13] == 6 && f.d[21] == 1);
	/* the guest's code is ours: it answers the question, and we hear the answer */
	o = other();
	CU_ASSERT_EQUAL(vsw_probe_read(&o, f.d, f.n, mac, &reply), VSW_PROBE_ASKED);
	f = reply;
	CU_ASSERT_EQUAL(heard(), VSW_PROBE_FOUND);
	CU_ASSERT_EQUAL(memcmp(mac, guest, 6), 0);
	f.d[31]++; /* the sender's address: somebody else's */
	CU_ASSERT_EQUAL(heard(), VSW_PROBE_NOTHING);
	f.d[31]--;
	f.n = 41; /* cut */
	CU_ASSERT_EQUAL(heard(), VSW_PROBE_NOTHING);
}

static void test_nd(void)
{
	struct vsw_probe_talk o;

	talk(6);
	vsw_probe_question(&t, &f);
	CU_ASSERT_EQUAL(f.n, 14 + 40 + 32);
	CU_ASSERT_EQUAL(memcmp(f.d, (uint8_t[6]){0x33, 0x33, 0xff, 0, 0, 5}, 6), 0);
	o = other();
	CU_ASSERT_EQUAL(vsw_probe_read(&o, f.d, f.n, mac, &reply), VSW_PROBE_ASKED);
	f = reply;
	CU_ASSERT_EQUAL(heard(), VSW_PROBE_FOUND);
	CU_ASSERT_EQUAL(memcmp(mac, guest, 6), 0);
	f.d[14 + 40 + 8 + 15]++; /* the advertised address */
	CU_ASSERT_EQUAL(heard(), VSW_PROBE_NOTHING);
}

/* An echo request of the prober's becomes the guest's answer. */
static void turn(uint8_t family)
{
	uint8_t n = family == 4 ? 4 : 16, at = family == 4 ? 26 : 22;

	memcpy(f.d + at, t.target.addr, n);
	memcpy(f.d + at + n, t.ip, n);
	f.d[14 + (family == 4 ? 20 : 40)] = family == 4 ? 0 : 129;
}

static void echo(uint8_t family)
{
	uint16_t l4 = family == 4 ? 34 : 54;
	struct vsw_headers h;

	talk(family);
	vsw_probe_echo(&t, &f);
	CU_ASSERT_EQUAL(f.n, l4 + 8 + 56);
	vsw_headers_parse(f.d, f.n, f.n, &h);
	CU_ASSERT_EQUAL(h.flags & VSW_HDR_BROKEN, 0);
	CU_ASSERT_EQUAL(h.icmp_type, family == 4 ? 8 : 128);
	CU_ASSERT_EQUAL(heard(), VSW_PROBE_NOTHING); /* our own question is no answer */
	turn(family);
	CU_ASSERT_EQUAL(heard(), VSW_PROBE_ECHOED);
	t.serial++;
	CU_ASSERT_EQUAL(heard(), VSW_PROBE_NOTHING); /* to an earlier question */
	t.serial--;
	f.d[l4 + 4]++;
	CU_ASSERT_EQUAL(heard(), VSW_PROBE_NOTHING); /* of another program */
	f.d[l4 + 4]--;
	t.target.addr[0]++;
	CU_ASSERT_EQUAL(heard(), VSW_PROBE_NOTHING); /* of another machine */
}

static void test_echo(void)
{
	echo(4);
	echo(6);
}

/* RFC 1071: the sum over the packet with its checksum is all ones. */
static uint16_t sum_of(const uint8_t *p, uint32_t n, uint32_t sum)
{
	for (uint32_t i = 0; i < n; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void test_checksums(void)
{
	talk(4);
	t.size = 57; /* odd */
	vsw_probe_echo(&t, &f);
	CU_ASSERT_EQUAL(sum_of(f.d + 14, 20, 0), 0xffff);
	CU_ASSERT_EQUAL(sum_of(f.d + 34, f.n - 34u, 0), 0xffff);
	talk(6);
	t.vlan = 10;
	vsw_probe_echo(&t, &f);
	CU_ASSERT_EQUAL(f.d[12] << 8 | f.d[13], 0x8100);
	CU_ASSERT_EQUAL(sum_of(f.d + 26, 32, 0) != 0, 1);
	CU_ASSERT_EQUAL(
		sum_of(f.d + 58, f.n - 58u, (uint32_t)sum_of(f.d + 26, 32, 0) + 58u + f.n - 58u),
		0xffff);
}

static const struct tap_case cases[] = {
	{"ARP: question, answer, lies", test_arp},
	{"neighbour discovery", test_nd},
	{"echo: only the answer to the last question counts", test_echo},
	{"checksums", test_checksums},
};

TAP_MAIN("probe-frame", cases)
