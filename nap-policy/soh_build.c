/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A statement of health and the answer to one, to bytes. */
#include "nap-policy/bytes.h"
#include "nap-policy/soh.h"
#include "nap-policy/soh_wire.h"

static void attr(struct nap_wr *w, unsigned int type, const void *v, size_t n)
{
	nap_wr_num(w, type, 2);
	nap_wr_num(w, n, 2);
	nap_wr_bytes(w, v, n);
}

static void attr_num(struct nap_wr *w, unsigned int type, uint64_t v, unsigned int bytes)
{
	nap_wr_num(w, type, 2);
	nap_wr_num(w, bytes, 2);
	nap_wr_num(w, v, bytes);
}

/* Begin what goes around the body; the lengths are known when it ends. */
struct envelope {
	size_t peap, ms, message, inner;
	bool wrapped;
};

static void vendor(struct nap_wr *w, size_t *open)
{
	nap_wr_num(w, SOH_VENDOR_SPECIFIC, 2);
	*open = nap_wr_open16(w);
	nap_wr_num(w, NAP_SOH_VENDOR, 4);
}

static void open_envelope(struct nap_wr *w, struct envelope *e, const struct nap_soh *soh,
			  bool response)
{
	e->wrapped = soh->wrapped;
	if (e->wrapped) {
		vendor(w, &e->peap);
		nap_wr_num(w, response ? SOH_MS_SOHR : SOH_MS_SOH, 2);
		e->ms = nap_wr_open16(w);
	}
	vendor(w, &e->message);
	nap_wr_num(w, soh->has_header ? SOH_INNER_HEADED : SOH_INNER_PLAIN, 2);
	e->inner = nap_wr_open16(w);
	if (!soh->has_header)
		return;
	nap_wr_num(w, SOH_VENDOR_SPECIFIC, 2);
	nap_wr_num(w, SOH_HEADER_SIZE - 4, 2);
	nap_wr_num(w, NAP_SOH_VENDOR, 4);
	nap_wr_bytes(w, soh->correlation, NAP_SOH_CORRELATION);
	nap_wr_num(w, soh->intent, 1);
	nap_wr_num(w, 0, 1);
}

static size_t close_envelope(struct nap_wr *w, const struct envelope *e)
{
	nap_wr_close16(w, e->inner);
	nap_wr_close16(w, e->message);
	if (e->wrapped) {
		nap_wr_close16(w, e->ms);
		nap_wr_close16(w, e->peap);
	}
	return w->full ? 0 : w->at;
}

static void text_value(struct nap_wr *w, const char *s)
{
	nap_wr_num(w, strlen(s) + 1, 2);
	nap_wr_bytes(w, s, strlen(s) + 1);
}

static void state_value(struct nap_wr *w, uint16_t flags, uint64_t probation, const char *url)
{
	nap_wr_num(w, SOH_TV_STATE, 1);
	nap_wr_num(w, flags, 2);
	nap_wr_num(w, probation, 8);
	text_value(w, url);
}

static void inventory_value(struct nap_wr *w, const struct nap_soh *soh)
{
	nap_wr_num(w, SOH_TV_INVENTORY, 1);
	nap_wr_num(w, soh->os_major, 4);
	nap_wr_num(w, soh->os_minor, 4);
	nap_wr_num(w, soh->os_build, 4);
	nap_wr_num(w, soh->sp_major, 2);
	nap_wr_num(w, soh->sp_minor, 2);
	nap_wr_num(w, soh->arch, 2);
}

static void system_statement(struct nap_wr *w, const struct nap_soh *soh)
{
	size_t open;

	attr_num(w, SOH_HEALTH_ID, NAP_SOH_SYSTEM, 4);
	vendor(w, &open);
	nap_wr_num(w, SOH_TV_PACKET, 1);
	nap_wr_num(w, SOH_PACKET_SOH, 1);
	if (soh->has_inventory)
		inventory_value(w, soh);
	if (soh->has_machine) {
		nap_wr_num(w, SOH_TV_MACHINE, 1);
		text_value(w, soh->machine);
	}
	if (soh->has_correlation) {
		nap_wr_num(w, SOH_TV_CORRELATION, 1);
		nap_wr_bytes(w, soh->system_correlation, NAP_SOH_CORRELATION);
	}
	if (soh->has_state)
		state_value(w, soh->qflags, soh->probation, soh->url);
	if (soh->has_product) {
		nap_wr_num(w, SOH_TV_PRODUCT, 1);
		nap_wr_num(w, soh->product_reserved, 4);
		nap_wr_num(w, soh->product, 1);
	}
	nap_wr_close16(w, open);
}

