/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ports of a guest: two serial ports, the clock, keyboard controller (reset only), ACPI sleep and
 * reset registers. Everything else reads as ones and ignores writes. Pure: time is an argument.
 * Thread-safety: none; the caller serialises. Proof: tests/unit/hv/test_devices.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "hv/rtc.h"
#include "hv/uart.h"

enum hv_event { HV_EV_NONE, HV_EV_OFF, HV_EV_RESET, HV_EV_FAILED };

struct hv_pio {
	struct hv_uart uart[2];
	unsigned int n_uarts;
	struct hv_rtc rtc;
};

/** One access of @size (1, 2, 4) bytes. Return: what it did to the machine. */
enum hv_event hv_pio_write(struct hv_pio *p, uint16_t port, uint32_t v, unsigned int size);
uint32_t hv_pio_read(struct hv_pio *p, uint16_t port, unsigned int size, time_t now);
