/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vswitch/control/pcapng.h"

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Offset of block @n; checks that both lengths of every block before it agree. */
static size_t block(const struct vsw_pcapng *p, unsigned int n)
{
	size_t at = p->start;

	while (n--) {
		uint32_t len = u32(p->buf + at + 4);

		CU_ASSERT_EQUAL(len % 4, 0);
		CU_ASSERT_TRUE_FATAL(len >= 12 && at + len <= p->size);
		CU_ASSERT_EQUAL(u32(p->buf + at + len - 4), len);
		at += len;
	}
	return at;
}

static void blocks_have_the_layout_of_the_draft(void)
{
	static const uint8_t frame[] = {1, 2, 3, 4, 5};
	struct vsw_pcapng p = {0};
	struct vsw_pcapng_packet pkt = {.iface = 0,
					.time_ns = UINT64_C(0x0102030405060708),
					.data = frame,
					.captured = 5,
					.original = 60,
					.dir = VSW_PCAPNG_OUTBOUND,
					.comment = "drop: runt"};
	const uint8_t *b;

	CU_ASSERT_EQUAL(vsw_pcapng_section(&p, "test"), 0);
	CU_ASSERT_EQUAL(vsw_pcapng_interface(&p, "web1", NULL, 96), 0);
	CU_ASSERT_EQUAL(vsw_pcapng_packet(&p, &pkt), 0);
	CU_ASSERT_EQUAL(vsw_pcapng_statistics(&p, 0, 7, 1, 2), 0);
	CU_ASSERT_EQUAL(block(&p, 4), p.size);

	b = p.buf;
	CU_ASSERT_EQUAL(u32(b), 0x0a0d0d0a);
	CU_ASSERT_EQUAL(u32(b + 8), 0x1a2b3c4d);
	b = p.buf + block(&p, 1);
	CU_ASSERT_EQUAL(u32(b), 1);
	CU_ASSERT_EQUAL(u32(b + 8), 1); /* Ethernet */
	CU_ASSERT_EQUAL(u32(b + 12), 96);
	CU_ASSERT_EQUAL(u32(b + 16), 2 | 4 << 16); /* if_name, 4 bytes */
	CU_ASSERT_EQUAL(memcmp(b + 20, "web1", 4), 0);
	CU_ASSERT_EQUAL(u32(b + 24), 9 | 1 << 16); /* if_tsresol */
	CU_ASSERT_EQUAL(b[28], 9);
	b = p.buf + block(&p, 2);
	CU_ASSERT_EQUAL(u32(b), 6);
	CU_ASSERT_EQUAL(u32(b + 12), 0x01020304);
	CU_ASSERT_EQUAL(u32(b + 16), 0x05060708);
	CU_ASSERT_EQUAL(u32(b + 20), 5);
	CU_ASSERT_EQUAL(u32(b + 24), 60);
	CU_ASSERT_EQUAL(memcmp(b + 28, "\1\2\3\4\5\0\0\0", 8), 0);
	CU_ASSERT_EQUAL(u32(b + 36), 2 | 4 << 16);  /* epb_flags */
	CU_ASSERT_EQUAL(u32(b + 40), 2);            /* outbound */
	CU_ASSERT_EQUAL(u32(b + 44), 1 | 10 << 16); /* comment */
	CU_ASSERT_EQUAL(memcmp(b + 48, "drop: runt\0\0", 12), 0);
	vsw_pcapng_done(&p);
}

