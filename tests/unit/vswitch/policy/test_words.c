/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames in words, there and back. */
#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>

#include "vswitch/policy/words.h"

static struct vsw_port_cfg ports[2];
static struct vsw_model m = {.ports = ports, .n_ports = 2};
static struct vsw_words_frame f;

static int parse(const char *text, struct vd_err *e)
{
	memset(e, 0, sizeof(*e));
	return vsw_words_parse(text, &m, &ports[0], &f, e);
}

/* @want: what the frame's own words are, without the addresses of the Ethernet header. */
static void same(const char *text, const char *want)
{
	char buf[VSW_WORDS_TEXT], *cut;
	struct vd_err e;

	if (parse(text, &e) < 0) {
		printf("# %s: %s\n", text, e.message);
		CU_FAIL("refused");
		return;
	}
	vsw_words_format(f.data, f.size, f.size, buf);
	cut = strstr(buf, " from ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(cut);
	*cut = '\0';
	if (strcmp(buf, want))
		printf("# %s: %s\n", text, buf);
	CU_ASSERT_STRING_EQUAL(buf, want);
}

static void there_and_back(void)
{
	same("tcp 10.0.0.5:1234 > 10.0.0.9:443", "tcp 10.0.0.5:1234 > 10.0.0.9:443 flags S");
	same("tcp 10.0.0.5:1 > 10.0.0.9:65535 flags SA vlan 10",
	     "tcp 10.0.0.5:1 > 10.0.0.9:65535 flags SA vlan 10");
	same("udp [fd00::1]:53 > [fd00::2]:5353", "udp [fd00::1]:53 > [fd00::2]:5353");
	same("icmp 10.0.0.5 > 10.0.0.9", "icmp 10.0.0.5 > 10.0.0.9 type 8");
	same("icmp fd00::1 > fd00::2 type 134", "icmp fd00::1 > fd00::2 type 134");
	same("arp 10.0.0.5 > 10.0.0.9", "arp 10.0.0.5 > 10.0.0.9");
	same("ip 47 10.0.0.5 > 10.0.0.9 size 300", "ip 47 10.0.0.5 > 10.0.0.9");
	same("ethertype 0x88cc", "ethertype 0x88cc");
	same("hex 02020202020202010101010188cc00", "ethertype 0x88cc");
}

static void whose_address(void)
{
	struct vd_err e;

	CU_ASSERT_EQUAL(parse("udp 10.0.0.1:1 > 10.0.0.2:2 to p1", &e), 0);
	CU_ASSERT(f.data[5] == 2 && f.data[11] == 1 && !f.guessed_destination);
	CU_ASSERT_EQUAL(parse("udp 10.0.0.1:1 > 10.0.0.2:2 from 02:00:00:00:00:77", &e), 0);
	CU_ASSERT(f.data[11] == 0x77 && f.guessed_destination);
	CU_ASSERT_EQUAL(parse("udp 10.0.0.1:1 > 224.0.0.251:5353", &e), 0);
	CU_ASSERT(f.data[0] == 1 && f.data[5] == 251 && !f.guessed_destination);
	CU_ASSERT_EQUAL(parse("udp 10.0.0.1:1 > 255.255.255.255:67", &e), 0);
	CU_ASSERT(f.data[0] == 0xff);
}

static void refused_with_the_word(void)
{
	static const char *const bad[] = {"",
					  "tcp",
					  "tcp 10.0.0.1 > 10.0.0.2",
					  "tcp 10.0.0.1:1 10.0.0.2:2",
					  "tcp 10.0.0.1:1 > fd00::1:2",
					  "tcp 10.0.0.1:1 > 10.0.0.2:65536",
					  "udp 10.0.0.1:1 > 10.0.0.2:2 vlan 4095",
					  "udp 10.0.0.1:1 > 10.0.0.2:2 to nobody",
					  "icmp 10.0.0.1 > 10.0.0.2 udp 10.0.0.1:1 > 10.0.0.2:2",
					  "arp fd00::1 > fd00::2",
					  "hex 0",
					  "hex zz",
					  "ethertype 5",
					  "nonsense",
					  "tcp 10.0.0.1:1 > 10.0.0.2:2 flags X",
					  "tcp 10.0.0.1:1 > 10.0.0.2:2 size 99999"};
	struct vd_err e;

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i], &e) != -EINVAL)
			printf("# %s\n", bad[i]);
		CU_ASSERT(e.code == VD_E_VALUE && strstr(e.message, "expected") && e.hint[0]);
	}
}

static const struct tap_case cases[] = {
	{"there and back", there_and_back},
	{"source and destination addresses", whose_address},
	{"what is not understood is quoted", refused_with_the_word},
};

int main(void)
{
	for (int i = 0; i < 2; i++) {
		snprintf(ports[i].name, sizeof(ports[i].name), "p%d", i);
		strcpy(ports[i].sw, "lan");
		ports[i].has_mac = true;
		ports[i].mac.addr[0] = 2;
		ports[i].mac.addr[5] = (uint8_t)(i + 1);
	}
	return tap_run("vswitch/policy/words", cases, sizeof(cases) / sizeof(cases[0]));
}
