/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "hv/layout.h"
#include "hv/options.h"
#include "tests/unit/tap.h"

static struct hv_options o;
static struct vd_err err;

/* @line is cut at blanks. */
static int parse(const char *line)
{
	static char buf[512];
	char *argv[32], *save = NULL;
	int argc = 0;

	err = (struct vd_err){0};
	snprintf(buf, sizeof(buf), "viridian-vm %s", line);
	for (char *p = strtok_r(buf, " ", &save); p && argc < 31; p = strtok_r(NULL, " ", &save))
		argv[argc++] = p;
	argv[argc] = NULL;
	return hv_options_parse(argc, argv, NULL, &o, &err);
}

static void complete(void)
{
	CU_ASSERT_EQUAL_FATAL(
		parse("run --kernel k --initrd i --append quiet --cpus 4 --memory 2G "
		      "--nic port=web1 --nic path=/run/x.sock --name web --no-reboot"),
		0);
	CU_ASSERT_STRING_EQUAL(o.kernel, "k");
	CU_ASSERT_STRING_EQUAL(o.initrd, "i");
	CU_ASSERT_STRING_EQUAL(o.append, "quiet");
	CU_ASSERT_EQUAL(o.n_cpus, 4);
	CU_ASSERT_EQUAL(o.memory_size, 2 * HV_GIB);
	CU_ASSERT_EQUAL(o.n_nics, 2);
	CU_ASSERT_STRING_EQUAL(o.nic[0].port, "web1");
	CU_ASSERT_STRING_EQUAL(o.nic[1].path, "/run/x.sock");
	CU_ASSERT_TRUE(o.no_reboot);
}

static void snapshots(void)
{
	CU_ASSERT_EQUAL_FATAL(parse("snapshot save web dir/one --full --stop"), 0);
	CU_ASSERT_EQUAL(o.command, HV_CMD_SAVE);
	CU_ASSERT_STRING_EQUAL(o.vm, "web");
	CU_ASSERT_STRING_EQUAL(o.file, "dir/one");
	CU_ASSERT_TRUE(o.full && o.stop);
	CU_ASSERT_EQUAL(parse("snapshot save --control c.sock file"), 0);
	CU_ASSERT_PTR_NULL(o.vm);
	CU_ASSERT_EQUAL(parse("snapshot restore file --nic port=b --keep-port"), 0);
	CU_ASSERT_EQUAL(o.command, HV_CMD_RESTORE);
	CU_ASSERT_PTR_NULL(o.name); /* as it was saved */
	CU_ASSERT_TRUE(o.keep_port);
	CU_ASSERT_EQUAL(parse("snapshot list dir"), 0);
	CU_ASSERT_EQUAL(o.command, HV_CMD_LIST);
	CU_ASSERT_EQUAL(parse("snapshot"), -EINVAL);
	CU_ASSERT_EQUAL(parse("snapshot take x"), -EINVAL);
	CU_ASSERT_EQUAL(parse("snapshot save file"), -EINVAL);
	CU_ASSERT_EQUAL(parse("snapshot save a/b file"), -EINVAL);
	CU_ASSERT_EQUAL(parse("snapshot restore a b"), -EINVAL);
	CU_ASSERT_NOT_EQUAL(err.hint[0], 0);
}

static void sizes(void)
{
	static const struct {
		const char *text;
		uint64_t size; /* 0: refused */
	} rows[] = {{"256", 256 * HV_MIB},
		    {"256M", 256 * HV_MIB},
		    {"65536K", 64 * HV_MIB},
		    {"64g", 64 * HV_GIB},
		    {"4096G", 4096 * HV_GIB},
		    {"17M", 16 * HV_MIB},
		    {"4097G", 0},
		    {"15M", 0},
		    {"0", 0},
		    {"-1", 0},
		    {"1Q", 0},
		    {"1GG", 0},
		    {"G", 0},
		    {"99999999999999999999", 0}};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[128];

		snprintf(line, sizeof(line), "run --kernel k --memory %s", rows[i].text);
		CU_ASSERT_EQUAL(parse(line), rows[i].size ? 0 : -EINVAL);
		CU_ASSERT_TRUE(rows[i].size ? o.memory_size == rows[i].size : err.hint[0] != 0);
	}
}

static void refused(void)
{
	static const char *const rows[] = {
		"",
		"run",
		"start --kernel k",
		"run --kernel",
		"run --kernel k more",
		"run --kernel k --cpus 0",
		"run --kernel k --cpus 65",
		"run --kernel k --cpus x",
		"run --kernel k --nic web1",
		"run --kernel k --nic port=",
		"run --kernel k --nic port=a,path=b",
		"run --kernel k --nic port=a,mac=b",
		"run --kernel k --bogus",
		"run --kernel k --log-level loud",
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CU_ASSERT_EQUAL(parse(rows[i]), -EINVAL);
		CU_ASSERT_EQUAL(err.code, VD_E_USAGE);
		CU_ASSERT_TRUE(err.message[0] && err.hint[0]);
	}
}

static void many_nics(void)
{
	char line[512] = "run --kernel k";

	for (unsigned int i = 0; i < HV_NICS_MAX; i++)
		strcat(line, " --nic port=p");
	CU_ASSERT_EQUAL(parse(line), 0);
	strcat(line, " --nic port=p");
	CU_ASSERT_EQUAL(parse(line), -EINVAL);
}

static const struct tap_case cases[] = {
	{"snapshots", snapshots},
	{"a complete command line", complete},
	{"memory sizes and their limits", sizes},
	{"what is wrong is refused, with a hint", refused},
	{"eight network cards at most", many_nics},
};
TAP_MAIN("hv-options", cases)
