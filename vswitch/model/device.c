/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device specifications: text to data and back. */
#include "vswitch/model/device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/names.h"

#define IFNAME_MAX 15

static const char *const kind_text[VSW_DEV_N] = {
	[VSW_DEV_TAP] = "tap",
	[VSW_DEV_NETDEV] = "netdev",
	[VSW_DEV_VHOST_USER] = "vhost-user",
	[VSW_DEV_MEMIF] = "memif",
	[VSW_DEV_PCAP] = "pcap",
	[VSW_DEV_PCI] = "pci",
	[VSW_DEV_NETVSP] = "netvsp",
	[VSW_DEV_NAT] = "nat",
};

static const char *const kind_form[VSW_DEV_N] = {
	[VSW_DEV_TAP] = "write tap:IFNAME[,queues=N], for example tap:web1",
	[VSW_DEV_NETDEV] = "write netdev:IFNAME[,af-packet|af-xdp], for example netdev:eth0",
	[VSW_DEV_VHOST_USER] = "write vhost-user:PATH[,client][,packed][,queues=N], for example "
			       "vhost-user:/run/web1.sock",
	[VSW_DEV_MEMIF] = "write memif:PATH[,id=N][,client], for example memif:/run/web1.memif",
	[VSW_DEV_PCAP] = "write pcap:rx=FILE[,tx=FILE][,loop] or pcap:tx=FILE, for example "
			 "pcap:rx=/tmp/in.pcap",
	[VSW_DEV_PCI] = "write pci:BDF[,queues=N], for example pci:0000:01:00.0",
	[VSW_DEV_NETVSP] = "write netvsp:PATH[,queues=N], for example netvsp:/run/vm1.sock",
	[VSW_DEV_NAT] =
		"such ports come and go with their network: viridian nat add NAME --backend "
		"dataplane",
};

/* Options a kind takes; a bit each, which also catches an option given twice. */
enum option {
	OPT_QUEUES = 1,
	OPT_CLIENT = 2,
	OPT_ID = 4,
	OPT_LOOP = 8,
	OPT_RX = 16,
	OPT_TX = 32,
	OPT_AF_PACKET = 64,
	OPT_AF_XDP = 128,
	OPT_OUTSIDE = 256,
	OPT_PACKED = 512,
};

static const struct {
	const char *word; /* ends in '=' when a value follows */
	enum option bit;
} options[] = {
	{"queues=", OPT_QUEUES},      {"client", OPT_CLIENT}, {"id=", OPT_ID},
	{"loop", OPT_LOOP},           {"rx=", OPT_RX},        {"tx=", OPT_TX},
	{"af-packet", OPT_AF_PACKET}, {"af-xdp", OPT_AF_XDP}, {"outside", OPT_OUTSIDE},
	{"packed", OPT_PACKED},
};

static const unsigned int kind_options[VSW_DEV_N] = {
	[VSW_DEV_TAP] = OPT_QUEUES,
	[VSW_DEV_NETDEV] = OPT_AF_PACKET | OPT_AF_XDP,
	[VSW_DEV_VHOST_USER] = OPT_CLIENT | OPT_PACKED | OPT_QUEUES,
	[VSW_DEV_MEMIF] = OPT_ID | OPT_CLIENT,
	[VSW_DEV_PCAP] = OPT_RX | OPT_TX | OPT_LOOP,
	[VSW_DEV_PCI] = OPT_QUEUES,
	[VSW_DEV_NETVSP] = OPT_QUEUES,
	[VSW_DEV_NAT] = OPT_OUTSIDE,
};

struct ctx {
	const char *text;
	const char *path;
	struct vsw_device d;
	unsigned int seen; /* options so far */
	struct vd_err *e;
};

static int malformed(const struct ctx *c, const char *why)
{
	return vd_err_set(c->e, -EINVAL, VD_E_DEVICE, c->path, kind_form[c->d.kind],
			  "the device \"%.100s\" is malformed: %s", c->text, why);
}

static int take(const struct ctx *c, const char *s, size_t len, size_t max, char *dst)
{
	if (len == 0)
		return malformed(c, "a name or path is missing");
	if (len > max)
		return malformed(c, max == IFNAME_MAX
					    ? "an interface name has at most 15 characters"
				    : max < 200 ? "a socket path has at most 107 characters"
						: "a file name has at most 255 characters");
	memcpy(dst, s, len);
	dst[len] = '\0';
	return 0;
}

