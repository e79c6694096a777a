/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real facts from /proc, /sys, netlink and apt: see facts.h. */
#include "nap-policy/agent/facts.h"

#include <dirent.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static void say(struct health_fact *f, const char *word)
{
	for (int i = 0; i < 3; i++)
		if (!f->is[i]) {
			f->is[i] = word;
			return;
		}
}

/* The first line of a small file, without its end. */
static bool first_line(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(buf, (int)size, f);

	if (f)
		fclose(f);
	if (ok)
		buf[strcspn(buf, "\n")] = '\0';
	return ok;
}

/* ---- packet filter ---- */

struct request {
	struct nlmsghdr nl;
	struct nfgenmsg nf;
};

static const struct nlattr *find(const void *at, size_t left, uint16_t type)
{
	const char *p = at;

	while (left >= NLA_HDRLEN) {
		const struct nlattr *a = (const void *)p;
		size_t step = NLA_ALIGN(a->nla_len);

		if (a->nla_len < NLA_HDRLEN || a->nla_len > left)
			return NULL;
		if ((a->nla_type & NLA_TYPE_MASK) == type)
			return a;
		if (step > left)
			return NULL;
		p += step;
		left -= step;
	}
	return NULL;
}

static const void *payload(const struct nlattr *a, size_t *size)
{
	*size = a->nla_len - NLA_HDRLEN;
	return (const char *)a + NLA_HDRLEN;
}

/* Is the chain in @nl a base chain on what comes in for this machine? */
static bool filters_input(const struct nlmsghdr *nl)
{
	size_t left = nl->nlmsg_len - NLMSG_LENGTH(sizeof(struct nfgenmsg)), size;
	const struct nlattr *hook =
		find((const char *)NLMSG_DATA(nl) + NLMSG_ALIGN(sizeof(struct nfgenmsg)), left,
		     NFTA_CHAIN_HOOK);
	const struct nlattr *num;
	uint32_t n;

	if (!hook)
		return false;
	num = find(payload(hook, &size), hook->nla_len - NLA_HDRLEN, NFTA_HOOK_HOOKNUM);
	if (!num || num->nla_len < NLA_HDRLEN + sizeof(n))
		return false;
	memcpy(&n, payload(num, &size), sizeof(n));
	return __builtin_bswap32(n) == NF_INET_LOCAL_IN;
}

/* Chains on input; -1: nobody can say. */
static int nft_input_chains(void)
{
	struct request rq = {
		.nl = {.nlmsg_len = sizeof(rq),
		       .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.nf = {.nfgen_family = NFPROTO_UNSPEC, .version = NFNETLINK_V0},
	};
	struct timeval patience = {.tv_sec = 5};
	static char buf[65536] __attribute__((aligned(8)));
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER), n = 0;
	bool done = false;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    send(fd, &rq, sizeof(rq), 0) != sizeof(rq))
		n = -1;
	while (n >= 0 && !done) {
		ssize_t got = recv(fd, buf, sizeof(buf), 0);
		int left = (int)got;

		if (got <= 0)
			n = -1;
		for (struct nlmsghdr *nl = (void *)buf;
		     n >= 0 && !done && NLMSG_OK(nl, (unsigned int)left);
		     nl = NLMSG_NEXT(nl, left)) {
			if (nl->nlmsg_type == NLMSG_DONE)
				done = true;
			else if (nl->nlmsg_type == NLMSG_ERROR)
				n = -1;
			else
				n += filters_input(nl);
		}
	}
	if (fd >= 0)
		close(fd);
	return n;
}

void health_firewall(struct health_fact *f)
{
	int chains = nft_input_chains();
	char table[64];

	if (chains > 0) {
		say(f, "enabled");
		snprintf(f->detail, sizeof(f->detail), "nftables, %d chains on input", chains);
	} else if (first_line("/proc/net/ip_tables_names", table, sizeof(table)) && table[0]) {
		say(f, "enabled");
		snprintf(f->detail, sizeof(f->detail), "iptables, table %.40s", table);
	} else if (chains < 0) {
		f->failed = true;
		snprintf(f->detail, sizeof(f->detail), "nftables cannot be asked (root only)");
	} else {
		snprintf(f->detail, sizeof(f->detail), "nothing filters what comes in");
	}
}

/* ---- updates ---- */

static long long age_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? -1 : (long long)(time(NULL) - st.st_mtime);
}

