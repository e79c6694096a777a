/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VM worker's end of the socket: what the switch must know, and telling it (again). */
#include "vmbus-netvsp/link/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vmbus-netvsp/link/msg.h"
#include "vmbus-netvsp/netvsp.h"

#define RETRY_MS 50u
#define NO_SEQ   0xffffffffu /* of a request that could not be sent: no answer has it */

struct page_list {
	struct page_list *next;
	uint32_t id, n;
	uint32_t seq;  /* of the request under way; 0 none */
	bool deleting; /* seq is of a GPADL_DEL */
	bool known;    /* the bus was told that it was added */
	uint64_t pfns[];
};

struct chan {
	bool wanted;   /* open, or to be opened */
	bool acked;    /* the bus was told that it is open */
	bool closing;  /* a CLOSE is under way */
	uint32_t seq;  /* of OPEN or CLOSE */
	uint32_t tseq; /* of TARGET */
	struct nvsp_link_open open;
};

struct nvsp_link {
	struct nvsp_link_ops ops;
	void *ctx;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	struct nvsp_link_hello_wire hello;
	struct nvsp_link_range ranges[NVSP_LINK_RANGES_MAX];
	unsigned int n_ranges;
	int state_fd;
	void *state;
	struct page_list *lists;
	struct chan chan[NVSP_QUEUES_MAX];
	int fd;    /* -1: not connected */
	bool up;   /* greeted: everything was told */
	int error; /* of the last attempt */
	bool paused;
	uint32_t seq, hello_seq, setup_seq[2], resume_seq, pause_seq, continue_seq;
	uint32_t bye;
	char bye_text[NVSP_LINK_TEXT_SIZE];
	uint64_t next_try_ms;
};

static int make_state(struct nvsp_link *l, const struct nvsp_link_cfg *cfg)
{
	l->state_fd = memfd_create("nvsp-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (l->state_fd < 0 || ftruncate(l->state_fd, NVSP_KEEP_SIZE) < 0 ||
	    fcntl(l->state_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		return -errno;
	l->state = mmap(NULL, NVSP_KEEP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, l->state_fd, 0);
	if (l->state == MAP_FAILED) {
		l->state = NULL;
		return -errno;
	}
	if (cfg->state)
		memcpy(l->state, cfg->state, cfg->state_size);
	return 0;
}

struct nvsp_link *nvsp_link_create(const struct nvsp_link_cfg *cfg, const struct nvsp_link_ops *ops,
				   void *ctx)
{
	struct nvsp_link *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return NULL;
	l->ops = *ops;
	l->ctx = ctx;
	l->fd = l->state_fd = -1;
	l->error = -ENOTCONN;
	r = snprintf(l->path, sizeof(l->path), "%s", cfg->path);
	if (r < 0 || (size_t)r >= sizeof(l->path) || !cfg->n_ranges ||
	    cfg->n_ranges > NVSP_LINK_RANGES_MAX ||
	    (cfg->state && cfg->state_size > NVSP_KEEP_SIZE))
		r = -EINVAL;
	else
		r = make_state(l, cfg);
	if (r < 0) {
		nvsp_link_destroy(l);
		errno = -r;
		return NULL;
	}
	memcpy(l->hello.vm_uuid, cfg->vm_uuid, sizeof(l->hello.vm_uuid));
	l->hello.version = NVSP_LINK_VERSION;
	snprintf(l->hello.vm_name, sizeof(l->hello.vm_name), "%s",
		 cfg->vm_name ? cfg->vm_name : "");
	memcpy(l->ranges, cfg->ranges, cfg->n_ranges * sizeof(l->ranges[0]));
	l->n_ranges = cfg->n_ranges;
	return l;
}

void nvsp_link_destroy(struct nvsp_link *l)
{
	struct page_list *g;

	if (!l)
		return;
	while ((g = l->lists)) {
		l->lists = g->next;
		free(g);
	}
	if (l->fd >= 0)
		close(l->fd);
	if (l->state)
		munmap(l->state, NVSP_KEEP_SIZE);
	if (l->state_fd >= 0)
		close(l->state_fd);
	free(l);
}

int nvsp_link_fd(const struct nvsp_link *l)
{
	return l->fd;
}

bool nvsp_link_is_up(const struct nvsp_link *l)
{
	if (!l->up || l->resume_seq)
		return false;
	for (unsigned int i = 0; i < NVSP_QUEUES_MAX; i++)
		if (l->chan[i].seq)
			return false;
	return true;
}

int nvsp_link_error(const struct nvsp_link *l)
{
	return l->fd >= 0 ? 0 : l->error;
}

int nvsp_link_timeout_ms(const struct nvsp_link *l, uint64_t now_ms)
{
	if (l->fd >= 0 || l->paused)
		return -1;
	return l->next_try_ms > now_ms ? (int)(l->next_try_ms - now_ms) : 0;
}

const void *nvsp_link_state(const struct nvsp_link *l, size_t *size)
{
	*size = NVSP_KEEP_SIZE;
	return l->state;
}

/* ---- sending ---- */

/*
 * Return: the sequence number; NO_SEQ: the connection is broken. It counts as lost when the switch
 * has closed its end: only then does it leave the guest's memory alone.
 */
static uint32_t send_msg(struct nvsp_link *l, enum nvsp_link_type type, void *msg, size_t size,
			 const int *fds, unsigned int n_fds)
{
	struct nvsp_link_hdr_wire *h = msg;
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(NVSP_LINK_FDS_MAX * sizeof(int))];
	} u;
	struct iovec iov = {msg, size};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

	if (++l->seq == NO_SEQ)
		l->seq = 1;
	*h = (struct nvsp_link_hdr_wire){type, 0, l->seq, (uint32_t)size};
	if (n_fds) {
		memset(&u, 0, sizeof(u));
		m.msg_control = u.buf;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		CMSG_FIRSTHDR(&m)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&m)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&m)->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), fds, n_fds * sizeof(int));
	}
	if (sendmsg(l->fd, &m, MSG_NOSIGNAL) != (ssize_t)size) {
		shutdown(l->fd, SHUT_WR);
		return NO_SEQ;
	}
	return l->seq;
}