static int take_path(const struct ctx *c, const char *s, size_t len, size_t max, char *dst)
{
	int r = take(c, s, len, max, dst);

	if (r < 0)
		return r;
	if (dst[0] != '/')
		return malformed(c, "a path must be absolute (start with '/')");
	for (const char *p = dst; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return malformed(c, "a path has a control character");
	return dst[strspn(dst, "/")] ? 0 : malformed(c, "a path names no file");
}

static int take_ifname(struct ctx *c, const char *s, size_t len)
{
	int r = take(c, s, len, IFNAME_MAX, c->d.target);

	if (r < 0)
		return r;
	for (const char *p = c->d.target; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("/:%", *p))
			return malformed(c,
					 "an interface name has a character that is not allowed");
	if (!strcmp(c->d.target, ".") || !strcmp(c->d.target, ".."))
		return malformed(c, "\".\" and \"..\" are no interface names");
	return 0;
}

static int take_nat(struct ctx *c, const char *s, size_t len)
{
	int r = take(c, s, len, VD_NAME_MAX, c->d.target);

	if (r == 0 && vd_name_check(c->d.target, NULL, NULL) < 0)
		return malformed(c, "it is not the name of a network");
	return r;
}

/* @n_min..@n_max hex digits followed by @stop (NUL: the end). Moves *@p behind the stop. */
static bool take_hex(const char **p, size_t n_min, size_t n_max, char stop, unsigned int *ret)
{
	unsigned int v = 0;
	size_t n = strspn(*p, "0123456789abcdefABCDEF");

	if (n < n_min || n > n_max || (*p)[n] != stop)
		return false;
	for (size_t i = 0; i < n; i++) {
		char ch = (*p)[i];

		v = v << 4 | (unsigned int)(ch <= '9' ? ch - '0' : (ch | 0x20) - 'a' + 10);
	}
	*p += n + (stop != '\0');
	*ret = v;
	return true;
}

static int take_bdf(struct ctx *c, const char *s, size_t len)
{
	unsigned int domain = 0, bus, dev, fn;
	char bdf[32];
	const char *p = bdf;
	int r = take(c, s, len, sizeof(bdf) - 1, bdf);

	if (r < 0)
		return r;
	/* the domain may be left out, as lspci prints it: a second ':' tells */
	if (strchr(bdf, ':') != strrchr(bdf, ':') && !take_hex(&p, 4, 8, ':', &domain))
		return malformed(c, "the PCI domain is not 4 to 8 hex digits");
	if (!take_hex(&p, 2, 2, ':', &bus) || !take_hex(&p, 2, 2, '.', &dev) ||
	    !take_hex(&p, 1, 1, '\0', &fn) || dev > 0x1f || fn > 7)
		return malformed(c, "it is not a PCI address (DOMAIN:BUS:DEVICE.FUNCTION)");
	snprintf(c->d.target, sizeof(c->d.target), "%04x:%02x:%02x.%x", domain, bus, dev, fn);
	return 0;
}

static int take_number(const struct ctx *c, const char *s, size_t len, uint64_t min, uint64_t max,
		       uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return malformed(c, "a value is not a decimal number");
		if (v <= max)
			v = v * 10 + (uint64_t)(s[i] - '0');
	}
	if (len == 0 || v < min || v > max)
		return vd_err_set(c->e, -EINVAL, VD_E_DEVICE, c->path, kind_form[c->d.kind],
				  "the device \"%.100s\" has a value out of range (allowed: "
				  "%llu-%llu)",
				  c->text, (unsigned long long)min, (unsigned long long)max);
	*ret = v;
	return 0;
}

static int take_option_value(struct ctx *c, enum option bit, const char *s, size_t len)
{
	uint64_t n;
	int r = 0;

	switch (bit) {
	case OPT_QUEUES:
		r = take_number(c, s, len, 1, VSW_QUEUES_MAX, &n);
		if (r == 0)
			c->d.queues = (uint16_t)n;
		break;
	case OPT_ID:
		r = take_number(c, s, len, 0, UINT32_MAX, &n);
		if (r == 0)
			c->d.id = (uint32_t)n;
		break;
	case OPT_RX:
		r = take_path(c, s, len, sizeof(c->d.target) - 1, c->d.target);
		break;
	case OPT_TX:
		r = take_path(c, s, len, sizeof(c->d.target2) - 1, c->d.target2);
		break;
	case OPT_CLIENT:
		c->d.client = true;
		break;
	case OPT_PACKED:
		c->d.packed = true;
		break;
	case OPT_OUTSIDE:
		c->d.outside = true;
		break;
	case OPT_LOOP:
		c->d.loop = true;
		break;
	case OPT_AF_PACKET:
		c->d.way = VSW_NETDEV_AF_PACKET;
		break;
	case OPT_AF_XDP:
		c->d.way = VSW_NETDEV_AF_XDP;
		break;
	}
	return r;
}

