/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this machine offers, what would make it better, what is wrong. Looks only; changes nothing.
 * Thread-safety: control thread. Proof: tests/net (control).
 */
#pragma once

#include <jansson.h>

struct vsw_daemon;

/** Array of {check, status: "ok"|"warn"|"fail", message, hint}. New reference. */
json_t *vsw_doctor(struct vsw_daemon *d);
