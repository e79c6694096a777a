/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network cards of the micro guest: a page list and a ring for each that is offered, and NVSP's first message, which
 * the switch answers through the ring. Included by micro.c, whose messages and hypercalls it uses.
 */
#pragma once

#include <stdint.h>

enum { NICS_MAX = 8, RING_PAGES = 4, NVSP_BYTES = 64 };

static struct {
	uint32_t relid, connection;
	uint32_t sent, read; /* offsets in the rings' pages of data */
} nics[NICS_MAX];
static uint32_t n_nics;

static volatile uint32_t *ring_page(uint32_t nic, uint32_t page)
{
	return (volatile uint32_t *)(uint64_t)(0x500000 + nic * 0x10000 + page * 4096);
}

/* The host's next message; @words of it. 0: none came. */
static uint32_t take_message(uint32_t *words, unsigned int n)
{
	for (unsigned int k = 0; k < 200000000 && !slot[0]; k++)
		__asm__ volatile("pause");
	if (!slot[0])
		return 0;
	for (unsigned int i = 0; i < n; i++)
		words[i] = slot[4 + i];
	release_slot();
	return words[0];
}

static void post(const uint32_t *words, uint32_t n)
{
	volatile uint32_t *in = (volatile uint32_t *)input;

	in[3] = n * 4;
	for (uint32_t i = 0; i < n; i++)
		in[4 + i] = words[i];
	hypercall(0x5c, (uint64_t)input);
}

static uint32_t open_nic(uint32_t i)
{
	uint64_t page = (uint64_t)ring_page(i, 0) >> 12;
	uint32_t list[15] = {8, 0, nics[i].relid, 0x100 + i, 40 | 1 << 16, RING_PAGES * 4096, 0};
	uint32_t open[37] = {5, 0, nics[i].relid, 1, 0x100 + i, 0xffffffff, RING_PAGES / 2};
	uint32_t m[8];

	for (uint32_t k = 0; k < RING_PAGES; k++) {
		list[7 + 2 * k] = (uint32_t)(page + k);
		list[8 + 2 * k] = 0;
	}
	post(list, 15);
	if (take_message(m, 8) != 10 || m[4])
		return 0;
	post(open, 37);
	return take_message(m, 8) == 6 && !m[4];
}

/* Ask for offers, open what is offered. Return: cards that are open. */
static uint32_t open_nics(void)
{
	static const uint32_t request[2] = {3, 0};
	uint32_t m[49], opened = 0, type;

	post(request, 2);
	while ((type = take_message(m, 49)) == 1 && n_nics < NICS_MAX) {
		nics[n_nics].relid = m[46];
		nics[n_nics++].connection = m[48];
	}
	for (uint32_t i = 0; type == 4 && i < n_nics; i++)
		opened += open_nic(i);
	return opened;
}

/* One NVSP INIT through the ring. Return: it was answered. */
static uint32_t ask_nic(uint32_t i)
{
	uint32_t desc[14] = {6 | 2 << 16, 7 | 1 << 16, 77, 0, 1, 0x60001, 0x60001};
	volatile uint32_t *out = ring_page(i, 0), *in = ring_page(i, RING_PAGES / 2), *at;

	at = ring_page(i, 1) + nics[i].sent / 4;
	for (unsigned int k = 0; k < 14; k++)
		at[k] = desc[k];
	at[14] = 0;
	at[15] = nics[i].sent;
	nics[i].sent = (nics[i].sent + NVSP_BYTES) % 4096;
	__atomic_store_n(&out[0], nics[i].sent, __ATOMIC_SEQ_CST);
	if (!out[2])
		hypercall(0x5d | 1 << 16, nics[i].connection);
	for (unsigned int k = 0; k < 200000000 && in[0] == nics[i].read; k++)
		__asm__ volatile("pause");
	if (in[0] == nics[i].read)
		return 0;
	at = ring_page(i, RING_PAGES / 2 + 1) + nics[i].read / 4;
	nics[i].read = (nics[i].read + NVSP_BYTES) % 4096;
	__atomic_store_n(&in[1], nics[i].read, __ATOMIC_SEQ_CST);
	return (at[0] & 0xffff) == 11 && at[2] == 77 && at[4] == 2;
}

static uint32_t ask_nics(void)
{
	uint32_t answers = 0;

	for (uint32_t i = 0; i < n_nics; i++)
		answers += ask_nic(i);
	return answers;
}
