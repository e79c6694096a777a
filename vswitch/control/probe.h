/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes that run: requests whose answer comes later (methods_probe.c).
 * Thread-safety: control thread. Proof: tests/net/probe.test.
 */
#pragma once

struct vsw_client;
struct vsw_daemon;
struct vsw_port;

/** The client is gone: end its probes; nobody is answered. */
void vsw_probes_client_gone(struct vsw_daemon *d, const struct vsw_client *client);

/** @port closes: end its probe with what is known. Workers do not use the port any more. */
void vsw_probes_port_closes(struct vsw_daemon *d, const struct vsw_port *port);