static void wsha(struct nap_wr *w, const struct nap_soh_wsha *a)
{
	attr_num(w, SOH_VENDOR_SPECIFIC, (uint64_t)NAP_SOH_WSHA << 32 | a->counter, 8);
	if (a->version)
		attr_num(w, SOH_VENDOR_SPECIFIC, (uint64_t)NAP_SOH_WSHA << 32 | a->version, 8);
	for (unsigned int i = 0; i < a->n_products; i++) {
		const struct nap_soh_product *p = &a->products[i];

		if (p->begins)
			attr_num(w, SOH_CLASS, p->class, 1);
		if (p->named)
			attr(w, SOH_PRODUCT_NAME, p->name, p->name_size);
		attr_num(w, SOH_CLASS_STATUS, p->status, 4);
	}
	if (!a->has_sync)
		return;
	attr_num(w, SOH_VENDOR_SPECIFIC, (uint64_t)NAP_SOH_WSHA << 32 | a->since_sync_s, 8);
	attr(w, SOH_VENDOR_SPECIFIC, a->wsus_size ? (const void *)a->wsus : "",
	     a->wsus_size ? a->wsus_size : 1);
	attr_num(w, SOH_VENDOR_SPECIFIC, (uint64_t)NAP_SOH_WSHA << 32 | a->update_flags, 8);
}

size_t nap_soh_build(const struct nap_soh *soh, uint8_t *buf, size_t size)
{
	struct nap_wr w = {.buf = buf, .size = size};
	struct envelope e = {0};

	open_envelope(&w, &e, soh, false);
	system_statement(&w, soh);
	for (unsigned int i = 0; i < soh->n_entries; i++) {
		const struct nap_soh_entry *en = &soh->entries[i];

		attr_num(&w, SOH_HEALTH_ID, en->id, 4);
		if (en->id == NAP_SOH_WSHA && soh->wsha.present)
			wsha(&w, &soh->wsha);
		if (en->has_failure)
			attr_num(&w, SOH_FAILURE, en->failure, 1);
	}
	return close_envelope(&w, &e);
}

/* ---- the answer ---- */

static const struct nap_soh_product *product_of(const struct nap_soh_wsha *a, unsigned int class)
{
	for (unsigned int i = 0; i < a->n_products; i++)
		if (a->products[i].class == class)
			return &a->products[i];
	return NULL;
}

static bool is_error(uint32_t status)
{
	return (status & 0xc0000000u) == 0xc0000000u || status == SOH_ST_NOT_STARTED;
}

/* Codes for one class: one, or two where "on" and "up to date" are different things. */
static unsigned int codes_of(const struct nap_soh_product *p, const struct nap_sohr *an,
			     unsigned int class, uint32_t codes[2])
{
	bool ms = p->status & SOH_ST_MICROSOFT,
	     two = class == NAP_SOH_ANTIVIRUS || class == NAP_SOH_ANTISPYWARE;

	codes[1] = SOH_RC_OK;
	if (is_error(p->status)) {
		codes[0] = p->status;
		return 1;
	}
	if (class == NAP_SOH_PATCHES) {
		codes[0] = an->class_ok[class] ? SOH_RC_OK : SOH_RC_SYNC;
		return 1;
	}
	codes[0] = an->class_ok[class] ||
				   (two && !an->class_current[class] && p->status & SOH_ST_ENABLED)
			   ? SOH_RC_OK
		   : ms ? SOH_RC_MS_OFF
			: SOH_RC_OTHER_OFF;
	if (two && !an->class_current[class])
		codes[1] = ms ? SOH_RC_MS_OLD : SOH_RC_OTHER_OLD;
	return two ? 2 : 1;
}

static void answer_wsha(struct nap_wr *w, const struct nap_soh_wsha *a, const struct nap_sohr *an)
{
	for (unsigned int class = 0; class < NAP_SOH_N_CLASSES; class ++) {
		const struct nap_soh_product *p = product_of(a, class);
		uint32_t codes[2];
		unsigned int n;

		if (!p)
			continue;
		n = codes_of(p, an, class, codes);
		attr_num(w, SOH_CLASS, class, 1);
		nap_wr_num(w, SOH_RESULT_CODES, 2);
		nap_wr_num(w, 4 * n, 2);
		for (unsigned int i = 0; i < n; i++)
			nap_wr_num(w, codes[i], 4);
		if (p->status == SOH_ST_SERVICE || p->status == SOH_ST_STOPPED ||
		    p->status == SOH_ST_NOT_STARTED)
			attr_num(w, SOH_FAILURE, NAP_CLIENT_COMPONENT, 1);
	}
}

