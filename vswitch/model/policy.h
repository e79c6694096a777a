/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a port may do and gets done: guards, access rules, bandwidth, team affinity; and what rules
 * and switches refer to: address sets, mirror sessions.
 *
 * A port's policy is immutable and shared: copying a model copies a pointer and counts a reference,
 * so that a command on one port costs nothing for the thousands of rules of the others, and equal
 * pointers mean "nothing changed" (the rules inside are shared once more, so that a change of a guard
 * leaves the pointer to the rules as it was). To change one: vsw_policy_clone(), edit, put it in the
 * place of the old one. A port without any policy has NULL; vsw_policy_of() never returns NULL.
 *
 * Directions are named after both ends: from-vm is what the port's owner sends. Zero is the default
 * of every member unless said otherwise.
 *
 * Source: Hyper-V's Set-VMNetworkAdapter, Add-VMNetworkAdapterAcl, Add-VMNetworkAdapterExtendedAcl,
 * Set-VMSwitchTeam. Thread-safety: reference counts are atomic; the rest is read-only once shared.
 * Proof: tests/unit/vswitch/model/test_policy.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/names.h"
#include "base/prefix.h"

#define VSW_PORT_NAME_SIZE     (2 * VD_NAME_MAX)
#define VSW_RULES_MAX          16384u  /* of one port */
#define VSW_RULES_TOTAL_MAX    262144u /* of all ports */
#define VSW_PINS_MAX           256u    /* pinned and floating prefixes of one port, each */
#define VSW_ADDRESSES_MAX      256u    /* learned by snooping, of one port */
#define VSW_TAGS_MAX           16u     /* of one port */
#define VSW_SETS_MAX           1024u
#define VSW_SET_MEMBERS_MAX    65536u  /* of one set */
#define VSW_MEMBERS_TOTAL_MAX  262144u /* of all sets */
#define VSW_MIRRORS_MAX        64u
#define VSW_MIRROR_SOURCES_MAX 256u
#define VSW_WHO_SIZE           48u
#define VSW_UPLINKS_MAX        8u /* of one switch: a team */

/** Who said so, and when: for `why`. */
struct vsw_signature {
	char by[VSW_WHO_SIZE]; /* "" unknown */
	int64_t at;            /* seconds since 1970, UTC; 0 unknown */
};

/* ---- guards ---- */

enum vsw_pinning {
	VSW_PIN_OFF,
	VSW_PIN_STATIC,  /* only addresses of pins and floating may be used */
	VSW_PIN_SNOOPED, /* those, and what the guest got by DHCP through this port */
};

/** What the port's owner may send. A port with all of it zero pays nothing. */
struct vsw_guard {
	bool mac_spoofing;  /* any unicast source; else its own, and `learn` others */
	bool dhcp;          /* drop DHCPv4 and DHCPv6 server messages */
	bool router;        /* drop router advertisements and redirects of both families */
	bool control;       /* drop frames of bridges: 01:80:c2:00:00:00-0f and their like */
	bool drop_priority; /* clear the 802.1p priority of tagged frames (not trusted) */
	uint8_t pinning;    /* enum vsw_pinning: ARP, ND and IP sources */
	uint32_t storm_broadcast_pps; /* frames a second; 0: no limit */
	uint32_t storm_multicast_pps;
	uint32_t storm_unknown_pps; /* unicast to a destination nobody knows */
	uint32_t address_limit;     /* IP addresses learned by snooping; 0: VSW_ADDRESSES_MAX */
	/** Ports of the same team (a VM's name, usually) may show each other's assigned addresses.
	 *  "": not in a team. */
	char team[VD_NAME_MAX + 1];
	struct vsw_signature set; /* of all this, pins and floating addresses included */
};

/* ---- access rules ---- */

