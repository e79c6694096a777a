/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What confined ports may say and hear. */
#include "tests/unit/tap.h"

#include "nap-policy/allow.h"
#include "tests/unit/nap-policy/policy_kit.h"

static const char policy_text[] = "version: 1\n"
				  "default: {mode: enforce, unmatched: restricted}\n"
				  "remediation:\n"
				  "  groups:\n"
				  "    default:\n"
				  "      - {to: 10.0.9.10, tcp: [80, 443], udp: 123, ping: true}\n"
				  "      - {to: \"2001:db8:9::10\", tcp: 443, ping: true}\n"
				  "      - {to: mirror.example, tcp: 80}\n"
				  "    forensic: [{to: 10.0.9.66, tcp: 22, initiate: true}]\n"
				  "dhcp: 10.0.0.2\n"
				  "dns: 10.0.9.53\n"
				  "gateways: [10.0.0.1, \"fe80::1\"]\n";

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
static struct nap_policy *policy;
static struct nap_allow *restricted, *forensic, *isolated;
static struct vd_prefix src, dst;
static uint8_t body[64];

static unsigned int resolve(void *ctx, const char *name, struct vd_prefix *ret, unsigned int max)
{
	if (strcmp(name, "mirror.example") || max < 1)
		return 0;
	return vd_prefix_parse("10.0.9.80", ret) == 0;
}

static void begin(void)
{
	if (policy)
		return;
	policy = kit_good_policy(policy_text);
	restricted = nap_allow_make(policy, NAP_RESTRICTED, policy->default_group, "firewall",
				    resolve, NULL);
	forensic =
		nap_allow_make(policy, NAP_INSPECTED, policy->default_group, NULL, resolve, NULL);
	isolated = nap_allow_make(policy, NAP_ISOLATED, policy->default_group, NULL, resolve, NULL);
	CU_ASSERT_FATAL(restricted && forensic && isolated);
}

static struct nap_frame frame(uint8_t proto, const char *from, uint16_t sport, const char *to,
			      uint16_t dport)
{
	struct nap_frame f = {.proto = proto,
			      .hop_limit = 255,
			      .ports = true,
			      .sport = sport,
			      .dport = dport,
			      .ip_len = 60,
			      .smac = mac,
			      .tcp_flags = 0x10};

	begin();
	CU_ASSERT_EQUAL_FATAL(vd_prefix_parse(from, &src), 0);
	CU_ASSERT_EQUAL_FATAL(vd_prefix_parse(to, &dst), 0);
	f.family = src.family;
	f.ethertype = src.family == 4 ? 0x0800 : 0x86dd;
	f.src = src.addr;
	f.dst = dst.addr;
	f.body = body;
	f.body_len = sizeof(body);
	return f;
}

static enum nap_class out4(uint8_t proto, const char *to, uint16_t dport)
{
	struct nap_frame f = frame(proto, "10.0.0.7", 40000, to, dport);

	return nap_allow_from_vm(restricted, &f);
}

static enum nap_class in4(uint8_t proto, const char *from, uint16_t sport, uint8_t tcp_flags)
{
	struct nap_frame f = frame(proto, from, sport, "10.0.0.7", 40000);

	f.tcp_flags = tcp_flags;
	return nap_allow_to_vm(restricted, &f);
}

static void remediation(void)
{
	struct nap_frame f;

	CU_ASSERT_EQUAL(out4(6, "10.0.9.10", 443), NAP_ALLOW_SERVER);
	CU_ASSERT_EQUAL(out4(6, "10.0.9.10", 22), NAP_DENY);
	CU_ASSERT_EQUAL(out4(17, "10.0.9.10", 123), NAP_ALLOW_QUESTION);
	CU_ASSERT_EQUAL(out4(17, "10.0.9.10", 443), NAP_DENY);
	CU_ASSERT_EQUAL(out4(6, "10.0.9.11", 443), NAP_DENY);
	CU_ASSERT_EQUAL(out4(6, "10.0.9.80", 80), NAP_ALLOW_SERVER); /* by name */
	f = frame(6, "2001:db8::7", 40000, "2001:db8:9::10", 443);
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_ALLOW_SERVER);
	f = frame(6, "2001:db8::7", 40000, "2001:db8:9::11", 443);
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	CU_ASSERT_EQUAL(in4(6, "10.0.9.10", 443, 0x12), NAP_ALLOW_SERVER);
	CU_ASSERT_EQUAL(in4(17, "10.0.9.10", 123, 0), NAP_ALLOW_ANSWER);
	CU_ASSERT_EQUAL(in4(6, "10.0.9.10", 22, 0x12), NAP_DENY);
}

