/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest without a hypervisor: the software netvsc driver of tests/lib/vsc behind a tap, so that the
 * kernel's stack in some namespace is the guest's. Offloads pass both ways, as in Linux's driver.
 *
 *   netvsp-guest SOCKET TAP [QUEUES [MTU [MAC]]]     MAC: 12 hex digits, asked for before the NIC is up
 *
 * Prints "ready" when the NIC is up. Reads commands, a line each, and answers each with a line:
 * "stats" (JSON), "lie KIND CHANNEL" (break the protocol on purpose), "lists N" (page lists come and go
 * while the switch falls asleep), "quit".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/vsc/pump.h"
#include "tests/lib/vsc/remote.h"

#define FRAME_MAX 65550u
#define RAM_SIZE  (160u << 20)

static struct vsc v;
static struct vsc_remote remote;
static struct pump pump;
static int tap;
static uint32_t n_queues = 1;

/* A frame from the tap, and one merged from parts (RSC) on its way to it. */
static uint8_t out_buf[FRAME_MAX + 64], in_buf[FRAME_MAX + 64];
static uint32_t in_size, in_csum;
static struct virtio_net_hdr out_hdr;
static struct pump_frame out_frame;
static bool out_waiting;
static uint32_t out_chan;
static uint64_t n_tap_lost;
static uint32_t mac_status; /* of the change of the address */
static uint8_t mac_now[6];
static uint32_t stuck = VSC_CHANS; /* the channel whose read index is nonsense for good */

static int open_tap(const char *name)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC), size = 10;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETVNETHDRSZ, &size) < 0 ||
	    ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0)
		return -1;
	return fd;
}

/* ---- from the tap to the switch ---- */

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static uint32_t sum16(const uint8_t *p, uint32_t n)
{
	uint32_t sum = 0;
	uint16_t w;

	for (uint32_t i = 0; i < n; i += 2) {
		memcpy(&w, p + i, 2);
		sum += w;
	}
	return sum;
}

/* What Linux's driver leaves out of a frame to be cut: lengths, and the length in the TCP sum. */
static void strip_lengths(uint8_t *frame, uint32_t l4, bool v6)
{
	uint8_t *ip = frame + 14;
	uint16_t sum, tcp = 0x0600; /* protocol 6, in network order */

	sum = v6 ? fold(sum16(ip + 8, 32) + tcp) : fold(sum16(ip + 12, 8) + tcp);
	memcpy(frame + l4 + 16, &sum, 2);
	if (v6) {
		memset(ip + 4, 0, 2);
	} else {
		memset(ip + 2, 0, 2);
		memset(ip + 10, 0, 2);
	}
}

static void ask(struct pump_frame *f, uint8_t *frame, const struct virtio_net_hdr *h,
		uint32_t shift)
{
	uint32_t l4 = h->csum_start - shift, gso = h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN;
	bool v6 = frame[12] == 0x86, tcp = h->csum_offset == 16;

	if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return;
	f->csum = (v6 ? RNDIS_CSUM_TX_V6 : RNDIS_CSUM_TX_V4) |
		  (tcp ? RNDIS_CSUM_TX_TCP : RNDIS_CSUM_TX_UDP) | l4 << 16;
	if (!gso)
		return;
	f->lso = h->gso_size | l4 << 20 | RNDIS_LSO_V2 | (v6 ? RNDIS_LSO_V6 : 0);
	strip_lengths(frame, l4, v6);
}

static bool read_tap(void)
{
	struct iovec iov[2] = {{&out_hdr, 10}, {out_buf, sizeof(out_buf)}};
	ssize_t n = readv(tap, iov, 2);
	uint32_t size, shift = 0, flow = 0;
	uint8_t *frame = out_buf;

	if (n <= 10)
		return false;
	size = (uint32_t)n - 10;
	out_frame = (struct pump_frame){.csum = ~0u, .lso = ~0u, .vlan = ~0u};
	if (size > 18 && frame[12] == 0x81 && frame[13] == 0) {
		uint32_t tci = (uint32_t)(frame[14] << 8 | frame[15]);

		out_frame.vlan = tci >> 13 | (tci >> 12 & 1) << 3 | (tci & 0xfff) << 4;
		memmove(frame + 4, frame, 12);
		frame += 4;
		size -= 4;
		shift = 4;
	}
	for (uint32_t i = 26; i < 38 && i < size; i++)
		flow = flow * 31 + frame[i];
	out_chan = flow % n_queues;
	ask(&out_frame, frame, &out_hdr, shift);
	out_frame.data = frame;
	out_frame.size = size;
	return true;
}

