# SPDX-License-Identifier: GPL-2.0-or-later
"""./run bench tcp: one TCP stream between two network namespaces, through kernel-facing ports.

  kernel    a Linux bridge and two veth pairs, default offloads
  viridian  a private switch with two tap ports, whose interfaces stand in the namespaces

Client and server of the bridge have a core each; beside a switch that polls, both share the generator's core. The
packet rate is given in full segments (1448 bytes of payload), whatever the super-frames on the way.
"""
import json
import os
import subprocess
import time

import machine
from devices import Viridian
from machine import BenchError, run, say, wait_until

SECONDS = 3
SEGMENT_BITS = 1448 * 8
PORT = 5201


class Namespaces:
    """Two hosts, each a namespace; the janitor knows them."""

    def __init__(self, bench):
        self.names = ["vb%d%s" % (os.getpid(), side) for side in "ab"]
        for name in self.names:
            bench.at_exit("run", "ip", "netns", "del", name)
            run("ip", "netns", "add", name)

    def take(self, i, interface):
        """Put an interface into host i and give it the host's address."""
        name = self.names[i]
        run("ip", "link", "set", interface, "netns", name)
        run("ip", "-n", name, "addr", "add", "10.9.0.%d/24" % (i + 1), "dev", interface)
        run("ip", "-n", name, "link", "set", interface, "up")

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
        wait_until(lambda: subprocess.run(["ip", "netns", "exec", hosts.names[0], "ping", "-c1", "-W1", "10.9.0.2"],
                                          capture_output=True, check=False).returncode == 0, 10,
                   "a first answer between the hosts")
        # Like every process of a run with the highest ordinary priority, or strangers on its core are measured.
        answer = os.path.join(bench.dir, "iperf3.json")
        talker = bench.start(["ip", "netns", "exec", hosts.names[0], "iperf3", "-c", "10.9.0.2", "-p", str(PORT),
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


def rounds(bench, build, n_rounds, first_round, recorder):
    devices = [Bridge(bench)]
    taps = Taps(bench, build)
    if taps.missing():
        say("bench: without viridian: " + taps.missing())
    else:
        devices.append(taps)
    for round_no in range(first_round, first_round + n_rounds):
        for device in devices:
            hosts = Namespaces(bench)
            try:
                device.start(hosts)
                gbps = stream(bench, hosts, device.cores())
            except BenchError as err:
                say("bench: %s: %s" % (device.name, err))
                continue
            finally:
                device.stop()
                hosts.close()
            say("round %d  tcp  %-10s %6.2f Gbit/s" % (round_no, device.name, gbps))
            recorder.add(dict(time=round(time.time(), 1), round=round_no, scenario="tcp", size=1500, flows=1,
                              dut=device.name, wrong="", clean=True, near=-1, gbps=gbps,
                              mpps=gbps * 1000 / SEGMENT_BITS))
