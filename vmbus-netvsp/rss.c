/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Receive-side scaling: the guest's parameters, Toeplitz hash, choice of queue. */
#include "vmbus-netvsp/netvsp_priv.h"

#define RSS_FLAG_DISABLE    0x10u
#define RSS_TABLE_UNCHANGED 0x02u
#define RSS_KEY_UNCHANGED   0x08u
#define HASH_V4             0x100u
#define HASH_TCP4           0x200u
#define HASH_V6             0x400u
#define HASH_TCP6           0x1000u

/* One table look-up for each 4 bits of input: the XOR of the key windows of its set bits. */
void nvsp_rss_key(struct nvsp_dev *dev, const uint8_t *key)
{
	memmove(dev->rss_key, key, RSS_KEY);
	for (uint32_t byte = 0; byte < RSS_KEY - 4; byte++) {
		uint64_t window = 0;

		for (uint32_t k = 0; k < 5; k++)
			window = window << 8 | key[byte + k];
		for (uint32_t half = 0; half < 2; half++) {
			for (uint32_t v = 0; v < 16; v++) {
				uint32_t sum = 0;

				for (uint32_t bit = 0; bit < 4; bit++)
					if (v & 8u >> bit)
						sum ^= (uint32_t)(window >> (8 - half * 4 - bit));
				dev->rss_lut[byte][half][v] = sum;
			}
		}
	}
}

static uint32_t toeplitz(const struct nvsp_dev *dev, const uint8_t *in, uint32_t n, uint32_t at)
{
	uint32_t h = 0;

	for (uint32_t i = 0; i < n; i++)
		h ^= dev->rss_lut[at + i][0][in[i] >> 4] ^ dev->rss_lut[at + i][1][in[i] & 15];
	return h;
}

uint32_t nvsp_rss_set(struct nvsp_dev *dev, const uint8_t *in, uint32_t size)
{
	struct ndis_rss_params_wire p;
	uint32_t n, q;

	if (size < sizeof(p) - sizeof(p.masks))
		return NDIS_STATUS_INVALID_LENGTH;
	memset(&p, 0, sizeof(p));
	memcpy(&p, in, size < sizeof(p) ? size : sizeof(p));
	if (p.hdr.type != 0x89)
		return NDIS_STATUS_INVALID_DATA;
	if (p.flags & RSS_FLAG_DISABLE || !(p.hash_info & 0xff)) {
		dev->rss_on = false;
		return NDIS_STATUS_OK;
	}
	n = p.table_size / 4u;
	if (p.table_size % 4 || !n || n > RSS_ENTRIES || p.table_offset > size ||
	    p.table_size > size - p.table_offset)
		return NDIS_STATUS_INVALID_DATA;
	if (p.key_size != RSS_KEY || p.key_offset > size || RSS_KEY > size - p.key_offset)
		return NDIS_STATUS_INVALID_DATA;
	for (uint32_t i = 0; i < n; i++) {
		memcpy(&q, in + p.table_offset + i * 4, 4);
		if (q >= dev->n_queues)
			return NDIS_STATUS_INVALID_DATA;
	}
	for (uint32_t i = 0; i < RSS_ENTRIES; i++) {
		memcpy(&q, in + p.table_offset + i % n * 4, 4);
		dev->rss_table[i] = (uint16_t)q;
	}
	nvsp_rss_key(dev, in + p.key_offset);
	dev->rss_hash_types = p.hash_info & 0xffffff00u;
	__atomic_store_n(&dev->rss_on, true, __ATOMIC_RELEASE);
	return NDIS_STATUS_OK;
}

bool nvsp_rss_hash(const struct nvsp_dev *dev, const uint8_t *hdr, uint32_t size, uint32_t *ret)
{
	uint32_t ip = ETH_HDR, types = dev->rss_hash_types, l4, h;
	bool tcp;

	if (!__atomic_load_n(&dev->rss_on, __ATOMIC_ACQUIRE) || size < ETH_HDR + 20)
		return false;
	if (hdr[12] == 0x81 && hdr[13] == 0)
		ip += 4;
	if (size < ip + 20)
		return false;
	if (hdr[ip - 2] == 0x08 && hdr[ip - 1] == 0x00) {
		l4 = ip + (hdr[ip] & 15u) * 4;
		/* only the first fragment has ports: hash none of them by ports */
		tcp = types & HASH_TCP4 && hdr[ip + 9] == 6 && !(hdr[ip + 6] & 0x3f) &&
		      !hdr[ip + 7] && size >= l4 + 4;
		if (!tcp && !(types & HASH_V4))
			return false;
		h = toeplitz(dev, hdr + ip + 12, 8, 0);
		*ret = tcp ? h ^ toeplitz(dev, hdr + l4, 4, 8) : h;
		return true;
	}
	if (hdr[ip - 2] != 0x86 || hdr[ip - 1] != 0xdd || size < ip + 40)
		return false;
	tcp = types & HASH_TCP6 && hdr[ip + 6] == 6 && size >= ip + 44;
	if (!tcp && !(types & HASH_V6))
		return false;
	h = toeplitz(dev, hdr + ip + 8, 32, 0);
	*ret = tcp ? h ^ toeplitz(dev, hdr + ip + 40, 4, 32) : h;
	return true;
}

bool nvsp_rss_on(const struct nvsp_dev *dev)
{
	return dev->n_queues > 1 && __atomic_load_n(&dev->rss_on, __ATOMIC_RELAXED);
}

uint32_t nvsp_rss_queue(const struct nvsp_dev *dev, uint32_t hash)
{
	uint32_t q;

	if (!__atomic_load_n(&dev->rss_on, __ATOMIC_ACQUIRE))
		return 0;
	q = dev->rss_table[hash % RSS_ENTRIES];
	/* the table may outlive a queue by a moment */
	return q < dev->n_queues && nvsp_chan_is_open(&dev->chans[q]) ? q : 0;
}
