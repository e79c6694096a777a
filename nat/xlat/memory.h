/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Large tables: reserved whole, real only where touched, in big pages where the kernel offers them. */
#pragma once

#include <stddef.h>

/** @size bytes of zeros, page-aligned. NULL: no address space. */
void *nat_memory_map(size_t size);
void nat_memory_unmap(void *p, size_t size);
