/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data-plane NAT networks: the two ports as back ends, configuration, the file of sessions. */
#include "vswitch/nat/nat.h"

#include <errno.h>
#include <fcntl.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>
#include <rte_malloc.h>

#include "base/log.h"
#include "vswitch/datapath/offload.h"
#include "vswitch/nat/log.h"
#include "vswitch/nat/nat_impl.h"

#define LIST_SLICE   256 /* sessions looked at under one lock */
#define EVENT_SLICE  256 /* events taken under one lock */
#define EVENT_SLICES 512
#define SWEEP_TURN_S 10 /* every session is looked at once in so many seconds */
#define ANNOUNCE_MAX 1024
#define FILE_PREFIX  "nat-"
#define FILE_SUFFIX  ".sessions"

uint64_t vsw_nat_now_ms(void)
{
	struct timespec t;

	/* the coarse clock: a few milliseconds are nothing to a session, and it costs no more than a load */
	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t secret(void)
{
	uint64_t v = 0;

	while (getrandom(&v, sizeof(v), 0) != sizeof(v))
		;
	return v;
}

/* ---- addresses ---- */

static uint32_t count_own(const struct nat_conf *c)
{
	uint32_t n = c->n_pairs;

	for (unsigned int i = 0; i < c->n_external; i++)
		n += c->external[i].last - c->external[i].first + 1;
	return n;
}

uint32_t vsw_nat_own(const struct nat_conf *c, uint32_t i)
{
	for (unsigned int k = 0; k < c->n_external; k++) {
		uint32_t n = c->external[k].last - c->external[k].first + 1;

		if (i < n)
			return rte_cpu_to_be_32(c->external[k].first + i);
		i -= n;
	}
	return i < c->n_pairs ? rte_cpu_to_be_32(c->pairs[i].outside) : 0;
}

uint32_t vsw_nat_nth_own(const struct vsw_nat_side *s, uint32_t i)
{
	const struct nat_conf *c = &s->nat->conf;

	return s->side == NAT_INSIDE ? rte_cpu_to_be_32(c->gateway) : vsw_nat_own(c, i);
}

bool vsw_nat_is_own(const struct vsw_nat *n, enum nat_side side, uint32_t ip)
{
	uint32_t a = rte_be_to_cpu_32(ip);

	if (side == NAT_INSIDE)
		return a == n->conf.gateway;
	for (unsigned int k = 0; k < n->conf.n_external; k++)
		if (a >= n->conf.external[k].first && a <= n->conf.external[k].last)
			return true;
	for (unsigned int k = 0; k < n->conf.n_pairs; k++)
		if (a == n->conf.pairs[k].outside)
			return true;
	return false;
}

/* ---- all networks ---- */

struct vsw_nats *vsw_nats_create(const struct vsw_io_env *env)
{
	struct vsw_nats *n = calloc(1, sizeof(*n));

	if (n)
		n->env = env;
	return n;
}

void vsw_nats_destroy(struct vsw_nats *n)
{
	free(n);
}

struct vsw_nat *vsw_nats_find(struct vsw_nats *n, const char *name)
{
	struct vsw_nat *nat;

	for (nat = n->first; nat && strcmp(nat->name, name); nat = nat->next)
		;
	return nat;
}

bool vsw_nats_any(const struct vsw_nats *n)
{
	return n->first != NULL;
}

static struct vsw_nat *get(struct vsw_nats *n, const char *name)
{
	struct vsw_nat *nat = vsw_nats_find(n, name);

	if (nat)
		return nat;
	nat = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*nat));
	if (!nat)
		return NULL;
	memset(nat, 0, sizeof(*nat));
	snprintf(nat->name, sizeof(nat->name), "%s", name);
	rte_spinlock_init(&nat->lock);
	for (int i = 0; i < VSW_WORKERS_MAX; i++)
		rte_spinlock_init(&nat->lane[i].lock);
	nat->all = n;
	/* neighbours count milliseconds in 32 bits, from here */
	nat->epoch_ms = vsw_nat_now_ms();
	nat->next = n->first;
	n->first = nat;
	return nat;
}

