/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The quarantine of all VM ports: keeps each port's state (nap-policy/engine.h), has it decided whenever
 * something happens, and makes the decision true by publishing. Ports are confined in the same
 * snapshot that brings them: no frame of a new port passes before.
 *
 * What survives a restart: states, a policy server's terms and isolations (quarantine.json), isolations a second time with a
 * checksum of their own (isolation.json), the audit log (audit.jsonl: one line a transition, each with the
 * hash of the one before). A state file that cannot be read makes every port unknown, never healthy. A port
 * that is removed and made again under its name keeps its isolation and the grace it has used.
 *
 * Thread-safety: control thread. Proof: tests/net/nap.test, tests/net/nap-restart.test.
 */
#pragma once

#include "nap-policy/allow.h"
#include "nap-policy/engine.h"
#include "nap-policy/soh.h"
#include "vswitch/control/engine.h"
#include "vswitch/control/terms.h"

struct vsw_audit;
struct vsw_names;

/** Why a decision was made. */
enum vsw_nap_trigger {
	VSW_NAP_ATTACH,
	VSW_NAP_LINK, /* moved, re-addressed, connected anew */
	VSW_NAP_POLICY,
	VSW_NAP_EXPIRY,
	VSW_NAP_REPORT,
	VSW_NAP_ADMIN,
	VSW_NAP_RADIUS,
	VSW_NAP_RESTART, /* the log lacks records: killed between a change and its record */
	VSW_NAP_N_TRIGGERS,
};

struct vsw_nap_port {
	unsigned int at; /* index in the model that was published last; check the UUID there */
	char uuid[VSW_UUID_SIZE];
	char name[VSW_PORT_NAME_SIZE];
	char sw[VD_NAME_MAX + 1]; /* where it was judged, and as whom */
	struct vd_mac mac;
	bool has_mac;
	bool present; /* is a port of the configuration */
	bool told;    /* its first decision was recorded */
	uint8_t link; /* 0 not known, 1 up, 2 down */
	struct nap_state state;
	struct nap_allow *allow;    /* what follows; NULL: everything */
	uint16_t vlan;              /* and in which VLAN; 0: its own */
	struct vsw_nap_terms terms; /* what a policy server said */
	uint8_t *soh;               /* the last statement of health that counted; NULL: none */
	uint64_t soh_ms;            /* when it came */
	uint16_t soh_size;
	bool soh_wrapped;
	bool soh_told;             /* the policy server was asked with it */
	bool asking;               /* the policy server, radius.c; */
	uint64_t ask_at_ms;        /* not before */
	uint64_t report_tokens_ms; /* rate of guests' reports */
	uint64_t names_tokens_ms;  /* rate of its questions for names */
	uint64_t n_names, n_names_refused;
	uint64_t refused_ms; /* when one was written down as refused; 0: never */
};

/** A transition that is true as soon as the next snapshot is. */
struct vsw_nap_event {
	unsigned int port; /* index */
	enum vsw_nap_trigger trigger;
	struct nap_change change;
	uint64_t decided_us;
	char actor[NAP_NAME_SIZE];
	char rule[NAP_NAME_SIZE];
	json_t *failing; /* checks that do not pass */
};

struct vsw_nap {
	struct vsw_engine *engine;
	struct vsw_store *store;
	struct vsw_nap_port *ports;
	unsigned int n_ports, room;
	uint32_t *slots; /* by UUID: quarantine_ports.c */
	unsigned int n_slots, n_put, n_gone;
	bool table_good;
	/* what is being published; NULL: nothing, the engine's are in force */
	const struct vsw_model *model;
	struct vsw_rt_port *const *rts;
	const struct vsw_quarantine *last; /* policy of the last publish; compared, never used */
	struct vsw_nap_event *events;
	unsigned int n_events, events_room;
	struct vsw_audit *audit;
	bool again;              /* what was decided could not be made true */
	uint64_t save_at_ms;     /* NAP_NEVER: nothing to save */
	struct vsw_names *names; /* borrowed; NULL: servers have no names */
};

/** Load what was saved. Attaches itself to @e. -ENOMEM; -EIO: the audit log cannot be opened. */
int vsw_nap_create(struct vsw_engine *e, struct vsw_store *store, struct vsw_nap **ret,
		   struct vd_err *reterr);
/** Save and free; the engine no longer knows of it. Accepts NULL. */
void vsw_nap_destroy(struct vsw_nap *n);

/* ---- called by the engine ---- */

/** @m is about to be published with @rts: decide about every port of it. */
void vsw_nap_prepare(struct vsw_nap *n, const struct vsw_model *m, struct vsw_rt_port *const *rts);
/** It is published, or was not. */
void vsw_nap_settle(struct vsw_nap *n, bool published);
/** Port @i of the engine's model was connected anew: who knows by whom. */
void vsw_nap_reconnected(struct vsw_nap *n, unsigned int i);
/** Decide what time asks for. Returns when to call again (ms). */
uint64_t vsw_nap_tick(struct vsw_nap *n, uint64_t now_ms);

