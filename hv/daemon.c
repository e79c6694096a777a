/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One question to viridiand. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/client.h"
#include "hv/daemon.h"

#define TIMEOUT_MS 5000u
#define KIND       "netvsp:"

static int read_device(const char *port, json_t *reply, char *path, size_t room, struct vd_err *err)
{
	const char *device = NULL;

	if (json_unpack(reply, "{s:s}", "device", &device) || strncmp(device, KIND, strlen(KIND)))
		return vd_err_set(
			err, -EINVAL, VD_E_DEVICE, NULL,
			"make one: viridian port add NAME --switch SWITCH --device netvsp:PATH",
			"port %s has the device %s, a VM needs netvsp:PATH", port,
			device ? device : "(none)");
	device += strlen(KIND);
	/* after a comma come options of the switch's side */
	if ((size_t)snprintf(path, room, "%.*s", (int)strcspn(device, ","), device) >= room)
		return vd_err_set(err, -EINVAL, VD_E_DEVICE, NULL, NULL,
				  "the socket's path of port %s is too long", port);
	return 0;
}

int hv_daemon_port_path(const char *socket, const char *port, char *path, size_t room,
			struct vd_err *err)
{
	struct ctl_client *client;
	json_t *reply = NULL;
	int r = ctl_client_open(socket, TIMEOUT_MS, &client, err);

	if (r)
		return r;
	r = ctl_client_call(client, "port.show", json_pack("{s:s}", "name", port), &reply, err);
	if (!r)
		r = read_device(port, reply, path, room, err);
	json_decref(reply);
	ctl_client_close(client);
	return r;
}
