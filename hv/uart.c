/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A 16550A. */
#include <string.h>

#include "hv/uart.h"

enum { IER_RX = 1, IER_THRE = 2, LCR_DLAB = 0x80, MCR_OUT2 = 8, MCR_LOOP = 0x10, FCR_ENABLE = 1 };
enum { IIR_NONE = 1, IIR_THRE = 2, IIR_RX = 4, IIR_FIFO = 0xc0, LSR_DATA = 1, LSR_IDLE = 0x60 };

static void update(struct hv_uart *u)
{
	bool level = ((u->ier & IER_RX) && u->rx_count) || ((u->ier & IER_THRE) && u->thre_pending);

	/* OUT2 gates the interrupt on PCs */
	level = level && (u->mcr & MCR_OUT2) && !(u->mcr & MCR_LOOP);
	if (level != u->level) {
		u->level = level;
		u->ops->irq(u->ctx, level);
	}
}

void hv_uart_init(struct hv_uart *u, const struct hv_uart_ops *ops, void *ctx)
{
	*u = (struct hv_uart){.ops = ops, .ctx = ctx, .dll = 1};
}

unsigned int hv_uart_room(const struct hv_uart *u)
{
	return HV_UART_RX - u->rx_count;
}

void hv_uart_receive(struct hv_uart *u, const uint8_t *data, unsigned int n)
{
	for (unsigned int i = 0; i < n && u->rx_count < HV_UART_RX; i++)
		u->rx[(u->rx_head + u->rx_count++) % HV_UART_RX] = data[i];
	update(u);
}

static void flush(struct hv_uart *u)
{
	if (u->tx_count)
		u->ops->tx(u->ctx, u->tx, u->tx_count);
	u->tx_count = 0;
}

static uint8_t read_data(struct hv_uart *u)
{
	bool was_full = u->rx_count == HV_UART_RX;
	uint8_t v;

	if (!u->rx_count)
		return 0;
	v = u->rx[u->rx_head];
	u->rx_head = (u->rx_head + 1) % HV_UART_RX;
	u->rx_count--;
	update(u);
	if (was_full && u->ops->rx_room)
		u->ops->rx_room(u->ctx);
	return v;
}

static uint8_t read_iir(struct hv_uart *u)
{
	uint8_t fifo = u->fcr & FCR_ENABLE ? IIR_FIFO : 0;

	if ((u->ier & IER_RX) && u->rx_count)
		return fifo | IIR_RX;
	if ((u->ier & IER_THRE) && u->thre_pending) {
		u->thre_pending = false;
		update(u);
		return fifo | IIR_THRE;
	}
	return fifo | IIR_NONE;
}

static uint8_t read_msr(const struct hv_uart *u)
{
	uint8_t m = u->mcr;

	if (!(m & MCR_LOOP))
		return 0xb0; /* carrier, data set ready, clear to send */
	return (uint8_t)((m & 2) << 3 | (m & 1) << 5 | (m & 4) << 4 | (m & 8) << 4);
}

uint8_t hv_uart_read(struct hv_uart *u, unsigned int reg)
{
	flush(u);
	switch (reg) {
	case 0:
		return u->lcr & LCR_DLAB ? u->dll : read_data(u);
	case 1:
		return u->lcr & LCR_DLAB ? u->dlm : u->ier;
	case 2:
		return read_iir(u);
	case 3:
		return u->lcr;
	case 4:
		return u->mcr;
	case 5:
		return LSR_IDLE | (u->rx_count ? LSR_DATA : 0);
	case 6:
		return read_msr(u);
	default:
		return u->scr;
	}
}

static void write_data(struct hv_uart *u, uint8_t v)
{
	if (u->mcr & MCR_LOOP) {
		hv_uart_receive(u, &v, 1);
	} else {
		u->tx[u->tx_count++] = v;
		if (u->tx_count == HV_UART_TX || !(u->ier & IER_THRE))
			flush(u);
	}
	/*
	 * The interrupt controller looks at edges. A driver that gave up while the line was high would
	 * never hear of us again: give it a fresh edge now and then.
	 */
	if (u->level && u->tx_count == 0) {
		u->level = false;
		u->ops->irq(u->ctx, false);
	}
	u->thre_pending = true;
	update(u);
}

void hv_uart_write(struct hv_uart *u, unsigned int reg, uint8_t v)
{
	if (reg)
		flush(u);
	switch (reg) {
	case 0:
		if (u->lcr & LCR_DLAB)
			u->dll = v;
		else
			write_data(u, v);
		return;
	case 1:
		if (u->lcr & LCR_DLAB) {
			u->dlm = v;
			return;
		}
		/* enabling the interrupt of an empty transmitter raises it */
		if ((v & IER_THRE) && !(u->ier & IER_THRE))
			u->thre_pending = true;
		u->ier = v & 0xf;
		break;
	case 2:
		u->fcr = v;
		if (v & 2)
			u->rx_count = 0;
		break;
	case 3:
		u->lcr = v;
		break;
	case 4:
		u->mcr = v & 0x1f;
		break;
	case 7:
		u->scr = v;
		break;
	default:
		break;
	}
	update(u);
}
