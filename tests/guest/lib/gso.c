/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gso - send a TCP stream as super-frames with partial checksums, to a receiver that never answers.
 *
 *	gso IFNAME DST_MAC DST_IP SIZE		print "SIZE HASH" of the payload sent
 *
 * A packet socket with a virtio-net header hands the kernel frames as TCP would: up to 44 segments
 * of MSS bytes in one, the checksum field holding the sum of the pseudo-header only. With TSO on,
 * the NIC driver passes them on as they are; with TSO off, the guest's kernel cuts them first. The
 * sequence numbers start at 0, so that pcapsum can check that nothing is missing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "stream.h"

#define MSS         1448u
#define TCP_SIZE    32u /* with 12 bytes of options, as a stream with timestamps has */
#define PAYLOAD_MAX (44u * MSS)
#define SRC_PORT    40000
#define DST_PORT    5001
#define SRC_IP      "10.77.0.1"
#define DEADLINE_S  900

struct frame {
	struct virtio_net_hdr vnet;
	struct ether_header eth;
	struct iphdr ip;
	struct tcphdr tcp;
	uint8_t options[TCP_SIZE - sizeof(struct tcphdr)];
	uint8_t payload[PAYLOAD_MAX];
} __attribute__((packed));

#define HEADERS_SIZE (sizeof(struct ether_header) + sizeof(struct iphdr) + TCP_SIZE)

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* One's complement sum, not yet inverted. */
static uint16_t sum(const void *data, size_t size, uint32_t total)
{
	const uint8_t *p = data;

	for (size_t i = 0; i + 1 < size; i += 2)
		total += p[i] << 8 | p[i + 1];
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

static void finish_headers(struct frame *f, uint32_t seq, size_t size)
{
	size_t l4_size = TCP_SIZE + size;

	f->ip.tot_len = htons(sizeof(f->ip) + l4_size);
	f->ip.check = 0;
	f->ip.check = htons(~sum(&f->ip, sizeof(f->ip), 0));
	f->tcp.seq = htonl(seq);
	f->tcp.check = htons(sum(&f->ip.saddr, 8, IPPROTO_TCP + l4_size));
	f->vnet = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.hdr_len = HEADERS_SIZE,
		.csum_start = sizeof(f->eth) + sizeof(f->ip),
		.csum_offset = 16,
	};
	if (size > MSS) {
		f->vnet.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		f->vnet.gso_size = MSS;
	}
}

static void init_headers(struct frame *f, const uint8_t src[6], const uint8_t dst[6], in_addr_t to)
{
	memcpy(f->eth.ether_shost, src, 6);
	memcpy(f->eth.ether_dhost, dst, 6);
	f->eth.ether_type = htons(ETHERTYPE_IP);
	f->ip = (struct iphdr){.version = 4,
			       .ihl = 5,
			       .ttl = 64,
			       .protocol = IPPROTO_TCP,
			       .saddr = inet_addr(SRC_IP),
			       .daddr = to};
	f->tcp = (struct tcphdr){.source = htons(SRC_PORT),
				 .dest = htons(DST_PORT),
				 .doff = TCP_SIZE / 4,
				 .ack = 1,
				 .window = htons(65535)};
	memset(f->options, 1, sizeof(f->options)); /* no-operation */
}

static int send_stream(int fd, const struct sockaddr_ll *to, struct frame *f, uint64_t size)
{
	static uint64_t block[PAYLOAD_MAX / sizeof(uint64_t)];
	const struct timespec pause = {.tv_nsec = 1000000};
	struct stream_hash h = {0};
	uint64_t left = size, x = size | 1;

	while (left) {
		size_t part = left < PAYLOAD_MAX ? left : PAYLOAD_MAX;

		stream_fill(block, PAYLOAD_MAX / sizeof(uint64_t), &x);
		memcpy(f->payload, block, part);
		finish_headers(f, (uint32_t)h.size, part);
		stream_hash(&h, block, part);
		/* The queue of the NIC is full: wait, and never lose a frame of our own. */
		while (sendto(fd, f, sizeof(f->vnet) + HEADERS_SIZE + part, 0,
			      (const struct sockaddr *)to, sizeof(*to)) < 0) {
			if (errno != ENOBUFS && errno != EAGAIN)
				return fail("sendto");
			nanosleep(&pause, NULL);
		}
		left -= part;
	}
	stream_hash_print(&h);
	printf("\n");
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_halen = 6};
	static struct frame f;
	struct ifreq ifr = {0};
	uint8_t dst[6];
	int fd, on = 1;

	alarm(DEADLINE_S);
	if (argc != 5 || sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &dst[0], &dst[1], &dst[2],
				&dst[3], &dst[4], &dst[5]) != 6) {
		fprintf(stderr, "usage: gso IFNAME DST_MAC DST_IP SIZE\n");
		return 2;
	}
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	strncpy(ifr.ifr_name, argv[1], IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &ifr))
		return fail(argv[1]);
	if (setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)))
		return fail("PACKET_VNET_HDR");
	to.sll_ifindex = if_nametoindex(argv[1]);
	to.sll_protocol = htons(ETH_P_IP);
	memcpy(to.sll_addr, dst, 6);
	init_headers(&f, (uint8_t *)ifr.ifr_hwaddr.sa_data, dst, inet_addr(argv[3]));
	return send_stream(fd, &to, &f, strtoull(argv[4], NULL, 0));
}