static bool pump_out(void)
{
	bool any = false;

	for (int i = 0; i < 64; i++) {
		if (!out_waiting && !read_tap())
			return any;
		out_waiting = !pump_tx(&pump, out_chan, &out_frame, 1);
		if (out_waiting)
			return any;
		any = true;
	}
	return any;
}

/* ---- from the switch to the tap ---- */

/* A merged frame has the pseudo-header sum only. A driver marks it as verified; a tap, which has no such
 * mark, takes it as one still to be finished. */
static void vouch(const uint8_t *frame, struct virtio_net_hdr *h, uint32_t shift)
{
	const uint8_t *ip = frame + 14 + shift;

	h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	h->csum_start = (uint16_t)(14 + shift + (ip[0] >> 4 == 6 ? 40 : (ip[0] & 15u) * 4));
	h->csum_offset = 16;
}

static void write_tap(uint8_t *frame, uint32_t size, uint32_t csum, uint32_t shift, bool merged)
{
	struct virtio_net_hdr h = {0};
	struct iovec iov[2] = {{&h, 10}, {frame, size}};
	uint16_t sum;

	if (merged && csum != ~0u && csum & RNDIS_CSUM_RX_TCP_OK)
		vouch(frame, &h, shift);
	if (csum != ~0u && csum & RNDIS_CSUM_RX_IP_STALE) {
		uint8_t *ip = frame + 14 + shift;

		memset(ip + 10, 0, 2);
		sum = (uint16_t)~fold(sum16(ip, (ip[0] & 15u) * 4));
		memcpy(ip + 10, &sum, 2);
	}
	if (writev(tap, iov, 2) < 0)
		n_tap_lost++;
}

static void take(void *ctx, uint32_t chan, const struct pump_frame *f, uint32_t rsc)
{
	uint32_t room = 4;

	if (!rsc || rsc & RNDIS_RSC_FIRST) {
		in_size = 0;
		in_csum = f->csum;
	}
	if (in_size + f->size > FRAME_MAX)
		return;
	memcpy(in_buf + room + in_size, f->data, f->size);
	in_size += f->size;
	if (rsc && !(rsc & RNDIS_RSC_LAST))
		return;
	if (f->vlan != ~0u) {
		uint32_t tci =
			(f->vlan & 7) << 13 | (f->vlan >> 3 & 1) << 12 | (f->vlan >> 4 & 0xfff);

		memmove(in_buf, in_buf + 4, 12);
		in_buf[12] = 0x81;
		in_buf[13] = 0;
		in_buf[14] = (uint8_t)(tci >> 8);
		in_buf[15] = (uint8_t)tci;
		room = 0;
		in_size += 4;
	}
	write_tap(in_buf + room, in_size, in_csum, 4 - room, rsc != 0);
}

/* ---- lies ---- */

static void raw(uint32_t chan, uint16_t type, uint16_t off8, uint16_t len8, uint64_t xid,
		const void *body, uint32_t size)
{
	struct pump_ring *r = &pump.chan[chan].out;
	uint16_t d[4] = {type, off8, len8, 1};
	uint8_t pkt[256] = {0};
	uint32_t n = 16 + ((size + 7) & ~7u) + 8;

	memcpy(pkt, d, 8);
	memcpy(pkt + 8, &xid, 8);
	memcpy(pkt + 16, body, size);
	for (uint32_t i = 0; i < n; i++)
		r->data[(r->at + i) % r->size] = pkt[i];
	r->at = (r->at + n) % r->size;
	__atomic_store_n(&r->head[0], r->at, __ATOMIC_RELEASE);
}

static bool lie(const char *kind, uint32_t chan)
{
	struct pump_chan *c = &pump.chan[chan];
	uint32_t msg[10] = {0};

	if (!strcmp(kind, "write-index")) {
		c->out.head[0] = 0xfffffff8;
	} else if (!strcmp(kind, "read-index")) {
		stuck = chan;
	} else if (!strcmp(kind, "packet")) {
		raw(chan, VMB_PKT_INBAND, 2, 0xffff, 1, msg, 40);
	} else if (!strcmp(kind, "type")) {
		raw(chan, 99, 2, 7, 1, msg, 40);
	} else if (!strcmp(kind, "ranges")) {
		msg[0] = 0;
		msg[1] = 0x7fffffff;
		raw(chan, VMB_PKT_GPA_DIRECT, 3, 8, 1,
		    (uint32_t[12]){0, 0x7fffffff, NVSP_RNDIS, 0, NVSP_NO_SECTION}, 48);
	} else if (!strcmp(kind, "completion")) {
		msg[0] = NVSP_RNDIS_COMPLETE;
		raw(chan, VMB_PKT_COMPLETION, 2, 7, 0x123456789, msg, 40);
	} else if (!strcmp(kind, "message")) {
		msg[0] = 7777;
		raw(chan, VMB_PKT_INBAND, 2, 7, 1, msg, 40);
	} else if (!strcmp(kind,
			   "pages")) { /* outside of memory: the send fails, the channel goes on */
		raw(chan, VMB_PKT_GPA_DIRECT, 5, 10, 1 << 30,
		    (uint32_t[16]){0, 1, 4096, 0, 0x7fffffff, 0xff, NVSP_RNDIS, 0, NVSP_NO_SECTION},
		    64);
	} else {
		return false;
	}
	vsc_remote_kick(&remote, chan);
	return true;
}