static void send_gpadl(struct nvsp_link *l, struct page_list *g, enum nvsp_link_type type)
{
	uint32_t n = type == NVSP_LINK_GPADL_ADD ? g->n : 0;
	size_t size = sizeof(struct nvsp_link_gpadl_wire) + n * sizeof(g->pfns[0]);
	struct nvsp_link_gpadl_wire *m = calloc(1, size);

	if (!m) {
		shutdown(l->fd, SHUT_WR); /* tried again with the next connection */
		return;
	}
	m->id = g->id;
	m->n = n;
	memcpy(m + 1, g->pfns, n * sizeof(g->pfns[0]));
	g->deleting = type == NVSP_LINK_GPADL_DEL;
	g->seq = send_msg(l, type, m, size, NULL, 0);
	free(m);
}

static struct nvsp_link_target_wire wire_target(const struct nvsp_link_target *t)
{
	return (struct nvsp_link_target_wire){.flags_gpa = t->flags_gpa, .bit = t->bit};
}

static void send_open(struct nvsp_link *l, uint32_t index, bool resume)
{
	struct chan *c = &l->chan[index];
	struct nvsp_link_chan_wire m = {.index = index,
					.gpadl = c->open.gpadl,
					.downstream_page = c->open.downstream_page,
					.flags = resume ? NVSP_LINK_F_RESUME : 0,
					.target = wire_target(&c->open.target)};
	int fds[2] = {c->open.target.call_fd, c->open.kick_fd};

	c->seq = send_msg(l, NVSP_LINK_OPEN, &m, sizeof(m), fds, 2);
}

static uint32_t send_plain(struct nvsp_link *l, enum nvsp_link_type type)
{
	struct nvsp_link_hdr_wire m;

	return send_msg(l, type, &m, sizeof(m), NULL, 0);
}

static void send_setup(struct nvsp_link *l)
{
	struct {
		struct nvsp_link_mem_wire mem;
		struct nvsp_link_range_wire r[NVSP_LINK_RANGES_MAX];
	} m = {.mem.n = l->n_ranges};
	struct nvsp_link_state_wire s = {.size = NVSP_KEEP_SIZE};
	int fds[NVSP_LINK_RANGES_MAX];

	for (unsigned int i = 0; i < l->n_ranges; i++) {
		m.r[i] = (struct nvsp_link_range_wire){l->ranges[i].gpa, l->ranges[i].size,
						       l->ranges[i].offset};
		fds[i] = l->ranges[i].fd;
	}
	l->setup_seq[0] = send_msg(l, NVSP_LINK_MEM, &m,
				   sizeof(m.mem) + l->n_ranges * sizeof(m.r[0]), fds, l->n_ranges);
	l->setup_seq[1] = send_msg(l, NVSP_LINK_STATE, &s, sizeof(s), &l->state_fd, 1);
}

