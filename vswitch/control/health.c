/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The health service's process: see health.h. */
#include "vswitch/control/health.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "nap-policy/portal/portal.h"
#include "vswitch/control/quarantine.h"
#include "vswitch/io/netns.h"
#include "vswitch/portal/desk.h"
#include "vswitch/portal/hear.h"
#include "vswitch/portal/portal.h"

#define PROGRAM        "viridian-portal"
#define USER           "viridian-portal"
#define USER_INSTEAD   "nobody"
#define RETRY_FIRST_MS 200u
#define RETRY_MAX_MS   10000u
#define STEADY_MS      30000u /* ran so long: the next failure is a new story */
#define BACKLOG        256
#define ASKS_AT_ONCE   64

struct vsw_health {
	struct vsw_daemon *d;
	struct vsw_portal *portal;
	pid_t pid; /* 0: none */
	int pidfd, fd;
	sd_event_source *ended, *asked, *heard;
	uint64_t started_ms, retry_at_ms;
	uint32_t wait_ms;
	unsigned int n_starts;
	uint64_t n_asked;
	char error[200]; /* why it does not run; "": it does */
};

/* ---- the process ---- */

/* Beside the daemon in a build tree, in its own folder where it is installed. */
static bool find_program(char *path, size_t size)
{
	static const char *const places[] = {"%s/" PROGRAM, "%s/../libexec/viridian/" PROGRAM,
					     "%s/../lib/viridian/" PROGRAM};
	char exe[256];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n <= 0)
		return false;
	exe[n] = '\0';
	*strrchr(exe, '/') = '\0';
	for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(path, size, places[i], exe);
#pragma GCC diagnostic pop
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

struct starting {
	int fds[PORTAL_N_FDS - PORTAL_FD_DAEMON]; /* as portal.h numbers them */
	char path[320];
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

static int *fd_at(struct starting *s, enum portal_fd which)
{
	return &s->fds[which - PORTAL_FD_DAEMON];
}

/* Both families on one socket, where there are two. */
static int listener(int type, uint16_t port)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	int zero = 0, one = 1;
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool six = fd >= 0;
	int r;

