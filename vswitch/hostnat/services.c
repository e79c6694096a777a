/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One dnsmasq and the namespace it lives in: see services.h. */
#include "vswitch/hostnat/services.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "vswitch/hostnat/route.h"
#include "vswitch/hostnat/services_files.h"
#include "vswitch/io/link.h"
#include "vswitch/io/netns.h"

#define RETRY_FIRST_MS 200u
#define RETRY_MAX_MS   10000u
#define STEADY_MS      30000u /* ran so long: the next failure is a new story */
#define END_WAIT_MS    1000

struct vsw_services {
	sd_event *event;
	char dir[300];
	char network[VD_NAME_MAX + 1];
	int netns_fd;
	/* what is wanted */
	bool set;
	struct nat_conf conf;
	char ifname[IF_NAMESIZE];
	uint16_t mtu_bytes;
	struct vsw_services_host *hosts;
	unsigned int n_hosts;
	char captive[128];
	/* what is */
	struct services_args args; /* of the process */
	char *texts[3];            /* of the files, as written last */
	pid_t pid;                 /* 0: none */
	int pidfd;
	uint64_t started_ms;
	bool again; /* the process is being ended: start the next one when it is gone */
	sd_event_source *ended, *retry;
	unsigned int n_starts;
	uint32_t wait_ms;
	char error[200]; /* why it does not run; "": it does */
};

static void bring_up(struct vsw_services *s);

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

const char *vsw_services_program(void)
{
	static const char *const places[] = {"/usr/sbin/dnsmasq", "/usr/bin/dnsmasq",
					     "/usr/local/sbin/dnsmasq", "/sbin/dnsmasq"};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

/* ---- the process of the last run ---- */

/* Start time of a process in clock ticks, its identity beside the number; 0: it does not exist. */
static unsigned long long start_time(pid_t pid, bool *is_dnsmasq)
{
	char path[64], line[1024], *end;
	unsigned long long t = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f && fgets(line, sizeof(line), f) && (end = strrchr(line, ')'))) {
		*end++ = '\0';
		*is_dnsmasq = strstr(line, "(dnsmasq") != NULL;
		/* from field 3, behind the name, to field 22 */
		for (unsigned int i = 0; i < 19 && end; i++)
			end = strchr(end + 1, ' ');
		if (end)
			t = strtoull(end, NULL, 10);
	}
	if (f)
		fclose(f);
	return t;
}

static void end_process(int pidfd, int limit_ms)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	if (pidfd_send_signal(pidfd, SIGTERM, NULL, 0) < 0 || poll(&p, 1, limit_ms) > 0)
		return;
	pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	poll(&p, 1, limit_ms);
}

/* The dnsmasq that a crashed run left goes, its namespace is taken over. */
static void take_over(struct vsw_services *s)
{
	char path[400];
	unsigned long long t = 0;
	bool dnsmasq = false;
	int pid = 0, pidfd;
	FILE *f;

	snprintf(path, sizeof(path), "%s/pid", s->dir);
	f = fopen(path, "re");
	if (f && fscanf(f, "%d %llu", &pid, &t) != 2)
		pid = 0;
	if (f)
		fclose(f);
	if (pid <= 1 || !t)
		return;
	pidfd = pidfd_open(pid, 0);
	if (pidfd < 0)
		return;
	/* asked after the descriptor was opened: from here on the number cannot become another's */
	if (start_time(pid, &dnsmasq) == t && dnsmasq) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
		s->netns_fd = open(path, O_RDONLY | O_CLOEXEC);
		end_process(pidfd, END_WAIT_MS);
		vd_log(LOG_INFO, "nat", s->network, "took over from dnsmasq %d of the last run",
		       pid);
	}
	close(pidfd);
}

/* ---- the namespace ---- */

static void *make_netns(void *arg)
{
	int *fd = arg;

	if (unshare(CLONE_NEWNET) < 0 ||
	    (*fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) < 0)
		*fd = -errno;
	return NULL;
}

