/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the model share, and nobody else needs. */
#pragma once

#include "base/read.h"
#include "vswitch/model/model.h"

#define VSW_PATH_SIZE VD_PATH_SIZE

/** "port/NAME[/KEY]" as far as it fits. Returns @buf. */
const char *vsw_path(char *buf, size_t size, const char *kind, const char *name, const char *key);

/** Rules inside one port: name, MAC and device against its role. @ret_key: the member to blame,
 *  set on failure. Return: 0; -EINVAL. */
int vsw_port_check(const struct vsw_port_cfg *p, const char **ret_key, struct vd_err *reterr);

/** Members set_by and set_at of the object that is being read. */
int vsw_signature_read(const struct vd_read *rd, struct vsw_signature *io);
/** Add them, as far as they are known. */
json_t *vsw_signature_put(json_t *j, const struct vsw_signature *s);
bool vsw_signature_equal(const struct vsw_signature *a, const struct vsw_signature *b);

#define VSW_DOCUMENT_VERSION 1
#define VSW_N_TYPES          3
#define VSW_N_ROLES          3
#define VSW_N_LINKS          2

/* By enum vsw_switch_type, by enum vsw_role, by bool. */
extern const char *const vsw_type_text[VSW_N_TYPES];
extern const char *const vsw_role_text[VSW_N_ROLES];
extern const char *const vsw_link_text[VSW_N_LINKS];

/*
 * A sorted list of borrowed strings with the place each came from: looks up names and finds
 * doubles among thousands without comparing every pair.
 */
struct vsw_index_item {
	const char *key;
	unsigned int at;
};

struct vsw_index {
	struct vsw_index_item *items;
	unsigned int n;
};

/** Room for @n_max keys. Return: 0; -ENOMEM. */
int vsw_index_init(struct vsw_index *x, unsigned int n_max);
void vsw_index_done(struct vsw_index *x);
void vsw_index_add(struct vsw_index *x, const char *key, unsigned int at);
/** By key, equal keys by place. */
void vsw_index_sort(struct vsw_index *x);
/** The first of the key, or NULL. Needs a sorted index. */
const struct vsw_index_item *vsw_index_find(const struct vsw_index *x, const char *key);

/** A model being validated. */
struct vsw_val {
	const struct vsw_model *m;
	json_t *root;
	const struct vd_doc *doc;
	struct vsw_index switches; /* by name */
	struct vsw_index ports;
	unsigned int *sw_of; /* switch of each port */
	struct vd_err *e;
};

/** Attach where @key of object @i of list @list stands in the document. Returns @r. */
int vsw_val_at(const struct vsw_val *v, const char *list, unsigned int i, const char *key, int r);
int vsw_val_at_port(const struct vsw_val *v, unsigned int i, const char *key, int r);

/** The rules of policies that span objects. Ports know their switches already. */
int vsw_validate_policies(const struct vsw_val *v);

/** Index of all switches or ports by name, sorted. */
int vsw_index_switches(struct vsw_index *x, const struct vsw_model *m);
int vsw_index_ports(struct vsw_index *x, const struct vsw_model *m);

uint64_t vsw_mac_number(const struct vd_mac *mac);
/** For qsort() and bsearch() of uint64_t. */
int vsw_by_number(const void *a, const void *b);

/** Set a member, append an item. Take the object or NULL and return it, or NULL after lack of memory. */
json_t *vsw_put(json_t *j, const char *key, json_t *value);
json_t *vsw_append(json_t *array, json_t *value);

/** As vd_read_name(), also "SWITCH:KIND", the name of a port that was made with its switch. */
int vsw_read_port_name(const struct vd_read *rd, const char *key, char *ret, size_t size);

/** A copy of @n elements; NULL with *@failed set on lack of memory, NULL without for n = 0 and once
 *  *@failed is set: no pointer into the original stays behind. */
void *vsw_dup_array(const void *from, size_t n, size_t size, bool *failed);

/* NAT networks (model_nat.c): parts of the functions of the same name in model.h. */
int vsw_nats_read(const struct vd_read *rd, struct vsw_model *m);
int vsw_nats_copy(const struct vsw_model *from, struct vsw_model *to);
void vsw_nats_done(struct vsw_model *m);
int vsw_nats_validate(const struct vsw_model *m, json_t *root, const struct vd_doc *doc,
		      struct vd_err *reterr);

/** The usual answer to lack of memory. Returns -ENOMEM. */
int vsw_no_memory(struct vd_err *reterr);
