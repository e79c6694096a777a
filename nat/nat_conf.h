/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of NAT networks as data: what both back ends (the kernel's, nat/nft; the switch
 * workers' own translator) are given. Read from and written to its one JSON form, checked alone and
 * against its neighbours. No packets, no sockets, no clock.
 *
 * Document (member `nats` of the configuration; * = required):
 *   - name: lab *
 *     prefix: 192.168.100.0/24 *      # inside; /8 to /29
 *     gateway: 192.168.100.1          # default: the first address of the prefix
 *     switch: lab                     # the internal switch; default: the name
 *     owns_switch: false              # the switch was made for the network and goes with it
 *     backend: kernel                 # kernel | dataplane
 *     active: true
 *     profile: rfc                    # rfc | winnat | dense: defaults of everything below it
 *     external: [203.0.113.5-203.0.113.8, 203.0.113.9:2000-2999]   # pool; empty (kernel): masquerade
 *     via: wan                        # dataplane: the external switch; needed
 *     vlan: 0                         # dataplane: VLAN on that switch, 0 untagged
 *     external_prefix: 203.0.113.0/24 # dataplane: on-link outside; default: the /24 of the pool
 *     next_hop: 203.0.113.1           # dataplane: router; absent: only on-link destinations
 *     filtering: {udp: address, tcp: address}      # endpoint | address | address-port
 *     udp_inbound_refresh: false
 *     hairpin: true
 *     mss_clamp: true
 *     no_translate: [10.0.0.0/8]      # destinations that are routed untranslated
 *     maps:
 *       - {protocol: tcp, outside: 203.0.113.5:8080-8090, inside: 192.168.100.10:80-90, remote: 198.51.100.0/24}
 *     one_to_one:
 *       - {outside: 203.0.113.7, inside: 192.168.100.20}
 *     dhcp: {enabled: true, range: 192.168.100.10-192.168.100.254, lease_s: 3600,
 *            server: 192.168.100.2, dns: []}        # dns: servers told instead of ours
 *     dns: {enabled: true, domain: lab.internal, upstream: []}     # upstream empty: the host's
 *     reservations:
 *       - {mac: "52:54:00:12:34:56", address: 192.168.100.50, name: web1}
 *     limits: {ports: 0, mappings: 0, sessions: 0, sessions_per_s: 0, total_sessions: 1048576}   # per VM
 *     blocks: {size: 0, max: 8, deterministic: false}   # port blocks per VM; size 0: single ports
 *     timeouts: {udp_s: 300, udp_dns_s: 30, tcp_established_s: 7440, tcp_opening_s: 240, tcp_closing_s: 240,
 *                icmp_s: 60, other_s: 600, port_hold_s: 120, fragment_s: 10}
 *     log: {what: off, file: "", ipfix: "", destinations: false}   # off | sessions | blocks
 * uuid is accepted, and assigned when absent. With the kernel back end the kernel decides what filtering,
 * blocks, limits.ports, limits.mappings, timeouts and udp_inbound_refresh are; they are kept, and
 * `nat show` names those that have no effect.
 *
 * Numbers are in host byte order. Strings are NUL terminated. Arrays belong to the struct.
 * Thread-safety: one object, one thread; a const object may be read by many.
 * Sources: RFC 4787, 5382, 5508, 6888, 7422, 7857, 8158; New-NetNat and its relatives.
 * Proof: tests/unit/nat/test_conf.c, tests/fuzz/fuzz_nat_conf.c.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/doc.h"
#include "base/err.h"
#include "base/names.h"
#include "base/read.h"
#include "nat/nat_addr.h"

#define NAT_NETWORKS_MAX     64
#define NAT_MAPS_MAX         4096
#define NAT_PAIRS_MAX        1024
#define NAT_RESERVATIONS_MAX 4096
#define NAT_EXTERNALS_MAX    64
#define NAT_ADDRESSES_MAX    1024 /* external addresses of one network, all ranges together */
#define NAT_RANGES_MAX       8    /* ranges of ports of one address */
#define NAT_EXCEPTIONS_MAX   64
#define NAT_SERVERS_MAX      4
#define NAT_HOST_NAME_SIZE   64
#define NAT_DOMAIN_SIZE      128
#define NAT_FILE_SIZE        256
#define NAT_PORT_MIN         1024u /* first of those that are given out; below only on request */

#define NAT_ICMP 1 /* protocol numbers, as in IPv4 headers */
#define NAT_TCP  6
#define NAT_UDP  17

enum nat_backend { NAT_BACKEND_KERNEL, NAT_BACKEND_DATAPLANE };
#define NAT_N_BACKENDS 2

enum nat_profile {
	NAT_PROFILE_RFC,    /* EIM, address-dependent filtering, timers of the RFCs */
	NAT_PROFILE_WINNAT, /* EIM, address-dependent filtering, timers of WinNAT */
	NAT_PROFILE_DENSE,  /* APDM and APDF: a port serves many remotes */
};
#define NAT_N_PROFILES 3

enum nat_filtering {
	NAT_FILTER_ENDPOINT,     /* endpoint-independent: anybody may answer */
	NAT_FILTER_ADDRESS,      /* only addresses that were sent to */
	NAT_FILTER_ADDRESS_PORT, /* only endpoints that were sent to */
};
#define NAT_N_FILTERINGS 3

enum nat_log_what { NAT_LOG_OFF, NAT_LOG_SESSIONS, NAT_LOG_BLOCKS };
#define NAT_N_LOGS 3

/** A range of outside addresses with the ports that may be used on each. */
struct nat_external {
	uint32_t first, last;
	uint16_t port_first, port_last; /* 1-65535; default NAT_PORT_MIN-65535 */
};

/** (outside, port_first + i) leads to (inside, inside_port + i). */
struct nat_map {
	uint8_t protocol; /* NAT_TCP or NAT_UDP */
	uint32_t outside; /* 0: every outside address */
	uint16_t port_first, port_last;
	uint32_t inside;
	uint16_t inside_port;
	struct nat_prefix remote; /* who may use it; length 0: everybody */
};

/** Every protocol and port of @outside leads to @inside, and @inside shows itself as @outside. */
struct nat_pair {
	uint32_t outside;
	uint32_t inside;
};

struct nat_reservation {
	struct vd_mac mac;
	uint32_t address;              /* 0: any of the range */
	char name[NAT_HOST_NAME_SIZE]; /* "": the port's or the client's own */
};

struct nat_timeouts {
	uint32_t udp_s, udp_dns_s;
	uint32_t tcp_established_s, tcp_opening_s, tcp_closing_s;
	uint32_t icmp_s, other_s;
	uint32_t port_hold_s; /* a released port is not given to another VM before */
	uint32_t fragment_s;  /* how long a fragment waits for the first one */
};

/** Of one VM (one inside address); 0: no limit. */
struct nat_limits {
	uint32_t ports; /* outside ports, all protocols together */
	uint32_t mappings;
	uint32_t sessions;
	uint32_t sessions_per_s;
	uint32_t total_sessions; /* of the whole network; never 0 */
};

struct nat_blocks {
	uint16_t size;      /* ports: 0 (single ports), or a power of two 64-4096 */
	uint16_t max;       /* blocks of one VM at most */
	bool deterministic; /* RFC 7422: the block follows from the inside address */
};

struct nat_dhcp {
	bool enabled;
	uint32_t first, last; /* given out */
	uint32_t server;      /* address of our DHCP and DNS server on the inside */
	uint32_t lease_s;
	uint32_t dns[NAT_SERVERS_MAX]; /* told to clients instead of ours */
	unsigned int n_dns;
};

struct nat_dns {
	bool enabled;
	char domain[NAT_DOMAIN_SIZE];
	uint32_t upstream[NAT_SERVERS_MAX];
	unsigned int n_upstream; /* 0: those of the host */
};

struct nat_log {
	enum nat_log_what what;
	char file[NAT_FILE_SIZE]; /* JSON lines; "": none */
	uint32_t ipfix;           /* collector; 0: none */
	uint16_t ipfix_port;
	bool destinations; /* also write whom was talked to (RFC 6888 REQ-12 advises against) */
};

struct nat_conf {
	char name[VD_NAME_MAX + 1];
	char uuid[VD_UUID_SIZE];
	char sw[VD_NAME_MAX + 1]; /* internal switch */
	bool owns_switch;
	struct nat_prefix prefix;
	uint32_t gateway;
	enum nat_backend backend;
	bool active;
	enum nat_profile profile;

	struct nat_external *external;
	unsigned int n_external;
	char via[VD_NAME_MAX + 1]; /* external switch; "": none */
	uint16_t vlan;
	struct nat_prefix external_prefix; /* len 0: none */
	uint32_t next_hop;                 /* 0: none */

	enum nat_filtering filter_udp, filter_tcp;
	bool udp_inbound_refresh;
	bool hairpin;
	bool mss_clamp;
	struct nat_prefix no_translate[NAT_EXCEPTIONS_MAX];
	unsigned int n_no_translate;

	struct nat_map *maps;
	unsigned int n_maps;
	struct nat_pair *pairs;
	unsigned int n_pairs;

	struct nat_dhcp dhcp;
	struct nat_dns dns;
	struct nat_reservation *reservations;
	unsigned int n_reservations;

	struct nat_limits limits;
	struct nat_blocks blocks;
	struct nat_timeouts timeouts;
	struct nat_log log;
};

/* By the enums above. */
extern const char *const nat_backend_text[NAT_N_BACKENDS];
extern const char *const nat_profile_text[NAT_N_PROFILES];
extern const char *const nat_filtering_text[NAT_N_FILTERINGS];
extern const char *const nat_log_text[NAT_N_LOGS];

/** Free what @c owns and zero it. */
void nat_conf_done(struct nat_conf *c);
/** -ENOMEM; then *@ret is untouched. */
int nat_conf_copy(const struct nat_conf *from, struct nat_conf *ret);

/**
 * Fill @io from the JSON form. @patch: keys absent in @j keep what @io has (lists are replaced as a
 * whole; changing the profile resets what the profile decides, unless given); otherwise @io is taken
 * as empty. @doc (may be NULL) supplies positions for errors. On failure @io is untouched.
 * Return: 0; -EINVAL; -ENOMEM. The result has passed nat_conf_check().
 */
int nat_conf_from_json(json_t *j, const struct vd_doc *doc, bool patch, struct nat_conf *io,
		       struct vd_err *reterr);

/** New reference; all members in a fixed order. NULL on lack of memory. */
json_t *nat_conf_to_json(const struct nat_conf *c);

/** The rules inside one network. *@ret_key: the member to blame. Return: 0; -EINVAL; -EEXIST. */
int nat_conf_check(const struct nat_conf *c, const char **ret_key, struct vd_err *reterr);

/**
 * The rules between two networks of one configuration (@b comes later and is blamed): no outside port or
 * address belongs to both, no switch serves both. Inside prefixes may overlap.
 * *@ret_key as above. Return: 0; -EEXIST.
 */
int nat_conf_clash(const struct nat_conf *a, const struct nat_conf *b, const char **ret_key,
		   struct vd_err *reterr);

/* ---- parts; used by the verbs that add one thing ---- */

/** {protocol, outside, inside, remote}. Inside ports default to the outside ones. */
int nat_map_from_json(json_t *j, struct nat_map *ret, struct vd_err *reterr);
json_t *nat_map_to_json(const struct nat_map *m);
int nat_reservation_from_json(json_t *j, struct nat_reservation *ret, struct vd_err *reterr);
json_t *nat_reservation_to_json(const struct nat_reservation *r);

/** "ADDR[-ADDR][:PORT-PORT]". Return: 0; -EINVAL. */
int nat_external_parse(const char *text, struct nat_external *ret);
const char *nat_external_format(const struct nat_external *x, char buf[NAT_EXTERNAL_STR_SIZE]);

/** Do both want the same outside port of the same address? An address of 0 is every one. */
bool nat_map_clash(const struct nat_map *a, const struct nat_map *b);

/** The timers, filtering and refresh that @c->profile stands for. */
void nat_conf_profile(struct nat_conf *c);
