/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes to a statement of health. Nested TLVs, each checked against the one around it. */
#include <errno.h>

#include "nap-policy/bytes.h"
#include "nap-policy/soh.h"
#include "nap-policy/soh_wire.h"

struct attr {
	uint16_t type;
	struct nap_rd v;
};

static bool bad(const char **why, const char *text)
{
	*why = text;
	return false;
}

static bool next_attr(struct nap_rd *r, struct attr *ret)
{
	ret->type = (uint16_t)(nap_rd_num(r, 2) & SOH_TYPE_MASK);
	ret->v = nap_rd_sub(r, nap_rd_num(r, 2));
	return !r->broken;
}

/* A vendor TLV of Microsoft's that fills @r; what is inside of it goes to *@ret. */
static bool ms_vendor(struct nap_rd *r, struct nap_rd *ret, const char **why)
{
	struct attr a;

	if (!next_attr(r, &a) || a.type != SOH_VENDOR_SPECIFIC)
		return bad(why, "no vendor TLV where one has to be");
	if (r->left)
		return bad(why, "bytes behind the vendor TLV");
	if (nap_rd_num(&a.v, 4) != NAP_SOH_VENDOR)
		return bad(why, "another vendor than Microsoft");
	*ret = a.v;
	return true;
}

/* type and length around all that is left of @r */
static bool envelope(struct nap_rd *r, uint16_t *type, const char **why)
{
	size_t n;

	*type = (uint16_t)nap_rd_num(r, 2);
	n = nap_rd_num(r, 2);
	if (r->broken || n != r->left)
		return bad(why, "a length that contradicts the size");
	return true;
}

static uint16_t peek16(const struct nap_rd *r, size_t at)
{
	return r->left < at + 2 ? 0 : (uint16_t)(r->p[at] << 8 | r->p[at + 1]);
}

/* Take off PEAP's wrapper when there is one; leaves the message's inner type and body. */
static bool unwrap(struct nap_rd *r, struct nap_soh *soh, uint16_t *inner, const char **why)
{
	struct nap_rd v;

	if (!ms_vendor(r, &v, why))
		return false;
	/* In the raw form the first attribute is an id or, after inner type 2, the sub-header; a
	 * wrapped SoH has the vendor TLV of the message there. */
	soh->wrapped = peek16(&v, 0) == SOH_MS_SOHR ||
		       (peek16(&v, 0) == SOH_MS_SOH && peek16(&v, 4) == SOH_VENDOR_SPECIFIC);
	if (soh->wrapped) {
		uint16_t ms;

		if (!envelope(&v, &ms, why))
			return false;
		soh->response = ms == SOH_MS_SOHR;
		*r = v;
		if (!ms_vendor(r, &v, why))
			return false;
	}
	if (!envelope(&v, inner, why))
		return false;
	*r = v;
	return true;
}

static bool header(struct nap_rd *r, struct nap_soh *soh, const char **why)
{
	const uint8_t *id;
	struct attr a;

	if (!next_attr(r, &a) || a.type != SOH_VENDOR_SPECIFIC || a.v.left != SOH_HEADER_SIZE - 4 ||
	    nap_rd_num(&a.v, 4) != NAP_SOH_VENDOR)
		return bad(why, "no mode sub-header where one has to be");
	id = nap_rd_take(&a.v, NAP_SOH_CORRELATION);
	memcpy(soh->correlation, id, NAP_SOH_CORRELATION);
	soh->intent = (uint8_t)nap_rd_num(&a.v, 1);
	if (nap_rd_num(&a.v, 1) != 0)
		return bad(why, "an unknown content type");
	soh->has_header = true;
	return true;
}

/* A text with its NUL. */
static bool get_text(struct nap_rd *r, char *ret, size_t size, const char **why)
{
	size_t n = nap_rd_num(r, 2);
	const uint8_t *p = nap_rd_take(r, n);

	if (!p || (n && p[n - 1] != '\0'))
		return bad(why, "a text of the system that is not ended");
	nap_text_clean(ret, size, (const char *)p, n);
	return true;
}

static bool get_state(struct nap_rd *r, struct nap_soh *soh, const char **why)
{
	soh->qflags = (uint16_t)nap_rd_num(r, 2);
	soh->probation = nap_rd_num(r, 8);
	soh->has_state = true;
	return get_text(r, soh->url, sizeof(soh->url), why);
}

static void get_inventory(struct nap_rd *r, struct nap_soh *soh)
{
	soh->os_major = (uint32_t)nap_rd_num(r, 4);
	soh->os_minor = (uint32_t)nap_rd_num(r, 4);
	soh->os_build = (uint32_t)nap_rd_num(r, 4);
	soh->sp_major = (uint16_t)nap_rd_num(r, 2);
	soh->sp_minor = (uint16_t)nap_rd_num(r, 2);
	soh->arch = (uint16_t)nap_rd_num(r, 2);
	soh->has_inventory = true;
}