static void q28_who_begins(void)
{
	struct nap_frame f;

	CU_ASSERT_EQUAL(in4(6, "10.0.9.10", 443, 0x02), NAP_DENY);
	/* the forensic host may, in forensic mode only */
	f = frame(6, "10.0.9.66", 50000, "10.0.0.7", 22);
	f.tcp_flags = 0x02;
	CU_ASSERT_EQUAL(nap_allow_to_vm(forensic, &f), NAP_ALLOW_SERVER);
	CU_ASSERT_EQUAL(nap_allow_to_vm(restricted, &f), NAP_DENY);
	f = frame(6, "10.0.0.7", 22, "10.0.9.66", 50000);
	CU_ASSERT_EQUAL(nap_allow_from_vm(forensic, &f), NAP_ALLOW_SERVER);
	f.tcp_flags = 0x02;
	CU_ASSERT_EQUAL(nap_allow_from_vm(forensic, &f), NAP_DENY);
}

static void isolation(void)
{
	struct nap_frame f = frame(6, "10.0.0.7", 40000, "10.0.9.10", 443);

	CU_ASSERT_EQUAL(nap_allow_from_vm(isolated, &f), NAP_DENY);
	CU_ASSERT_EQUAL(nap_allow_from_vm(forensic, &f), NAP_DENY);
	f = frame(17, "0.0.0.0", 68, "255.255.255.255", 67);
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_ALLOW_DHCP);
	CU_ASSERT_EQUAL(nap_allow_from_vm(forensic, &f), NAP_DENY);
	CU_ASSERT_EQUAL(nap_allow_from_vm(isolated, &f), NAP_DENY);
}

static void dhcp(void)
{
	struct nap_frame f = frame(17, "10.0.0.2", 67, "255.255.255.255", 68);

	CU_ASSERT_EQUAL(nap_allow_to_vm(restricted, &f), NAP_ALLOW_DHCP);
	f = frame(17, "10.0.0.3", 67, "255.255.255.255", 68);
	CU_ASSERT_EQUAL(nap_allow_to_vm(restricted, &f), NAP_DENY);
	/* a guest is no server */
	f = frame(17, "10.0.0.7", 67, "255.255.255.255", 68);
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f = frame(17, "fe80::7", 546, "ff02::1:2", 547);
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_ALLOW_DHCP);
	f = frame(17, "fe80::7", 547, "ff02::1:2", 546);
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
}

static void q25_dns(void)
{
	struct nap_frame f;

	CU_ASSERT_EQUAL(out4(17, "169.254.78.65", 53), NAP_SERVE_DNS);
	CU_ASSERT_EQUAL(out4(6, "169.254.78.65", 53), NAP_SERVE_DNS);
	CU_ASSERT_EQUAL(out4(6, "169.254.78.65", 80), NAP_SERVE_WEB);
	CU_ASSERT_EQUAL(out4(6, "169.254.78.65", 443), NAP_DENY);
	/* asked elsewhere: answered here, all the same */
	CU_ASSERT_EQUAL(out4(17, "8.8.8.8", 53), NAP_SERVE_DNS);
	CU_ASSERT_EQUAL(out4(6, "8.8.8.8", 53), NAP_SERVE_DNS);
	CU_ASSERT_EQUAL(out4(17, "224.0.0.251", 53), NAP_DENY);
	CU_ASSERT_EQUAL(out4(17, "224.0.0.251", 5353), NAP_DENY);
	CU_ASSERT_EQUAL(out4(17, "8.8.8.8", 853), NAP_DENY);
	CU_ASSERT_EQUAL(out4(17, "8.8.8.8", 443), NAP_DENY);
	CU_ASSERT_EQUAL(out4(6, "8.8.8.8", 853), NAP_DENY);
	CU_ASSERT_EQUAL(out4(6, "8.8.8.8", 443), NAP_DENY);
	CU_ASSERT_EQUAL(out4(17, "10.0.9.53", 53), NAP_ALLOW_QUESTION);
	f = frame(6, "fe80::7", 40000, "fe80::4e41", 80);
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_SERVE_WEB);
	CU_ASSERT_EQUAL(nap_allow_from_vm(forensic, &f), NAP_DENY);
}

