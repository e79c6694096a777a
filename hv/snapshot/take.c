/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a snapshot's file. */
#include "hv/snapshot/take.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "hv/daemon.h"
#include "hv/layout.h"
#include "hv/snapshot/chain.h"
#include "hv/snapshot/wire.h"

#define ROUNDS_MAX 12u   /* through what the guest writes while it runs */
#define FEW_PAGES  256u  /* then it is stopped */
#define ANSWER_S   30    /* for a worker */
#define HELD_SLACK 4096u /* pages more than expected that fit into memory */
#define RUN_SIZE   (HV_SNAP_RUN_MAX * HV_PAGE_SIZE)

struct job {
	const struct hv_take *t;
	struct hv_taken *res;
	int sock, fd, mem_fd, state_fd; /* -1: none */
	char new_path[PATH_MAX];
	struct hv_ctl_reply info;
	struct hv_snap_head head;
	uint64_t *todo; /* shared with the worker */
	uint64_t n_pages, written;
	/* memory from where it was looked at: a hole, then data */
	off_t hole_from, data_from, data_to;
	bool skip_zero; /* pages that no file names are zero */
	uint8_t *run;   /* one run of pages */
	/* pages copied while the guest stood still: their bytes, and which they are */
	uint8_t *held;
	uint64_t held_room, n_held; /* pages */
	uint64_t *held_page;
};

static int failed(struct vd_err *err, int r, const char *what)
{
	return vd_err_set(err, r, VD_E_VM_SNAPSHOT, "vm/snapshot",
			  r == -ENOSPC ? "free some room, or choose another file system" : NULL,
			  "%s: %s", what, strerror(-r));
}

/* ---- asking the worker ---- */

static int dial(struct job *j, struct vd_err *err)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = ANSWER_S};
	int n = j->t->control ? snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", j->t->control)
			      : snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/%s.sock", HV_CTL_DIR,
					 j->t->vm);

	if (n < 0 || (size_t)n >= sizeof(sa.sun_path))
		return vd_err_set(err, -ENAMETOOLONG, VD_E_USAGE, NULL, NULL,
				  "the path of the control socket is too long");
	j->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (j->sock < 0)
		return failed(err, -errno, "no socket");
	setsockopt(j->sock, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (connect(j->sock, (struct sockaddr *)&sa, sizeof(sa))) {
		int r = -errno;

		return vd_err_set(err, r, r == -EACCES ? VD_E_PERMISSION : VD_E_UNREACHABLE, "vm",
				  "the VM must run, with this name (viridian-vm run --name), and "
				  "you must be root or its user",
				  "no VM listens on %s: %s", sa.sun_path, strerror(-r));
	}
	return 0;
}

static int take_reply(int sock, struct hv_ctl_reply *a, int fds[2])
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(2 * sizeof(int))];
	} u;
	struct iovec iov = {a, sizeof(*a)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = u.buf,
			   .msg_controllen = sizeof(u.buf)};
	ssize_t n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);

	fds[0] = fds[1] = -1;
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	if (n == 0)
		return -ECONNRESET;
	return n == (ssize_t)sizeof(*a) && a->magic == HV_CTL_MAGIC ? 0 : -EPROTO;
}

/* The caller closes @fds. */
static int ask(struct job *j, enum hv_ctl_type type, uint32_t flags, struct hv_ctl_reply *a,
	       int fds[2], struct vd_err *err)
{
	struct hv_ctl_request q = {.magic = HV_CTL_MAGIC, .type = type, .flags = flags};
	int r = 0;

	memcpy(q.id, j->head.id, sizeof(q.id));
	if (send(j->sock, &q, sizeof(q), MSG_NOSIGNAL) != (ssize_t)sizeof(q))
		r = -errno;
	if (!r)
		r = take_reply(j->sock, a, fds);
	if (r)
		return vd_err_set(err, r, VD_E_UNREACHABLE, "vm", "see its log",
				  r == -EPROTO ? "the VM is of another release"
					       : "the VM does not answer: %s",
				  strerror(-r));
	a->text[sizeof(a->text) - 1] = 0;
	if (a->status)
		return vd_err_set(err, -(int)a->status, VD_E_VM_SNAPSHOT, "vm",
				  a->status == EAGAIN ? "try again" : NULL, "%s", a->text);
	return 0;
}

