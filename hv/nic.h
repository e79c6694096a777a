/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A network card of the guest: a VMBus device whose rings are served by viridiand. Here is only the
 * go-between from the bus's questions to the socket of the port (vmbus-netvsp/link/client.h).
 *
 * Thread-safety: locked by the VMBus lock, except hv_nic_wait().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hv/vmbus.h"
#include "vmbus-netvsp/link/client.h"
#include "vmbus-netvsp/netvsp.h"

struct hv_nic {
	struct hv_device dev; /* first: the device's pointer is the NIC's */
	struct hv_vmbus *bus;
	struct nvsp_link *link;
	const char *port; /* for messages */
	struct vmb_guid instance;
	bool ready;           /* the port has answered */
	uint32_t n_subs;      /* subchannels that the switch wants offered */
	bool closed;          /* the port has hung up */
	bool paused, pausing; /* the switch touches no memory; it was asked not to */
	bool refused;         /* the switch could not go on with a guest */
	bool by_path;         /* port is the path of its socket */
	uint8_t mac[6];
	uint16_t max_queues, max_mtu;   /* of the port */
	char text[NVSP_LINK_TEXT_SIZE]; /* why the connection ended */
	struct {
		struct vmb_chan *chan; /* NULL: not offered */
		int kick_fd;           /* -1 none */
		bool assigned;         /* KVM writes kick_fd */
		bool modifying;        /* the bus waits for the answer to a modify */
	} chan[NVSP_QUEUES_MAX];
};

struct hv_nic_cfg {
	const char *path, *port, *vm_name; /* must outlive the NIC */
	uint8_t vm_uuid[16];
	unsigned int index;      /* among the VM's NICs */
	bool by_path;            /* port is the path of its socket */
	const uint8_t *instance; /* 16 bytes of a snapshot; NULL: made of vm_uuid and index */
	const void *keep;        /* NVSP_KEEP_SIZE bytes of a snapshot, or NULL */
};

/** Before the guest runs. 0; negative errno with @err filled. */
int hv_nic_init(struct hv_nic *nic, struct hv_vmbus *bus, const struct hv_nic_cfg *cfg,
		struct vd_err *err);
void hv_nic_done(struct hv_nic *nic);

/** Connect, wait for the port's answer, offer the card. Not locked. 0; negative errno with @err. */
int hv_nic_wait(struct hv_nic *nic, unsigned int timeout_ms, struct vd_err *err);

/** What to poll for input, -1: nothing; and when to run at the latest, -1: never. */
int hv_nic_fd(const struct hv_nic *nic);
int hv_nic_timeout_ms(const struct hv_nic *nic);
void hv_nic_run(struct hv_nic *nic);

/* Snapshots; locked. */
struct hv_nic_state;
/** Ask the switch to leave the guest's memory alone, or let it go on. */
void hv_nic_pause(struct hv_nic *nic, bool on);
/** Nobody but the guest touches its memory. */
bool hv_nic_is_paused(const struct hv_nic *nic);
/** What a snapshot has of the card. Paused. Return: NVSP_KEEP_SIZE bytes of the switch's notes. */
const void *hv_nic_save(const struct hv_nic *nic, struct hv_nic_state *ret);
/** Offer the card's channels as a snapshot has them, on a new bus; then the bus is restored. */
void hv_nic_offer_saved(struct hv_nic *nic, unsigned int n_subs);
/** The bus is restored: give page lists and open channels to the switch with the next connection. 0 or
 *  negative errno. */
int hv_nic_reopen(struct hv_nic *nic);
/** Not locked: connect, and wait until the switch goes on with the guest. 0; negative errno with @err. */
int hv_nic_wait_restored(struct hv_nic *nic, const struct hv_nic_state *saved,
			 unsigned int timeout_ms, struct vd_err *err);
