/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/decode.h"

#define MACS             "52540000000252540000 0001"
#define FROM_TO          "52:54:00:00:00:01 > 52:54:00:00:00:02,"
#define IPV4(len, proto) "4500" len "00004000 40" proto "0000 0a000001 0a000002"
#define IPV6(len, next) \
	"60000000" len next "40 fe800000000000000000000000000001 ff020000000000000000000000000001"

static size_t bytes_of(const char *hex, uint8_t *buf, size_t size)
{
	size_t n = 0;

	while (*hex && n < size) {
		char two[3];

		if (*hex == ' ') {
			hex++;
			continue;
		}
		memcpy(two, hex, 2);
		two[2] = 0;
		buf[n++] = (uint8_t)strtoul(two, NULL, 16);
		hex += 2;
	}
	return n;
}

static const struct {
	const char *hex, *text;
} frames[] = {
	{"ffffffffffff525400000001 8100000a 0806 0001080006040001 525400000001 0a000001 "
	 "000000000000 0a000002",
	 "52:54:00:00:00:01 > ff:ff:ff:ff:ff:ff, vlan 10, ARP who-has 10.0.0.2 tell 10.0.0.1, "
	 "length 46"},
	{MACS "0806 0001080006040002 525400000001 0a000001 525400000002 0a000002",
	 FROM_TO " ARP reply 10.0.0.1 is-at 52:54:00:00:00:01, length 42"},
	{MACS "8100a064 0800" IPV4("001c", "01") "0800 0000 0007 0003",
	 FROM_TO " vlan 100 p5, IPv4 10.0.0.1 > 10.0.0.2: icmp echo request id 7 seq 3, length 46"},
	{MACS "88a80064 81000065 0800" IPV4("001c", "11") "0035 d431 0008 0000", FROM_TO
	 " vlan 100 (0x88a8), vlan 101, IPv4 10.0.0.1.53 > 10.0.0.2.54321: udp data 0, length 50"},
	{MACS "0800" IPV4("002c", "06") "1f90 0050 00000001 00000002 5012 ffff 0000 0000 61626364",
	 FROM_TO
	 " IPv4 10.0.0.1.8080 > 10.0.0.2.80: tcp [S.] seq 1 ack 2 win 65535 data 4, length 58"},
	{MACS "0800" IPV4("0028", "06") "1f90 0050 00000001 00000002 f002 ffff 0000 0000",
	 FROM_TO " IPv4 10.0.0.1.8080 > 10.0.0.2.80: tcp [S] seq 1 win 65535 [bad header length], "
		 "length 54"},
	{MACS "0800 4500001c 00002001 4011 0000 0a000001 0a000002 0035d43100080000",
	 FROM_TO " IPv4 10.0.0.1 > 10.0.0.2: fragment of protocol 17, length 42"},
	{MACS "0800" IPV4("0018", "2f") "00000000",
	 FROM_TO " IPv4 10.0.0.1 > 10.0.0.2: protocol 47, length 38"},
	{MACS "86dd" IPV6("0008", "3a") "8700000000000000",
	 FROM_TO " IPv6 fe80::1 > ff02::1: icmp6 neighbor solicitation, length 62"},
	{MACS "86dd" IPV6("0010", "00") "3a00050200000000 8600000000000000",
	 FROM_TO " IPv6 fe80::1 > ff02::1: icmp6 router advertisement, length 70"},
	{MACS "0800"
	      "6500001c",
	 FROM_TO " IPv4 [cut], length 18"},
	{MACS "0800"
	      "65000014 00000000 00000000 00000000 00000000",
	 FROM_TO " IPv4 [bad header], length 34"},
	{MACS "88b5 00", FROM_TO " ethertype 0x88b5, length 15"},
	{MACS "0026 4242", FROM_TO " 802.3 length 38, length 16"},
	{MACS "8100 00", FROM_TO " [cut], length 15"},
	{"5254", "2 bytes, no Ethernet header, length 2"},
};

static void lines(void)
{
	uint8_t data[256];
	char buf[512];

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		size_t n = bytes_of(frames[i].hex, data, sizeof(data));

		ctl_decode(data, n, n, buf, sizeof(buf));
		if (strcmp(buf, frames[i].text))
			printf("# %s\n", buf);
		CU_ASSERT_STRING_EQUAL(buf, frames[i].text);
	}
}

/* Cut anywhere, into exactly sized memory, so that the sanitizers see any step beyond. */
static void cut(void)
{
	uint8_t data[256];
	char buf[512], tiny[8];

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		size_t n = bytes_of(frames[i].hex, data, sizeof(data));

		for (size_t keep = 0; keep <= n; keep++) {
			uint8_t *copy = malloc(keep ? keep : 1);

			memcpy(copy, data, keep);
			ctl_decode(copy, keep, n, buf, sizeof(buf));
			CU_ASSERT_PTR_NOT_NULL(strstr(buf, "length"));
			ctl_decode(copy, keep, n, tiny, sizeof(tiny));
			CU_ASSERT_EQUAL(strlen(tiny), sizeof(tiny) - 1);
			free(copy);
		}
	}
}

static const struct tap_case cases[] = {
	{"frames become lines", lines},
	{"frames cut short say so", cut},
};

TAP_MAIN("ctl/decode", cases)
