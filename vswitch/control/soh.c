/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements of health, whatever carried them: see quarantine.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "vswitch/control/quarantine.h"

/* What tells one statement from another: in its header, or in the system's own part. */
static const uint8_t *correlation(const struct nap_soh *soh)
{
	if (soh->has_header)
		return soh->correlation;
	return soh->has_correlation ? soh->system_correlation : NULL;
}

/* In DHCP it is broadcast: others may have overheard it. */
static bool somebody_elses(const struct vsw_nap *n, const struct vsw_nap_port *p, const uint8_t *id)
{
	for (unsigned int i = 0; i < n->n_ports; i++) {
		const struct nap_state *s = &n->ports[i].state;
		unsigned int n_seen = s->n_soh_seen < NAP_SOH_SEEN ? s->n_soh_seen : NAP_SOH_SEEN;

		for (unsigned int k = 0; &n->ports[i] != p && k < n_seen; k++)
			if (!memcmp(s->soh_seen[k], id, sizeof(s->soh_seen[k])))
				return true;
	}
	return false;
}

static int malformed(struct vsw_nap_port *p, const char *why, struct vd_err *reterr)
{
	p->state.count.malformed++;
	return vd_err_set(reterr, -EINVAL, VD_E_VALUE, p->name, NULL,
			  "not a statement of health: %s", why);
}

int vsw_nap_soh(struct vsw_nap *n, struct vsw_nap_port *p, const uint8_t *bytes, size_t size,
		const char *actor, struct vd_err *reterr)
{
	static struct nap_report report; /* large; one thread */
	static struct nap_soh soh;
	const char *why = "";
	uint8_t *copy;

	if (size > NAP_SOH_SIZE_MAX + NAP_SOH_WRAPPER_SIZE ||
	    nap_soh_parse(bytes, size, &soh, &why) < 0)
		return malformed(p, why[0] ? why : "it is too long", reterr);
	if (soh.response)
		return malformed(p, "it is an answer to one", reterr);
	if (!correlation(&soh))
		return malformed(p, "it has no correlation id, so it may be an old one", reterr);
	/* the host knows what it hands on */
	if (!strcmp(actor, VSW_NAP_GUEST) && somebody_elses(n, p, correlation(&soh))) {
		p->state.count.replayed++;
		return vd_err_set(reterr, -EACCES, VD_E_VALUE, p->name, NULL,
				  "this statement of health was sent by another machine");
	}
	if (nap_state_soh_replayed(&p->state, correlation(&soh)))
		return vd_err_set(reterr, -EACCES, VD_E_VALUE, p->name, NULL,
				  "this statement of health was sent before");
	copy = malloc(size);
	if (!copy)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, p->name, NULL, "out of memory");
	memcpy(copy, bytes, size);
	nap_soh_facts(&soh, vsw_nap_now(), &report);
	if (nap_state_report(&p->state, &report) < 0) {
		free(copy);
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, p->name, NULL, "out of memory");
	}
	free(p->soh);
	p->soh = copy;
	p->soh_size = (uint16_t)size;
	p->soh_wrapped = soh.wrapped;
	p->soh_ms = vsw_nap_now().mono_ms;
	p->soh_told = false;
	p->ask_at_ms =
		0; /* the policy server hears of it at once, or after a question that is under way */
	return vsw_nap_act(n, p, VSW_NAP_REPORT, actor, reterr);
}
