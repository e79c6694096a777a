/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration as data: switches and ports, read from and written to their one JSON form,
 * validated as a whole, compared. No packets, no system calls: the engine (vswitch/control) makes
 * a model true, the data plane never sees one.
 *
 * Document:
 *   viridian: 1
 *   switches:
 *     - name: lan            # required
 *       type: internal       # required: external | internal | private
 *       mtu: 1500            # 576-9216
 *       ageing_s: 300        # 10-86400
 *       fdb_limit: 65536     # learned entries, 0-1048576
 *       notes: free text
 *       fdb: [ {mac: "..", vlan: 10, port: web1} ]          # static entries
 *   ports:
 *     - name: web1           # required
 *       switch: lan          # required
 *       device: tap:web1     # required
 *       role: vm             # vm | host | uplink
 *       mac: 52:54:00:..     # vm and host ports; assigned when absent (not netdev: see below)
 *       vlan: access:10      # default none; uplink: trunk:1-4094,native=0
 *       learn: 0             # MACs this port may show beyond its own; uplink default 65536
 *       link: up             # up | down
 *   nats: NAT networks, see nat/nat_conf.h
 *   sets, mirrors, policies of ports and switches: vswitch/model/policy_json.h
 *   quarantine: {version: 1, ...}   # nap-policy/policy.h
 * uuid members are accepted everywhere and assigned when absent.
 *
 * Rules checked by vsw_model_validate(): unique names; type against ports (private: vm ports only;
 * internal: vm and host; external: one to VSW_UPLINKS_MAX uplinks, any number of host ports); no MAC twice on
 * one switch; no device twice; private-VLAN secondaries belong to one primary; static entries name
 * a port of their switch; limits. A netdev port of role vm without mac takes it from its first
 * frame (has_mac stays false).
 *
 * Thread-safety: one model, one thread. Proof: tests/unit/vswitch/model/test_model.c.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/doc.h"
#include "base/err.h"
#include "base/names.h"
#include "base/read.h"
#include "nat/nat_conf.h"
#include "vswitch/model/device.h"
#include "vswitch/model/policy.h"
#include "vswitch/model/vlan.h"

#define VSW_UUID_SIZE         VD_UUID_SIZE
#define VSW_SWITCHES_MAX      256
#define VSW_PORTS_MAX         4096
#define VSW_MTU_MIN           576
#define VSW_MTU_MAX           9216
#define VSW_MTU_DEFAULT       1500
#define VSW_AGEING_DEFAULT    300
#define VSW_FDB_LIMIT_MAX     1048576u
#define VSW_FDB_LIMIT_DEFAULT 65536u
#define VSW_STATIC_MAX        4096

enum vsw_switch_type { VSW_EXTERNAL, VSW_INTERNAL, VSW_PRIVATE };
enum vsw_role { VSW_ROLE_VM, VSW_ROLE_HOST, VSW_ROLE_UPLINK };

struct vsw_static_entry {
	struct vd_mac mac;
	uint16_t vid; /* 0 = the untagged domain */
	char port[VD_NAME_MAX + 1];
};

struct vsw_switch_cfg {
	char name[VD_NAME_MAX + 1];
	char uuid[VSW_UUID_SIZE];
	enum vsw_switch_type type;
	uint16_t mtu; /* bytes of payload: the frame has 14, or 18 with a tag, more */
	uint32_t ageing_s;
	uint32_t fdb_limit;
	char notes[256];
	struct vsw_static_entry *statics;
	unsigned int n_statics;
	struct vsw_switch_qos qos;
	enum vsw_team_mode team_mode;
	bool igmp_snooping; /* IPv4 multicast goes only to members and routers */
	bool mld_snooping;  /* the same for IPv6 */
	bool nlb;           /* frames to Network Load Balancing clusters reach all their nodes */
};

struct vsw_port_cfg {
	char name
		[VSW_PORT_NAME_SIZE]; /* host and uplink ports made with a switch: "SWITCH:host", "SWITCH:uplink" */
	char uuid[VSW_UUID_SIZE];
	char sw[VD_NAME_MAX + 1];
	enum vsw_role role;
	struct vsw_device device;
	struct vd_mac mac;
	bool has_mac;
	struct vsw_vlan vlan;
	uint32_t learn;
	bool link_up;
	const struct vsw_policy *policy; /* shared and immutable; NULL: says nothing */
};

