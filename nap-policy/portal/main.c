/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viridian-portal: the loop, and asking the daemon. See portal.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "nap-policy/portal/portal.h"

#define TICKET_BITS 22
#define ANSWER_MS   5000
#define FDS_MAX     64
#define INSIDE_IPV4 0x64400000u

static bool lost; /* the daemon is gone */

uint64_t portal_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint32_t portal_ticket(const struct sockaddr *a)
{
	static const uint8_t net[12] = {0xfd, 0x4e, 0x41, 0x50};
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
	uint32_t n = 0;

	if (a->sa_family == AF_INET) {
		n = ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) - INSIDE_IPV4;
	} else if (a->sa_family == AF_INET6) {
		const uint8_t *b = ((const struct sockaddr_in6 *)a)->sin6_addr.s6_addr;

		memcpy(&n, b + 12, sizeof(n));
		n = ntohl(n);
		if (!memcmp(b, mapped, sizeof(mapped)))
			n -= INSIDE_IPV4;
		else if (memcmp(b, net, sizeof(net)))
			n = 0;
	}
	return n >> TICKET_BITS ? 0 : n;
}

int portal_ask(struct nap_ask *ask, const void *body, struct nap_told *told,
	       const uint8_t **body_told)
{
	static uint8_t answer[sizeof(struct nap_told) + NAP_TOLD_MAX];
	struct iovec v[2] = {{ask, sizeof(*ask)}, {(void *)(uintptr_t)body, ask->size}};
	struct msghdr m = {.msg_iov = v, .msg_iovlen = ask->size ? 2 : 1};
	struct pollfd p = {.fd = PORTAL_FD_DAEMON, .events = POLLIN};
	ssize_t n;

	ask->magic = NAP_ASK_MAGIC;
	lost |= sendmsg(PORTAL_FD_DAEMON, &m, MSG_NOSIGNAL) < 0 || poll(&p, 1, ANSWER_MS) != 1;
	if (lost)
		return -EIO;
	n = recv(PORTAL_FD_DAEMON, answer, sizeof(answer), 0);
	lost = n <= 0 || !nap_told_parse(answer, (size_t)n, told, body_told);
	return lost ? -EIO : 0;
}

int main(int argc, char **argv)
{
	struct pollfd fds[FDS_MAX];
	int r;

	signal(SIGPIPE, SIG_IGN);
	r = portal_http_start();
	/* messages are made before the door closes */
	tzset();
	if (r == 0)
		r = portal_confine();
	if (r < 0) {
		fprintf(stderr, "viridian-portal: cannot start: %s\n", strerror(-r));
		return 1;
	}
	while (!lost) {
		unsigned int n = 1;

		fds[0] = (struct pollfd){.fd = PORTAL_FD_DAEMON, .events = POLLIN};
		n += portal_http_fds(fds + n);
		n += portal_dns_fds(fds + n);
		if (poll(fds, n, PORTAL_TICK_MS) < 0 && errno != EINTR)
			return 1;
		/* it says nothing unasked: it has ended */
		if (fds[0].revents)
			return 0;
		portal_http_run(portal_now_ms());
		portal_dns_run(portal_now_ms());
	}
	return 0;
}