/* ---- page lists ---- */

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Does the switch come to sleep where a signal of ours wakes it? */
static bool sleeps_well(void)
{
	uint64_t end = now_us() + 500000;

	while (now_us() < end) {
		if (!__atomic_load_n(&pump.chan[0].out.head[2], __ATOMIC_ACQUIRE))
			return true;
		vsc_remote_run(&remote, -1, 1);
	}
	return false;
}

/*
 * Giving a page list up takes the channels from the switch's workers for a moment. One that was about to sleep
 * just then must still hear of us. Return: after how many the switch was deaf; 0 never.
 */
static unsigned int come_and_go(unsigned int n)
{
	uint64_t pfn, end;

	ram_alloc(&v.ram, 1, &pfn);
	for (unsigned int i = 1; i <= n; i++) {
		uint32_t id = v.next_gpadl++;

		vsc_gpadl(&v, v.chan[0].relid, id, &pfn, 1);
		vsc_remote_kick(&remote, 0);
		for (end = now_us() + i % 128; now_us() < end;)
			;
		vsc_teardown(&v, v.chan[0].relid, id);
		if (!sleeps_well())
			return i;
	}
	return 0;
}

/* ---- commands ---- */

static void print_stats(void)
{
	uint64_t tx = 0, rx = 0, bad = 0, tx_bad = 0, events = 0;

	for (uint32_t i = 0; i < n_queues; i++) {
		tx += pump.chan[i].n_tx;
		rx += pump.chan[i].n_rx;
		bad += pump.chan[i].n_bad;
		tx_bad += pump.chan[i].n_tx_bad;
		events += pump.chan[i].n_indications;
	}
	printf("{\"tx\":%lu,\"rx\":%lu,\"bad\":%lu,\"tx_bad\":%lu,\"events\":%lu,\"interrupts\":%u,"
	       "\"connects\":%u,\"connected\":%d,\"refused\":%d,\"queues\":%u,\"tap_lost\":%lu,"
	       "\"mac_status\":%u,\"mac_now\":\"%02x:%02x:%02x:%02x:%02x:%02x\","
	       "\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\",\"max_mtu\":%u,\"link\":%d,\"rx_chan\":[",
	       tx, rx, bad, tx_bad, events, remote.interrupts, remote.n_connects, remote.connected,
	       remote.refused, n_queues, n_tap_lost, mac_status, mac_now[0], mac_now[1], mac_now[2],
	       mac_now[3], mac_now[4], mac_now[5], remote.nic.mac[0], remote.nic.mac[1],
	       remote.nic.mac[2], remote.nic.mac[3], remote.nic.mac[4], remote.nic.mac[5],
	       remote.nic.max_mtu, remote.nic.link_up);
	for (uint32_t i = 0; i < n_queues; i++)
		printf("%s%lu", i ? "," : "", pump.chan[i].n_rx);
	printf("],\"faults\":[");
	for (uint32_t i = 0; i < n_queues; i++)
		printf("%s\"%s\"", i ? "," : "", remote.fault[i]);
	printf("]}\n");
}

/* Return: go on? */
static bool command(void)
{
	static char buf[256];
	static size_t have;
	char kind[32], *end;
	unsigned int chan;
	ssize_t n = read(0, buf + have, sizeof(buf) - 1 - have);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	have += (size_t)n;
	buf[have] = '\0';
	while ((end = strchr(buf, '\n'))) {
		*end = '\0';
		if (!strcmp(buf, "stats"))
			print_stats();
		else if (!strcmp(buf, "quit"))
			return false;
		else if (sscanf(buf, "lists %u", &chan) == 1)
			printf("%u\n", come_and_go(chan));
		else if (sscanf(buf, "lie %31s %u", kind, &chan) == 2 && chan < n_queues)
			puts(lie(kind, chan) ? "lied" : "unknown lie");
		else
			puts("?");
		fflush(stdout);
		have -= (size_t)(end + 1 - buf);
		memmove(buf, end + 1, have + 1);
	}
	return true;
}