/* The notes are worth nothing when the guest was never told that its primary channel is open. */
static void wipe_state(struct nvsp_link *l)
{
	memset(l->state, 0, NVSP_KEEP_SIZE);
}

/* Greeted: tell everything. */
static void tell_all(struct nvsp_link *l)
{
	bool resume = l->chan[0].wanted && (l->chan[0].acked || l->chan[0].open.resume);

	if (!resume)
		wipe_state(l);
	send_setup(l);
	for (struct page_list *g = l->lists; g; g = g->next)
		send_gpadl(l, g, NVSP_LINK_GPADL_ADD);
	for (uint32_t i = 0; resume && i < NVSP_QUEUES_MAX; i++)
		if (l->chan[i].wanted && (l->chan[i].acked || l->chan[i].open.resume))
			send_open(l, i, true);
	if (resume)
		l->resume_seq = send_plain(l, NVSP_LINK_RESUME);
	for (uint32_t i = 0; i < NVSP_QUEUES_MAX; i++)
		if (l->chan[i].wanted && !(resume && (l->chan[i].acked || l->chan[i].open.resume)))
			send_open(l, i, false);
	l->up = true;
}

/* ---- connecting, and losing it ---- */

static void try_connect(struct nvsp_link *l, uint64_t now_ms)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = 5};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	l->next_try_ms = now_ms + RETRY_MS;
	memcpy(a.sun_path, l->path, sizeof(a.sun_path));
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		l->error = -errno;
		if (fd >= 0)
			close(fd);
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	l->fd = fd;
	l->bye = 0;
	l->bye_text[0] = 0;
	l->hello_seq = send_msg(l, NVSP_LINK_HELLO, &l->hello, sizeof(l->hello), NULL, 0);
}

/* Nobody touches the guest's memory any more: what waited for that is done. */
static void drop(struct nvsp_link *l, uint64_t now_ms)
{
	struct page_list **p = &l->lists, *g;

	close(l->fd);
	l->fd = -1;
	l->up = false;
	l->error = -ENOTCONN;
	l->hello_seq = l->resume_seq = l->setup_seq[0] = l->setup_seq[1] = 0;
	l->next_try_ms = now_ms + RETRY_MS;
	if (l->chan[0].closing)
		wipe_state(l);
	while ((g = *p)) {
		uint32_t id = g->id;

		g->seq = 0;
		if (!g->deleting) {
			p = &g->next;
			continue;
		}
		*p = g->next;
		free(g);
		l->ops.done(l->ctx, NVSP_LINK_GPADL_DEL, id, 0);
		p = &l->lists; /* the callback may have changed the list */
	}
	for (uint32_t i = 0; i < NVSP_QUEUES_MAX; i++) {
		struct chan *c = &l->chan[i];
		bool closing = c->closing, moving = c->tseq != 0;

		c->seq = c->tseq = 0;
		c->closing = false;
		if (closing)
			l->ops.done(l->ctx, NVSP_LINK_CLOSE, i, 0);
		if (moving)
			l->ops.done(l->ctx, NVSP_LINK_TARGET, i, 0);
	}
	if (l->pause_seq) {
		l->pause_seq = 0;
		l->ops.done(l->ctx, NVSP_LINK_PAUSE, 0, 0);
	}
	if (l->continue_seq) {
		l->continue_seq = 0;
		l->ops.done(l->ctx, NVSP_LINK_CONTINUE, 0, 0);
	}
	l->ops.down(l->ctx, l->bye, l->bye_text);
}

/* ---- what the switch says ---- */

/* It cannot go on: for the switch nothing is open, and the guest will hear so from the bus. */
static void refused(struct nvsp_link *l, const char *text)
{
	for (uint32_t i = 0; i < NVSP_QUEUES_MAX; i++)
		memset(&l->chan[i], 0, sizeof(l->chan[i]));
	l->resume_seq = 0;
	l->ops.refused(l->ctx, text);
}

