/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viridian-portal: the health service's process. It is started by viridiand inside a network namespace where
 * only guests of ports under a health policy can reach it, as a user of its own without privileges, with the
 * sockets it needs and no way to open others: after its start it can read and write what it has, allocate
 * memory, tell the time, and nothing else.
 *
 * A peer's address says which port it is (vswitch/portal/desk.h): nothing in a request does.
 *
 * Thread-safety: one thread. Proof: tests/net/nap-portal.test.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "nap-policy/portal/ask.h"

/* Descriptors that the process is born with. */
enum portal_fd {
	PORTAL_FD_DAEMON = 3, /* SOCK_SEQPACKET: ask.h */
	PORTAL_FD_WEB,        /* listening; the portal's own pages */
	PORTAL_FD_REDIRECT,   /* listening; what guests sent to others' port 80 */
	PORTAL_FD_DNS_UDP,
	PORTAL_FD_DNS_TCP,
	PORTAL_N_FDS,
};

#define PORTAL_DEADLINE_MS 5000u /* of a connection, from its first packet to its last */
#define PORTAL_CONNECTIONS 512u  /* of all ports together */
#define PORTAL_PER_PORT    4u
#define PORTAL_HEADERS_MAX \
	8192u /* bytes of a request before its body, and of what is made of them */
#define PORTAL_TICK_MS 250

uint64_t portal_now_ms(void);

/** The ticket that the peer at @a stands for; 0: nobody's. */
uint32_t portal_ticket(const struct sockaddr *a);

/**
 * Ask the daemon. @ask: op, ticket, and what belongs to op; @body has ask->size bytes. *@told and *@body_told
 * (borrowed until the next question) are the answer.
 * Return: 0; -EIO: the daemon did not answer; the process cannot go on.
 */
int portal_ask(struct nap_ask *ask, const void *body, struct nap_told *told,
	       const uint8_t **body_told);

/* http.c */
int portal_http_start(void);
/** Adds the descriptors to wait for; returns how many. */
unsigned int portal_http_fds(struct pollfd *fds);
/** Serve what is there, and end connections whose time is over. */
void portal_http_run(uint64_t now_ms);

/* dns.c */
unsigned int portal_dns_fds(struct pollfd *fds);
void portal_dns_run(uint64_t now_ms);
/**
 * Answer the query of @size bytes at @query for @ticket into @ret (512 bytes). Returns the size of the answer; 0:
 * none, it was no query.
 */
unsigned int portal_dns_answer(uint32_t ticket, const uint8_t *query, unsigned int size,
			       uint8_t *ret);

/* page.c: texts made of a status; malloced, NULL on lack of memory. */
char *portal_page(const uint8_t *status, unsigned int size);
char *portal_address(const uint8_t *status, unsigned int size);
char *portal_captive(const uint8_t *status, unsigned int size, bool ipv6);

/* confine.c */
/** No way back: limits, no new privileges, seccomp. 0 or -errno. */
int portal_confine(void);
