/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMBus on the wire: control messages, ring-buffer header, packet descriptors. No behaviour.
 * All fields little-endian, which is also the only host order this project runs on.
 * "Guest" messages travel in a POST_MESSAGE hypercall, "host" messages in a SynIC message slot.
 * Source: the Linux driver's include/linux/hyperv.h (facts only), Microsoft's TLFS.
 */
#pragma once

#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "wire structs are read in place");

#define VMB_PAGE_SIZE    4096u
#define VMB_PAGE_SHIFT   12
#define VMB_MSG_MAX      240u /* bytes of payload in one message */
#define VMB_RELID_MAX    2047u
#define VMB_CONN_MESSAGE 1u      /* where guests below 5.0 post */
#define VMB_CONN_MULTI   4u      /* where guests from 5.0 on post */
#define VMB_CONN_EVENT   0x2000u /* + relid: the event connection of a channel */
#define VMB_SINT         2u
#define VMB_VP_NONE      0xffffffffu /* OPEN_CHANNEL: no interrupts wanted */

enum vmb_msg_type {
	VMB_MSG_OFFER = 1,
	VMB_MSG_RESCIND = 2,
	VMB_MSG_REQUEST_OFFERS = 3,
	VMB_MSG_ALL_OFFERS = 4,
	VMB_MSG_OPEN = 5,
	VMB_MSG_OPEN_RESULT = 6,
	VMB_MSG_CLOSE = 7,
	VMB_MSG_GPADL_HEADER = 8,
	VMB_MSG_GPADL_BODY = 9,
	VMB_MSG_GPADL_CREATED = 10,
	VMB_MSG_GPADL_TEARDOWN = 11,
	VMB_MSG_GPADL_TORNDOWN = 12,
	VMB_MSG_RELID_RELEASED = 13,
	VMB_MSG_CONTACT = 14,
	VMB_MSG_VERSION_RESPONSE = 15,
	VMB_MSG_UNLOAD = 16,
	VMB_MSG_UNLOAD_RESPONSE = 17,
	VMB_MSG_TL_CONNECT = 21,
	VMB_MSG_MODIFY = 22,
	VMB_MSG_TL_RESULT = 23,
	VMB_MSG_MODIFY_RESPONSE = 24,
};

#define VMB_VERSION(major, minor) ((uint32_t)(major) << 16 | (minor))
#define VMB_V2_4                  VMB_VERSION(2, 4)
#define VMB_V3_0                  VMB_VERSION(3, 0)
#define VMB_V4_0                  VMB_VERSION(4, 0)
#define VMB_V4_1                  VMB_VERSION(4, 1)
#define VMB_V5_0                  VMB_VERSION(5, 0)
#define VMB_V5_1                  VMB_VERSION(5, 1)
#define VMB_V5_2                  VMB_VERSION(5, 2)
#define VMB_V5_3                  VMB_VERSION(5, 3)

#define VMB_STATUS_OK      0u
#define VMB_STATUS_FAILED  0xc0000001u /* STATUS_UNSUCCESSFUL */
#define VMB_STATUS_REFUSED 0xc0000236u /* STATUS_CONNECTION_REFUSED */

/** In Microsoft's mixed-endian byte order, as it travels. */
struct vmb_guid {
	uint8_t b[16];
};

struct vmb_msg_hdr_wire {
	uint32_t type;
	uint32_t zero;
} __attribute__((packed));

struct vmb_offer_wire {
	struct vmb_msg_hdr_wire hdr;
	struct vmb_guid type;
	struct vmb_guid instance;
	uint8_t rsvd0[16];
	uint16_t flags;
	uint16_t mmio_mib;
	uint8_t user[120];
	uint16_t sub_index;
	uint16_t rsvd1;
	uint32_t relid;
	uint8_t monitor_id;
	uint8_t monitor_allocated;
	uint16_t dedicated;
	uint32_t connection_id;
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_offer_wire) == 196, "OFFER_CHANNEL");

/** RESCIND_OFFER, CLOSE_CHANNEL, RELID_RELEASED. */
struct vmb_relid_wire {
	struct vmb_msg_hdr_wire hdr;
	uint32_t relid;
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_relid_wire) == 12, "relid message");

struct vmb_open_wire {
	struct vmb_msg_hdr_wire hdr;
	uint32_t relid;
	uint32_t open_id;
	uint32_t ring_gpadl;
	uint32_t target_vp;
	uint32_t downstream_page;
	uint8_t user[120];
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_open_wire) == 148, "OPEN_CHANNEL");

struct vmb_open_result_wire {
	struct vmb_msg_hdr_wire hdr;
	uint32_t relid;
	uint32_t open_id;
	uint32_t status;
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_open_result_wire) == 20, "OPEN_RESULT");

struct vmb_gpadl_header_wire {
	struct vmb_msg_hdr_wire hdr;
	uint32_t relid;
	uint32_t gpadl;
	uint16_t range_bytes;
	uint16_t n_ranges;
	uint8_t ranges
		[]; /* {u32 bytes, u32 offset, u64 pfn[]} ..., cut anywhere, goes on in bodies */
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_gpadl_header_wire) == 20, "GPADL_HEADER");

