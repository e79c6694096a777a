# SPDX-License-Identifier: GPL-2.0-or-later
"""./run bench tcp, nat-tcp: one TCP stream between two network namespaces, through kernel-facing ports.

tcp      kernel        a Linux bridge and two veth pairs, default offloads
         viridian      a private switch with two tap ports, whose interfaces stand in the namespaces
nat-tcp  kernel        a router with nftables' masquerade and two veth pairs
         ovs           ct(nat) of its user-space datapath, two tap ports
         viridian      a NAT network translated by the worker, two tap ports
         viridian-nft  a NAT network translated by the kernel: a tap inside, the host's interface outside

Client and server of the bridge have a core each; beside a switch that polls, both share the generator's core. The
packet rate is given in full segments (1448 bytes of payload), whatever the super-frames on the way.
"""
import json
import os
import subprocess
import time

import machine
from devices import Ovs, Viridian
from machine import BenchError, run, say, wait_until
from scenarios import NAT_GATEWAY_MAC, NAT_NEXT_HOP, NAT_POOL

SECONDS = 3
SEGMENT_BITS = 1448 * 8
PORT = 5201


class Namespaces:
    """Two hosts, each a namespace; the janitor knows them."""

    def __init__(self, bench, addresses=("10.9.0.1/24", "10.9.0.2/24"), gateway=None):
        self.addresses, self.gateway = addresses, gateway
        self.names = ["vb%d%s" % (os.getpid(), side) for side in "ab"]
        for name in self.names:
            bench.at_exit("run", "ip", "netns", "del", name)
            run("ip", "netns", "add", name)

    def take(self, i, interface, space=None):
        """Put an interface (of namespace space) into host i and give it the host's address."""
        name = self.names[i]
        run("ip", *(["-n", space] if space else []), "link", "set", interface, "netns", name)
        run("ip", "-n", name, "addr", "add", self.addresses[i], "dev", interface)
        run("ip", "-n", name, "link", "set", interface, "up")
        if i == 0 and self.gateway:
            run("ip", "-n", name, "route", "add", "default", "via", self.gateway)

    def target(self):
        return self.addresses[1].split("/")[0]

    def close(self):
        for name in self.names:
            run("ip", "netns", "del", name, check=False)


