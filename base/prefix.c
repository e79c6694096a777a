/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP prefixes: text to data and back. */
#include "base/prefix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static unsigned int full_len(const struct vd_prefix *p)
{
	return p->family == 4 ? 32 : 128;
}

/* Clear what is beyond the length. True when something was there. */
static bool mask(struct vd_prefix *p)
{
	bool cut = false;

	for (unsigned int i = 0; i < sizeof(p->addr); i++) {
		unsigned int bit = 8 * i;
		uint8_t keep = bit + 8 <= p->len ? 0xff
			       : bit >= p->len   ? 0
						 : (uint8_t)(0xff00 >> (p->len - bit));

		cut |= (p->addr[i] & ~keep) != 0;
		p->addr[i] &= keep;
	}
	return cut;
}

/* Digits only, no sign, no leading zero. -EINVAL, -ERANGE. */
static int parse_len(const char *s, unsigned int max, uint8_t *ret)
{
	size_t n = strspn(s, "0123456789");
	unsigned int v = 0;

	if (n == 0 || s[n] != '\0' || (n > 1 && s[0] == '0'))
		return -EINVAL;
	for (size_t i = 0; i < n && v <= max; i++)
		v = v * 10 + (unsigned int)(s[i] - '0');
	if (v > max)
		return -ERANGE;
	*ret = (uint8_t)v;
	return 0;
}

int vd_prefix_parse(const char *text, struct vd_prefix *ret)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char address[INET6_ADDRSTRLEN];
	struct vd_prefix p = {0};
	int r;

	if (n >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, n);
	address[n] = '\0';
	p.family = strchr(address, ':') ? 6 : 4;
	if (inet_pton(p.family == 4 ? AF_INET : AF_INET6, address, p.addr) != 1)
		return -EINVAL;
	p.len = (uint8_t)full_len(&p);
	r = slash ? parse_len(slash + 1, full_len(&p), &p.len) : 0;
	if (r < 0)
		return r;
	r = mask(&p) ? -EDOM : 0;
	*ret = p;
	return r;
}

const char *vd_prefix_format(const struct vd_prefix *p, char buf[VD_PREFIX_STR_SIZE])
{
	char address[INET6_ADDRSTRLEN] = "";

	inet_ntop(p->family == 4 ? AF_INET : AF_INET6, p->addr, address, sizeof(address));
	if (p->len == full_len(p))
		snprintf(buf, VD_PREFIX_STR_SIZE, "%s", address);
	else
		snprintf(buf, VD_PREFIX_STR_SIZE, "%s/%u", address, p->len);
	return buf;
}

bool vd_prefix_covers(const struct vd_prefix *outer, const struct vd_prefix *inner)
{
	struct vd_prefix cut = *inner;

	if (outer->family != inner->family || outer->len > inner->len)
		return false;
	cut.len = outer->len;
	mask(&cut);
	return memcmp(cut.addr, outer->addr, sizeof(cut.addr)) == 0;
}
