/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dnsmasq is given: arguments and files. Pure, but for writing files. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "vswitch/hostnat/services.h"

#define SERVICES_ARGS_MAX 64

struct services_args {
	char *argv[SERVICES_ARGS_MAX + 1]; /* NULL terminated; owned */
	unsigned int n;
	bool failed; /* memory ran out, or too many */
};

/** The command line; files are named as dnsmasq sees them (in /run). */
void services_args_make(struct services_args *a, const struct vsw_services_conf *c,
			const char *program, const char *user);
void services_args_done(struct services_args *a);
bool services_args_equal(const struct services_args *a, const struct services_args *b);

/** Texts of the files; the caller frees them. NULL: out of memory. */
char *services_dhcp_hosts(const struct vsw_services_conf *c);
char *services_hosts(const struct vsw_services_conf *c);
char *services_resolv_conf(const struct vsw_services_conf *c);

/** Write @text as @dir/@name, whole or not at all. -errno. */
int services_write(const char *dir, const char *name, const char *text);

/** A file of leases as rows. New reference. */
json_t *services_read_leases(const char *path);
