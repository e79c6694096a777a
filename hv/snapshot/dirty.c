/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages that changed. */
#include "hv/snapshot/dirty.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv/layout.h"
#include "hv/snapshot/crc.h"

static uint64_t n_words(const struct hv_dirty *d)
{
	return d->n_pages / 64;
}

/* Zeroes that cost nothing until they are written. */
static void *reserve(uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void release(void *p, uint64_t size)
{
	if (p)
		munmap(p, size);
}

static int share_todo(struct hv_dirty *d)
{
	void *p;

	d->todo_fd = memfd_create("viridian-vm-dirty", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (d->todo_fd < 0 || ftruncate(d->todo_fd, (off_t)(n_words(d) * 8)) ||
	    fcntl(d->todo_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	p = mmap(NULL, n_words(d) * 8, PROT_READ | PROT_WRITE, MAP_SHARED, d->todo_fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	d->todo = p;
	return 0;
}

int hv_dirty_init(struct hv_dirty *d, struct hv_kvm *kvm, const struct hv_ram *ram,
		  struct vd_err *err)
{
	uint64_t n = ram->size / HV_PAGE_SIZE;
	int r;

	*d = (struct hv_dirty){.kvm = kvm, .ram = ram, .n_pages = n, .todo_fd = -1};
	d->since = reserve(n / 8);
	d->pending = reserve(n / 8);
	d->log = reserve(n / 8);
	d->print = reserve(n * 8);
	d->new_print = reserve(n * 8);
	r = d->since && d->pending && d->log && d->print && d->new_print ? share_todo(d) : -ENOMEM;
	if (r)
		hv_dirty_done(d);
	return r ? vd_err_set(err, r, VD_E_NO_MEMORY, "vm/memory", NULL, "memory ran out") : 0;
}

void hv_dirty_done(struct hv_dirty *d)
{
	release(d->since, d->n_pages / 8);
	release(d->pending, d->n_pages / 8);
	release(d->log, d->n_pages / 8);
	release(d->print, d->n_pages * 8);
	release(d->new_print, d->n_pages * 8);
	release(d->todo, d->n_pages / 8);
	if (d->todo_fd >= 0)
		close(d->todo_fd);
	*d = (struct hv_dirty){.todo_fd = -1};
}

void hv_dirty_reset(struct hv_dirty *d)
{
	d->known = d->logging = d->under_way = false;
	madvise(d->print, d->n_pages * 8, MADV_DONTNEED);
	madvise(d->new_print, d->n_pages * 8, MADV_DONTNEED);
}

/* ---- KVM's log ---- */

static int set_logging(struct hv_dirty *d, bool on)
{
	int r = 0;

	if (d->logging != on)
		r = hv_kvm_log_dirty(d->kvm, d->ram, on);
	if (!r)
		d->logging = on;
	return r;
}

/* Move KVM's log to since. */
static int collect(struct hv_dirty *d)
{
	for (unsigned int i = 0; i < d->ram->slots.n; i++) {
		const struct vmb_slot *s = &d->ram->slots.slot[i];
		uint64_t at = (uint64_t)(s->host - d->ram->base) / HV_PAGE_SIZE / 64;
		struct kvm_dirty_log log = {.slot = i, .dirty_bitmap = d->log + at};

		if (ioctl(d->kvm->vm, KVM_GET_DIRTY_LOG, &log))
			return -errno;
	}
	for (uint64_t w = 0; w < n_words(d); w++)
		if (d->log[w])
			d->since[w] |= d->log[w];
	return 0;
}

static int64_t count_todo(const struct hv_dirty *d)
{
	int64_t n = 0;

	for (uint64_t w = 0; w < n_words(d); w++)
		n += __builtin_popcountll(d->todo[w]);
	return n;
}

uint64_t hv_dirty_n_foreign(const struct hv_dirty *d)
{
	uint64_t n = 0;

	for (uint64_t w = 0; w < n_words(d); w++)
		n += (uint64_t)__builtin_popcountll(d->ram->foreign[w]);
	return n;
}

/* ---- a snapshot's life ---- */

/* What foreign pages look like now; those that changed since the last snapshot go to todo. */
static void look_at_foreign(struct hv_dirty *d, bool all)
{
	for (uint64_t w = 0; w < n_words(d); w++) {
		uint64_t bits = __atomic_load_n(&d->ram->foreign[w], __ATOMIC_ACQUIRE);

		for (; bits; bits &= bits - 1) {
			uint64_t page = w * 64 + (uint64_t)__builtin_ctzll(bits);
			uint64_t v = hv_page_print(d->ram->base + page * HV_PAGE_SIZE) | 1;

			d->new_print[page] = v;
			if (all || d->print[page] != v)
				d->todo[w] |= 1ull << page % 64;
		}
	}
}

static void take_prints(struct hv_dirty *d)
{
	uint64_t *old = d->print;

	d->print = d->new_print;
	d->new_print = old;
}

int hv_dirty_restored(struct hv_dirty *d, const uint8_t id[HV_SNAP_ID_SIZE])
{
	int r = set_logging(d, true);

	if (r)
		return r;
	memset(d->since, 0, n_words(d) * 8);
	look_at_foreign(d, true);
	take_prints(d);
	memset(d->todo, 0, n_words(d) * 8);
	memcpy(d->last, id, sizeof(d->last));
	d->known = true;
	return 0;
}

int hv_dirty_begin(struct hv_dirty *d, bool full)
{
	int r;

	if (!full && !d->known)
		return -ESTALE;
	r = set_logging(d, true);
	if (!r)
		r = collect(d);
	if (r)
		return r;
	if (full) {
		memset(d->since, 0xff, n_words(d) * 8);
		d->known = false;
	}
	memset(d->todo, 0, n_words(d) * 8);
	memset(d->pending, 0, n_words(d) * 8);
	d->under_way = true;
	for (uint64_t w = 0; w < n_words(d); w++)
		d->todo[w] = d->since[w] & ~d->ram->foreign[w];
	return 0;
}

/* KVM's log, to both since and todo. */
static int add_log(struct hv_dirty *d)
{
	int r = collect(d);

	if (r)
		return r;
	for (uint64_t w = 0; w < n_words(d); w++)
		if (d->log[w])
			d->todo[w] |= d->log[w] & ~d->ram->foreign[w];
	return 0;
}

int64_t hv_dirty_round(struct hv_dirty *d)
{
	int r = add_log(d);

	return r ? r : count_todo(d);
}

int64_t hv_dirty_stop(struct hv_dirty *d)
{
	uint64_t *old;
	int r = add_log(d);

	if (r)
		return r;
	look_at_foreign(d, !d->known);
	/* from here on the guest's writes belong to the next snapshot, if this one is finished */
	old = d->pending;
	d->pending = d->since;
	d->since = old;
	memset(d->since, 0, n_words(d) * 8);
	return count_todo(d);
}

void hv_dirty_commit(struct hv_dirty *d, const uint8_t id[HV_SNAP_ID_SIZE])
{
	if (!d->under_way)
		return;
	take_prints(d);
	memcpy(d->last, id, sizeof(d->last));
	d->known = true;
	d->under_way = false;
}

void hv_dirty_abort(struct hv_dirty *d)
{
	if (!d->under_way)
		return;
	for (uint64_t w = 0; w < n_words(d); w++)
		d->since[w] |= d->pending[w];
	d->under_way = false;
}