/* One type-value. *@stop: its type is not known, so neither is where the next one begins. */
static bool type_value(struct nap_rd *r, struct nap_soh *soh, bool *stop, const char **why)
{
	const uint8_t *p;

	switch (nap_rd_num(r, 1)) {
	case SOH_TV_INVENTORY:
		get_inventory(r, soh);
		break;
	case SOH_TV_STATE:
		return get_state(r, soh, why);
	case SOH_TV_PACKET:
		soh->packet_info = (uint8_t)nap_rd_num(r, 1);
		break;
	case SOH_TV_GENERATED:
	case SOH_TV_INSTALLED:
		nap_rd_take(r, nap_rd_num(r, 2));
		break;
	case SOH_TV_MACHINE:
		soh->has_machine = true;
		return get_text(r, soh->machine, sizeof(soh->machine), why);
	case SOH_TV_CORRELATION:
		p = nap_rd_take(r, NAP_SOH_CORRELATION);
		if (p)
			memcpy(soh->system_correlation, p, NAP_SOH_CORRELATION);
		soh->has_correlation = true;
		break;
	case SOH_TV_PRODUCT:
		soh->product_reserved = (uint32_t)nap_rd_num(r, 4);
		soh->product = (uint8_t)nap_rd_num(r, 1);
		soh->has_product = true;
		break;
	default:
		*stop = true;
		break;
	}
	return true;
}

static bool system_statement(struct nap_rd *r, struct nap_soh *soh, const char **why)
{
	bool stop = false;
	struct attr a;

	if (!next_attr(r, &a) || a.type != SOH_HEALTH_ID || a.v.left != 4 ||
	    nap_rd_num(&a.v, 4) != NAP_SOH_SYSTEM)
		return bad(why, "the system's statement does not come first");
	if (!next_attr(r, &a) || a.type != SOH_VENDOR_SPECIFIC ||
	    nap_rd_num(&a.v, 4) != NAP_SOH_VENDOR)
		return bad(why, "the system's statement says nothing");
	while (a.v.left && !stop)
		if (!type_value(&a.v, soh, &stop, why))
			return false;
	if (a.v.broken)
		return bad(why, "the system's statement ends too early");
	if (soh->packet_info && !soh->wrapped)
		soh->response = !(soh->packet_info & SOH_PACKET_REQUEST);
	return true;
}

static bool add_status(struct nap_soh_wsha *w, int class, bool begins, const struct attr *name,
		       struct nap_rd *status, const char **why)
{
	struct nap_soh_product *p = &w->products[w->n_products];

	if (class < 0)
		return bad(why, "a status before its class");
	if (w->n_products == NAP_SOH_PRODUCTS)
		return bad(why, "too many products");
	if (status->left != 4)
		return bad(why, "a status that is not four bytes");
	p->class = (uint8_t) class;
	p->begins = begins;
	p->status = (uint32_t)nap_rd_num(status, 4);
	if (name) {
		if (name->v.left % 2)
			return bad(why, "a product's name with half a character");
		p->named = true;
		p->name_size =
			(uint8_t)(name->v.left < sizeof(p->name) ? name->v.left : sizeof(p->name));
		memcpy(p->name, name->v.p, p->name_size);
	}
	w->n_products++;
	return true;
}

/* The vendor attributes: a counter and perhaps a version in front, three about updates behind. */
static bool wsha_vendor(struct nap_soh_wsha *w, struct nap_rd v, unsigned int nth, const char **why)
{
	if (nth < 2 ? nap_rd_num(&v, 4) != NAP_SOH_WSHA || v.left != 4 : v.left < 4 && nth != 3)
		return bad(why, "a vendor attribute of the wrong size or owner");
	switch (nth) {
	case 0:
		w->counter = (uint32_t)nap_rd_num(&v, 4);
		break;
	case 1:
		w->version = (uint32_t)nap_rd_num(&v, 4);
		break;
	default:
		/* these three may or may not repeat the agent's id in front */
		if (v.left >= 8 && peek16(&v, 0) == 0x0001 && peek16(&v, 2) == 0x3780)
			nap_rd_take(&v, 4);
		if (nth == 2) {
			w->since_sync_s = (uint32_t)nap_rd_num(&v, 4);
			w->has_sync = true;
		} else if (nth == 3) {
			w->wsus_size =
				(uint8_t)(v.left < sizeof(w->wsus) ? v.left : sizeof(w->wsus));
			if (w->wsus_size)
				memcpy(w->wsus, v.p, w->wsus_size);
		} else {
			w->update_flags = (uint32_t)nap_rd_num(&v, 4);
		}
	}
	return true;
}

/* The attributes of the Windows agent come in a fixed order. */
struct wsha_place {
	int class; /* -1: none begun */
	unsigned int n_vendor;
	struct attr name; /* waits for its status */
	bool has_name;
	bool empty; /* the class has no status yet */
};

static bool wsha_class(struct wsha_place *at, int class, const char **why)
{
	if (class >= NAP_SOH_N_CLASSES || class < at->class)
		return bad(why, "a health class that is unknown or out of order");
	at->class = class;
	at->empty = true;
	return true;
}