struct vsw_quarantine;

struct vsw_model {
	struct vsw_switch_cfg *switches;
	unsigned int n_switches;
	struct vsw_port_cfg *ports;
	unsigned int n_ports;
	struct vsw_set *sets;
	unsigned int n_sets;
	struct vsw_mirror *mirrors;
	unsigned int n_mirrors;
	struct nat_conf *nats;
	unsigned int n_nats;
	struct vsw_quarantine *quarantine; /* health policy (quarantine.h), shared; NULL: none */
};

/** Let go of what one object holds, for who removes it from its array. */
void vsw_port_cfg_done(struct vsw_port_cfg *p);
void vsw_switch_cfg_done(struct vsw_switch_cfg *s);
void vsw_set_done(struct vsw_set *s);
void vsw_mirror_done(struct vsw_mirror *s);

void vsw_model_done(struct vsw_model *m);
int vsw_model_copy(const struct vsw_model *from, struct vsw_model *ret);

/** Fill @ret from the JSON form. @doc (may be NULL) supplies source positions for errors. Unknown
 *  keys are errors with a suggestion. Does not validate across objects. */
int vsw_model_from_json(json_t *root, const struct vd_doc *doc, struct vsw_model *ret,
			struct vd_err *reterr);

/** One object; used by the add and set verbs, too. @patch: keys absent in @j keep what *@io has. */
int vsw_switch_from_json(json_t *j, const struct vd_doc *doc, bool patch, struct vsw_switch_cfg *io,
			 struct vd_err *reterr);
int vsw_port_from_json(json_t *j, const struct vd_doc *doc, bool patch, struct vsw_port_cfg *io,
		       struct vd_err *reterr);

/** Assign missing UUIDs and MACs. @random fills @n bytes; the MAC is 02:xx:.. locally administered
 *  and not in use in @m. */
int vsw_model_complete(struct vsw_model *m, void (*random)(void *ctx, void *buf, size_t n),
		       void *ctx, struct vd_err *reterr);

/** The rules that span objects. @doc/@root as given to vsw_model_from_json(), or NULL. */
int vsw_model_validate(const struct vsw_model *m, json_t *root, const struct vd_doc *doc,
		       struct vd_err *reterr);

/** New references; members in a fixed order, defaults included, so equal models give equal text. */
json_t *vsw_model_to_json(const struct vsw_model *m);
json_t *vsw_switch_to_json(const struct vsw_switch_cfg *s);
json_t *vsw_port_to_json(const struct vsw_port_cfg *p);

struct vsw_switch_cfg *vsw_model_switch(const struct vsw_model *m, const char *name);
struct vsw_port_cfg *vsw_model_port(const struct vsw_model *m, const char *name);
struct nat_conf *vsw_model_nat(const struct vsw_model *m, const char *name);

/** The DHCP and DNS server of a NAT network is a host of its own on the network's switch, behind the port
 *  "SWITCH:services". Add those ports where they are missing, remove those that nobody needs.
 *  -ENOMEM. */
int vsw_model_nat_ports(struct vsw_model *m, struct vd_err *reterr);
#define VSW_NAT_SERVER_KIND "services"
/** Is it such a port? */
bool vsw_is_nat_server(const struct vsw_port_cfg *p);
/** Any port that comes and goes with its network: the server's, and those of a data-plane translator. */
bool vsw_is_nat_port(const struct vsw_port_cfg *p);
/** That of @c; NULL: none. */
const struct vsw_port_cfg *vsw_model_nat_server(const struct vsw_model *m,
						const struct nat_conf *c);
/** The host's adapter that is the gateway of @c (kernel back end); NULL: the switch has none. */
const struct vsw_port_cfg *vsw_model_nat_gateway(const struct vsw_model *m,
						 const struct nat_conf *c);

/** What changes from @old to @next: array of {"op": "add|remove|change", "object": "port/web1",
 *  "from": {..}, "to": {..}} with only the members that differ. Empty when equal. Identity is the
 *  UUID where both have one, else the name. */
json_t *vsw_model_diff(const struct vsw_model *old, const struct vsw_model *next);
