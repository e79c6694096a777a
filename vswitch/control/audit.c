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
	unsigned long long seq;        /* of the last record */
	char hash[VSW_AUDIT_HEX_SIZE]; /* of the last record; zeros before the first */
	char torn[VSW_AUDIT_HEX_SIZE]; /* of what stands behind it and is no record; "": nothing */
	bool ragged;                   /* the file does not end with a line feed */
};

/* Of @before ("" for none) and @size bytes of text. */
static void hash_more(const char *before, const char *text, size_t size,
		      char ret[VSW_AUDIT_HEX_SIZE])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, strlen(before), (const uint8_t *)before);
	sha256_update(&ctx, size, (const uint8_t *)text);
	sha256_digest(&ctx, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

/* Of the text of a record without its hash; the record names the hash before it. */
static void hash_of(const char *text, char ret[VSW_AUDIT_HEX_SIZE])
{
	hash_more("", text, strlen(text), ret);
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

struct walk {
	char prev[VSW_AUDIT_HEX_SIZE]; /* what the next record has to follow */
	char torn[VSW_AUDIT_HEX_SIZE]; /* and own up to */
	unsigned long line, torn_line, n_torn;
	struct vsw_audit_check check;
	unsigned long long seq;
	char last[VSW_AUDIT_HEX_SIZE];
	json_t *tail;
	const char *port;
	unsigned int n_max;
};

static void start_walk(struct walk *w)
{
	memset(w, 0, sizeof(*w));
	memset(w->prev, '0', sizeof(w->prev) - 1);
	memcpy(w->last, w->prev, sizeof(w->last));
}

static void bad(struct walk *w, unsigned long line)
{
	if (!w->check.bad_line)
		w->check.bad_line = line;
}

/* Cut short by a crash, it seems; the next record has to say so. */
static void on_torn(struct walk *w, const char *text, size_t size)
{
	if (!w->torn[0])
		w->torn_line = w->line;
	hash_more(w->torn, text, size, w->torn);
	w->n_torn++;
}

static void keep(struct walk *w, json_t *j)
{
	const char *of = json_string_value(json_object_get(j, "port"));

	if (!w->tail || (w->port && (!of || strcmp(of, w->port))))
		return;
	json_array_append(w->tail, j);
	if (json_array_size(w->tail) > w->n_max)
		json_array_remove(w->tail, 0);
}

static void on_record(struct walk *w, json_t *j)
{
	const char *hash = json_string_value(json_object_get(j, "hash"));
	const char *torn = json_string_value(json_object_get(j, "torn"));

	if (strcmp(torn ? torn : "", w->torn))
		bad(w, w->torn[0] ? w->torn_line : w->line);
	w->check.n_torn += w->n_torn;
	w->n_torn = 0;
	w->torn[0] = '\0';
	if (!follows(j, w->prev))
		bad(w, w->line);
	if (hash && strlen(hash) == VSW_AUDIT_HEX_SIZE - 1) {
		memcpy(w->last, hash, sizeof(w->last));
		w->seq = (unsigned long long)json_integer_value(json_object_get(j, "seq"));
	}
	keep(w, j);
}

static int walk(const struct vsw_audit *a, struct walk *w)
{
	int fd = openat(a->dir_fd, a->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (!f) {
		int rc = -errno;

		if (fd >= 0)
			close(fd);
		return rc;
	}
	while ((n = getline(&line, &size, f)) > 0) {
		size_t len = (size_t)n - (line[n - 1] == '\n');
		json_t *j = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);

		w->line++;
		if (json_is_object(j))
			on_record(w, j);
		else
			on_torn(w, line, len);
		json_decref(j);
	}
	free(line);
	fclose(f);
	return 0;
}

/* A line that a crash cut short is ended, so that the next one is whole. */
static int end_line(struct vsw_audit *a)
{
	off_t size = lseek(a->fd, 0, SEEK_END);
	char last = '\n';

	if (size > 0 && pread(a->fd, &last, 1, size - 1) != 1)
		return -EIO;
	a->ragged = last != '\n';
	if (!a->ragged || write(a->fd, "\n", 1) != 1)
		return a->ragged ? -EIO : 0;
	a->ragged = false;
	return 0;
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
		rc = end_line(a);
	start_walk(&w);
	if (!rc)
		rc = walk(a, &w);
	if (rc) {
		vsw_audit_close(a);
		return vd_err_set(reterr, rc, VD_E_STATE, NULL, NULL,
				  "the audit log %s cannot be used: %s", name, strerror(-rc));
	}
	if (w.check.bad_line)
		vd_log(LOG_ERR, "audit", name, "line %lu does not follow from the one before",
		       w.check.bad_line);
	if (w.torn[0])
		vd_log(LOG_WARNING, "audit", name, "line %lu was cut short by a crash",
		       w.torn_line);
	a->seq = w.seq;
	memcpy(a->hash, w.last, sizeof(a->hash));
	memcpy(a->torn, w.torn, sizeof(a->torn));
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

/* All of it or, as far as anybody reads, nothing. */
static int append(struct vsw_audit *a, const char *text)
{
	size_t n = strlen(text);
	ssize_t done;

	if (a->ragged && write(a->fd, "\n", 1) != 1)
		return -EIO;
	a->ragged = false;
	done = write(a->fd, text, n);
	if (done == (ssize_t)n)
		return 0;
	if (done > 0) {
		hash_more(a->torn, text, (size_t)done, a->torn);
		a->ragged = write(a->fd, "\n", 1) != 1;
	}
	return -EIO;
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

/* @record between what every line begins and ends with; its hash goes to @hash. */
static char *seal(const struct vsw_audit *a, json_t *record, char hash[VSW_AUDIT_HEX_SIZE])
{
	json_t *j = json_object();
	char when[40], *text, *line = NULL;

	now_text(when, sizeof(when));
	json_object_set_new(j, "seq", json_integer((json_int_t)a->seq + 1));
	json_object_set_new(j, "time", json_string(when));
	json_object_update(j, record);
	if (a->torn[0])
		json_object_set_new(j, "torn", json_string(a->torn));
	json_object_set_new(j, "prev", json_string(a->hash));
	text = json_dumps(j, JSON_COMPACT);
	if (text) {
		hash_of(text, hash);
		json_object_set_new(j, "hash", json_string(hash));
		line = line_of(j);
	}
	free(text);
	json_decref(j);
	return line;
}

int vsw_audit_add(struct vsw_audit *a, json_t *record, bool sync)
{
	char hash[VSW_AUDIT_HEX_SIZE], *line = seal(a, record, hash);
	int rc = line ? append(a, line) : -ENOMEM;

	json_decref(record);
	free(line);
	if (rc)
		return rc;
	a->seq++;
	memcpy(a->hash, hash, sizeof(hash));
	a->torn[0] = '\0';
	return sync && fdatasync(a->fd) < 0 ? -EIO : 0;
}

unsigned long long vsw_audit_seq(const struct vsw_audit *a)
{
	return a->seq;
}

int vsw_audit_read(struct vsw_audit *a, const char *port, unsigned int n_max, json_t **ret,
		   struct vsw_audit_check *check, struct vd_err *reterr)
{
	struct walk w;
	int rc;

	start_walk(&w);
	w.port = port;
	w.n_max = n_max;
	w.tail = json_array();
	rc = walk(a, &w);
	if (rc) {
		json_decref(w.tail);
		return vd_err_set(reterr, rc, VD_E_STATE, NULL, NULL,
				  "the audit log %s cannot be read: %s", a->name, strerror(-rc));
	}
	if (strcmp(w.last, a->hash) || strcmp(w.torn, a->torn)) /* what we wrote is gone */
		bad(&w, w.torn[0] ? w.torn_line : w.line + 1);
	w.check.n_torn += w.n_torn;
	*ret = w.tail;
	*check = w.check;
	return 0;
}
