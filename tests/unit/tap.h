/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CUnit cases reported as TAP, one line a case, so that meson and ./run count each of them.
 * A test file defines a table of cases and calls TAP_MAIN(table).
 */
#pragma once

#include <CUnit/CUnit.h>

struct tap_case {
	const char *name;
	void (*run)(void);
};

/** Run @n cases as suite @suite. Return: exit status, 0 when all passed. */
int tap_run(const char *suite, const struct tap_case *cases, unsigned int n);

#define TAP_MAIN(suite, cases)                                                    \
	int main(void)                                                            \
	{                                                                         \
		return tap_run(suite, cases, sizeof(cases) / sizeof((cases)[0])); \
	}
