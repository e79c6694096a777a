/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a user asks of snapshots, but for restoring. */
#include "hv/snapshot/command.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hv/layout.h"
#include "hv/snapshot/chain.h"
#include "hv/snapshot/take.h"

static int save(const struct hv_options *opt, struct vd_err *err)
{
	struct hv_take t = {.vm = opt->vm,
			    .control = opt->control,
			    .path = opt->file,
			    .daemon = opt->socket,
			    .full = opt->full,
			    .stop = opt->stop};
	struct hv_taken res;
	int r = hv_take(&t, &res, err);

	if (r)
		return r;
	if (res.warning[0])
		fprintf(stderr, "viridian-vm: %s\n", res.warning);
	printf("%s: %s, %llu pages, %.1f MiB", opt->file,
	       res.incremental ? "what changed since the last one" : "all of memory",
	       (unsigned long long)res.pages, (double)res.file_size / HV_MIB);
	if (opt->stop)
		printf("; the VM has ended\n");
	else
		printf("; the guest stood still for %.1f ms (%llu pages)\n",
		       (double)res.pause_us / 1000, (unsigned long long)res.last_pages);
	return 0;
}

static void print_one(const struct hv_chain_file *f, const struct hv_chain_file *parent)
{
	time_t t = (time_t)f->head.created_s;
	char when[32] = "?";
	struct tm tm;

	if (localtime_r(&t, &tm))
		strftime(when, sizeof(when), "%F %T", &tm);
	printf("%-24s %-12s %-19s %6u %9.1f %9.1f  %s\n", f->name, f->head.vm, when, f->head.n_cpus,
	       (double)f->head.memory_size / HV_MIB, (double)f->size / HV_MIB,
	       hv_snap_is_base(&f->head) ? "-"
	       : parent                  ? parent->name
					 : "(missing)");
}

static int list(const struct hv_options *opt, struct vd_err *err)
{
	struct hv_chain_file *f;
	unsigned int n;
	int r = hv_chain_scan(opt->file, &f, &n, err);

	if (r)
		return r;
	printf("%-24s %-12s %-19s %6s %9s %9s  %s\n", "FILE", "VM", "TAKEN", "CPUS", "MEMORY",
	       "SIZE", "STANDS ON");
	for (unsigned int i = 0; i < n; i++)
		print_one(&f[i], hv_chain_find(f, n, f[i].head.parent));
	free(f);
	return 0;
}

static int check(const struct hv_options *opt, struct vd_err *err)
{
	struct hv_saved saved;
	int r = hv_chain_load(opt->file, NULL, &saved, err);

	if (!r)
		printf("%s: whole, with all that it stands on\n", opt->file);
	hv_saved_done(&saved);
	return r;
}

static int delete_file(const struct hv_options *opt, struct vd_err *err)
{
	char folder[PATH_MAX / 2];
	struct hv_chain_file *f;
	struct hv_snap_head head;
	unsigned int n;
	int r = hv_chain_head(opt->file, &head, err);

	if (r)
		return r;
	hv_chain_folder(opt->file, folder, sizeof(folder));
	r = hv_chain_scan(folder, &f, &n, err);
	for (unsigned int i = 0; !r && i < n; i++)
		if (!memcmp(f[i].head.parent, head.id, sizeof(head.id)))
			r = vd_err_set(err, -EBUSY, VD_E_VM_SNAPSHOT, "vm/snapshot",
				       "delete that one first", "%s stands on %s and would be lost",
				       f[i].name, opt->file);
	free(f);
	if (!r && unlink(opt->file))
		r = vd_err_set(err, -errno, VD_E_VM_SNAPSHOT, "vm/snapshot", NULL,
			       "%s cannot be deleted: %s", opt->file, strerror(errno));
	return r;
}

int hv_snapshot_command(const struct hv_options *opt, struct vd_err *err)
{
	switch (opt->command) {
	case HV_CMD_SAVE:
		return save(opt, err);
	case HV_CMD_LIST:
		return list(opt, err);
	case HV_CMD_CHECK:
		return check(opt, err);
	case HV_CMD_DELETE:
		return delete_file(opt, err);
	default:
		return -EINVAL;
	}
}
