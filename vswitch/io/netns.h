/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network namespaces: which ones there are, and doing something in one of them. A thread that never
 * comes back does the visit, so the caller can never be stranded in a foreign namespace.
 * Thread-safety: any thread. Needs CAP_SYS_ADMIN for namespaces other than the own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/**
 * Run @fn(@arg) in the namespace of @netns_fd (-1: here) and return what it returned.
 * Return also: -errno of setns(2) or pthread_create(3); then @fn has not run.
 */
int vsw_netns_run(int netns_fd, int (*fn)(void *arg), void *arg);

/** Inode of an open namespace, its identity while it exists; 0 on failure. @fd -1: the own. */
uint64_t vsw_netns_inode(int fd);

/**
 * Call @fn once for each network namespace that has a name in /run/netns or a process, the own one
 * first; @fn returns true to stop. @fd belongs to the caller of @fn's iteration and is closed after.
 * Return: did @fn stop it.
 */
bool vsw_netns_each(bool (*fn)(void *ctx, int fd, uint64_t inode), void *ctx);
