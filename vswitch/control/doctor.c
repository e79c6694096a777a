/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks of `viridian doctor`: see doctor.h. */
#include "vswitch/control/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "vswitch/control/daemon.h"
#include "vswitch/control/health.h"
#include "vswitch/control/quarantine.h"
#include "vswitch/hostnat/hostnat.h"

enum status { OK, WARN, FAIL };

#define CAP_NET_ADMIN_BIT  12
#define CAP_NET_RAW_BIT    13
#define ADDRESS_FAMILY_XDP 44 /* older libc headers lack AF_XDP */

__attribute__((format(printf, 5, 6))) static void finding(json_t *out, const char *check,
							  enum status status, const char *hint,
							  const char *fmt, ...)
{
	static const char *const texts[] = {"ok", "warn", "fail"};
	char message[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	json_array_append_new(out, json_pack("{s:s, s:s, s:s, s:s?}", "check", check, "status",
					     texts[status], "message", message, "hint", hint));
}

/* A number behind "@key" in a file of "Key:  value" lines; -1: absent. */
static long long field(const char *path, const char *key, int base)
{
	FILE *f = fopen(path, "re");
	long long value = -1;
	char line[256];

	while (f && value < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			value = (long long)strtoull(line + strlen(key) + 1, NULL, base);
	if (f)
		fclose(f);
	return value;
}

static void check_hugepages(struct vsw_daemon *d, json_t *out)
{
	long long total = field("/proc/meminfo", "HugePages_Total", 10);
	long long size_kib = field("/proc/meminfo", "Hugepagesize", 10);

	if (d->hugepages)
		finding(out, "hugepages", OK, NULL, "packets are kept in hugepages");
	else if (total <= 0)
		finding(out, "hugepages", WARN,
			"reserve some (sysctl vm.nr_hugepages=256), then restart viridiand",
			"none are reserved: packets are kept in ordinary memory, which costs speed "
			"and "
			"rules out physical NICs");
	else
		finding(out, "hugepages", WARN, "free or reserve more, then restart viridiand",
			"%lld of %lld KiB are reserved, too few were free at start for --memory %u",
			total, size_kib, d->opt.memory_mib);
}

static void check_memory(struct vsw_daemon *d, json_t *out)
{
	long long mib = field("/proc/meminfo", "MemAvailable", 10) / 1024;

	if (mib >= 0 && mib < 256)
		finding(out, "memory", WARN, "stop something, or use a smaller --memory",
			"only %lld MiB are available on this machine", mib);
	else
		finding(out, "memory", OK, NULL, "%u MiB for packets; %lld MiB available",
			d->opt.memory_mib, mib);
}

static void check_cores(struct vsw_daemon *d, json_t *out)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	if (d->opt.poll && d->opt.n_workers >= n)
		finding(out, "cores", WARN, "leave one CPU to the rest of the machine",
			"%u polling workers use all of %d CPUs", d->opt.n_workers, n);
	else
		finding(out, "cores", OK, NULL, "%u worker%s, %s, on a machine with %d CPUs",
			d->opt.n_workers, d->opt.n_workers == 1 ? "" : "s",
			d->opt.cores[0] < 0 ? "placed by the kernel" : "pinned", n);
}

static void check_device(json_t *out, const char *check, const char *path, enum status missing,
			 const char *what, const char *hint)
{
	if (access(path, R_OK | W_OK) == 0)
		finding(out, check, OK, NULL, "%s can be used", path);
	else
		finding(out, check, missing, hint, "%s: %s: %s", path, strerror(errno), what);
}

static void check_af_xdp(json_t *out)
{
	int fd = socket(ADDRESS_FAMILY_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		finding(out, "af-xdp", OK, NULL, "the kernel offers AF_XDP to netdev: ports");
	else
		finding(out, "af-xdp", WARN, "nothing to do: netdev: ports use AF_PACKET",
			"no AF_XDP here: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void check_permissions(json_t *out)
{
	long long caps = field("/proc/self/status", "CapEff", 16);
	bool admin = caps < 0 || caps >> CAP_NET_ADMIN_BIT & 1;
	bool raw = caps < 0 || caps >> CAP_NET_RAW_BIT & 1;

	if (admin && raw)
		finding(out, "permissions", OK, NULL, "may make interfaces and read raw frames");
	else
		finding(out, "permissions", FAIL,
			"run viridiand as root or with CAP_NET_ADMIN and CAP_NET_RAW",
			"%s: tap: and netdev: ports cannot be opened",
			admin ? "CAP_NET_RAW is missing" : "CAP_NET_ADMIN is missing");
}

static void check_state(struct vsw_daemon *d, json_t *out)
{
	struct statvfs vfs;

	if (statvfs(d->opt.state, &vfs) == 0 &&
	    (unsigned long long)vfs.f_bavail * vfs.f_frsize < 16u << 20)
		finding(out, "state", WARN,
			"make room: changes are refused when they cannot be saved",
			"less than 16 MiB are free for %s", d->opt.state);
	else
		finding(out, "state", OK, NULL, "the configuration is kept in %s",
			vsw_store_path(d->store));
}

static void check_ports(struct vsw_daemon *d, json_t *out)
{
	const struct vsw_engine *e = d->engine;
	unsigned int n_bad = 0;

	for (unsigned int i = 0; i < e->model.n_ports; i++) {
		struct vsw_rt_port *rt = e->ports[i];
		json_t *io;
		const char *text;

		if (!rt->port) {
			n_bad++;
			finding(out, "port", FAIL, rt->fault.hint[0] ? rt->fault.hint : NULL,
				"port %s has no device: %s", e->model.ports[i].name,
				rt->fault.message);
			continue;
		}
		io = json_object();
		if (rt->port->io->ops->describe)
			rt->port->io->ops->describe(rt->port->io, io);
		text = json_string_value(json_object_get(io, "degraded"));
		if (text) {
			n_bad++;
			finding(out, "port", WARN, "viridian port show has more", "port %s: %s",
				e->model.ports[i].name, text);
		}
		json_decref(io);
	}
	if (!n_bad)
		finding(out, "port", OK, NULL, "all %u ports have their devices", e->model.n_ports);
}

/* Other daemons are legal (own --state and --socket) but often forgotten ones. */
static void check_processes(json_t *out)
{
	DIR *dir = opendir("/proc");
	struct dirent *de;
	unsigned int n = 0;
	char path[300], comm[32];

	while (dir && (de = readdir(dir))) {
		FILE *f;

		if (de->d_name[0] < '0' || de->d_name[0] > '9' || atoi(de->d_name) == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", de->d_name);
		f = fopen(path, "re");
		if (f && fgets(comm, sizeof(comm), f) && !strcmp(comm, "viridiand\n"))
			n++;
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	if (n)
		finding(out, "processes", WARN, "ps -C viridiand shows them",
			"%u other viridiand process%s on this machine", n, n == 1 ? "" : "es");
	else
		finding(out, "processes", OK, NULL, "no other viridiand runs here");
}

/* The process that guests report to. */
static void check_health(struct vsw_daemon *d, json_t *out)
{
	json_t *s = vsw_health_status(d->health);
	const char *state = json_string_value(json_object_get(s, "state"));
	const char *error = json_string_value(json_object_get(s, "error"));

	if (state && !strcmp(state, "running"))
		finding(out, "health-service", OK, NULL,
			"guests can report: process %d, started %d times, asked %d times; "
			"%d statements of health came by DHCP",
			(int)json_integer_value(json_object_get(s, "pid")),
			(int)json_integer_value(json_object_get(s, "starts")),
			(int)json_integer_value(json_object_get(s, "asked")),
			(int)json_integer_value(json_object_get(s, "heard")));
	else if (state && !strcmp(state, "waiting"))
		finding(out, "health-service", FAIL, "the log has more",
			"guests cannot report by themselves: %s",
			error ? error : "not started yet");
	json_decref(s);
}

/* Ports whose machines would not be led to the portal; one finding, however many there are. */
static void check_redirect(struct vsw_daemon *d, json_t *out)
{
	const char *first = NULL, *fault = NULL;
	unsigned int n_bad = 0;

	for (unsigned int i = 0; d->nap && i < d->nap->n_ports; i++) {
		const struct vsw_nap_port *p = &d->nap->ports[i];
		const char *why =
			p->present ? vsw_nap_net_redirect_fault(&d->engine->model, p) : NULL;

		if (!why)
			continue;
		if (!n_bad++) {
			first = p->name;
			fault = why;
		}
	}
	if (n_bad)
		finding(out, "redirect", WARN,
			"add gateways: [ROUTER] to the policy, or leave it: pages then only fail",
			"%s%s: web pages are %s", first, n_bad > 1 ? " and others" : "", fault);
}

static void nat_finding(void *ctx, const char *status, const char *text, const char *hint)
{
	finding(ctx, "nat",
		!strcmp(status, "ok")     ? OK
		: !strcmp(status, "warn") ? WARN
					  : FAIL,
		hint, "%s", text);
}

json_t *vsw_doctor(struct vsw_daemon *d)
{
	json_t *out = json_array();

	if (!out)
		return NULL;
	check_permissions(out);
	check_device(out, "tun", "/dev/net/tun", FAIL,
		     "tap: ports and host adapters cannot be made", "modprobe tun");
	check_hugepages(d, out);
	check_memory(d, out);
	check_cores(d, out);
	check_af_xdp(out);
	check_device(out, "vfio", "/dev/vfio/vfio", WARN, "pci: ports need it, others do not",
		     "modprobe vfio-pci, with an IOMMU enabled");
	check_device(out, "kvm", "/dev/kvm", WARN, "viridian-vm needs it, the switch does not",
		     "enable virtualization in the firmware; modprobe kvm-intel or kvm-amd");
	check_state(d, out);
	check_ports(d, out);
	if (d->nat)
		vsw_hostnat_doctor(d->nat, nat_finding, out);
	check_health(d, out);
	check_redirect(d, out);
	check_processes(out);
	return out;
}
