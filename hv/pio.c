/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Port dispatch. */
#include "hv/layout.h"
#include "hv/pio.h"

enum {
	PORT_SYSTEM_CONTROL = 0x61,
	PORT_KEYBOARD = 0x64,
	KEYBOARD_RESET = 0xfe,
	PORT_RTC = 0x70,
	SLEEP_ENABLE = 0x20,
	SLEEP_TYPE_SHIFT = 2,
};

static struct hv_uart *uart_at(struct hv_pio *p, uint16_t port)
{
	if (port >= HV_COM1_PORT && port < HV_COM1_PORT + 8)
		return &p->uart[0];
	if (p->n_uarts > 1 && port >= HV_COM2_PORT && port < HV_COM2_PORT + 8)
		return &p->uart[1];
	return NULL;
}

enum hv_event hv_pio_write(struct hv_pio *p, uint16_t port, uint32_t v, unsigned int size)
{
	struct hv_uart *u = uart_at(p, port);

	if (u) {
		hv_uart_write(u, port & 7, (uint8_t)v);
		return HV_EV_NONE;
	}
	switch (port) {
	case PORT_RTC:
	case PORT_RTC + 1:
		hv_rtc_write(&p->rtc, port - PORT_RTC, (uint8_t)v);
		return HV_EV_NONE;
	case PORT_KEYBOARD:
		return (uint8_t)v == KEYBOARD_RESET ? HV_EV_RESET : HV_EV_NONE;
	case HV_RESET_PORT:
		return (uint8_t)v == HV_RESET_VALUE && size == 1 ? HV_EV_RESET : HV_EV_NONE;
	case HV_SLEEP_PORT:
		return (uint8_t)v == (HV_SLEEP_TYPE_S5 << SLEEP_TYPE_SHIFT | SLEEP_ENABLE)
			       ? HV_EV_OFF
			       : HV_EV_NONE;
	default:
		return HV_EV_NONE;
	}
}

uint32_t hv_pio_read(struct hv_pio *p, uint16_t port, unsigned int size, time_t now)
{
	struct hv_uart *u = uart_at(p, port);

	if (u)
		return hv_uart_read(u, port & 7);
	switch (port) {
	case PORT_RTC:
	case PORT_RTC + 1:
		return hv_rtc_read(&p->rtc, port - PORT_RTC, now);
	case PORT_SYSTEM_CONTROL:
	case PORT_KEYBOARD:
	case HV_RESET_PORT:
	case HV_SLEEP_PORT:
	case HV_SLEEP_PORT + 1:
		return 0;
	default:
		return UINT32_MAX;
	}
}
