# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured: one table. A scenario is traffic (generator options), the job the device is set up for
(kind), and what a received frame must look like (expect), so that a device which does not do the job has no row.

Side A of the generator is port 0 of the device, side B is port 1. kinds:
  l2      two ports of one learning switch
  vlan    A is an access port of VLAN 100, B a trunk that carries it
  idle    as l2, but the device may sleep when nothing arrives
  acl     as l2; A may open connections and gets their answers, nothing else passes (stateful)
  rules   as acl, with 10,000 rules on A in front of the one that allows
  guards  as l2, every guard on at A and B
  healthy as l2, a health policy in force, and A and B compliant
  super   as l2, and the device passes super-frames whole
  ports   as l2, beside 1,000 vhost-user ports that nobody is connected to
  nat     A is the inside (10.1.0.0/16, its gateway has NAT_GATEWAY_MAC), B the outside; sources become NAT_POOL
"""
from dataclasses import dataclass, field

VLAN = 100
NAT_GATEWAY_MAC = "02:cc:00:00:00:01"
NAT_POOL = ("20.0.0.65", "20.0.0.96")
NAT_NEXT_HOP = "20.0.0.2"
# Hosts from 10.1.0.2 on send to the next hop itself; both sides make themselves known to a router by ARP.
NAT_TRAFFIC = ("--ip-a", "0x0a010002", "--ip-b", "0x14000002", "--dmac-a", NAT_GATEWAY_MAC,
               "--gateway-a", "0x0a010001", "--gateway-b", "0x14000041")
SIZES = (64, 512, 1500)


@dataclass(frozen=True)
class Scenario:
    name: str
    kind: str
    flows: int = 1
    macs: int = 1
    hosts: int = 1
    options: tuple = ()
    to: str = "b"             # the side that receives
    send_tag: int = 0         # tag on the frames as sent
    get_tag: int = 0          # tag on the frames as received from a device that does the job
    all_sizes: bool = False   # measured at every size, not only the smallest
    size: int = 0             # measured at this size alone
    virtio: str = ""          # options of the generator's ports, where the usual ones do not do
    mode: str = "throughput"
    sent: bool = False        # the rate is that of frames sent: most are to be dropped
    reflect: bool = False     # B sends every frame back, and both directions count
    about: str = field(default="", compare=False)

    def generator_options(self, size):
        options = ["--size", size, "--flows", self.flows, "--macs", self.macs, "--hosts", self.hosts,
                   "--mode", self.mode, "--dir", "ab" if self.to == "b" else "ba",
                   *(["--reflect"] if self.reflect else ["--learn"] if self.mode != "new" else [])]
        if self.send_tag or self.get_tag:
            # The trunk side speaks tagged in both directions, or the device could not learn its addresses.
            options += ["--vlan-b", VLAN]
        return [str(o) for o in (*options, *self.options)]


# 100k addresses are learned slowly: a device that learns through its control plane would lose the announcement.
SLOW = ("--learn-mpps", "0.05", "--warm", "1")

GROUPS = {
    "l2": [
        Scenario("l2-1k", "l2", 1000, 1000, 1000, all_sizes=True, about="1,000 MACs, one flow each"),
        Scenario("l2-1", "l2", about="1 MAC, 1 flow"),
        Scenario("l2-100k", "l2", 100000, 1000, 1000, about="100,000 flows over 1,000 MACs"),
        Scenario("l2-100kmac", "l2", 100000, 100000, 1000, SLOW, about="100,000 MACs, one flow each"),
        Scenario("vlan-push", "vlan", 1000, 1000, 1000, get_tag=VLAN, about="access to trunk, 1,000 MACs"),
        Scenario("vlan-pop", "vlan", 1000, 1000, 1000, to="a", send_tag=VLAN,
                 about="trunk to access, 1,000 MACs"),
    ],
    "policy": [
        Scenario("acl-1k", "acl", 1000, 1, 100, ("--warm", "1.5"), reflect=True,
                 about="stateful rules, 1,000 flows, both directions"),
        Scenario("acl-100k", "acl", 100000, 1, 1000, ("--warm", "3"), reflect=True,
                 about="stateful rules, 100,000 flows, both directions"),
        Scenario("rules-100k", "rules", 100000, 1, 1000, ("--warm", "3"), reflect=True,
                 about="10,000 rules, 100,000 flows, both directions"),
        Scenario("guards-1k", "guards", 1000, 1, 100, ("--warm", "1"), reflect=True,
                 about="all guards on, 1,000 flows, both directions"),
    ],
    "quarantine": [
        Scenario("unwatched-1k", "l2", 1000, 1000, 1000, about="1,000 MACs, no health policy"),
        Scenario("healthy-1k", "healthy", 1000, 1000, 1000, ("--settle", "0.5"), about="1,000 MACs, a policy, both ports compliant"),
    ],
    "nat": [
        *(Scenario(name, "nat", flows, 1, hosts, (*NAT_TRAFFIC, "--warm", warm), reflect=True,
                   about="translation, %s sessions, both directions" % format(flows, ","))
          for name, flows, hosts, warm in (("nat-1", 1, 1, "0.5"), ("nat-1k", 1000, 100, "1.5"),
                                           ("nat-100k", 100000, 1000, "3"), ("nat-1m", 1000000, 1000, "10"))),
        Scenario("nat-new", "nat", 150000, 1, 1000, NAT_TRAFFIC, mode="new",
                 about="every packet begins a session: millions of them a second"),
    ],
    "flood": [
        Scenario("acl-new", "acl", 40000, 1, 1000, ("--proto", "tcp", "--syn"), mode="new",
                 about="every packet is a SYN that begins a flow of a stateful rule: millions of them a second"),
        Scenario("syn-flood", "acl", 2000000, 1, 1000, ("--proto", "tcp", "--syn", "--honest", "64", "--max-windows", "2"),
                 mode="new", sent=True,
                 about="2,000,000 SYNs, one in 64 frames is of an old connection: frames decided a second, and its loss"),
    ],
    "ports": [
        Scenario("ports-2", "l2", 1000, 1000, 1000, about="1,000 MACs, nothing but the two ports"),
        Scenario("ports-1k", "ports", 1000, 1000, 1000, about="1,000 MACs, beside 1,000 ports that are idle"),
    ],
    "vm-tcp": [
        Scenario("vm-tcp", "super", options=("--proto", "tcp", "--ring", "256"), size=65214,
                 virtio="queues=1,queue_size=256,mrg_rxbuf=0,in_order=0",
                 about="super-frames of TCP from guest to guest, as virtual machines with TSO send them"),
    ],
    "netvsp": [
        Scenario("netvsp", "l2", 1000, 1000, 1000, all_sizes=True,
                 about="guests of Hyper-V's kind beside virtio guests, 1,000 MACs"),
        Scenario("netvsp-lso", "super", options=("--proto", "tcp", "--ring", "256"), size=62318,
                 virtio="queues=1,queue_size=256,mrg_rxbuf=0,in_order=0",
                 about="the same with super-frames of TCP, the longest that Hyper-V's guests send"),
    ],
    "latency": [
        Scenario("rtt", "l2", mode="latency", about="round trip of one packet, worker polls"),
        Scenario("rtt-idle", "idle", mode="latency", options=("--gap-us", "20000", "--pings", "150"),
                 about="round trip after 20 ms of silence, worker may sleep"),
    ],
}

_BY_NAME = {scenario.name: scenario for group in GROUPS.values() for scenario in group}
# Rows of the groups above, measured for something else: see report.stages() and report.vectors().
GROUPS["stages"] = [_BY_NAME[name] for name in ("l2-1k", "vlan-push", "vlan-pop", "acl-1k", "acl-100k", "nat-1k", "nat-100k")]
GROUPS["vectors"] = [_BY_NAME[name] for name in ("l2-1k", "vlan-push", "acl-1k", "nat-1k")]


def _address(text):
    return int.from_bytes(bytes(map(int, text.split("."))), "big")


def _translated(frames, both):
    """Why addresses are not those of a translator, or ""."""
    source = int.from_bytes(frames[1][26:30], "big")
    if not _address(NAT_POOL[0]) <= source <= _address(NAT_POOL[1]):
        return "source %s is not of the pool" % ".".join(map(str, frames[1][26:30]))
    if both and frames[0][30:32] != bytes([10, 1]):
        return "answers go to %s" % ".".join(map(str, frames[0][30:34]))
    return ""


def verify(scenario, size, window, job):
    """Why a window's frames are wrong, or "" when they are right. job: see devices.Device."""
    to = 1 if scenario.to == "b" else 0
    tag = scenario.get_tag if job == "switch" else scenario.send_tag
    want_size = size + 4 * (bool(tag) - bool(scenario.send_tag))
    frame = bytes.fromhex(window["sample"][to])
    l2 = 18 if tag else 14
    source, target = (b"\x02\xaa", b"\x02\xbb") if bool(to) != (job == "swap") else (b"\x02\xbb", b"\x02\xaa")
    if not window["sample_size"][to]:
        return "nothing was received"
    if scenario.reflect:
        if not 0.8 < window["rx_mpps"][0] / max(window["rx_mpps"][1], 1e-9) < 1.25:
            return "not all frames came back"
    elif window["rx_mpps"][1 - to] > 0.001 * window["mpps"]:
        return "frames came back to the sender"
    if not -0.001 <= window["tagged"][to] - bool(tag) <= 0.001:
        return "%.1f %% of the frames carried a tag" % (100 * window["tagged"][to])
    if abs(window["rx_size"][to] - want_size) > 0.5 or window["sample_size"][to] != want_size:
        return "frames of %.1f bytes instead of %d" % (window["rx_size"][to], want_size)
    if scenario.kind == "nat":
        wrong = _translated([bytes.fromhex(f) for f in window["sample"]], scenario.reflect) if job == "switch" else ""
        if wrong:
            return wrong
    elif frame[0:2] != target or frame[6:8] != source:
        return "MAC addresses %s" % frame[:12].hex()
    if tag and frame[12:16] != bytes([0x81, 0, tag >> 8, tag & 255]):
        return "tag %s" % frame[12:16].hex()
    if frame[l2 - 2:l2 + 1] != b"\x08\x00\x45":
        return "no IPv4 header where it belongs"
    if int.from_bytes(frame[l2 + 2:l2 + 4], "big") != want_size - l2:
        return "IPv4 length differs from the frame's"
    if size > 64 and not window["sample_zero"][to]:
        return "the payload changed"
    return ""