static void free_held(struct vsw_nat *nat)
{
	struct nat_frame f;

	if (!nat->x)
		return;
	nat_xlat_drain(nat->x);
	while (nat_xlat_released(nat->x, &f, 1))
		rte_pktmbuf_free(f.cookie);
}

/* What the translator has to tell goes to the log: some at a time, so that traffic goes on. */
static void drain_events(struct vsw_nat *nat)
{
	struct nat_event e[EVENT_SLICE];
	unsigned int n = EVENT_SLICE;

	/* bounded: workers may make new ones as fast as we take them */
	for (unsigned int i = 0; i < EVENT_SLICES && n == EVENT_SLICE && nat->x; i++) {
		vsw_nat_lock(nat);
		n = nat_xlat_events(nat->x, e, EVENT_SLICE);
		vsw_nat_unlock(nat);
		if (n)
			vsw_nat_log_put(nat->log, nat->name, e, n);
	}
	/* nothing new: troubles may be over, too */
	if (nat->log && n == 0)
		vsw_nat_log_put(nat->log, nat->name, e, 0);
}

/* The last port has closed. */
static void put(struct vsw_nat *nat)
{
	struct vsw_nat **p;

	for (p = &nat->all->first; *p != nat; p = &(*p)->next)
		;
	*p = nat->next;
	drain_events(nat);
	vsw_nat_log_end(&nat->log);
	free_held(nat);
	nat_xlat_destroy(nat->x);
	if (nat->memory)
		munmap(nat->memory, nat->memory_size);
	nat_conf_done(&nat->conf);
	free(nat);
}

/* ---- the file of sessions ---- */

static void file_of(const struct vsw_nats *n, const struct nat_conf *c, char *path, size_t size)
{
	snprintf(path, size, "%s/" FILE_PREFIX "%s" FILE_SUFFIX, n->env->run_dir, c->uuid);
}

/* Where sessions lie: in a file, if one can be had, else nowhere but here. */
static void open_memory(struct vsw_nat *nat, const struct nat_conf *c)
{
	size_t size = nat_xlat_memory_size(c->limits.total_sessions);
	char path[256];
	void *p = MAP_FAILED;
	int fd;

	file_of(nat->all, c, path, sizeof(path));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && ftruncate(fd, (off_t)size) == 0)
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	nat->forgetful = p == MAP_FAILED;
	if (nat->forgetful) {
		vd_log(LOG_WARNING, "nat", nat->name, "sessions will not survive a restart: %s: %s",
		       path, strerror(errno));
		return;
	}
	nat->memory = p;
	nat->memory_size = size;
}

void vsw_nats_clean(struct vsw_nats *n, const struct vsw_model *m)
{
	DIR *d = opendir(n->env->run_dir);
	struct dirent *e;

	while (d && (e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name), pre = strlen(FILE_PREFIX),
		       suf = strlen(FILE_SUFFIX);
		bool known = false;

		if (len <= pre + suf || strncmp(e->d_name, FILE_PREFIX, pre) ||
		    strcmp(e->d_name + len - suf, FILE_SUFFIX))
			continue;
		for (unsigned int i = 0; i < m->n_nats && !known; i++)
			known = m->nats[i].backend == NAT_BACKEND_DATAPLANE &&
				strlen(m->nats[i].uuid) == len - pre - suf &&
				!strncmp(e->d_name + pre, m->nats[i].uuid, len - pre - suf);
		if (!known)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d)
		closedir(d);
}

/* ---- configuration ---- */

static uint16_t mtu_of(const struct vsw_model *m, const char *sw)
{
	const struct vsw_switch_cfg *s = vsw_model_switch(m, sw);

	return s ? s->mtu : VSW_MTU_DEFAULT;
}

static void wake(struct vsw_nat_side *s)
{
	uint64_t one = 1;

	__atomic_store_n(&s->due, 1, __ATOMIC_RELEASE);
	if (write(s->wake_fd, &one, sizeof(one)) < 0)
		return; /* full: it is awake already */
}

static void announce(struct vsw_nat *nat)
{
	for (int i = 0; i < 2; i++) {
		struct vsw_nat_side *s = nat->side[i];

		if (!s)
			continue;
		vsw_nat_lock(nat);
		s->announce = i == NAT_INSIDE ? 1 : RTE_MIN(nat->n_own, ANNOUNCE_MAX);
		vsw_nat_unlock(nat);
		wake(s);
	}
}

