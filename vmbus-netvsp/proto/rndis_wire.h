/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RNDIS and the NDIS objects it carries, on the wire. No behaviour. Little-endian. Offsets inside a
 * message body count from byte 8 of the message.
 * Source: [MS-RNDIS], NDIS documentation, facts of Linux's drivers/net/hyperv.
 */
#pragma once

#include <stdint.h>

enum rndis_type {
	RNDIS_PACKET = 1,
	RNDIS_INITIALIZE = 2,
	RNDIS_HALT = 3,
	RNDIS_QUERY = 4,
	RNDIS_SET = 5,
	RNDIS_RESET = 6,
	RNDIS_INDICATE = 7,
	RNDIS_KEEPALIVE = 8,
	RNDIS_SET_EX = 9,
};
#define RNDIS_COMPLETE 0x80000000u

#define NDIS_STATUS_OK             0u
#define NDIS_STATUS_NOT_SUPPORTED  0xc00000bbu
#define NDIS_STATUS_FAILURE        0xc0000001u
#define NDIS_STATUS_BAD_VERSION    0xc0010004u
#define NDIS_STATUS_INVALID_LENGTH 0xc0010014u
#define NDIS_STATUS_INVALID_DATA   0xc0010015u
#define NDIS_STATUS_INVALID_OID    0xc0010017u
#define NDIS_STATUS_CONNECT        0x4001000bu
#define NDIS_STATUS_DISCONNECT     0x4001000cu
#define NDIS_STATUS_SPEED_CHANGE   0x40010013u
#define NDIS_STATUS_NETWORK_CHANGE 0x40010018u
#define NDIS_STATUS_OFFLOAD_CONFIG 0x40020006u

struct rndis_hdr_wire {
	uint32_t type, size;
} __attribute__((packed));

struct rndis_initialize_wire {
	struct rndis_hdr_wire hdr;
	uint32_t rid, major, minor, max_transfer;
} __attribute__((packed));
_Static_assert(sizeof(struct rndis_initialize_wire) == 24, "INITIALIZE");

struct rndis_initialize_complete_wire {
	struct rndis_hdr_wire hdr;
	uint32_t rid, status, major, minor, flags, medium, max_packets, max_transfer,
		alignment_shift;
	uint32_t af_offset, af_size;
} __attribute__((packed));
_Static_assert(sizeof(struct rndis_initialize_complete_wire) == 52, "INITIALIZE_CMPLT");

/** QUERY and SET. */
struct rndis_request_wire {
	struct rndis_hdr_wire hdr;
	uint32_t rid, oid, size, offset, vc;
} __attribute__((packed));
_Static_assert(sizeof(struct rndis_request_wire) == 28, "QUERY, SET");

struct rndis_query_complete_wire {
	struct rndis_hdr_wire hdr;
	uint32_t rid, status, size, offset;
} __attribute__((packed));
_Static_assert(sizeof(struct rndis_query_complete_wire) == 24, "QUERY_CMPLT");

/** SET_CMPLT and KEEPALIVE_CMPLT. */
struct rndis_status_wire {
	struct rndis_hdr_wire hdr;
	uint32_t rid, status;
} __attribute__((packed));
_Static_assert(sizeof(struct rndis_status_wire) == 16, "SET_CMPLT");

struct rndis_indicate_wire {
	struct rndis_hdr_wire hdr;
	uint32_t status, size, offset;
} __attribute__((packed));
_Static_assert(sizeof(struct rndis_indicate_wire) == 20, "INDICATE_STATUS");

struct rndis_packet_wire {
	struct rndis_hdr_wire hdr;
	uint32_t data_offset, data_size;
	uint32_t oob_offset, oob_size, n_oob;
	uint32_t ppi_offset, ppi_size;
	uint32_t vc, rsvd;
} __attribute__((packed));
_Static_assert(sizeof(struct rndis_packet_wire) == 44, "PACKET");
#define RNDIS_BODY 8u /* offsets count from here */

struct rndis_ppi_wire {
	uint32_t size, type, offset; /* size with this header; type bit 31: internal */
} __attribute__((packed));
_Static_assert(sizeof(struct rndis_ppi_wire) == 12, "PPI");

#define RNDIS_PPI_CSUM      0u
#define RNDIS_PPI_LSO       2u
#define RNDIS_PPI_VLAN      6u
#define RNDIS_PPI_HASH      8u
#define RNDIS_PPI_HASH_INFO 9u
#define RNDIS_PPI_PACKET_ID (1u | 0x80000000u)

#define RNDIS_CSUM_TX_V4       (1u << 0)
#define RNDIS_CSUM_TX_V6       (1u << 1)
#define RNDIS_CSUM_TX_TCP      (1u << 2)
#define RNDIS_CSUM_TX_UDP      (1u << 3)
#define RNDIS_CSUM_TX_IP       (1u << 4)
#define RNDIS_CSUM_RX_TCP_OK   (1u << 3)
#define RNDIS_CSUM_RX_UDP_OK   (1u << 4)
#define RNDIS_CSUM_RX_IP_OK    (1u << 5)
#define RNDIS_CSUM_RX_IP_STALE (1u << 8)
#define RNDIS_LSO_V2           (1u << 30)
#define RNDIS_LSO_V6           (1u << 31)
#define RNDIS_RSC_PART         1u
#define RNDIS_RSC_FIRST        2u
#define RNDIS_RSC_LAST         4u

/** NDIS object header. */
struct ndis_object_wire {
	uint8_t type, revision;
	uint16_t size;
} __attribute__((packed));

struct ndis_offload_wire {
	struct ndis_object_wire hdr;
	struct {
		uint32_t v4_tx_encap, v4_tx, v4_rx_encap, v4_rx;
		uint32_t v6_tx_encap, v6_tx, v6_rx_encap, v6_rx;
	} __attribute__((packed)) csum;
	uint32_t lso1[4];
	uint32_t ipsec1[7];
	struct {
		uint32_t v4_encap, v4_max, v4_min_segs, v6_encap, v6_max, v6_min_segs, v6_opts;
	} __attribute__((packed)) lso2;
	uint32_t flags;
	uint32_t ipsec2[8];
	uint8_t rsc_v4, rsc_v6, rsvd[2];
	uint32_t encap[2];
} __attribute__((packed));
_Static_assert(sizeof(struct ndis_offload_wire) == 156, "NDIS_OFFLOAD revision 3");

struct ndis_rss_caps_wire {
	struct ndis_object_wire hdr;
	uint32_t caps, n_messages, n_queues;
	uint16_t n_entries;
} __attribute__((packed));
_Static_assert(sizeof(struct ndis_rss_caps_wire) == 18, "receive-scale capabilities");

struct ndis_rss_params_wire {
	struct ndis_object_wire hdr;
	uint16_t flags, base_cpu;
	uint32_t hash_info;
	uint16_t table_size, rsvd0;
	uint32_t table_offset;
	uint16_t key_size, rsvd1;
	uint32_t key_offset;
	uint32_t masks[3];
} __attribute__((packed));
_Static_assert(sizeof(struct ndis_rss_params_wire) == 40, "receive-scale parameters");
