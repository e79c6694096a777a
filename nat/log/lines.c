/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events as JSON lines. Names of networks have no character that JSON would want escaped. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nat/log/log.h"

/* A line that grows; too long is remembered. */
struct line {
	char *buf;
	size_t size, n;
};

static void put(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = l->n < l->size ? vsnprintf(l->buf + l->n, l->size - l->n, fmt, ap) : 0;
	va_end(ap);
	l->n += n > 0 ? (size_t)n : 0;
}

static size_t end(struct line *l)
{
	put(l, "}\n");
	return l->n < l->size ? l->n : 0;
}

const char *nat_time_format(uint64_t time_ms, char buf[NAT_TIME_SIZE])
{
	time_t t = (time_t)(time_ms / 1000 % UINT64_C(253402300800)); /* to the year 9999 */
	struct tm tm = {0};

	gmtime_r(&t, &tm);
	snprintf(buf, NAT_TIME_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		 (tm.tm_year + 1900u) % 10000, (tm.tm_mon + 1u) % 100,
		 (unsigned int)tm.tm_mday % 100, (unsigned int)tm.tm_hour % 100,
		 (unsigned int)tm.tm_min % 100, (unsigned int)tm.tm_sec % 100,
		 (unsigned int)(time_ms % 1000));
	return buf;
}

/* "Z", "+01:00", "-0230": seconds east of Greenwich. */
static int parse_offset(const char *s, int *ret)
{
	unsigned int h, m;
	int n = 0;

	if (!strcmp(s, "Z") || !strcmp(s, "z")) {
		*ret = 0;
		return 0;
	}
	if ((*s != '+' && *s != '-') || s[1] < '0' || s[1] > '9' ||
	    sscanf(s + 1, "%2u:%2u%n", &h, &m, &n) != 2 || s[1 + n] || h > 23 || m > 59)
		return -EINVAL;
	*ret = (int)(h * 3600 + m * 60) * (*s == '-' ? -1 : 1);
	return 0;
}

int nat_time_parse(const char *text, uint64_t *ret_ms)
{
	struct tm tm = {0};
	unsigned int ms = 0, scale = 100;
	const char *s;
	char *rest;
	int offset;
	time_t t;

	if (*text == '@') {
		unsigned long long v;

		errno = 0;
		v = strtoull(text + 1, &rest, 10);
		if (text[1] < '0' || text[1] > '9' || *rest || errno || v > 253402300799ull)
			return -EINVAL;
		*ret_ms = v * 1000;
		return 0;
	}
	s = strptime(text, "%Y-%m-%d", &tm);
	if (!s || (*s != 'T' && *s != 't' && *s != ' '))
		return -EINVAL;
	s = strptime(s + 1, "%H:%M:%S", &tm);
	if (!s)
		return -EINVAL;
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++, scale /= 10)
			ms += (unsigned int)(*s - '0') * scale;
	if (parse_offset(s, &offset))
		return -EINVAL;
	t = timegm(&tm) - offset;
	if (t < 0)
		return -EINVAL;
	*ret_ms = (uint64_t)t * 1000 + ms;
	return 0;
}

static void head(struct line *l, const char *nat, uint64_t time_ms, const char *event)
{
	char t[NAT_TIME_SIZE];

	put(l, "{\"time\":\"%s\",\"nat\":\"%s\",\"event\":\"%s\"", nat_time_format(time_ms, t), nat,
	    event);
}

static void put_addr(struct line *l, const char *key, uint32_t addr)
{
	char buf[NAT_ADDR_STR_SIZE];

	put(l, ",\"%s\":\"%s\"", key, nat_addr_format(addr, buf));
}

static void put_endpoint(struct line *l, const char *key, uint32_t addr, uint16_t port)
{
	char buf[NAT_ADDR_STR_SIZE];

	put(l, ",\"%s\":\"%s:%u\"", key, nat_addr_format(addr, buf), port);
}

static void put_protocol(struct line *l, uint8_t proto)
{
	const char *text = proto == NAT_TCP    ? "tcp"
			   : proto == NAT_UDP  ? "udp"
			   : proto == NAT_ICMP ? "icmp"
					       : NULL;

	if (text)
		put(l, ",\"protocol\":\"%s\"", text);
	else
		put(l, ",\"protocol\":\"%u\"", proto);
}

