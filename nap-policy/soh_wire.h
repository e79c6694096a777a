/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of the SoH's TLVs (MS-WSH 2.2, IF-TNCCS-SOH 1.0); no behaviour. */
#pragma once

/* attributes: 16 bits of type (two flag bits, ignored), 16 bits of length */
#define SOH_TYPE_MASK       0x3fff
#define SOH_HEALTH_ID       2
#define SOH_IPV4_SERVERS    3
#define SOH_RESULT_CODES    4
#define SOH_VENDOR_SPECIFIC 7
#define SOH_CLASS           8
#define SOH_PRODUCT_NAME    10
#define SOH_CLASS_STATUS    11
#define SOH_FAILURE         14
#define SOH_IPV6_SERVERS    15
#define SOH_EXTENDED_STATE  16

/* inside of PEAP's vendor TLV */
#define SOH_MS_SOH     1
#define SOH_MS_REQUEST 2
#define SOH_MS_SOHR    3

/* inside of the SoH message: with and without the mode sub-header */
#define SOH_INNER_PLAIN  1
#define SOH_INNER_HEADED 2
#define SOH_HEADER_SIZE  34

/* type-values of the system's statement: no lengths, so an unknown one ends the list */
#define SOH_TV_INVENTORY   1
#define SOH_TV_STATE       2
#define SOH_TV_PACKET      3
#define SOH_TV_GENERATED   4
#define SOH_TV_MACHINE     5
#define SOH_TV_CORRELATION 6
#define SOH_TV_INSTALLED   7
#define SOH_TV_PRODUCT     8
#define SOH_PACKET_REQUEST 0x10
#define SOH_PACKET_SOH     0x11
#define SOH_PACKET_SOHR    0x01
#define SOH_QSTATE_MASK    7
#define SOH_QFLAG_FIX      8
#define SOH_EXTENDED_SHIFT 4

/* statuses of the classes */
#define SOH_ST_ENABLED     1u
#define SOH_ST_CURRENT     2u
#define SOH_ST_MICROSOFT   4u
#define SOH_ST_SNOOZED     8u
#define SOH_ST_BY_POLICY   0x100u
#define SOH_ST_COMPLETE    0x00ff0005u /* no update is missing */
#define SOH_ST_MISSING     0x00ff0006u
#define SOH_ST_NOT_STARTED 0x00ff0008u
#define SOH_ST_NO_PRODUCT  0xc0ff0002u
#define SOH_ST_SERVICE     0xc0ff0003u
#define SOH_ST_NO_WSUS     0xc0ff000cu
#define SOH_ST_NO_CLIENT   0xc0ff000du
#define SOH_ST_DISABLED    0xc0ff000eu
#define SOH_ST_COMM        0xc0ff000fu
#define SOH_ST_REBOOT      0xc0ff0010u
#define SOH_ST_STOPPED     0xc0ff0018u

/* result codes of answers */
#define SOH_RC_OK          0u
#define SOH_RC_MS_OFF      0xc0ff0001u
#define SOH_RC_OTHER_OFF   0xc0ff0047u
#define SOH_RC_MS_OLD      0xc0ff0004u
#define SOH_RC_OTHER_OLD   0xc0ff0048u
#define SOH_RC_SYNC        0xc0ff0007u
#define SOH_RC_CANNOT_READ 0xc0ff0012u
