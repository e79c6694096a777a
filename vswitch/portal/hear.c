/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements of health in a port's DHCP: see hear.h. */
#include "vswitch/portal/hear.h"

#include <errno.h>
#include <string.h>

#include "base/load.h"
#include "nat/xlat/checksum.h"
#include "vswitch/policy/headers.h"
#include "vswitch/portal/desk.h"

enum { NOTHING, PROBED, ASKED, JUDGED };

#define UDP          17
#define CLIENT_PORT  68
#define SERVER_PORT  67
#define IP_SIZE_MAX  1500
#define OPTIONS_ROOM (VSW_HEAR_ANSWER + 64)
#define MESSAGE_HEAD 28 /* IPv4 and UDP */

void vsw_hear_init(struct vsw_hear *h, uint32_t ticket)
{
	memset(h, 0, offsetof(struct vsw_hear, held));
	h->ticket = ticket;
}

/* Where the DHCP message of a frame is. */
struct place {
	uint32_t l3, l4, at, size;
};

static bool find_message(const uint8_t *frame, uint32_t size, bool from_client, struct place *ret)
{
	struct vsw_headers h;
	uint32_t udp;

	vsw_headers_parse(frame, size, size, &h);
	if (h.flags & (VSW_HDR_BROKEN | VSW_HDR_FRAGMENT) || h.family != VSW_FAMILY_IPV4 ||
	    h.proto != UDP || !(h.flags & VSW_HDR_PORTS) || h.l4 != h.l3 + 20u ||
	    h.sport != (from_client ? CLIENT_PORT : SERVER_PORT) ||
	    h.dport != (from_client ? SERVER_PORT : CLIENT_PORT) || h.l4 + 8u > size)
		return false;
	udp = (uint32_t)(frame[h.l4 + 4] << 8 | frame[h.l4 + 5]);
	if (udp < 8 || h.l4 + udp > size)
		return false;
	*ret = (struct place){h.l3, h.l4, h.l4 + 8u, udp - 8};
	return true;
}

static uint64_t hash_of(const uint8_t *p, size_t n)
{
	uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * UINT64_C(1099511628211);
	return h;
}

enum vsw_heard vsw_hear_question(struct vsw_hear *h, const uint8_t *frame, uint32_t size,
				 uint32_t now_ms, struct nap_dhcp_message *m, const uint8_t **soh,
				 uint16_t *soh_size)
{
	enum nap_dhcp_kind kind;
	struct place at;
	uint64_t hash;

	if (!find_message(frame, size, true, &at))
		return VSW_HEARD_NOTHING;
	if (nap_dhcp_read(frame + at.at, at.size, m) < 0)
		return VSW_HEARD_BROKEN;
	kind = m->health.kind;
	if (!m->request || (kind != NAP_DHCP_PROBE && kind != NAP_DHCP_SOH_IS))
		return VSW_HEARD_NOTHING;
	if (m->relayed || memcmp(m->chaddr, frame + 6, sizeof(m->chaddr)) != 0)
		return VSW_HEARD_FOREIGN;
	hash = hash_of(m->health.soh, m->health.soh_size);
	if (kind == NAP_DHCP_SOH_IS && (h->state == ASKED || h->state == JUDGED) &&
	    h->xid == m->xid && h->hash == hash) {
		h->asked_ms = now_ms;
		return VSW_HEARD_AGAIN;
	}
	h->xid = m->xid;
	h->asked_ms = now_ms;
	h->hash = hash;
	h->max_size = m->max_size > IP_SIZE_MAX ? IP_SIZE_MAX : m->max_size;
	h->answer_size = 0;
	memcpy(h->mac, m->chaddr, sizeof(h->mac));
	h->state = kind == NAP_DHCP_PROBE ? PROBED : ASKED;
	if (kind == NAP_DHCP_PROBE)
		return VSW_HEARD_PROBE;
	*soh = m->health.soh;
	*soh_size = m->health.soh_size;
	return VSW_HEARD_STATEMENT;
}

