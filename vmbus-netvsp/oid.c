/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NDIS objects a driver asks for or sets. A white list: what is not in it is "not supported", and
 * no offset or pointer inside a value is ever followed beyond the value.
 */
#include "vmbus-netvsp/netvsp_priv.h"

#define OID_SUPPORTED_LIST        0x00010101u
#define OID_HARDWARE_STATUS       0x00010102u
#define OID_MEDIA_SUPPORTED       0x00010103u
#define OID_MEDIA_IN_USE          0x00010104u
#define OID_MAXIMUM_LOOKAHEAD     0x00010105u
#define OID_MAXIMUM_FRAME_SIZE    0x00010106u
#define OID_LINK_SPEED            0x00010107u
#define OID_TRANSMIT_SPACE        0x00010108u
#define OID_RECEIVE_SPACE         0x00010109u
#define OID_TRANSMIT_BLOCK        0x0001010au
#define OID_RECEIVE_BLOCK         0x0001010bu
#define OID_VENDOR_ID             0x0001010cu
#define OID_VENDOR_DESCRIPTION    0x0001010du
#define OID_PACKET_FILTER         0x0001010eu
#define OID_CURRENT_LOOKAHEAD     0x0001010fu
#define OID_DRIVER_VERSION        0x00010110u
#define OID_MAXIMUM_TOTAL_SIZE    0x00010111u
#define OID_MAC_OPTIONS           0x00010113u
#define OID_MEDIA_CONNECT_STATUS  0x00010114u
#define OID_MAXIMUM_SEND_PACKETS  0x00010115u
#define OID_VENDOR_DRIVER_VERSION 0x00010116u
#define OID_NETWORK_ADDRESSES     0x00010118u
#define OID_RSS_CAPABILITIES      0x00010203u
#define OID_RSS_PARAMETERS        0x00010204u
#define OID_MAX_LINK_SPEED        0x00010206u
#define OID_LINK_STATE            0x00010207u
#define OID_FRIENDLY_NAME         0x00020216u
#define OID_RNDIS_CONFIG          0x0001021bu
#define OID_XMIT_OK               0x00020101u
#define OID_RCV_OK                0x00020102u
#define OID_XMIT_ERROR            0x00020103u
#define OID_RCV_ERROR             0x00020104u
#define OID_RCV_NO_BUFFER         0x00020105u
#define OID_PERMANENT_ADDRESS     0x01010101u
#define OID_CURRENT_ADDRESS       0x01010102u
#define OID_MULTICAST_LIST        0x01010103u
#define OID_MAXIMUM_LIST_SIZE     0x01010104u
#define OID_RCV_ERROR_ALIGNMENT   0x01020101u
#define OID_XMIT_ONE_COLLISION    0x01020102u
#define OID_XMIT_MORE_COLLISIONS  0x01020103u
#define OID_OFFLOAD_CURRENT       0xfc01020bu
#define OID_OFFLOAD_PARAMETERS    0xfc01020cu
#define OID_OFFLOAD_HARDWARE      0xfc01020du
#define OID_OFFLOAD_ENCAPSULATION 0x0101010au

#define LSO_MAX 0xf53cu /* 62780, as vmswitch says */

static const uint32_t supported[] = {
	OID_SUPPORTED_LIST,
	OID_HARDWARE_STATUS,
	OID_MEDIA_SUPPORTED,
	OID_MEDIA_IN_USE,
	OID_MAXIMUM_LOOKAHEAD,
	OID_MAXIMUM_FRAME_SIZE,
	OID_LINK_SPEED,
	OID_TRANSMIT_SPACE,
	OID_RECEIVE_SPACE,
	OID_TRANSMIT_BLOCK,
	OID_RECEIVE_BLOCK,
	OID_VENDOR_ID,
	OID_VENDOR_DESCRIPTION,
	OID_PACKET_FILTER,
	OID_CURRENT_LOOKAHEAD,
	OID_DRIVER_VERSION,
	OID_MAXIMUM_TOTAL_SIZE,
	OID_MAC_OPTIONS,
	OID_MEDIA_CONNECT_STATUS,
	OID_MAXIMUM_SEND_PACKETS,
	OID_VENDOR_DRIVER_VERSION,
	OID_NETWORK_ADDRESSES,
	OID_RSS_CAPABILITIES,
	OID_RSS_PARAMETERS,
	OID_MAX_LINK_SPEED,
	OID_LINK_STATE,
	OID_FRIENDLY_NAME,
	OID_RNDIS_CONFIG,
	OID_XMIT_OK,
	OID_RCV_OK,
	OID_XMIT_ERROR,
	OID_RCV_ERROR,
	OID_RCV_NO_BUFFER,
	OID_PERMANENT_ADDRESS,
	OID_CURRENT_ADDRESS,
	OID_MULTICAST_LIST,
	OID_MAXIMUM_LIST_SIZE,
	OID_RCV_ERROR_ALIGNMENT,
	OID_XMIT_ONE_COLLISION,
	OID_XMIT_MORE_COLLISIONS,
	OID_OFFLOAD_CURRENT,
	OID_OFFLOAD_PARAMETERS,
	OID_OFFLOAD_HARDWARE,
	OID_OFFLOAD_ENCAPSULATION,
};