static int take_option(struct ctx *c, const char *s, size_t len)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		size_t n = strlen(options[i].word);
		bool valued = options[i].word[n - 1] == '=';

		if (!(kind_options[c->d.kind] & options[i].bit) || len < n ||
		    memcmp(s, options[i].word, n) != 0 || (!valued && len != n))
			continue;
		if (c->seen & options[i].bit)
			return malformed(c, "an option is given twice");
		c->seen |= options[i].bit;
		return take_option_value(c, options[i].bit, s + n, len - n);
	}
	return malformed(c, len ? "it has an option that this kind does not take"
				: "there is nothing behind a comma");
}

static int take_target(struct ctx *c, const char *s, size_t len)
{
	switch (c->d.kind) {
	case VSW_DEV_TAP:
	case VSW_DEV_NETDEV:
		return take_ifname(c, s, len);
	case VSW_DEV_PCI:
		return take_bdf(c, s, len);
	case VSW_DEV_NAT:
		return take_nat(c, s, len);
	default:
		return take_path(c, s, len, VSW_DEVICE_PATH_SIZE - 1, c->d.target);
	}
}

/* What single options cannot know of each other. */
static int check_whole(const struct ctx *c)
{
	if ((c->seen & (OPT_AF_PACKET | OPT_AF_XDP)) == (OPT_AF_PACKET | OPT_AF_XDP))
		return malformed(c, "af-packet and af-xdp exclude each other");
	if (c->d.kind != VSW_DEV_PCAP)
		return 0;
	if (!c->d.target[0] && !c->d.target2[0])
		return malformed(c, "neither rx= nor tx= is given");
	if (c->d.loop && !c->d.target[0])
		return malformed(c, "\"loop\" needs rx=");
	if (!strcmp(c->d.target, c->d.target2))
		return malformed(c, "rx and tx are the same file");
	return 0;
}

static int unknown_kind(const char *text, size_t len, const char *path, struct vd_err *e)
{
	char word[24], hint[160];
	const char *near;

	snprintf(word, sizeof(word), "%.*s", (int)(len < 23 ? len : 23), text);
	near = vd_suggest(word, kind_text, VSW_DEV_N);
	if (near && text[len] == ':')
		snprintf(hint, sizeof(hint), "did you mean \"%s:\"?", near);
	else if (text[len] != ':' && len && len <= IFNAME_MAX)
		snprintf(hint, sizeof(hint),
			 "tap:%s makes an interface, netdev:%s uses one that exists", word, word);
	else
		snprintf(hint, sizeof(hint),
			 "use tap:, netdev:, vhost-user:, memif:, pcap:, pci: or "
			 "netvsp:, for example tap:web1");
	return vd_err_set(e, -EINVAL, VD_E_DEVICE, path, hint,
			  "the device \"%.100s\" does not start with a known kind", text);
}

/* Where the guest decides how many it uses, the number is an upper bound. */
static uint16_t queues_default(enum vsw_device_kind kind)
{
	return kind == VSW_DEV_VHOST_USER || kind == VSW_DEV_NETVSP ? VSW_QUEUES_MAX : 1;
}

int vsw_device_parse(const char *text, const char *path, struct vsw_device *ret,
		     struct vd_err *reterr)
{
	struct ctx c = {.text = text, .path = path, .e = reterr};
	size_t len = strcspn(text, ":");
	const char *p = text + len;
	unsigned int kind;
	int r = 0;

	for (kind = 0; kind < VSW_DEV_N; kind++)
		if (strlen(kind_text[kind]) == len && !memcmp(kind_text[kind], text, len))
			break;
	if (kind == VSW_DEV_N || *p != ':')
		return unknown_kind(text, len, path, reterr);
	c.d.kind = (enum vsw_device_kind)kind;
	c.d.queues = queues_default(c.d.kind);
	p++;
	for (bool first = kind != VSW_DEV_PCAP; r == 0; first = false) {
		len = strcspn(p, ",");
		r = first ? take_target(&c, p, len) : take_option(&c, p, len);
		if (p[len] == '\0')
			break;
		p += len + 1;
	}
	if (r == 0)
		r = check_whole(&c);
	if (r < 0)
		return r;
	*ret = c.d;
	return 0;
}

