/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon is asked by the process that guests talk to: the message, and the body of an HTTP request in it. */
#include <stdint.h>
#include <stdlib.h>

#include "nap-policy/portal/ask.h"
#include "nap-policy/soh.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct nap_report report;
	static struct nap_soh soh;
	const struct nap_time now = {.mono_ms = 1000, .wall_s = 1700000000};
	struct vd_err err = {0};
	struct nap_told told;
	struct nap_ask ask;
	const uint8_t *body;
	const char *why;

	if (nap_told_parse(data, size, &told, &body) && told.size > NAP_TOLD_MAX)
		abort();
	if (!nap_ask_parse(data, size, &ask, &body))
		return 0;
	if (ask.size > NAP_REPORT_SIZE_MAX || body + ask.size != data + size)
		abort();
	if (ask.op == NAP_ASK_REPORT)
		nap_report_parse((const char *)body, ask.size, "report", NAP_AGENT, now, &report,
				 &err);
	if (ask.op == NAP_ASK_SOH && nap_soh_parse(body, ask.size, &soh, &why) == 0)
		nap_soh_facts(&soh, now, &report);
	return 0;
}