static void put_session(struct line *l, const struct nat_event *e, bool destinations)
{
	put_protocol(l, e->proto);
	put_endpoint(l, "inside", e->inside, e->inside_port);
	put_endpoint(l, "outside", e->outside, e->outside_port);
	if (destinations)
		put_endpoint(l, "remote", e->remote, e->remote_port);
}

static void put_block(struct line *l, const struct nat_event *e)
{
	char buf[NAT_ADDR_STR_SIZE];

	put_addr(l, "inside", e->inside);
	put(l, ",\"outside\":\"%s:%u-%u\"", nat_addr_format(e->outside, buf), e->outside_port,
	    e->outside_port + e->count - 1);
}

size_t nat_log_line(const char *nat, const struct nat_event *e, bool destinations, char *buf,
		    size_t size)
{
	static const char *const names[] = {
		[NAT_EV_GAP] = "gap",
		[NAT_EV_ADDRESSES_EXHAUSTED] = "addresses-exhausted",
		[NAT_EV_SESSION_CREATE] = "session-create",
		[NAT_EV_SESSION_DELETE] = "session-delete",
		[NAT_EV_PORTS_EXHAUSTED] = "ports-exhausted",
		[NAT_EV_QUOTA_EXCEEDED] = "quota-exceeded",
		[NAT_EV_ADDRESS_BOUND] = "address-bind",
		[NAT_EV_ADDRESS_UNBOUND] = "address-unbind",
		[NAT_EV_BLOCK_ALLOC] = "block-allocate",
		[NAT_EV_BLOCK_FREE] = "block-free",
	};
	struct line l = {buf, size, 0};

	if (e->type >= sizeof(names) / sizeof(names[0]) || !names[e->type])
		return 0;
	head(&l, nat, e->time_ms, names[e->type]);
	switch (e->type) {
	case NAT_EV_GAP:
		put(&l, ",\"lost\":%u", e->count);
		break;
	case NAT_EV_SESSION_CREATE:
	case NAT_EV_SESSION_DELETE:
		put_session(&l, e, destinations);
		break;
	case NAT_EV_BLOCK_ALLOC:
	case NAT_EV_BLOCK_FREE:
		put_block(&l, e);
		break;
	case NAT_EV_ADDRESS_BOUND:
	case NAT_EV_ADDRESS_UNBOUND:
		put_addr(&l, "inside", e->inside);
		put_addr(&l, "outside", e->outside);
		break;
	default:
		put_protocol(&l, e->proto);
		put_addr(&l, "inside", e->inside);
		if (e->outside)
			put_addr(&l, "outside", e->outside);
	}
	return end(&l);
}

size_t nat_log_parameters(const struct nat_conf *c, uint64_t time_ms, char *buf, size_t size)
{
	char prefix[NAT_PREFIX_STR_SIZE], x[NAT_EXTERNAL_STR_SIZE];
	struct line l = {buf, size, 0};

	if (!c->blocks.deterministic) {
		head(&l, c->name, time_ms, "deterministic-end");
		return end(&l);
	}
	head(&l, c->name, time_ms, "deterministic");
	put(&l, ",\"prefix\":\"%s\",\"block_size\":%u,\"external\":[",
	    nat_prefix_format(c->prefix, prefix), c->blocks.size);
	for (unsigned int i = 0; i < c->n_external; i++)
		put(&l, "%s\"%s\"", i ? "," : "", nat_external_format(&c->external[i], x));
	put(&l, "]");
	return end(&l);
}

size_t nat_log_start(const char *nat, uint64_t time_ms, uint32_t sessions, char *buf, size_t size)
{
	struct line l = {buf, size, 0};

	head(&l, nat, time_ms, "start");
	put(&l, ",\"sessions\":%u", sessions);
	return end(&l);
}

size_t nat_log_stop(const char *nat, uint64_t time_ms, char *buf, size_t size)
{
	struct line l = {buf, size, 0};

	head(&l, nat, time_ms, "stop");
	return end(&l);
}
