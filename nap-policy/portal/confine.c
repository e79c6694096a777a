/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the process can still do once it serves: see portal.h. */
#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "nap-policy/portal/portal.h"

#define MEMORY_MAX (512u << 20)

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Neither open nor socket, connect, exec, fork, ptrace; nothing that looks at other processes. */
static const int allowed[] = {
	SCMP_SYS(accept4),       SCMP_SYS(brk),
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(close),         SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),     SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_wait),    SCMP_SYS(exit),
	SCMP_SYS(exit_group),    SCMP_SYS(fcntl),
	SCMP_SYS(futex),         SCMP_SYS(getpeername),
	SCMP_SYS(getpid),        SCMP_SYS(getrandom),
	SCMP_SYS(getsockname),   SCMP_SYS(getsockopt),
	SCMP_SYS(gettimeofday),  SCMP_SYS(madvise),
	SCMP_SYS(mremap),        SCMP_SYS(munmap),
	SCMP_SYS(nanosleep),     SCMP_SYS(poll),
	SCMP_SYS(ppoll),         SCMP_SYS(read),
	SCMP_SYS(readv),         SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),       SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigaction),  SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),  SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),        SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),      SCMP_SYS(write),
	SCMP_SYS(writev),
};

static int filter(void)
{
	scmp_filter_ctx c = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = c ? 0 : -ENOMEM;

	for (unsigned int i = 0; r == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		r = seccomp_rule_add(c, SCMP_ACT_ALLOW, allowed[i], 0);
	/* memory, but never memory that can be run */
	if (r == 0)
		r = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, 4 /* PROT_EXEC */, 0));
	if (r == 0)
		r = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, 4, 0));
	/* libraries look at these, and live without an answer */
	if (r == 0)
		r = seccomp_rule_add(c, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(openat), 0);
	if (r == 0)
		r = seccomp_rule_add(c, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(newfstatat), 0);
	if (r == 0)
		r = seccomp_rule_add(c, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(fstat), 0);
	if (r == 0)
		r = seccomp_load(c);
	seccomp_release(c);
	return r;
}

static int limit(int what, rlim_t most)
{
	struct rlimit l = {most, most};

	return setrlimit(what, &l) < 0 ? -errno : 0;
}

int portal_confine(void)
{
	int r = 0;

	/* root here is a mistake of who started it */
	if (geteuid() == 0 || getuid() == 0)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	if (SANITIZED)
		return 0; /* a sanitizer needs the files of the process, and memory beyond measure */
	r = limit(RLIMIT_NPROC, 0);
	if (r == 0)
		r = limit(RLIMIT_FSIZE, 0);
	if (r == 0)
		r = limit(RLIMIT_CORE, 0);
	if (r == 0)
		r = limit(RLIMIT_NOFILE, PORTAL_CONNECTIONS + 128);
	if (r == 0)
		r = limit(RLIMIT_AS, MEMORY_MAX);
	return r < 0 ? r : filter();
}