static void on_gpadl(struct nvsp_link *l, const struct nvsp_link_answer_wire *a)
{
	struct page_list **p = &l->lists, *g;
	uint32_t id;
	bool added = a->hdr.type == NVSP_LINK_GPADL_ADD, first;

	while (*p && (*p)->seq != a->hdr.seq)
		p = &(*p)->next;
	g = *p;
	if (!g)
		return;
	g->seq = 0;
	id = g->id;
	first = !g->known;
	g->known = true;
	if (!added || (first && a->status)) {
		*p = g->next;
		free(g);
	}
	/* a list told again, and not taken: the RESUME behind it will be refused */
	if (!added || first)
		l->ops.done(l->ctx, a->hdr.type, id, -(int)a->status);
}

static void on_chan(struct nvsp_link *l, const struct nvsp_link_answer_wire *a)
{
	uint32_t type = a->hdr.type;
	bool again;

	for (uint32_t i = 0; i < NVSP_QUEUES_MAX; i++) {
		struct chan *c = &l->chan[i];

		if (type == NVSP_LINK_TARGET && c->tseq == a->hdr.seq) {
			c->tseq = 0;
			l->ops.done(l->ctx, type, i, -(int)a->status);
			return;
		}
		if (type == NVSP_LINK_TARGET || c->seq != a->hdr.seq)
			continue;
		c->seq = 0;
		again = c->acked;
		c->acked = type == NVSP_LINK_OPEN && (!a->status || again);
		if (type == NVSP_LINK_OPEN && a->status && !again)
			c->wanted = false;
		if (type == NVSP_LINK_CLOSE)
			c->closing = false;
		if (type == NVSP_LINK_CLOSE || !again)
			l->ops.done(l->ctx, type, i, -(int)a->status);
		return;
	}
}

static void on_reply(struct nvsp_link *l, const struct nvsp_link_answer_wire *a)
{
	uint32_t type = a->hdr.type, seq = a->hdr.seq;

	if (seq == l->hello_seq) {
		l->hello_seq = 0;
		if (a->status) {
			l->bye = NVSP_LINK_BYE_PROTOCOL;
			memcpy(l->bye_text, a->text, sizeof(l->bye_text));
			shutdown(l->fd, SHUT_WR);
			return;
		}
		l->ops.nic(l->ctx, &a->nic);
		tell_all(l);
	} else if (seq == l->setup_seq[0] || seq == l->setup_seq[1]) {
		if (a->status) { /* memory it cannot use: nothing will work, say so each time */
			l->bye = NVSP_LINK_BYE_PROTOCOL;
			memcpy(l->bye_text, a->text, sizeof(l->bye_text));
			shutdown(l->fd, SHUT_WR);
		}
	} else if (seq == l->resume_seq) {
		l->resume_seq = 0;
		if (a->status)
			refused(l, a->text);
	} else if (seq == l->pause_seq || seq == l->continue_seq) {
		*(seq == l->pause_seq ? &l->pause_seq : &l->continue_seq) = 0;
		l->ops.done(l->ctx, type, 0, -(int)a->status);
	} else if (type == NVSP_LINK_GPADL_ADD || type == NVSP_LINK_GPADL_DEL) {
		on_gpadl(l, a);
	} else {
		on_chan(l, a);
	}
}

static void on_event(struct nvsp_link *l, const struct nvsp_link_answer_wire *a)
{
	switch (a->hdr.type) {
	case NVSP_LINK_EV_SUBCHANNELS:
		l->ops.subchannels(l->ctx, a->count < NVSP_QUEUES_MAX ? a->count : 0);
		break;
	case NVSP_LINK_EV_FAULT:
		l->ops.fault(l->ctx, a->index, a->text);
		break;
	case NVSP_LINK_EV_NIC:
		l->ops.nic(l->ctx, &a->nic);
		break;
	case NVSP_LINK_EV_BYE:
		l->bye = a->status;
		memcpy(l->bye_text, a->text, sizeof(l->bye_text));
		break;
	default:
		break;
	}
}

