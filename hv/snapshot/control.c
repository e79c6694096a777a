/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Serving the control socket. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "hv/machine.h"
#include "hv/snapshot/save.h"
#include "hv/snapshot/wire.h"

#define PAGE_BYTES 4096u

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* ---- listening ---- */

/* Memory for the records of the state: the guest must not wait for it later. */
static int make_state(struct hv_control *c, struct hv_machine *m)
{
	void *p;

	c->state_size = (hv_save_state_max(m) + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
	c->state_fd = memfd_create("viridian-vm-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (c->state_fd < 0 || ftruncate(c->state_fd, (off_t)c->state_size) ||
	    fcntl(c->state_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	p = mmap(NULL, c->state_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
		 c->state_fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	c->state = p;
	return 0;
}

int hv_control_init(struct hv_control *c, struct hv_machine *m, const char *path,
		    struct vd_err *err)
{
	char own[128] = "";
	int r;

	*c = (struct hv_control){.socket.fd = -1, .conn_fd = -1, .state_fd = -1};
	r = hv_dirty_init(&c->dirty, &m->kvm, &m->ram, err);
	if (r)
		return r;
	r = make_state(c, m);
	if (r)
		return vd_err_set(err, r, VD_E_NO_MEMORY, "vm", NULL, "memory ran out");
	if (!path && !strchr(m->opt->name, '/') && m->opt->name[0] != '.') {
		(void)mkdir(HV_CTL_PARENT, 0755);
		(void)mkdir(HV_CTL_DIR, 0700);
		hv_socket_sweep(HV_CTL_DIR);
		snprintf(own, sizeof(own), "%s/%s.sock", HV_CTL_DIR, m->opt->name);
	}
	r = hv_socket_listen(&c->socket, path ? path : own);
	if (r && path)
		return vd_err_set(err, r, VD_E_DEVICE_OPEN, "vm/control",
				  r == -EADDRINUSE ? "another VM listens there: choose another path"
						   : NULL,
				  "cannot listen on %s: %s", path, strerror(-r));
	if (r)
		vd_log(LOG_INFO, "vm", m->opt->name,
		       "no snapshots of this VM: cannot listen on %s: %s", own, strerror(-r));
	return 0;
}

void hv_control_done(struct hv_control *c)
{
	int fds[] = {c->conn_fd, c->state_fd};

	hv_socket_done(&c->socket);
	for (unsigned int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (c->state)
		munmap(c->state, c->state_size);
	hv_dirty_done(&c->dirty);
	c->conn_fd = c->state_fd = -1;
	c->state = NULL;
}

int hv_control_fd(const struct hv_control *c)
{
	return c->conn_fd >= 0 ? c->conn_fd : c->socket.fd;
}

static void accept_one(struct hv_control *c)
{
	struct ucred who = {.uid = (uid_t)-1};
	socklen_t size = sizeof(who);
	int fd = accept4(c->socket.fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) ||
	    (who.uid != 0 && who.uid != geteuid())) {
		close(fd);
		return;
	}
	c->conn_fd = fd;
}

/* ---- answering ---- */

static void fill_head(const struct hv_machine *m, struct hv_snap_head *h)
{
	*h = (struct hv_snap_head){.memory_size = m->ram.size,
				   .n_cpus = m->opt->n_cpus,
				   .n_nics = m->n_nics,
				   .flags = (m->kvm.user_synic ? HV_SNAP_USER_SYNIC : 0) |
					    (m->pio.n_uarts > 1 ? HV_SNAP_SERIAL2 : 0)};
	snprintf(h->vm, sizeof(h->vm), "%s", m->opt->name);
}

static void fill_info(const struct hv_machine *m, struct hv_ctl_reply *a)
{
	fill_head(m, &a->head);
	for (unsigned int i = 0; i < m->n_nics; i++)
		snprintf(a->port[i], sizeof(a->port[i]), "%s", m->nic[i].port);
	if (m->control.dirty.known)
		memcpy(a->last, m->control.dirty.last, sizeof(a->last));
}

static int send_reply(int fd, const struct hv_ctl_reply *a, const int *fds, unsigned int n)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(2 * sizeof(int))];
	} u;
	struct iovec iov = {(void *)a, sizeof(*a)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n) {
		memset(&u, 0, sizeof(u));
		m.msg_control = u.buf;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		CMSG_FIRSTHDR(&m)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&m)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&m)->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), fds, n * sizeof(int));
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(*a) ? 0 : -errno;
}

const char *hv_control_check(const struct hv_ctl_request *r, size_t size)
{
	if (size != sizeof(*r) || r->magic != HV_CTL_MAGIC)
		return "this is not the protocol of this release";
	if (r->type < HV_CTL_INFO || r->type >= HV_CTL_TYPES)
		return "an unknown request";
	if (r->flags & ~(r->type == HV_CTL_BEGIN ? HV_CTL_F_FULL : 0u) || r->reserved)
		return "unknown flags";
	return NULL;
}

/* ---- a snapshot ---- */

