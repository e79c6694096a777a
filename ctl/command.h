/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the command line carries out a verb. Most need nothing of their own: the request is sent, the
 * answer printed by its shape. commands.c lists those that print or do something special; one file a noun.
 *
 * Thread-safety: one thread.
 */
#pragma once

#include "ctl/client.h"
#include "ctl/cmdline.h"
#include "ctl/out.h"

struct ctl_context {
	const struct ctl_cmdline *cmd;
	const char *socket;
	struct ctl_client *client; /* opened by the first ctl_ask() or ctl_connect() */
};

/** Connect unless connected. */
int ctl_connect(struct ctl_context *ctx, struct vd_err *reterr);

/** Ask the daemon. @params stolen; NULL: none. *@ret: new reference. */
int ctl_ask(struct ctl_context *ctx, const char *method, json_t *params, json_t **ret,
	    struct vd_err *reterr);

struct ctl_command {
	const char *noun, *verb;
	/** Instead of asking and printing. Return 0 or -errno with the error recorded. */
	int (*run)(struct ctl_context *ctx, struct vd_err *reterr);
	/** Print @result for people. */
	void (*print)(struct ctl_context *ctx, json_t *result);
};

/** NULL: nothing special. */
const struct ctl_command *ctl_command_find(const struct ctl_verb *verb);

/** Put the text of the verb's CTL_FILE arguments in the place of their names, and the name into
 *  "file". "-" is standard input. */
int ctl_load_files(const struct ctl_verb *verb, json_t *params, struct vd_err *reterr);

/** Print changes as the daemon's answer lists them. @members: each member, or one line a change. */
void ctl_print_changes(json_t *changes, bool members);

/* help.c */
void ctl_help(const struct ctl_cmdline *cmd, FILE *f);

/* complete.c: words of the command line up to the cursor, the last one unfinished; candidates to stdout */
int ctl_complete(struct ctl_context *ctx, int n, const char *const words[]);

/* one file a noun */
int ctl_run_completion(struct ctl_context *ctx, struct vd_err *reterr);
int ctl_run_export(struct ctl_context *ctx, struct vd_err *reterr);
int ctl_run_version(struct ctl_context *ctx, struct vd_err *reterr);
int ctl_run_subscribe(struct ctl_context *ctx, struct vd_err *reterr);
int ctl_run_capture(struct ctl_context *ctx, struct vd_err *reterr);
int ctl_run_trace(struct ctl_context *ctx, struct vd_err *reterr);
int ctl_run_top(struct ctl_context *ctx, struct vd_err *reterr);
void ctl_print_switches(struct ctl_context *ctx, json_t *result);
void ctl_print_switch(struct ctl_context *ctx, json_t *result);
void ctl_print_ports(struct ctl_context *ctx, json_t *result);
void ctl_print_port(struct ctl_context *ctx, json_t *result);
void ctl_print_nats(struct ctl_context *ctx, json_t *result);
void ctl_print_nat(struct ctl_context *ctx, json_t *result);
void ctl_print_nat_maps(struct ctl_context *ctx, json_t *result);
void ctl_print_nat_pairs(struct ctl_context *ctx, json_t *result);
void ctl_print_nat_addresses(struct ctl_context *ctx, json_t *result);
void ctl_print_nat_reservations(struct ctl_context *ctx, json_t *result);
void ctl_print_nat_leases(struct ctl_context *ctx, json_t *result);
void ctl_print_nat_sessions(struct ctl_context *ctx, json_t *result);
void ctl_print_nat_lookup(struct ctl_context *ctx, json_t *result);
void ctl_print_nat_flushed(struct ctl_context *ctx, json_t *result);
void ctl_print_fdb(struct ctl_context *ctx, json_t *result);
void ctl_print_flushed(struct ctl_context *ctx, json_t *result);
void ctl_print_rules(struct ctl_context *ctx, json_t *result);
void ctl_print_sets(struct ctl_context *ctx, json_t *result);
void ctl_print_mirrors(struct ctl_context *ctx, json_t *result);
void ctl_print_meters(struct ctl_context *ctx, json_t *result);
void ctl_print_reset(struct ctl_context *ctx, json_t *result);
void ctl_print_nap_status(struct ctl_context *ctx, json_t *result);
void ctl_print_nap_port(struct ctl_context *ctx, json_t *result);
void ctl_print_nap_row(struct ctl_context *ctx, json_t *result);
void ctl_print_nap_tries(struct ctl_context *ctx, json_t *result);
void ctl_print_nap_audit(struct ctl_context *ctx, json_t *result);
void ctl_print_stats(struct ctl_context *ctx, json_t *result);
void ctl_print_drops(struct ctl_context *ctx, json_t *result);
void ctl_print_runtime(struct ctl_context *ctx, json_t *result);
void ctl_print_doctor(struct ctl_context *ctx, json_t *result);
void ctl_print_why(struct ctl_context *ctx, json_t *result);
void ctl_print_diff(struct ctl_context *ctx, json_t *result);

/** Rows of `drops` with @hints; used by drops, port show and top. */
void ctl_print_drop_rows(json_t *rows, bool hints, const char *nothing);
