/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hv/layout.h"
#include "hv/snapshot/chain.h"
#include "hv/snapshot/control.h"
#include "hv/snapshot/crc.h"
#include "hv/snapshot/wire.h"
#include "tests/unit/tap.h"

#define FILE_MAX 65536u

/* A file in memory, of a machine with 2 MiB. */
struct file {
	uint8_t data[FILE_MAX];
	size_t size;
};

static int read_bytes(void *ctx, uint64_t at, void *buf, size_t size)
{
	memcpy(buf, ((struct file *)ctx)->data + at, size);
	return 0;
}

static void begin(struct file *f)
{
	struct hv_snap_head h = {
		.id = {1}, .memory_size = 2 * HV_MIB, .n_cpus = 2, .n_nics = 1, .vm = "web"};

	hv_snap_seal_head(&h);
	memcpy(f->data, &h, sizeof(h));
	f->size = sizeof(h);
}

static void add(struct file *f, enum hv_snap_type type, uint32_t index, uint64_t arg,
		const void *payload, uint64_t size)
{
	struct hv_snap_rec rec = hv_snap_rec(type, index, arg, payload, size);

	memcpy(f->data + f->size, &rec, sizeof(rec));
	memcpy(f->data + f->size + sizeof(rec), payload ? payload : "", size);
	f->size += sizeof(rec) + size;
}

static void end(struct file *f)
{
	add(f, HV_SNAP_END, 0, f->size + sizeof(struct hv_snap_rec), NULL, 0);
}

static int load(struct file *f, struct hv_loading *l, struct vd_err *err)
{
	struct hv_snap_src src = {read_bytes, f, f->size, "it"};
	struct hv_snap_head head;
	int r;

	*err = (struct vd_err){0};
	r = hv_snap_read_head(&src, &head, err);
	return r ? r : hv_snap_walk(&src, &head, hv_chain_take, l, err);
}

static void checksums(void)
{
	uint64_t page[512] = {0}, other[512] = {0};

	CU_ASSERT_EQUAL(hv_crc32c(0, "123456789", 9), 0xe3069283u); /* RFC 3720 */
	CU_ASSERT_EQUAL(hv_crc32c(hv_crc32c(0, "1234", 4), "56789", 5), 0xe3069283u);
	CU_ASSERT_EQUAL(hv_page_print(page), hv_page_print(other));
	for (unsigned int i = 0; i < 512; i++) {
		other[i] = 1;
		CU_ASSERT_NOT_EQUAL(hv_page_print(page), hv_page_print(other));
		other[i] = 0;
	}
	other[3] = 1;
	page[7] = 1; /* the same lane */
	CU_ASSERT_NOT_EQUAL(hv_page_print(page), hv_page_print(other));
}

static void pages_and_state(void)
{
	static uint8_t page[2 * HV_PAGE_SIZE];
	static struct file f;
	struct hv_saved saved = {.head = {.n_cpus = 2, .n_nics = 1}};
	struct hv_loading l = {.saved = &saved};
	struct vd_err err;
	struct hv_ram ram;

	CU_ASSERT_EQUAL_FATAL(hv_ram_init(&ram, 2 * HV_MIB, NULL), 0);
	l.ram = &ram;
	begin(&f);
	memset(page, 7, sizeof(page));
	add(&f, HV_SNAP_MEM, 2, 510, page, sizeof(page));
	add(&f, HV_SNAP_ZERO, 1, 511, NULL, 0); /* the last one counts */
	add(&f, HV_SNAP_VM, 0, 0, "vm", 2);
	add(&f, HV_SNAP_BOARD, 0, 0, "b", 1);
	add(&f, HV_SNAP_CPU, 0, 0, "c0", 2);
	add(&f, HV_SNAP_CPU, 1, 0, "c1", 2);
	add(&f, HV_SNAP_BUS, 0, 0, "bus", 3);
	end(&f);
	CU_ASSERT_EQUAL(load(&f, &l, &err), 0);
	CU_ASSERT_EQUAL(ram.base[510 * HV_PAGE_SIZE], 7);
	CU_ASSERT_EQUAL(ram.base[511 * HV_PAGE_SIZE], 0);
	CU_ASSERT_EQUAL(saved.cpu[1].size, 2);
	CU_ASSERT_STRING_EQUAL(saved.cpu[1].data, "c1");
	CU_ASSERT_STRING_EQUAL(hv_saved_missing(&saved), "a network card");
	saved.head.n_nics = 0;
	CU_ASSERT_PTR_NULL(hv_saved_missing(&saved));
	hv_saved_done(&saved);
	hv_ram_done(&ram);
}

