/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DPDK's own netvsc driver as a client of a netvsp port, with neither hypervisor nor kernel driver: a guest whose
 * code we did not write. It expects a VMBus device in sysfs and behind /dev/uio0; this program makes a folder
 * and a memfd of that shape and leads the driver there, by being first in the search order of open(), fopen(),
 * opendir(), access(), mmap() and memfd_create(). It is the VMM as well: it speaks vmbus-netvsp/link to the switch.
 *
 *   netvsc-pmd SOCKET FOLDER [EAL OPTION]...    FOLDER: an empty one of its own
 *
 * Guest-physical addresses: the device's pages are at DEVICE_GPA on; DPDK's memory has its virtual addresses.
 * Prints "ready MAC", then sends every frame back with its addresses exchanged. "stats" on standard input
 * prints what it counted; the end of input ends it.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "vmbus-netvsp/link/client.h"

#define GUID       "00155d00-0000-4000-8000-00155d000001"
#define SYSFS      "/sys/bus/vmbus/devices"
#define UIO        "/dev/uio0"
#define PAGE       4096ull
#define RING_PAGES 128u /* each */
#define RECV_PAGES 7936u
#define SEND_PAGES 4096u
#define DEVICE_GPA (1ull << 20)
#define ANSWER_MS  10000u
#define BURST      32u
#define MBUFS      4095u

/* What /dev/uio0 can map, in its order: offset n * PAGE of the device is map n. */
enum { MAP_RINGS, MAP_INTERRUPT, MAP_MONITOR, MAP_RECV, MAP_SEND, MAPS };
static const struct {
	const char *name;
	uint32_t pages;
} maps[MAPS] = {
	{"txrx_rings", 2 * RING_PAGES}, {"int_page", 1},        {"monitor_page", 1},
	{"recv:2", RECV_PAGES},         {"send:3", SEND_PAGES},
};
/* The driver writes to the device to switch interrupts: let that hit nothing. */
#define FIRST_PAGE 16u

