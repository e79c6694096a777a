/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection of the control socket; private to server.c and client.c. */
#pragma once

#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>

#include "ctl/rpc/frame.h"
#include "vswitch/control/server.h"

#define VSW_GROUP "viridian" /* members may change the configuration */

struct vsw_server {
	struct vsw_daemon *daemon;
	sd_event_source *source;
	int fd;
	char path[108];
	struct stat st; /* of the socket file we made */
	gid_t gid;
	bool has_group;
	struct vsw_client *clients;
	unsigned int n_clients;
	size_t input; /* bytes of unfinished requests, all clients */
	uint64_t seq;
	uint64_t log_second;
	unsigned int logged, not_logged;
};

struct vsw_client {
	struct vsw_server *server;
	struct vsw_client *prev, *next;
	sd_event_source *source;
	int fd;
	char who[64];
	char user[24];
	bool may_change;
	bool subscribed;
	bool eof;          /* the peer sends no more */
	bool doomed;       /* gone as soon as nobody on the stack uses it */
	unsigned int busy; /* on the stack */
	struct ctl_lines in;
	size_t in_counted; /* part of server->input */
	char *out;
	size_t out_start, out_size, out_room;
	uint64_t
		blocked_ms; /* since when VSW_OUT_PAUSE is exceeded and nothing moves; 0: it is not */
	int passed_fd;
	struct vsw_capture_session *capture;
};

int vsw_client_create(struct vsw_server *s, int fd);
void vsw_client_destroy(struct vsw_client *c);
void vsw_client_queue_event(struct vsw_client *c, const char *line, size_t size);