enum vsw_dir { VSW_FROM_VM, VSW_TO_VM };
enum vsw_acl_kind {
	VSW_ACL_BASIC,    /* one address; among matching rules the longest prefix decides */
	VSW_ACL_EXTENDED, /* higher weight first, first match decides */
};
enum vsw_acl_action { VSW_ACL_ALLOW, VSW_ACL_DENY, VSW_ACL_METER };

enum vsw_addr_kind {
	VSW_ADDR_ANY,
	VSW_ADDR_PREFIX,
	VSW_ADDR_MAC,
	VSW_ADDR_SET, /* name of an address set of the model */
	VSW_ADDR_TAG, /* the assigned MACs, pins and floating addresses of all ports with this tag */
};

/** One side of a rule. Bytes not used are zero: equal addresses are equal bytes. */
struct vsw_addr {
	uint8_t kind; /* enum vsw_addr_kind */
	union {
		struct vd_prefix prefix;
		struct vd_mac mac;
		char name[VD_NAME_MAX + 1];
	};
};

#define VSW_PROTOCOL_ANY   256u
#define VSW_IDLE_DEFAULT_S 255u
#define VSW_WEIGHT_DEFAULT 100u

/**
 * A port without rules of a kind lets that kind pass; a frame must pass both. Ties (same weight, or
 * same prefix length) are decided: deny before allow, then the lower id. Meter rules count and never
 * decide.
 */
struct vsw_acl_rule {
	uint32_t id; /* 1.., unique on its port; assigned, kept for the rule's life */
	char name[VD_NAME_MAX + 1]; /* "": none */
	uint8_t kind;               /* enum vsw_acl_kind */
	uint8_t direction;          /* enum vsw_dir */
	uint8_t action;             /* enum vsw_acl_action */
	bool report_only;           /* counted and told, never enforced */
	struct vsw_addr local;      /* the VM's side */
	struct vsw_addr remote;
	/* the rest: extended rules only */
	bool stateful;           /* allow rules: answers pass, too */
	uint16_t ethertype;      /* 0: any */
	uint16_t protocol;       /* IP protocol 0-255, or VSW_PROTOCOL_ANY */
	uint16_t local_port[2];  /* first, last; 0-65535 without a condition */
	uint16_t remote_port[2]; /* (ICMP has none) */
	uint16_t weight;
	uint16_t idle_timeout_s; /* of stateful rules */
	uint16_t vlan;           /* isolation id: only in this VLAN; 0: in any */
	struct vsw_signature set;
};

/** Sorted by id. */
struct vsw_acl {
	unsigned int refs;
	unsigned int n;
	struct vsw_acl_rule rules[];
};

/* ---- bandwidth ---- */

struct vsw_rate {
	uint64_t bps;         /* bit/s, a multiple of 8; 0: no limit */
	uint64_t burst_bytes; /* 0: chosen by the data plane */
};

struct vsw_qos {
	struct vsw_rate from_vm; /* policed */
	struct vsw_rate to_vm;   /* shaped */
	uint64_t min_bps;   /* guaranteed of what VMs send; switches of minimum mode absolute */
	uint8_t min_weight; /* 1-100: share of what VMs send; 0: the default flow's */
};

enum vsw_min_mode { VSW_MIN_WEIGHT, VSW_MIN_ABSOLUTE, VSW_MIN_NONE };

#define VSW_DEFAULT_WEIGHT 1

/** Of a switch. */
struct vsw_switch_qos {
	uint8_t min_mode;           /* enum vsw_min_mode */
	uint8_t default_min_weight; /* 1-100, of ports without a minimum, together */
	uint64_t default_min_bps;   /* 0: a tenth of the uplink's speed */
};

/* ---- a port's whole policy ---- */

struct vsw_policy {
	unsigned int refs;
	struct vsw_guard guard;
	struct vd_prefix *pins;     /* addresses the port may use while it is pinned */
	struct vd_prefix *floating; /* cluster addresses: used by several ports in turn */
	unsigned int n_pins;
	unsigned int n_floating;
	struct vsw_qos qos;
	char affinity[VSW_PORT_NAME_SIZE]; /* preferred uplink port of a team; "": none */
	char (*tags)[VD_NAME_MAX + 1];
	unsigned int n_tags;
	struct vsw_acl *acl; /* NULL: no rules */
};

