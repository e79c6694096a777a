/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding the first of many rules that match a packet. Tuple space search (Srinivasan, Suri, Varghese,
 * SIGCOMM 1999): rules that look at the same bits share a hash table, so a look-up costs one probe per
 * distinct set of bits, not one comparison per rule. Tables are tried by the best rank they hold; the
 * search ends when no other can be better. Port ranges become prefixes.
 *
 * A key is five words: local address, remote address (IPv4 as ::ffff:a.b.c.d), and ports, protocol,
 * family, VLAN as VSW_CLASS_* place them. An address or port that does not exist is 0.
 *
 * Thread-safety: building: one thread. A built classifier is read-only.
 * Proof: tests/unit/vswitch/policy/test_classify.c (against a plain list of random rules).
 */
#pragma once

#include <stdint.h>

#define VSW_CLASS_WORDS 5
#define VSW_CLASS_NONE  UINT32_MAX

/* word 4 of a key */
#define VSW_CLASS_LPORT_SHIFT  48 /* 16 bits; of frames that are not IP: the EtherType */
#define VSW_CLASS_RPORT_SHIFT  32 /* 16 bits */
#define VSW_CLASS_PROTO_SHIFT  24 /* 8 bits */
#define VSW_CLASS_FAMILY_SHIFT 12 /* 2 bits, enum vsw_family */
#define VSW_CLASS_VID_SHIFT    0  /* 12 bits */

struct vsw_class_key {
	uint64_t w[VSW_CLASS_WORDS];
};

struct vsw_classifier;

/** NULL on lack of memory. */
struct vsw_classifier *vsw_classifier_create(void);
void vsw_classifier_destroy(struct vsw_classifier *c);

/**
 * Packets whose key equals @key under @mask match a rule of rank @rank (0 is best). @key has no bits
 * outside @mask.
 *
 * Return: 0; -ENOMEM.
 */
int vsw_classifier_add(struct vsw_classifier *c, const struct vsw_class_key *mask,
		       const struct vsw_class_key *key, uint32_t rank);

/** After the last add, before the first find. */
void vsw_classifier_seal(struct vsw_classifier *c);

/** The best rank that matches, or VSW_CLASS_NONE. @c may be NULL: no rules. */
uint32_t vsw_classifier_find(const struct vsw_classifier *c, const struct vsw_class_key *key);

/** Tables in use: what a look-up costs at most. */
unsigned int vsw_classifier_tables(const struct vsw_classifier *c);

/** A prefix of a 16-bit number. */
struct vsw_port_prefix {
	uint16_t value, mask;
};
#define VSW_PORT_PREFIXES_MAX 30

/** Cut @lo..@hi (inclusive, @lo <= @hi) into at most VSW_PORT_PREFIXES_MAX prefixes. Returns how many. */
unsigned int vsw_port_range_split(uint16_t lo, uint16_t hi, struct vsw_port_prefix *ret);