static int configure(struct vsw_nat *nat, const struct nat_conf *c, const uint16_t mtu[2])
{
	struct nat_conf copy = {0}, old;
	struct nat_xlat *x = NULL;
	int r = nat_conf_copy(c, &copy);

	if (r < 0)
		return r;
	if (!nat->x) { /* takes its time, and nobody uses it yet */
		if (!nat->memory)
			open_memory(nat, c);
		r = nat_xlat_create(c, mtu, nat->memory, vsw_nat_now_ms(), secret(), &x);
		if (r < 0) {
			nat_conf_done(&copy);
			return r;
		}
	}
	vsw_nat_lock(nat);
	if (x)
		nat->x = x;
	else
		r = nat_xlat_configure(nat->x, c, mtu, vsw_nat_now_ms());
	old = copy;
	if (r == 0) {
		old = nat->conf;
		nat->conf = copy;
		nat->n_own = count_own(c);
		memcpy(nat->mtu, mtu, sizeof(nat->mtu));
	}
	vsw_nat_unlock(nat);
	nat_conf_done(&old);
	return r;
}

static int update_log(struct vsw_nat *nat, const struct nat_conf *c)
{
	struct nat_xlat_stats s;
	int r;

	/* what happened until now belongs to the log as it was */
	drain_events(nat);
	vsw_nat_stats(nat, &s);
	r = vsw_nat_log_update(&nat->log, c, s.sessions);
	return r == -EAGAIN ? -ENOMEM : r;
}

int vsw_nats_apply(struct vsw_nats *n, const struct vsw_model *m, struct vd_err *reterr)
{
	for (unsigned int i = 0; i < m->n_nats; i++) {
		const struct nat_conf *c = &m->nats[i];
		struct vsw_nat *nat = vsw_nats_find(n, c->name);
		uint16_t mtu[2];
		char path[96];
		int r;

		if (!nat || c->backend != NAT_BACKEND_DATAPLANE)
			continue;
		mtu[NAT_INSIDE] = mtu_of(m, c->sw);
		mtu[NAT_OUTSIDE] = mtu_of(m, c->via);
		r = configure(nat, c, mtu);
		if (r == 0)
			r = update_log(nat, c);
		snprintf(path, sizeof(path), "nat/%s", c->name);
		if (r == -ENOMEM)
			return vd_err_set(reterr, r, VD_E_NO_MEMORY, path, NULL,
					  "no memory for the translator of \"%s\"", c->name);
		if (r < 0)
			return vd_err_set(reterr, r, VD_E_VALUE, path, NULL,
					  "the translator cannot work with a value of \"%s\"",
					  c->name);
		announce(nat);
	}
	return 0;
}

void vsw_nats_tick(struct vsw_nats *n)
{
	for (struct vsw_nat *nat = n->first; nat; nat = nat->next) {
		uint32_t sessions = nat->x ? nat_xlat_span(nat->x) : 0;

		drain_events(nat);
		for (int i = 0; i < 2; i++) {
			struct vsw_nat_side *s = nat->side[i];

			if (!s || (!sessions && !s->neighs.n && !s->announce))
				continue;
			vsw_nat_lock(nat);
			s->look = 2 * VSW_NEIGHS_MAX / (1000 / VSW_NATS_TICK_MS);
			s->sweep =
				i == NAT_INSIDE
					? sessions / (SWEEP_TURN_S * 1000 / VSW_NATS_TICK_MS) + 16
					: 0;
			vsw_nat_unlock(nat);
			wake(s);
		}
	}
}

/* ---- what it shows ---- */

void vsw_nat_stats(struct vsw_nat *n, struct nat_xlat_stats *ret)
{
	memset(ret, 0, sizeof(*ret));
	vsw_nat_lock(n);
	if (n->x)
		nat_xlat_stats_get(n->x, ret);
	for (int i = 0; i < VSW_WORKERS_MAX; i++)
		for (int side = 0; side < 2; side++)
			ret->translated[side] += n->lane[i].translated[side];
	vsw_nat_unlock(n);
}

