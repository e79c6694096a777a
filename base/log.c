/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log: formats one line and writes it at once, so that lines of two threads never mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int max_level = LOG_INFO;

static const char *const level_text[] = {"emerg",   "alert",  "crit", "error",
					 "warning", "notice", "info", "debug"};

void vd_log_set_level(int level)
{
	max_level = level;
}

int vd_log_level(void)
{
	return max_level;
}

void vd_log(int level, const char *component, const char *object, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n, m;

	if (level > max_level || level < 0 || level > LOG_DEBUG)
		return;
	if (getenv("JOURNAL_STREAM"))
		n = snprintf(line, sizeof(line) - 1, "<%d>%s", level, component);
	else
		n = snprintf(line, sizeof(line) - 1, "%s %s", level_text[level], component);
	if (object && object[0])
		n += snprintf(line + n, sizeof(line) - 1 - (size_t)n, " %.200s", object);
	n += snprintf(line + n, sizeof(line) - 1 - (size_t)n, ": ");
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - 1 - (size_t)n, fmt, ap);
	va_end(ap);
	n += m < 0 ? 0 : m;
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	/* names and messages can carry bytes a peer chose: keep a line one line */
	for (int i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* nowhere left to say it */
}