static void q29_web(void)
{
	struct nap_frame f = frame(6, "10.0.0.7", 40000, "93.184.216.34", 443);

	CU_ASSERT_EQUAL(out4(6, "93.184.216.34", 80), NAP_SERVE_REDIRECT);
	CU_ASSERT_EQUAL(out4(17, "93.184.216.34", 80), NAP_DENY);
	CU_ASSERT_EQUAL(out4(6, "255.255.255.255", 80), NAP_DENY);
	CU_ASSERT_EQUAL(out4(6, "93.184.216.34", 8080), NAP_DENY);
	CU_ASSERT_EQUAL(out4(6, "10.0.9.80", 80), NAP_ALLOW_SERVER); /* a server is itself */
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f.tcp_flags = 0x02;
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_SERVE_RESET);
	CU_ASSERT_EQUAL(nap_allow_from_vm(forensic, &f), NAP_DENY);
	f = frame(6, "2001:db8::7", 40000, "2001:db8:1::1", 80);
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_SERVE_REDIRECT);
	/* nobody answers as the portal but the switch, which does not come by here */
	CU_ASSERT_EQUAL(in4(6, "169.254.78.65", 80, 0x12), NAP_DENY);
	CU_ASSERT_EQUAL(in4(17, "169.254.78.65", 53, 0), NAP_DENY);
}

static void q26_ping(void)
{
	struct nap_frame f = frame(1, "10.0.0.7", 0, "10.0.9.10", 0);

	f.ports = false;
	f.icmp_type = 8;
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_ALLOW_QUESTION);
	f.ip_len = 1000;
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f.ip_len = 84;
	f.icmp_type = 0;
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f = frame(1, "10.0.0.7", 0, "10.0.9.53", 0);
	f.icmp_type = 8;
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f = frame(1, "10.0.0.1", 0, "10.0.0.7", 0);
	f.icmp_type = 3;
	CU_ASSERT_EQUAL(nap_allow_to_vm(restricted, &f), NAP_ALLOW_ERROR);
	f = frame(1, "10.0.0.5", 0, "10.0.0.7", 0);
	f.icmp_type = 3;
	CU_ASSERT_EQUAL(nap_allow_to_vm(restricted, &f), NAP_DENY);
}

static struct nap_frame arp(uint8_t op, const char *sender, const char *target)
{
	static const uint8_t head[8] = {0, 1, 8, 0, 6, 4, 0, 0};
	struct nap_frame f = {.ethertype = 0x0806, .smac = mac, .body = body, .body_len = 28};
	struct vd_prefix s, t;

	begin();
	vd_prefix_parse(sender, &s);
	vd_prefix_parse(target, &t);
	memset(body, 0, sizeof(body));
	memcpy(body, head, sizeof(head));
	body[7] = op;
	memcpy(body + 8, mac, 6);
	memcpy(body + 14, s.addr, 4);
	memcpy(body + 24, t.addr, 4);
	return f;
}

static void q22_arp(void)
{
	struct nap_frame f = arp(1, "10.0.0.7", "10.0.0.1");

	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_ALLOW_ARP);
	CU_ASSERT_EQUAL(nap_allow_to_vm(restricted, &f), NAP_DENY); /* at a neighbour */
	f = arp(1, "10.0.0.7", "10.0.0.8");
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f = arp(1, "0.0.0.0", "10.0.0.7"); /* is it free? */
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_ALLOW_ARP);
	f = arp(2, "10.0.0.1", "10.0.0.8"); /* I am the gateway */
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f = arp(1, "10.0.0.1", "10.0.0.1");
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f = arp(2, "10.0.0.7", "10.0.0.7"); /* gratuitous, even of its own */
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f = arp(2, "10.0.0.1", "10.0.0.7");
	CU_ASSERT_EQUAL(nap_allow_to_vm(restricted, &f), NAP_ALLOW_ARP);
	f = arp(3, "10.0.0.7", "10.0.0.1"); /* RARP's operation */
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f = arp(1, "10.0.0.7", "10.0.0.1");
	body[8] ^= 4; /* another's MAC address inside */
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f = arp(1, "10.0.0.7", "10.0.0.1");
	f.body_len = 27;
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f = arp(1, "10.0.0.7", "10.0.0.1");
	body[4] = 8;
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
}

