/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest of a few instructions, for machines whose KVM cannot run an ordinary kernel: finds Hyper-V by
 * CPUID, sets up hypercall page and SynIC by their registers, posts INITIATE_CONTACT for VMBus 5.3 and
 * 9.9, prints what comes back, and powers off. micro.test makes a bzImage of it.
 * With "count" for a command line it stays: it counts, in a register and in memory, and prints where it is; the byte
 * o on its serial port has it ask for VMBus's offers, n open its network cards and q send something over each, c
 * look whether all processors count, x ends it. "count 4": with four processors; "count 1 63": in the 64th GiB
 * of memory. micro.test moves it about.
 */
#include <stdint.h>

#define ENTRY                \
	__attribute__((used, \
		       naked)) /* first in the file and, by -fno-toplevel-reorder, in the image */

enum { COM1 = 0x3f8, SLEEP = 0x600, SLEEP_S5 = 5 << 2 | 0x20 };

/* At fixed places, page aligned, in the guest's first megabytes. */
static uint8_t *const hypercall_page = (uint8_t *)0x200000, *const messages = (uint8_t *)0x201000,
		      *const input = (uint8_t *)0x203000;

void guest_main(const uint8_t *boot_params);

ENTRY void entry(void)
{
	__asm__("mov %rsi, %rdi; mov $0x90000, %rsp; call guest_main; 1: hlt; jmp 1b");
}

#ifdef PVH
/* Protected mode without paging: the loader's tables lead to long mode. The command line is where entry wants it. */
__asm__(".pushsection .note.Xen, \"a\", @note\n"
	".long 4, 4, 18\n"
	".asciz \"Xen\"\n"
	".long pvh_entry\n"
	".popsection\n"
	".code32\n"
	"pvh_entry: lea 24 - 0x228(%ebx), %esi\n"
	"mov $0x9000, %eax\n"
	"mov %eax, %cr3\n"
	"mov %cr4, %eax\n"
	"or $0x20, %eax\n"
	"mov %eax, %cr4\n"
	"mov $0xc0000080, %ecx\n"
	"rdmsr\n"
	"or $0x100, %eax\n"
	"wrmsr\n"
	"mov %cr0, %eax\n"
	"or $0x80000000, %eax\n"
	"mov %eax, %cr0\n"
	"ljmpl $0x10, $entry\n"
	".code64\n");
#endif

static void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "d"(port));
}

static uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "d"(port));
	return v;
}

static void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
			 : "memory");
}

static uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static void print(const char *s)
{
	while (*s)
		outb(COM1, (uint8_t)*s++);
}

static void print_hex(const char *name, uint64_t v)
{
	print(name);
	for (int shift = 28; shift >= 0; shift -= 4)
		outb(COM1, (uint8_t) "0123456789abcdef"[v >> shift & 15]);
	print("\n");
}

static uint64_t hypercall(uint64_t control, uint64_t in)
{
	register uint64_t out __asm__("r8") = 0;
	uint64_t status;

	__asm__ volatile("call *%4"
			 : "=a"(status), "+c"(control), "+d"(in), "+r"(out)
			 : "r"(hypercall_page)
			 : "memory", "cc", "r9", "r10", "r11");
	return status;
}

static volatile uint32_t *const slot = (volatile uint32_t *)(0x201000 + 512);

static void release_slot(void)
{
	slot[0] = 0;
	wrmsr(0x40000084, 0); /* end of message */
}

#include "micro_nic.h"
#include "micro_smp.h"

static void request_offers(void)
{
	uint32_t *in = (uint32_t *)input;

	in[3] = 8;
	in[4] = 3;
	print_hex("offers ", hypercall(0x5c, (uint64_t)input));
	print_hex("slot ", slot[0]);
	print_hex("message ", slot[4]);
	release_slot();
}

static void contact(uint32_t version)
{
	uint32_t *in = (uint32_t *)input;

	for (unsigned int i = 0; i < 64; i++)
		in[i] = 0;
	in[0] = 4;  /* connection */
	in[2] = 1;  /* VMBus */
	in[3] = 40; /* bytes */
	in[4] = 14; /* INITIATE_CONTACT */
	in[6] = version;
	in[8] = 2; /* SINT */
	print_hex("status ", hypercall(0x5c, (uint64_t)input));
	print_hex("slot ", slot[0]);
	print_hex("message ", slot[4]);
	print_hex("supported ", slot[6] & 0xff);
	print_hex("connection ", slot[7]);
	release_slot();
}

/*
 * Numbers and what was made of them: when memory or registers are of another moment, they differ. One page in four
 * changes with each number.
 */
static void count(unsigned int n_cpus, volatile uint32_t *pages)
{
	uint64_t n = 0;
	uint8_t c;

	for (;;) {
		n++;
		for (unsigned int i = 0; i < 64; i++) {
			if (n > 64 && pages[i * 1024] != n - 1 - (n - 1 - i) % 64)
				print_hex("bad page ", i);
			if (i == n % 64)
				pages[i * 1024] = (uint32_t)n;
		}
		if (n % 16 == 0)
			print_hex("count ", n / 16);
		if (n % 16 == 0 && n_cpus > 1)
			ap_wake_all();
		for (unsigned int i = 0; i < 200; i++)
			__asm__ volatile("pause");
		c = inb(COM1 + 5) & 1 ? inb(COM1) : 0;
		if (c == 'o')
			request_offers();
		if (c == 'n')
			print_hex("opened ", open_nics());
		if (c == 'q')
			print_hex("answers ", ask_nics());
		if (c == 'c')
			print_hex("moving ", ap_moving(n_cpus));
		if (c == 'x')
			return;
	}
}

/* The next decimal number; 0: there is none. */
static unsigned int number(const char **text)
{
	unsigned int n = 0;

	while (**text && (**text < '0' || **text > '9'))
		++*text;
	while (**text >= '0' && **text <= '9')
		n = 10 * n + (unsigned int)(*(*text)++ - '0');
	return n;
}

void guest_main(const uint8_t *boot_params)
{
	const char *command = (const char *)(uint64_t) * (const uint32_t *)(boot_params + 0x228);
	uint32_t a = 0x40000001, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	print_hex("interface ", a);
	wrmsr(0x40000000, 0x8100ull << 48);
	wrmsr(0x40000001, (uint64_t)hypercall_page | 1);
	wrmsr(0x40000083, (uint64_t)messages | 1);
	wrmsr(0x40000092, 1u << 16 | 0xf3); /* masked: this guest polls */
	wrmsr(0x40000080, 1);
	print_hex("vp ", rdmsr(0x40000002));
	print_hex("simp ", rdmsr(0x40000083));
	contact(5u << 16 | 3);
	contact(9u << 16 | 9);
	print_hex("bad code ", hypercall(0x7777, 0));
	if (command[0] == 'c') {
		unsigned int n_cpus = number(&command), gib = number(&command);

		contact(5u << 16 | 3);
		ap_start_all(n_cpus);
		count(n_cpus, (volatile uint32_t *)(gib ? map_gib(gib) : 0x400000));
	}
	outb(SLEEP, SLEEP_S5);
}