uint32_t vsw_nat_sessions(struct vsw_nat *n,
			  bool (*fn)(void *ctx, const struct nat_session_info *s, bool *kill),
			  void *ctx)
{
	struct nat_session_info s[LIST_SLICE];
	uint32_t at[LIST_SLICE], cursor = 0, ended = 0;
	unsigned int k = LIST_SLICE;
	bool go = n->x != NULL;

	while (go && k == LIST_SLICE) {
		vsw_nat_lock(n);
		for (k = 0; k < LIST_SLICE &&
			    nat_xlat_session_next(n->x, &cursor, vsw_nat_now_ms(), &s[k]);
		     k++)
			at[k] = cursor;
		vsw_nat_unlock(n);
		for (unsigned int i = 0; i < k && go; i++) {
			struct nat_session_info again;
			uint32_t c = at[i] - 1;
			bool kill = false;

			go = fn(ctx, &s[i], &kill);
			if (!kill)
				continue;
			/* it may have become another one meanwhile */
			vsw_nat_lock(n);
			if (nat_xlat_session_next(n->x, &c, vsw_nat_now_ms(), &again) &&
			    c == at[i] && again.inside == s[i].inside &&
			    again.inside_port == s[i].inside_port && again.remote == s[i].remote &&
			    again.remote_port == s[i].remote_port) {
				nat_xlat_session_kill(n->x, c, vsw_nat_now_ms());
				ended++;
			}
			vsw_nat_unlock(n);
		}
	}
	return ended;
}

json_t *vsw_nat_logging(struct vsw_nat *n)
{
	struct nat_xlat_stats s;
	json_t *j = vsw_nat_log_status(n->log);

	vsw_nat_stats(n, &s);
	if (json_is_object(j)) {
		json_object_set_new(j, "lost_translator", json_integer((json_int_t)s.events_lost));
		json_object_set_new(j, "lost",
				    json_integer(json_integer_value(json_object_get(j, "lost")) +
						 (json_int_t)s.events_lost));
	}
	return j;
}

json_t *vsw_nat_status(struct vsw_nat *n)
{
	struct nat_xlat_stats s;
	json_t *refused;

	vsw_nat_stats(n, &s);
	refused = json_pack("{s:I, s:I, s:I, s:I}", "no_port", (json_int_t)s.drops[NAT_R_EXHAUSTED],
			    "no_session", (json_int_t)s.drops[NAT_R_TABLE_FULL], "limits",
			    (json_int_t)s.drops[NAT_R_QUOTA], "rate",
			    (json_int_t)s.drops[NAT_R_RATE]);
	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:{s:I, s:I, s:I}, s:{s:I, s:I, "
		"s:I}, s:I, s:I, s:I, "
		"s:I, s:I, s:I, s:b, s:o}",
		"translated_out", (json_int_t)s.translated[NAT_INSIDE], "translated_in",
		(json_int_t)s.translated[NAT_OUTSIDE], "sessions", (json_int_t)s.sessions,
		"sessions_max", (json_int_t)s.sessions_max, "mappings", (json_int_t)s.mappings,
		"vms", (json_int_t)s.hosts, "created", (json_int_t)s.created, "expired",
		(json_int_t)s.expired, "ports_used", "udp", (json_int_t)s.ports_used[0], "tcp",
		(json_int_t)s.ports_used[1], "icmp", (json_int_t)s.ports_used[2], "ports_total",
		"udp", (json_int_t)s.ports_total[0], "tcp", (json_int_t)s.ports_total[1], "icmp",
		(json_int_t)s.ports_total[2], "answers", (json_int_t)s.answers, "fragments_held",
		(json_int_t)s.fragments_held, "memory_bytes", (json_int_t)s.memory, "no_route",
		(json_int_t)n->no_route, "no_neighbour", (json_int_t)n->no_neighbour,
		"address_conflicts", (json_int_t)n->arp_conflicts, "sessions_survive",
		!n->forgetful, "refused", refused);
}

/* ---- a port ---- */

static uint16_t side_tx(struct vsw_io *io, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	return 0; /* relay() is what sends */
}

static int side_wait_fd(struct vsw_io *io, uint16_t queue)
{
	return ((struct vsw_nat_side *)io)->wake_fd;
}