static struct {
	const char *path, *folder;
	int device_fd; /* the memfd behind UIO */
	int eal_fd;    /* DPDK's memory */
	void *eal_base;
	size_t eal_size;
	int call_fd, kick_fd;
	struct nvsp_link *link;
	pthread_mutex_t lock; /* guards the link */
	pthread_t thread;
	bool open, failed, over;
	char why[128];
} vmm = {.device_fd = -1, .eal_fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t map_page(unsigned int map)
{
	uint64_t page = FIRST_PAGE;

	for (unsigned int i = 0; i < map; i++)
		page += maps[i].pages;
	return page;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- the VMM's end of the socket ---- */

static void fail(const char *why)
{
	vmm.failed = true;
	snprintf(vmm.why, sizeof(vmm.why), "%s", why);
}

static void on_nic(void *ctx, const struct nvsp_link_nic_wire *nic)
{
}

static void on_down(void *ctx, uint32_t bye, const char *text)
{
	fail(text[0] ? text : "the switch hung up");
}

static void on_subchannels(void *ctx, uint32_t count)
{
}

static void on_fault(void *ctx, uint32_t index, const char *text)
{
	fail(text);
}

static void on_done(void *ctx, enum nvsp_link_type what, uint32_t id, int status)
{
	if (status)
		fail("a request was refused");
	else if (what == NVSP_LINK_OPEN)
		vmm.open = true;
}

static void on_refused(void *ctx, const char *text)
{
	fail(text);
}

static const struct nvsp_link_ops link_ops = {.nic = on_nic,
					      .down = on_down,
					      .subchannels = on_subchannels,
					      .fault = on_fault,
					      .done = on_done,
					      .refused = on_refused};

/* The driver marks pages instead of making hypercalls; a hypervisor looks there every now and then, so do we. */
static void *vmm_main(void *arg)
{
	while (!__atomic_load_n(&vmm.over, __ATOMIC_ACQUIRE)) {
		struct pollfd p = {.events = POLLIN};

		pthread_mutex_lock(&vmm.lock);
		nvsp_link_run(vmm.link, now_ms());
		p.fd = nvsp_link_fd(vmm.link);
		pthread_mutex_unlock(&vmm.lock);
		(void)!write(vmm.kick_fd, &(uint64_t){1}, sizeof(uint64_t));
		poll(&p, 1, 1);
	}
	return NULL;
}

static int give_list(uint32_t id, unsigned int map)
{
	uint64_t pfns[RECV_PAGES];

	for (uint32_t i = 0; i < maps[map].pages; i++)
		pfns[i] = DEVICE_GPA / PAGE + map_page(map) + i;
	return nvsp_link_gpadl_add(vmm.link, id, pfns, maps[map].pages);
}

/* The driver opens its device: DPDK's memory is there now, so the guest can be connected. */
static int connect_guest(void)
{
	struct nvsp_link_range r[2] = {{DEVICE_GPA, map_page(MAPS) * PAGE, 0, vmm.device_fd},
				       {(uintptr_t)vmm.eal_base, vmm.eal_size, 0, vmm.eal_fd}};
	struct nvsp_link_cfg cfg = {
		.path = vmm.path, .vm_name = "dpdk", .ranges = r, .n_ranges = 2};
	struct nvsp_link_open open = {
		.gpadl = 1, .downstream_page = RING_PAGES, .target = {.flags_gpa = 0, .bit = 1}};
	uint64_t deadline = now_ms() + ANSWER_MS;

	if (vmm.link)
		return 0;
	if (!vmm.eal_base) {
		fail("DPDK's memory was not seen");
		return -1;
	}
	fcntl(vmm.eal_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
	open.target.call_fd = vmm.call_fd = eventfd(0, EFD_NONBLOCK);
	open.kick_fd = vmm.kick_fd = eventfd(0, EFD_NONBLOCK);
	vmm.link = nvsp_link_create(&cfg, &link_ops, NULL);
	if (!vmm.link || give_list(1, MAP_RINGS) != -EINPROGRESS ||
	    give_list(2, MAP_RECV) != -EINPROGRESS || give_list(3, MAP_SEND) != -EINPROGRESS ||
	    nvsp_link_open(vmm.link, 0, &open) != -EINPROGRESS ||
	    pthread_create(&vmm.thread, NULL, vmm_main, NULL)) {
		fail("the link cannot be made");
		return -1;
	}
	while (!__atomic_load_n(&vmm.open, __ATOMIC_ACQUIRE) && !vmm.failed && now_ms() < deadline)
		usleep(1000);
	return vmm.open && !vmm.failed ? 0 : -1;
}

/* ---- a device that looks like sysfs ---- */

static int put(const char *name, const char *text)
{
	char path[512], *p;
	FILE *f;

	snprintf(path, sizeof(path), "%s/" GUID "/%s", vmm.folder, name);
	for (p = path + strlen(vmm.folder) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		mkdir(path, 0700);
	}
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		return -1;
	return 0;
}

static int make_device(void)
{
	static const char *const files[][2] = {
		{"class_id", "{f8615163-df3e-46c5-913f-f2d2f965ed0e}\n"},
		{"device_id", "{" GUID "}\n"},
		{"id", "1\n"},
		{"monitor_id", "0\n"},
		{"numa_node", "0\n"},
		{"channels/1/subchannel_id", "0\n"},
		{"channels/1/monitor_id", "0\n"},
	};
	char name[64], text[64];
	int r = 0;

	vmm.device_fd =
		(int)syscall(SYS_memfd_create, "vmbus-device", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (vmm.device_fd < 0 || ftruncate(vmm.device_fd, (off_t)(map_page(MAPS) * PAGE)) ||
	    fcntl(vmm.device_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		return -1;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		r |= put(files[i][0], files[i][1]);
	for (unsigned int i = 0; i < MAPS; i++) {
		snprintf(name, sizeof(name), "uio/uio0/maps/map%u/name", i);
		snprintf(text, sizeof(text), "%s\n", maps[i].name);
		r |= put(name, text);
		snprintf(name, sizeof(name), "uio/uio0/maps/map%u/size", i);
		snprintf(text, sizeof(text), "0x%llx\n", maps[i].pages * PAGE);
		r |= put(name, text);
		snprintf(name, sizeof(name), "uio/uio0/maps/map%u/addr", i);
		r |= put(name, "0x0\n");
	}
	return r;
}

/* ---- before the C library ---- */

static const char *led_to(const char *path, char buf[512])
{
	if (!vmm.folder || strncmp(path, SYSFS, strlen(SYSFS)) != 0)
		return path;
	snprintf(buf, 512, "%s%s", vmm.folder, path + strlen(SYSFS));
	return buf;
}

static bool is_device(const char *path)
{
	return vmm.folder && strcmp(path, UIO) == 0;
}

static int open_device(void)
{
	char self[64];

	if (connect_guest()) {
		errno = EIO;
		return -1;
	}
	/* a file position of its own */
	snprintf(self, sizeof(self), "/proc/self/fd/%d", vmm.device_fd);
	return (int)syscall(SYS_openat, AT_FDCWD, self, O_RDWR | O_CLOEXEC, 0);
}

static int do_open(const char *path, int flags, mode_t mode)
{
	char buf[512];

	if (is_device(path))
		return open_device();
	return (int)syscall(SYS_openat, AT_FDCWD, led_to(path, buf), flags, mode);
}

/* Each twice: with 64-bit file offsets the C names are open64, fopen64 and mmap64 for the linker, and libraries may use
 * either. */
#define OPEN(name)                                   \
	int name(const char *path, int flags, ...)   \
	{                                            \
		mode_t mode = 0;                     \
		va_list ap;                          \
                                                     \
		va_start(ap, flags);                 \
		if (flags & (O_CREAT | __O_TMPFILE)) \
			mode = va_arg(ap, mode_t);   \
		va_end(ap);                          \
		return do_open(path, flags, mode);   \
	}
int plain_open(const char *path, int flags, ...) __asm__("open");
OPEN(open)
OPEN(plain_open)

int access(const char *path, int mode)
{
	char buf[512];

	if (is_device(path))
		return 0;
	return (int)syscall(SYS_faccessat, AT_FDCWD, led_to(path, buf), mode);
}

static FILE *do_fopen(const char *path, const char *mode)
{
	static FILE *(*real)(const char *, const char *);
	char buf[512];

	if (!real)
		real = dlsym(RTLD_NEXT, "fopen64");
	return real(led_to(path, buf), mode);
}

FILE *fopen(const char *restrict path, const char *restrict mode)
{
	return do_fopen(path, mode);
}

FILE *plain_fopen(const char *path, const char *mode) __asm__("fopen");
FILE *plain_fopen(const char *path, const char *mode)
{
	return do_fopen(path, mode);
}

DIR *opendir(const char *path)
{
	static DIR *(*real)(const char *);
	char buf[512];

	if (!real)
		real = dlsym(RTLD_NEXT, "opendir");
	return real(led_to(path, buf));
}

/* DPDK's memory without huge pages: the switch must be able to rely on its size. */
int memfd_create(const char *name, unsigned int flags)
{
	int fd = (int)syscall(SYS_memfd_create, name, flags | MFD_ALLOW_SEALING);

	if (strcmp(name, "nohuge") == 0)
		vmm.eal_fd = fd;
	return fd;
}

static bool is_device_fd(int fd)
{
	struct stat a, b;

	return fd >= 0 && vmm.device_fd >= 0 && !fstat(fd, &a) && !fstat(vmm.device_fd, &b) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void *do_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t at)
{
	void *p;

	if (is_device_fd(fd) && (uint64_t)at / PAGE < MAPS)
		at = (off_t)(map_page((unsigned int)((uint64_t)at / PAGE)) * PAGE);
	p = (void *)syscall(SYS_mmap, addr, size, prot, flags, fd, at);
	if (p != MAP_FAILED && fd >= 0 && fd == vmm.eal_fd) {
		vmm.eal_base = p;
		vmm.eal_size = size;
	}
	return p;
}

void *mmap(void *addr, size_t size, int prot, int flags, int fd, off_t at)
{
	return do_mmap(addr, size, prot, flags, fd, at);
}

void *plain_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t at) __asm__("mmap");
void *plain_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t at)
{
	return do_mmap(addr, size, prot, flags, fd, at);
}

/* ---- the guest ---- */

static struct {
	uint64_t rx, tx, bytes, retries;
} count;

static int start_port(struct rte_mempool *pool)
{
	struct rte_eth_conf conf = {0};
	int r;

	if (rte_eth_dev_count_avail() != 1)
		return -ENODEV;
	r = rte_eth_dev_configure(0, 1, 1, &conf);
	r = r ? r : rte_eth_rx_queue_setup(0, 0, 256, 0, NULL, pool);
	r = r ? r : rte_eth_tx_queue_setup(0, 0, 256, 0, NULL);
	r = r ? r : rte_eth_dev_start(0);
	return r ? r : rte_eth_promiscuous_enable(0);
}

static void echo(void)
{
	struct rte_mbuf *m[BURST];
	uint16_t n = rte_eth_rx_burst(0, 0, m, BURST), done = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_ether_hdr *h = rte_pktmbuf_mtod(m[i], struct rte_ether_hdr *);
		struct rte_ether_addr a = h->src_addr;

		h->src_addr = h->dst_addr;
		h->dst_addr = a;
		count.bytes += m[i]->pkt_len;
	}
	count.rx += n;
	while (done < n) {
		done += rte_eth_tx_burst(0, 0, m + done, (uint16_t)(n - done));
		count.retries += done < n;
	}
	count.tx += done;
	/* frames that were sent are taken back when the next are */
	if (!n)
		(void)rte_eth_tx_burst(0, 0, NULL, 0);
}

/* False: the end. */
static bool serve_input(void)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	char line[64];

	if (poll(&p, 1, 0) <= 0)
		return true;
	if (!fgets(line, sizeof(line), stdin))
		return false;
	printf("{\"rx\": %lu, \"tx\": %lu, \"bytes\": %lu, \"retries\": %lu, \"why\": \"%s\"}\n",
	       count.rx, count.tx, count.bytes, count.retries, vmm.why);
	return true;
}

int main(int argc, char **argv)
{
	char *args[32] = {argv[0],
			  "--no-huge",
			  "-m",
			  "256",
			  "--no-pci",
			  "--iova-mode=va",
			  "--no-telemetry",
			  "-l",
			  "0",
			  "--no-shconf",
			  "-d",
			  "librte_bus_vmbus.so",
			  "-d",
			  "librte_net_netvsc.so",
			  "-d",
			  "librte_mempool_ring.so"};
	int n = 16, r;
	struct rte_ether_addr mac;
	struct rte_mempool *pool;

	if (argc < 3 || argc > 12)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	vmm.path = argv[1];
	vmm.folder = argv[2];
	for (int i = 3; i < argc; i++)
		args[n++] = argv[i];
	if (make_device()) {
		printf("no device: %s\n", strerror(errno));
		return 1;
	}
	r = rte_eal_init(n, args);
	if (r < 0 || vmm.failed) {
		printf("no DPDK: %s; %s\n", rte_strerror(rte_errno), vmm.why);
		return 1;
	}
	pool = rte_pktmbuf_pool_create("mbufs", MBUFS, 128, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	r = pool ? start_port(pool) : -ENOMEM;
	if (r || rte_eth_macaddr_get(0, &mac)) {
		printf("no port: %s; %s\n", strerror(-r), vmm.why);
		return 1;
	}
	printf("ready " RTE_ETHER_ADDR_PRT_FMT "\n", RTE_ETHER_ADDR_BYTES(&mac));
	for (unsigned int turn = 0; !vmm.failed; turn++) {
		echo();
		if (turn % 1024 == 0 && !serve_input())
			break;
	}
	rte_eth_dev_stop(0);
	__atomic_store_n(&vmm.over, true, __ATOMIC_RELEASE);
	pthread_join(vmm.thread, NULL);
	return vmm.failed;
}
