/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netvsp ports and their VM workers: one thread for all of them listens, takes requests, and tells
 * the workers what happened. Whatever a worker says has passed link/msg.h; what depends on state is
 * checked here. A worker that breaks the rules loses its connection, and nobody else notices.
 *
 * Taking memory away from the data plane is always the same: channels not live, a grace period,
 * then the change. Workers never take the lock of this file, so that waiting for them with it held
 * cannot deadlock.
 */
#include "vswitch/io/netvsp_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "vswitch/io/sockpath.h"

#define TICK_MS 1000

static struct {
	pthread_mutex_t lock; /* guards everything of every port but what is live */
	struct netvsp_port *ports;
	pthread_t thread;
	int epoll_fd, wake_fd;
	uint64_t next_id;
	bool stop;
	uint64_t buf[NVSP_LINK_SIZE_MAX / 8 + 1]; /* the thread's */
	struct nvsp_link_msg msg;
} server = {.lock = PTHREAD_MUTEX_INITIALIZER, .epoll_fd = -1, .wake_fd = -1};

void netvsp_lock(void)
{
	pthread_mutex_lock(&server.lock);
}

void netvsp_unlock(void)
{
	pthread_mutex_unlock(&server.lock);
}

uint64_t netvsp_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void netvsp_link_wake(void)
{
	uint64_t one = 1;

	if (write(server.wake_fd, &one, sizeof(one)) < 0)
		return; /* full: it is awake already */
}

static void changed(struct netvsp_port *p)
{
	netvsp_offer_caps(p);
	p->io.env->notify(p->io.env->ctx, &p->io);
}

/* ---- saying ---- */

static void fill_nic(const struct netvsp_port *p, struct nvsp_link_nic_wire *nic)
{
	struct nvsp_info info = {0};

	if (p->dev)
		nvsp_dev_info(p->dev, &info);
	memcpy(nic->mac, p->cfg.mac, sizeof(nic->mac));
	nic->max_mtu = p->cfg.max_mtu;
	nic->speed_bps = p->cfg.speed_bps;
	nic->max_queues = p->cfg.max_queues;
	nic->link_up = p->cfg.link_up;
	nic->rss = info.rss;
	nic->nvsp_version = info.nvsp_version;
	nic->mtu = info.mtu;
	nic->filter = info.filter;
	nic->n_queues = info.n_queues;
	memcpy(nic->name, p->cfg.name, sizeof(nic->name));
}

static void say(struct netvsp_port *p, struct nvsp_link_answer_wire *a)
{
	if (p->conn_fd < 0)
		return;
	a->hdr.size = sizeof(*a);
	fill_nic(p, &a->nic);
	/* hundreds of answers fit: a worker that lets them pile up is not there any more */
	if (send(p->conn_fd, a, sizeof(*a), MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)sizeof(*a))
		p->doomed = true;
}

static void answer(struct netvsp_port *p, uint32_t type, uint32_t seq, int r)
{
	struct nvsp_link_answer_wire a = {.hdr = {type, NVSP_LINK_REPLY, seq, 0},
					  .status = (uint32_t)-r};

	if (r < 0)
		memcpy(a.text, p->text, sizeof(a.text));
	say(p, &a);
}

static void say_event(struct netvsp_port *p, uint32_t type, uint32_t status, uint32_t index,
		      uint32_t count, const char *text)
{
	struct nvsp_link_answer_wire a = {
		.hdr = {.type = type}, .status = status, .index = index, .count = count};

	snprintf(a.text, sizeof(a.text), "%s", text);
	say(p, &a);
}

void netvsp_send_nic(struct netvsp_port *p)
{
	if (p->greeted)
		say_event(p, NVSP_LINK_EV_NIC, 0, 0, 0, "");
}

static int refuse(struct netvsp_port *p, int r, const char *text)
{
	snprintf(p->text, sizeof(p->text), "%s", text);
	return r;
}

/* ---- workers and memory ---- */

