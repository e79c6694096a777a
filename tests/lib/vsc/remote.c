/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/vsc/remote.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/vsc/vsc_priv.h"

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static struct vsc_remote *remote_of(void *ctx)
{
	return ((struct vsc *)ctx)->remote;
}

static int started(struct vsc_remote *r, int status)
{
	r->pending += status == -EINPROGRESS;
	return status;
}

/* ---- what the bus asks goes to the switch ---- */

static int op_post(void *ctx, uint32_t vp, const void *msg, uint32_t size)
{
	vsc_on_message(ctx, msg, size);
	return 0;
}

static int op_gpadl_add(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *g)
{
	struct vsc_remote *r = remote_of(ctx);

	return started(r, nvsp_link_gpadl_add(r->link, g->id, g->pfns, g->n_pfns));
}

static int op_gpadl_del(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *g)
{
	struct vsc_remote *r = remote_of(ctx);

	return started(r, nvsp_link_gpadl_del(r->link, g->id));
}

static struct nvsp_link_target target_of(struct vsc_remote *r, struct vmb_chan *chan)
{
	return (struct nvsp_link_target){
		.flags_gpa = RAM_BASE + (uint64_t)((uint8_t *)r->flags - r->v->ram.host),
		.bit = vmb_chan_relid(chan),
		.call_fd = r->call_fd[vmb_chan_offer(chan)->sub_index]};
}

static int op_open(void *ctx, struct vmb_chan *chan, const struct vmb_open *o)
{
	struct vsc_remote *r = remote_of(ctx);
	uint32_t index = vmb_chan_offer(chan)->sub_index;
	struct nvsp_link_open open = {.gpadl = o->ring->id,
				      .downstream_page = o->downstream_page,
				      .target = target_of(r, chan),
				      .kick_fd = r->kick_fd[index]};

	r->kicked[index] = 0;
	return started(r, nvsp_link_open(r->link, index, &open));
}

static int op_close(void *ctx, struct vmb_chan *chan)
{
	struct vsc_remote *r = remote_of(ctx);

	return started(r, nvsp_link_close(r->link, vmb_chan_offer(chan)->sub_index));
}

static int op_modify(void *ctx, struct vmb_chan *chan, uint32_t vp)
{
	struct vsc_remote *r = remote_of(ctx);
	struct nvsp_link_target t = target_of(r, chan);

	return started(r, nvsp_link_target(r->link, vmb_chan_offer(chan)->sub_index, &t));
}

static void op_released(void *ctx, struct vmb_chan *chan)
{
	struct vsc *v = ctx;

	if (v->bus_chan[vmb_chan_offer(chan)->sub_index] == chan)
		v->bus_chan[vmb_chan_offer(chan)->sub_index] = NULL;
	v->n_released++;
}

static const struct vmb_bus_ops bus_ops = {op_post,  op_gpadl_add, op_gpadl_del, op_open,
					   op_close, op_modify,    op_released};

/* ---- what the switch says ---- */

static void on_nic(void *ctx, const struct nvsp_link_nic_wire *nic)
{
	struct vsc_remote *r = ctx;

	r->n_connects += !r->connected;
	r->connected = true;
	r->nic = *nic;
}

static void on_down(void *ctx, uint32_t bye, const char *text)
{
	struct vsc_remote *r = ctx;

	r->connected = false;
	r->n_downs++;
}

static void on_subchannels(void *ctx, uint32_t count)
{
	struct vsc_remote *r = ctx;

	r->v->wanted_subchannels = count;
}

static void on_fault(void *ctx, uint32_t index, const char *text)
{
	struct vsc_remote *r = ctx;

	if (index < VSC_CHANS)
		memcpy(r->fault[index], text, sizeof(r->fault[index]));
}

static void on_done(void *ctx, enum nvsp_link_type what, uint32_t id, int status)
{
	struct vsc_remote *r = ctx;
	struct vsc *v = r->v;
	struct vmb_chan *chan = id < VSC_CHANS ? v->bus_chan[id] : NULL;

	r->pending--;
	if (what == NVSP_LINK_GPADL_ADD)
		vmb_gpadl_add_done(v->bus, id, status);
	else if (what == NVSP_LINK_GPADL_DEL)
		vmb_gpadl_del_done(v->bus, id);
	else if (what == NVSP_LINK_OPEN && chan)
		vmb_open_done(chan, status);
	else if (what == NVSP_LINK_CLOSE && chan)
		vmb_close_done(chan);
	else if (what == NVSP_LINK_TARGET && chan)
		vmb_modify_done(chan, status);
}

