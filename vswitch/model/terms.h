/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of policies: addresses, protocols, port ranges, rates; each with one canonical text.
 *
 *   address    any | 10.0.0.0/8 | fd00::/8 | 52:54:00:12:34:56 | set:NAME | tag:NAME
 *   protocol   any | tcp | udp | icmp | icmpv6 | sctp | gre | esp | ah | igmp | 0-255
 *   ethertype  any | ipv4 | ipv6 | arp | 0x0600-0xffff
 *   ports      any | 443 | 1000-2000
 *   quantity   0 | 1500 | 64k | 2.5M | 10G                powers of 1000
 *
 * Parsers return 0, or -EINVAL with an error that shows the right form (@path as in vd_err_set()).
 * Thread-safety: pure functions. Proof: tests/unit/vswitch/model/test_terms.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "vswitch/model/policy.h"

#define VSW_TERM_STR_SIZE 80 /* every text below fits */

int vsw_addr_parse(const char *text, const char *path, struct vsw_addr *ret, struct vd_err *reterr);
const char *vsw_addr_format(const struct vsw_addr *a, char buf[VSW_TERM_STR_SIZE]);

/** A prefix alone. */
int vsw_prefix_parse(const char *text, const char *path, struct vd_prefix *ret,
		     struct vd_err *reterr);

/** Of an address set: a prefix or a MAC. */
int vsw_member_parse(const char *text, const char *path, struct vsw_member *ret,
		     struct vd_err *reterr);
const char *vsw_member_format(const struct vsw_member *m, char buf[VSW_TERM_STR_SIZE]);

int vsw_protocol_parse(const char *text, const char *path, uint16_t *ret, struct vd_err *reterr);
const char *vsw_protocol_format(uint16_t protocol, char buf[VSW_TERM_STR_SIZE]);

int vsw_ethertype_parse(const char *text, const char *path, uint16_t *ret, struct vd_err *reterr);
const char *vsw_ethertype_format(uint16_t type, char buf[VSW_TERM_STR_SIZE]);

int vsw_ports_parse(const char *text, const char *path, uint16_t ret[2], struct vd_err *reterr);
const char *vsw_ports_format(const uint16_t ports[2], char buf[VSW_TERM_STR_SIZE]);

/** @what for the message: "a rate in bit/s". 0 is always allowed; else @min..@max. */
int vsw_quantity_parse(const char *text, const char *path, const char *what, uint64_t min,
		       uint64_t max, uint64_t *ret, struct vd_err *reterr);
const char *vsw_quantity_format(uint64_t n, char buf[VSW_TERM_STR_SIZE]);

/** "2026-11-21T06:42:43Z". Return: 0; -EINVAL. */
int vsw_time_parse(const char *text, int64_t *ret);
const char *vsw_time_format(int64_t t, char buf[VSW_TERM_STR_SIZE]);

/** By enum vsw_acl_kind, vsw_dir, vsw_acl_action, vsw_pinning, vsw_min_mode, vsw_team_mode. */
extern const char *const vsw_acl_kind_text[2];
extern const char *const vsw_dir_text[2];
extern const char *const vsw_acl_action_text[3];
extern const char *const vsw_pinning_text[3];
extern const char *const vsw_min_mode_text[3];
extern const char *const vsw_team_mode_text[2];
