/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "hv/uart.h"
#include "tests/unit/tap.h"

static struct hv_uart u;
static uint8_t sent[4096];
static unsigned int n_sent, n_edges, n_room;
static bool line;

static void on_irq(void *ctx, bool level)
{
	CU_ASSERT_NOT_EQUAL(level, line);
	line = level;
	n_edges += level;
}

static void on_tx(void *ctx, const uint8_t *data, unsigned int n)
{
	memcpy(sent + n_sent, data, n);
	n_sent += n;
}

static void on_room(void *ctx)
{
	n_room++;
}

static void set_up(void)
{
	static const struct hv_uart_ops ops = {.irq = on_irq, .tx = on_tx, .rx_room = on_room};

	hv_uart_init(&u, &ops, NULL);
	n_sent = n_edges = n_room = 0;
	line = false;
	hv_uart_write(&u, 4, 8); /* OUT2 */
}

static void polled_output(void)
{
	set_up();
	CU_ASSERT_EQUAL(hv_uart_read(&u, 5), 0x60);
	for (const char *p = "hello"; *p; p++)
		hv_uart_write(&u, 0, (uint8_t)*p);
	/* a driver that polls need not look at the port again */
	CU_ASSERT_EQUAL(n_sent, 5);
	CU_ASSERT_EQUAL(memcmp(sent, "hello", 5), 0);
	CU_ASSERT_EQUAL(n_edges, 0);
}

static void interrupt_driven_output(void)
{
	unsigned int left = 1000, rounds = 0;

	set_up();
	hv_uart_write(&u, 1, 2);
	CU_ASSERT_TRUE(line); /* enabling it raises it */
	while (line && rounds++ < 1000) {
		CU_ASSERT_EQUAL(hv_uart_read(&u, 2) & 0xf, 2);
		CU_ASSERT_FALSE(line);
		for (unsigned int i = 0; i < 16 && left; i++, left--)
			hv_uart_write(&u, 0, (uint8_t)left);
		if (!left)
			hv_uart_write(&u, 1, 0);
	}
	CU_ASSERT_EQUAL(left, 0);
	CU_ASSERT_EQUAL(n_sent, 1000);
	for (unsigned int i = 0; i < n_sent; i++)
		CU_ASSERT_EQUAL(sent[i], (uint8_t)(1000 - i));
	CU_ASSERT_EQUAL(hv_uart_read(&u, 2) & 0xf, 1);
}

static void input(void)
{
	uint8_t data[HV_UART_RX + 8];

	set_up();
	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	hv_uart_receive(&u, data, 3);
	CU_ASSERT_FALSE(line); /* not enabled */
	CU_ASSERT_EQUAL(hv_uart_read(&u, 5) & 1, 1);
	hv_uart_write(&u, 1, 1);
	CU_ASSERT_TRUE(line);
	CU_ASSERT_EQUAL(hv_uart_read(&u, 2) & 0xf, 4);
	for (unsigned int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(hv_uart_read(&u, 0), i);
	CU_ASSERT_FALSE(line);
	CU_ASSERT_EQUAL(hv_uart_read(&u, 5) & 1, 0);
	hv_uart_receive(&u, data,
			sizeof(data)); /* more than fits: the rest is lost, nothing else */
	CU_ASSERT_EQUAL(hv_uart_room(&u), 0);
	CU_ASSERT_EQUAL(n_room, 0);
	for (unsigned int i = 0; i < HV_UART_RX; i++)
		CU_ASSERT_EQUAL(hv_uart_read(&u, 0), i);
	CU_ASSERT_EQUAL(n_room, 1);
	CU_ASSERT_EQUAL(hv_uart_read(&u, 0), 0);
}

static void gates(void)
{
	set_up();
	hv_uart_write(&u, 4, 0); /* without OUT2 the line is not connected */
	hv_uart_write(&u, 1, 3);
	CU_ASSERT_FALSE(line);
	hv_uart_write(&u, 4, 8);
	CU_ASSERT_TRUE(line);
}

static void loopback(void)
{
	set_up();
	hv_uart_write(&u, 4, 0x1a); /* loop, RTS, OUT2 */
	CU_ASSERT_EQUAL(hv_uart_read(&u, 6) & 0xf0, 0x90);
	hv_uart_write(&u, 0, 0x55);
	CU_ASSERT_EQUAL(n_sent, 0);
	CU_ASSERT_EQUAL(hv_uart_read(&u, 0), 0x55);
	CU_ASSERT_EQUAL(n_edges, 0);
}

static void registers(void)
{
	set_up();
	hv_uart_write(&u, 7, 0xa5);
	CU_ASSERT_EQUAL(hv_uart_read(&u, 7), 0xa5);
	hv_uart_write(&u, 3, 0x83);
	hv_uart_write(&u, 0, 0x0c);
	hv_uart_write(&u, 1, 0x01);
	CU_ASSERT_EQUAL(hv_uart_read(&u, 0), 0x0c);
	CU_ASSERT_EQUAL(hv_uart_read(&u, 1), 0x01);
	hv_uart_write(&u, 3, 0x03);
	CU_ASSERT_EQUAL(hv_uart_read(&u, 1), 0);
	CU_ASSERT_EQUAL(n_sent, 0);
	hv_uart_write(&u, 2, 1);
	CU_ASSERT_EQUAL(hv_uart_read(&u, 2), 0xc1); /* a FIFO is there */
}

/* A driver that stops looking while the line is high is told again. */
static void fresh_edge(void)
{
	unsigned int before;

	set_up();
	hv_uart_write(&u, 1, 2);
	before = n_edges;
	for (unsigned int i = 0; i < 4 * HV_UART_TX; i++)
		hv_uart_write(&u, 0, 0);
	CU_ASSERT_TRUE(n_edges > before);
}

static const struct tap_case cases[] = {
	{"output, polled", polled_output},
	{"output by interrupts: every byte, in order", interrupt_driven_output},
	{"input, and more of it than fits", input},
	{"OUT2 connects the interrupt", gates},
	{"loopback", loopback},
	{"scratch, divisor, FIFO", registers},
	{"a line that stays high gets fresh edges", fresh_edge},
};
TAP_MAIN("hv-uart", cases)
