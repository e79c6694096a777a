/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest of a few instructions, for machines whose KVM cannot run an ordinary kernel: finds Hyper-V by
 * CPUID, sets up hypercall page and SynIC by their registers, posts INITIATE_CONTACT for VMBus 5.3 and
 * 9.9, prints what comes back, and powers off. micro.test makes a bzImage of it.
 */
#include <stdint.h>

#define ENTRY                \
	__attribute__((used, \
		       naked)) /* first in the file and, by -fno-toplevel-reorder, in the image */

enum { COM1 = 0x3f8, SLEEP = 0x600, SLEEP_S5 = 5 << 2 | 0x20 };

/* At fixed places, page aligned, in the guest's first megabytes. */
static uint8_t *const hypercall_page = (uint8_t *)0x200000, *const messages = (uint8_t *)0x201000,
		      *const input = (uint8_t *)0x203000;

void guest_main(void);

ENTRY void entry(void)
{
	__asm__("mov $0x90000, %rsp; call guest_main; 1: hlt; jmp 1b");
}

static void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "d"(port));
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

static void contact(uint32_t version)
{
	uint32_t *in = (uint32_t *)input;
	volatile uint32_t *slot = (volatile uint32_t *)(messages + 512);

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
	slot[0] = 0;
	wrmsr(0x40000084, 0); /* end of message */
}

void guest_main(void)
{
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
	outb(SLEEP, SLEEP_S5);
}
