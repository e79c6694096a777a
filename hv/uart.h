/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A 16550A serial port. Pure: bytes and the interrupt line go through ops. Transmission takes no
 * time; received bytes wait in a queue of HV_UART_RX until the guest reads them. A driver that works by
 * interrupts gets its bytes sent in one piece, when it next looks at the port.
 * Thread-safety: none; the caller serialises. Source: National Semiconductor PC16550D data sheet.
 * Proof: tests/unit/hv/test_uart.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define HV_UART_RX 64u
#define HV_UART_TX 64u

struct hv_uart_ops {
	void (*irq)(void *ctx, bool level);
	void (*tx)(void *ctx, const uint8_t *data, unsigned int n);
	/** There is room for received bytes again. */
	void (*rx_room)(void *ctx);
};

struct hv_uart {
	const struct hv_uart_ops *ops;
	void *ctx;
	uint8_t rx[HV_UART_RX];
	uint8_t rx_head, rx_count;
	uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
	bool thre_pending, level;
	uint8_t tx[HV_UART_TX];
	uint8_t tx_count;
};

void hv_uart_init(struct hv_uart *u, const struct hv_uart_ops *ops, void *ctx);
/** @reg 0..7 */
uint8_t hv_uart_read(struct hv_uart *u, unsigned int reg);
void hv_uart_write(struct hv_uart *u, unsigned int reg, uint8_t v);
/** Bytes that can be received now. */
unsigned int hv_uart_room(const struct hv_uart *u);
/** Receive @n bytes; the caller has asked for room. */
void hv_uart_receive(struct hv_uart *u, const uint8_t *data, unsigned int n);