/* ---- for methods ---- */

/** The port of a name, or NULL with the error recorded: port.not_found, or value (no VM's port). */
struct vsw_nap_port *vsw_nap_find(struct vsw_nap *n, const char *name, struct vd_err *reterr);
/** Now. */
struct nap_time vsw_nap_now(void);
/** The policy in force, or NULL. */
const struct nap_policy *vsw_nap_policy(const struct vsw_nap *n);
/** The state of @p has changed: decide and make it true. @actor is recorded. */
int vsw_nap_act(struct vsw_nap *n, struct vsw_nap_port *p, enum vsw_nap_trigger trigger,
		const char *actor, struct vd_err *reterr);
#define VSW_NAP_GUEST "guest" /* the actor, when the machine itself reports */
/** @p's machine said @bytes, a statement of health (soh.c). -EINVAL: it is none; -EACCES: it, or (by @actor
 *  VSW_NAP_GUEST) another machine, said so before. @p is not good any more afterwards. */
int vsw_nap_soh(struct vsw_nap *n, struct vsw_nap_port *p, const uint8_t *bytes, size_t size,
		const char *actor, struct vd_err *reterr);
/** What nap_state_decide() would say of @p under @policy; a copy is decided about. -ENOMEM. */
int vsw_nap_try(const struct vsw_nap *n, const struct vsw_nap_port *p,
		const struct nap_policy *policy, const struct nap_report *report,
		struct nap_state *ret, struct nap_verdict *v);
/** The remediation group of @p, by its server's word or its rule. @policy may be NULL. */
uint16_t vsw_nap_group_of(const struct nap_policy *policy, const struct vsw_nap_port *p);
/** Names stand for other addresses now: decide about all ports again. */
int vsw_nap_renew(struct vsw_nap *n, struct vd_err *reterr);
/** Is it confined as its state says, by what the workers have? */
bool vsw_nap_confirmed(const struct vsw_nap *n, const struct vsw_nap_port *p);

/** One line of `nap status`; all of `nap show`. New references. */
json_t *vsw_nap_row(struct vsw_nap *n, const struct vsw_nap_port *p);
json_t *vsw_nap_details(struct vsw_nap *n, const struct vsw_nap_port *p);
json_t *vsw_nap_findings(const struct nap_verdict *v, struct nap_time now, bool failing_only);

extern const char *const vsw_nap_trigger_text[VSW_NAP_N_TRIGGERS];

/* ---- quarantine_net.c ---- */

/** @a, of @p, with the router and the DHCP server of the NAT network of its switch, if there is one. Takes @a. */
struct nap_allow *vsw_nap_net_allow(const struct vsw_model *m, const struct vsw_nap_port *p,
				    struct nap_allow *a);
/** The DHCP server of ours that @p's machine asks, host order; 0: none. */
uint32_t vsw_nap_net_dhcp(const struct vsw_model *m, const struct vsw_nap_port *p);
/** Why web pages of others do not lead @p's machine to the portal while it is confined; NULL: they do. */
const char *vsw_nap_net_redirect_fault(const struct vsw_model *m, const struct vsw_nap_port *p);

/* ---- quarantine_save.c ---- */

void vsw_nap_load(struct vsw_nap *n);
/** What must be on disk, whatever happens to the machine, when it returns. */
enum vsw_nap_sync { VSW_NAP_NO_SYNC, VSW_NAP_SYNC_ISOLATIONS, VSW_NAP_SYNC_ALL };
void vsw_nap_save(struct vsw_nap *n, enum vsw_nap_sync sync);

/* ---- quarantine_ports.c ---- */

/** A new place in n->ports, or NULL. */
struct vsw_nap_port *vsw_nap_add(struct vsw_nap *n);
/** The port of an identity, or NULL. */
struct vsw_nap_port *vsw_nap_ports_find(struct vsw_nap *n, const char *uuid);
/** Note which ports @m has. */
void vsw_nap_ports_note(struct vsw_nap *n, const struct vsw_model *m);
/** The port of @cfg; a new one, or one that was removed and made again. NULL on lack of memory. */
struct vsw_nap_port *vsw_nap_ports_adopt(struct vsw_nap *n, const struct vsw_port_cfg *cfg);
/** Another machine perhaps: forget what was said about it. */
void vsw_nap_ports_reset(struct vsw_nap_port *p);
/** Where @p is in @m, or NULL. */
const struct vsw_port_cfg *vsw_nap_ports_cfg(const struct vsw_model *m,
					     const struct vsw_nap_port *p);
/** Of too many that are gone, forget the oldest. Moves ports. */
void vsw_nap_ports_forget(struct vsw_nap *n);
void vsw_nap_ports_done(struct vsw_nap *n);
