/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl/client.h"

static char dir[] = "/tmp/vdclientXXXXXX";
static char path[64];

/* A daemon of one connection: reads one line, says @answer, and closes. */
static struct server {
	int listener;
	const char *answer; /* NULL: says nothing until the client leaves */
	char heard[512];
	int fd; /* descriptor that came along, or -1 */
	pthread_t thread;
} server;

static void *serve(void *arg)
{
	struct server *s = arg;
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {.iov_base = s->heard, .iov_len = sizeof(s->heard) - 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	int c = accept(s->listener, NULL, NULL);
	ssize_t n = recvmsg(c, &m, 0);
	struct cmsghdr *cm = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	char byte;

	if (cm)
		memcpy(&s->fd, CMSG_DATA(cm), sizeof(s->fd));
	if (s->answer)
		send(c, s->answer, strlen(s->answer), MSG_NOSIGNAL);
	else
		(void)!read(c, &byte, 1);
	close(c);
	return NULL;
}

static void start(const char *answer)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	unlink(path);
	memset(&server, 0, sizeof(server));
	server.fd = -1;
	server.answer = answer;
	server.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	CU_ASSERT_EQUAL_FATAL(bind(server.listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	CU_ASSERT_EQUAL_FATAL(listen(server.listener, 1), 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&server.thread, NULL, serve, &server), 0);
}

static void finish(void)
{
	pthread_join(server.thread, NULL);
	close(server.listener);
	unlink(path);
}

static int call(const char *answer, unsigned int timeout_ms, json_t **ret, struct vd_err *e)
{
	struct ctl_client *c = NULL;
	int r;

	*e = (struct vd_err){0};
	*ret = NULL;
	start(answer);
	r = ctl_client_open(path, timeout_ms, &c, e);
	CU_ASSERT_EQUAL_FATAL(r, 0);
	r = ctl_client_call(c, "switch.list", NULL, ret, e);
	ctl_client_close(c);
	finish();
	return r;
}

static void answers(void)
{
	struct vd_err e;
	json_t *j;

	CU_ASSERT_EQUAL(call("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[1,2]}\n", 5000, &j, &e), 0);
	CU_ASSERT_EQUAL(json_array_size(j), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(server.heard, "\"method\":\"switch.list\""));
	json_decref(j);
	/* an event in between does not confuse */
	CU_ASSERT_EQUAL(call("{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{}}\n"
			     "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}\n",
			     5000, &j, &e),
			0);
	json_decref(j);
	CU_ASSERT_TRUE(
		call("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,\"message\":\"m\","
		     "\"data\":{"
		     "\"code\":\"switch.not_found\",\"kind\":\"not-found\",\"path\":\"switch/x\","
		     "\"message\":\"no\",\"hint\":\"h\"}}}\n",
		     5000, &j, &e) < 0);
	CU_ASSERT_EQUAL(e.code, VD_E_SWITCH_UNKNOWN);
	CU_ASSERT_EQUAL(vd_code_exit(e.code), 3);
	CU_ASSERT_STRING_EQUAL(e.hint, "h");
}

static void no_answers(void)
{
	struct vd_err e;
	json_t *j;

	CU_ASSERT_EQUAL(call(NULL, 50, &j, &e), -ETIMEDOUT);
	CU_ASSERT_EQUAL(vd_code_exit(e.code), 7);
	CU_ASSERT_EQUAL(call("", 5000, &j, &e), -ECONNRESET);
	CU_ASSERT_EQUAL(vd_code_exit(e.code), 6);
	CU_ASSERT_EQUAL(call("HTTP/1.1 400\n", 5000, &j, &e), -EPROTO);
	CU_ASSERT_EQUAL(vd_code_exit(e.code), 1);
	CU_ASSERT_EQUAL(call("{\"jsonrpc\":\"2.0\",\"id\":1,\"resu", 5000, &j, &e), -ECONNRESET);
}

static void nobody(void)
{
	struct ctl_client *c = NULL;
	struct vd_err e = {0};
	char long_path[200];

	unlink(path);
	CU_ASSERT_EQUAL(ctl_client_open(path, 100, &c, &e), -ECONNREFUSED);
	CU_ASSERT_EQUAL(vd_code_exit(e.code), 6);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.hint, "viridiand --socket"));
	memset(long_path, 'x', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = 0;
	e = (struct vd_err){0};
	CU_ASSERT_EQUAL(ctl_client_open(long_path, 100, &c, &e), -EINVAL);
	CU_ASSERT_EQUAL(vd_code_exit(e.code), 2);
}

static void descriptor(void)
{
	struct ctl_client *c = NULL;
	struct ctl_reply reply;
	struct vd_err e = {0};
	int ends[2];
	char got[3] = "";

	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	start("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"frames\":1,\"lost\":0}}\n");
	CU_ASSERT_EQUAL_FATAL(ctl_client_open(path, 5000, &c, &e), 0);
	CU_ASSERT_EQUAL(ctl_client_send(c, "capture", NULL, ends[1], &e), 0);
	CU_ASSERT_EQUAL(ctl_client_recv(c, 5000, &reply, &e), 1);
	ctl_reply_done(&reply);
	ctl_client_close(c);
	finish();
	CU_ASSERT_TRUE(server.fd >= 0);
	CU_ASSERT_EQUAL(write(server.fd, "ok", 2), 2);
	CU_ASSERT_EQUAL(read(ends[0], got, 2), 2);
	CU_ASSERT_STRING_EQUAL(got, "ok");
	close(server.fd);
	close(ends[0]);
	close(ends[1]);
}

static const struct tap_case cases[] = {
	{"answers and refusals", answers},
	{"silence, hanging up and nonsense", no_answers},
	{"nobody there", nobody},
	{"a descriptor travels with the request", descriptor},
};

int main(void)
{
	int r;

	if (!mkdtemp(dir))
		return 2;
	snprintf(path, sizeof(path), "%s/s", dir);
	r = tap_run("ctl/client", cases, sizeof(cases) / sizeof(cases[0]));
	rmdir(dir);
	return r;
}