static int open_netns(struct vsw_services *s)
{
	pthread_t t;
	int r;

	if (s->netns_fd >= 0)
		return 0;
	r = pthread_create(&t, NULL, make_netns, &s->netns_fd);
	if (r)
		return -r;
	pthread_join(t, NULL);
	r = s->netns_fd < 0 ? s->netns_fd : 0;
	if (r)
		s->netns_fd = -1;
	return r;
}

static bool drop_addr(void *ctx, int ifindex, uint32_t addr, uint8_t len)
{
	const struct vsw_services *s = ctx;

	if ((unsigned int)ifindex == if_nametoindex(s->ifname) &&
	    (addr != s->conf.dhcp.server || len != s->conf.prefix.len))
		vsw_route_addr_del(ifindex, addr, len);
	return false;
}

/* In the namespace: the interface has the server's address, and the gateway is the way out. */
static int dress(void *arg)
{
	struct vsw_services *s = arg;
	const struct vsw_link_change up = {.up = true};
	int index = (int)if_nametoindex(s->ifname), lo = (int)if_nametoindex("lo");
	struct vsw_route out = {
		.gateway = s->conf.gateway, .table = RT_TABLE_MAIN, .ifindex = index};
	int r;

	if (!index)
		return -ENODEV;
	if (lo)
		vsw_link_set(lo, &up);
	r = vsw_link_set(index, &up);
	if (!r)
		r = vsw_route_addrs(drop_addr, s);
	if (!r)
		r = vsw_route_addr_add(index, s->conf.dhcp.server, s->conf.prefix.len, false);
	return r ? r : vsw_route_add(&out);
}

static int place(struct vsw_services *s)
{
	int here, r = open_netns(s);

	if (r) {
		snprintf(s->error, sizeof(s->error), "cannot make a network namespace: %s",
			 strerror(-r));
		return r;
	}
	here = (int)if_nametoindex(s->ifname);
	if (here)
		r = vsw_route_link_move(here, s->netns_fd);
	if (!r)
		r = vsw_netns_run(s->netns_fd, dress, s);
	if (r)
		snprintf(s->error, sizeof(s->error), "its interface %s cannot be set up: %s",
			 s->ifname, strerror(-r));
	return r;
}

/* ---- files ---- */

static int write_files(struct vsw_services *s, const struct vsw_services_conf *c, bool *changed)
{
	static const char *const names[] = {"dhcp-hosts", "hosts", "resolv.conf"};
	char *texts[] = {services_dhcp_hosts(c), services_hosts(c), services_resolv_conf(c)};
	int r = 0;

	for (unsigned int i = 0; i < 3; i++) {
		if (!r && !texts[i])
			r = -ENOMEM;
		if (r || (s->texts[i] && !strcmp(s->texts[i], texts[i]))) {
			free(texts[i]);
			continue;
		}
		r = services_write(s->dir, names[i], texts[i]);
		*changed |= i < 2; /* the third one is watched by dnsmasq itself */
		free(s->texts[i]);
		s->texts[i] = texts[i];
	}
	if (r)
		snprintf(s->error, sizeof(s->error), "cannot write to %s: %s", s->dir,
			 strerror(-r));
	return r;
}

/* ---- the process ---- */

static int on_retry(sd_event_source *source, uint64_t usec, void *arg)
{
	struct vsw_services *s = arg;

	s->retry = sd_event_source_disable_unref(s->retry);
	bring_up(s);
	return 0;
}

static void try_later(struct vsw_services *s)
{
	s->wait_ms = s->wait_ms ? s->wait_ms * 2 : RETRY_FIRST_MS;
	if (s->wait_ms > RETRY_MAX_MS)
		s->wait_ms = RETRY_MAX_MS;
	s->retry = sd_event_source_disable_unref(s->retry);
	sd_event_add_time_relative(s->event, &s->retry, CLOCK_MONOTONIC,
				   (uint64_t)s->wait_ms * 1000, 0, on_retry, s);
}