static void on_kick(void *ctx, uint32_t chan)
{
	vsc_remote_kick(ctx, chan);
}

/* As Linux's driver when the address is changed: {name offset, size, type, value offset, size}. */
static uint32_t ask_mac(const char *mac)
{
	static const char name[] = "NetworkAddress";
	uint32_t p[5] = {20, 28, 2, 48, 24}, size = 0;
	uint8_t b[72] = {0}, got[6];

	memcpy(b, p, sizeof(p));
	for (uint32_t i = 0; i < 14; i++)
		b[20 + 2 * i] = (uint8_t)name[i];
	for (uint32_t i = 0; i < 12; i++)
		b[48 + 2 * i] = (uint8_t)mac[i];
	mac_status = vsc_set(&v, 0x0001021b, b, sizeof(b));
	if (!vsc_query(&v, 0x01010102, got, &size) && size == 6)
		memcpy(mac_now, got, 6);
	return mac_status;
}

static int bring_up(uint32_t mtu, const char *mac)
{
	struct vsc_up up = {.version = NVSP_V61,
			    .mtu = mtu,
			    .recv_pages = 2048,
			    .send_pages = 256,
			    .caps = NVSP_CAP_8021Q | NVSP_CAP_RSC,
			    .ring_pages = 64};
	uint8_t offload[28] = {0x80, 3, 28, 0};
	uint32_t rss[10 + 128 + 10] = {0};
	int r;

	v.sub_pages = 64;
	r = vsc_start(&v, &up);
	if (r)
		return r;
	if (mac && strlen(mac) == 12)
		ask_mac(mac);
	memset(offload + 4, 4, 5); /* checksums both ways */
	offload[11] = offload[12] = offload[22] = offload[23] = 2;
	if (vsc_set(&v, 0xfc01020c, offload, sizeof(offload)))
		return -20;
	if (n_queues == 1)
		return 0;
	r = vsc_subchannels(&v, n_queues - 1);
	if (r < 1)
		return -21;
	n_queues = (uint32_t)r + 1;
	/* spread what arrives over the channels: table, then a key of 40 bytes */
	rss[0] = 0x89 | 2 << 8 | 40 << 16;
	rss[2] = 1 | 0x100 | 0x200 | 0x400 | 0x1000;
	rss[3] = 128 * 4;
	rss[4] = 40;
	rss[5] = 40;
	rss[6] = 40 + 128 * 4;
	for (uint32_t i = 0; i < 128; i++)
		rss[10 + i] = i % n_queues;
	for (uint32_t i = 0; i < 10; i++)
		rss[138 + i] = 0x9e3779b9u * (i + 1);
	return vsc_set(&v, 0x00010204, rss, sizeof(rss)) ? -22 : 0;
}

static void loop(void)
{
	bool stop = false;

	while (!stop && !remote.refused) {
		bool busy = pump_out();

		for (uint32_t i = 0; i < n_queues; i++)
			busy |= pump_rx(&pump, i, 64, take, NULL) != 0;
		if (stuck < n_queues)
			pump.chan[stuck].in.head[1] = pump.chan[stuck].in.size + 64;
		if (!busy) {
			for (uint32_t i = 0; i < n_queues; i++)
				busy |= pump_arm(&pump, i, true);
			vsc_remote_run(&remote, out_waiting ? -1 : tap, busy ? 0 : 10);
			for (uint32_t i = 0; i < n_queues; i++)
				pump_arm(&pump, i, false);
			stop = !command();
		}
	}
}

int main(int argc, char **argv)
{
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc < 3)
		return 2;
	if (argc > 3)
		n_queues = (uint32_t)atoi(argv[3]);
	if (!n_queues || n_queues > VSC_CHANS)
		return 2;
	tap = open_tap(argv[2]);
	if (tap < 0) {
		perror(argv[2]);
		return 1;
	}
	r = vsc_remote_init(&remote, &v, argv[1], argv[2], RAM_SIZE, 10000);
	if (!r)
		r = bring_up(argc > 4 ? (uint32_t)atoi(argv[4]) : 1500, argc > 5 ? argv[5] : NULL);
	if (!r)
		r = pump_init(&pump, &v, n_queues);
	if (r) {
		printf("cannot bring the NIC up: %d\n", r);
		return 1;
	}
	pump.kick = on_kick;
	pump.ctx = &remote;
	fcntl(0, F_SETFL, O_NONBLOCK);
	puts("ready");
	fflush(stdout);
	loop();
	if (remote.refused) {
		puts("refused");
		return 5;
	}
	pump_done(&pump);
	vsc_remote_done(&remote);
	return 0;
}
