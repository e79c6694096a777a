/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filters in tcpdump's language: see filter.h. */
#define ALLOW_EXPERIMENTAL_API /* rte_bpf_convert(): the only way from tcpdump's filters to rte_bpf */
#include "vswitch/control/filter.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <rte_bpf.h>
#include <rte_errno.h>
#include <rte_malloc.h>

int vsw_filter_compile(const char *text, unsigned int snaplen, const char *path,
		       struct rte_bpf **ret, struct vd_err *reterr)
{
	struct bpf_program prog;
	struct rte_bpf_prm *prm;
	pcap_t *p = pcap_open_dead(DLT_EN10MB, (int)snaplen);

	if (!p)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	if (pcap_compile(p, &prog, text, 1, PCAP_NETMASK_UNKNOWN) < 0) {
		vd_err_set(reterr, -EINVAL, VD_E_FILTER, path,
			   "the syntax is tcpdump's: see pcap-filter(7)", "%s: %s", text,
			   pcap_geterr(p));
		pcap_close(p);
		return -EINVAL;
	}
	prm = rte_bpf_convert(&prog);
	pcap_freecode(&prog);
	pcap_close(p);
	*ret = prm ? rte_bpf_load(prm) : NULL;
	rte_free(prm);
	if (*ret)
		return 0;
	return vd_err_set(reterr, -ENOTSUP, VD_E_FILTER, path, "use a simpler filter",
			  "%s: cannot be run on packets: %s", text, rte_strerror(rte_errno));
}

int vsw_filter_check(const char *text, const char *path, struct vd_err *reterr)
{
	struct rte_bpf *bpf = NULL;
	int rc = vsw_filter_compile(text, 65535, path, &bpf, reterr);

	if (!rc)
		rte_bpf_destroy(bpf);
	return rc;
}