static int command(struct job *j, enum hv_ctl_type type, uint32_t flags, struct hv_ctl_reply *a,
		   struct vd_err *err)
{
	int fds[2], r = ask(j, type, flags, a, fds, err);

	for (unsigned int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return r;
}

static int get_acquainted(struct job *j, struct vd_err *err)
{
	int fds[2] = {-1, -1}, r = ask(j, HV_CTL_INFO, 0, &j->info, fds, err);
	void *p = MAP_FAILED;

	j->mem_fd = fds[0];
	if (!r) {
		j->n_pages = j->info.head.memory_size / HV_PAGE_SIZE;
		p = mmap(NULL, j->n_pages / 8, PROT_READ | PROT_WRITE, MAP_SHARED, fds[1], 0);
		if (p == MAP_FAILED)
			r = failed(err, -errno, "the VM's pages cannot be seen");
		else
			j->todo = p;
	}
	if (fds[1] >= 0)
		close(fds[1]);
	return r;
}

/* ---- writing ---- */

static int write_all(struct job *j, struct iovec *v, int n, struct vd_err *err)
{
	while (n) {
		ssize_t k = writev(j->fd, v, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return failed(err, -errno, "the snapshot cannot be written");
		j->written += (uint64_t)k;
		for (; n && (size_t)k >= v->iov_len; v++, n--)
			k -= (ssize_t)v->iov_len;
		if (n) {
			v->iov_base = (uint8_t *)v->iov_base + k;
			v->iov_len -= (size_t)k;
		}
	}
	return 0;
}

static int put(struct job *j, enum hv_snap_type type, uint32_t index, uint64_t arg,
	       const void *payload, uint64_t size, struct vd_err *err)
{
	struct hv_snap_rec rec = hv_snap_rec(type, index, arg, payload, size);
	struct iovec v[2] = {{&rec, sizeof(rec)}, {(void *)payload, size}};

	return write_all(j, v, size ? 2 : 1, err);
}

static bool is_zero(const uint8_t *page)
{
	const uint64_t *w = (const uint64_t *)page;

	return !w[0] && !memcmp(page, page + 8, HV_PAGE_SIZE - 8);
}

/* @n pages from @first on, in pieces that are zero and pieces that are not. */
static int put_pages(struct job *j, uint64_t first, const uint8_t *data, uint32_t n,
		     struct vd_err *err)
{
	uint32_t from = 0, to;
	int r = 0;

	while (from < n && !r) {
		bool zero = is_zero(data + (size_t)from * HV_PAGE_SIZE);

		for (to = from + 1; to < n && is_zero(data + (size_t)to * HV_PAGE_SIZE) == zero;
		     to++)
			;
		j->res->pages += to - from;
		if (!zero)
			r = put(j, HV_SNAP_MEM, to - from, first + from,
				data + (size_t)from * HV_PAGE_SIZE,
				(uint64_t)(to - from) * HV_PAGE_SIZE, err);
		else if (!j->skip_zero)
			r = put(j, HV_SNAP_ZERO, to - from, first + from, NULL, 0, err);
		from = to;
	}
	return r;
}

static int read_memory(struct job *j, uint64_t page, uint8_t *dst, uint32_t n, struct vd_err *err)
{
	size_t size = (size_t)n * HV_PAGE_SIZE;
	off_t at = (off_t)(page * HV_PAGE_SIZE);

	while (size) {
		ssize_t k = pread(j->mem_fd, dst, size, at);

		if (k <= 0)
			return failed(err, k ? -errno : -EIO, "the VM's memory cannot be read");
		dst += k;
		at += k;
		size -= (size_t)k;
	}
	return 0;
}

/* Does memory have anything at @page? Holes are not read: reading would fill them. */
static bool is_hole(struct job *j, uint64_t page)
{
	off_t at = (off_t)(page * HV_PAGE_SIZE);

	if (at < j->hole_from || at >= j->data_to) {
		j->hole_from = at;
		j->data_from = lseek(j->mem_fd, at, SEEK_DATA);
		if (j->data_from < 0)
			j->data_from = (off_t)(j->n_pages * HV_PAGE_SIZE); /* none behind it */
		j->data_to = lseek(j->mem_fd, j->data_from, SEEK_HOLE);
		if (j->data_to < j->data_from)
			j->data_to = (off_t)(j->n_pages * HV_PAGE_SIZE);
	}
	return at < j->data_from;
}

static int hold(struct job *j, uint64_t page, uint32_t n, struct vd_err *err)
{
	int r = read_memory(j, page, j->held + j->n_held * HV_PAGE_SIZE, n, err);

	for (uint32_t i = 0; i < n && !r; i++)
		j->held_page[j->n_held++] = page + i;
	return r;
}

/* A run of pages that were to be copied: all holes, or none. */
static int copy_run(struct job *j, uint64_t page, uint32_t n, bool hole, bool still,
		    struct vd_err *err)
{
	int r;

	if (hole) {
		j->res->pages += n;
		return j->skip_zero ? 0 : put(j, HV_SNAP_ZERO, n, page, NULL, 0, err);
	}
	if (still && j->n_held + n <= j->held_room)
		return hold(j, page, n, err);
	r = read_memory(j, page, j->run, n, err);
	return r ? r : put_pages(j, page, j->run, n, err);
}

/* Copy every page whose bit is set, and clear the bit before. */
static int copy_todo(struct job *j, bool still, struct vd_err *err)
{
	uint64_t first = 0, w, bits;
	bool hole = false;
	uint32_t n = 0;
	int r = 0;

	j->hole_from = j->data_from = j->data_to = 0;
	for (w = 0; w < j->n_pages / 64 && !r; w++) {
		if (!__atomic_load_n(&j->todo[w], __ATOMIC_RELAXED))
			continue;
		bits = __atomic_exchange_n(&j->todo[w], 0, __ATOMIC_ACQ_REL);
		for (; bits && !r; bits &= bits - 1) {
			uint64_t page = w * 64 + (uint64_t)__builtin_ctzll(bits);
			bool h = is_hole(j, page);

			j->res->last_pages += still;
			if (n && page == first + n && h == hole && n < HV_SNAP_RUN_MAX) {
				n++;
				continue;
			}
			if (n)
				r = copy_run(j, first, n, hole, still, err);
			first = page;
			hole = h;
			n = 1;
		}
	}
	return n && !r ? copy_run(j, first, n, hole, still, err) : r;
}

/* ---- the file ---- */

static int pick_parent(struct job *j, struct vd_err *err)
{
	const struct hv_chain_file *chain[HV_SNAP_MAX], *parent;
	struct hv_chain_file *files;
	unsigned int n, k, of_vm = 0;
	static const uint8_t none[HV_SNAP_ID_SIZE];
	char folder[PATH_MAX / 2];
	int r;

	hv_chain_folder(j->t->path, folder, sizeof(folder));
	r = hv_chain_scan(folder, &files, &n, err);
	if (r)
		return r;
	for (unsigned int i = 0; i < n; i++)
		of_vm += !strcmp(files[i].head.vm, j->info.head.vm);
	if (of_vm >= HV_SNAP_MAX)
		r = vd_err_set(err, -ENOSPC, VD_E_VM_SNAPSHOT, "vm/snapshot",
			       "delete some that nothing stands on, or use another folder",
			       "%s holds %u snapshots of %s, which is as many as there may be",
			       folder, of_vm, j->info.head.vm);
	/* changes are worth something only where all that they change is at hand */
	parent = r || j->t->full || !memcmp(j->info.last, none, sizeof(none))
			 ? NULL
			 : hv_chain_find(files, n, j->info.last);
	if (parent && !hv_chain_follow(files, n, &parent->head, chain, &k, NULL) &&
	    k + 1 < HV_SNAP_MAX && parent->head.memory_size == j->info.head.memory_size) {
		memcpy(j->head.parent, parent->head.id, HV_SNAP_ID_SIZE);
		j->res->incremental = true;
	}
	free(files);
	return r;
}

/*
 * What a snapshot that was killed left behind: gone afterwards, if it is a file of ours that nobody has locked.
 * 0; -EBUSY somebody writes it; -EEXIST it is something else.
 */
static int remove_stale(const char *path)
{
	int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), r = 0;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 0 : -EEXIST;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid())
		r = -EEXIST;
	else if (flock(fd, LOCK_EX | LOCK_NB))
		r = -EBUSY;
	else if (!st.st_nlink || unlink(path))
		r = -EBUSY; /* it has got its name just now, or goes away */
	close(fd);
	return r;
}

