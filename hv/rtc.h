/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock chip (MC146818) as far as a kernel reads the time of day from it: 24 hours, BCD, UTC.
 * Pure: time is an argument. Writes go to scratch registers and change no clock.
 * Proof: tests/unit/hv/test_devices.c.
 */
#pragma once

#include <stdint.h>
#include <time.h>

struct hv_rtc {
	uint8_t index;
	uint8_t cmos[128];
};

/** Port 0x70 (@reg 0) and 0x71 (@reg 1). */
uint8_t hv_rtc_read(struct hv_rtc *rtc, unsigned int reg, time_t now);
void hv_rtc_write(struct hv_rtc *rtc, unsigned int reg, uint8_t v);
