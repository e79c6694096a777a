/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that runs out anywhere between a text and its differences: the n-th allocation fails, for
 * every n. Each time the call that needed it must say so, or the result must be whole; the sanitizer build
 * looks for leaks. The linker puts the functions below in place of malloc() and its kin.
 */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/model.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static unsigned int countdown; /* the allocation that fails; 0: none */
static bool happened;

static bool fails(void)
{
	if (countdown == 0 || --countdown)
		return false;
	happened = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

#define YAML                                                                                   \
	"viridian: 1\n"                                                                        \
	"switches:\n"                                                                          \
	"  - {name: a, type: private, fdb: [{mac: '02:00:00:00:00:09', port: p}]}\n"           \
	"ports:\n"                                                                             \
	"  - {name: p, switch: a, device: tap:p, vlan: 'isolated:5,6'}\n"                      \
	"  - {name: q, switch: a, device: tap:q, mac: '02:00:00:00:00:01'}\n"                  \
	"  - {name: r, switch: a, device: tap:r, tags: [x], guard: {pinning: static, pins: "   \
	"[10.0.0.1], floating: [fd00::1]}, qos: {weight: 3}, acl: [{direction: both, action: " \
	"deny}, {direction: to-vm, action: allow, remote: 'set:s', weight: 2}]}\n"             \
	"sets:\n"                                                                              \
	"  - {name: s, members: [10.0.0.0/8]}\n"                                               \
	"mirrors:\n"                                                                           \
	"  - {name: m, switch: a, sources: [p], to_port: q}\n"
#define JSON                                                                                \
	"{\"viridian\":1,\"switches\":[{\"name\":\"a\",\"type\":\"private\",\"mtu\":576}]," \
	"\"ports\":[{\"name\":\"p\",\"switch\":\"a\",\"device\":\"tap:p\"}]}"

static void zeros(void *ctx, void *buf, size_t n)
{
	(void)ctx;
	memset(buf, 0, n);
}

static void everything(const char *text, unsigned int n_changes, unsigned int n_members)
{
	struct vsw_model m = {0}, full = {0};
	struct vd_doc *d = NULL;
	json_t *diff = NULL, *j = NULL;
	struct vd_err e = {0};
	int r = vd_doc_parse(text, strlen(text), "x", &d, &e);

	if (r == 0)
		r = vsw_model_from_json(vd_doc_root(d), d, &m, &e);
	if (r == 0)
		r = vsw_model_validate(&m, vd_doc_root(d), d, &e);
	CU_ASSERT_EQUAL(r, e.errnum);
	if (r == 0)
		r = vsw_model_copy(&m, &full);
	if (r == 0)
		r = vsw_model_complete(&full, zeros, NULL, NULL);
	if (r == 0) {
		diff = vsw_model_diff(&m, &full);
		j = vsw_model_to_json(&full);
		r = diff && j ? 0 : -ENOMEM;
		if (diff)
			CU_ASSERT_EQUAL(json_array_size(diff), n_changes);
		if (j)
			CU_ASSERT_EQUAL(json_object_size(j), n_members);
	}
	if (r && r != -ENOMEM)
		printf("# %d %s\n", r, e.message);
	CU_ASSERT_TRUE(r == 0 || r == -ENOMEM);
	json_decref(diff);
	json_decref(j);
	vsw_model_done(&m);
	vsw_model_done(&full);
	vd_doc_free(d);
}

static void every_allocation(const char *text, unsigned int n_changes, unsigned int n_members)
{
	unsigned int n = 0;

	json_set_alloc_funcs(__wrap_malloc, free);
	do {
		countdown = ++n;
		happened = false;
		/* may succeed all the same: what one reader could not read, the other does */
		everything(text, n_changes, n_members);
	} while (happened && n < 20000);
	countdown = 0;
	printf("# %u allocations\n", n - 1);
	CU_ASSERT_TRUE(n > 100);
	CU_ASSERT_FALSE(happened);
}

static void json(void)
{
	every_allocation(JSON, 2, 3);
}

static void yaml(void)
{
	every_allocation(YAML, 10, 5);
}

static const struct tap_case cases[] = {
	{"a JSON document survives lack of memory anywhere", json},
	{"a YAML document survives lack of memory anywhere", yaml},
};

TAP_MAIN("vswitch/model/memory", cases)
