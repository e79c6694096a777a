/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a device specification to the back end that serves it. A kind missing from the table is one that
 * this build does not have.
 */
#include "vswitch/io/io.h"

#include <errno.h>

#include "vswitch/io/sockpath.h"

typedef int (*opener)(const struct vsw_io_env *, const struct vsw_io_params *, struct vsw_io **,
		      struct vd_err *);

static const opener openers[VSW_DEV_N] = {
	[VSW_DEV_TAP] = vsw_io_tap_open,          [VSW_DEV_NETDEV] = vsw_io_packet_open,
	[VSW_DEV_VHOST_USER] = vsw_io_vhost_open, [VSW_DEV_MEMIF] = vsw_io_ethdev_open,
	[VSW_DEV_PCAP] = vsw_io_ethdev_open,      [VSW_DEV_PCI] = vsw_io_ethdev_open,
	[VSW_DEV_NETVSP] = vsw_io_netvsp_open,    [VSW_DEV_NAT] = vsw_io_nat_open,
};

int vsw_io_open(const struct vsw_io_env *env, const struct vsw_io_params *params,
		struct vsw_io **ret, struct vd_err *reterr)
{
	unsigned int kind = params->device.kind;
	struct vsw_io *io;
	int r;

	if (kind >= VSW_DEV_N || !openers[kind])
		return vd_err_set(reterr, -ENOTSUP, VD_E_UNSUPPORTED, "device",
				  "viridian version lists the device kinds of this build",
				  "this build has no driver for %s devices",
				  kind < VSW_DEV_N ? vsw_device_kind_text(kind) : "such");
	r = openers[kind](env, params, &io, reterr);
	if (r < 0)
		return r;
	io->env = env;
	io->device = params->device;
	*ret = io;
	return 0;
}

void vsw_io_clean(const struct vsw_io_env *env, json_t *leftover)
{
	const char *path;

	if (json_object_get(leftover, "tap"))
		vsw_io_tap_clean(leftover);
	if (json_object_get(leftover, "vhost_user"))
		vsw_io_vhost_clean(leftover);
	if (json_object_get(leftover, "netvsp"))
		vsw_io_netvsp_clean(leftover);
	path = json_string_value(json_object_get(leftover, "memif"));
	if (path)
		vsw_sockpath_clear(path, NULL, NULL);
}