/* The file that becomes the snapshot, locked as long as it is written. Sets j->fd. */
static int open_new(struct job *j)
{
	struct stat st;
	int r;

	for (unsigned int i = 0; i < 3; i++) {
		/* what is in a guest's memory is nobody else's business */
		j->fd = open(j->new_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (j->fd < 0 && errno != EEXIST)
			return -errno;
		if (j->fd < 0) {
			r = remove_stale(j->new_path);
			if (r)
				return r;
			continue;
		}
		/* somebody may have taken it for a stale one before it was locked */
		if (!flock(j->fd, LOCK_EX | LOCK_NB) && !fstat(j->fd, &st) && st.st_nlink)
			return 0;
		close(j->fd);
		j->fd = -1;
	}
	return -EBUSY;
}

static int create_file(struct job *j, struct vd_err *err)
{
	struct iovec v = {&j->head, sizeof(j->head)};
	struct timespec now;
	int r;

	if ((size_t)snprintf(j->new_path, sizeof(j->new_path), "%s.new", j->t->path) >=
	    sizeof(j->new_path))
		return failed(err, -ENAMETOOLONG, j->t->path);
	if (access(j->t->path, F_OK) == 0)
		return vd_err_set(err, -EEXIST, VD_E_VM_SNAPSHOT, "vm/snapshot",
				  "choose another name", "%s is there already", j->t->path);
	r = open_new(j);
	if (r)
		return vd_err_set(err, r, VD_E_VM_SNAPSHOT, "vm/snapshot",
				  r == -EBUSY    ? "wait for it, or choose another name"
				  : r == -EEXIST ? "remove it, or choose another name"
						 : NULL,
				  "%s cannot be made: %s", j->new_path,
				  r == -EBUSY ? "another snapshot is writing it" : strerror(-r));
	clock_gettime(CLOCK_REALTIME, &now);
	j->head.created_s = (uint64_t)now.tv_sec;
	hv_snap_seal_head(&j->head);
	return write_all(j, &v, 1, err);
}

/* The ports' policy, as viridiand has it. A VM without viridiand can be saved all the same. */
static int put_ports(struct job *j, struct vd_err *err)
{
	int r = 0;

	for (unsigned int i = 0; i < j->info.head.n_nics && !r; i++) {
		struct vd_err why = {0};
		char *text = NULL;

		j->info.port[i][sizeof(j->info.port[i]) - 1] = 0;
		if (j->info.port[i][0] == '/' ||
		    hv_daemon_port_export(j->t->daemon, j->info.port[i], &text, &why)) {
			snprintf(j->res->warning, sizeof(j->res->warning),
				 "without the settings of port %.40s: %.120s", j->info.port[i],
				 why.message[0] ? why.message : "it is known by its path only");
			continue;
		}
		r = put(j, HV_SNAP_PORT, i, 0, text, strlen(text), err);
		free(text);
	}
	return r;
}

static int begin(struct job *j, struct vd_err *err)
{
	struct hv_ctl_reply a;
	int r;

	j->head = j->info.head;
	if (getrandom(j->head.id, sizeof(j->head.id), 0) != (ssize_t)sizeof(j->head.id))
		return failed(err, -EIO, "no random number");
	r = pick_parent(j, err);
	if (!r)
		r = create_file(j, err);
	if (!r)
		r = put_ports(j, err);
	if (!r)
		r = command(j, HV_CTL_BEGIN, j->res->incremental ? 0 : HV_CTL_F_FULL, &a, err);
	if (!r)
		j->info.n_foreign = a.n_foreign;
	return r;
}

/* Copy until little is left, or until that does not get less. */
static int copy_running(struct job *j, uint64_t *left, struct vd_err *err)
{
	uint64_t before = UINT64_MAX;
	struct hv_ctl_reply a;
	int r = 0;

	j->skip_zero = !j->res->incremental;
	do {
		r = copy_todo(j, false, err);
		j->skip_zero = false;
		if (!r)
			r = command(j, HV_CTL_ROUND, 0, &a, err);
		if (r)
			return r;
		*left = a.value;
		if (++j->res->rounds >= 3 && *left >= before)
			break;
		before = *left;
	} while (*left > FEW_PAGES && j->res->rounds < ROUNDS_MAX);
	/* what is left for later shall be all that must be written later */
	return fdatasync(j->fd) ? failed(err, -errno, "the snapshot cannot be written") : 0;
}

static int make_room(struct job *j, uint64_t pages, struct vd_err *err)
{
	void *p = mmap(NULL, pages * (HV_PAGE_SIZE + sizeof(uint64_t)), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		return failed(err, -errno, "no memory for the last pages");
	j->held = p;
	j->held_room = pages;
	j->held_page = (uint64_t *)(j->held + pages * HV_PAGE_SIZE);
	return 0;
}

static int put_held(struct job *j, struct vd_err *err)
{
	int r = 0;

	for (uint64_t i = 0, n; i < j->n_held && !r; i += n) {
		for (n = 1; i + n < j->n_held && n < HV_SNAP_RUN_MAX &&
			    j->held_page[i + n] == j->held_page[i] + n;
		     n++)
			;
		r = put_pages(j, j->held_page[i], j->held + i * HV_PAGE_SIZE, (uint32_t)n, err);
	}
	return r;
}

static int put_state(struct job *j, const void *state, uint64_t size, struct vd_err *err)
{
	struct iovec v = {(void *)state, size};

	return write_all(j, &v, 1, err);
}

static int copy_still(struct job *j, uint64_t left, struct vd_err *err)
{
	struct hv_ctl_reply a;
	int fds[2] = {-1, -1}, r;
	void *state = NULL;
	uint64_t size = 0;

	r = make_room(j, left + j->info.n_foreign + HELD_SLACK, err);
	if (!r)
		r = ask(j, HV_CTL_PAUSE, 0, &a, fds, err);
	j->state_fd = fds[0];
	if (!r) {
		size = a.value2;
		state = malloc(size ? size : 1);
		if (!state || pread(j->state_fd, state, size, 0) != (ssize_t)size)
			r = failed(err, -EIO, "the VM's state cannot be read");
	}
	if (!r)
		r = copy_todo(j, true, err);
	if (!r && !j->t->stop) {
		r = command(j, HV_CTL_RESUME, 0, &a, err);
		j->res->pause_us = a.value;
	}
	if (!r)
		r = put_held(j, err);
	if (!r)
		r = put_state(j, state, size, err);
	free(state);
	return r;
}

static int sync_folder(const char *path)
{
	char folder[PATH_MAX / 2];
	int fd, r;

	hv_chain_folder(path, folder, sizeof(folder));
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fsync(fd) ? -errno : 0;
	close(fd);
	return r;
}

static int finish(struct job *j, struct vd_err *err)
{
	struct hv_ctl_reply a;
	int r = put(j, HV_SNAP_END, 0, j->written + sizeof(struct hv_snap_rec), NULL, 0, err);

	j->res->file_size = j->written;
	if (!r && fsync(j->fd))
		r = failed(err, -errno, "the snapshot cannot be written");
	if (!r && rename(j->new_path, j->t->path))
		r = failed(err, -errno, "the snapshot cannot get its name");
	if (r)
		return r;
	j->new_path[0] = 0;
	r = sync_folder(j->t->path);
	if (r)
		return failed(err, r, "the snapshot's folder");
	r = command(j, HV_CTL_COMMIT, 0, &a, err);
	return r || !j->t->stop ? r : command(j, HV_CTL_STOP, 0, &a, err);
}

static void clean_up(struct job *j)
{
	int fds[] = {j->sock, j->fd, j->mem_fd, j->state_fd};

	if (j->fd >= 0 && j->new_path[0])
		unlink(j->new_path); /* while it is locked: afterwards it could be another's */
	for (unsigned int i = 0; i < 4; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (j->todo)
		munmap(j->todo, j->n_pages / 8);
	if (j->held)
		munmap(j->held, j->held_room * (HV_PAGE_SIZE + sizeof(uint64_t)));
	free(j->run);
	free(j);
}

int hv_take(const struct hv_take *t, struct hv_taken *ret, struct vd_err *err)
{
	struct job *j = calloc(1, sizeof(*j));
	uint64_t left = 0;
	int r;

	if (!j)
		return failed(err, -ENOMEM, "no memory");
	*ret = (struct hv_taken){0};
	j->t = t;
	j->res = ret;
	j->sock = j->fd = j->mem_fd = j->state_fd = -1;
	j->run = aligned_alloc(HV_PAGE_SIZE, RUN_SIZE);
	r = j->run ? dial(j, err) : failed(err, -ENOMEM, "no memory");
	if (!r)
		r = get_acquainted(j, err);
	if (!r)
		r = begin(j, err);
	if (!r)
		r = copy_running(j, &left, err);
	if (!r)
		r = copy_still(j, left, err);
	if (!r)
		r = finish(j, err);
	clean_up(j);
	return r;
}