class Bridge:
    """The kernel's bridge, in a namespace of its own."""
    name = "kernel"

    def __init__(self, bench):
        self.bench = bench

    def cores(self):
        return self.bench.device_core, self.bench.generator_core

    def start(self, hosts):
        self.space = "vb%ds" % os.getpid()
        self.bench.at_exit("run", "ip", "netns", "del", self.space)
        run("ip", "netns", "add", self.space)
        run("ip", "-n", self.space, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", self.space, "link", "set", "br0", "up")
        for i, side in enumerate("ab"):
            outer, inner = "vb%d%s" % (os.getpid(), side), "port" + side
            run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", self.space)
            run("ip", "-n", self.space, "link", "set", inner, "master", "br0", "up")
            hosts.take(i, outer)

    def stop(self):
        run("ip", "netns", "del", self.space, check=False)


class Taps(Viridian):
    """Our daemon with two taps."""

    def cores(self):
        return self.bench.generator_core, self.bench.generator_core

    def start(self, hosts):
        self.dir = self.bench.folder(self.name.replace("/", "_"))
        self.launch_daemon(["--poll"])
        self.ctl("switch", "add", "bench", "--type", "private")
        for i, side in enumerate("ab"):
            tap = "vb%d%s" % (os.getpid(), side)
            self.ctl("port", "add", side, "--switch", "bench", "--device", "tap:" + tap)
            hosts.take(i, tap)


class Router:
    """The kernel's router, in a namespace of its own."""
    name = "kernel"

    def __init__(self, bench):
        self.bench = bench
        self.space = "vb%ds" % os.getpid()

    def cores(self):
        return self.bench.device_core, self.bench.generator_core

    def make_space(self):
        self.bench.at_exit("run", "ip", "netns", "del", self.space)
        run("ip", "netns", "add", self.space)
        run("ip", "netns", "exec", self.space, "sysctl", "-qw", "net.ipv4.ip_forward=1")

    def wire(self, hosts, i, address):
        outer, inner = "vb%d%s" % (os.getpid(), "ab"[i]), "d" + "ab"[i]
        run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", self.space)
        run("ip", "-n", self.space, "addr", "add", address, "dev", inner)
        run("ip", "-n", self.space, "link", "set", inner, "up")
        hosts.take(i, outer)

    def start(self, hosts):
        self.make_space()
        self.wire(hosts, 0, "10.1.0.1/16")
        self.wire(hosts, 1, "20.0.0.1/24")
        path = os.path.join(self.bench.dir, "nft")
        with open(path, "w") as f:
            f.write("table ip bench {\n chain post {\n  type nat hook postrouting priority 100\n"
                    "  oifname \"db\" masquerade\n }\n}\n")
        run("ip", "netns", "exec", self.space, "nft", "-f", path)

    def stop(self):
        run("ip", "netns", "del", self.space, check=False)


class Translator(Taps):
    """Our daemon with a NAT network of its own between two taps."""

    def start(self, hosts):
        self.dir = self.bench.folder(self.name.replace("/", "_"))
        self.launch_daemon(["--poll"])
        taps = ["vb%d%s" % (os.getpid(), side) for side in "ab"]
        self.translation(["tap:" + tap for tap in taps])
        for i, tap in enumerate(taps):
            hosts.take(i, tap)


class Nft(Taps):
    """Our daemon with a NAT network that the kernel translates; all of it in a namespace of its own."""

    def __init__(self, bench, build):
        super().__init__(bench, build, "viridian-nft")
        self.router = Router(bench)

    def start(self, hosts):
        self.dir = self.bench.folder(self.name)
        self.router.make_space()
        self.prefix = ["ip", "netns", "exec", self.router.space]
        self.launch_daemon(["--poll"])
        self.router.wire(hosts, 1, "20.0.0.1/24")
        tap = "vb%da" % os.getpid()
        self.ctl("nat", "add", "lab", "--prefix", "10.1.0.0/16", "--backend", "kernel", "--no-dhcp", "--no-dns")
        self.ctl("port", "add", "a", "--switch", "lab", "--device", "tap:" + tap)
        hosts.take(0, tap, self.router.space)

    def stop(self):
        super().stop()
        self.router.stop()


class OvsTaps(Ovs):
    """Open vSwitch with ct(nat) between two taps. It is no router: the hosts are told their neighbours."""

    def cores(self):
        return self.bench.generator_core, self.bench.generator_core

    def start(self, hosts):
        self.dir = self.bench.folder(self.name)
        self.bench.reserve_hugepages(self.pages)
        self.taps = ["vb%d%s" % (os.getpid(), side) for side in "ab"]
        self.launch("tcp")
        macs = []
        for i, tap in enumerate(self.taps):
            wait_until(lambda tap=tap: os.path.exists("/sys/class/net/" + tap), 10, "ovs: its tap")
            macs.append(machine.read("/sys/class/net/%s/address" % tap))
            hosts.take(i, tap)
        for name, neighbour in zip(hosts.names, (hosts.gateway, NAT_POOL[0])):
            run("ip", "-n", name, "neigh", "add", neighbour, "lladdr", NAT_GATEWAY_MAC, "dev",
                self.taps[hosts.names.index(name)])
        self.translation(self.taps, macs, (NAT_POOL[0], NAT_POOL[0]))


def stream(bench, hosts, cores):
    """Gbit/s of one iperf3 run."""
    client, server = cores
    talker = None
    log = os.path.join(bench.dir, "iperf3.log")
    listener = bench.start(["ip", "netns", "exec", hosts.names[1], "iperf3", "-s", "-1", "-p", str(PORT)], log,
                           core=server)
    try:
        wait_until(lambda: ":%d" % PORT in run("ip", "netns", "exec", hosts.names[1], "ss", "-ltnH"), 5,
                   "the iperf3 server")
        wait_until(lambda: subprocess.run(["ip", "netns", "exec", hosts.names[0], "ping", "-c1", "-W1", hosts.target()],
                                          capture_output=True, check=False).returncode == 0, 10,
                   "a first answer between the hosts")
        # Like every process of a run with the highest ordinary priority, or strangers on its core are measured.
        answer = os.path.join(bench.dir, "iperf3.json")
        talker = bench.start(["ip", "netns", "exec", hosts.names[0], "iperf3", "-c", hosts.target(), "-p", str(PORT),
                              "-t", str(SECONDS), "-O", "1", "-J"], answer, core=client)
        wait_until(lambda: talker.poll() is not None, SECONDS + 30, "the end of the iperf3 client")
        return received_gbps(machine.read(answer))
    finally:
        machine.stop(talker)
        machine.stop(listener)


def received_gbps(text):
    """Gbit/s of what an iperf3 client printed."""
    try:
        return json.loads(text)["end"]["sum_received"]["bits_per_second"] / 1e9
    except (ValueError, KeyError) as err:
        raise BenchError("iperf3 measured nothing: " + text[:200]) from err


def chosen(bench, build, scenario):
    """The devices of a scenario that are there."""
    makers = {"tcp": [lambda: Bridge(bench), lambda: Taps(bench, build)],
              "nat-tcp": [lambda: Router(bench), lambda: OvsTaps(bench), lambda: Translator(bench, build),
                          lambda: Nft(bench, build)]}[scenario]
    found = []
    for device in (make() for make in makers):
        why = device.missing() if hasattr(device, "missing") else ""
        if why:
            say("bench: without %s: %s" % (device.name, why))
        else:
            found.append(device)
    return found


def rounds(scenario, bench, build, n_rounds, first_round, recorder):
    for round_no in range(first_round, first_round + n_rounds):
        for device in chosen(bench, build, scenario):
            hosts = Namespaces(bench) if scenario == "tcp" else Namespaces(
                bench, ("10.1.0.2/16", NAT_NEXT_HOP + "/24"), "10.1.0.1")
            try:
                device.start(hosts)
                gbps = stream(bench, hosts, device.cores())
            except BenchError as err:
                say("bench: %s: %s" % (device.name, err))
                continue
            finally:
                device.stop()
                hosts.close()
            say("round %d  %-7s  %-12s %6.2f Gbit/s" % (round_no, scenario, device.name, gbps))
            recorder.add(dict(time=round(time.time(), 1), round=round_no, scenario=scenario, size=1500, flows=1,
                              dut=device.name, wrong="", clean=True, near=-1, gbps=gbps,
                              mpps=gbps * 1000 / SEGMENT_BITS))
