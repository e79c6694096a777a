/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The quarantine's state on disk. Two files: all states, each with a checksum, so that damage never reads as
 * another state; and the isolations once more, so that one damaged file never frees a port that an
 * administrator isolated.
 */
#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "vswitch/control/audit.h"
#include "vswitch/control/quarantine.h"

#define STATES     "quarantine.json"
#define ISOLATIONS "isolation.json"
#define VERSION    1
#define SEAL       "sha256"

#define SAVE_AGAIN_MS 5000u

static char *checksum(json_t *list)
{
	char *text = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS), *hex = NULL;
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	if (!text)
		return NULL;
	sha256_init(&ctx);
	sha256_update(&ctx, strlen(text), (const uint8_t *)text);
	sha256_digest(&ctx, sizeof(digest), digest);
	free(text);
	hex = malloc(2 * sizeof(digest) + 1);
	if (hex)
		nap_hex_format(digest, sizeof(digest), hex);
	return hex;
}

/* What the policy server will be asked with again. */
static json_t *statement_to_json(const struct vsw_nap_port *p)
{
	char hex[2 * (NAP_SOH_SIZE_MAX + NAP_SOH_WRAPPER_SIZE) + 1];

	if (!p->soh)
		return json_null();
	return json_pack("{s:s, s:I}", "bytes", nap_hex_format(p->soh, p->soh_size, hex),
			 "received_ms", (json_int_t)p->soh_ms);
}

static json_t *port_to_json(const struct vsw_nap_port *p)
{
	char mac[VD_MAC_STR_SIZE], *sum;
	json_t *j = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "uuid", p->uuid, "name",
			      p->name, "switch", p->sw, "mac",
			      p->has_mac ? json_string(vd_mac_format(&p->mac, mac)) : json_null(),
			      "state", nap_state_to_json(&p->state), "terms",
			      vsw_nap_terms_to_json(&p->terms), "statement", statement_to_json(p));

	sum = j ? checksum(j) : NULL;
	if (sum)
		json_object_set_new(j, SEAL, json_string(sum));
	free(sum);
	return j;
}

/* Is @j as it was written? */
static bool unseal(json_t *j)
{
	json_t *said = json_incref(json_object_get(j, SEAL));
	char *sum = NULL;
	bool same;

	json_object_del(j, SEAL);
	sum = said ? checksum(j) : NULL;
	same = sum && json_is_string(said) && !strcmp(sum, json_string_value(said));
	free(sum);
	json_decref(said);
	return same;
}

static json_t *isolation_to_json(const struct vsw_nap_port *p)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "uuid", p->uuid, "name", p->name, "override",
			 nap_override_text[p->state.override], "reason", p->state.reason, "actor",
			 p->state.actor);
}

static int save_isolations(struct vsw_nap *n, bool sync)
{
	json_t *list = json_array(), *j;
	char *sum;
	int rc;

	for (unsigned int i = 0; i < n->n_ports; i++)
		if (nap_state_held(&n->ports[i].state))
			json_array_append_new(list, isolation_to_json(&n->ports[i]));
	sum = checksum(list);
	j = json_pack("{s:i, s:o, s:s}", "version", VERSION, "isolations", list, "sha256",
		      sum ? sum : "");
	free(sum);
	rc = j ? vsw_store_put(n->store, ISOLATIONS, j, sync) : -ENOMEM;
	json_decref(j);
	return rc;
}

static int save_states(struct vsw_nap *n, bool sync)
{
	json_t *list = json_array(), *j;
	int rc;

	for (unsigned int i = 0; i < n->n_ports; i++)
		json_array_append_new(list, port_to_json(&n->ports[i]));
	/* saved before it is told: the log will have one record more for each event */
	j = json_pack("{s:i, s:s, s:I, s:o}", "version", VERSION, "boot", vsw_store_boot(n->store),
		      "audit", (json_int_t)vsw_audit_seq(n->audit) + n->n_events, "ports", list);
	rc = j ? vsw_store_put(n->store, STATES, j, sync) : -ENOMEM;
	json_decref(j);
	return rc;
}

/*
 * The states of reports are not synced: what is lost with the machine's power is told again, and does not outlive a
 * boot anyhow. Isolations are, and each sync takes from the time until the command answers. Releases and exemptions
 * stand in the states only.
 */
void vsw_nap_save(struct vsw_nap *n, enum vsw_nap_sync sync)
{
	int isolations = save_isolations(n, sync != VSW_NAP_NO_SYNC);
	int states = save_states(n, sync == VSW_NAP_SYNC_ALL);
	int rc = isolations ? isolations : states;

	n->save_at_ms = rc ? vsw_now_ms() + SAVE_AGAIN_MS : NAP_NEVER;
	if (rc)
		vd_log(LOG_ERR, "quarantine", NULL,
		       "the state could not be saved, trying again: %s", strerror(-rc));
}

static bool get(json_t *j, const char *key, char *ret, size_t size)
{
	const char *s = json_string_value(json_object_get(j, key));

	if (!s || strlen(s) >= size)
		return false;
	snprintf(ret, size, "%s", s);
	return true;
}