static void forget_process(struct vsw_services *s)
{
	s->ended = sd_event_source_disable_unref(s->ended);
	if (s->pidfd >= 0)
		close(s->pidfd);
	s->pidfd = -1;
	s->pid = 0;
}

static int on_ended(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct vsw_services *s = arg;
	siginfo_t how = {0};

	waitid(P_PIDFD, (id_t)s->pidfd, &how, WEXITED | WNOHANG);
	forget_process(s);
	if (s->again) {
		s->again = false;
		bring_up(s);
		return 0;
	}
	snprintf(s->error, sizeof(s->error), "dnsmasq ended with %s %d; its log is ours",
		 how.si_code == CLD_EXITED ? "status" : "signal", how.si_status);
	vd_log(LOG_WARNING, "nat", s->network, "%s, starting it again", s->error);
	if (now_ms() - s->started_ms > STEADY_MS)
		s->wait_ms = 0;
	try_later(s);
	return 0;
}

/* Between fork() and exec(): only what another thread's locks cannot stop. */
__attribute__((noreturn)) static void become(const struct vsw_services *s, char *const argv[])
{
	char line[64];
	bool ignored;
	cpu_set_t all;
	sigset_t none;
	int fd;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all); /* the EAL has pinned us */
	fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(line, sizeof(line), "%d %llu\n", (int)getpid(), start_time(getpid(), &ignored));
	fd = openat(fd, "pid", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		_exit(121);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount(s->dir, "/run", NULL, MS_BIND, NULL) < 0)
		_exit(122);
	fd = open("/dev/null", O_RDWR);
	dup2(fd, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	close_range(3, ~0u, 0);
	execv(argv[0], argv);
	_exit(123);
}

struct forking {
	const struct vsw_services *s;
	char *const *argv;
	pid_t pid;
};

static int fork_here(void *arg)
{
	struct forking *f = arg;

	f->pid = fork();
	if (f->pid == 0)
		become(f->s, f->argv);
	return f->pid < 0 ? -errno : 0;
}

static int start(struct vsw_services *s)
{
	struct forking f = {.s = s, .argv = s->args.argv};
	int r = vsw_netns_run(s->netns_fd, fork_here, &f);

	if (!r) {
		s->pid = f.pid;
		s->pidfd = pidfd_open(f.pid, 0);
		fcntl(s->pidfd, F_SETFD, FD_CLOEXEC);
		s->started_ms = now_ms();
		s->n_starts++;
		s->error[0] = '\0';
		r = s->pidfd < 0
			    ? -errno
			    : sd_event_add_io(s->event, &s->ended, s->pidfd, EPOLLIN, on_ended, s);
	}
	if (r < 0)
		snprintf(s->error, sizeof(s->error), "cannot start dnsmasq: %s", strerror(-r));
	return r < 0 ? r : 0;
}

/* The user it becomes once it has its sockets. */
static const char *user(void)
{
	return getpwnam("dnsmasq") ? "dnsmasq" : "nobody";
}

static void stop(struct vsw_services *s)
{
	s->retry = sd_event_source_disable_unref(s->retry);
	if (s->pid) {
		s->again = true;
		pidfd_send_signal(s->pidfd, SIGTERM, NULL, 0);
	}
}

static void bring_up(struct vsw_services *s)
{
	struct vsw_services_conf c = {&s->conf, s->ifname,  s->mtu_bytes,
				      s->hosts, s->n_hosts, s->captive};
	const char *program = vsw_services_program();
	struct services_args next;
	bool changed = false;

	if (!s->set || s->again)
		return;
	if (!program) {
		snprintf(s->error, sizeof(s->error), "dnsmasq is not installed");
		try_later(s);
		return;
	}
	if (place(s) || write_files(s, &c, &changed)) {
		try_later(s);
		return;
	}
	services_args_make(&next, &c, program, user());
	if (s->pid && services_args_equal(&next, &s->args)) {
		services_args_done(&next);
		if (changed)
			pidfd_send_signal(s->pidfd, SIGHUP, NULL, 0);
		return;
	}
	services_args_done(&s->args);
	s->args = next;
	if (s->pid)
		stop(s); /* on_ended() comes back here */
	else if (next.failed || start(s))
		try_later(s);
}

