/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The resolver of confined ports. It asks nobody: what it knows are the names of those who heal the port, with the
 * addresses that the daemon has found, and everything else is refused. So nothing can be said to anybody by
 * asking, whatever the names look like. ldns reads and writes the messages.
 *
 * Bounds: A and AAAA of class IN, one question, 512 bytes of answer; over TCP a few connections, one
 * question each.
 *
 * Source: RFC 1035, RFC 7766. Proof: tests/net/nap-portal.test, tests/fuzz/fuzz_portal_dns.c.
 */
#include <ldns/ldns.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "nap-policy/portal/portal.h"

#define MESSAGE_MAX 512
#define TCP_MAX     16
#define TCP_MS      3000
#define UDP_AT_ONCE 64

/* ---- one message ---- */

static unsigned int finish(ldns_pkt *answer, uint8_t *ret)
{
	uint8_t *wire = NULL;
	size_t size = 0;

	if (ldns_pkt2wire(&wire, answer, &size) != LDNS_STATUS_OK || size > MESSAGE_MAX)
		size = 0;
	if (size)
		memcpy(ret, wire, size);
	LDNS_FREE(wire);
	ldns_pkt_free(answer);
	return (unsigned int)size;
}

static ldns_pkt *answer_to(const ldns_pkt *query, ldns_pkt_rcode code)
{
	ldns_pkt *a = ldns_pkt_new();
	const ldns_rr_list *question = ldns_pkt_question(query);

	if (!a)
		return NULL;
	ldns_pkt_set_id(a, ldns_pkt_id(query));
	ldns_pkt_set_qr(a, true);
	ldns_pkt_set_rd(a, ldns_pkt_rd(query));
	ldns_pkt_set_ra(a, true);
	ldns_pkt_set_opcode(a, ldns_pkt_get_opcode(query));
	ldns_pkt_set_rcode(a, code);
	/* an answer repeats the one question, however many there were */
	if (ldns_rr_list_rr_count(question) == 1)
		ldns_pkt_push_rr(a, LDNS_SECTION_QUESTION,
				 ldns_rr_clone(ldns_rr_list_rr(question, 0)));
	return a;
}

/* As many addresses of the family asked for as fit. */
static void add_addresses(ldns_pkt *a, const ldns_rr *question, const struct nap_addrs *addrs)
{
	ldns_rr_type type = ldns_rr_get_type(question);
	unsigned int family = type == LDNS_RR_TYPE_A ? 4 : type == LDNS_RR_TYPE_AAAA ? 6 : 0;
	size_t room = MESSAGE_MAX - 12 - 4 - ldns_rdf_size(ldns_rr_owner(question));

	for (unsigned int i = 0; i < addrs->n && i < NAP_ADDRS_MAX; i++) {
		size_t size = family == 4 ? 4 : 16;
		/* without compression at worst: name, type, class, TTL, length */
		size_t cost = ldns_rdf_size(ldns_rr_owner(question)) + 10 + size;
		ldns_rr *rr;

		if (addrs->a[i].family != family || cost > room)
			continue;
		rr = ldns_rr_new();
		if (!rr)
			return;
		ldns_rr_set_owner(rr, ldns_rdf_clone(ldns_rr_owner(question)));
		ldns_rr_set_type(rr, type);
		ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
		ldns_rr_set_ttl(rr, addrs->ttl_s);
		ldns_rr_push_rdf(rr, ldns_rdf_new_frm_data(family == 4 ? LDNS_RDF_TYPE_A
								       : LDNS_RDF_TYPE_AAAA,
							   size, addrs->a[i].addr));
		ldns_pkt_push_rr(a, LDNS_SECTION_ANSWER, rr);
		room -= cost;
	}
}

/* Ask the daemon for the addresses of the question's name. The code of the answer; *@silent: none is given. */
static ldns_pkt_rcode look_up(uint32_t ticket, const ldns_rr *question, struct nap_addrs *ret,
			      bool *silent)
{
	struct nap_ask ask = {.op = NAP_ASK_NAME, .ticket = ticket};
	char *name = ldns_rdf2str(ldns_rr_owner(question));
	struct nap_told told;
	const uint8_t *body;
	size_t n = name ? strlen(name) : 0;

	ret->n = 0;
	if (n && name[n - 1] == '.')
		n--;
	/* longer texts are names with escapes: none of ours */
	if (!n || n >= 254) {
		free(name);
		return LDNS_RCODE_REFUSED;
	}
	ask.size = (uint32_t)n;
	if (portal_ask(&ask, name, &told, &body) < 0)
		told.status = 503;
	free(name);
	if (told.status == 200 && told.size == sizeof(*ret)) {
		memcpy(ret, body, sizeof(*ret));
		return LDNS_RCODE_NOERROR;
	}
	*silent = told.status == 429;
	return told.status == 503 ? LDNS_RCODE_SERVFAIL : LDNS_RCODE_REFUSED;
}

static bool answered(const ldns_rr *q)
{
	ldns_rr_type t = ldns_rr_get_type(q);

	return ldns_rr_get_class(q) == LDNS_RR_CLASS_IN &&
	       (t == LDNS_RR_TYPE_A || t == LDNS_RR_TYPE_AAAA);
}

