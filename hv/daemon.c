/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One question to viridiand. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
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

/* ---- the settings of a port ---- */

static json_t *find_named(json_t *list, const char *name, size_t *at)
{
	json_t *o;
	size_t i;

	json_array_foreach (list, i, o) {
		const char *n = json_string_value(json_object_get(o, "name"));

		if (n && strcmp(n, name) == 0) {
			*at = i;
			return o;
		}
	}
	return NULL;
}

static int no_port(const char *port, struct vd_err *err)
{
	return vd_err_set(err, -ENOENT, VD_E_PORT_UNKNOWN, NULL, "see viridian port list",
			  "there is no port %s", port);
}

int hv_daemon_port_export(const char *socket, const char *port, char **ret, struct vd_err *err)
{
	struct ctl_client *client;
	json_t *doc = NULL, *p, *sets, *out;
	size_t at;
	int r = ctl_client_open(socket, TIMEOUT_MS, &client, err);

	*ret = NULL;
	if (r)
		return r;
	r = ctl_client_call(client, "config.export", NULL, &doc, err);
	ctl_client_close(client);
	p = r ? NULL : find_named(json_object_get(doc, "ports"), port, &at);
	if (!r && !p)
		r = no_port(port, err);
	if (!r) {
		sets = json_object_get(doc, "sets");
		out = sets ? json_pack("{s:O, s:O}", "port", p, "sets", sets)
			   : json_pack("{s:O}", "port", p);
		*ret = json_dumps(out, JSON_COMPACT);
		json_decref(out);
		r = *ret ? 0
			 : vd_err_set(err, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "memory ran out");
	}
	json_decref(doc);
	return r;
}

/* Put what was saved in the place of the port that is there. */
static int exchange(json_t *doc, const char *port, json_t *saved, const uint8_t mac[6],
		    struct vd_err *err)
{
	static const char *const stays[] = {"name", "switch", "device"};
	json_t *ports = json_object_get(doc, "ports"), *sets = json_object_get(doc, "sets"), *now,
	       *then = json_object_get(saved, "port"), *set;
	char text[VD_MAC_STR_SIZE];
	struct vd_mac address;
	size_t at, i, where;

	now = find_named(ports, port, &at);
	if (!now)
		return no_port(port, err);
	if (!json_is_object(then))
		return vd_err_set(err, -EINVAL, VD_E_VM_SNAPSHOT, NULL, NULL,
				  "the saved settings of port %s make no sense", port);
	for (i = 0; i < sizeof(stays) / sizeof(stays[0]); i++)
		json_object_set(then, stays[i], json_object_get(now, stays[i]));
	memcpy(&address, mac, sizeof(address));
	json_object_set_new(then, "mac", json_string(vd_mac_format(&address, text)));
	json_array_set(ports, at, then);
	if (!sets) {
		sets = json_array();
		json_object_set_new(doc, "sets", sets);
	}
	json_array_foreach (json_object_get(saved, "sets"), i, set) {
		const char *name = json_string_value(json_object_get(set, "name"));

		if (name && !find_named(sets, name, &where))
			json_array_append(sets, set);
	}
	return 0;
}

int hv_daemon_port_import(const char *socket, const char *port, const char *text,
			  const uint8_t mac[6], struct vd_err *err)
{
	json_t *saved = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *doc = NULL, *reply = NULL;
	struct ctl_client *client = NULL;
	char *whole = NULL;
	int r = ctl_client_open(socket, TIMEOUT_MS, &client, err);

	if (!r)
		r = ctl_client_call(client, "config.export", NULL, &doc, err);
	if (!r)
		r = exchange(doc, port, saved, mac, err);
	if (!r)
		whole = json_dumps(doc, JSON_COMPACT);
	if (!r)
		r = ctl_client_call(client, "config.apply", json_pack("{s:s}", "document", whole),
				    &reply, err);
	free(whole);
	json_decref(saved);
	json_decref(doc);
	json_decref(reply);
	ctl_client_close(client);
	return r;
}
