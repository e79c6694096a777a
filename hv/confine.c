/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The seccomp filter: a list of system calls, and two that are looked at more closely. Landlock for one more. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hv/confine.h"

#define N_SYSCALLS (sizeof(allowed) / sizeof(allowed[0]))
#define ARG(n)     (offsetof(struct seccomp_data, args) + 8 * (n))

static const unsigned short allowed[] = {
	SYS_ioctl,
	SYS_read,
	SYS_write,
	SYS_writev,
	SYS_poll,
	SYS_ppoll,
	SYS_futex,
	SYS_close,
	SYS_mmap,
	SYS_munmap,
	SYS_mprotect,
	SYS_mremap,
	SYS_madvise,
	SYS_brk,
	SYS_connect,
	SYS_sendmsg,
	SYS_sendto,
	SYS_recvmsg,
	SYS_recvfrom,
	SYS_setsockopt,
	SYS_getsockopt,
	SYS_accept4,
	SYS_geteuid,
	SYS_shutdown,
	SYS_eventfd2,
	SYS_fallocate,
	SYS_fstat,
	SYS_newfstatat,
	SYS_lseek,
	SYS_clone,
	SYS_clone3,
	SYS_set_robust_list,
	SYS_rseq,
	SYS_rt_sigprocmask,
	SYS_rt_sigaction,
	SYS_rt_sigreturn,
	SYS_tgkill,
	SYS_getpid,
	SYS_gettid,
	SYS_clock_gettime,
	SYS_clock_nanosleep,
	SYS_nanosleep,
	SYS_gettimeofday,
	SYS_time,
	SYS_restart_syscall,
	SYS_exit,
	SYS_exit_group,
	SYS_sched_yield,
	SYS_sched_getaffinity,
	SYS_getrandom,
	SYS_prctl,
	SYS_membarrier,
	SYS_unlink, /* stays the last: allowed only where Landlock says in which folder */
};

/* Jump targets count instructions that are skipped. */
static struct sock_filter load(unsigned int off)
{
	return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, off);
}

static struct sock_filter jump(unsigned short test, unsigned int v, size_t yes, size_t no)
{
	return (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, v, (unsigned char)yes,
					    (unsigned char)no);
}

static struct sock_filter verdict(unsigned int v)
{
	return (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, v);
}

/* From now on files can be removed in @folder, and nowhere else. */
static bool landlock(const char *folder)
{
	struct landlock_ruleset_attr rules = {.handled_access_fs = LANDLOCK_ACCESS_FS_REMOVE_DIR |
								   LANDLOCK_ACCESS_FS_REMOVE_FILE};
	struct landlock_path_beneath_attr beneath = {.allowed_access =
							     LANDLOCK_ACCESS_FS_REMOVE_FILE};
	long fd = syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
	bool done;

	if (fd < 0)
		return false;
	beneath.parent_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	done = beneath.parent_fd >= 0 &&
	       !syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) &&
	       !syscall(SYS_landlock_restrict_self, fd, 0);
	if (beneath.parent_fd >= 0)
		close(beneath.parent_fd);
	close((int)fd);
	return done;
}

int hv_confine(const char *folder)
{
	/* opening for writing in any form; the kernel image is read again when the guest reboots */
	const unsigned int writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
	struct sock_filter f[N_SYSCALLS + 16];
	struct sock_fprog prog = {.filter = f};
	size_t n = 0, n_allowed = N_SYSCALLS;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (!folder || !landlock(folder))
		n_allowed--;
	f[n++] = load(offsetof(struct seccomp_data, arch));
	f[n++] = jump(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0);
	f[n++] = verdict(SECCOMP_RET_KILL_PROCESS);
	f[n++] = load(offsetof(struct seccomp_data, nr));
	f[n++] = jump(BPF_JEQ, SYS_openat, 0, 3);
	f[n++] = load(ARG(2));
	f[n++] = jump(BPF_JSET, writing, 0, 1);
	f[n++] = verdict(SECCOMP_RET_ERRNO | EPERM);
	/* here: openat for reading has loaded its flags, or another call its number */
	f[n++] = load(offsetof(struct seccomp_data, nr));
	f[n++] = jump(BPF_JEQ, SYS_openat, n_allowed + 4, 0);
	f[n++] = jump(BPF_JEQ, SYS_socket, 0, 2);
	f[n++] = load(ARG(0));
	f[n++] = jump(BPF_JEQ, AF_UNIX, n_allowed + 1, n_allowed);
	for (size_t i = 0; i < n_allowed; i++)
		f[n++] = jump(BPF_JEQ, allowed[i], n_allowed - i, 0);
	f[n++] = verdict(SECCOMP_RET_ERRNO | EPERM);
	f[n++] = verdict(SECCOMP_RET_ALLOW);
	prog.len = (unsigned short)n;

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) ? -errno : 0;
}
