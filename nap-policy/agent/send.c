/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports to the switch: see send.h. */
#include "nap-policy/agent/send.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_MS 1500
#define ANSWER_MS  6000

static bool within(int fd, short what, int limit_ms)
{
	struct pollfd p = {.fd = fd, .events = what};

	return poll(&p, 1, limit_ms) == 1;
}

static bool connected(int fd, const struct sockaddr *a, socklen_t size)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (connect(fd, a, size) == 0)
		return true;
	return errno == EINPROGRESS && within(fd, POLLOUT, CONNECT_MS) &&
	       getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && !error;
}

/* A connection to port 80 of @address on the link of @interface; -1. */
static int dial(const char *address, const char *interface)
{
	struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
	struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(80)};
	bool six = inet_pton(AF_INET6, address, &a6.sin6_addr) == 1;
	int one = 1, fd;
	bool ok;

	if (!six && inet_pton(AF_INET, address, &a4.sin_addr) != 1)
		return -1;
	fd = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	a6.sin6_scope_id = interface ? if_nametoindex(interface) : 0;
	/* on the link, whatever routes say: the address is nowhere else */
	if (interface && !six) {
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
			   (socklen_t)strlen(interface));
		setsockopt(fd, SOL_SOCKET, SO_DONTROUTE, &one, sizeof(one));
	}
	ok = six ? connected(fd, (struct sockaddr *)&a6, sizeof(a6))
		 : connected(fd, (struct sockaddr *)&a4, sizeof(a4));
	if (ok)
		return fd;
	close(fd);
	return -1;
}

static bool is_up(const char *interface)
{
	struct ifreq r = {0};
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up;

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", interface);
	up = s >= 0 && ioctl(s, SIOCGIFFLAGS, &r) == 0 && r.ifr_flags & IFF_UP &&
	     !(r.ifr_flags & IFF_LOOPBACK);
	if (s >= 0)
		close(s);
	return up;
}

static int dial_on(struct health_service *s, const char *interface)
{
	static const char *const usual[] = {HEALTH_IPV6, HEALTH_IPV4};

	for (unsigned int i = 0; i < (s->address ? 1u : 2u); i++) {
		const char *address = s->address ? s->address : usual[i];
		int fd = dial(address, interface);

		if (fd < 0)
			continue;
		snprintf(s->via, sizeof(s->via), "%s%s%s", address, interface ? "%" : "",
			 interface ? interface : "");
		return fd;
	}
	return -1;
}

static int dial_any(struct health_service *s)
{
	struct if_nameindex *all;
	int fd = -1;

	if (s->interface)
		return dial_on(s, s->interface);
	all = if_nameindex();
	for (unsigned int i = 0; all && all[i].if_index && fd < 0; i++)
		if (is_up(all[i].if_name))
			fd = dial_on(s, all[i].if_name);
	if (all)
		if_freenameindex(all);
	return fd;
}

static bool send_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN && within(fd, POLLOUT, ANSWER_MS))
			continue;
		if (sent <= 0)
			return false;
		p += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* The whole answer; status of HTTP, or -1. Moves the body to the front. */
static int read_answer(int fd, char *answer)
{
	size_t n = 0;
	char *body;
	int status;

	while (n < HEALTH_ANSWER_SIZE - 1 && within(fd, POLLIN, ANSWER_MS)) {
		ssize_t got = recv(fd, answer + n, HEALTH_ANSWER_SIZE - 1 - n, 0);

		if (got <= 0)
			break;
		n += (size_t)got;
	}
	answer[n] = '\0';
	body = strstr(answer, "\r\n\r\n");
	if (!body || sscanf(answer, "HTTP/1.1 %3d ", &status) != 1)
		return -1;
	memmove(answer, body + 4, strlen(body + 4) + 1);
	return status;
}

static int request(struct health_service *s, const char *line, const char *body, size_t size,
		   char *answer)
{
	int fd = dial_any(s), status = -1;
	char head[256];

	if (fd < 0) {
		fprintf(stderr, "viridian-health: no switch answers on %s\n",
			s->interface ? s->interface : "any interface");
		return -1;
	}
	snprintf(head, sizeof(head),
		 "%s HTTP/1.1\r\nHost: health\r\nContent-Type: application/json\r\n"
		 "Content-Length: %zu\r\n\r\n",
		 line, size);
	if (send_all(fd, head, strlen(head)) && send_all(fd, body, size))
		status = read_answer(fd, answer);
	close(fd);
	if (status < 0)
		fprintf(stderr, "viridian-health: %s does not answer as the service does\n",
			s->via);
	return status;
}

int health_challenge(struct health_service *s, struct health_challenge *ret)
{
	static char answer[HEALTH_ANSWER_SIZE];
	const char *counter, *nonce;
	int status = request(s, "GET /health/v1/challenge", "", 0, answer);

	if (status < 0)
		return -1;
	counter = strstr(answer, "\"counter\":");
	nonce = strstr(answer, "\"nonce\":");
	if (status != 200 || !counter || sscanf(counter + 10, " %llu", &ret->counter) != 1 ||
	    !nonce || sscanf(nonce + 8, " \"%32[0-9a-f]\"", ret->nonce) != 1) {
		fprintf(stderr, "viridian-health: %s gives no challenge (%d)\n", s->via, status);
		return -1;
	}
	return 0;
}

int health_send(struct health_service *s, const struct health_challenge *challenge,
		const char *report, size_t size, char *answer)
{
	char line[128];

	snprintf(line, sizeof(line), "POST /health/v1/report?counter=%llu&nonce=%s",
		 challenge->counter, challenge->nonce);
	return request(s, line, report, size, answer);
}
