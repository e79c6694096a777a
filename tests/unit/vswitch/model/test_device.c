/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vswitch/model/device.h"

static void canonical_forms(void)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{"tap:web1", "tap:web1"},
		{"tap:exactly15chars_", "tap:exactly15chars_"},
		{"tap:web1,queues=4", "tap:web1,queues=4"},
		{"tap:web1,queues=1", "tap:web1"},
		{"netdev:eth0", "netdev:eth0"},
		{"netdev:eth0,af-xdp", "netdev:eth0,af-xdp"},
		{"netdev:eth0,af-packet", "netdev:eth0,af-packet"},
		{"vhost-user:/run/a.sock", "vhost-user:/run/a.sock"},
		{"vhost-user:/run/a.sock,queues=2,client",
		 "vhost-user:/run/a.sock,client,queues=2"},
		{"vhost-user:/run/a.sock,queues=2,packed,client",
		 "vhost-user:/run/a.sock,client,packed,queues=2"},
		{"vhost-user:/run/a.sock,queues=16", "vhost-user:/run/a.sock"},
		{"memif:/run/m", "memif:/run/m"},
		{"memif:/run/m,client,id=4294967295", "memif:/run/m,id=4294967295,client"},
		{"pcap:rx=/a", "pcap:rx=/a"},
		{"pcap:tx=/b", "pcap:tx=/b"},
		{"pcap:loop,tx=/b,rx=/a", "pcap:rx=/a,tx=/b,loop"},
		{"pci:0000:01:1F.7", "pci:0000:01:1f.7"},
		{"pci:01:00.0,queues=2", "pci:0000:01:00.0,queues=2"},
		{"pci:10000:e1:00.0", "pci:10000:e1:00.0"},
		{"netvsp:/run/vm.sock", "netvsp:/run/vm.sock"},
		{"netvsp:/run/vm.sock,queues=16", "netvsp:/run/vm.sock"},
		{"netvsp:/run/vm.sock,queues=4", "netvsp:/run/vm.sock,queues=4"},
		{"nat:lab", "nat:lab"},
		{"nat:lab,outside", "nat:lab,outside"},
	};
	char buf[VSW_DEVICE_STR_SIZE];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct vsw_device d, again;
		struct vd_err e = {0};

		CU_ASSERT_EQUAL(vsw_device_parse(t[i].in, NULL, &d, &e), 0);
		if (e.code)
			printf("# %s: %s\n", t[i].in, e.message);
		CU_ASSERT_STRING_EQUAL(vsw_device_format(&d, buf, sizeof(buf)), t[i].out);
		CU_ASSERT_EQUAL(vsw_device_parse(buf, NULL, &again, &e), 0);
		CU_ASSERT_TRUE(vsw_device_equal(&d, &again));
	}
}

static void refused(void)
{
	static const char *const bad[] = {
		"",
		":",
		"tap",
		"tap:",
		"web1",
		"tun:web1",
		"tap:has space",
		"tap:sixteen_chars_xx",
		"tap:a/b",
		"tap:a:b",
		"tap:a%d",
		"tap:.",
		"tap:..",
		"tap:\xc3\xa9",
		"tap:a,",
		"tap:a,client",
		"memif:/a,packed",
		"tap:a,queues=0",
		"tap:a,queues=17",
		"tap:a,queues=",
		"tap:a,queues=+1",
		"tap:a,queues=2,queues=2",
		"tap:a,queues=99999999999999999999",
		"netdev:eth0,queues=2",
		"netdev:eth0,af-xdp,af-packet",
		"netdev:eth0,af-xdpx",
		"vhost-user:run/a",
		"vhost-user:",
		"vhost-user:,client",
		"vhost-user:/",
		"vhost-user:///",
		"vhost-user:/run/a\nb",
		"memif:/m,id=4294967296",
		"memif:/m,id=-1",
		"memif:/m,queues=1",
		"pcap:",
		"pcap:/a",
		"pcap:loop",
		"pcap:tx=/b,loop",
		"pcap:rx=a",
		"pcap:rx=/a,rx=/b",
		"pcap:rx=/a,tx=/a",
		"pcap:rx=",
		"pci:",
		"pci:0000:01:20.0",
		"pci:0000:01:00.8",
		"pci:000:01:00.0",
		"pci:01:00",
		"pci:0000:01:00.0x",
		"pci:0000:01:00:0",
		"netvsp:/a,client",
		"nat:",
		"nat:a b",
		"nat:lab,queues=2",
		"netvsp:a",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vsw_device d = {.id = 77};
		struct vd_err e = {0};

		CU_ASSERT_EQUAL(vsw_device_parse(bad[i], "port/p/device", &d, &e), -EINVAL);
		if (e.code == VD_E_OK)
			printf("# accepted: %s\n", bad[i]);
		CU_ASSERT_EQUAL(e.code, VD_E_DEVICE);
		CU_ASSERT_STRING_EQUAL(e.path, "port/p/device");
		CU_ASSERT_TRUE(e.hint[0] != 0);
		CU_ASSERT_EQUAL(d.id, 77);
	}
}

