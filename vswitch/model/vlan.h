/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VLAN mode of a port: what users write, as data. What the modes mean for frames is in
 * vswitch/datapath/vlan.h.
 *
 *   none                          no VLAN processing: the untagged domain (VLAN 0 inside the switch)
 *   access:10                     untagged in and out, VLAN 10
 *   trunk:10,20-29[,native=5]     tags of the list pass; the native VLAN is untagged on the port.
 *                                 native=0 puts untagged frames into the untagged domain;
 *                                 without native they are not admitted
 *   isolated:100,201              private VLAN: primary, secondary
 *   community:100,202
 *   promiscuous:100,201-210       primary, list of secondaries
 *
 * Source: Hyper-V Set-VMNetworkAdapterVlan; IEEE 802.1Q-2018 9.6 for the range 1-4094; RFC 5517 for
 * private VLANs. Thread-safety: pure. Proof: tests/unit/vswitch/model/test_vlan.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define VSW_VID_MIN       1
#define VSW_VID_MAX       4094
#define VSW_VID_NONE      0xffff /* "no native VLAN" */
#define VSW_VLAN_STR_SIZE 20480  /* every formatted mode fits */

enum vsw_vlan_mode {
	VSW_VLAN_NONE,
	VSW_VLAN_ACCESS,
	VSW_VLAN_TRUNK,
	VSW_VLAN_ISOLATED,
	VSW_VLAN_COMMUNITY,
	VSW_VLAN_PROMISCUOUS,
};

struct vsw_vlan {
	enum vsw_vlan_mode mode;
	uint16_t vid; /* access: the VLAN; trunk: native, 0 or VSW_VID_NONE; private: primary */
	uint16_t secondary; /* isolated, community */
	uint64_t list[64];  /* bit per VID; trunk: admitted tags; promiscuous: secondaries */
};

static inline bool vsw_vlan_has(const struct vsw_vlan *v, uint16_t vid)
{
	return v->list[vid >> 6] >> (vid & 63) & 1;
}

static inline void vsw_vlan_add(struct vsw_vlan *v, uint16_t vid)
{
	v->list[vid >> 6] |= UINT64_C(1) << (vid & 63);
}

/** Parse a mode as above. @path for errors. Return: 0; -EINVAL (nothing written to @ret). */
int vsw_vlan_parse(const char *text, const char *path, struct vsw_vlan *ret, struct vd_err *reterr);

/** The canonical text: ranges merged, sorted; parse(format(v)) == v. Returns @buf. */
const char *vsw_vlan_format(const struct vsw_vlan *v, char *buf, size_t size);

bool vsw_vlan_equal(const struct vsw_vlan *a, const struct vsw_vlan *b);