void vsw_hear_judged(struct vsw_hear *h, uint32_t xid, const uint8_t *answer, uint16_t size)
{
	if (h->state != ASKED || h->xid != xid)
		return;
	h->state = JUDGED;
	h->answer_size = size <= sizeof(h->answer) ? size : 0;
	memcpy(h->answer, answer, h->answer_size);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* @frame with @n bytes of options more, in @ret. Its size, or -EMSGSIZE. */
static int amend(const struct vsw_hear *h, const uint8_t *frame, const struct place *at,
		 const uint8_t *options, size_t n, uint8_t *ret)
{
	size_t room = h->max_size - MESSAGE_HEAD, size;
	uint8_t *ip = ret + at->l3, *udp = ret + at->l4;

	if (room > VSW_HEAR_FRAME_MAX - at->at)
		room = VSW_HEAR_FRAME_MAX - at->at;
	if (at->at + at->size > VSW_HEAR_FRAME_MAX)
		return -EMSGSIZE;
	memcpy(ret, frame, at->at + at->size);
	size = nap_dhcp_add(ret + at->at, at->size, room, options, n);
	if (!size)
		return -EMSGSIZE;
	put16(ip + 2, (uint32_t)size + MESSAGE_HEAD);
	put16(ip + 10, 0);
	vd_store16(ip + 10, nat_csum(ip, 20));
	put16(udp + 4, (uint32_t)size + 8);
	put16(udp + 6, 0);
	vd_store16(udp + 6, vsw_desk_checksum(ip, UDP, udp, (uint32_t)size + 8));
	if (!udp[6] && !udp[7])
		put16(udp + 6, 0xffff);
	return (int)(at->at + size);
}

/* What the answer to @type gets: bytes of options in @buf; 0: nothing. */
static size_t options_for(const struct vsw_hear *h, uint8_t type, uint8_t *buf, size_t room)
{
	if (type == NAP_DHCP_OFFER || (type == NAP_DHCP_ACK && h->state == PROBED))
		return nap_dhcp_build(NAP_DHCP_SOH, (const uint8_t *)"NAP", 3, buf, room);
	if (type == NAP_DHCP_ACK && h->state == JUDGED && h->answer_size)
		return nap_dhcp_build(NAP_DHCP_SOH, h->answer, h->answer_size, buf, room);
	return 0;
}

static int give(const struct vsw_hear *h, const uint8_t *frame, const struct place *at,
		uint8_t type, uint8_t *ret, bool *amended)
{
	uint8_t options[OPTIONS_ROOM];
	size_t n = options_for(h, type, options, sizeof(options));
	int r = n ? amend(h, frame, at, options, n, ret) : -EMSGSIZE;

	*amended = r > 0;
	return r;
}

int vsw_hear_answer(struct vsw_hear *h, const uint8_t *frame, uint32_t size, uint32_t now_ms,
		    struct nap_dhcp_message *m, uint8_t *ret, bool *amended)
{
	struct place at;

	*amended = false;
	if (h->state == NOTHING || now_ms - h->asked_ms > VSW_HEAR_FOR_MS ||
	    size > VSW_HEAR_FRAME_MAX || !find_message(frame, size, false, &at) ||
	    nap_dhcp_read(frame + at.at, at.size, m) < 0)
		return -ENOENT;
	/* a server that speaks of health itself has the word */
	if (m->request || m->xid != h->xid || memcmp(m->chaddr, h->mac, sizeof(h->mac)) != 0 ||
	    m->health.kind != NAP_DHCP_NONE)
		return -ENOENT;
	if (m->type == NAP_DHCP_ACK && h->state == ASKED && !h->held_size) {
		memcpy(h->held, frame, size);
		h->held_size = (uint16_t)size;
		h->held_ms = now_ms;
		h->held_xid = h->xid;
		return 0;
	}
	return give(h, frame, &at, m->type, ret, amended);
}

int vsw_hear_release(struct vsw_hear *h, uint32_t now_ms, uint8_t *ret, bool *amended)
{
	uint16_t size = h->held_size;
	bool asked_since = h->held_xid != h->xid; /* something else */
	struct place at;
	int r;

	*amended = false;
	if (!size || (h->state == ASKED && !asked_since && now_ms - h->held_ms < VSW_HEAR_WAIT_MS))
		return 0;
	h->held_size = 0;
	/* it was looked at before it was held */
	if (h->state == JUDGED && !asked_since && find_message(h->held, size, false, &at)) {
		r = give(h, h->held, &at, NAP_DHCP_ACK, ret, amended);
		if (r > 0)
			return r;
	}
	memcpy(ret, h->held, size);
	return size;
}