static void path_lengths(void)
{
	char text[400], path[300];
	struct vsw_device d;

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	snprintf(text, sizeof(text), "vhost-user:%.107s", path);
	CU_ASSERT_EQUAL(vsw_device_parse(text, NULL, &d, NULL), 0);
	snprintf(text, sizeof(text), "vhost-user:%.108s", path);
	CU_ASSERT_EQUAL(vsw_device_parse(text, NULL, &d, NULL), -EINVAL);
	snprintf(text, sizeof(text), "pcap:rx=%.255s", path);
	CU_ASSERT_EQUAL(vsw_device_parse(text, NULL, &d, NULL), 0);
	snprintf(text, sizeof(text), "pcap:rx=%.256s", path);
	CU_ASSERT_EQUAL(vsw_device_parse(text, NULL, &d, NULL), -EINVAL);
}

static void defaults(void)
{
	struct vsw_device d;

	CU_ASSERT_EQUAL(vsw_device_parse("tap:a", NULL, &d, NULL), 0);
	CU_ASSERT_EQUAL(d.queues, 1);
	CU_ASSERT_EQUAL(vsw_device_parse("vhost-user:/a", NULL, &d, NULL), 0);
	CU_ASSERT_EQUAL(d.queues, VSW_QUEUES_MAX);
	CU_ASSERT_FALSE(d.client);
	CU_ASSERT_EQUAL(vsw_device_parse("netdev:a", NULL, &d, NULL), 0);
	CU_ASSERT_EQUAL(d.way, VSW_NETDEV_AUTO);
}

static void clashes(void)
{
	static const struct {
		const char *a, *b;
		bool clash;
	} t[] = {
		{"tap:a", "tap:b", false},
		{"tap:a", "tap:a,queues=2", true},
		{"tap:a", "netdev:a", true},
		{"vhost-user:/a", "netvsp:/a", true},
		{"vhost-user:/a", "vhost-user:/a,client", true},
		{"vhost-user:/a", "vhost-user:/b,packed", false},
		{"vhost-user:/a", "vhost-user:/b", false},
		{"memif:/a", "memif:/a,id=1", false},
		{"memif:/a,id=1", "memif:/a,id=1", true},
		{"memif:/a", "memif:/a,id=1,client", true},
		{"memif:/a", "vhost-user:/a", true},
		{"pcap:rx=/a", "pcap:rx=/a", false},
		{"pcap:rx=/a", "pcap:tx=/a", true},
		{"pcap:tx=/a", "pcap:tx=/a", true},
		{"pcap:rx=/a,tx=/b", "pcap:rx=/a,tx=/c", false},
		{"pci:0000:01:00.0", "pci:01:00.0,queues=2", true},
		{"pci:01:00.0", "pci:01:00.1", false},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct vsw_device a, b;

		CU_ASSERT_EQUAL_FATAL(vsw_device_parse(t[i].a, NULL, &a, NULL), 0);
		CU_ASSERT_EQUAL_FATAL(vsw_device_parse(t[i].b, NULL, &b, NULL), 0);
		CU_ASSERT_EQUAL(vsw_device_clash(&a, &b), t[i].clash);
		CU_ASSERT_EQUAL(vsw_device_clash(&b, &a), t[i].clash);
	}
}

static void hints_teach(void)
{
	struct vd_err e = {0};
	struct vsw_device d;

	vsw_device_parse("eth0", NULL, &d, &e);
	CU_ASSERT_STRING_EQUAL(e.hint,
			       "tap:eth0 makes an interface, netdev:eth0 uses one that exists");
	memset(&e, 0, sizeof(e));
	vsw_device_parse("vhostuser:/a", NULL, &d, &e);
	CU_ASSERT_STRING_EQUAL(e.hint, "did you mean \"vhost-user:\"?");
}

static const struct tap_case cases[] = {
	{"devices have one canonical text", canonical_forms},
	{"malformed devices are refused with a hint", refused},
	{"paths fit sun_path, files 255 bytes", path_lengths},
	{"defaults", defaults},
	{"who claims the same thing", clashes},
	{"hints show the right form", hints_teach},
};

TAP_MAIN("vswitch/model/device", cases)
