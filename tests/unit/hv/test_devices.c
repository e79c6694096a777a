/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hv/layout.h"
#include "hv/pio.h"
#include "tests/unit/tap.h"

static void no_irq(void *ctx, bool level)
{
}

static void no_tx(void *ctx, const uint8_t *data, unsigned int n)
{
}

static const struct hv_uart_ops ops = {.irq = no_irq, .tx = no_tx};
static struct hv_pio pio;

static void set_up(void)
{
	pio = (struct hv_pio){.n_uarts = 1};
	hv_uart_init(&pio.uart[0], &ops, NULL);
}

static uint8_t clock_reg(uint8_t reg, time_t now)
{
	hv_pio_write(&pio, 0x70, reg | 0x80, 1); /* the top bit only masks NMIs */
	return (uint8_t)hv_pio_read(&pio, 0x71, 1, now);
}

static void time_of_day(void)
{
	const time_t now = 951827696; /* Tuesday 2000-02-29 12:34:56 */

	set_up();
	CU_ASSERT_EQUAL(clock_reg(0, now), 0x56);
	CU_ASSERT_EQUAL(clock_reg(2, now), 0x34);
	CU_ASSERT_EQUAL(clock_reg(4, now), 0x12);
	CU_ASSERT_EQUAL(clock_reg(6, now), 3);
	CU_ASSERT_EQUAL(clock_reg(7, now), 0x29);
	CU_ASSERT_EQUAL(clock_reg(8, now), 0x02);
	CU_ASSERT_EQUAL(clock_reg(9, now), 0x00);
	CU_ASSERT_EQUAL(clock_reg(0x32, now), 0x20);
	CU_ASSERT_EQUAL(clock_reg(0x0a, now) & 0x80, 0); /* no update under way */
	CU_ASSERT_EQUAL(clock_reg(0x0d, now), 0x80);
}

static void reset_and_off(void)
{
	set_up();
	CU_ASSERT_EQUAL(hv_pio_write(&pio, HV_RESET_PORT, HV_RESET_VALUE, 1), HV_EV_RESET);
	CU_ASSERT_EQUAL(hv_pio_write(&pio, HV_RESET_PORT, 0, 1), HV_EV_NONE);
	CU_ASSERT_EQUAL(hv_pio_write(&pio, 0xcf8, 0x80000600, 4), HV_EV_NONE);
	CU_ASSERT_EQUAL(hv_pio_write(&pio, 0x64, 0xfe, 1), HV_EV_RESET);
	CU_ASSERT_EQUAL(hv_pio_write(&pio, 0x64, 0xd1, 1), HV_EV_NONE);
	CU_ASSERT_EQUAL(hv_pio_write(&pio, HV_SLEEP_PORT, 5 << 2 | 0x20, 1), HV_EV_OFF);
	CU_ASSERT_EQUAL(hv_pio_write(&pio, HV_SLEEP_PORT, 5 << 2, 1), HV_EV_NONE);
	CU_ASSERT_EQUAL(hv_pio_write(&pio, HV_SLEEP_PORT, 0x20, 1), HV_EV_NONE);
}

static void nothing_there(void)
{
	set_up();
	CU_ASSERT_EQUAL(hv_pio_read(&pio, 0xcfc, 4, 0), UINT32_MAX);
	CU_ASSERT_EQUAL(hv_pio_read(&pio, HV_COM2_PORT + 5, 1, 0), UINT32_MAX);
	pio.n_uarts = 2;
	hv_uart_init(&pio.uart[1], &ops, NULL);
	CU_ASSERT_EQUAL(hv_pio_read(&pio, HV_COM2_PORT + 5, 1, 0), 0x60);
	for (uint32_t port = 0; port < 0x10000; port++)
		(void)hv_pio_read(&pio, (uint16_t)port, 4, 0);
}

static const struct tap_case cases[] = {
	{"the clock tells the time of day", time_of_day},
	{"reset and power-off by their registers only", reset_and_off},
	{"ports with nothing behind them read as ones", nothing_there},
};
TAP_MAIN("hv-devices", cases)