struct vmb_gpadl_body_wire {
	struct vmb_msg_hdr_wire hdr;
	uint32_t number; /* Linux leaves it 0: of no use */
	uint32_t gpadl;
	uint8_t ranges[];
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_gpadl_body_wire) == 16, "GPADL_BODY");

struct vmb_gpadl_created_wire {
	struct vmb_msg_hdr_wire hdr;
	uint32_t relid;
	uint32_t gpadl;
	uint32_t status;
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_gpadl_created_wire) == 20, "GPADL_CREATED");

struct vmb_gpadl_teardown_wire {
	struct vmb_msg_hdr_wire hdr;
	uint32_t relid;
	uint32_t gpadl;
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_gpadl_teardown_wire) == 16, "GPADL_TEARDOWN");

struct vmb_gpadl_torndown_wire {
	struct vmb_msg_hdr_wire hdr;
	uint32_t gpadl;
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_gpadl_torndown_wire) == 12, "GPADL_TORNDOWN");

struct vmb_contact_wire {
	struct vmb_msg_hdr_wire hdr;
	uint32_t version;
	uint32_t target_vp;
	union {
		uint64_t interrupt_page; /* below 5.0 */
		struct {
			uint8_t sint;
			uint8_t vtl;
			uint16_t rsvd;
			uint32_t features; /* from 6.0 on */
		} __attribute__((packed)) v5;
	};
	uint64_t monitor_to_child;
	uint64_t monitor_to_parent;
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_contact_wire) == 40, "INITIATE_CONTACT");

struct vmb_version_response_wire {
	struct vmb_msg_hdr_wire hdr;
	uint8_t supported;
	uint8_t state;
	uint16_t rsvd;
	uint32_t version_or_connection; /* below 5.0 the version, from 5.0 on the connection id */
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_version_response_wire) == 16, "VERSION_RESPONSE");

struct vmb_modify_wire {
	struct vmb_msg_hdr_wire hdr;
	uint32_t relid;
	uint32_t target_vp;
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_modify_wire) == 16, "MODIFY_CHANNEL");

struct vmb_modify_response_wire {
	struct vmb_msg_hdr_wire hdr;
	uint32_t relid;
	uint32_t status;
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_modify_response_wire) == 16, "MODIFY_CHANNEL_RESPONSE");

struct vmb_tl_connect_wire {
	struct vmb_msg_hdr_wire hdr;
	struct vmb_guid endpoint;
	struct vmb_guid service;
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_tl_connect_wire) == 40, "TL_CONNECT_REQUEST");

struct vmb_tl_result_wire {
	struct vmb_msg_hdr_wire hdr;
	struct vmb_guid endpoint;
	struct vmb_guid service;
	uint32_t status;
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_tl_result_wire) == 44, "TL_CONNECT_RESULT");

/* Ring buffers */

/** First page of each ring. Every word is shared with the guest. */
struct vmb_ring_hdr_wire {
	uint32_t write_index;       /* producer; bytes into the data pages */
	uint32_t read_index;        /* consumer */
	uint32_t interrupt_mask;    /* consumer: 1 = no signal on empty -> non-empty */
	uint32_t pending_send_size; /* producer: blocked until so much is free */
	uint32_t rsvd[12];
	uint32_t features; /* producer; bit 0: pending_send_size is honoured */
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_ring_hdr_wire) == 68, "ring header");

#define VMB_RING_FEATURE_PENDING 1u

enum vmb_pkt_type {
	VMB_PKT_INBAND = 6,
	VMB_PKT_XFER = 7,
	VMB_PKT_GPA_DIRECT = 9,
	VMB_PKT_CANCEL = 10,
	VMB_PKT_COMPLETION = 11,
};

#define VMB_PKT_FLAG_COMPLETION 1u /* the sender wants a completion */

struct vmb_pkt_desc_wire {
	uint16_t type;
	uint16_t offset8; /* start of the payload, in units of 8 bytes */
	uint16_t len8;    /* descriptor + header + payload, in units of 8, without the trailer */
	uint16_t flags;
	uint64_t xid;
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_pkt_desc_wire) == 16, "packet descriptor");

#define VMB_PKT_TRAILER 8u

/** Follows the descriptor of VMB_PKT_XFER. */
struct vmb_xfer_wire {
	uint16_t set_id;
	uint8_t sender_owns;
	uint8_t rsvd;
	uint32_t n_ranges;
} __attribute__((packed));

struct vmb_xfer_range_wire {
	uint32_t size;
	uint32_t offset;
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_xfer_wire) == 8 && sizeof(struct vmb_xfer_range_wire) == 8,
	       "transfer pages");

/** Follows the descriptor of VMB_PKT_GPA_DIRECT. */
struct vmb_gpa_direct_wire {
	uint32_t rsvd; /* may hold garbage */
	uint32_t n_ranges;
} __attribute__((packed));

/** Then so often: this, and one u64 page number per page touched. */
struct vmb_gpa_range_wire {
	uint32_t size;
	uint32_t offset;
} __attribute__((packed));
_Static_assert(sizeof(struct vmb_gpa_direct_wire) == 8 && sizeof(struct vmb_gpa_range_wire) == 8,
	       "GPA direct");
