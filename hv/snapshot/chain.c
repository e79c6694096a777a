/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of snapshots, one by one and as a chain. */
#include "hv/snapshot/chain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hv/layout.h"

/* ---- one file ---- */

static int read_fd(void *ctx, uint64_t at, void *buf, size_t size)
{
	int fd = *(int *)ctx;
	ssize_t n;

	for (uint8_t *p = buf; size; p += n, at += (uint64_t)n, size -= (size_t)n) {
		n = pread(fd, p, size, (off_t)at);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return n ? -errno : -EIO; /* shorter than a moment ago */
	}
	return 0;
}

static int open_at(int dir, const char *name, int *fd, uint64_t *size)
{
	struct stat st;

	/* a pipe would make us wait */
	*fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0)
		return -errno;
	if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode)) {
		*size = (uint64_t)st.st_size;
		return 0;
	}
	close(*fd);
	return -EINVAL;
}

static int open_src(const char *path, int *fd, struct hv_snap_src *src, struct vd_err *err)
{
	uint64_t size = 0;
	int r = open_at(AT_FDCWD, path, fd, &size);

	*src = (struct hv_snap_src){read_fd, fd, size, path};
	if (r == -EINVAL)
		return vd_err_set(err, r, VD_E_VM_SNAPSHOT, "vm/snapshot", NULL, "%s is no file",
				  path);
	return r ? vd_err_set(err, r, r == -EACCES ? VD_E_PERMISSION : VD_E_DEVICE_MISSING,
			      "vm/snapshot", "check the path and its permissions",
			      "%s cannot be read: %s", path, strerror(-r))
		 : 0;
}

int hv_chain_head(const char *path, struct hv_snap_head *ret, struct vd_err *err)
{
	struct hv_snap_src src;
	int fd, r = open_src(path, &fd, &src, err);

	if (r)
		return r;
	r = hv_snap_read_head(&src, ret, err);
	close(fd);
	return r;
}

/* ---- a folder ---- */

