# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel as a device: a namespace that routes and translates between two veth pairs, nftables and conntrack.

The generator stands in a namespace of its own, on AF_PACKET sockets; the kernel forwards on the device's core, by
RPS. Much of what it costs is the way through veth and AF_PACKET: it is what you get, not what nftables alone costs.
"""
import os
import shutil

import machine
from machine import run
from scenarios import NAT_GATEWAY_MAC, NAT_NEXT_HOP, NAT_POOL

CONNTRACK_MAX = "/proc/sys/net/netfilter/nf_conntrack_max"
CONNECTIONS = 2000000
OUTSIDE_MAC = "02:cc:00:00:00:02"
GENERATOR_MAC = {"a": "02:aa:00:00:00:00", "b": "02:bb:00:00:00:00"}

RULES = """table ip bench {
	chain post {
		type nat hook postrouting priority 100
		oifname "db" snat to %s-%s
	}
}
""" % NAT_POOL


class Router:
    """Same life as devices.Device; there is no process."""
    name = "kernel"
    job = "switch"
    kinds = ("nat",)
    pages = 0
    transport = "af_packet"
    watch = None

    def __init__(self, bench):
        self.bench = bench
        self.space, self.far = ("vb%d%s" % (os.getpid(), end) for end in "rg")

    @property
    def generator_prefix(self):
        return ["ip", "netns", "exec", self.far]

    def missing(self):
        return "" if shutil.which("nft") else "nft is not installed (package nftables)"

    def may(self, scenario):
        return scenario.kind in self.kinds

    def sockets(self):
        return ["ga", "gb"]

    def inside(self, *command, **more):
        return run("ip", "netns", "exec", self.space, *command, **more)

    def start(self, kind):
        for name in (self.space, self.far):
            self.bench.at_exit("run", "ip", "netns", "del", name)
            run("ip", "netns", "add", name)
        for end, mac in (("a", NAT_GATEWAY_MAC), ("b", OUTSIDE_MAC)):
            run("ip", "-n", self.space, "link", "add", "d" + end, "address", mac, "type", "veth",
                "peer", "name", "g" + end, "netns", self.far)
            run("ip", "-n", self.space, "link", "set", "d" + end, "up")
            run("ip", "-n", self.far, "link", "set", "g" + end, "up")
            self.inside("sh", "-c", "echo %x > /sys/class/net/d%s/queues/rx-0/rps_cpus"
                        % (1 << self.bench.device_core, end))
        self.addresses()
        path = os.path.join(self.bench.dir, "nft")
        with open(path, "w") as f:
            f.write(RULES)
        self.inside("nft", "-f", path)
        self.more_connections()

    def addresses(self):
        """The hosts of the inside are behind one neighbour, so that the kernel's neighbour table stays small."""
        neighbours = (("da", "10.0.0.1/24", "10.0.0.2", "a"), ("db", "20.0.0.1/24", NAT_NEXT_HOP, "b"))
        for device, own, neighbour, side in neighbours:
            run("ip", "-n", self.space, "addr", "add", own, "dev", device)
            run("ip", "-n", self.space, "neigh", "replace", neighbour, "lladdr", GENERATOR_MAC[side], "dev", device)
        run("ip", "-n", self.space, "route", "add", "10.1.0.0/16", "via", "10.0.0.2")
        self.inside("sysctl", "-qw", "net.ipv4.ip_forward=1")

    def more_connections(self):
        """The host's limit is everybody's: raised for the run, and put back."""
        before = machine.read(CONNTRACK_MAX)
        if before and int(before) < CONNECTIONS:
            self.bench.at_exit("run", "sysctl", "-qw", "net.netfilter.nf_conntrack_max=" + before)
            run("sysctl", "-qw", "net.netfilter.nf_conntrack_max=%d" % CONNECTIONS)

    def forget(self, scenario):
        self.inside("conntrack", "-F", check=False)

    def facts(self, scenario):
        return {}

    def freeze(self):
        """Nothing arrives, so nothing runs."""

    thaw = freeze

    def stop(self):
        for name in (self.space, self.far):
            run("ip", "netns", "del", name, check=False)