static void q14_where_is_the_portal(void)
{
	struct nap_frame f = arp(1, "10.0.0.7", "169.254.78.65");

	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_SERVE_LINK);
	CU_ASSERT_EQUAL(nap_portal_class(&policy->portal, &f), NAP_SERVE_LINK);
	CU_ASSERT_EQUAL(nap_allow_from_vm(forensic, &f), NAP_DENY);
	CU_ASSERT_EQUAL(nap_allow_to_vm(restricted, &f), NAP_DENY);
	f = arp(2, "169.254.78.65", "10.0.0.7"); /* I am the portal */
	CU_ASSERT_EQUAL(nap_allow_to_vm(restricted, &f), NAP_DENY);
	f = arp(2, "169.254.78.65", "10.0.0.1");
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f = arp(1, "169.254.78.65", "169.254.78.65");
	CU_ASSERT_EQUAL(nap_portal_class(&policy->portal, &f), NAP_DENY);
	f = arp(1, "10.0.0.7", "10.0.9.10");
	CU_ASSERT_EQUAL(nap_portal_class(&policy->portal, &f), NAP_DENY);
}

static enum nap_class nd(bool from, uint8_t type, const char *s, const char *d, const char *target,
			 uint8_t hops)
{
	struct nap_frame f = frame(58, s, 0, d, 0);
	struct vd_prefix t;

	memset(body, 0, sizeof(body));
	vd_prefix_parse(target, &t);
	memcpy(body + 8, t.addr, 16);
	f.ports = false;
	f.icmp_type = type;
	f.hop_limit = hops;
	return from ? nap_allow_from_vm(restricted, &f) : nap_allow_to_vm(restricted, &f);
}

/* Hidden in what the whole link hears, or behind a packet. */
static void q26_nothing_hides(void)
{
	struct nap_frame f = arp(1, "10.0.0.7", "10.0.0.1");

	f.size = 46;
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_ALLOW_ARP);
	f.size = 1500;
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f = frame(6, "10.0.0.7", 40000, "10.0.9.10", 443);
	f.size = 64; /* a short packet in a long enough frame */
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_ALLOW_SERVER);
	f.size = 65;
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f.ip_len = f.size = 64000; /* a super-frame */
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_ALLOW_SERVER);
	f.group = true; /* for one, sent to all */
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f.group = false;
	f.routed = true;
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f = frame(17, "0.0.0.0", 68, "255.255.255.255", 67);
	f.group = true;
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_ALLOW_DHCP);
}

static bool renews_with(const char *more, const char *server)
{
	char text[256];
	struct nap_policy *p;
	struct nap_allow *a;
	struct nap_frame f;
	bool may;

	snprintf(text, sizeof(text),
		 "version: 1\ndefault: {mode: enforce, unmatched: restricted}\n%s", more);
	p = kit_good_policy(text);
	a = nap_allow_make(p, NAP_RESTRICTED, p->default_group, NULL, NULL, NULL);
	f = frame(17, "10.0.0.7", 68, server, 67);
	may = nap_allow_from_vm(a, &f) == NAP_ALLOW_DHCP;
	nap_allow_unref(a);
	nap_policy_free(p);
	return may;
}

/* DHCP is no way to whoever is at port 67 of any address. */
static void dhcp_to_one(void)
{
	CU_ASSERT_TRUE(renews_with("dhcp: 10.0.0.2\n", "10.0.0.2"));
	CU_ASSERT_FALSE(renews_with("dhcp: 10.0.0.2\ngateways: 10.0.0.1\n", "10.0.0.1"));
	CU_ASSERT_TRUE(renews_with("gateways: 10.0.0.1\n", "10.0.0.1"));
	CU_ASSERT_FALSE(renews_with("gateways: 10.0.0.1\n", "192.0.2.9"));
	CU_ASSERT_FALSE(renews_with("", "192.0.2.9"));
}

