/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vocabularies, durations and dates: see types.h. */
#include "nap-policy/types.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const nap_source_text[] = {"host", "radius", "agent", "soh"};
const char *const nap_mode_text[] = {"off", "report-only", "deferred", "enforce"};
const char *const nap_health_text[] = {"unknown", "probation", "compliant", "noncompliant",
				       "exempt"};
const char *const nap_override_text[] = {"none", "isolate", "forensic", "released", "quarantine"};
const char *const nap_access_text[] = {"full", "restricted", "forensic", "isolated"};
const char *const nap_failure_text[] = {"none",
					"other",
					"client-component",
					"client-communication",
					"server-component",
					"server-communication"};
const char *const nap_result_text[] = {"pass", "fail", "unknown"};
const char *const nap_word_text[] = {
#define NAP_WORD(id, text, doc) text,
#include "nap-policy/words.def"
#undef NAP_WORD
};

_Static_assert(NAP_N_WORDS <= 32, "one bit each");

static const struct {
	char unit;
	uint32_t s;
} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

#define N_UNITS      (sizeof(units) / sizeof(units[0]))
#define DURATION_MAX UINT64_C(315576000) /* seconds of ten years */

int nap_index_of(const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(word, words[i]))
			return (int)i;
	return -1;
}

/* Digits at *s, which moves behind them. Return: false when there is none, or too many. */
static bool digits(const char **s, uint64_t *ret)
{
	unsigned int n = 0;

	for (*ret = 0; **s >= '0' && **s <= '9' && n < 10; (*s)++, n++)
		*ret = *ret * 10 + (uint64_t)(**s - '0');
	return n > 0 && n < 10;
}

int nap_duration_parse(const char *text, uint64_t *ret_ms)
{
	uint64_t sum = 0, n;
	size_t unit = 0;

	do {
		if (!digits(&text, &n))
			return -EINVAL;
		if (!*text && sum == 0) {
			sum = n;
			break;
		}
		/* each unit once, the larger one first */
		while (unit < N_UNITS && units[unit].unit != *text)
			unit++;
		if (unit == N_UNITS)
			return -EINVAL;
		sum += n * units[unit++].s;
	} while (*++text);
	if (sum > DURATION_MAX)
		return -EINVAL;
	*ret_ms = sum * 1000;
	return 0;
}

const char *nap_duration_format(uint64_t ms, char buf[32])
{
	uint64_t s = ms / 1000;
	size_t len = 0;

	snprintf(buf, 32, "0s");
	for (size_t i = 0; i < N_UNITS; i++) {
		uint64_t n = s / units[i].s;

		s %= units[i].s;
		if (n && len < 32)
			len += (size_t)snprintf(buf + len, 32 - len, "%llu%c",
						(unsigned long long)n, units[i].unit);
	}
	return buf;
}

/* Days from 1970-01-01 to the proleptic Gregorian date (months counted from March). */
static int64_t days_of(int64_t y, unsigned int m, unsigned int d)
{
	int64_t era;
	unsigned int yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = (unsigned int)(y - era * 400);
	doy = (153 * (m + (m > 2 ? (unsigned int)-3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + (int64_t)(yoe * 365 + yoe / 4 - yoe / 100 + doy) - 719468;
}

static unsigned int month_length(unsigned int y, unsigned int m)
{
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	if (m == 2)
		return leap ? 29 : 28;
	return m == 4 || m == 6 || m == 9 || m == 11 ? 30 : 31;
}

/* @n digits at *s and then the character @end (0: any). */
static bool field(const char **s, unsigned int n, char end, unsigned int *ret)
{
	*ret = 0;
	for (unsigned int i = 0; i < n; i++, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		*ret = *ret * 10 + (unsigned int)(**s - '0');
	}
	if (!end)
		return true;
	return *(*s)++ == end;
}

int nap_date_parse(const char *s, int64_t *ret_s)
{
	unsigned int y, mo, d, h = 0, mi = 0, sec = 0;

	if (!field(&s, 4, '-', &y) || !field(&s, 2, '-', &mo) || !field(&s, 2, 0, &d))
		return -EINVAL;
	if (*s) {
		if (*s++ != 'T' || !field(&s, 2, ':', &h) || !field(&s, 2, ':', &mi) ||
		    !field(&s, 2, 'Z', &sec) || *s)
			return -EINVAL;
	}
	if (y < 1970 || mo < 1 || mo > 12 || d < 1 || d > month_length(y, mo) || h > 23 ||
	    mi > 59 || sec > 59)
		return -EINVAL;
	*ret_s = days_of(y, mo, d) * 86400 + h * 3600 + mi * 60 + sec;
	return 0;
}

const char *nap_date_format(int64_t s, char buf[32])
{
	int64_t days = s / 86400, era, y;
	unsigned int doe, yoe, doy, mp, d, m, left = (unsigned int)(s % 86400);

	days += 719468;
	era = days / 146097;
	doe = (unsigned int)(days - era * 146097);
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	d = doy - (153 * mp + 2) / 5 + 1;
	m = mp < 10 ? mp + 3 : mp - 9;
	y = (int64_t)yoe + era * 400 + (m <= 2);
	snprintf(buf, 32, "%04d-%02u-%02uT%02u:%02u:%02uZ", (int)y, m, d, left / 3600,
		 left / 60 % 60, left % 60);
	return buf;
}

const char *nap_words_format(uint32_t words, char *buf, size_t size)
{
	size_t len = 0;

	snprintf(buf, size, "nothing");
	for (unsigned int i = 0; i < NAP_N_WORDS && len < size; i++)
		if (words >> i & 1)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "",
						nap_word_text[i]);
	return buf;
}