static bool load_statement(struct vsw_nap_port *p, json_t *j)
{
	const char *hex = json_string_value(json_object_get(j, "bytes")), *why;
	json_int_t received = json_integer_value(json_object_get(j, "received_ms"));
	static struct nap_soh soh; /* large; one thread */
	size_t size = hex ? strlen(hex) / 2 : 0;

	if (!j || json_is_null(j))
		return true;
	if (!size || size > NAP_SOH_SIZE_MAX + NAP_SOH_WRAPPER_SIZE || received < 0 ||
	    (uint64_t)received > vsw_nap_now().mono_ms)
		return false;
	p->soh = malloc(size);
	if (!p->soh || !nap_hex_parse(hex, p->soh, size) ||
	    nap_soh_parse(p->soh, size, &soh, &why) < 0)
		return false;
	p->soh_size = (uint16_t)size;
	p->soh_wrapped = soh.wrapped;
	p->soh_ms = (uint64_t)received;
	return true;
}

/* What the policy server said and was told. Another boot's times say nothing: of its terms those stay that are
 * the server's word, as in vsw_nap_ports_reset(). */
static bool load_terms(struct vsw_nap_port *p, json_t *j, bool same_boot)
{
	json_t *terms = json_object_get(j, "terms");

	if (!same_boot && p->state.override != NAP_CONFINED)
		return true;
	if (terms && vsw_nap_terms_from_json(terms, &p->terms) < 0)
		return false;
	if (!same_boot && p->terms.until_ms)
		vsw_nap_terms_done(&p->terms);
	return !same_boot || load_statement(p, json_object_get(j, "statement"));
}

static bool load_port(struct vsw_nap *n, json_t *j, bool same_boot)
{
	const char *mac = json_string_value(json_object_get(j, "mac"));
	struct vsw_nap_port *p = unseal(j) ? vsw_nap_add(n) : NULL, old;

	if (!p)
		return false;
	old = *p;
	p->has_mac = mac && vd_mac_parse(mac, &p->mac) == 0;
	if (get(j, "uuid", p->uuid, sizeof(p->uuid)) && get(j, "name", p->name, sizeof(p->name)) &&
	    get(j, "switch", p->sw, sizeof(p->sw)) &&
	    nap_state_from_json(json_object_get(j, "state"), same_boot, vsw_nap_now(), &p->state) ==
		    0) {
		p->told = true;
		if (load_terms(p, j, same_boot))
			return true;
		vsw_nap_terms_done(&p->terms);
		free(p->soh);
		nap_state_done(&p->state);
	}
	*p = old;
	n->n_ports--;
	return false;
}

/* Return: 0, -ENOENT, -EINVAL. */
static int load_states(struct vsw_nap *n)
{
	const char *boot;
	json_t *j = NULL, *list, *item;
	json_int_t audit;
	bool same;
	size_t i;
	int rc = vsw_store_get(n->store, STATES, &j);

	if (rc)
		return rc;
	boot = json_string_value(json_object_get(j, "boot"));
	same = boot && boot[0] && !strcmp(boot, vsw_store_boot(n->store));
	list = json_object_get(j, "ports");
	if (json_integer_value(json_object_get(j, "version")) != VERSION || !json_is_array(list))
		rc = -EINVAL;
	json_array_foreach (list, i, item)
		if (!load_port(n, item, same))
			rc = -EINVAL;
	audit = json_integer_value(json_object_get(j, "audit"));
	if (audit < 0 || (unsigned long long)audit > vsw_audit_seq(n->audit)) {
		vd_log(LOG_WARNING, "audit", "audit.jsonl",
		       "lacks its last records: all ports are written down again");
		for (i = 0; i < n->n_ports; i++)
			n->ports[i].told = false;
	}
	json_decref(j);
	return rc;
}

static void isolate(struct vsw_nap *n, json_t *j)
{
	const char *uuid = json_string_value(json_object_get(j, "uuid"));
	const char *name = json_string_value(json_object_get(j, "name"));
	const char *how = json_string_value(json_object_get(j, "override"));
	struct vsw_nap_port *p = NULL;

	if (!uuid || !name || strlen(uuid) >= sizeof(p->uuid) || strlen(name) >= sizeof(p->name))
		return;
	p = vsw_nap_ports_find(n, uuid);
	if (!p) {
		p = vsw_nap_add(n);
		if (!p)
			return;
		snprintf(p->uuid, sizeof(p->uuid), "%s", uuid);
		snprintf(p->name, sizeof(p->name), "%s", name);
	}
	if (!nap_state_held(&p->state))
		nap_state_isolate(&p->state, how && !strcmp(how, nap_override_text[NAP_FORENSIC]),
				  json_string_value(json_object_get(j, "reason")),
				  json_string_value(json_object_get(j, "actor")));
}

static int load_isolations(struct vsw_nap *n)
{
	json_t *j = NULL, *list, *item;
	const char *said;
	char *sum;
	size_t i;
	int rc = vsw_store_get(n->store, ISOLATIONS, &j);

	if (rc)
		return rc;
	list = json_object_get(j, "isolations");
	said = json_string_value(json_object_get(j, "sha256"));
	sum = json_is_array(list) ? checksum(list) : NULL;
	rc = sum && said && !strcmp(sum, said) ? 0 : -EINVAL;
	free(sum);
	if (rc == 0)
		json_array_foreach (list, i, item)
			isolate(n, item);
	json_decref(j);
	return rc;
}

void vsw_nap_load(struct vsw_nap *n)
{
	int states = load_states(n), isolations = load_isolations(n);

	if (states && states != -ENOENT)
		vd_log(LOG_ERR, "quarantine", STATES,
		       "is damaged: what could not be read counts as unknown");
	if (isolations && isolations != -ENOENT)
		vd_log(LOG_ERR, "quarantine", ISOLATIONS,
		       "is damaged: isolations come from " STATES);
}
