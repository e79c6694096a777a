/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVSP, the protocol in a network channel's packets, on the wire. No behaviour. Little-endian.
 * A message is a u32 type and a body; guests send 28, 32 or 40 bytes, whatever the type.
 * Source: facts of the Linux driver's drivers/net/hyperv/hyperv_net.h.
 */
#pragma once

#include <stdint.h>

enum nvsp_type {
	NVSP_INIT = 1,
	NVSP_INIT_COMPLETE = 2,
	NVSP_NDIS_VERSION = 100,
	NVSP_RECV_BUF = 101,
	NVSP_RECV_BUF_COMPLETE = 102,
	NVSP_REVOKE_RECV_BUF = 103,
	NVSP_SEND_BUF = 104,
	NVSP_SEND_BUF_COMPLETE = 105,
	NVSP_REVOKE_SEND_BUF = 106,
	NVSP_RNDIS = 107,
	NVSP_RNDIS_COMPLETE = 108,
	NVSP_NDIS_CONFIG = 125,
	NVSP_SWITCH_DATA_PATH = 129,
	NVSP_OID_QUERY_EX = 131,
	NVSP_OID_QUERY_EX_COMPLETE = 132,
	NVSP_SUBCHANNEL = 133,
	NVSP_INDIRECTION_TABLE = 134,
	NVSP_PD_API = 135,
	NVSP_PD_POST_BATCH = 136,
};

#define NVSP_V1  0x00002u
#define NVSP_V2  0x30002u
#define NVSP_V4  0x40000u
#define NVSP_V5  0x50000u
#define NVSP_V6  0x60000u
#define NVSP_V61 0x60001u

#define NVSP_STATUS_SUCCESS     1u
#define NVSP_STATUS_FAIL        2u
#define NVSP_STATUS_BAD_RNDIS   5u
#define NVSP_STATUS_BUSY        6u
#define NVSP_STATUS_UNSUPPORTED 7u

#define NVSP_CAP_SRIOV   (1u << 2)
#define NVSP_CAP_8021Q   (1u << 3)
#define NVSP_CAP_TEAMING (1u << 5)
#define NVSP_CAP_RSC     (1u << 7)

#define NVSP_CHANNEL_DATA    0u
#define NVSP_CHANNEL_CONTROL 1u
#define NVSP_NO_SECTION      0xffffffffu

struct nvsp_msg_wire {
	uint32_t type;
	union {
		uint32_t w[9];
		struct {
			uint32_t min_version, max_version;
		} __attribute__((packed)) init;
		struct {
			uint32_t version, max_mdl_chain, status;
		} __attribute__((packed)) init_complete;
		struct {
			uint32_t major, minor;
		} __attribute__((packed)) ndis_version;
		struct {
			uint32_t mtu, rsvd; /* bytes, with the 14 of Ethernet */
			uint64_t caps;
		} __attribute__((packed)) ndis_config;
		struct {
			uint32_t gpadl;
			uint16_t id;
		} __attribute__((packed)) buffer;
		struct {
			uint16_t id;
		} __attribute__((packed)) revoke;
		struct {
			uint32_t status, n_sections;
			uint32_t offset, suballoc_size, n_suballocs, end;
		} __attribute__((packed)) recv_complete;
		struct {
			uint32_t status, section_size;
		} __attribute__((packed)) send_complete;
		struct {
			uint32_t channel, section, section_used;
		} __attribute__((packed)) rndis;
		struct {
			uint32_t status;
		} __attribute__((packed)) complete;
		struct {
			uint32_t op, count; /* in the answer: status, count */
		} __attribute__((packed)) subchannel;
	};
} __attribute__((packed));
_Static_assert(sizeof(struct nvsp_msg_wire) == 40, "NVSP message");

/** What guests and hosts send on the wire below and from 6.1 on; padded to 8. */
#define NVSP_MSG_SIZE_OLD 32u
#define NVSP_MSG_SIZE_V61 40u

#define NVSP_TABLE_ENTRIES 16u
struct nvsp_table_wire {
	uint32_t type, count, offset; /* of table[] from the start of the message */
	uint32_t table[NVSP_TABLE_ENTRIES];
} __attribute__((packed));
_Static_assert(sizeof(struct nvsp_table_wire) == 76, "indirection table");
