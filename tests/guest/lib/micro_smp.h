/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * More processors for the micro guest: started by INIT and SIPI, each halts until it is interrupted, and then counts in a
 * page of its own.
 */
#pragma once

#include <stdint.h>

enum {
	AP_PAGE = 0x8000,
	AP_LONG = 0x8100,
	AP_WORDS = 0x8f00,
	AP_IDT = 0x206000,
	AP_VECTOR = 0x40,
	AP_MAX = 64
};

static volatile uint32_t *const ap_counts = (volatile uint32_t *)0x440000;
static volatile uint32_t
	ap_bad; /* processors whose registers and memory are of different moments */

/* From real mode to long mode with the page tables and the GDT of the first processor. */
__asm__(".text\n"
	".code16\n"
	"ap_start: cli\n"
	"xor %ax, %ax\n"
	"mov %ax, %ds\n"
	"lgdtl 0x8f00\n"
	"mov %cr4, %eax\n"
	"or $0x20, %eax\n"
	"mov %eax, %cr4\n"
	"mov 0x8f10, %eax\n"
	"mov %eax, %cr3\n"
	"mov $0xc0000080, %ecx\n"
	"rdmsr\n"
	"or $0x100, %eax\n"
	"wrmsr\n"
	"mov %cr0, %eax\n"
	"or $0x80000001, %eax\n"
	"mov %eax, %cr0\n"
	"ljmpl $0x10, $0x8100\n"
	"ap_start_end:\n"
	".code64\n"
	"ap_long: mov $0x18, %eax\n"
	"mov %eax, %ds\n"
	"mov %eax, %es\n"
	"mov %eax, %ss\n"
	"mov $1, %eax\n"
	"cpuid\n"
	"shr $24, %ebx\n"
	"mov %ebx, %edi\n"
	"shl $12, %ebx\n"
	"mov $0x80000, %esp\n"
	"sub %ebx, %esp\n"
	"mov $0x8f18, %eax\n"
	"call *(%rax)\n"
	"ap_long_end:\n"
	"ap_interrupt: push %rax\n"
	"mov $0xfee000b0, %eax\n"
	"movl $0, (%rax)\n" /* end of interrupt */
	"pop %rax\n"
	"iretq\n");
extern const uint8_t ap_start[], ap_start_end[], ap_long[], ap_long_end[], ap_interrupt[];

static void copy_bytes(uint64_t to, const uint8_t *from, const uint8_t *end)
{
	while (from < end)
		*(volatile uint8_t *)to++ = *from++;
}

static void ap_main(uint32_t id)
{
	volatile uint32_t *mine = ap_counts + id * 1024;
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idt = {16 * (AP_VECTOR + 1) - 1, AP_IDT};

	*(volatile uint32_t *)0xfee000f0 = 0x1ff; /* its interrupt controller is on */
	__asm__ volatile("lidt %0" : : "m"(idt));
	for (uint32_t n = 0;; n++) {
		if (*mine != n)
			ap_bad = id;
		*mine = n + 1;
		__asm__ volatile("sti; hlt; cli");
	}
}

static void ap_wake_all(void)
{
	*(volatile uint32_t *)0xfee00300 = 0xc4000 | AP_VECTOR;
}

/* Which of processors 1 to @n - 1 count on? Waits for them, but not for ever. */
static unsigned int ap_moving(unsigned int n)
{
	uint32_t before[AP_MAX];
	unsigned int moving = 0;

	for (unsigned int i = 1; i < n; i++)
		before[i] = ap_counts[i * 1024];
	for (unsigned int i = 1; i < n; i++) {
		for (unsigned int k = 0; k < 200000000 && ap_counts[i * 1024] == before[i]; k++) {
			if (k % 4096 == 0)
				ap_wake_all();
			__asm__ volatile("pause");
		}
		moving += ap_counts[i * 1024] != before[i];
	}
	return ap_bad ? 0 : moving;
}

static void ap_start_all(unsigned int n)
{
	volatile uint32_t *const icr = (volatile uint32_t *)0xfee00300;
	volatile uint64_t *const words = (volatile uint64_t *)AP_WORDS;
	volatile uint64_t *gate;
	uint64_t cr3;

	__asm__ volatile("sgdt (%0)" : : "r"(AP_WORDS) : "memory");
	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	words[2] = cr3;
	words[3] = (uint64_t)ap_main;
	copy_bytes(AP_PAGE, ap_start, ap_start_end);
	copy_bytes(AP_LONG, ap_long, ap_long_end);
	gate = (volatile uint64_t *)(AP_IDT + 16 * AP_VECTOR);
	gate[0] = ((uint64_t)ap_interrupt & 0xffff) | 0x10 << 16 | 0x8e00ull << 32 |
		  ((uint64_t)ap_interrupt >> 16 & 0xffff) << 48;
	gate[1] = (uint64_t)ap_interrupt >> 32;
	if (n > 1) { /* to all others: there are machines whose KVM loses it to one of two */
		icr[0] = 0xc4500;                 /* INIT */
		icr[0] = 0xc4600 | AP_PAGE >> 12; /* SIPI */
	}
	for (uint32_t i = 1; i < n; i++)
		for (unsigned int k = 0; k < 200000000 && !ap_counts[i * 1024]; k++)
			__asm__ volatile("pause");
}

/* Map GiB @n, less than 512, where it is: the loader's tables end at the fourth. */
static uint64_t map_gib(uint64_t n)
{
	volatile uint64_t *const pd = (volatile uint64_t *)0x204000;
	uint64_t cr3;

	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	for (uint64_t i = 0; i < 512; i++)
		pd[i] = n << 30 | i << 21 | 0x83;
	((volatile uint64_t *)(cr3 + 4096))[n] = (uint64_t)pd | 3;
	return n << 30;
}