struct session {
	struct hv_machine *m;
	uint64_t stopped_us; /* 0: the guest runs */
};

static int pause_guest(struct session *s, struct hv_ctl_reply *a, struct vd_err *err)
{
	struct hv_machine *m = s->m;
	uint64_t since = now_us();
	int64_t n = 0, size;
	int r = hv_save_pause(m, err);

	if (r)
		return r;
	s->stopped_us = since;
	size = hv_save_state(m, m->control.state, m->control.state_size, err);
	if (size >= 0)
		n = hv_dirty_stop(&m->control.dirty);
	if (size < 0)
		return (int)size;
	if (n < 0)
		return (int)n;
	a->value = (uint64_t)n;
	a->value2 = (uint64_t)size;
	return 0;
}

static void let_run(struct session *s, struct hv_ctl_reply *a)
{
	if (!s->stopped_us)
		return;
	hv_save_resume(s->m);
	if (a)
		a->value = now_us() - s->stopped_us;
	s->stopped_us = 0;
}

/* Return: 0 or negative errno; fds and *n_fds: what goes with the answer. */
static int serve(struct session *s, const struct hv_ctl_request *q, struct hv_ctl_reply *a,
		 int fds[2], unsigned int *n_fds, struct vd_err *err)
{
	struct hv_control *c = &s->m->control;
	int64_t n;
	int r;

	if (q->type > HV_CTL_BEGIN && q->type != HV_CTL_STOP && !c->dirty.under_way)
		return -ECANCELED;
	switch (q->type) {
	case HV_CTL_INFO:
		fds[0] = s->m->ram.memfd;
		fds[1] = c->dirty.todo_fd;
		*n_fds = 2;
		return 0;
	case HV_CTL_BEGIN:
		if (s->stopped_us)
			return -EBUSY;
		hv_dirty_abort(&c->dirty);
		r = hv_dirty_begin(&c->dirty, q->flags & HV_CTL_F_FULL);
		a->n_foreign = hv_dirty_n_foreign(&c->dirty);
		return r;
	case HV_CTL_ROUND:
		n = s->stopped_us ? -EBUSY : hv_dirty_round(&c->dirty);
		a->value = n > 0 ? (uint64_t)n : 0;
		return n < 0 ? (int)n : 0;
	case HV_CTL_PAUSE:
		fds[0] = c->state_fd;
		*n_fds = 1;
		return s->stopped_us ? -EBUSY : pause_guest(s, a, err);
	case HV_CTL_RESUME:
		let_run(s, a);
		return 0;
	case HV_CTL_COMMIT:
		hv_dirty_commit(&c->dirty, q->id);
		return 0;
	default:
		c->quit = true;
		return 0;
	}
}

/* One request. Return: false: the connection is over. */
static bool serve_one(struct session *s)
{
	struct hv_control *c = &s->m->control;
	struct hv_ctl_reply a = {.magic = HV_CTL_MAGIC};
	struct hv_ctl_request q;
	struct vd_err err = {0};
	unsigned int n_fds = 0;
	int fds[2] = {-1, -1}, r;
	ssize_t n = recv(c->conn_fd, &q, sizeof(q), MSG_DONTWAIT | MSG_TRUNC);
	const char *wrong;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0)
		return false;
	wrong = hv_control_check(&q, (size_t)n);
	a.type = wrong ? 0 : q.type;
	r = wrong ? -EPROTO : serve(s, &q, &a, fds, &n_fds, &err);
	fill_info(s->m, &a);
	a.status = (uint32_t)-r;
	if (r)
		snprintf(a.text, sizeof(a.text), "%s",
			 wrong            ? wrong
			 : err.message[0] ? err.message
					  : strerror(-r));
	return send_reply(c->conn_fd, &a, fds, r ? 0 : n_fds) == 0 && !wrong && !c->quit;
}

static void hang_up(struct session *s)
{
	struct hv_control *c = &s->m->control;

	if (s->stopped_us && !c->quit) {
		vd_log(LOG_WARNING, "vm", s->m->opt->name,
		       "a snapshot was given up while the guest stood still: it goes on");
		let_run(s, NULL);
	}
	hv_dirty_abort(&c->dirty);
	close(c->conn_fd);
	c->conn_fd = -1;
}

void hv_control_serve(struct hv_machine *m)
{
	struct hv_control *c = &m->control;
	struct session s = {.m = m};
	bool more;

	if (c->conn_fd < 0) {
		accept_one(c);
		return;
	}
	more = serve_one(&s);
	/* standing still: nothing else is looked at, but for signals */
	while (more && s.stopped_us) {
		struct pollfd p[2] = {{.fd = c->conn_fd, .events = POLLIN},
				      {.fd = m->signal_fd, .events = POLLIN}};
		int n = poll(p, 2, HV_CTL_PATIENCE_MS);

		if (n < 0 && errno == EINTR)
			continue;
		more = n > 0 && !p[1].revents && serve_one(&s);
	}
	if (!more)
		hang_up(&s);
}
