/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hash-chained log: see audit.h. */
#include "vswitch/control/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

struct vsw_audit {
	int fd; /* appends */
	int dir_fd;
	char name[64];
	unsigned long long seq;        /* of the last line */
	char hash[VSW_AUDIT_HEX_SIZE]; /* of the last line; zeros before the first */
};

/* Of the text of a record without its hash; the record names the hash before it. */
static void hash_of(const char *text, char ret[VSW_AUDIT_HEX_SIZE])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, strlen(text), (const uint8_t *)text);
	sha256_digest(&ctx, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

/* Does @j follow the hash @prev? Its own hash goes to @prev then. */
static bool follows(json_t *j, char prev[VSW_AUDIT_HEX_SIZE])
{
	const char *before = json_string_value(json_object_get(j, "prev"));
	char hash[VSW_AUDIT_HEX_SIZE];
	const char *said;
	char *text;
	json_t *own;
	bool ok;

	if (!before || strcmp(before, prev))
		return false;
	own = json_copy(j);
	json_object_del(own, "hash");
	text = json_dumps(own, JSON_COMPACT);
	json_decref(own);
	if (!text)
		return false;
	hash_of(text, hash);
	free(text);
	said = json_string_value(json_object_get(j, "hash"));
	ok = said && !strcmp(said, hash);
	memcpy(prev, hash, sizeof(hash));
	return ok;
}

/* Call @fn for every line; NULL record: a line that is no record. */
static int each_line(const struct vsw_audit *a,
		     void (*fn)(void *ctx, unsigned long line, json_t *j), void *ctx)
{
	int fd = openat(a->dir_fd, a->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	unsigned long number = 0;
	char *line = NULL;
	size_t size = 0;

	if (!f) {
		int rc = -errno;

		if (fd >= 0)
			close(fd);
		return rc;
	}
	while (getline(&line, &size, f) >= 0) {
		json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

		fn(ctx, ++number, json_is_object(j) ? j : NULL);
		json_decref(j);
	}
	free(line);
	fclose(f);
	return 0;
}

struct walk {
	char prev[VSW_AUDIT_HEX_SIZE];
	unsigned long bad;
	unsigned long long seq;
	char last[VSW_AUDIT_HEX_SIZE];
	json_t *tail;
	unsigned int n_max;
};

static void start_walk(struct walk *w)
{
	memset(w, 0, sizeof(*w));
	memset(w->prev, '0', sizeof(w->prev) - 1);
	memcpy(w->last, w->prev, sizeof(w->last));
}

static void on_line(void *ctx, unsigned long line, json_t *j)
{
	const char *hash = json_string_value(json_object_get(j, "hash"));
	struct walk *w = ctx;

	if (!w->bad && (!j || !follows(j, w->prev)))
		w->bad = line;
	if (hash && strlen(hash) == VSW_AUDIT_HEX_SIZE - 1) {
		memcpy(w->last, hash, sizeof(w->last));
		w->seq = (unsigned long long)json_integer_value(json_object_get(j, "seq"));
	}
	if (!w->tail || !j)
		return;
	json_array_append(w->tail, j);
	if (json_array_size(w->tail) > w->n_max)
		json_array_remove(w->tail, 0);
}

/* A line that a crash cut short is ended, so that the next one is whole. */
static int end_line(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char last = '\n';

	if (size > 0 && pread(fd, &last, 1, size - 1) != 1)
		return -EIO;
	return last == '\n' || write(fd, "\n", 1) == 1 ? 0 : -EIO;
}

int vsw_audit_open(int dir_fd, const char *name, struct vsw_audit **ret, struct vd_err *reterr)
{
	struct vsw_audit *a = calloc(1, sizeof(*a));
	struct walk w;
	int rc = 0;

	if (!a)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	a->dir_fd = dir_fd;
	snprintf(a->name, sizeof(a->name), "%s", name);
	a->fd = openat(dir_fd, name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (a->fd < 0)
		rc = -errno;
	if (!rc)
		rc = end_line(a->fd);
	start_walk(&w);
	if (!rc)
		rc = each_line(a, on_line, &w);
	if (rc) {
		vsw_audit_close(a);
		return vd_err_set(reterr, rc, VD_E_STATE, NULL, NULL,
				  "the audit log %s cannot be used: %s", name, strerror(-rc));
	}
	if (w.bad)
		vd_log(LOG_ERR, "audit", name, "line %lu does not follow from the one before",
		       w.bad);
	a->seq = w.seq;
	memcpy(a->hash, w.last, sizeof(a->hash));
	*ret = a;
	return 0;
}

void vsw_audit_close(struct vsw_audit *a)
{
	if (!a)
		return;
	if (a->fd >= 0)
		close(a->fd);
	free(a);
}

static void now_text(char *buf, size_t size)
{
	struct timespec ts;
	struct tm tm;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	len = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + len, size - len, ".%03ldZ", ts.tv_nsec / 1000000);
}

static int append(struct vsw_audit *a, const char *text, bool sync)
{
	size_t n = strlen(text);
	ssize_t done = write(a->fd, text, n);

	if (done < 0 || (size_t)done != n || (sync && fdatasync(a->fd) < 0))
		return -EIO;
	return 0;
}

/* The text of @j and a line feed. */
static char *line_of(json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT), *line = NULL;

	if (text && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	return line;
}

int vsw_audit_add(struct vsw_audit *a, json_t *record, bool sync)
{
	char when[40], hash[VSW_AUDIT_HEX_SIZE];
	json_t *j = json_object();
	char *text, *line = NULL;
	int rc = -ENOMEM;

	now_text(when, sizeof(when));
	json_object_set_new(j, "seq", json_integer((json_int_t)a->seq + 1));
	json_object_set_new(j, "time", json_string(when));
	json_object_update(j, record);
	json_decref(record);
	json_object_set_new(j, "prev", json_string(a->hash));
	text = json_dumps(j, JSON_COMPACT);
	if (text) {
		hash_of(text, hash);
		json_object_set_new(j, "hash", json_string(hash));
		line = line_of(j);
	}
	if (line)
		rc = append(a, line, sync);
	free(line);
	free(text);
	json_decref(j);
	if (!rc) {
		a->seq++;
		memcpy(a->hash, hash, sizeof(hash));
	}
	return rc;
}

int vsw_audit_read(struct vsw_audit *a, unsigned int n_max, json_t **ret, unsigned long *bad_line,
		   struct vd_err *reterr)
{
	struct walk w;
	int rc;

	start_walk(&w);
	w.n_max = n_max;
	w.tail = json_array();
	rc = each_line(a, on_line, &w);
	if (rc) {
		json_decref(w.tail);
		return vd_err_set(reterr, rc, VD_E_STATE, NULL, NULL,
				  "the audit log %s cannot be read: %s", a->name, strerror(-rc));
	}
	*ret = w.tail;
	*bad_line = w.bad;
	return 0;
}
