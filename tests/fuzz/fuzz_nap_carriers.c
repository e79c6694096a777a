/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What carries health: DHCP options, the attributes of RADIUS answers and of changes of authorization. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nap-policy/dhcp.h"
#include "nap-policy/filter_rule.h"
#include "nap-policy/radius_packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
	if (!fact)
		abort();
}

static void dhcp(const uint8_t *data, size_t size)
{
	static struct nap_dhcp d, again;
	static uint8_t buf[2 * NAP_DHCP_SIZE_MAX];
	size_t n;

	if (nap_dhcp_parse(data, size, &d) < 0)
		return;
	must(d.soh_size <= sizeof(d.soh) && (d.kind == NAP_DHCP_NONE) <= (d.soh_size == 0));
	/* what fits one message with its own headers comes back as it was */
	n = nap_dhcp_build(NAP_DHCP_SOH, d.soh, d.soh_size, buf, sizeof(buf));
	must(n > 0);
	if (d.soh_size > 4000)
		return;
	must(nap_dhcp_parse(buf, n, &again) == 0 && again.soh_size == d.soh_size);
	must(!memcmp(again.soh, d.soh, d.soh_size));
}

static void radius(const uint8_t *data, size_t size)
{
	static struct nap_radius_answer a;
	static struct nap_report r;
	struct nap_target targets[8];
	unsigned int n;
	const struct nap_time now = {.mono_ms = 1000, .wall_s = 1700000000};

	if (nap_radius_parse(data, size, &a) < 0)
		return;
	must(a.vlan <= 4094 && a.n_ipv4 <= 16 && a.n_ipv6 <= 8 && a.sohr_size <= sizeof(a.sohr));
	nap_radius_facts(&a, now, &r);
	if (nap_filter_parse(a.rules, targets, 8, &n) == 0)
		for (unsigned int i = 0; i < n; i++)
			must(targets[i].to.len > 0 &&
			     (targets[i].n_tcp || targets[i].n_udp || targets[i].ping));
	must(r.n_facts == 1 &&
	     (!r.facts[0].words || (!a.problem && a.state != NAP_RADIUS_QUARANTINE)));
}

/* Whole packets of strangers: nobody who does not know the secret is believed. */
static void packet(const uint8_t *data, size_t size)
{
	static const struct nap_radius_secret secret = {.text = "not in the seeds", .size = 16};
	static const uint8_t auth[NAP_RADIUS_AUTH_SIZE];

	must(!nap_radius_genuine(data, size, size > 1 ? data[1] : 0, auth, &secret));
	if (size >= NAP_RADIUS_HEADER)
		must(nap_radius_message(data, size, auth, &secret) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nap_coa c;

	if (size < 1)
		return 0;
	packet(data + 1, size - 1);
	if (data[0] % 3 == 0)
		dhcp(data + 1, size - 1);
	else if (data[0] % 3 == 1)
		radius(data + 1, size - 1);
	else if (nap_coa_parse(data[0] & 4 ? NAP_COA : NAP_DISCONNECT, data + 1, size - 1, &c) == 0)
		must(c.error || c.port[0] || c.mac[0] || c.session[0]);
	return 0;
}
