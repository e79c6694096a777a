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
#include "vswitch/datapath/probe_frame.h"

#define POLL_MS 2u

struct vsw_probe_session {
	struct vsw_probe_session *next;
	struct vsw_daemon *d;
	struct vsw_client *client;
	json_t *id;
	struct vsw_port *port;
	struct vsw_probe probe;
	struct vsw_probe_talk talk;
	sd_event_source *timer;
	char name[VSW_PORT_NAME_SIZE];
	bool echo, found;
	unsigned int count, timeout_ms, sent, received, echo_sent, echo_received;
	uint64_t asked_tsc, give_up_ms; /* the request under way; 0: none */
	json_t *rtt;
};

static void say(struct vsw_probe_session *s, const struct vsw_probe_frame *f)
{
	vsw_probe_send(s->d->dp, s->port, f->d, f->n);
}

static void answered(struct vsw_probe_session *s, unsigned int *received)
{
	if (!s->give_up_ms)
		return;
	(*received)++;
	s->give_up_ms = 0;
	json_array_append_new(s->rtt, json_integer((json_int_t)((rte_rdtsc() - s->asked_tsc) *
								1000000 / rte_get_tsc_hz())));
}

static void take(struct vsw_probe_session *s, const uint8_t *d, uint32_t len)
{
	struct vsw_probe_frame reply;
	uint8_t mac[6];

	switch (vsw_probe_read(&s->talk, d, len, mac, &reply)) {
	case VSW_PROBE_FOUND:
		memcpy(s->talk.guest, mac, 6);
		if (s->echo && s->found)
			return; /* a late second answer */
		s->found = true;
		answered(s, &s->received);
		return;
	case VSW_PROBE_ECHOED:
		answered(s, &s->echo_received);
		return;
	case VSW_PROBE_ASKED:
		say(s, &reply);
		return;
	case VSW_PROBE_NOTHING:
		return;
	}
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

	memcpy(guest.addr, s->talk.guest, 6);
	result = json_pack("{s:s, s:s, s:b, s:o, s:i, s:i, s:i, s:i, s:O}", "port", s->name,
			   "address", vd_prefix_format(&s->talk.target, address), "reachable",
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
	struct vsw_probe_frame f;

	if (s->sent < s->count && !(s->echo && s->found)) {
		vsw_probe_question(&s->talk, &f);
		s->sent++;
	} else if (s->echo && s->found && s->echo_sent < s->count) {
		s->talk.serial++;
		vsw_probe_echo(&s->talk, &f);
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
	uint8_t scratch[VSW_PROBE_FRAME_ROOM];
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
		memcpy(s->talk.mac, m.addr, 6);
	else if (getrandom(s->talk.mac, 6, 0) != 6)
		return -EIO;
	if (!mac)
		s->talk.mac[0] = 2;
	memcpy(&s->probe.mac48, s->talk.mac, 6);
	s->probe.ipv6 = s->talk.target.family == 6;
	if (from && (vd_prefix_parse(from, &p) || p.family != s->talk.target.family ||
		     p.len != (p.family == 4 ? 32 : 128)))
		return refuse(reterr, "an address of the same family, on the guest's network",
			      "from is not one address like the guest's");
	if (s->echo && !from && s->talk.target.family == 4)
		return refuse(reterr, "--from an unused address of the guest's network",
			      "an IPv4 echo needs an address to come from");
	if (from) {
		memcpy(s->probe.ip, p.addr, sizeof(p.addr));
	} else if (s->probe.ipv6) {
		memcpy(s->probe.ip, (uint8_t[2]){0xfe, 0x80}, 2);
		memcpy(s->probe.ip + 8, s->talk.mac, 3);
		s->probe.ip[8] ^= 2;
		s->probe.ip[11] = 0xff;
		s->probe.ip[12] = 0xfe;
		memcpy(s->probe.ip + 13, s->talk.mac + 3, 3);
	}
	memcpy(s->talk.ip, s->probe.ip, sizeof(s->talk.ip));
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
	if (vd_prefix_parse(address, &s->talk.target) ||
	    s->talk.target.len != (s->talk.target.family == 4 ? 32 : 128))
		return refuse(reterr, "one address of the guest's: 10.0.0.5 or fe80::5",
			      "the address cannot be probed");
	s->echo = json_is_true(json_object_get(call->params, "echo"));
	s->count = number(call->params, "count", 3);
	s->timeout_ms = number(call->params, "timeout_ms", 500);
	s->talk.vlan = (uint16_t)number(call->params, "vlan", 0);
	s->talk.size = (uint16_t)number(call->params, "size", 56);
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
