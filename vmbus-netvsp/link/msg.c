/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages between VM worker and switch: the checks that need no state. */
#include "vmbus-netvsp/link/msg.h"

#include <errno.h>
#include <string.h>

#define PAGE      4096u
#define GPA_LIMIT (1ull << 52) /* guest-physical addresses have no more bits */

const char *nvsp_link_type_text(uint32_t type)
{
	static const char *const text[] = {"?",         "HELLO",     "MEM",   "STATE",
					   "GPADL_ADD", "GPADL_DEL", "OPEN",  "CLOSE",
					   "TARGET",    "RESUME",    "PAUSE", "CONTINUE"};

	return type < NVSP_LINK_REQUESTS ? text[type] : "?";
}

unsigned int nvsp_link_n_fds(uint32_t type, uint32_t n_ranges)
{
	switch (type) {
	case NVSP_LINK_MEM:
		return n_ranges;
	case NVSP_LINK_STATE:
	case NVSP_LINK_TARGET:
		return 1;
	case NVSP_LINK_OPEN:
		return 2;
	default:
		return 0;
	}
}

static bool name_ok(const char *s, size_t size)
{
	size_t n = strnlen(s, size);

	if (n == size)
		return false;
	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return true;
}

static bool range_ok(const struct nvsp_link_range_wire *r)
{
	return !(r->gpa % PAGE) && !(r->size % PAGE) && !(r->offset % PAGE) && r->size &&
	       r->gpa < GPA_LIMIT && r->size <= GPA_LIMIT - r->gpa &&
	       r->offset <= INT64_MAX - GPA_LIMIT;
}

static int parse_mem(const uint8_t *p, size_t size, struct nvsp_link_msg *m)
{
	uint32_t n;

	if (size < sizeof(m->mem))
		return -EBADMSG;
	memcpy(&m->mem, p, sizeof(m->mem));
	n = m->mem.n;
	if (!n || n > NVSP_LINK_RANGES_MAX || size != sizeof(m->mem) + n * sizeof(m->ranges[0]))
		return -EBADMSG;
	memcpy(m->ranges, p + sizeof(m->mem), n * sizeof(m->ranges[0]));
	for (uint32_t i = 0; i < n; i++) {
		const struct nvsp_link_range_wire *a = &m->ranges[i];

		if (!range_ok(a))
			return -EBADMSG;
		for (uint32_t k = 0; k < i; k++) {
			const struct nvsp_link_range_wire *b = &m->ranges[k];

			if (a->gpa < b->gpa + b->size && b->gpa < a->gpa + a->size)
				return -EBADMSG;
		}
	}
	return 0;
}

static int parse_gpadl(const uint8_t *p, size_t size, struct nvsp_link_msg *m)
{
	bool add = m->hdr.type == NVSP_LINK_GPADL_ADD;

	if (size < sizeof(m->gpadl))
		return -EBADMSG;
	memcpy(&m->gpadl, p, sizeof(m->gpadl));
	if (m->gpadl.n > NVSP_LINK_PAGES_MAX || add != (m->gpadl.n != 0) ||
	    size != sizeof(m->gpadl) + m->gpadl.n * sizeof(uint64_t))
		return -EBADMSG;
	m->pfns = (const uint64_t *)(const void *)(p + sizeof(m->gpadl));
	return 0;
}

static bool target_ok(const struct nvsp_link_target_wire *t)
{
	if (t->bit == 0 || t->bit > NVSP_LINK_CHANNEL_MAX)
		return false;
	return t->flags_gpa < GPA_LIMIT && !(t->flags_gpa % 8) && t->flags_gpa % PAGE <= PAGE - 256;
}

static int parse_chan(const uint8_t *p, size_t size, struct nvsp_link_msg *m)
{
	if (size != sizeof(m->chan))
		return -EBADMSG;
	memcpy(&m->chan, p, sizeof(m->chan));
	if (m->chan.flags & ~NVSP_LINK_F_RESUME)
		return -EBADMSG;
	if (m->hdr.type != NVSP_LINK_CLOSE && !target_ok(&m->chan.target))
		return -EBADMSG;
	return 0;
}

static int parse_hello(const uint8_t *p, size_t size, struct nvsp_link_msg *m)
{
	/* later versions may be longer, but begin the same */
	if (size < sizeof(m->hello))
		return -EBADMSG;
	memcpy(&m->hello, p, sizeof(m->hello));
	if (!name_ok(m->hello.vm_name, sizeof(m->hello.vm_name)))
		return -EBADMSG;
	if (m->hello.version != NVSP_LINK_VERSION)
		return -ENOTSUP;
	return size == sizeof(m->hello) ? 0 : -EBADMSG;
}

static int parse_body(const uint8_t *p, size_t size, struct nvsp_link_msg *m)
{
	switch (m->hdr.type) {
	case NVSP_LINK_HELLO:
		return parse_hello(p, size, m);
	case NVSP_LINK_MEM:
		return parse_mem(p, size, m);
	case NVSP_LINK_STATE:
		if (size != sizeof(m->state))
			return -EBADMSG;
		memcpy(&m->state, p, sizeof(m->state));
		return 0;
	case NVSP_LINK_GPADL_ADD:
	case NVSP_LINK_GPADL_DEL:
		return parse_gpadl(p, size, m);
	case NVSP_LINK_OPEN:
	case NVSP_LINK_CLOSE:
	case NVSP_LINK_TARGET:
		return parse_chan(p, size, m);
	case NVSP_LINK_RESUME:
	case NVSP_LINK_PAUSE:
	case NVSP_LINK_CONTINUE:
		return size == sizeof(m->hdr) ? 0 : -EBADMSG;
	default:
		return -EBADMSG;
	}
}

int nvsp_link_parse_request(const void *buf, size_t size, unsigned int n_fds,
			    struct nvsp_link_msg *ret)
{
	int r;

	ret->pfns = NULL;
	ret->mem.n = 0;
	if (size < sizeof(ret->hdr))
		return -EBADMSG;
	memcpy(&ret->hdr, buf, sizeof(ret->hdr));
	if (ret->hdr.size != size || ret->hdr.flags || !ret->hdr.seq)
		return -EBADMSG;
	r = parse_body(buf, size, ret);
	if (r)
		return r;
	return n_fds == nvsp_link_n_fds(ret->hdr.type, ret->mem.n) ? 0 : -EBADMSG;
}

int nvsp_link_parse_answer(const void *buf, size_t size, unsigned int n_fds,
			   struct nvsp_link_answer_wire *ret)
{
	uint32_t type;

	if (size != sizeof(*ret) || n_fds)
		return -EBADMSG;
	memcpy(ret, buf, sizeof(*ret));
	type = ret->hdr.type;
	ret->text[sizeof(ret->text) - 1] = 0;
	ret->nic.name[sizeof(ret->nic.name) - 1] = 0;
	if (ret->hdr.size != size || ret->status > 4095)
		return -EBADMSG;
	if (ret->hdr.flags == NVSP_LINK_REPLY)
		return ret->hdr.seq && type >= NVSP_LINK_HELLO && type < NVSP_LINK_REQUESTS
			       ? 0
			       : -EBADMSG;
	if (ret->hdr.flags || ret->hdr.seq || type < NVSP_LINK_EV_SUBCHANNELS ||
	    type >= NVSP_LINK_EVENTS)
		return -EBADMSG;
	return 0;
}
