/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Microsoft's Statement of Health on the wire: decode what a client says (SoH), encode an answer
 * (SoHR), and encode a SoH of our own (tests, peers).
 *
 * Both forms are read: raw (as in RADIUS and DHCP) and with the PEAP wrapper around it. Whatever breaks
 * the structure makes the whole statement invalid, with a reason: it then says nothing, and the port
 * stays as it is. Bytes come from strangers; nothing is read before its length was checked.
 *
 * Limits: 4000 bytes, 100 attributes, 20 entities (those of the Win32 API).
 * Source: MS-WSH, MS-RNAP 2.2.1, TCG IF-TNCCS-SOH 1.0. Thread-safety: pure functions.
 * Proof: tests/unit/nap-policy/test_soh.c, tests/fuzz/fuzz_nap_soh.c.
 */
#pragma once

#include "nap-policy/report.h"

#define NAP_SOH_VENDOR       0x137u
#define NAP_SOH_SYSTEM       0x00013700u /* the system's own statement comes first */
#define NAP_SOH_WSHA         0x00013780u /* the Windows Security Health Agent */
#define NAP_SOH_SIZE_MIN     12u
#define NAP_SOH_SIZE_MAX     4000u
#define NAP_SOH_WRAPPER_SIZE 12u
#define NAP_SOH_ATTRIBUTES   100u
#define NAP_SOH_ENTRIES      20u
#define NAP_SOH_PRODUCTS     16u
#define NAP_SOH_CORRELATION  24u
#define NAP_SOH_URL_SIZE     256u
#define NAP_FILETIME_NEVER   UINT64_MAX
#define NAP_FILETIME_UNIX    INT64_C(11644473600) /* seconds from 1601 to 1970 */

/** Quarantine state in a SoH and SoHR; RADIUS numbers them otherwise: see nap_qstate_*(). */
enum nap_soh_qstate { NAP_SOH_FULL = 1, NAP_SOH_PROBATION = 2, NAP_SOH_RESTRICTED = 3 };

enum nap_soh_class {
	NAP_SOH_FIREWALL,
	NAP_SOH_ANTIVIRUS,
	NAP_SOH_ANTISPYWARE,
	NAP_SOH_UPDATES, /* are they automatic */
	NAP_SOH_PATCHES, /* is one missing */
	NAP_SOH_N_CLASSES,
};

/** Status of one product of a class. */
struct nap_soh_product {
	uint8_t class;
	bool begins; /* it is the first behind its class */
	bool named;
	uint8_t name_size; /* bytes of UTF-16LE */
	uint8_t name[64];
	uint32_t status;
};

/** The agent's statement about Windows. */
struct nap_soh_wsha {
	bool present;
	uint32_t counter; /* of statements sent: tells repeats */
	uint32_t version; /* of the agent; 0: not said */
	struct nap_soh_product products[NAP_SOH_PRODUCTS];
	unsigned int n_products;
	/* of class PATCHES, when something is missing */
	bool has_sync;
	uint32_t since_sync_s, update_flags;
	uint8_t wsus[64];
	uint8_t wsus_size;
};

/** The rest: one agent's id, and how it failed if it did. */
struct nap_soh_entry {
	uint32_t id;
	uint8_t failure; /* enum nap_failure */
	bool has_failure;
	uint16_t n_attributes;
};

struct nap_soh {
	bool wrapped;  /* in PEAP's TLVs */
	bool response; /* a SoHR */
	bool has_header;
	uint8_t correlation[NAP_SOH_CORRELATION];
	uint8_t intent;
	/* the system's statement; a member whose flag is not set was absent */
	bool has_inventory, has_state, has_machine, has_correlation, has_product;
	uint32_t os_major, os_minor, os_build;
	uint16_t sp_major, sp_minor, arch;
	uint8_t packet_info;
	uint16_t qflags; /* state, auto-fix, extended state */
	uint64_t probation;
	char url[NAP_SOH_URL_SIZE];
	char machine[NAP_NAME_SIZE];
	uint8_t system_correlation[NAP_SOH_CORRELATION];
	uint32_t product_reserved;
	uint8_t product; /* 1 client, 2 domain controller, 3 server */
	struct nap_soh_entry entries[NAP_SOH_ENTRIES];
	unsigned int n_entries;
	struct nap_soh_wsha wsha;
};

/** Decode @size bytes. Return: 0; -EBADMSG and *@why (a constant text). */
int nap_soh_parse(const uint8_t *bytes, size_t size, struct nap_soh *ret, const char **why);

/** Copy a statement that parsed, in PEAP's TLVs or without, as @wrapped says; nothing of it changes. Returns its
 *  size; 0 when @room is too small. */
size_t nap_soh_rewrap(const uint8_t *bytes, size_t size, bool is_wrapped, bool wrapped,
		      uint8_t *buf, size_t room);

/** Is it the 12 bytes that ask a client for its statement? */
bool nap_soh_is_request(const uint8_t *bytes, size_t size);

/** Encode a SoH. Returns its size; 0 when @size is too small. */
size_t nap_soh_build(const struct nap_soh *soh, uint8_t *buf, size_t size);

/** The facts in a SoH: firewall, av, antispyware, updates, patches, and one fact per other agent
 *  ("soh.00013781") that failed. @ret is replaced. */
void nap_soh_facts(const struct nap_soh *soh, struct nap_time now, struct nap_report *ret);

/** An answer. */
struct nap_sohr {
	enum nap_soh_qstate state;
	bool fix;         /* agents should repair what they can */
	uint8_t extended; /* 0 none, 1 transition, 2 infected, 3 unknown; only when restricted */
	uint64_t probation_s;             /* Unix time; 0: none */
	const char *url;                  /* "" none */
	bool class_ok[NAP_SOH_N_CLASSES]; /* is each class as the policy wants it */
	bool class_current[NAP_SOH_N_CLASSES];
	uint8_t ipv4[16][4], ipv6[8][16]; /* remediation servers */
	unsigned int n_ipv4, n_ipv6;
};

/** Encode the answer to @soh: one entry for each of its. Wrapped when the SoH was. Returns its size; 0
 *  when @size is too small. */
size_t nap_sohr_build(const struct nap_soh *soh, const struct nap_sohr *answer, uint8_t *buf,
		      size_t size);

/* Three numberings of the same thing, converted by table and never by arithmetic. -1: no such value. */
int nap_qstate_to_radius(int soh_state);
int nap_qstate_from_radius(int radius_state);
int nap_qstate_to_dhcp(int soh_state);
int nap_qstate_from_dhcp(int dhcp_state);