struct vsw_port_cfg;
struct vsw_model;

/** The port's policy, or one that says nothing. */
const struct vsw_policy *vsw_policy_of(const struct vsw_port_cfg *p);

/** Does the port let its guest show another MAC address than the assigned one? */
bool vsw_policy_any_mac(const struct vsw_port_cfg *p);

/** Accept NULL. */
const struct vsw_policy *vsw_policy_ref(const struct vsw_policy *p);
void vsw_policy_unref(const struct vsw_policy *p);
struct vsw_acl *vsw_acl_ref(struct vsw_acl *a);
void vsw_acl_unref(struct vsw_acl *a);

/** A copy of its own (of @p = NULL: of the default), the rules still shared; NULL on lack of memory. */
struct vsw_policy *vsw_policy_clone(const struct vsw_policy *p);

/** Room for @n rules, all zero, a reference of its own. NULL on lack of memory. */
struct vsw_acl *vsw_acl_new(unsigned int n);

/** What decides between two rules of one kind and direction that match the same frame, the greater first: the
 *  weight, or a basic rule's prefix length (of 128 bits; MAC addresses beyond all prefixes). */
uint32_t vsw_rule_rank(const struct vsw_acl_rule *r);

/** The rule with this id, or NULL. */
const struct vsw_acl_rule *vsw_acl_find(const struct vsw_acl *a, uint32_t id);

/* ---- address sets ---- */

struct vsw_member {
	bool is_mac;
	union {
		struct vd_prefix prefix;
		struct vd_mac mac;
	};
};

struct vsw_set {
	char name[VD_NAME_MAX + 1];
	struct vsw_member *members;
	unsigned int n_members;
};

/**
 * What @a stands for at this moment, as a list: nothing for VSW_ADDR_ANY, one member for a prefix or
 * a MAC, a set's members, a tag's addresses (an empty list matches nothing).
 * *@ret: to be freed. Return: 0; -ENOMEM.
 */
int vsw_addr_resolve(const struct vsw_model *m, const struct vsw_addr *a, struct vsw_member **ret,
		     unsigned int *n);

struct vsw_set *vsw_model_set(const struct vsw_model *m, const char *name);

/* ---- mirror sessions ---- */

enum vsw_mirror_dirs { VSW_MIRROR_FROM_VM = 1, VSW_MIRROR_TO_VM = 2, VSW_MIRROR_BOTH = 3 };

struct vsw_mirror_source {
	char port[VSW_PORT_NAME_SIZE];
	uint8_t dirs; /* enum vsw_mirror_dirs */
};

struct vsw_mirror {
	char name[VD_NAME_MAX + 1];
	char sw[VD_NAME_MAX + 1];
	uint8_t all; /* enum vsw_mirror_dirs: every port of the switch, uplinks included; 0: no */
	struct vsw_mirror_source *sources;
	unsigned int n_sources;
	char to_port[VSW_PORT_NAME_SIZE]; /* of the same switch; "": to_file */
	char to_file[256];                /* pcapng, absolute path */
	char filter[512];                 /* tcpdump's language; "": everything */
	uint32_t snaplen;                 /* bytes kept of each frame, 16-65535; 0: all */
};

struct vsw_mirror *vsw_model_mirror(const struct vsw_model *m, const char *name);

/* ---- teams ---- */

/** How a team of uplinks is used; more than one uplink makes a team. */
enum vsw_team_mode {
	VSW_TEAM_HYPERV_PORT, /* each port has one uplink; addresses are never rewritten */
	VSW_TEAM_DYNAMIC,     /* flows are spread; the address of a port stays on one uplink */
};
