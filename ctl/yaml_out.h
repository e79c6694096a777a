/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON written as YAML 1.2 (block style) that reads back to the same JSON, here (base/doc.h) and in
 * YAML 1.1 readers: strings that either would take for something else ("on", "no", 0123, 1:30, 2026-01-01)
 * are quoted.
 *
 * Thread-safety: pure, apart from the file. Proof: tests/unit/ctl/test_yaml.c.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/** Return: 0; -EIO the file refused; -ENOMEM; -EINVAL @j is nested deeper than 64 levels. */
int ctl_yaml_write(json_t *j, FILE *f);

/** May @text stand without quotes and still be this string? */
bool ctl_yaml_plain(const char *text);