/* ---- from outside ---- */

int vsw_services_create(sd_event *event, const char *state_dir, const char *uuid,
			const char *network, struct vsw_services **ret, struct vd_err *reterr)
{
	struct vsw_services *s = calloc(1, sizeof(*s));
	char parent[300];

	if (!s)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	s->event = event;
	s->netns_fd = s->pidfd = -1;
	snprintf(s->network, sizeof(s->network), "%s", network);
	snprintf(parent, sizeof(parent), "%s/nat", state_dir);
	snprintf(s->dir, sizeof(s->dir), "%.250s/%s", parent, uuid);
	if ((mkdir(parent, 0755) < 0 && errno != EEXIST) ||
	    (mkdir(s->dir, 0755) < 0 && errno != EEXIST)) {
		int r = vd_err_set(reterr, -errno, VD_E_STATE, NULL, NULL, "cannot make %s: %s",
				   s->dir, strerror(errno));

		free(s);
		return r;
	}
	take_over(s);
	*ret = s;
	return 0;
}

void vsw_services_set(struct vsw_services *s, const struct vsw_services_conf *c)
{
	struct nat_conf conf;
	struct vsw_services_host *hosts = calloc(c->n_hosts + 1u, sizeof(*hosts));

	if (!hosts || nat_conf_copy(c->conf, &conf)) {
		free(hosts);
		snprintf(s->error, sizeof(s->error), "out of memory");
		try_later(s);
		return;
	}
	memcpy(hosts, c->hosts, c->n_hosts * sizeof(*hosts));
	nat_conf_done(&s->conf);
	free(s->hosts);
	s->conf = conf;
	s->hosts = hosts;
	s->n_hosts = c->n_hosts;
	s->mtu_bytes = c->mtu_bytes;
	snprintf(s->captive, sizeof(s->captive), "%s", c->captive);
	snprintf(s->ifname, sizeof(s->ifname), "%s", c->ifname);
	snprintf(s->network, sizeof(s->network), "%s", conf.name);
	s->set = true;
	bring_up(s);
}

void vsw_services_refresh(struct vsw_services *s)
{
	if (!s->retry)
		bring_up(s);
}

static void remove_files(const struct vsw_services *s)
{
	static const char *const names[] = {"leases", "dhcp-hosts", "hosts", "resolv.conf", "pid"};
	char path[400];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", s->dir, names[i]);
		unlink(path);
	}
	rmdir(s->dir);
}

void vsw_services_destroy(struct vsw_services *s, bool forget)
{
	char path[400];

	if (!s)
		return;
	s->retry = sd_event_source_disable_unref(s->retry);
	if (s->pid) {
		end_process(s->pidfd, END_WAIT_MS);
		waitid(P_PIDFD, (id_t)s->pidfd, &(siginfo_t){0}, WEXITED | WNOHANG);
	}
	forget_process(s);
	snprintf(path, sizeof(path), "%s/pid", s->dir);
	unlink(path);
	if (forget)
		remove_files(s);
	if (s->netns_fd >= 0)
		close(s->netns_fd);
	for (unsigned int i = 0; i < 3; i++)
		free(s->texts[i]);
	services_args_done(&s->args);
	nat_conf_done(&s->conf);
	free(s->hosts);
	free(s);
}

json_t *vsw_services_status(const struct vsw_services *s)
{
	json_t *j = json_pack("{s:s, s:i}", "state", s->pid && !s->again ? "running" : "waiting",
			      "starts", (int)s->n_starts);

	if (s->pid)
		json_object_set_new(j, "pid", json_integer(s->pid));
	if (s->error[0])
		json_object_set_new(j, "error", json_string(s->error));
	return j;
}

json_t *vsw_services_leases(const struct vsw_services *s)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/leases", s->dir);
	return services_read_leases(path);
}