unsigned int portal_dns_answer(uint32_t ticket, const uint8_t *query, unsigned int size,
			       uint8_t *ret)
{
	struct nap_addrs addrs;
	ldns_pkt *q = NULL, *a;
	const ldns_rr *question;
	ldns_pkt_rcode code = LDNS_RCODE_REFUSED;
	bool silent = false;

	if (size < 12 || size > MESSAGE_MAX || query[2] & 0x80)
		return 0;
	if (ldns_wire2pkt(&q, query, size) != LDNS_STATUS_OK || !q)
		return 0;
	addrs.n = 0;
	question = ldns_rr_list_rr_count(ldns_pkt_question(q)) == 1
			   ? ldns_rr_list_rr(ldns_pkt_question(q), 0)
			   : NULL;
	if (question && ldns_pkt_get_opcode(q) == LDNS_PACKET_QUERY && answered(question))
		code = look_up(ticket, question, &addrs, &silent);
	a = silent ? NULL : answer_to(q, code);
	if (a && code == LDNS_RCODE_NOERROR)
		add_addresses(a, question, &addrs);
	ldns_pkt_free(q);
	return a ? finish(a, ret) : 0;
}

/* ---- datagrams ---- */

static void serve_udp(void)
{
	for (unsigned int i = 0; i < UDP_AT_ONCE; i++) {
		uint8_t query[MESSAGE_MAX + 1], answer[MESSAGE_MAX];
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(PORTAL_FD_DNS_UDP, query, sizeof(query), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &len);
		uint32_t ticket = n > 0 ? portal_ticket((struct sockaddr *)&from) : 0;
		unsigned int size;

		if (n < 0)
			return;
		size = ticket ? portal_dns_answer(ticket, query, (unsigned int)n, answer) : 0;
		if (size && sendto(PORTAL_FD_DNS_UDP, answer, size, MSG_DONTWAIT,
				   (struct sockaddr *)&from, len) < 0)
			continue; /* asked again, it may work */
	}
}

/* ---- connections ---- */

static struct tcp {
	int fd; /* 0: free */
	uint32_t ticket;
	uint64_t until_ms;
	unsigned int n;
	uint8_t bytes[2 + MESSAGE_MAX];
} conns[TCP_MAX];

static void end(struct tcp *c)
{
	close(c->fd);
	c->fd = 0;
}

static void accept_tcp(uint64_t now_ms)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int fd = accept4(PORTAL_FD_DNS_TCP, (struct sockaddr *)&from, &len,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);
	uint32_t ticket = fd >= 0 ? portal_ticket((struct sockaddr *)&from) : 0;
	struct tcp *c = NULL;

	for (unsigned int i = 0; ticket && i < TCP_MAX; i++) {
		if (!conns[i].fd)
			c = &conns[i];
		/* one a port */
		if (conns[i].fd && conns[i].ticket == ticket)
			ticket = 0;
	}
	if (fd >= 0 && (!ticket || !c))
		close(fd);
	else if (fd >= 0)
		*c = (struct tcp){.fd = fd, .ticket = ticket, .until_ms = now_ms + TCP_MS};
}

static void serve_tcp(struct tcp *c)
{
	ssize_t n = recv(c->fd, c->bytes + c->n, sizeof(c->bytes) - c->n, MSG_DONTWAIT);
	uint8_t answer[2 + MESSAGE_MAX];
	unsigned int size;

	if (n < 0)
		return; /* nothing yet */
	c->n += (unsigned int)n;
	size = c->n < 2 ? MESSAGE_MAX : (unsigned int)(c->bytes[0] << 8 | c->bytes[1]);
	if (n == 0 || (c->n >= 2 && size > MESSAGE_MAX)) {
		end(c);
		return;
	}
	if (c->n < 2 || c->n < 2 + size)
		return;
	size = portal_dns_answer(c->ticket, c->bytes + 2, size, answer + 2);
	answer[0] = (uint8_t)(size >> 8);
	answer[1] = (uint8_t)size;
	if (size && send(c->fd, answer, 2 + size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		size = 0; /* it does not listen: nothing else is owed */
	end(c);
}

unsigned int portal_dns_fds(struct pollfd *fds)
{
	unsigned int n = 0;

	fds[n++] = (struct pollfd){.fd = PORTAL_FD_DNS_UDP, .events = POLLIN};
	fds[n++] = (struct pollfd){.fd = PORTAL_FD_DNS_TCP, .events = POLLIN};
	for (unsigned int i = 0; i < TCP_MAX; i++)
		if (conns[i].fd)
			fds[n++] = (struct pollfd){.fd = conns[i].fd, .events = POLLIN};
	return n;
}

void portal_dns_run(uint64_t now_ms)
{
	serve_udp();
	accept_tcp(now_ms);
	for (unsigned int i = 0; i < TCP_MAX; i++) {
		if (conns[i].fd)
			serve_tcp(&conns[i]);
		if (conns[i].fd && now_ms > conns[i].until_ms)
			end(&conns[i]);
	}
}