static bool wsha_attr(struct nap_soh *soh, struct wsha_place *at, const struct attr *a,
		      const char **why)
{
	struct nap_rd v = a->v;

	switch (a->type) {
	case SOH_VENDOR_SPECIFIC:
		if (at->class >= 0 && at->n_vendor < 2)
			at->n_vendor = 2;
		if (at->n_vendor >= 2 && (at->class != NAP_SOH_PATCHES || at->n_vendor > 4))
			return bad(why, "a vendor attribute at the wrong place");
		return wsha_vendor(&soh->wsha, v, at->n_vendor++, why);
	case SOH_CLASS:
		if (v.left != 1 || at->n_vendor < 1 || at->has_name || at->empty)
			return bad(why, "a health class at the wrong place");
		return wsha_class(at, (int)nap_rd_num(&v, 1), why);
	case SOH_PRODUCT_NAME:
		if (at->has_name || at->class < 0)
			return bad(why, "a product's name at the wrong place");
		at->name = *a;
		at->has_name = true;
		return true;
	case SOH_CLASS_STATUS:
		if (!add_status(&soh->wsha, at->class, at->empty, at->has_name ? &at->name : NULL,
				&v, why))
			return false;
		at->has_name = at->empty = false;
		return true;
	default:
		return true; /* failure and error codes: every agent's */
	}
}

static bool entry_attr(struct nap_soh_entry *e, const struct attr *a, const char **why)
{
	struct nap_rd v = a->v;

	e->n_attributes++;
	if (a->type != SOH_FAILURE)
		return true;
	if (v.left != 1)
		return bad(why, "a failure category that is not one byte");
	e->failure = (uint8_t)nap_rd_num(&v, 1);
	if (e->failure >= NAP_N_FAILURES)
		e->failure = NAP_OTHER;
	e->has_failure = true;
	return true;
}

static bool begin_entry(struct nap_soh *soh, struct attr *a, const char **why)
{
	struct nap_soh_entry *e = &soh->entries[soh->n_entries];

	if (soh->n_entries == NAP_SOH_ENTRIES)
		return bad(why, "too many agents");
	if (a->v.left != 4)
		return bad(why, "an agent's id that is not four bytes");
	e->id = (uint32_t)nap_rd_num(&a->v, 4);
	for (unsigned int i = 0; i < soh->n_entries; i++)
		if (soh->entries[i].id == e->id)
			return bad(why, "two statements of one agent");
	if (e->id == NAP_SOH_SYSTEM)
		return bad(why, "two statements of the system");
	soh->n_entries++;
	return true;
}

static bool entries(struct nap_rd *r, struct nap_soh *soh, const char **why)
{
	struct wsha_place at = {.class = -1};
	unsigned int n = 0;

	while (r->left) {
		struct nap_soh_entry *e;
		struct attr a;

		if (!next_attr(r, &a))
			return bad(why, "an attribute longer than what it is in");
		if (++n > NAP_SOH_ATTRIBUTES)
			return bad(why, "too many attributes");
		if (a.type == SOH_HEALTH_ID) {
			if (!begin_entry(soh, &a, why))
				return false;
			continue;
		}
		/* an answer's remediation servers belong to the system */
		if (!soh->n_entries && soh->response)
			continue;
		if (!soh->n_entries)
			return bad(why, "an attribute of no agent");
		e = &soh->entries[soh->n_entries - 1];
		if (!entry_attr(e, &a, why))
			return false;
		if (e->id != NAP_SOH_WSHA || soh->response)
			continue;
		soh->wsha.present = true;
		if (!wsha_attr(soh, &at, &a, why))
			return false;
	}
	return at.has_name || at.empty ? bad(why, "a class or a product without a status") : true;
}

static bool parse(const uint8_t *bytes, size_t size, struct nap_soh *soh, const char **why)
{
	struct nap_rd r = {.p = bytes, .left = size};
	uint16_t inner;

	if (size < NAP_SOH_SIZE_MIN || size > NAP_SOH_SIZE_MAX + NAP_SOH_WRAPPER_SIZE)
		return bad(why, "too short or too long");
	if (!unwrap(&r, soh, &inner, why))
		return false;
	if (inner != SOH_INNER_PLAIN && inner != SOH_INNER_HEADED)
		return bad(why, "an unknown kind of message");
	if (inner == SOH_INNER_HEADED && !header(&r, soh, why))
		return false;
	return system_statement(&r, soh, why) && entries(&r, soh, why);
}

int nap_soh_parse(const uint8_t *bytes, size_t size, struct nap_soh *ret, const char **why)
{
	*why = NULL;
	memset(ret, 0, sizeof(*ret));
	if (parse(bytes, size, ret, why))
		return 0;
	memset(ret, 0, sizeof(*ret));
	return -EBADMSG;
}

bool nap_soh_is_request(const uint8_t *bytes, size_t size)
{
	static const uint8_t request[12] = {0, SOH_VENDOR_SPECIFIC, 0, 8, 0, 0, 1, 0x37,
					    0, SOH_MS_REQUEST};

	return size == sizeof(request) && !memcmp(bytes, request, sizeof(request));
}
