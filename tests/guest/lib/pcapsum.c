/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcapsum - check what gso sent, in a capture file.
 *
 *	pcapsum FILE MAX_FRAME_SIZE	print "SIZE HASH FRAMES TAG": payload and its hash, frames
 *					of the stream, and their VLAN id (0: untagged)
 *
 * Every TCP frame must be complete, no longer than MAX_FRAME_SIZE (without its tag), with right IP
 * and TCP checksums, the sequence number that follows, and the tag of the first one. Exit status 1
 * and one line on stderr at the first that is not. Frames of other protocols are left out.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdlib.h>

#include "stream.h"

#define PCAP_MAGIC_US  0xa1b2c3d4u
#define PCAP_MAGIC_NS  0xa1b23c4du
#define ETH_SIZE       14u
#define TAG_SIZE       4u
#define IP_SIZE        20u
#define FRAME_SIZE_MAX 262144u

struct pcap_file_header {
	uint32_t magic, version, zone, sigfigs, snaplen, linktype;
};

struct pcap_record {
	uint32_t s, fraction, caplen, len;
};

struct check {
	struct stream_hash hash;
	uint64_t n_frames;
	unsigned int vlan;
	size_t max_size;
};

static int bad(const struct check *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int bad(const struct check *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "pcapsum: frame %" PRIu64 " of the stream: ", c->n_frames);
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	return -1;
}

static unsigned int be16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static uint16_t sum(const uint8_t *p, size_t size, uint32_t total)
{
	for (size_t i = 0; i < size; i++)
		total += i & 1 ? p[i] : p[i] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

/* The IP packet of one frame of the stream. */
static int check_ip(struct check *c, const uint8_t *ip, size_t size)
{
	size_t total = be16(ip + 2), tcp_size;
	const uint8_t *tcp = ip + IP_SIZE;

	if (total > size || total < IP_SIZE + 20)
		return bad(c, "IP length %zu of %zu", total, size);
	if (sum(ip, IP_SIZE, 0) != 0xffff)
		return bad(c, "wrong IP checksum");
	tcp_size = (size_t)(tcp[12] >> 4) * 4;
	if (tcp_size < 20 || IP_SIZE + tcp_size > total)
		return bad(c, "TCP header of %zu", tcp_size);
	if (sum(tcp, total - IP_SIZE, sum(ip + 12, 8, 6 + total - IP_SIZE)) != 0xffff)
		return bad(c, "wrong TCP checksum %04x", be16(tcp + 16));
	if (be32(tcp + 4) != (uint32_t)c->hash.size)
		return bad(c, "sequence %u, wanted %u", be32(tcp + 4), (uint32_t)c->hash.size);
	stream_hash(&c->hash, tcp + tcp_size, total - IP_SIZE - tcp_size);
	return 0;
}

static int check_frame(struct check *c, const uint8_t *p, size_t size, size_t wire_size)
{
	unsigned int vlan = 0, type;
	size_t offset = ETH_SIZE;

	if (size < ETH_SIZE + TAG_SIZE + IP_SIZE)
		return 0;
	type = be16(p + 12);
	if (type == 0x8100) {
		vlan = be16(p + 14) & 0xfff;
		type = be16(p + 16);
		offset += TAG_SIZE;
	}
	if (type != 0x0800 || p[offset] != 0x45 || p[offset + 9] != 6)
		return 0;
	if (size != wire_size || size - (offset - ETH_SIZE) > c->max_size)
		return bad(c, "%zu of %zu bytes, at most %zu allowed", size, wire_size,
			   c->max_size);
	if (c->n_frames && vlan != c->vlan)
		return bad(c, "VLAN %u, before %u", vlan, c->vlan);
	c->vlan = vlan;
	if (check_ip(c, p + offset, size - offset))
		return -1;
	c->n_frames++;
	return 0;
}

static int check_file(struct check *c, FILE *file)
{
	static uint8_t frame[FRAME_SIZE_MAX];
	struct pcap_file_header h;
	struct pcap_record r;

	if (fread(&h, sizeof(h), 1, file) != 1 ||
	    (h.magic != PCAP_MAGIC_US && h.magic != PCAP_MAGIC_NS))
		return bad(c, "not a pcap file of this machine");
	while (fread(&r, sizeof(r), 1, file) == 1) {
		if (r.caplen > sizeof(frame) || fread(frame, r.caplen, 1, file) != 1)
			return bad(c, "the file is cut off");
		if (check_frame(c, frame, r.caplen, r.len))
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct check c = {0};
	FILE *file;

	if (argc != 3) {
		fprintf(stderr, "usage: pcapsum FILE MAX_FRAME_SIZE\n");
		return 2;
	}
	c.max_size = strtoul(argv[2], NULL, 0);
	file = fopen(argv[1], "rb");
	if (!file) {
		perror(argv[1]);
		return 1;
	}
	if (check_file(&c, file))
		return 1;
	stream_hash_print(&c.hash);
	printf(" %" PRIu64 " %u\n", c.n_frames, c.vlan);
	return 0;
}