void hv_chain_folder(const char *path, char *ret, size_t room)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		snprintf(ret, room, ".");
	else
		snprintf(ret, room, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static int older(const void *a, const void *b)
{
	const struct hv_chain_file *x = a, *y = b;

	if (x->head.created_s != y->head.created_s)
		return x->head.created_s < y->head.created_s ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool look(int dir, const char *name, struct hv_chain_file *f)
{
	struct hv_snap_src src = {.read = read_fd, .name = name};
	bool good;
	int fd;

	if (open_at(dir, name, &fd, &src.size))
		return false;
	src.ctx = &fd;
	good = hv_snap_read_head(&src, &f->head, NULL) == 0;
	close(fd);
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->size = src.size;
	return good;
}

int hv_chain_scan(const char *folder, struct hv_chain_file **ret, unsigned int *n,
		  struct vd_err *err)
{
	struct hv_chain_file *f = NULL, *more;
	unsigned int room = 0;
	struct dirent *e;
	DIR *d = opendir(folder);

	*ret = NULL;
	*n = 0;
	if (!d)
		return vd_err_set(err, -errno, VD_E_DEVICE_MISSING, "vm/snapshot", NULL,
				  "the folder %s cannot be read: %s", folder, strerror(errno));
	while ((e = readdir(d)) && *n < HV_CHAIN_FILES_MAX) {
		size_t len = strlen(e->d_name);

		/* what is being written is no snapshot yet */
		if (e->d_name[0] == '.' || (len > 4 && !strcmp(e->d_name + len - 4, ".new")))
			continue;
		if (*n == room) {
			room = room ? 2 * room : 16;
			more = realloc(f, room * sizeof(*f));
			if (!more)
				break;
			f = more;
		}
		*n += look(dirfd(d), e->d_name, &f[*n]);
	}
	closedir(d);
	if (e && *n < HV_CHAIN_FILES_MAX) {
		free(f);
		return vd_err_set(err, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "memory ran out");
	}
	if (*n)
		qsort(f, *n, sizeof(*f), older);
	*ret = f;
	return 0;
}

const struct hv_chain_file *hv_chain_find(const struct hv_chain_file *f, unsigned int n,
					  const uint8_t id[HV_SNAP_ID_SIZE])
{
	for (unsigned int i = 0; i < n; i++)
		if (!memcmp(f[i].head.id, id, HV_SNAP_ID_SIZE))
			return &f[i];
	return NULL;
}

int hv_chain_follow(const struct hv_chain_file *f, unsigned int n, const struct hv_snap_head *tip,
		    const struct hv_chain_file *ret[HV_SNAP_MAX], unsigned int *n_ret,
		    struct vd_err *err)
{
	const struct hv_snap_head *h = tip;
	const struct hv_chain_file *up[HV_SNAP_MAX];
	unsigned int k = 0;

	while (!hv_snap_is_base(h)) {
		if (k == HV_SNAP_MAX)
			return vd_err_set(err, -ELOOP, VD_E_VM_SNAPSHOT, "vm/snapshot", NULL,
					  "more than %u snapshots stand on each other",
					  HV_SNAP_MAX);
		up[k] = hv_chain_find(f, n, h->parent);
		if (!up[k])
			return vd_err_set(err, -ENOENT, VD_E_VM_SNAPSHOT, "vm/snapshot",
					  "put the files of the chain into one folder; see "
					  "viridian-vm snapshot list",
					  "the snapshot that %s stands on is missing",
					  k ? up[k - 1]->name : "it");
		h = &up[k++]->head;
		if (h->memory_size != tip->memory_size || h->n_cpus != tip->n_cpus)
			return vd_err_set(err, -EINVAL, VD_E_VM_SNAPSHOT, "vm/snapshot", NULL,
					  "%s is of another machine", up[k - 1]->name);
	}
	for (unsigned int i = 0; i < k; i++)
		ret[i] = up[k - 1 - i];
	*n_ret = k;
	return 0;
}

/* ---- loading ---- */

void hv_saved_done(struct hv_saved *s)
{
	free(s->vm.data);
	free(s->board.data);
	free(s->bus.data);
	for (unsigned int i = 0; i < HV_CPUS_MAX; i++)
		free(s->cpu[i].data);
	for (unsigned int i = 0; i < 8; i++) {
		free(s->nic[i].data);
		free(s->port[i].data);
	}
	memset(s, 0, sizeof(*s));
}

static struct hv_saved_part *part_of(struct hv_saved *s, const struct hv_snap_rec *rec)
{
	/* indices have been checked against the head */
	switch (rec->type) {
	case HV_SNAP_VM:
		return &s->vm;
	case HV_SNAP_BOARD:
		return &s->board;
	case HV_SNAP_BUS:
		return &s->bus;
	case HV_SNAP_CPU:
		return &s->cpu[rec->index];
	case HV_SNAP_NIC:
		return &s->nic[rec->index];
	default:
		return &s->port[rec->index];
	}
}

int hv_chain_take(void *loading, const struct hv_snap_rec *rec, const void *payload,
		  struct vd_err *err)
{
	struct hv_loading *l = loading;
	struct hv_saved_part *p;

	if (rec->type == HV_SNAP_MEM) {
		if (l->ram)
			memcpy(l->ram->base + rec->arg * HV_PAGE_SIZE, payload, rec->size);
		return 0;
	}
	if (rec->type == HV_SNAP_ZERO) {
		if (l->ram)
			memset(l->ram->base + rec->arg * HV_PAGE_SIZE, 0,
			       (size_t)rec->index * HV_PAGE_SIZE);
		return 0;
	}
	if (!l->saved)
		return 0;
	p = part_of(l->saved, rec);
	if (p->data)
		return vd_err_set(err, -EINVAL, VD_E_VM_SNAPSHOT, "vm/snapshot", NULL,
				  "the snapshot is damaged: the same state twice");
	p->data = malloc(rec->size + 1);
	if (!p->data)
		return vd_err_set(err, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "memory ran out");
	if (rec->size) /* else there is no payload */
		memcpy(p->data, payload, rec->size);
	p->data[rec->size] = 0; /* JSON is a text */
	p->size = rec->size;
	return 0;
}

const char *hv_saved_missing(const struct hv_saved *s)
{
	if (!s->vm.data || !s->board.data)
		return "the machine";
	if (!s->bus.data)
		return "VMBus";
	for (unsigned int i = 0; i < s->head.n_cpus; i++)
		if (!s->cpu[i].data)
			return "a processor";
	for (unsigned int i = 0; i < s->head.n_nics; i++)
		if (!s->nic[i].data)
			return "a network card";
	return NULL;
}

static int load_file(const char *path, const struct hv_snap_head *want, struct hv_loading *l,
		     struct vd_err *err)
{
	struct hv_snap_head head;
	struct hv_snap_src src;
	int fd, r = open_src(path, &fd, &src, err);

	if (r)
		return r;
	r = hv_snap_read_head(&src, &head, err);
	if (!r && memcmp(&head, want, sizeof(head)))
		r = vd_err_set(err, -ESTALE, VD_E_VM_SNAPSHOT, "vm/snapshot", "try again",
			       "%s changed while it was read", path);
	if (!r)
		r = hv_snap_walk(&src, &head, hv_chain_take, l, err);
	close(fd);
	return r;
}

int hv_chain_load(const char *path, const struct hv_ram *ram, struct hv_saved *ret,
		  struct vd_err *err)
{
	const struct hv_chain_file *chain[HV_SNAP_MAX];
	char folder[PATH_MAX / 2], name[PATH_MAX];
	struct hv_loading older_files = {.ram = ram}, tip = {.ram = ram, .saved = ret};
	struct hv_chain_file *files = NULL;
	unsigned int n = 0, n_chain = 0;
	const char *missing;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = hv_chain_head(path, &ret->head, err);
	hv_chain_folder(path, folder, sizeof(folder));
	if (!r && !hv_snap_is_base(&ret->head))
		r = hv_chain_scan(folder, &files, &n, err);
	if (!r)
		r = hv_chain_follow(files, n, &ret->head, chain, &n_chain, err);
	for (unsigned int i = 0; i < n_chain && !r; i++) {
		snprintf(name, sizeof(name), "%s/%s", folder, chain[i]->name);
		r = load_file(name, &chain[i]->head, &older_files, err);
	}
	if (!r)
		r = load_file(path, &ret->head, &tip, err);
	free(files);
	missing = r ? NULL : hv_saved_missing(ret);
	if (missing)
		return vd_err_set(err, -EINVAL, VD_E_VM_SNAPSHOT, "vm/snapshot", NULL,
				  "%s lacks the state of %s", path, missing);
	return r;
}