const char *vsw_device_format(const struct vsw_device *d, char *buf, size_t size)
{
	bool many = d->queues != queues_default(d->kind);
	char queues[24] = "", id[24] = "";
	const char *way = d->way == VSW_NETDEV_AF_PACKET ? ",af-packet"
			  : d->way == VSW_NETDEV_AF_XDP  ? ",af-xdp"
							 : "";

	if (many)
		snprintf(queues, sizeof(queues), ",queues=%u", d->queues);
	if (d->id)
		snprintf(id, sizeof(id), ",id=%u", d->id);
	if (d->kind == VSW_DEV_PCAP)
		snprintf(buf, size, "pcap:%s%s%s%s%s%s", d->target[0] ? "rx=" : "", d->target,
			 d->target[0] && d->target2[0] ? "," : "", d->target2[0] ? "tx=" : "",
			 d->target2, d->loop ? ",loop" : "");
	else
		snprintf(buf, size, "%s:%s%s%s%s%s%s", kind_text[d->kind], d->target, way, id,
			 d->client    ? ",client"
			 : d->outside ? ",outside"
				      : "",
			 d->packed ? ",packed" : "", queues);
	return buf;
}

bool vsw_device_equal(const struct vsw_device *a, const struct vsw_device *b)
{
	return a->kind == b->kind && a->client == b->client && a->loop == b->loop &&
	       a->outside == b->outside && a->packed == b->packed && a->way == b->way &&
	       a->id == b->id && a->queues == b->queues && !strcmp(a->target, b->target) &&
	       !strcmp(a->target2, b->target2);
}

static void claim(struct vsw_claim *ret, char space, const char *what, enum vsw_share share)
{
	snprintf(ret->key, sizeof(ret->key), "%c:%s", space, what);
	ret->share = share;
}

unsigned int vsw_device_claims(const struct vsw_device *d, struct vsw_claim ret[VSW_CLAIMS_MAX])
{
	unsigned int n = 0;

	switch (d->kind) {
	case VSW_DEV_TAP:
	case VSW_DEV_NETDEV:
		claim(&ret[n++], 'i', d->target, VSW_SHARE_NONE);
		break;
	case VSW_DEV_PCI:
		claim(&ret[n++], 'p', d->target, VSW_SHARE_NONE);
		break;
	case VSW_DEV_MEMIF:
		/* many interfaces may share one socket, each with its own id */
		claim(&ret[n++], 'f', d->target,
		      d->client ? VSW_SHARE_MEMIF_CLIENT : VSW_SHARE_MEMIF);
		snprintf(ret[n].key, sizeof(ret[n].key), "m:%u:%s", d->id, d->target);
		ret[n++].share = VSW_SHARE_NONE;
		break;
	case VSW_DEV_PCAP:
		if (d->target[0])
			claim(&ret[n++], 'f', d->target, VSW_SHARE_READ);
		if (d->target2[0])
			claim(&ret[n++], 'f', d->target2, VSW_SHARE_NONE);
		break;
	case VSW_DEV_NAT:
		claim(&ret[n++], d->outside ? 'o' : 'n', d->target, VSW_SHARE_NONE);
		break;
	default:
		claim(&ret[n++], 'f', d->target, VSW_SHARE_NONE);
		break;
	}
	return n;
}

bool vsw_device_clash(const struct vsw_device *a, const struct vsw_device *b)
{
	struct vsw_claim ca[VSW_CLAIMS_MAX], cb[VSW_CLAIMS_MAX];
	unsigned int na = vsw_device_claims(a, ca), nb = vsw_device_claims(b, cb);

	for (unsigned int i = 0; i < na && i < VSW_CLAIMS_MAX; i++)
		for (unsigned int j = 0; j < nb && j < VSW_CLAIMS_MAX; j++)
			if (!strcmp(ca[i].key, cb[j].key) &&
			    (ca[i].share != cb[j].share || ca[i].share == VSW_SHARE_NONE))
				return true;
	return false;
}

const char *vsw_device_kind_text(enum vsw_device_kind kind)
{
	return (unsigned int)kind < VSW_DEV_N ? kind_text[kind] : "unknown";
}
