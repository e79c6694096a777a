/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any frame at two confined ports: what one may send, the other may not hear. And nothing passes an isolated
 * port.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nap-policy/allow.h"
#include "tests/fuzz/fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] = "version: 1\ndefault: {mode: enforce, unmatched: restricted}\n"
			   "remediation:\n  groups:\n"
			   "    default: [{to: 10.0.9.0/28, tcp: [80, 443], udp: 53, ping: true}, "
			   "{to: '2001:db8::/64', tcp: 1-65535}]\n"
			   "    forensic: [{to: 10.0.9.66, tcp: 22, initiate: true}]\n"
			   "dhcp: 10.0.0.2\ngateways: [10.0.0.1, 'fe80::1']\n";

static void must(bool fact)
{
	if (!fact)
		abort();
}

static const struct nap_allow *set(enum nap_access access)
{
	static struct nap_allow *sets[NAP_N_ACCESSES];

	if (!sets[access]) {
		struct nap_policy *p = NULL;
		struct vd_doc *doc = NULL;

		must(vd_doc_parse(text, strlen(text), "p", &doc, NULL) == 0);
		must(nap_policy_from_json(vd_doc_root(doc), doc, &p, NULL) == 0);
		sets[access] = nap_allow_make(p, access, p->default_group, "x", NULL, NULL);
		must(sets[access] != NULL);
		nap_policy_free(p);
		vd_doc_free(doc);
	}
	return sets[access];
}

/* Addresses that mean something come up often enough. */
static void address(struct fuzz_input *in, uint8_t *ret)
{
	static const uint8_t known[][16] = {{10, 0, 9, 10},
					    {10, 0, 0, 1},
					    {10, 0, 9, 66},
					    {169, 254, 78, 65},
					    {0xfe, 0x80, [15] = 1},
					    {0xfe, 0x80, [14] = 0x4e, 0x41},
					    {0x20, 1, 0xd, 0xb8, [15] = 9},
					    {255, 255, 255, 255}};
	uint32_t n = fuzz_num(in, 1);

	if (n < 128)
		memcpy(ret, known[n % 8], 16);
	else
		fuzz_blob(in, ret, 16);
}

/* What the switch answers itself goes to nobody. */
static enum nap_class leaves(enum nap_access access, const struct nap_frame *f)
{
	enum nap_class c = nap_allow_from_vm(set(access), f);

	return nap_class_served(c) ? NAP_DENY : c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	uint8_t src[17] = {0}, dst[17] = {0}, mac[6], body[64];
	static const uint8_t families[] = {0, 4, 6};
	struct nap_frame f = {.smac = mac, .src = src, .dst = dst, .body = body};
	uint32_t flags = fuzz_num(&in, 1);

	address(&in, src);
	address(&in, dst);
	f.family = families[fuzz_num(&in, 1) % 3];
	f.ethertype = (uint16_t)fuzz_num(&in, 2);
	f.proto = (uint8_t)fuzz_num(&in, 1);
	f.hop_limit = (uint8_t)fuzz_num(&in, 1);
	f.tcp_flags = (uint8_t)fuzz_num(&in, 1);
	f.icmp_type = (uint8_t)fuzz_num(&in, 1);
	f.broken = flags & 1;
	f.fragment = flags & 2;
	f.ports = flags & 4;
	f.group = flags & 8;
	f.routed = flags & 16;
	f.sport = (uint16_t)fuzz_num(&in, 2);
	f.dport = (uint16_t)fuzz_num(&in, 2);
	f.ip_len = fuzz_num(&in, 2);
	f.size = flags & 32 ? fuzz_num(&in, 2) : f.ip_len;
	memset(mac, 2, sizeof(mac));
	f.body_len = fuzz_blob(&in, body, sizeof(body));
	for (unsigned int a = NAP_RESTRICTED; a <= NAP_INSPECTED; a++)
		for (unsigned int b = NAP_RESTRICTED; b <= NAP_INSPECTED; b++)
			must(a != b || leaves(a, &f) == NAP_DENY ||
			     nap_allow_to_vm(set(b), &f) == NAP_DENY);
	must(nap_allow_from_vm(set(NAP_ISOLATED), &f) == NAP_DENY);
	must(nap_allow_to_vm(set(NAP_ISOLATED), &f) == NAP_DENY);
	return 0;
}