static bool side_arm(struct vsw_io *io, uint16_t queue, bool on)
{
	struct vsw_nat_side *s = (struct vsw_nat_side *)io;
	uint64_t count;

	if (read(s->wake_fd, &count, sizeof(count)) < 0)
		count = 0; /* nobody had called */
	return on && __atomic_load_n(&s->due, __ATOMIC_ACQUIRE);
}

static bool side_live(struct vsw_io *io, uint16_t queue)
{
	return false; /* nothing to poll for: it calls */
}

static int side_set_mac(struct vsw_io *io, const struct vd_mac *mac, struct vd_err *reterr)
{
	struct vsw_nat_side *s = (struct vsw_nat_side *)io;
	uint64_t v = 0;

	memcpy(&v, mac->addr, sizeof(mac->addr));
	vsw_nat_lock(s->nat);
	s->mac48 = v;
	vsw_nat_unlock(s->nat);
	announce(s->nat);
	return 0;
}

static void side_describe(struct vsw_io *io, json_t *out)
{
	struct vsw_nat_side *s = (struct vsw_nat_side *)io;

	json_object_set_new(out, "nat", json_string(s->nat->name));
	json_object_set_new(out, "side", json_string(s->side == NAT_INSIDE ? "inside" : "outside"));
	json_object_set_new(out, "neighbours", json_integer(s->neighs.n));
}

static void side_close(struct vsw_io *io)
{
	struct vsw_nat_side *s = (struct vsw_nat_side *)io;
	struct vsw_nat *nat = s->nat;
	void *m;

	vsw_nat_lock(nat);
	nat->side[s->side] = NULL;
	vsw_nat_unlock(nat);
	s->neighs.cursor = 0;
	while ((m = vsw_neighs_drain(&s->neighs)) != NULL)
		rte_pktmbuf_free(m);
	vsw_neighs_done(&s->neighs);
	close(s->wake_fd);
	rte_free(s);
	if (!nat->side[NAT_INSIDE] && !nat->side[NAT_OUTSIDE])
		put(nat);
}

static const struct vsw_io_ops side_ops = {
	.kind = "nat",
	.rx = vsw_nat_rx,
	.tx = side_tx,
	.relay = vsw_nat_relay,
	.queue_live = side_live,
	.wait_fd = side_wait_fd,
	.arm = side_arm,
	.set_mac = side_set_mac,
	.describe = side_describe,
	.close = side_close,
};

int vsw_io_nat_open(const struct vsw_io_env *env, const struct vsw_io_params *params,
		    struct vsw_io **ret, struct vd_err *reterr)
{
	struct vsw_nat_side *s = rte_zmalloc("nat", sizeof(*s), RTE_CACHE_LINE_SIZE);
	struct vsw_nat *nat = s && env->nats ? get(env->nats, params->device.target) : NULL;

	if (!nat)
		goto no_memory;
	s->side = params->device.outside ? NAT_OUTSIDE : NAT_INSIDE;
	if (nat->side[s->side]) {
		rte_free(s);
		return vd_err_set(reterr, -EBUSY, VD_E_DEVICE_BUSY, "device", NULL,
				  "NAT network \"%s\" has this port already", nat->name);
	}
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake_fd < 0 || vsw_neighs_init(&s->neighs, (uint32_t)secret()) < 0) {
		if (s->wake_fd >= 0)
			close(s->wake_fd);
		goto no_memory;
	}
	s->nat = nat;
	memcpy(&s->mac48, params->mac.addr, sizeof(params->mac.addr));
	s->io.ops = &side_ops;
	s->io.caps = (struct vsw_io_caps){
		/* whatever a frame still needs is left to who gets it in the end */
		.tx_offloads = VSW_TX_REQUESTS,
		.max_frame = UINT32_MAX,
		.n_rxq = 1,
		.n_txq = 1,
		.tx_shared = true,
		.connected = true,
	};
	vsw_nat_lock(nat);
	nat->side[s->side] = s;
	vsw_nat_unlock(nat);
	*ret = &s->io;
	return 0;
no_memory:
	if (nat && !nat->side[NAT_INSIDE] && !nat->side[NAT_OUTSIDE])
		put(nat);
	rte_free(s);
	return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, "device", NULL, "memory ran out");
}