static uint32_t put(uint8_t *out, uint32_t *size, const void *value, uint32_t n)
{
	memcpy(out, value, n);
	*size = n;
	return NDIS_STATUS_OK;
}

static uint32_t put32(uint8_t *out, uint32_t *size, uint32_t value)
{
	return put(out, size, &value, 4);
}

void nvsp_offload_config(const struct nvsp_dev *dev, struct ndis_offload_wire *o, bool current)
{
	bool rsc = dev->version >= NVSP_V61 && dev->caps & NVSP_CAP_RSC;

	memset(o, 0, sizeof(*o));
	o->hdr = (struct ndis_object_wire){0xa7, 3, sizeof(*o)};
	if (dev->version <= NVSP_V4) { /* their driver has room for an older revision only */
		o->hdr.revision = 1;
		o->hdr.size = 112;
	}
	o->csum.v4_tx_encap = o->csum.v4_rx_encap = o->csum.v6_tx_encap = o->csum.v6_rx_encap = 2;
	o->csum.v4_tx = o->csum.v4_rx = 0x1 | 0x4 | 0x10 | 0x40 | 0x100;
	o->csum.v6_tx = o->csum.v6_rx = 0x1 | 0x4 | 0x10 | 0x40;
	o->lso2.v4_encap = o->lso2.v6_encap = 2;
	o->lso2.v4_max = o->lso2.v6_max = LSO_MAX;
	o->lso2.v4_min_segs = o->lso2.v6_min_segs = 2;
	o->lso2.v6_opts = 0x1 | 0x4;
	o->rsc_v4 = rsc && (!current || dev->rsc_v4);
	o->rsc_v6 = rsc && (!current || dev->rsc_v6);
}

static uint32_t query_offload(struct nvsp_dev *dev, uint8_t *out, uint32_t *size, bool current)
{
	struct ndis_offload_wire o;

	nvsp_offload_config(dev, &o, current);
	return put(out, size, &o, o.hdr.size);
}

static uint32_t query_rss(struct nvsp_dev *dev, uint8_t *out, uint32_t *size)
{
	struct ndis_rss_caps_wire r = {
		.hdr = {0x88, 2, sizeof(r)},
		.caps = 0x1 | 0x100 | 0x200,
		.n_messages = dev->cfg.max_queues,
		.n_queues = dev->cfg.max_queues,
		.n_entries = RSS_ENTRIES,
	};

	if (dev->version < NVSP_V5)
		return NDIS_STATUS_NOT_SUPPORTED;
	return put(out, size, &r, sizeof(r));
}

static uint32_t query_link_state(struct nvsp_dev *dev, uint8_t *out, uint32_t *size)
{
	struct {
		struct ndis_object_wire hdr;
		uint32_t connect, duplex, pad;
		uint64_t tx, rx;
		uint32_t pause, negotiation;
	} __attribute__((packed)) s = {{0x80, 1, 40},      dev->link_up ? 1 : 2, 0, 0,
				       dev->cfg.speed_bps, dev->cfg.speed_bps,   0, 0};

	return put(out, size, &s, sizeof(s));
}

static uint32_t query_name(struct nvsp_dev *dev, uint8_t *out, uint32_t *size)
{
	uint32_t n = (uint32_t)strnlen(dev->cfg.name, sizeof(dev->cfg.name));

	for (uint32_t i = 0; i < n; i++) {
		out[2 * i] = (uint8_t)dev->cfg.name[i];
		out[2 * i + 1] = 0;
	}
	*size = 2 * n;
	return n ? NDIS_STATUS_OK : NDIS_STATUS_NOT_SUPPORTED;
}