/* Lines "Inst PACKAGE ..." of a simulated upgrade that come from a security archive. */
static long pending(void)
{
	FILE *p = popen("LC_ALL=C apt-get -s -qq -o Debug::NoLocking=1 upgrade 2>/dev/null", "re");
	char line[1024];
	long n = 0;

	if (!p)
		return -1;
	while (fgets(line, sizeof(line), p))
		n += !strncmp(line, "Inst ", 5) && strcasestr(line, "security");
	return pclose(p) == 0 ? n : -1;
}

void health_patches(struct health_fact *f)
{
	if (access("/usr/bin/apt-get", X_OK) < 0) {
		f->failed = true;
		snprintf(f->detail, sizeof(f->detail), "no package manager that is known");
		return;
	}
	f->age_s = age_of("/var/lib/apt/periodic/update-success-stamp");
	if (f->age_s < 0)
		f->age_s = age_of("/var/lib/apt/lists");
	f->count = pending();
	if (f->count < 0) {
		f->failed = true;
		snprintf(f->detail, sizeof(f->detail), "apt-get did not answer");
		return;
	}
	if (f->count == 0)
		say(f, "current");
	snprintf(f->detail, sizeof(f->detail), "%ld security updates wait", f->count);
}

void health_kernel(struct health_fact *f)
{
	struct utsname u;

	if (uname(&u) < 0) {
		f->failed = true;
		return;
	}
	say(f, "running");
	if (access("/run/reboot-required", F_OK) == 0)
		say(f, "reboot-needed");
	snprintf(f->detail, sizeof(f->detail), "%.40s %.50s", u.sysname, u.release);
}

/* ---- mandatory access control, disk, services ---- */

void health_mac(struct health_fact *f)
{
	char text[64];

	if (first_line("/sys/fs/selinux/enforce", text, sizeof(text))) {
		say(f, "enabled");
		if (text[0] == '1')
			say(f, "enforcing");
		snprintf(f->detail, sizeof(f->detail), "SELinux");
	} else if (first_line("/sys/module/apparmor/parameters/enabled", text, sizeof(text)) &&
		   text[0] == 'Y') {
		say(f, "enabled");
		/* unconfined until profiles are loaded; reading them needs privilege */
		if (first_line("/sys/kernel/security/apparmor/profiles", text, sizeof(text)))
			say(f, "enforcing");
		snprintf(f->detail, sizeof(f->detail), "AppArmor");
	} else {
		snprintf(f->detail, sizeof(f->detail), "neither SELinux nor AppArmor");
	}
}

/* A device mapper target of dm-crypt, or one on top of such. */
static bool is_crypt(const char *dir, int depth)
{
	char path[512], text[64];
	struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(path, sizeof(path), "%.400s/dm/uuid", dir);
	if (first_line(path, text, sizeof(text)) && !strncmp(text, "CRYPT-", 6))
		return true;
	snprintf(path, sizeof(path), "%.400s/slaves", dir);
	d = depth < 8 ? opendir(path) : NULL;
	while (d && !found && (e = readdir(d))) {
		char slave[512];

		if (e->d_name[0] == '.')
			continue;
		snprintf(slave, sizeof(slave), "%.300s/%.100s", path, e->d_name);
		found = is_crypt(slave, depth + 1);
	}
	if (d)
		closedir(d);
	return found;
}

void health_disk(struct health_fact *f)
{
	char dir[64];
	struct stat st;

	if (stat("/", &st) < 0) {
		f->failed = true;
		return;
	}
	snprintf(dir, sizeof(dir), "/sys/dev/block/%u:%u", major(st.st_dev), minor(st.st_dev));
	if (is_crypt(dir, 0))
		say(f, "encrypted");
	snprintf(f->detail, sizeof(f->detail), "root on block device %u:%u", major(st.st_dev),
		 minor(st.st_dev));
}

void health_service(const char *name, struct health_fact *f)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	char path[300], comm[64];

	f->failed = !d;
	while (d && !f->is[0] && (e = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%.200s/comm", e->d_name);
		if (e->d_name[0] >= '0' && e->d_name[0] <= '9' &&
		    first_line(path, comm, sizeof(comm)) && !strncmp(comm, name, 15))
			say(f, "running");
	}
	if (d)
		closedir(d);
	snprintf(f->detail, sizeof(f->detail), "process %.40s", name);
}
