/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling the network that addresses have moved: when a team's uplink loses or regains its link, the ports
 * that prefer it go by another one, or come back. Frames for a machine that only listens would take the old way
 * until it says something; so the switch says it: one reverse ARP frame for each assigned address, as hypervisors do
 * after a migration; and a guest that goes on behind a port of ours has been migrated to it.
 *
 * The control thread repeats it some times: a link that has just come up may lose frames.
 *
 * Source: RFC 903 (the frame; nobody is expected to answer).
 * Thread-safety: control thread. Proof: tests/net/team.test, tests/net/netvsp.test.
 */
#pragma once

#include "vswitch/datapath/dataplane.h"

/** A guest that ran elsewhere before is behind @port now: announce it by the uplink that it uses, or by all. */
void vsw_announce_port(struct vsw_dataplane *dp, const struct vsw_port *port);
/** The link of uplink @uplink came or went: announce the ports that prefer it, by the uplinks that they use now. */
void vsw_announce_uplink(struct vsw_dataplane *dp, const struct vsw_port *uplink);