/* The ones whose value is one number. */
static bool query_number(const struct nvsp_dev *dev, uint32_t oid, uint32_t *ret)
{
	switch (oid) {
	case OID_HARDWARE_STATUS:
	case OID_MEDIA_SUPPORTED:
	case OID_MEDIA_IN_USE:
	case OID_XMIT_OK:
	case OID_RCV_OK:
	case OID_XMIT_ERROR:
	case OID_RCV_ERROR:
	case OID_RCV_NO_BUFFER:
	case OID_RCV_ERROR_ALIGNMENT:
	case OID_XMIT_ONE_COLLISION:
	case OID_XMIT_MORE_COLLISIONS:
		*ret = 0;
		return true;
	case OID_MAXIMUM_LOOKAHEAD:
	case OID_CURRENT_LOOKAHEAD:
	case OID_MAXIMUM_FRAME_SIZE:
		*ret = dev->mtu;
		return true;
	case OID_MAXIMUM_TOTAL_SIZE:
	case OID_TRANSMIT_BLOCK:
	case OID_RECEIVE_BLOCK:
		*ret = dev->mtu + ETH_HDR;
		return true;
	case OID_LINK_SPEED: /* 100 bit/s */
		*ret = dev->cfg.speed_bps / 100 > 0xffffffffu
			       ? 0xffffffffu
			       : (uint32_t)(dev->cfg.speed_bps / 100);
		return true;
	case OID_TRANSMIT_SPACE:
	case OID_RECEIVE_SPACE:
		*ret = 262144;
		return true;
	case OID_VENDOR_ID:
		*ret = 0x0000155d;
		return true;
	case OID_PACKET_FILTER:
		*ret = dev->filter;
		return true;
	case OID_MAC_OPTIONS:
		*ret = 0x24d;
		return true;
	case OID_MEDIA_CONNECT_STATUS:
		*ret = !dev->link_up;
		return true;
	case OID_MAXIMUM_SEND_PACKETS:
		*ret = 0xffffffffu;
		return true;
	case OID_VENDOR_DRIVER_VERSION:
		*ret = 0x100;
		return true;
	case OID_MAXIMUM_LIST_SIZE:
		*ret = 32;
		return true;
	default:
		return false;
	}
}

uint32_t nvsp_oid_query(struct nvsp_dev *dev, uint32_t oid, uint8_t *out, uint32_t *size)
{
	uint64_t speeds[2] = {dev->cfg.speed_bps, dev->cfg.speed_bps};
	uint16_t version = 0x100;
	uint32_t v;

	*size = 0;
	/* what the guest hears first is the state now: later changes are events */
	if (oid == OID_MEDIA_CONNECT_STATUS || oid == OID_LINK_STATE)
		dev->link_told = dev->link_up;
	if (query_number(dev, oid, &v))
		return put32(out, size, v);
	switch (oid) {
	case OID_SUPPORTED_LIST:
		return put(out, size, supported, sizeof(supported));
	case OID_VENDOR_DESCRIPTION:
		return put(out, size, "Viridian network adapter", 25);
	case OID_DRIVER_VERSION:
		return put(out, size, &version, 2);
	case OID_PERMANENT_ADDRESS:
		return put(out, size, dev->cfg.mac, 6);
	case OID_CURRENT_ADDRESS:
		return put(out, size, dev->mac, 6);
	case OID_FRIENDLY_NAME:
		return query_name(dev, out, size);
	case OID_OFFLOAD_HARDWARE:
		return query_offload(dev, out, size, false);
	case OID_OFFLOAD_CURRENT:
		return query_offload(dev, out, size, true);
	case OID_RSS_CAPABILITIES:
		return query_rss(dev, out, size);
	case OID_MAX_LINK_SPEED:
		return put(out, size, speeds, sizeof(speeds));
	case OID_LINK_STATE:
		return query_link_state(dev, out, size);
	case OID_OFFLOAD_ENCAPSULATION:
	default:
		return NDIS_STATUS_NOT_SUPPORTED;
	}
}

static uint32_t set_filter(struct nvsp_dev *dev, const uint8_t *in, uint32_t size)
{
	uint32_t v;

	if (size < 4)
		return NDIS_STATUS_INVALID_LENGTH;
	memcpy(&v, in, 4);
	if (v == dev->filter)
		return NDIS_STATUS_OK;
	__atomic_store_n(&dev->filter, v, __ATOMIC_RELAXED);
	nvsp_event(dev, (struct nvsp_event){.kind = NVSP_EV_FILTER, .filter = v});
	return NDIS_STATUS_OK;
}

