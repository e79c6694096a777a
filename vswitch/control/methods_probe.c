/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probing a guest from the switch: ARP or neighbour discovery, then, if wanted, ICMP echo; one request
 * after the other, each answered or given up after a while. vswitch/datapath/probe.h sends and listens.
 *
 * The answer: {"port", "address", "reachable", "mac", "sent", "received", "echo_sent",
 * "echo_received", "rtt_us": [..]}.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <rte_cycles.h>
#include <rte_ring.h>

#include "base/prefix.h"
#include "vswitch/control/edit.h"
#include "vswitch/control/methods.h"
#include "vswitch/control/probe.h"
#include "vswitch/datapath/probe.h"
#include "vswitch/policy/headers.h"

#define POLL_MS     2u
#define FRAME_MIN   60
#define FRAME_ROOM  1600
#define ND_SOLICIT  135
#define ND_ADVERT   136
#define FLAG_ANSWER 0x60 /* of an advertisement: solicited, override */

struct vsw_probe_session {
	struct vsw_probe_session *next;
	struct vsw_daemon *d;
	struct vsw_client *client;
	json_t *id;
	struct vsw_port *port;
	struct vsw_probe probe;
	sd_event_source *timer;
	char name[VSW_PORT_NAME_SIZE];
	struct vd_prefix target;
	uint8_t mac[6], guest[6];
	bool echo, found;
	uint16_t vlan, serial, size;
	unsigned int count, timeout_ms, sent, received, echo_sent, echo_received;
	uint64_t asked_tsc, give_up_ms; /* the request under way; 0: none */
	json_t *rtt;
};

/* ---- frames ---- */

struct frame {
	uint8_t d[FRAME_ROOM];
	uint16_t n;
};

static void put(struct frame *f, const void *p, uint16_t n)
{
	memcpy(f->d + f->n, p, n);
	f->n = (uint16_t)(f->n + n);
}

static void put16(struct frame *f, uint16_t v)
{
	v = htons(v);
	put(f, &v, 2);
}

static void begin(const struct vsw_probe_session *s, struct frame *f, const uint8_t *dst,
		  uint16_t type)
{
	memset(f, 0, sizeof(*f));
	put(f, dst, 6);
	put(f, s->mac, 6);
	if (s->vlan) {
		put16(f, 0x8100);
		put16(f, s->vlan);
	}
	put16(f, type);
}