	if (!six)
		fd = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (six)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	r = six ? bind(fd, (struct sockaddr *)&a6, sizeof(a6))
		: bind(fd, (struct sockaddr *)&a4, sizeof(a4));
	if (r == 0 && type == SOCK_STREAM)
		r = listen(fd, BACKLOG);
	if (r < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

static int make_sockets(struct starting *s)
{
	static const struct {
		enum portal_fd which;
		int type;
		uint16_t port;
	} all[] = {{PORTAL_FD_WEB, SOCK_STREAM, VSW_DESK_WEB},
		   {PORTAL_FD_REDIRECT, SOCK_STREAM, VSW_DESK_REDIRECT},
		   {PORTAL_FD_DNS_UDP, SOCK_DGRAM, VSW_DESK_DNS},
		   {PORTAL_FD_DNS_TCP, SOCK_STREAM, VSW_DESK_DNS}};

	for (unsigned int i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int fd = listener(all[i].type, all[i].port);

		if (fd < 0)
			return fd;
		*fd_at(s, all[i].which) = fd;
	}
	return 0;
}

/* Between fork() and exec(): only what another thread's locks cannot stop. */
__attribute__((noreturn)) static void become(struct starting *s)
{
	char *argv[] = {s->path, NULL}, *envp[] = {NULL};
	sigset_t none;
	cpu_set_t all;
	int null;

	/* first: a daemon that is killed now must leave nobody who holds its sockets. Descriptors go out of
	 * the way of their own numbers */
	for (int i = 0; i < PORTAL_N_FDS - PORTAL_FD_DAEMON; i++)
		s->fds[i] = fcntl(s->fds[i], F_DUPFD, 64);
	for (int i = 0; i < PORTAL_N_FDS - PORTAL_FD_DAEMON; i++)
		if (dup2(s->fds[i], PORTAL_FD_DAEMON + i) < 0)
			_exit(121);
	close_range(PORTAL_N_FDS, ~0u, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(0, sizeof(all), &all); /* the EAL has pinned us */
	null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	if (setgroups(0, NULL) < 0 || setresgid(s->gid, s->gid, s->gid) < 0 ||
	    setresuid(s->uid, s->uid, s->uid) < 0 || setuid(0) == 0)
		_exit(122);
	execve(s->path, argv, envp);
	_exit(123);
}

static int start_here(void *arg)
{
	struct starting *s = arg;
	int r = make_sockets(s);

	if (r < 0)
		return r;
	s->pid = fork();
	if (s->pid == 0)
		become(s);
	return s->pid < 0 ? -errno : 0;
}

static void forget_process(struct vsw_health *h)
{
	h->ended = sd_event_source_disable_unref(h->ended);
	h->asked = sd_event_source_disable_unref(h->asked);
	if (h->pidfd >= 0)
		close(h->pidfd);
	if (h->fd >= 0)
		close(h->fd);
	h->pidfd = h->fd = -1;
	h->pid = 0;
}

static void try_later(struct vsw_health *h)
{
	h->wait_ms = h->wait_ms ? h->wait_ms * 2 : RETRY_FIRST_MS;
	if (h->wait_ms > RETRY_MAX_MS)
		h->wait_ms = RETRY_MAX_MS;
	h->retry_at_ms = vsw_now_ms() + h->wait_ms;
	vd_log(LOG_WARNING, "quarantine", NULL, "the health service: %s", h->error);
}

static int on_ended(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct vsw_health *h = arg;
	siginfo_t how = {0};

	waitid(P_PIDFD, (id_t)h->pidfd, &how, WEXITED | WNOHANG);
	forget_process(h);
	snprintf(h->error, sizeof(h->error), PROGRAM " ended with %s %d",
		 how.si_code == CLD_EXITED ? "status" : "signal", how.si_status);
	if (vsw_now_ms() - h->started_ms > STEADY_MS)
		h->wait_ms = 0;
	try_later(h);
	vsw_daemon_kick(h->d);
	return 0;
}

static int on_asked(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	static uint8_t question[NAP_ASK_MAX], answer[sizeof(struct nap_told) + NAP_TOLD_MAX];
	struct vsw_health *h = arg;

	for (unsigned int i = 0; i < ASKS_AT_ONCE; i++) {
		ssize_t n = recv(fd, question, sizeof(question), MSG_DONTWAIT);
		struct nap_told told = {.magic = NAP_ASK_MAGIC, .status = 400};
		const uint8_t *body;
		struct nap_ask ask;

		if (n <= 0)
			break;
		h->n_asked++;
		if (!nap_ask_parse(question, (size_t)n, &ask, &body)) {
			/* not our process any more, whatever it is */
			pidfd_send_signal(h->pidfd, SIGKILL, NULL, 0);
			break;
		}
		vsw_health_answer(h->d, &ask, body, &told, answer + sizeof(told));
		memcpy(answer, &told, sizeof(told));
		if (send(fd, answer, sizeof(told) + told.size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break; /* it will be ended, or has */
	}
	return 0;
}

/* Statements of health in DHCP: from the switch's own thread, about ports. */
static int on_heard(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	static struct {
		struct vsw_heard_note note;
		uint8_t bytes[NAP_SOH_SIZE_MAX];
	} said;
	struct vsw_health *h = arg;

	for (unsigned int i = 0; i < ASKS_AT_ONCE; i++) {
		ssize_t n = recv(fd, &said, sizeof(said), MSG_DONTWAIT);
		const ssize_t head = offsetof(typeof(said), bytes);
		uint8_t answer[VSW_HEAR_ANSWER];
		size_t size;

		if (n < head || said.note.size > n - head)
			break;
		size = vsw_health_heard(h->d, said.note.ticket, said.note.foreign, said.bytes,
					said.note.size, answer, sizeof(answer));
		said.note.size = (uint16_t)size;
		memcpy(said.bytes, answer, size);
		/* who cannot be told does without: leases do not wait */
		if (send(fd, &said, (size_t)head + size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
	}
	return 0;
}

static int watch(struct vsw_health *h)
{
	int r;

	h->pidfd = pidfd_open(h->pid, 0);
	if (h->pidfd < 0)
		return -errno;
	fcntl(h->pidfd, F_SETFD, FD_CLOEXEC);
	r = sd_event_add_io(h->d->event, &h->ended, h->pidfd, EPOLLIN, on_ended, h);
	if (r >= 0)
		r = sd_event_add_io(h->d->event, &h->asked, h->fd, EPOLLIN, on_asked, h);
	return r < 0 ? r : 0;
}

static int start(struct vsw_health *h)
{
	const struct passwd *who = getpwnam(USER);
	struct starting s = {.fds = {-1, -1, -1, -1, -1}};
	int pair[2] = {-1, -1}, r = 0;

	if (!find_program(s.path, sizeof(s.path)))
		return -ENOENT;
	if (!who)
		who = getpwnam(USER_INSTEAD);
	s.uid = who ? who->pw_uid : 65534;
	s.gid = who ? who->pw_gid : 65534;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	*fd_at(&s, PORTAL_FD_DAEMON) = pair[1];
	r = vsw_netns_run(vsw_portal_netns(h->portal), start_here, &s);
	for (int i = 0; i < PORTAL_N_FDS - PORTAL_FD_DAEMON; i++)
		if (s.fds[i] >= 0)
			close(s.fds[i]);
	if (r < 0) {
		close(pair[0]);
		return r;
	}
	h->fd = pair[0];
	h->pid = s.pid;
	h->started_ms = vsw_now_ms();
	h->n_starts++;
	h->error[0] = '\0';
	return watch(h);
}

static void stop(struct vsw_health *h)
{
	pid_t pid = h->pid;

	if (pid)
		pidfd_send_signal(h->pidfd, SIGKILL, NULL, 0); /* it keeps nothing */
	forget_process(h);
	if (pid)
		waitpid(pid, NULL, 0);
}

/* ---- from outside ---- */

static struct vsw_health *make(struct vsw_daemon *d)
{
	struct vsw_health *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->d = d;
	h->pidfd = h->fd = -1;
	return h;
}

static void close_all(struct vsw_health *h)
{
	stop(h);
	h->heard = sd_event_source_disable_unref(h->heard);
	vsw_portal_close(h->portal);
	h->portal = NULL;
	h->wait_ms = 0;
	h->retry_at_ms = 0;
	h->error[0] = '\0';
}

static int open_portal(struct vsw_daemon *d, struct vsw_health *h, struct vd_err *reterr)
{
	int r = vsw_portal_open(d->dp, &h->portal, reterr);

	if (r == 0)
		r = sd_event_add_io(d->event, &h->heard, vsw_portal_heard(h->portal), EPOLLIN,
				    on_heard, h);
	return r < 0 ? r : 0;
}

void vsw_health_sync(struct vsw_daemon *d)
{
	bool wanted = vsw_nap_policy(d->nap) != NULL;
	struct vsw_health *h = d->health;
	struct vd_err err = {0};
	int r = 0;

	if (!h && wanted)
		h = d->health = make(d);
	if (!h)
		return;
	if (!wanted) {
		if (h->portal)
			close_all(h);
		return;
	}
	if (h->pid || vsw_now_ms() < h->retry_at_ms)
		return;
	if (!h->portal)
		r = open_portal(d, h, &err);
	if (r == 0)
		r = start(h);
	if (r < 0) {
		forget_process(h);
		snprintf(h->error, sizeof(h->error), "%.190s",
			 err.message[0] ? err.message
			 : r == -ENOENT ? PROGRAM " is not installed"
					: strerror(-r));
		try_later(h);
	}
}

uint64_t vsw_health_next(const struct vsw_health *h)
{
	return h && h->portal && !h->pid ? h->retry_at_ms : NAP_NEVER;
}

void vsw_health_destroy(struct vsw_health *h)
{
	if (!h)
		return;
	close_all(h);
	free(h);
}

json_t *vsw_health_status(const struct vsw_health *h)
{
	struct vsw_portal_stats s = {0};

	if (!h || (!h->portal && !h->error[0]))
		return json_pack("{s:s}", "state", "off");
	if (h->portal)
		vsw_portal_stats_get(h->portal, &s);
	return json_pack("{s:s, s:i, s:i, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "state",
			 h->pid ? "running" : "waiting", "pid", (int)h->pid, "starts",
			 (int)h->n_starts, "error",
			 h->error[0] ? json_string(h->error) : json_null(), "asked",
			 (json_int_t)h->n_asked, "packets_in", (json_int_t)s.in, "packets_out",
			 (json_int_t)s.out, "answers", (json_int_t)s.answers, "heard",
			 (json_int_t)s.heard, "amended", (json_int_t)s.amended, "refused",
			 (json_int_t)s.refused, "full", (json_int_t)s.full);
}