static void q19_nd(void)
{
	CU_ASSERT_EQUAL(nd(true, 135, "fe80::7", "ff02::1:ff00:1", "fe80::1", 255), NAP_ALLOW_ND);
	CU_ASSERT_EQUAL(nd(true, 135, "fe80::7", "ff02::1:ff00:8", "fe80::8", 255), NAP_DENY);
	CU_ASSERT_EQUAL(nd(true, 135, "::", "ff02::1:ff00:7", "fe80::7", 255), NAP_ALLOW_ND);
	CU_ASSERT_EQUAL(nd(true, 135, "fe80::7", "ff02::1:ff00:1", "fe80::1", 64), NAP_DENY);
	CU_ASSERT_EQUAL(nd(true, 136, "fe80::7", "fe80::1", "fe80::7", 255), NAP_ALLOW_ND);
	CU_ASSERT_EQUAL(nd(true, 136, "fe80::7", "fe80::8", "fe80::7", 255), NAP_DENY);
	CU_ASSERT_EQUAL(nd(true, 136, "fe80::7", "fe80::1", "fe80::1", 255),
			NAP_DENY); /* I am the router */
	CU_ASSERT_EQUAL(nd(true, 133, "fe80::7", "ff02::2", "::", 255), NAP_ALLOW_ND);
	CU_ASSERT_EQUAL(nd(true, 134, "fe80::7", "ff02::1", "::", 255), NAP_DENY); /* RA */
	CU_ASSERT_EQUAL(nd(true, 137, "fe80::7", "ff02::1", "::", 255), NAP_DENY); /* redirect */
	CU_ASSERT_EQUAL(nd(true, 143, "fe80::7", "ff02::16", "::", 1), NAP_ALLOW_ND);
	CU_ASSERT_EQUAL(nd(true, 143, "fe80::7", "ff02::16", "::", 64), NAP_DENY);
	/* to whom the protocol says, not to whom they like */
	CU_ASSERT_EQUAL(nd(true, 143, "fe80::7", "fe80::8", "::", 1), NAP_DENY);
	CU_ASSERT_EQUAL(nd(true, 143, "fe80::7", "ff02::1", "::", 1), NAP_DENY);
	CU_ASSERT_EQUAL(nd(true, 131, "fe80::7", "ff02::1:ff00:7", "::", 1), NAP_ALLOW_ND);
	CU_ASSERT_EQUAL(nd(true, 131, "fe80::7", "fe80::8", "::", 1), NAP_DENY);
	CU_ASSERT_EQUAL(nd(true, 132, "fe80::7", "ff02::2", "::", 1), NAP_ALLOW_ND);
	CU_ASSERT_EQUAL(nd(true, 132, "fe80::7", "ff02::1", "::", 1), NAP_DENY);
	CU_ASSERT_EQUAL(nd(true, 133, "fe80::7", "fe80::8", "::", 255), NAP_DENY);
	CU_ASSERT_EQUAL(nd(true, 133, "fe80::7", "fe80::1", "::", 255), NAP_ALLOW_ND);
	CU_ASSERT_EQUAL(nd(true, 135, "::", "fe80::8", "fe80::7", 255), NAP_DENY);
	CU_ASSERT_EQUAL(nd(true, 135, "::", "ff02::1:ff00:8", "fe80::7", 255), NAP_DENY);
	CU_ASSERT_EQUAL(nd(true, 135, "fe80::7", "fe80::8", "fe80::1", 255), NAP_DENY);
	CU_ASSERT_EQUAL(nd(true, 135, "fe80::7", "fe80::1", "fe80::1", 255), NAP_ALLOW_ND);
	CU_ASSERT_EQUAL(nd(true, 135, "fe80::7", "ff02::1:ff00:4e41", "fe80::4e41", 255),
			NAP_SERVE_LINK);
	CU_ASSERT_EQUAL(nd(true, 135, "fe80::7", "ff02::1:ff00:4e41", "fe80::4e41", 64), NAP_DENY);
	CU_ASSERT_EQUAL(nd(true, 136, "fe80::7", "fe80::4e41", "fe80::4e41", 255), NAP_DENY);
	CU_ASSERT_EQUAL(nd(false, 136, "fe80::4e41", "fe80::7", "fe80::4e41", 255), NAP_DENY);
	CU_ASSERT_EQUAL(nd(false, 134, "fe80::1", "ff02::1", "::", 255), NAP_ALLOW_ND);
	CU_ASSERT_EQUAL(nd(false, 134, "fe80::8", "ff02::1", "::", 255), NAP_DENY);
	CU_ASSERT_EQUAL(nd(false, 135, "fe80::8", "ff02::1:ff00:7", "fe80::7", 255), NAP_DENY);
	CU_ASSERT_EQUAL(nd(false, 135, "fe80::1", "ff02::1:ff00:7", "fe80::7", 255), NAP_ALLOW_ND);
}