static uint32_t set_offload(struct nvsp_dev *dev, const uint8_t *in, uint32_t size)
{
	struct ndis_object_wire h;
	struct ndis_offload_wire o;

	if (size < 20)
		return NDIS_STATUS_INVALID_LENGTH;
	memcpy(&h, in, sizeof(h));
	if (h.type != 0x80 || h.size < 20 || h.size > size)
		return NDIS_STATUS_INVALID_DATA;
	/* checksum and LSO need no state: a driver that turned them off asks for none */
	if (h.size >= 24 && dev->version >= NVSP_V61 && dev->caps & NVSP_CAP_RSC) {
		if (in[22])
			dev->rsc_v4 = in[22] == 2;
		if (in[23])
			dev->rsc_v6 = in[23] == 2;
	}
	nvsp_event(dev, (struct nvsp_event){.kind = NVSP_EV_OFFLOAD});
	nvsp_offload_config(dev, &o, true);
	nvsp_indicate(dev, NDIS_STATUS_OFFLOAD_CONFIG, &o, o.hdr.size);
	return NDIS_STATUS_OK;
}

static int utf16_hex(const uint8_t *p)
{
	if (p[1])
		return -1;
	if (p[0] >= '0' && p[0] <= '9')
		return p[0] - '0';
	if ((p[0] | 32) >= 'a' && (p[0] | 32) <= 'f')
		return (p[0] | 32) - 'a' + 10;
	return -1;
}

static uint32_t set_mac(struct nvsp_dev *dev, const uint8_t *value, uint32_t size)
{
	uint8_t mac[6];

	if (size < 24)
		return NDIS_STATUS_INVALID_DATA;
	for (uint32_t i = 0; i < 6; i++) {
		int hi = utf16_hex(value + i * 4), lo = utf16_hex(value + i * 4 + 2);

		if (hi < 0 || lo < 0)
			return NDIS_STATUS_INVALID_DATA;
		mac[i] = (uint8_t)(hi << 4 | lo);
	}
	if (mac[0] & 1 || !dev->ops->set_mac || dev->ops->set_mac(dev->ctx, mac))
		return NDIS_STATUS_FAILURE;
	memcpy(dev->mac, mac, 6);
	return NDIS_STATUS_OK;
}

/* {name offset, name size, type, value offset, value size}, names in UTF-16. */
static uint32_t set_config(struct nvsp_dev *dev, const uint8_t *in, uint32_t size)
{
	static const char name[] = "NetworkAddress";
	uint32_t p[5];

	if (size < sizeof(p))
		return NDIS_STATUS_INVALID_LENGTH;
	memcpy(p, in, sizeof(p));
	if (p[0] > size || p[1] > size - p[0] || p[3] > size || p[4] > size - p[3])
		return NDIS_STATUS_INVALID_DATA;
	if (p[1] < 2 * (sizeof(name) - 1))
		return NDIS_STATUS_OK;
	for (uint32_t i = 0; i < sizeof(name) - 1; i++)
		if (in[p[0] + 2 * i] != (uint8_t)name[i] || in[p[0] + 2 * i + 1])
			return NDIS_STATUS_OK; /* another setting: Windows sends many */
	return p[2] == 2 ? set_mac(dev, in + p[3], p[4]) : NDIS_STATUS_INVALID_DATA;
}

static uint32_t set_encapsulation(const uint8_t *in, uint32_t size)
{
	struct ndis_object_wire h;
	uint32_t v[3];

	if (size < 28)
		return NDIS_STATUS_INVALID_LENGTH;
	memcpy(&h, in, sizeof(h));
	memcpy(v, in + 4, sizeof(v));
	if (h.type != 0xa8 || h.size < 28)
		return NDIS_STATUS_INVALID_DATA;
	return v[0] != 1 || (v[1] == 2 && v[2] == ETH_HDR) ? NDIS_STATUS_OK
							   : NDIS_STATUS_NOT_SUPPORTED;
}

uint32_t nvsp_oid_set(struct nvsp_dev *dev, uint32_t oid, const uint8_t *in, uint32_t size)
{
	switch (oid) {
	case OID_PACKET_FILTER:
		return set_filter(dev, in, size);
	case OID_OFFLOAD_PARAMETERS:
		return set_offload(dev, in, size);
	case OID_RSS_PARAMETERS:
		return nvsp_rss_set(dev, in, size);
	case OID_RNDIS_CONFIG:
		return set_config(dev, in, size);
	case OID_OFFLOAD_ENCAPSULATION:
		return set_encapsulation(in, size);
	case OID_NETWORK_ADDRESSES:
	case OID_MULTICAST_LIST:
	case OID_CURRENT_LOOKAHEAD:
		return NDIS_STATUS_OK;
	default:
		return NDIS_STATUS_NOT_SUPPORTED;
	}
}
