/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of netvsp guests: mapped, and page lists mapped once more in one piece. */
#include "vswitch/io/netvsp_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Mappings that page lists may use up, of the 65530 that the kernel gives a process by default. */
#define RUNS_MAX      32768u
#define RUN_MIN_PAGES 64u /* shorter lists are rings, which guests have in one piece */

static uint32_t n_runs; /* used up by all ports */

void *netvsp_map_fd(int fd, uint64_t offset, uint64_t size)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);
	void *p;

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) < 0 || st.st_size < 0 ||
	    offset + size > (uint64_t)st.st_size)
		return NULL;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	return p == MAP_FAILED ? NULL : p;
}

int netvsp_mem_add(struct netvsp_port *p, const struct nvsp_link_range_wire *r, int fd)
{
	void *host = netvsp_map_fd(fd, r->offset, r->size);

	if (!host)
		return -EINVAL;
	p->mem_fd[p->slots.n] = fd;
	p->mem_offset[p->slots.n] = r->offset;
	p->slots.slot[p->slots.n++] = (struct vmb_slot){r->gpa, r->size, host};
	return 0;
}

void netvsp_linear_drop(struct netvsp_linear **at)
{
	struct netvsp_linear *l = *at;

	*at = l->next;
	n_runs -= l->n_runs;
	munmap(l->base, l->size);
	free(l);
}

/* How many pages from @i on lie one behind the other in one slot. Return: 0: not memory. */
static uint32_t run_of(const struct netvsp_port *p, const uint64_t *pfns, uint32_t n, uint32_t i,
		       unsigned int *slot)
{
	for (unsigned int k = 0; k < p->slots.n; k++) {
		const struct vmb_slot *s = &p->slots.slot[k];
		uint64_t first = s->gpa / VMB_PAGE_SIZE, pages = s->size / VMB_PAGE_SIZE;
		uint32_t run = 1;

		if (pfns[i] < first || pfns[i] - first >= pages)
			continue;
		while (i + run < n && pfns[i + run] == pfns[i] + run &&
		       pfns[i] - first + run < pages)
			run++;
		*slot = k;
		return run;
	}
	return 0;
}

static bool map_runs(struct netvsp_port *p, struct netvsp_linear *l, const uint64_t *pfns,
		     uint32_t n)
{
	unsigned int slot = 0;
	uint32_t run;

	for (uint32_t i = 0; i < n; i += run) {
		run = run_of(p, pfns, n, i, &slot);
		if (!run || n_runs + ++l->n_runs > RUNS_MAX ||
		    mmap((uint8_t *)l->base + (size_t)i * VMB_PAGE_SIZE,
			 (size_t)run * VMB_PAGE_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, p->mem_fd[slot],
			 (off_t)(p->mem_offset[slot] + pfns[i] * VMB_PAGE_SIZE -
				 p->slots.slot[slot].gpa)) == MAP_FAILED)
			return false;
	}
	return true;
}

void *netvsp_linear_make(struct netvsp_port *p, uint32_t id, const uint64_t *pfns, uint32_t n)
{
	struct netvsp_linear *l;

	if (n < RUN_MIN_PAGES)
		return NULL;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->id = id;
	l->size = (size_t)n * VMB_PAGE_SIZE;
	l->base = mmap(NULL, l->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (l->base == MAP_FAILED) {
		free(l);
		return NULL;
	}
	if (!map_runs(p, l, pfns, n)) {
		munmap(l->base, l->size);
		free(l);
		return NULL;
	}
	n_runs += l->n_runs;
	l->next = p->linear;
	p->linear = l;
	return l->base;
}

void netvsp_linear_forget(struct netvsp_port *p, uint32_t id)
{
	for (struct netvsp_linear **l = &p->linear; *l; l = &(*l)->next)
		if ((*l)->id == id) {
			netvsp_linear_drop(l);
			return;
		}
}

void netvsp_mem_drop(struct netvsp_port *p)
{
	while (p->linear)
		netvsp_linear_drop(&p->linear);
	for (unsigned int i = 0; i < p->slots.n; i++) {
		munmap(p->slots.slot[i].host, p->slots.slot[i].size);
		close(p->mem_fd[i]);
	}
	p->slots.n = 0;
}