void nvsp_link_run(struct nvsp_link *l, uint64_t now_ms)
{
	struct nvsp_link_answer_wire a;
	uint64_t buf[sizeof(a) / 8 + 1];
	ssize_t n;

	if (l->fd < 0 && !l->paused && now_ms >= l->next_try_ms)
		try_connect(l, now_ms);
	while (l->fd >= 0) {
		/* without a control buffer the kernel discards descriptors, which we never expect */
		n = recv(l->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			drop(l, now_ms);
			return;
		}
		if (nvsp_link_parse_answer(buf, (size_t)n, 0, &a))
			shutdown(l->fd, SHUT_WR);
		else if (a.hdr.flags & NVSP_LINK_REPLY)
			on_reply(l, &a);
		else
			on_event(l, &a);
	}
}

/* ---- what the bus asks ---- */

int nvsp_link_gpadl_add(struct nvsp_link *l, uint32_t id, const uint64_t *pfns, uint32_t n)
{
	struct page_list *g;

	if (!n || n > NVSP_LINK_PAGES_MAX)
		return -EINVAL;
	for (g = l->lists; g; g = g->next)
		if (g->id == id)
			return -EEXIST;
	g = calloc(1, sizeof(*g) + n * sizeof(g->pfns[0]));
	if (!g)
		return -ENOMEM;
	g->id = id;
	g->n = n;
	memcpy(g->pfns, pfns, n * sizeof(g->pfns[0]));
	g->next = l->lists;
	l->lists = g;
	if (l->up)
		send_gpadl(l, g, NVSP_LINK_GPADL_ADD);
	return -EINPROGRESS;
}

int nvsp_link_gpadl_del(struct nvsp_link *l, uint32_t id)
{
	struct page_list **p = &l->lists, *g;

	while (*p && (*p)->id != id)
		p = &(*p)->next;
	g = *p;
	if (!g)
		return -ENOENT;
	if (l->up) {
		send_gpadl(l, g, NVSP_LINK_GPADL_DEL);
		return -EINPROGRESS;
	}
	*p = g->next;
	free(g);
	return 0;
}

int nvsp_link_open(struct nvsp_link *l, uint32_t index, const struct nvsp_link_open *open)
{
	struct chan *c;

	if (index >= NVSP_QUEUES_MAX)
		return -EINVAL;
	c = &l->chan[index];
	if (c->wanted || c->closing)
		return -EBUSY;
	*c = (struct chan){.wanted = true, .open = *open};
	if (l->up)
		send_open(l, index, false);
	return -EINPROGRESS;
}

int nvsp_link_close(struct nvsp_link *l, uint32_t index)
{
	struct chan *c = index < NVSP_QUEUES_MAX ? &l->chan[index] : NULL;
	struct nvsp_link_chan_wire m = {.index = index};

	if (!c || !c->wanted)
		return 0;
	c->wanted = c->acked = false;
	if (l->up) {
		c->closing = true;
		c->seq = send_msg(l, NVSP_LINK_CLOSE, &m, sizeof(m), NULL, 0);
		return -EINPROGRESS;
	}
	if (!index)
		wipe_state(l);
	return 0;
}

bool nvsp_link_is_open(const struct nvsp_link *l, uint32_t index)
{
	return index < NVSP_QUEUES_MAX && l->chan[index].wanted && l->chan[index].acked;
}

int nvsp_link_target(struct nvsp_link *l, uint32_t index, const struct nvsp_link_target *target)
{
	struct chan *c = index < NVSP_QUEUES_MAX ? &l->chan[index] : NULL;
	struct nvsp_link_chan_wire m = {.index = index, .target = wire_target(target)};

	if (!c || !c->wanted)
		return -ENOENT;
	c->open.target = *target;
	if (!l->up)
		return 0;
	c->tseq = send_msg(l, NVSP_LINK_TARGET, &m, sizeof(m), &target->call_fd, 1);
	return -EINPROGRESS;
}

int nvsp_link_pause(struct nvsp_link *l)
{
	l->paused = true;
	if (!l->up && l->fd >= 0) {
		/* not greeted: the switch knows nothing yet, and shall not hear it now */
		close(l->fd);
		l->fd = -1;
		l->hello_seq = 0;
		l->error = -ENOTCONN;
	}
	if (!l->up)
		return 0;
	l->pause_seq = send_plain(l, NVSP_LINK_PAUSE);
	return -EINPROGRESS;
}

int nvsp_link_continue(struct nvsp_link *l)
{
	l->paused = false;
	if (!l->up)
		return 0;
	l->continue_seq = send_plain(l, NVSP_LINK_CONTINUE);
	return -EINPROGRESS;
}
