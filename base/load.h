/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers as they lie in memory, at any address: the host's byte order, no alignment asked for. Compilers make
 * one instruction of each.
 *
 * Callers: there are as many bytes as the name says. Thread-safety: pure.
 */
#pragma once

#include <stdint.h>
#include <string.h>

static inline uint16_t vd_load16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t vd_load32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t vd_load64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void vd_store16(void *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void vd_store32(void *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}