/* The oracle: libpcap's own reader. */
static void libpcap_reads_it_back(void)
{
	char path[] = "/tmp/vd-pcapng-XXXXXX", errbuf[PCAP_ERRBUF_SIZE];
	int fd = mkstemp(path);
	struct vsw_pcapng p = {0};
	uint8_t frame[1514];
	struct pcap_pkthdr *h;
	const u_char *data;
	pcap_t *in;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	vsw_pcapng_section(&p, "test");
	vsw_pcapng_interface(&p, "a", "tcp port 80", 65535);
	vsw_pcapng_interface(&p, "b", "tcp port 80", 65535);
	for (unsigned int i = 0; i < 1000; i++) {
		struct vsw_pcapng_packet pkt = {.iface = i & 1,
						.time_ns = UINT64_C(1700000000123456789) + i * 1000,
						.data = frame,
						.captured = 60 + i,
						.original = 60 + i,
						.dir = VSW_PCAPNG_INBOUND};

		memset(frame, (int)i, sizeof(frame));
		CU_ASSERT_EQUAL(vsw_pcapng_packet(&p, &pkt), 0);
	}
	CU_ASSERT_EQUAL(vsw_pcapng_flush(&p, fd), 0);
	CU_ASSERT_EQUAL(vsw_pcapng_pending(&p), 0);
	close(fd);
	in = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, errbuf);
	CU_ASSERT_PTR_NOT_NULL_FATAL(in);
	for (unsigned int i = 0; i < 1000; i++) {
		CU_ASSERT_EQUAL_FATAL(pcap_next_ex(in, &h, &data), 1);
		CU_ASSERT_EQUAL(h->caplen, 60 + i);
		CU_ASSERT_EQUAL(data[59], (uint8_t)i);
		CU_ASSERT_EQUAL(h->ts.tv_sec, 1700000000);
		CU_ASSERT_EQUAL(h->ts.tv_usec, 123456789 + i * 1000);
	}
	CU_ASSERT_EQUAL(pcap_next_ex(in, &h, &data), PCAP_ERROR_BREAK);
	pcap_close(in);
	unlink(path);
	vsw_pcapng_done(&p);
}

static void a_slow_reader_never_blocks(void)
{
	struct vsw_pcapng p = {0};
	uint8_t frame[1500] = {0}, back[4096];
	struct vsw_pcapng_packet pkt = {.data = frame, .captured = 1500, .original = 1500};
	size_t total, got = 0;
	int fds[2], rc;

	CU_ASSERT_EQUAL_FATAL(pipe2(fds, O_NONBLOCK), 0);
	vsw_pcapng_section(&p, "test");
	for (int i = 0; i < 200; i++)
		vsw_pcapng_packet(&p, &pkt);
	total = vsw_pcapng_pending(&p);
	CU_ASSERT_EQUAL(vsw_pcapng_flush(&p, fds[1]), -EAGAIN);
	CU_ASSERT_TRUE(vsw_pcapng_pending(&p) > 0 && vsw_pcapng_pending(&p) < total);
	vsw_pcapng_packet(&p, &pkt); /* behind what waits */
	do {
		ssize_t n = read(fds[0], back, sizeof(back));

		got += n > 0 ? (size_t)n : 0;
		rc = vsw_pcapng_flush(&p, fds[1]);
	} while (rc == -EAGAIN);
	for (ssize_t n; (n = read(fds[0], back, sizeof(back))) > 0;)
		got += (size_t)n;
	CU_ASSERT_EQUAL(rc, 0);
	CU_ASSERT_TRUE(got > total + 1500);
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	vsw_pcapng_packet(&p, &pkt);
	CU_ASSERT_EQUAL(vsw_pcapng_flush(&p, fds[1]), -EPIPE);
	close(fds[1]);
	vsw_pcapng_done(&p);
}

static void long_texts_are_cut(void)
{
	static char text[100000];
	struct vsw_pcapng p = {0};

	memset(text, 'x', sizeof(text) - 1);
	CU_ASSERT_EQUAL(vsw_pcapng_section(&p, text), 0);
	CU_ASSERT_EQUAL(vsw_pcapng_interface(&p, text, text, 1), 0);
	CU_ASSERT_EQUAL(block(&p, 2), p.size);
	CU_ASSERT_TRUE(p.size < 4096);
	vsw_pcapng_done(&p);
}

static const struct tap_case cases[] = {
	{"blocks have the layout of the draft", blocks_have_the_layout_of_the_draft},
	{"libpcap reads back what was written", libpcap_reads_it_back},
	{"a slow reader never blocks, a gone one is noticed", a_slow_reader_never_blocks},
	{"long texts are cut", long_texts_are_cut},
};

TAP_MAIN("vswitch-control-pcapng", cases)
