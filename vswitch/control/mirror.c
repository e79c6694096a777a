/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mirror sessions at run time: see mirror.h. */
#include "vswitch/control/mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "vswitch/control/engine.h"
#include "vswitch/control/frame_log.h"
#include "vswitch/policy/mirror.h"

struct vsw_mirror_rt {
	struct vsw_mirror_rt *next;
	char name[VD_NAME_MAX + 1];
	char file[sizeof(((struct vsw_mirror *)0)->to_file)];
	char filter[sizeof(((struct vsw_mirror *)0)->filter)];
	struct vsw_mirror_tap tap;
	struct vsw_frame_log log;
	int fd;
	bool published, wanted;
};

static void session_free(struct vsw_mirror_rt *s)
{
	if (s->fd >= 0) {
		vsw_frame_log_drain(&s->log);
		vsw_frame_log_statistics(&s->log);
		vsw_pcapng_flush(&s->log.out, s->fd);
		close(s->fd);
	}
	vsw_frame_log_done(&s->log);
	free(s);
}

static bool same(const struct vsw_mirror_rt *s, const struct vsw_mirror *m)
{
	return !strcmp(s->name, m->name) && !strcmp(s->file, m->to_file) &&
	       !strcmp(s->filter, m->filter) &&
	       s->tap.c.snaplen == (m->snaplen ? m->snaplen : UINT16_MAX);
}

/* A new file, or a capture of earlier: who may only set up mirrors must not destroy other files with them. */
static int open_own(const char *path, int *ret)
{
	static const uint8_t pcapng[4] = {0x0a, 0x0d, 0x0d, 0x0a};
	uint8_t magic[4];
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	int rc = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;

	if (!rc && (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
		    (st.st_size && (read(fd, magic, sizeof(magic)) != sizeof(magic) ||
				    memcmp(magic, pcapng, sizeof(magic)) != 0))))
		rc = -EEXIST;
	if (!rc && (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0))
		rc = -errno;
	if (rc && fd >= 0)
		close(fd);
	*ret = rc ? -1 : fd;
	return rc;
}

static int open_file(struct vsw_mirror_rt *s, const struct vsw_mirror *m, struct vd_err *reterr)
{
	int rc = open_own(m->to_file, &s->fd);

	if (rc == -EEXIST)
		return vd_err_set(
			reterr, rc, VD_E_SYSTEM, m->name, "name a file that does not exist",
			"%s is there and holds no capture: it is not overwritten", m->to_file);
	if (rc)
		return vd_err_set(
			reterr, rc, VD_E_SYSTEM, m->name,
			"name a file in a folder that exists and that the daemon may write to",
			"cannot write to %s: %s", m->to_file, strerror(-rc));
	return 0;
}

static int start(struct vsw_engine *e, const struct vsw_mirror *m, struct vsw_mirror_rt **ret,
		 struct vd_err *reterr)
{
	struct vsw_mirror_rt *s = calloc(1, sizeof(*s));
	char path[VD_NAME_MAX + 32];
	int rc;

	if (!s)
		return -ENOMEM;
	s->fd = -1;
	memcpy(s->name, m->name, sizeof(s->name));
	memcpy(s->file, m->to_file, sizeof(s->file));
	memcpy(s->filter, m->filter, sizeof(s->filter));
	s->tap.c.snaplen = m->snaplen ? m->snaplen : UINT16_MAX;
	snprintf(path, sizeof(path), "mirror/%s/filter", m->name);
	rc = vsw_frame_log_init(&s->log, e, &s->tap.c, m->filter, path, reterr);
	if (!rc && m->to_file[0])
		rc = open_file(s, m, reterr);
	if (rc) {
		session_free(s);
		return rc;
	}
	*ret = s;
	return 0;
}

static struct vsw_mirror_rt *find(const struct vsw_engine *e, const struct vsw_mirror *m)
{
	for (struct vsw_mirror_rt *s = e->mirrors; s; s = s->next)
		if (same(s, m))
			return s;
	return NULL;
}

int vsw_mirrors_prepare(struct vsw_engine *e, const struct vsw_model *m,
			struct vsw_mirror_tap ***ret, struct vd_err *reterr)
{
	struct vsw_mirror_tap **taps = calloc(m->n_mirrors + 1u, sizeof(*taps));
	int rc = taps ? 0 : -ENOMEM;

	for (struct vsw_mirror_rt *s = e->mirrors; s; s = s->next)
		s->wanted = false;
	for (unsigned int i = 0; i < m->n_mirrors && !rc; i++) {
		struct vsw_mirror_rt *s = find(e, &m->mirrors[i]);

		if (!s) {
			rc = start(e, &m->mirrors[i], &s, reterr);
			if (rc && rc != -ENOMEM && e->restoring) {
				vd_log(LOG_WARNING, "mirror", m->mirrors[i].name,
				       "%s; the session does not run", reterr->message);
				memset(reterr, 0, sizeof(*reterr));
				rc = 0;
				continue;
			}
			if (rc)
				break;
			s->next = e->mirrors;
			e->mirrors = s;
		}
		s->wanted = true;
		taps[i] = &s->tap;
	}
	if (rc) {
		free(taps);
		return rc;
	}
	*ret = taps;
	return 0;
}

void vsw_mirrors_settle(struct vsw_engine *e, bool good)
{
	for (struct vsw_mirror_rt **at = &e->mirrors; *at;) {
		struct vsw_mirror_rt *s = *at;

		if (good)
			s->published = s->wanted;
		if (s->published) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		session_free(s);
	}
}

bool vsw_mirrors_drain(struct vsw_engine *e)
{
	bool any = false;

	for (struct vsw_mirror_rt *s = e->mirrors; s; s = s->next) {
		int rc;

		if (s->fd < 0)
			continue;
		any = true;
		vsw_frame_log_drain(&s->log);
		rc = vsw_pcapng_flush(&s->log.out, s->fd);
		if (!rc || rc == -EAGAIN)
			continue;
		vd_log(LOG_WARNING, "mirror", s->name, "cannot write to %s: %s; writing ends",
		       s->file, strerror(-rc));
		close(s->fd);
		s->fd = -1;
	}
	return any;
}

json_t *vsw_mirror_counts(const struct vsw_engine *e, const char *name)
{
	for (const struct vsw_mirror_rt *s = e->mirrors; s; s = s->next)
		if (!strcmp(s->name, name))
			return json_pack(
				"{s:I, s:I}", "copied",
				(json_int_t)__atomic_load_n(&s->tap.copied, __ATOMIC_RELAXED),
				"lost",
				(json_int_t)__atomic_load_n(&s->tap.c.lost, __ATOMIC_RELAXED));
	return NULL;
}