bool netvsp_stop_all(struct netvsp_port *p)
{
	bool any = false;

	for (unsigned int i = 0; i < p->cfg.max_queues; i++) {
		any |= p->chan[i].live;
		netvsp_set_live(&p->chan[i], false);
	}
	if (any)
		p->io.env->quiesce(p->io.env->ctx);
	return any;
}

/* A worker that looked at a channel meanwhile may have parked its queue where nothing ever wakes it. */
void netvsp_start_all(struct netvsp_port *p, bool any)
{
	for (unsigned int i = 0; i < p->cfg.max_queues && !p->paused; i++)
		if (p->chan[i].open && !nvsp_chan_fault(p->chan[i].c))
			netvsp_set_live(&p->chan[i], true);
	if (any)
		changed(p);
}

static void close_fds(struct netvsp_chan *ch)
{
	if (ch->call_fd >= 0)
		close(ch->call_fd);
	if (ch->kick_fd >= 0)
		close(ch->kick_fd);
	ch->call_fd = ch->kick_fd = -1;
}

/* The guest is gone, or its worker: forget both. */
static void forget_guest(struct netvsp_port *p)
{
	struct nvsp_stats st;
	bool any = netvsp_stop_all(p);

	for (unsigned int i = 0; i < p->cfg.max_queues; i++) {
		if (p->dev) {
			nvsp_chan_stats(p->chan[i].c, &st);
			p->tx_errors_before += st.tx_big + st.tx_down;
		}
		p->chan[i].open = false;
		p->chan[i].c = NULL;
		close_fds(&p->chan[i]);
	}
	nvsp_dev_destroy(p->dev);
	p->dev = NULL;
	if (p->keep)
		munmap(p->keep, NVSP_KEEP_SIZE);
	p->keep = NULL;
	netvsp_mem_drop(p);
	p->n_dels = 0;
	p->paused = false;
	__atomic_store_n(&p->events, 0, __ATOMIC_RELAXED);
	if (any)
		changed(p);
}

static void hang_up(struct netvsp_port *p)
{
	if (p->conn_fd < 0)
		return;
	/* the worker takes the end of the connection for "nobody touches my memory": memory first */
	forget_guest(p);
	close(p->conn_fd);
	p->conn_fd = -1;
	p->greeted = p->doomed = false;
	p->vm_name[0] = '\0';
}

/* ---- requests ---- */

static int on_mem(struct netvsp_port *p, const struct nvsp_link_msg *m, int *fds)
{
	if (p->dev)
		return refuse(p, -EBUSY, "memory cannot change while a NIC is set up");
	netvsp_mem_drop(p);
	for (uint32_t i = 0; i < m->mem.n; i++) {
		if (netvsp_mem_add(p, &m->ranges[i], fds[i])) {
			netvsp_mem_drop(p);
			return refuse(p, -EINVAL,
				      "guest memory: no memfd sealed against shrinking");
		}
		fds[i] = -1;
	}
	return 0;
}

static int on_state(struct netvsp_port *p, const struct nvsp_link_msg *m, int *fds)
{
	struct nvsp_cfg cfg = p->cfg;

	if (p->dev || !p->slots.n)
		return refuse(p, -EBUSY, "STATE comes once, behind MEM");
	if (m->state.size >= NVSP_KEEP_SIZE)
		p->keep = netvsp_map_fd(fds[0], 0, NVSP_KEEP_SIZE);
	if (!p->keep)
		return refuse(p, -EINVAL, "STATE: too small, or not sealed against shrinking");
	cfg.keep = p->keep;
	p->dev = nvsp_dev_create(&cfg, &p->mem, &netvsp_dev_ops, p);
	if (!p->dev)
		return refuse(p, -ENOMEM, "memory ran out");
	for (unsigned int i = 0; i < p->cfg.max_queues; i++)
		p->chan[i].c = nvsp_dev_chan(p->dev, i);
	return 0;
}

static bool is_eventfd(int fd)
{
	char link[48], name[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof(name) - 1);
	if (n < 0)
		return false;
	name[n] = '\0';
	return !strncmp(name, "anon_inode:[eventfd", strlen("anon_inode:[eventfd"));
}