static uint32_t add_up(const uint8_t *p, uint32_t n, uint32_t sum)
{
	for (uint32_t i = 0; i < n; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void arp(const struct vsw_probe_session *s, struct frame *f, const uint8_t *dst, uint16_t op,
		const uint8_t *target_mac, const uint8_t *target)
{
	static const uint8_t head[6] = {0, 1, 8, 0, 6, 4};

	begin(s, f, dst, 0x0806);
	put(f, head, sizeof(head));
	put16(f, op);
	put(f, s->mac, 6);
	put(f, s->probe.ip, 4);
	put(f, target_mac, 6);
	put(f, target, 4);
}

/* An ICMPv6 message of @n bytes to @dst; its checksum is made here. */
static void icmp6(const struct vsw_probe_session *s, struct frame *f, const uint8_t *mac,
		  const uint8_t *dst, uint8_t *msg, uint16_t n)
{
	static const uint8_t head[4] = {0x60};
	const uint8_t limits[2] = {58, 255};
	uint16_t sum;

	begin(s, f, mac, 0x86dd);
	put(f, head, 4);
	put16(f, n);
	put(f, limits, 2);
	put(f, s->probe.ip, 16);
	put(f, dst, 16);
	sum = folded(add_up(msg, n, add_up(s->probe.ip, 16, add_up(dst, 16, 58u + n))));
	memcpy(msg + 2, &sum, 2);
	put(f, msg, n);
}

static void nd(const struct vsw_probe_session *s, struct frame *f, uint8_t type, const uint8_t *mac,
	       const uint8_t *dst, const uint8_t *target)
{
	uint8_t msg[32] = {type};

	if (type == ND_ADVERT)
		msg[4] = FLAG_ANSWER;
	memcpy(msg + 8, target, 16);
	msg[24] = type == ND_ADVERT ? 2 : 1;
	msg[25] = 1;
	memcpy(msg + 26, s->mac, 6);
	icmp6(s, f, mac, dst, msg, sizeof(msg));
}

/* Who has the target? */
static void make_question(const struct vsw_probe_session *s, struct frame *f)
{
	static const uint8_t everybody[6] = {255, 255, 255, 255, 255, 255}, none[6];
	uint8_t node[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff},
		mac[6] = {0x33, 0x33, 0xff};

	if (s->target.family == 4) {
		arp(s, f, everybody, 1, none, s->target.addr);
		return;
	}
	memcpy(node + 13, s->target.addr + 13, 3);
	memcpy(mac + 3, s->target.addr + 13, 3);
	nd(s, f, ND_SOLICIT, mac, node, s->target.addr);
}

static void make_echo(const struct vsw_probe_session *s, struct frame *f)
{
	uint8_t msg[8 + 1472] = {s->target.family == 4 ? 8 : 128}, ip[20] = {0x45};
	uint16_t n = (uint16_t)(8 + s->size), sum, serial = htons(s->serial),
		 total = htons((uint16_t)(20 + n));

	memcpy(msg + 4, s->mac + 4, 2);
	memcpy(msg + 6, &serial, 2);
	for (uint16_t i = 0; i < s->size; i++)
		msg[8 + i] = (uint8_t)i;
	if (s->target.family == 6) {
		icmp6(s, f, s->guest, s->target.addr, msg, n);
		return;
	}
	memcpy(ip + 2, &total, 2);
	ip[8] = 64;
	ip[9] = 1;
	memcpy(ip + 12, s->probe.ip, 4);
	memcpy(ip + 16, s->target.addr, 4);
	sum = folded(add_up(ip, sizeof(ip), 0));
	memcpy(ip + 10, &sum, 2);
	sum = folded(add_up(msg, n, 0));
	memcpy(msg + 2, &sum, 2);
	begin(s, f, s->guest, 0x0800);
	put(f, ip, sizeof(ip));
	put(f, msg, n);
}

static void say(struct vsw_probe_session *s, struct frame *f)
{
	uint16_t n = f->n < FRAME_MIN ? FRAME_MIN : f->n;

	vsw_probe_send(s->d->dp, s->port, f->d, n);
}

/* ---- what comes back ---- */

static void answered(struct vsw_probe_session *s, unsigned int *received)
{
	if (!s->give_up_ms)
		return;
	(*received)++;
	s->give_up_ms = 0;
	json_array_append_new(s->rtt, json_integer((json_int_t)((rte_rdtsc() - s->asked_tsc) *
								1000000 / rte_get_tsc_hz())));
}

static void found(struct vsw_probe_session *s, const uint8_t *mac)
{
	memcpy(s->guest, mac, 6);
	if (s->echo && s->found)
		return; /* a late second answer */
	s->found = true;
	answered(s, &s->received);
}

static void take_arp(struct vsw_probe_session *s, const uint8_t *d, const uint8_t *p)
{
	struct frame f;

	if (p[7] == 2 && !memcmp(p + 14, s->target.addr, 4)) {
		found(s, p + 8);
	} else if (p[7] == 1 && !memcmp(p + 24, s->probe.ip, 4)) {
		arp(s, &f, d + 6, 2, p + 8, p + 14);
		say(s, &f);
	}
}

static void take_icmp(struct vsw_probe_session *s, const uint8_t *d, uint32_t len,
		      const struct vsw_headers *h)
{
	const uint8_t *p = d + h->l4;
	uint16_t serial = htons(s->serial);
	struct frame f;

	if (h->icmp_type == (h->family == VSW_FAMILY_IPV4 ? 0 : 129) && h->l4 + 8u <= len) {
		if (!memcmp(p + 4, s->mac + 4, 2) && !memcmp(p + 6, &serial, 2) &&
		    !memcmp(h->src, s->target.addr, s->target.family == 4 ? 4 : 16))
			answered(s, &s->echo_received);
		return;
	}
	if (h->family != VSW_FAMILY_IPV6 || h->l4 + 24u > len)
		return;
	if (h->icmp_type == ND_ADVERT && !memcmp(p + 8, s->target.addr, 16)) {
		found(s, d + 6);
	} else if (h->icmp_type == ND_SOLICIT && !memcmp(p + 8, s->probe.ip, 16)) {
		nd(s, &f, ND_ADVERT, d + 6, h->src, s->probe.ip);
		say(s, &f);
	}
}

static void take(struct vsw_probe_session *s, const uint8_t *d, uint32_t len)
{
	struct vsw_headers h;

	vsw_headers_parse(d, len, len, &h);
	if (h.flags & (VSW_HDR_BROKEN | VSW_HDR_FRAGMENT))
		return;
	if (h.ethertype == 0x0806 && s->target.family == 4 && h.l3 + 28u <= len)
		take_arp(s, d, d + h.l3);
	else if ((h.family == VSW_FAMILY_IPV4 && s->target.family == 4 && h.proto == 1) ||
		 (h.family == VSW_FAMILY_IPV6 && s->target.family == 6 && h.proto == 58))
		take_icmp(s, d, len, &h);
}

/* ---- life ---- */

static void session_free(struct vsw_probe_session *s)
{
	struct vsw_probe_session **at = &s->d->probes;
	struct rte_mbuf *m;

	for (; *at && *at != s; at = &(*at)->next)
		;
	if (*at)
		*at = s->next;
	if (s->port)
		vsw_probe_detach(s->d->dp, s->port);
	while (s->probe.ring && rte_ring_dequeue(s->probe.ring, (void **)&m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(s->probe.ring);
	sd_event_source_disable_unref(s->timer);
	json_decref(s->rtt);
	json_decref(s->id);
	free(s);
}

static void finish(struct vsw_probe_session *s)
{
	char address[VD_PREFIX_STR_SIZE], mac[VD_MAC_STR_SIZE];
	struct vd_mac guest;
	json_t *result;

	memcpy(guest.addr, s->guest, 6);
	result = json_pack("{s:s, s:s, s:b, s:o, s:i, s:i, s:i, s:i, s:O}", "port", s->name,
			   "address", vd_prefix_format(&s->target, address), "reachable",
			   s->echo ? s->echo_received > 0 : s->found, "mac",
			   s->found ? json_string(vd_mac_format(&guest, mac)) : json_null(), "sent",
			   (int)s->sent, "received", (int)s->received, "echo_sent",
			   (int)s->echo_sent, "echo_received", (int)s->echo_received, "rtt_us",
			   s->rtt);
	vsw_client_reply(s->client, s->id, result);
	session_free(s);
}

/* The next request, or the end. Returns false when there is none. */
static bool ask(struct vsw_probe_session *s)
{
	struct frame f;

	if (s->sent < s->count && !(s->echo && s->found)) {
		make_question(s, &f);
		s->sent++;
	} else if (s->echo && s->found && s->echo_sent < s->count) {
		s->serial++;
		make_echo(s, &f);
		s->echo_sent++;
	} else {
		return false;
	}
	s->asked_tsc = rte_rdtsc();
	s->give_up_ms = vsw_now_ms() + s->timeout_ms;
	say(s, &f);
	return true;
}

static void drain(struct vsw_probe_session *s)
{
	uint8_t scratch[FRAME_ROOM];
	struct rte_mbuf *m;

	while (rte_ring_dequeue(s->probe.ring, (void **)&m) == 0) {
		if (m->pkt_len <= sizeof(scratch))
			take(s, rte_pktmbuf_read(m, 0, m->pkt_len, scratch), m->pkt_len);
		rte_pktmbuf_free(m);
	}
}

static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct vsw_probe_session *s = arg;

	drain(s);
	if (s->give_up_ms && vsw_now_ms() >= s->give_up_ms)
		s->give_up_ms = 0;
	if (!s->give_up_ms && !ask(s)) {
		finish(s);
		return 0;
	}
	sd_event_source_set_time_relative(s->timer, POLL_MS * 1000);
	sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
	return 0;
}

void vsw_probes_client_gone(struct vsw_daemon *d, const struct vsw_client *client)
{
	struct vsw_probe_session *next;

	for (struct vsw_probe_session *s = d->probes; s; s = next) {
		next = s->next;
		if (s->client == client)
			session_free(s);
	}
}

void vsw_probes_port_closes(struct vsw_daemon *d, const struct vsw_port *port)
{
	struct vsw_probe_session *next;

	for (struct vsw_probe_session *s = d->probes; s; s = next) {
		next = s->next;
		if (s->port == port)
			finish(s);
	}
}

/* ---- starting ---- */

static int refuse(struct vd_err *reterr, const char *hint, const char *what)
{
	return vd_err_set(reterr, -EINVAL, VD_E_VALUE, "probe", hint, "%s", what);
}

/* What the prober calls itself. */
static int choose_self(struct vsw_probe_session *s, json_t *params, struct vd_err *reterr)
{
	const char *from = vsw_edit_text(params, "from"), *mac = vsw_edit_text(params, "from_mac");
	struct vd_prefix p = {0};
	struct vd_mac m;

	if (mac && (vd_mac_parse(mac, &m) || !vd_mac_usable(&m)))
		return refuse(reterr, "a unicast address: 02:00:00:00:00:01",
			      "from_mac is no address to send from");
	if (mac)
		memcpy(s->mac, m.addr, 6);
	else if (getrandom(s->mac, 6, 0) != 6)
		return -EIO;
	if (!mac)
		s->mac[0] = 2;
	memcpy(&s->probe.mac48, s->mac, 6);
	s->probe.ipv6 = s->target.family == 6;
	if (from && (vd_prefix_parse(from, &p) || p.family != s->target.family ||
		     p.len != (p.family == 4 ? 32 : 128)))
		return refuse(reterr, "an address of the same family, on the guest's network",
			      "from is not one address like the guest's");
	if (s->echo && !from && s->target.family == 4)
		return refuse(reterr, "--from an unused address of the guest's network",
			      "an IPv4 echo needs an address to come from");
	if (from) {
		memcpy(s->probe.ip, p.addr, sizeof(p.addr));
	} else if (s->probe.ipv6) {
		memcpy(s->probe.ip, (uint8_t[2]){0xfe, 0x80}, 2);
		memcpy(s->probe.ip + 8, s->mac, 3);
		s->probe.ip[8] ^= 2;
		s->probe.ip[11] = 0xff;
		s->probe.ip[12] = 0xfe;
		memcpy(s->probe.ip + 13, s->mac + 3, 3);
	}
	return 0;
}

static unsigned int number(json_t *params, const char *key, unsigned int otherwise)
{
	json_t *j = json_object_get(params, key);

	return j ? (unsigned int)json_integer_value(j) : otherwise;
}

static int prepare(struct vsw_call *call, struct vsw_probe_session *s, struct vd_err *reterr)
{
	static unsigned int serial;
	const char *address = vsw_edit_text(call->params, "address");
	const struct vsw_port_cfg *p;
	struct vsw_port *port;
	char name[32];
	int rc = vsw_methods_open_port(call, &p, &port, reterr);

	if (rc)
		return rc;
	memcpy(s->name, p->name, sizeof(s->name));
	if (vd_prefix_parse(address, &s->target) ||
	    s->target.len != (s->target.family == 4 ? 32 : 128))
		return refuse(reterr, "one address of the guest's: 10.0.0.5 or fe80::5",
			      "the address cannot be probed");
	s->echo = json_is_true(json_object_get(call->params, "echo"));
	s->count = number(call->params, "count", 3);
	s->timeout_ms = number(call->params, "timeout_ms", 500);
	s->vlan = (uint16_t)number(call->params, "vlan", 0);
	s->size = (uint16_t)number(call->params, "size", 56);
	rc = choose_self(s, call->params, reterr);
	if (rc)
		return rc;
	snprintf(name, sizeof(name), "vsw-probe-%u", serial++);
	s->probe.ring = rte_ring_create(name, VSW_PROBE_RING, SOCKET_ID_ANY, RING_F_SC_DEQ);
	s->rtt = json_array();
	if (!s->probe.ring || !s->rtt)
		return -ENOMEM;
	rc = sd_event_add_time_relative(call->d->event, &s->timer, CLOCK_MONOTONIC, 0, 0, on_timer,
					s);
	if (rc < 0)
		return rc;
	if (vsw_probe_attach(call->d->dp, port, &s->probe))
		return vd_err_set(reterr, -EBUSY, VD_E_LIMIT, p->name, "try again when it is done",
				  "port %s is being probed", p->name);
	s->port = port;
	return 0;
}

VSW_METHOD(probe)
{
	struct vsw_probe_session *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	s->d = call->d;
	rc = prepare(call, s, reterr);
	if (rc) {
		session_free(s);
		return rc;
	}
	s->client = call->client;
	s->id = call->id ? json_incref(call->id) : NULL;
	s->next = call->d->probes;
	call->d->probes = s;
	return VSW_LATER;
}
