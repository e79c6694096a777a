/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions and answers between health service and daemon: see ask.h. */
#include "nap-policy/portal/ask.h"

#include <string.h>

bool nap_ask_parse(const void *message, size_t size, struct nap_ask *ret, const uint8_t **body)
{
	if (size < sizeof(*ret))
		return false;
	memcpy(ret, message, sizeof(*ret));
	*body = (const uint8_t *)message + sizeof(*ret);
	return ret->magic == NAP_ASK_MAGIC && ret->op < NAP_N_ASKS &&
	       ret->size <= NAP_REPORT_SIZE_MAX && ret->size == size - sizeof(*ret);
}

bool nap_told_parse(const void *message, size_t size, struct nap_told *ret, const uint8_t **body)
{
	if (size < sizeof(*ret))
		return false;
	memcpy(ret, message, sizeof(*ret));
	*body = (const uint8_t *)message + sizeof(*ret);
	return ret->magic == NAP_ASK_MAGIC && ret->status >= 200 && ret->status < 600 &&
	       ret->size <= NAP_TOLD_MAX && ret->size == size - sizeof(*ret);
}