static void on_refused(void *ctx, const char *text)
{
	struct vsc_remote *r = ctx;

	r->refused = true;
}

static const struct nvsp_link_ops link_ops = {
	.nic = on_nic,
	.down = on_down,
	.subchannels = on_subchannels,
	.fault = on_fault,
	.done = on_done,
	.refused = on_refused,
};

/* ---- turning ---- */

void vsc_remote_kick(struct vsc_remote *r, uint32_t index)
{
	uint64_t one = 1;

	if (write(r->kick_fd[index], &one, sizeof(one)) < 0)
		return; /* full: it knows */
}

static void take_interrupt(struct vsc_remote *r, uint32_t index)
{
	uint64_t count;

	if (read(r->call_fd[index], &count, sizeof(count)) < 0)
		return;
	r->interrupts++;
	/* as the interrupt handler does: clear the bit, then look into the ring */
	__atomic_fetch_and(&r->flags[r->v->chan[index].relid / 64],
			   ~(1ull << r->v->chan[index].relid % 64), __ATOMIC_SEQ_CST);
}

void vsc_remote_run(struct vsc_remote *r, int fd, int timeout_ms)
{
	struct pollfd p[VSC_CHANS + 2];
	int wait = nvsp_link_timeout_ms(r->link, now_ms());

	if (wait < 0 || wait > timeout_ms)
		wait = timeout_ms;
	for (uint32_t i = 0; i < VSC_CHANS; i++)
		p[i] = (struct pollfd){.fd = r->call_fd[i], .events = POLLIN};
	p[VSC_CHANS] = (struct pollfd){.fd = nvsp_link_fd(r->link), .events = POLLIN};
	p[VSC_CHANS + 1] = (struct pollfd){.fd = fd, .events = POLLIN};
	if (poll(p, VSC_CHANS + 2, wait) > 0)
		for (uint32_t i = 0; i < VSC_CHANS; i++)
			if (p[i].revents)
				take_interrupt(r, i);
	nvsp_link_run(r->link, now_ms());
}

static void serve(struct vsc *v, uint32_t index)
{
	struct vsc_remote *r = v->remote;

	for (uint32_t i = 0; i < VSC_CHANS; i++)
		if (v->chan[i].out.signals != r->kicked[i]) {
			r->kicked[i] = v->chan[i].out.signals;
			vsc_remote_kick(r, i);
		}
	vsc_remote_run(r, -1, 1);
}

static void settle(struct vsc *v)
{
	struct vsc_remote *r = v->remote;
	uint64_t end = now_ms() + 10000;

	while (r->pending && now_ms() < end)
		vsc_remote_run(r, -1, 20);
}

int vsc_remote_init(struct vsc_remote *r, struct vsc *v, const char *path, const char *name,
		    size_t ram_size, unsigned int timeout_ms)
{
	struct nvsp_link_range range = {.gpa = RAM_BASE, .size = ram_size};
	struct nvsp_link_cfg cfg = {.path = path, .vm_name = name, .ranges = &range, .n_ranges = 1};
	uint64_t end = now_ms() + timeout_ms, pfn;
	int rc;

	memset(r, 0, sizeof(*r));
	rc = vsc_init_bus(v, &bus_ops, ram_size);
	if (rc)
		return rc;
	r->v = v;
	v->remote = r;
	v->serve = serve;
	v->settle = settle;
	ram_alloc(&v->ram, 1, &pfn);
	r->flags = (uint64_t *)(void *)((uint8_t *)ram_pfn(&v->ram, pfn) + 512);
	for (uint32_t i = 0; i < VSC_CHANS; i++) {
		r->call_fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		r->kick_fd[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	range.fd = v->ram.fd;
	r->link = nvsp_link_create(&cfg, &link_ops, r);
	if (!r->link)
		return -errno;
	while (!r->connected && now_ms() < end)
		vsc_remote_run(r, -1, 50);
	if (!r->connected)
		return nvsp_link_error(r->link) ? nvsp_link_error(r->link) : -ETIMEDOUT;
	vsc_offer(v, 0);
	return 0;
}

void vsc_remote_done(struct vsc_remote *r)
{
	nvsp_link_destroy(r->link);
	for (uint32_t i = 0; i < VSC_CHANS; i++) {
		close(r->call_fd[i]);
		close(r->kick_fd[i]);
	}
	vsc_done(r->v);
}