/* A write that waits would stop a worker for everybody. */
static bool usable_eventfd(int fd)
{
	return is_eventfd(fd) && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

static int aim(struct netvsp_port *p, struct netvsp_chan *ch, const struct nvsp_link_target_wire *t,
	       int *call_fd)
{
	uint64_t *area = NULL;

	if (t->flags_gpa) {
		area = vmb_map(&p->mem, t->flags_gpa, 256);
		if (!area)
			return refuse(p, -EFAULT, "the event flags are not in guest memory");
	}
	if (!usable_eventfd(*call_fd))
		return refuse(p, -EBADF, "the call descriptor is no eventfd");
	ch->flag = area ? area + t->bit / 64 : NULL;
	ch->mask = 1ull << t->bit % 64;
	if (ch->call_fd >= 0)
		close(ch->call_fd);
	ch->call_fd = *call_fd;
	*call_fd = -1;
	return 0;
}

static int on_open(struct netvsp_port *p, const struct nvsp_link_msg *m, int *fds)
{
	const struct nvsp_link_chan_wire *w = &m->chan;
	bool resume = w->flags & NVSP_LINK_F_RESUME;
	struct netvsp_chan *ch;
	int r = 0;

	if (w->index >= p->cfg.max_queues)
		return refuse(p, -EINVAL, "the port has fewer queues");
	ch = &p->chan[w->index];
	if (ch->open)
		return refuse(p, -EBUSY, "the channel is open");
	if (!is_eventfd(fds[1]) || fcntl(fds[1], F_SETFL, O_NONBLOCK) < 0)
		return refuse(p, -EBADF, "the kick descriptor is no eventfd");
	close_fds(ch);
	r = aim(p, ch, &w->target, &fds[0]);
	if (r)
		return r;
	ch->gpadl = w->gpadl;
	ch->kick_fd = fds[1];
	fds[1] = -1;
	if (resume)
		return 0; /* goes on with RESUME */
	r = nvsp_chan_open(p->dev, w->index, w->gpadl, w->downstream_page, ch);
	if (r) {
		close_fds(ch);
		return refuse(p, r, "the rings cannot be opened");
	}
	ch->open = true;
	if (!p->paused)
		netvsp_set_live(ch, true);
	changed(p);
	return 0;
}

static int on_close(struct netvsp_port *p, uint32_t index)
{
	unsigned int last = index ? index : p->cfg.max_queues - 1u;

	if (index >= p->cfg.max_queues)
		return refuse(p, -EINVAL, "the port has fewer queues");
	/* without the primary no subchannel either */
	for (unsigned int i = index; i <= last; i++)
		netvsp_set_live(&p->chan[i], false);
	p->io.env->quiesce(p->io.env->ctx);
	nvsp_chan_close(p->dev, index);
	for (unsigned int i = index; i <= last; i++) {
		p->chan[i].open = false;
		close_fds(&p->chan[i]);
	}
	changed(p);
	return 0;
}

static int on_target(struct netvsp_port *p, const struct nvsp_link_msg *m, int *fds)
{
	struct netvsp_chan *ch;
	bool live;
	int r;

	if (m->chan.index >= p->cfg.max_queues || !p->chan[m->chan.index].open)
		return refuse(p, -ENOENT, "the channel is not open");
	ch = &p->chan[m->chan.index];
	live = ch->live;
	netvsp_set_live(ch, false);
	p->io.env->quiesce(p->io.env->ctx);
	r = aim(p, ch, &m->chan.target, &fds[0]);
	netvsp_set_live(ch, live);
	if (live)
		changed(p);
	/* an interrupt that went to the old place may be lost */
	if (live && !r)
		netvsp_signal(ch);
	return r;
}

/* Go on with the channels that were named with F_RESUME, and with no others. */
static int on_resume(struct netvsp_port *p)
{
	struct nvsp_info info;
	int r = nvsp_dev_resume(p->dev);

	for (unsigned int i = p->cfg.max_queues; i-- > 0;) {
		struct netvsp_chan *ch = &p->chan[i];

		if (r)
			close_fds(ch);
		else if (!nvsp_chan_is_open(ch->c))
			r = ch->kick_fd >= 0 ? -ESTALE : 0;
		else if (ch->kick_fd < 0)
			nvsp_chan_close(p->dev, i);
	}
	if (r || !nvsp_chan_is_open(p->chan[0].c)) {
		nvsp_chan_close(p->dev, 0);
		return refuse(p, r ? r : -ESTALE, "the state does not fit the guest");
	}
	for (unsigned int i = 0; i < p->cfg.max_queues; i++) {
		struct netvsp_chan *ch = &p->chan[i];

		if (!nvsp_chan_is_open(ch->c))
			continue;
		nvsp_chan_set_priv(ch->c, ch);
		ch->open = true;
	}
	nvsp_set_link(p->dev, p->cfg.link_up, netvsp_now_ms());
	netvsp_start_all(p, false);
	for (unsigned int i = 0; i < p->cfg.max_queues; i++)
		if (p->chan[i].live)
			netvsp_signal(&p->chan[i]);
	nvsp_dev_info(p->dev, &info);
	if (info.n_queues > 1)
		say_event(p, NVSP_LINK_EV_SUBCHANNELS, 0, 0, info.n_queues - 1, "");
	__atomic_store_n(&p->io.arrived, true, __ATOMIC_RELEASE);
	changed(p);
	return 0;
}

static int on_pause(struct netvsp_port *p, bool on)
{
	p->paused = on;
	if (on) {
		netvsp_stop_all(p);
	} else {
		netvsp_start_all(p, false);
		for (unsigned int i = 0; i < p->cfg.max_queues; i++)
			if (p->chan[i].live)
				netvsp_signal(&p->chan[i]);
	}
	changed(p);
	return 0;
}

static int on_gpadl_add(struct netvsp_port *p, const struct nvsp_link_msg *m)
{
	void *linear = netvsp_linear_make(p, m->gpadl.id, m->pfns, m->gpadl.n);
	int r = nvsp_gpadl_add(p->dev, m->gpadl.id, m->pfns, m->gpadl.n, linear);

	if (r && linear)
		netvsp_linear_drop(&p->linear); /* the newest: an older one may have the same id */
	return r ? refuse(p, r, "the page list cannot be used") : 0;
}

/* No channel may be in a burst: one that is may hold on to a buffer given up a moment ago. */
static int on_gpadl_del(struct netvsp_port *p, uint32_t seq, uint32_t id)
{
	bool any = netvsp_stop_all(p);
	int r = nvsp_gpadl_del(p->dev, id);

	if (!r)
		netvsp_linear_forget(p, id);
	netvsp_start_all(p, any);
	if (r != -EBUSY)
		return r ? refuse(p, r, "no such page list") : 0;
	if (p->n_dels == NETVSP_DELS_MAX)
		return refuse(p, -ENOSPC, "too many page lists wait to be given up");
	p->dels[p->n_dels++] = (struct netvsp_del){seq, id};
	return -EINPROGRESS;
}

static void retry_dels(struct netvsp_port *p)
{
	unsigned int n = p->n_dels;

	p->n_dels = 0;
	for (unsigned int i = 0; i < n; i++) {
		struct netvsp_del d = p->dels[i];
		int r = on_gpadl_del(p, d.seq, d.id);

		if (r != -EINPROGRESS)
			answer(p, NVSP_LINK_GPADL_DEL, d.seq, r);
	}
}

static int on_hello(struct netvsp_port *p, const struct nvsp_link_msg *m)
{
	p->greeted = true;
	p->n_connects++;
	memcpy(p->vm_name, m->hello.vm_name, sizeof(p->vm_name));
	return 0;
}

/* Return: 0 or negative errno: the answer; -EINPROGRESS: it follows later. */
static int serve(struct netvsp_port *p, const struct nvsp_link_msg *m, int *fds)
{
	uint32_t type = m->hdr.type;
	int r;

	if (type == NVSP_LINK_HELLO)
		return p->greeted ? refuse(p, -EBUSY, "HELLO twice") : on_hello(p, m);
	if (!p->greeted)
		return refuse(p, -EPROTO, "HELLO comes first");
	if (type == NVSP_LINK_MEM)
		return on_mem(p, m, fds);
	if (type == NVSP_LINK_STATE)
		return on_state(p, m, fds);
	if (!p->dev)
		return refuse(p, -EPROTO, "MEM and STATE come first");
	switch (type) {
	case NVSP_LINK_GPADL_ADD:
		return on_gpadl_add(p, m);
	case NVSP_LINK_GPADL_DEL:
		return on_gpadl_del(p, m->hdr.seq, m->gpadl.id);
	case NVSP_LINK_OPEN:
		return on_open(p, m, fds);
	case NVSP_LINK_CLOSE:
		r = on_close(p, m->chan.index);
		retry_dels(p);
		return r;
	case NVSP_LINK_TARGET:
		return on_target(p, m, fds);
	case NVSP_LINK_RESUME:
		return on_resume(p);
	default:
		return on_pause(p, type == NVSP_LINK_PAUSE);
	}
}

static void on_message(struct netvsp_port *p, size_t size, int *fds, unsigned int n_fds)
{
	struct nvsp_link_answer_wire a = {.hdr = {NVSP_LINK_HELLO, NVSP_LINK_REPLY, 0, 0},
					  .status = ENOTSUP,
					  .count = NVSP_LINK_VERSION};
	struct nvsp_link_msg *m = &server.msg;
	int r = nvsp_link_parse_request(server.buf, size, n_fds, m);

	if (r == -ENOTSUP) {
		a.hdr.seq = m->hdr.seq;
		snprintf(a.text, sizeof(a.text), "the switch speaks version %u", NVSP_LINK_VERSION);
		say(p, &a);
		p->doomed = true;
		return;
	}
	if (r) {
		say_event(p, NVSP_LINK_EV_BYE, NVSP_LINK_BYE_PROTOCOL, 0, 0, "a malformed message");
		p->doomed = true;
		return;
	}
	p->text[0] = '\0';
	r = serve(p, m, fds);
	if (r != -EINPROGRESS)
		answer(p, m->hdr.type, m->hdr.seq, r);
}

/* ---- the thread ---- */

static unsigned int take_fds(struct msghdr *mh, int *fds)
{
	unsigned int n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (unsigned int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	}
	return n;
}

static void on_input(struct netvsp_port *p)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(NVSP_LINK_FDS_MAX * sizeof(int))];
	} u;
	struct iovec iov = {server.buf, sizeof(server.buf)};
	struct msghdr mh = {.msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = u.buf,
			    .msg_controllen = sizeof(u.buf)};
	int fds[NVSP_LINK_FDS_MAX];
	unsigned int n_fds;
	ssize_t n = recvmsg(p->conn_fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		p->doomed = true;
		return;
	}
	n_fds = take_fds(&mh, fds);
	if (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		p->doomed = true;
	else
		on_message(p, (size_t)n, fds, n_fds);
	for (unsigned int i = 0; i < n_fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void watch_fd(int fd, uint64_t token)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = token};

	epoll_ctl(server.epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

static void on_connect(struct netvsp_port *p)
{
	int fd = accept4(p->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (p->conn_fd >= 0) {
		close(fd); /* one worker a port; another one tries again */
		return;
	}
	p->conn_fd = fd;
	watch_fd(fd, p->id << 1 | 1);
}

/* What workers of the data plane left word of. */
static void look_after(struct netvsp_port *p, uint64_t now_ms)
{
	uint32_t events = __atomic_exchange_n(&p->events, 0, __ATOMIC_ACQUIRE);
	struct nvsp_info info;

	if (!p->dev)
		return;
	if (!p->paused)
		nvsp_tick(p->dev, now_ms);
	for (unsigned int i = 0; events & NETVSP_EV_FAULT && i < p->cfg.max_queues; i++) {
		enum vmb_fault fault = nvsp_chan_fault(p->chan[i].c);

		if (!p->chan[i].open || !fault)
			continue;
		p->last_fault = vmb_fault_text(fault);
		say_event(p, NVSP_LINK_EV_FAULT, 0, i, 0, p->last_fault);
		netvsp_set_live(&p->chan[i], false);
	}
	if (events & NETVSP_EV_IDLE)
		retry_dels(p);
	if (events & NETVSP_EV_SUBCHANNELS) {
		nvsp_dev_info(p->dev, &info);
		say_event(p, NVSP_LINK_EV_SUBCHANNELS, 0, 0, info.n_queues - 1, "");
	}
	if (events & (NETVSP_EV_NIC | NETVSP_EV_FAULT)) {
		changed(p);
		netvsp_send_nic(p);
	} else {
		netvsp_offer_caps(p);
	}
}

static void on_event(uint64_t token)
{
	uint64_t count;

	if (token == 0) {
		if (read(server.wake_fd, &count, sizeof(count)) < 0)
			return;
		return;
	}
	/* a port may be gone since the event was collected: look it up by its number */
	for (struct netvsp_port *p = server.ports; p; p = p->next) {
		if (p->id != token >> 1)
			continue;
		if (!(token & 1))
			on_connect(p);
		else if (p->conn_fd >= 0)
			on_input(p);
		return;
	}
}

static void *server_thread(void *arg)
{
	struct epoll_event ev[16];

	pthread_setname_np(pthread_self(), "netvsp-link");
	for (;;) {
		int n = epoll_wait(server.epoll_fd, ev, 16, TICK_MS);

		netvsp_lock();
		if (server.stop) {
			netvsp_unlock();
			return NULL;
		}
		for (int i = 0; i < n; i++)
			on_event(ev[i].data.u64);
		for (struct netvsp_port *p = server.ports; p; p = p->next) {
			look_after(p, netvsp_now_ms());
			if (p->doomed)
				hang_up(p);
		}
		netvsp_unlock();
	}
}

static void server_close(void)
{
	if (server.epoll_fd >= 0)
		close(server.epoll_fd);
	if (server.wake_fd >= 0)
		close(server.wake_fd);
	server.epoll_fd = server.wake_fd = -1;
}

static int server_start(void)
{
	int r = 0;

	server.stop = false;
	server.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	server.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server.epoll_fd < 0 || server.wake_fd < 0) {
		r = -errno;
	} else {
		watch_fd(server.wake_fd, 0);
		r = -pthread_create(&server.thread, NULL, server_thread, NULL);
	}
	if (r)
		server_close();
	return r;
}

static int listen_on(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 4) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	vsw_sockpath_open_to_vmm(path);
	return fd;
}

int netvsp_link_add(struct netvsp_port *p, const char *object, struct vd_err *reterr)
{
	int r = 0;

	p->listen_fd = listen_on(p->io.device.target);
	if (p->listen_fd < 0)
		return vd_err_set(reterr, p->listen_fd, VD_E_DEVICE_OPEN, object,
				  "use a path in a folder that exists and can be written",
				  "cannot listen on %s: %s", p->io.device.target,
				  strerror(-p->listen_fd));
	netvsp_lock();
	if (!server.ports)
		r = server_start();
	if (r == 0) {
		p->id = ++server.next_id;
		p->next = server.ports;
		server.ports = p;
		watch_fd(p->listen_fd, p->id << 1);
	}
	netvsp_unlock();
	if (r < 0) {
		close(p->listen_fd);
		unlink(p->io.device.target);
		return vd_err_set(reterr, r, VD_E_DEVICE_OPEN, object, NULL,
				  "cannot start a thread: %s", strerror(-r));
	}
	return 0;
}

void netvsp_link_remove(struct netvsp_port *p)
{
	bool last;

	netvsp_lock();
	for (struct netvsp_port **q = &server.ports; *q; q = &(*q)->next)
		if (*q == p) {
			*q = p->next;
			break;
		}
	last = !server.ports;
	server.stop = last;
	say_event(p, NVSP_LINK_EV_BYE, NVSP_LINK_BYE_REMOVED, 0, 0, "the port is closed");
	hang_up(p);
	close(p->listen_fd);
	unlink(p->io.device.target);
	netvsp_unlock();
	if (last) {
		netvsp_link_wake();
		pthread_join(server.thread, NULL);
		server_close();
	}
}
