/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting DPDK: see eal.h. */
#include "vswitch/control/eal.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "base/log.h"

/* DPDK calls much an error that is a fact of life here (no hugepages, no vfio): one level down. */
static ssize_t log_write(void *cookie, const char *buf, size_t size)
{
	int level = rte_log_cur_msg_loglevel();
	int len = (int)size;

	while (len > 0 && (buf[len - 1] == '\n' || buf[len - 1] == '\r'))
		len--;
	if (len > 0)
		vd_log(level <= (int)RTE_LOG_ERR       ? LOG_WARNING
		       : level == (int)RTE_LOG_WARNING ? LOG_INFO
						       : LOG_DEBUG,
		       "dpdk", NULL, "%.*s", len, buf);
	return (ssize_t)size;
}

static int open_log(void)
{
	FILE *f = fopencookie(NULL, "w", (cookie_io_functions_t){.write = log_write});

	if (!f)
		return -ENOMEM;
	setvbuf(f, NULL, _IOLBF, 1024);
	return rte_openlog_stream(f);
}

/* Free hugepages of all sizes, MiB. */
static uint64_t free_hugepages_mib(void)
{
	DIR *dir = opendir("/sys/kernel/mm/hugepages");
	struct dirent *de;
	uint64_t mib = 0;

	while (dir && (de = readdir(dir))) {
		unsigned long long kib, n;
		char path[320];
		FILE *f;

		if (sscanf(de->d_name, "hugepages-%llukB", &kib) != 1)
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/%s/free_hugepages",
			 de->d_name);
		f = fopen(path, "re");
		if (f && fscanf(f, "%llu", &n) == 1)
			mib += n * kib / 1024;
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	return mib;
}

/* The control thread may run wherever it may run now: "0@(0,1,5)". */
static char *lcores(void)
{
	cpu_set_t set;
	size_t size = CPU_SETSIZE * 5 + 8, used;
	char *text = malloc(size);

	if (!text || sched_getaffinity(0, sizeof(set), &set) < 0) {
		free(text);
		return NULL;
	}
	used = (size_t)snprintf(text, size, "0@(");
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			used += (size_t)snprintf(text + used, size - used, "%s%d",
						 text[used - 1] == '(' ? "" : ",", cpu);
	snprintf(text + used, size - used, ")");
	return text;
}

int vsw_eal_start(uint32_t memory_mib, bool *hugepages, struct vd_err *reterr)
{
	char *cores = lcores();
	char memory[16];
	char *argv[16];
	int argc = 0, rc;

	*hugepages = free_hugepages_mib() >= memory_mib;
	snprintf(memory, sizeof(memory), "%u", memory_mib);
	if (!cores || open_log()) {
		free(cores);
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	}
	argv[argc++] = (char *)"viridiand";
	argv[argc++] = (char *)"--no-telemetry";
	argv[argc++] = (char *)"--lcores";
	argv[argc++] = cores;
	argv[argc++] = (char *)"-m";
	argv[argc++] = memory;
	argv[argc++] = (char *)"-a"; /* nothing is probed at start, everything can be later */
	argv[argc++] = (char *)"0000:00:00.0";
	/* both leave no file behind; they exclude each other */
	argv[argc++] = *hugepages ? (char *)"--in-memory" : (char *)"--no-shconf";
	if (!*hugepages)
		argv[argc++] = (char *)"--no-huge";
	argv[argc] = NULL;
	rc = rte_eal_init(argc, argv);
	free(cores);
	if (rc >= 0)
		return 0;
	return vd_err_set(reterr, rte_errno ? -rte_errno : -EIO, VD_E_SYSTEM, "daemon/memory",
			  "the log above says why; a smaller --memory may help",
			  "DPDK does not start: %s", rte_strerror(rte_errno));
}

void vsw_eal_stop(void)
{
	rte_eal_cleanup();
}
