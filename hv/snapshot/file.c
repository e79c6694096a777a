/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and checking a snapshot's file. */
#include "hv/snapshot/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hv/layout.h"
#include "hv/options.h"
#include "hv/snapshot/crc.h"

#define MEMORY_MAX (4096 * HV_GIB)

static const char magic[8] = "VIRSNAP";

static int broken(const struct hv_snap_src *src, struct vd_err *err, const char *what, uint64_t at)
{
	return vd_err_set(err, -EINVAL, VD_E_VM_SNAPSHOT, "vm/snapshot",
			  "take it from a copy, or restore an older one",
			  "%s is damaged: %s (byte %llu)", src->name, what, (unsigned long long)at);
}

static int unreadable(const struct hv_snap_src *src, struct vd_err *err, int r)
{
	return vd_err_set(err, r, VD_E_VM_SNAPSHOT, "vm/snapshot", NULL, "%s cannot be read: %s",
			  src->name, strerror(-r));
}

void hv_snap_seal_head(struct hv_snap_head *h)
{
	memcpy(h->magic, magic, sizeof(magic));
	h->version = HV_SNAP_VERSION;
	h->size = sizeof(*h);
	h->crc = hv_crc32c(0, h, offsetof(struct hv_snap_head, crc));
}

struct hv_snap_rec hv_snap_rec(enum hv_snap_type type, uint32_t index, uint64_t arg,
			       const void *payload, uint64_t size)
{
	struct hv_snap_rec r = {
		.type = type, .index = index, .arg = arg, .size = size, .crc = 0, .head_crc = 0};

	r.crc = hv_crc32c(0, payload, size);
	r.head_crc = hv_crc32c(0, &r, offsetof(struct hv_snap_rec, head_crc));
	return r;
}

bool hv_snap_is_base(const struct hv_snap_head *h)
{
	static const uint8_t none[HV_SNAP_ID_SIZE];

	return !memcmp(h->parent, none, sizeof(none));
}

int hv_snap_read_head(const struct hv_snap_src *src, struct hv_snap_head *ret, struct vd_err *err)
{
	int r = -EINVAL;

	if (src->size >= sizeof(*ret))
		r = src->read(src->ctx, 0, ret, sizeof(*ret));
	if (r && src->size >= sizeof(*ret))
		return unreadable(src, err, r);
	if (r || memcmp(ret->magic, magic, sizeof(magic)))
		return vd_err_set(err, -EINVAL, VD_E_VM_SNAPSHOT, "vm/snapshot",
				  "name a file that viridian-vm snapshot save made",
				  "%s is no snapshot of a VM", src->name);
	if (ret->version != HV_SNAP_VERSION)
		return vd_err_set(err, -ENOTSUP, VD_E_VM_SNAPSHOT, "vm/snapshot",
				  "use the release that saved it",
				  "%s has format %u, this release reads %u", src->name,
				  ret->version, HV_SNAP_VERSION);
	if (ret->size != sizeof(*ret) ||
	    ret->crc != hv_crc32c(0, ret, offsetof(struct hv_snap_head, crc)))
		return broken(src, err, "its head", 0);
	if (!ret->memory_size || ret->memory_size % (2 * HV_MIB) || ret->memory_size > MEMORY_MAX ||
	    !ret->n_cpus || ret->n_cpus > HV_CPUS_MAX || ret->n_nics > HV_NICS_MAX ||
	    (ret->flags & ~(HV_SNAP_USER_SYNIC | HV_SNAP_SERIAL2)) || ret->vm[sizeof(ret->vm) - 1])
		return broken(src, err, "its head says what cannot be", 0);
	return 0;
}

/* Does the record make sense by itself? NULL: yes. */
static const char *contradiction(const struct hv_snap_rec *r, const struct hv_snap_head *h)
{
	uint64_t n_pages = h->memory_size / HV_PAGE_SIZE;

	switch (r->type) {
	case HV_SNAP_MEM:
	case HV_SNAP_ZERO:
		if (!r->index || r->arg >= n_pages || r->index > n_pages - r->arg)
			return "pages outside of the memory";
		if (r->type == HV_SNAP_ZERO)
			return r->size ? "zero pages with bytes" : NULL;
		return r->index > HV_SNAP_RUN_MAX || r->size != (uint64_t)r->index * HV_PAGE_SIZE
			       ? "pages of another size"
			       : NULL;
	case HV_SNAP_CPU:
		return r->index >= h->n_cpus ? "a processor too many" : NULL;
	case HV_SNAP_NIC:
	case HV_SNAP_PORT:
		return r->index >= h->n_nics ? "a network card too many" : NULL;
	case HV_SNAP_VM:
	case HV_SNAP_BOARD:
	case HV_SNAP_BUS:
		return r->index ? "a record that comes only once" : NULL;
	case HV_SNAP_END:
		return r->size ? "an end with bytes" : NULL;
	default:
		return "an unknown record";
	}
}

static int read_rec(const struct hv_snap_src *src, const struct hv_snap_head *head, uint64_t at,
		    struct hv_snap_rec *rec, struct vd_err *err)
{
	const char *what;
	int r;

	if (src->size - at < sizeof(*rec))
		return broken(src, err, "it is cut", at);
	r = src->read(src->ctx, at, rec, sizeof(*rec));
	if (r)
		return unreadable(src, err, r);
	if (rec->head_crc != hv_crc32c(0, rec, offsetof(struct hv_snap_rec, head_crc)))
		return broken(src, err, "a record's checksum", at);
	what = contradiction(rec, head);
	if (what)
		return broken(src, err, what, at);
	if (rec->size > HV_SNAP_PAYLOAD_MAX)
		return broken(src, err, "a record is too large", at);
	if (rec->size > src->size - at - sizeof(*rec))
		return broken(src, err, "it is cut", at);
	return 0;
}

int hv_snap_walk(const struct hv_snap_src *src, const struct hv_snap_head *head, hv_snap_fn fn,
		 void *ctx, struct vd_err *err)
{
	uint64_t at = sizeof(*head);
	struct hv_snap_rec rec = {0};
	uint8_t *buf = NULL, *p;
	size_t room = 0;
	int r = 0;

	while (!r) {
		r = read_rec(src, head, at, &rec, err);
		if (r || rec.type == HV_SNAP_END)
			break;
		if (rec.size > room) {
			p = realloc(buf, rec.size);
			if (!p) {
				r = vd_err_set(err, -ENOMEM, VD_E_NO_MEMORY, "vm/snapshot", NULL,
					       "memory ran out");
				break;
			}
			buf = p;
			room = rec.size;
		}
		if (rec.size)
			r = src->read(src->ctx, at + sizeof(rec), buf, rec.size);
		if (r)
			r = unreadable(src, err, r);
		else if (rec.crc != hv_crc32c(0, buf, rec.size))
			r = broken(src, err, "a checksum", at);
		else
			r = fn(ctx, &rec, buf, err);
		at += sizeof(rec) + rec.size;
	}
	if (!r && (at + sizeof(rec) != src->size || rec.arg != src->size))
		r = broken(src, err, "there is something behind its end", at);
	free(buf);
	return r;
}
