/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names, MAC addresses, suggestions. */
#include "base/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

int vd_name_check(const char *name, const char *path, struct vd_err *reterr)
{
	static const char hint[] = "use 1 to 63 of a-z, A-Z, 0-9, '.', '_', '-', the first one a "
				   "letter or digit";
	size_t n = strnlen(name, VD_NAME_MAX + 1);

	if (n == 0)
		return vd_err_set(reterr, -EINVAL, VD_E_NAME, path, hint, "the name is empty");
	if (n > VD_NAME_MAX)
		return vd_err_set(reterr, -EINVAL, VD_E_NAME, path, hint,
				  "the name \"%.20s...\" is longer than %d characters", name,
				  VD_NAME_MAX);
	for (size_t i = 0; i < n; i++) {
		if (is_alnum(name[i]) || (i > 0 && strchr("._-", name[i])))
			continue;
		return vd_err_set(reterr, -EINVAL, VD_E_NAME, path, hint,
				  "the name \"%s\" has a character that is not allowed at "
				  "position %zu",
				  name, i + 1);
	}
	return 0;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int vd_mac_parse(const char *text, struct vd_mac *ret)
{
	struct vd_mac mac;
	size_t len = strnlen(text, 18);
	size_t step = len == 17 ? 3 : 2;

	if (len != 17 && len != 12)
		return -EINVAL;
	for (size_t i = 0; i < 6; i++) {
		int h = hex(text[i * step]), l = hex(text[i * step + 1]);

		if (h < 0 || l < 0)
			return -EINVAL;
		if (step == 3 && i < 5 && (text[2] != ':' && text[2] != '-'))
			return -EINVAL;
		if (step == 3 && i < 5 && text[i * 3 + 2] != text[2])
			return -EINVAL;
		mac.addr[i] = (uint8_t)(h << 4 | l);
	}
	*ret = mac;
	return 0;
}

const char *vd_mac_format(const struct vd_mac *mac, char buf[VD_MAC_STR_SIZE])
{
	const uint8_t *a = mac->addr;

	snprintf(buf, VD_MAC_STR_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", a[0], a[1], a[2], a[3],
		 a[4], a[5]);
	return buf;
}

bool vd_mac_usable(const struct vd_mac *mac)
{
	static const struct vd_mac zero;

	return !(mac->addr[0] & 1) && memcmp(mac, &zero, sizeof(zero)) != 0;
}

#define WORD_MAX 40

/* Levenshtein distance with adjacent swaps counted once, over short words only. */
static unsigned int distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned int d[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= na; i++)
		d[i][0] = (unsigned int)i;
	for (size_t j = 0; j <= nb; j++)
		d[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= na; i++) {
		for (size_t j = 1; j <= nb; j++) {
			unsigned int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[na][nb];
}

const char *vd_suggest(const char *word, const char *const *candidates, size_t n)
{
	size_t len = strnlen(word, WORD_MAX + 1);
	unsigned int best = len < 4 ? 2 : 3;
	const char *ret = NULL;

	if (len == 0 || len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t clen = strnlen(candidates[i], WORD_MAX + 1);
		unsigned int d;

		if (clen > WORD_MAX)
			continue;
		d = distance(word, len, candidates[i], clen);
		if (d < best) {
			best = d;
			ret = candidates[i];
		}
	}
	return ret;
}