static void answer_system(struct nap_wr *w, const struct nap_soh *soh, const struct nap_sohr *an)
{
	bool restricted = an->state == NAP_SOH_RESTRICTED;
	uint16_t flags = (uint16_t)(an->state | (an->fix ? SOH_QFLAG_FIX : 0) |
				    (restricted ? an->extended << SOH_EXTENDED_SHIFT : 0));
	uint64_t probation = an->probation_s
				     ? (an->probation_s + (uint64_t)NAP_FILETIME_UNIX) * 10000000u
				     : NAP_FILETIME_NEVER;
	size_t open;

	attr_num(w, SOH_HEALTH_ID, NAP_SOH_SYSTEM, 4);
	vendor(w, &open);
	nap_wr_num(w, SOH_TV_PACKET, 1);
	nap_wr_num(w, SOH_PACKET_SOHR, 1);
	if (soh->has_correlation) {
		nap_wr_num(w, SOH_TV_CORRELATION, 1);
		nap_wr_bytes(w, soh->system_correlation, NAP_SOH_CORRELATION);
	}
	state_value(w, flags, probation, an->url ? an->url : "");
	nap_wr_close16(w, open);
	if (an->n_ipv4)
		attr(w, SOH_IPV4_SERVERS, an->ipv4, 4 * an->n_ipv4);
	if (an->n_ipv6)
		attr(w, SOH_IPV6_SERVERS, an->ipv6, 16 * an->n_ipv6);
	if (restricted && an->extended)
		attr_num(w, SOH_EXTENDED_STATE, an->extended, 1);
}

size_t nap_sohr_build(const struct nap_soh *soh, const struct nap_sohr *answer, uint8_t *buf,
		      size_t size)
{
	struct nap_wr w = {.buf = buf, .size = size};
	struct envelope e = {0};

	open_envelope(&w, &e, soh, true);
	answer_system(&w, soh, answer);
	for (unsigned int i = 0; i < soh->n_entries; i++) {
		const struct nap_soh_entry *en = &soh->entries[i];

		attr_num(&w, SOH_HEALTH_ID, en->id, 4);
		/* there is no validator for agents that nobody knows: say so */
		if (en->id == NAP_SOH_WSHA && soh->wsha.n_products)
			answer_wsha(&w, &soh->wsha, answer);
		else
			attr_num(&w, SOH_FAILURE,
				 en->has_failure ? en->failure : NAP_SERVER_COMPONENT, 1);
	}
	return close_envelope(&w, &e);
}

/* ---- numberings ---- */

static const struct {
	int soh, radius, dhcp;
} qstates[] = {{NAP_SOH_FULL, 0, 0}, {NAP_SOH_PROBATION, 2, 3}, {NAP_SOH_RESTRICTED, 1, 1}};

#define CONVERT(name, from, to)                                                   \
	int nap_qstate_##name(int state)                                          \
	{                                                                         \
		for (size_t i = 0; i < sizeof(qstates) / sizeof(qstates[0]); i++) \
			if (qstates[i].from == state)                             \
				return qstates[i].to;                             \
		return -1;                                                        \
	}

CONVERT(to_radius, soh, radius)
CONVERT(from_radius, radius, soh)
CONVERT(to_dhcp, soh, dhcp)
CONVERT(from_dhcp, dhcp, soh)

size_t nap_soh_rewrap(const uint8_t *bytes, size_t size, bool is_wrapped, bool wrapped,
		      uint8_t *buf, size_t room)
{
	struct nap_wr w = {.buf = buf, .size = room};
	size_t peap, ms;

	if (is_wrapped && size < NAP_SOH_WRAPPER_SIZE)
		return 0;
	if (is_wrapped) {
		bytes += NAP_SOH_WRAPPER_SIZE;
		size -= NAP_SOH_WRAPPER_SIZE;
	}
	if (!wrapped) {
		nap_wr_bytes(&w, bytes, size);
		return w.full ? 0 : w.at;
	}
	vendor(&w, &peap);
	nap_wr_num(&w, SOH_MS_SOH, 2);
	ms = nap_wr_open16(&w);
	nap_wr_bytes(&w, bytes, size);
	nap_wr_close16(&w, ms);
	nap_wr_close16(&w, peap);
	return w.full ? 0 : w.at;
}
