/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods about the daemon itself. */
#include <errno.h>
#include <rte_version.h>

#include "ctl/rpc/verbs.h"
#include "vswitch/control/doctor.h"
#include "vswitch/control/methods.h"

VSW_METHOD(version)
{
	*result = json_pack("{s:s, s:s}", "version", VIRIDIAN_VERSION, "dpdk", rte_version());
	return 0;
}

VSW_METHOD(describe)
{
	json_t *drops = json_array();

	*result = ctl_describe();
	if (!*result) {
		json_decref(drops);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < VSW_DROP_N; i++)
		json_array_append_new(
			drops, json_pack("{s:s, s:s, s:s}", "reason", vsw_drop_info[i].name, "text",
					 vsw_drop_info[i].text, "hint", vsw_drop_info[i].hint));
	json_object_set_new(*result, "drops", drops);
	return 0;
}

VSW_METHOD(subscribe)
{
	vsw_client_subscribe(call->client);
	*result = json_pack("{s:I}", "seq", (json_int_t)vsw_server_seq(call->d->server));
	return 0;
}

VSW_METHOD(doctor)
{
	*result = vsw_doctor(call->d);
	return *result ? 0 : -ENOMEM;
}