static void q18_everything_else(void)
{
	struct nap_frame f;
	unsigned int passed = 0;

	for (unsigned int type = 0; type < 65536; type++) {
		f = (struct nap_frame){
			.ethertype = (uint16_t)type, .smac = mac, .body = body, .body_len = 28};
		memset(body, 0xff, sizeof(body));
		passed += nap_allow_from_vm(restricted, &f) != NAP_DENY;
		passed += nap_allow_to_vm(restricted, &f) != NAP_DENY;
	}
	/* protocols to the server itself: TCP and UDP on its ports, echo */
	for (unsigned int proto = 0; proto < 256; proto++) {
		if (proto == 6 || proto == 17)
			continue;
		f = frame((uint8_t)proto, "10.0.0.7", 40000, "10.0.9.10", 443);
		passed += nap_allow_from_vm(restricted, &f) != NAP_DENY;
		f = frame((uint8_t)proto, "2001:db8::7", 40000, "2001:db8:9::10", 443);
		f.icmp_type = 200;
		passed += nap_allow_from_vm(restricted, &f) != NAP_DENY;
	}
	CU_ASSERT_EQUAL(passed, 0);
}

static void q20_fragments(void)
{
	struct nap_frame f = frame(6, "10.0.0.7", 40000, "10.0.9.10", 443);

	f.fragment = true;
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f.fragment = false;
	f.broken = true;
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f.broken = false;
	f.ports = false; /* the transport header is not there */
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
}

static void spoofed_servers(void)
{
	struct nap_frame f = frame(6, "10.0.9.10", 443, "10.0.9.80", 80);

	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
	f = frame(17, "169.254.78.65", 53, "10.0.9.53", 53);
	CU_ASSERT_EQUAL(nap_allow_from_vm(restricted, &f), NAP_DENY);
}

static void comparing(void)
{
	struct nap_allow *again = nap_allow_make(policy, NAP_RESTRICTED, policy->default_group,
						 "firewall", resolve, NULL);
	struct nap_allow *other = nap_allow_make(policy, NAP_RESTRICTED, policy->default_group,
						 "firewall", NULL, NULL);
	struct nap_allow *none = nap_allow_make(NULL, NAP_ISOLATED, NAP_NO_GROUP, NULL, NULL, NULL);

	CU_ASSERT_TRUE(nap_allow_equal(restricted, again));
	CU_ASSERT_FALSE(nap_allow_equal(restricted, other)); /* a name less */
	CU_ASSERT_FALSE(nap_allow_equal(restricted, isolated));
	CU_ASSERT_FALSE(nap_allow_equal(restricted, NULL));
	CU_ASSERT_TRUE(none && none->n_peers == 0);
	nap_allow_unref(again);
	nap_allow_unref(other);
	nap_allow_unref(none);
	nap_allow_unref(restricted);
	nap_allow_unref(forensic);
	nap_allow_unref(isolated);
	nap_policy_free(policy);
}

/* What is left when memory runs out. */
static void nothing(void)
{
	struct nap_frame f = frame(6, "10.0.0.7", 5, "10.0.9.10", 443);
	struct nap_allow *a = nap_allow_nothing();

	CU_ASSERT_EQUAL(nap_allow_from_vm(a, &f), NAP_DENY);
	CU_ASSERT_EQUAL(nap_allow_to_vm(a, &f), NAP_DENY);
	f.ethertype = 0x0806;
	CU_ASSERT_EQUAL(nap_allow_from_vm(a, &f), NAP_DENY);
	nap_allow_ref(a);
	nap_allow_unref(a);
	CU_ASSERT_PTR_EQUAL(a, nap_allow_nothing());
	CU_ASSERT_EQUAL(a->refs, 1);
}

static const struct tap_case cases[] = {
	{"remediation servers, both families, by name", remediation},
	{"Q28: who may begin", q28_who_begins},
	{"strict and forensic isolation", isolation},
	{"DHCP as a client only", dhcp},
	{"Q25: DNS goes to the built-in resolver", q25_dns},
	{"Q29: web pages of others, TLS with others", q29_web},
	{"Q26: echo is small, and for servers that say so", q26_ping},
	{"Q22: ARP", q22_arp},
	{"Q14: the portal is asked for, and nobody claims to be it", q14_where_is_the_portal},
	{"Q26: nothing hides behind a packet, or in a broadcast", q26_nothing_hides},
	{"DHCP to one server is to a known one", dhcp_to_one},
	{"Q19: neighbour discovery, router advertisements, redirects, listeners", q19_nd},
	{"Q18: all EtherTypes, all IP protocols", q18_everything_else},
	{"Q20: fragments and broken frames", q20_fragments},
	{"nobody speaks as a server", spoofed_servers},
	{"F6: without memory nothing is allowed", nothing},
	{"two sets are the same or not", comparing},
};

TAP_MAIN("nap-policy/allow", cases)
