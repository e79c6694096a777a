/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The time of day. */
#include "hv/rtc.h"

enum { REG_A = 0x0a, REG_B = 0x0b, REG_C = 0x0c, REG_D = 0x0d, REG_CENTURY = 0x32 };

static uint8_t bcd(int v)
{
	return (uint8_t)(v / 10 << 4 | v % 10);
}

uint8_t hv_rtc_read(struct hv_rtc *rtc, unsigned int reg, time_t now)
{
	struct tm tm;

	if (reg == 0 || !gmtime_r(&now, &tm))
		return 0xff;
	switch (rtc->index) {
	case 0:
		return bcd(tm.tm_sec);
	case 2:
		return bcd(tm.tm_min);
	case 4:
		return bcd(tm.tm_hour);
	case 6:
		return bcd(tm.tm_wday + 1);
	case 7:
		return bcd(tm.tm_mday);
	case 8:
		return bcd(tm.tm_mon + 1);
	case 9:
		return bcd(tm.tm_year % 100);
	case REG_CENTURY:
		return bcd((tm.tm_year + 1900) / 100);
	case REG_A:
		return 0x26; /* running, never in the middle of an update */
	case REG_B:
		return 0x02; /* 24 hours, BCD, no interrupts */
	case REG_C:
		return 0;
	case REG_D:
		return 0x80; /* the battery is good */
	default:
		return rtc->cmos[rtc->index];
	}
}

void hv_rtc_write(struct hv_rtc *rtc, unsigned int reg, uint8_t v)
{
	if (reg == 0)
		rtc->index = v & 0x7f;
	else
		rtc->cmos[rtc->index] = v;
}