static void what_is_wrong(void)
{
	static const struct {
		enum hv_snap_type type;
		uint32_t index;
		uint64_t arg, size;
		const char *text;
	} cases[] = {
		{HV_SNAP_MEM, 1, 512, 4096, "outside"},
		{HV_SNAP_MEM, 2, 511, 8192, "outside"},
		{HV_SNAP_MEM, 1, UINT64_MAX, 4096, "outside"},
		{HV_SNAP_MEM, 1, 0, 4095, "another size"},
		{HV_SNAP_MEM, 0, 0, 0, "outside"},
		{HV_SNAP_ZERO, 1, 0, 8, "zero pages with bytes"},
		{HV_SNAP_ZERO, 513, 0, 0, "outside"},
		{HV_SNAP_CPU, 2, 0, 1, "a processor too many"},
		{HV_SNAP_NIC, 1, 0, 1, "a network card too many"},
		{HV_SNAP_PORT, 1, 0, 1, "a network card too many"},
		{HV_SNAP_BUS, 1, 0, 1, "only once"},
		{(enum hv_snap_type)99, 0, 0, 0, "unknown"},
	};
	static uint8_t bytes[8192];
	static struct file f;
	struct hv_loading l = {0};
	struct vd_err err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&f);
		add(&f, cases[i].type, cases[i].index, cases[i].arg, bytes, cases[i].size);
		end(&f);
		CU_ASSERT_EQUAL(load(&f, &l, &err), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(err.message, cases[i].text));
		CU_ASSERT_EQUAL(err.code, VD_E_VM_SNAPSHOT);
	}
}

static void cut_or_changed(void)
{
	static struct file good, f;
	struct hv_loading l = {0};
	struct vd_err err;

	begin(&good);
	add(&good, HV_SNAP_VM, 0, 0, "state of a machine", 18);
	end(&good);
	CU_ASSERT_EQUAL(load(&good, &l, &err), 0);
	for (size_t size = 0; size < good.size; size++) {
		f = good;
		f.size = size;
		CU_ASSERT_EQUAL(load(&f, &l, &err), -EINVAL);
	}
	/* each bit is under a checksum */
	for (size_t i = 0; i < good.size; i++) {
		f = good;
		f.data[i] ^= (uint8_t)(1u << i % 8);
		CU_ASSERT_NOT_EQUAL(load(&f, &l, &err), 0);
		CU_ASSERT_NOT_EQUAL(err.message[0], 0);
	}
	f = good;
	f.size++;
	CU_ASSERT_EQUAL(load(&f, &l, &err), -EINVAL);
}

static void chains(void)
{
	static struct hv_chain_file f[4];
	const struct hv_chain_file *chain[HV_SNAP_MAX];
	struct vd_err err = {0};
	unsigned int n;
	char folder[64];

	for (unsigned int i = 0; i < 4; i++) {
		f[i].head.id[0] = (uint8_t)(i + 1);
		f[i].head.parent[0] = (uint8_t)i; /* the first has none */
		f[i].head.memory_size = 2 * HV_MIB;
	}
	CU_ASSERT_EQUAL(hv_chain_follow(f, 4, &f[3].head, chain, &n, &err), 0);
	CU_ASSERT_EQUAL_FATAL(n, 3);
	CU_ASSERT_PTR_EQUAL(chain[0], &f[0]);
	CU_ASSERT_PTR_EQUAL(chain[2], &f[2]);
	f[0].head.parent[0] = 4;
	CU_ASSERT_EQUAL(hv_chain_follow(f, 4, &f[3].head, chain, &n, &err), -ELOOP);
	f[0].head.parent[0] = 77;
	CU_ASSERT_EQUAL(hv_chain_follow(f, 4, &f[3].head, chain, &n, NULL), -ENOENT);
	f[0].head.parent[0] = 0;
	f[1].head.memory_size *= 2;
	CU_ASSERT_EQUAL(hv_chain_follow(f, 4, &f[3].head, chain, &n, NULL), -EINVAL);
	hv_chain_folder("a/b/c", folder, sizeof(folder));
	CU_ASSERT_STRING_EQUAL(folder, "a/b");
	hv_chain_folder("/c", folder, sizeof(folder));
	CU_ASSERT_STRING_EQUAL(folder, "/");
	hv_chain_folder("c", folder, sizeof(folder));
	CU_ASSERT_STRING_EQUAL(folder, ".");
}

static void requests(void)
{
	struct hv_ctl_request q = {.magic = HV_CTL_MAGIC, .type = HV_CTL_INFO};

	CU_ASSERT_PTR_NULL(hv_control_check(&q, sizeof(q)));
	CU_ASSERT_PTR_NOT_NULL(hv_control_check(&q, sizeof(q) - 1));
	q.flags = HV_CTL_F_FULL;
	CU_ASSERT_PTR_NOT_NULL(hv_control_check(&q, sizeof(q)));
	q.type = HV_CTL_BEGIN;
	CU_ASSERT_PTR_NULL(hv_control_check(&q, sizeof(q)));
	q.type = HV_CTL_TYPES;
	CU_ASSERT_PTR_NOT_NULL(hv_control_check(&q, sizeof(q)));
	q.type = HV_CTL_INFO;
	q.magic++;
	CU_ASSERT_PTR_NOT_NULL(hv_control_check(&q, sizeof(q)));
}

static const struct tap_case cases[] = {
	{"checksums", checksums},
	{"pages and state", pages_and_state},
	{"what is wrong", what_is_wrong},
	{"cut or changed", cut_or_changed},
	{"chains", chains},
	{"requests", requests},
};
TAP_MAIN("hv-snapfile", cases)
