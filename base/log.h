/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Structured log: one line an event on stderr, "LEVEL component object: text"; with the
 * sd-daemon "<N>" level prefix when stderr is the journal. Levels by audience (syslog's numbers):
 * err = an action the user asked for failed; warning = abnormal, continuing; notice = start, stop,
 * configuration change; info = lifecycle; debug = developers.
 * Never called on the packet path. Thread-safety: any thread; one write(2) a line.
 */
#pragma once

#include <syslog.h>

/** Lines above @level (LOG_ERR..LOG_DEBUG) are not written. Default LOG_INFO. */
void vd_log_set_level(int level);
int vd_log_level(void);

/** @component e.g. "port", "rpc"; @object a name or NULL. Control bytes in the text are replaced. */
void vd_log(int level, const char *component, const char *object, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
