# SPDX-License-Identifier: GPL-2.0-or-later
"""./run bench workers: what workers cost each other, measured with two, computed for more.

Both cores are workers; nothing else runs. Ports are DPDK's pcap driver: it makes frames out of a file in memory for ever,
and throws away what it is sent, so a port costs little and shares nothing by itself. Every pattern is measured with one worker
and with two, as cycles of a worker per packet:

  local      two ports a worker that talk to each other
  swap       two ports of two workers that talk to each other: what one worker takes the other one's port gets
  uniform    four ports, each sends to all others alike: every port gets frames from both workers
  stateful   as swap, with stateful rules on one port: both directions of a flow at different workers
  nat        a NAT network whose two VMs and remotes have a worker each: no session is shared
  nat-swap   the same, but the answers of a VM's sessions come in at the other worker

MODEL, in words and numbers, is printed with the table.
"""
import json
import os
import struct
import subprocess
import time
from statistics import median

import machine
from devices import Viridian
from machine import BenchError, run, say, wait_until
from report import _cell, markdown

WINDOWS, WINDOW_S = 8, 0.25
NEAR_NS = 90
FRAMES = 1024          # of one port's file
MANY = (4, 8, 16)
C2C = os.path.join("tests", "bench", "viridian-bench-c2c")
GATEWAY, OUTSIDE = "10.1.0.1", "20.0.0.65"
MODEL = """c1: cycles per packet of one worker alone; c2: of each of two. s2 = c2 - c1 is what two workers cost each other: cache
lines that the other one wrote last, and waiting for locks. With N workers the last writer of such a line is another one in N - 1
of N cases (1 of 2 with two), so s(N) = 2 * s2 * (N - 1) / N, and N workers move N / (c1 + s(N)) packets a cycle.
`lines` = s2 / (time of a line between the cores): how many such moves a packet pays for."""


def mac(n):
    return bytes([2, 0xaa, 0, 0, 0, n])


def ip(text):
    return bytes(map(int, text.split(".")))


def _sum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xffff) + (total >> 16)
    return ~((total & 0xffff) + (total >> 16)) & 0xffff


def udp(dst_mac, src_mac, src, dst, sport, dport):
    """64 bytes in memory; no UDP checksum."""
    head = struct.pack("!BBHHHBBH", 0x45, 0, 50, 0, 0, 64, 17, 0) + ip(src) + ip(dst)
    head = head[:10] + struct.pack("!H", _sum(head)) + head[12:]
    return dst_mac + src_mac + b"\x08\x00" + head + struct.pack("!HHHH", sport, dport, 30, 0) + bytes(22)


def arp(src_mac, src, target):
    """Who has target? Tells the asked one where the asking one is."""
    return (b"\xff" * 6 + src_mac + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + src_mac + ip(src) + bytes(6) +
            ip(target) + bytes(18))


def pcap(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            f.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
    return path


class Workers(Viridian):
    """The daemon with one or two workers and ports that make traffic."""

    def __init__(self, bench, build, cores):
        super().__init__(bench, build, "viridian-%d" % len(cores))
        self.cores = cores

    def up(self):
        self.dir = self.bench.folder(self.name)
        self.process = self.bench.start(
            [self.daemon, "--socket", self.dir + "/control", "--state", self.dir + "/state", "--workers",
             ",".join(map(str, self.cores)), "--memory", str(self.memory_mib), "--poll"], self.log())
        wait_until(lambda: os.path.exists(self.dir + "/control") or self._died(), 15, "the daemon's control socket")

    def source(self, name, switch, frames):
        path = pcap(os.path.join(self.dir, name + ".pcap"), frames)
        self.ctl("port", "add", name, "--switch", switch, "--device", "pcap:rx=%s,loop" % path, "--learn", "100")

    def threads(self):
        """schedstat files of the workers."""
        found = []
        for tid in os.listdir("/proc/%d/task" % self.process.pid):
            if machine.read("/proc/%d/task/%s/comm" % (self.process.pid, tid)).startswith("vsw-worker"):
                found.append("/proc/%d/task/%s/schedstat" % (self.process.pid, tid))
        return found

    def look(self):
        rows = json.loads(self.ctl("--json", "runtime"))["workers"]
        waited = sum(int(machine.read(path).split()[1]) for path in self.threads())
        return [(w["packets"], w["total_cycles"]) for w in rows], waited, time.monotonic()

    def window(self):
        """Cycles per packet of each worker, and whether they had their cores to themselves."""
        before, waited, began = self.look()
        time.sleep(WINDOW_S)
        after, waited_then, ended = self.look()
        packets = [b[0] - a[0] for a, b in zip(before, after)]
        if not all(packets):
            raise BenchError("a worker moved nothing: packets %s" % packets)
        cycles = [(b[1] - a[1]) / n for a, b, n in zip(before, after, packets)]
        # the clients that ask take some time of a core
        return cycles, (waited_then - waited) / 1e9 < 0.1 * (ended - began) * len(self.cores)

    def sent(self):
        """Share of received frames that were sent on."""
        rows = json.loads(self.ctl("--json", "stats"))
        took = sum(r["rx_packets"] for r in rows)
        return sum(r["tx_packets"] for r in rows) / max(took, 1)


def l2(device, pairs, stateful=False):
    """pairs: per port the numbers of the ports it sends to."""
    device.ctl("switch", "add", "lan", "--type", "private")
    for i, to in enumerate(pairs):
        frames = [udp(mac(to[k % len(to)]), mac(i), "10.0.0.%d" % i, "10.0.0.%d" % to[k % len(to)],
                      *((2000 + k // 4, 99) if i == 0 or not stateful else (99, 2000 + k // 4))) for k in range(FRAMES)]
        device.source("p%d" % i, "lan", frames)
    if stateful:
        for words in ("p0 --direction from-vm --action allow --protocol udp --stateful",
                      "p0 --direction to-vm --action deny --kind extended"):
            device.ctl("acl", "add", *words.split())


def nat(device, swap):
    """VMs 2 and 3 inside, remotes 2 and 3 outside; ports are kept, so answers can be made before their sessions."""
    device.ctl("switch", "add", "wan", "--type", "external", "--no-host-vnic",
               "--uplink", "pcap:tx=%s/uplink.pcap" % device.dir)
    device.ctl("nat", "add", "lab", "--prefix", "10.1.0.0/16", "--backend", "dataplane", "--via", "wan", "--external", OUTSIDE,
               "--external-prefix", "20.0.0.0/24", "--next-hop", "20.0.0.2", "--no-dhcp", "--no-dns")
    device.ctl("port", "set", "lab:nat", "--mac", "02:cc:00:00:00:01")
    rows = json.loads(device.ctl("--json", "port", "list"))
    outer = bytes.fromhex(next(r["mac"] for r in rows if r["name"].startswith("wan:nat")).replace(":", ""))
    inner = bytes.fromhex("02cc00000001")
    for switch, prefix, target, group in (("lab", "10.1.0.", GATEWAY, 0), ("wan", "20.0.0.", OUTSIDE, 16)):
        path = pcap(os.path.join(device.dir, "arp-%s.pcap" % switch),
                    [arp(mac(group + n), prefix + str(n), target) for n in (2, 3)])
        device.ctl("port", "add", "hello", "--switch", switch, "--device", "pcap:rx=" + path, "--learn", "10")
        time.sleep(0.5)
        device.ctl("port", "remove", "hello")
    known = len(rows)
    # where the next port's queue goes: those of one queue go round the workers in their order
    plan = [("lab", 2), ("lab", 3), ("wan", 3 if swap else 2), ("wan", 2 if swap else 3)]
    for i, (switch, n) in enumerate(plan):
        if switch == "lab":
            frames = [udp(inner, mac(n), "10.1.0.%d" % n, "20.0.0.%d" % n, 2000 * n + k // 4, 99) for k in range(FRAMES)]
        else:
            frames = [udp(outer, mac(16 + n), "20.0.0.%d" % n, OUTSIDE, 99, 2000 * n + k // 4) for k in range(FRAMES)]
        device.source("p%d" % (known + i), switch, frames)


PATTERNS = {
    # name: (set up for one worker, set up for two)
    "local": lambda d: l2(d, [(2,), (3,), (0,), (1,)] if len(d.cores) > 1 else [(1,), (0,)]),
    "swap": lambda d: l2(d, [(1,), (0,)]),
    "uniform": lambda d: l2(d, [[k for k in range(4) if k != i] for i in range(4)]),
    "stateful": lambda d: l2(d, [(1,), (0,)], stateful=True),
    "nat": lambda d: nat(d, False),
    "nat-swap": lambda d: nat(d, True),
}


def distance_ns(bench, build):
    return float(run(os.path.join(build, C2C), str(bench.generator_core), str(bench.device_core)))


def measure(bench, build, pattern, cores):
    """(cycles per packet of a worker, distance of the cores, clean windows)"""
    device = Workers(bench, build, cores)
    bench.reserve_hugepages(device.pages)
    try:
        device.up()
        PATTERNS[pattern](device)
        time.sleep(1.5)
        found = []
        for _ in range(WINDOWS):
            device.freeze()
            before = distance_ns(bench, build)
            device.thaw()
            time.sleep(0.05)
            cycles, clean = device.window()
            device.freeze()
            ns = max(before, distance_ns(bench, build))
            device.thaw()
            found.append((clean and ns < NEAR_NS, sum(cycles) / len(cycles), ns))
        good = [f for f in found if f[0]]
        quoted = good or found
        if device.sent() < 0.9:
            raise BenchError("%s: only %.0f %% of the frames are sent on" % (pattern, 100 * device.sent()))
        return median(f[1] for f in quoted), median(f[2] for f in quoted), len(good)
    finally:
        device.stop()


def speedup(n, c1, s2):
    """N workers beside one."""
    return n * c1 / (c1 + 2 * max(s2, 0) * (n - 1) / n)


def row(name, c1, c2, line_cycles):
    s2 = c2 - c1
    return [name, "%.0f" % c1, "%.0f" % c2, "%.0f" % s2, "%.2f" % (max(s2, 0) / line_cycles), "%.2f" % (2 * c1 / c2),
            *("%.1f" % speedup(n, c1, s2) for n in MANY)]


def show(bench, build, rounds):
    """The table and its inputs; medians over rounds."""
    both = [bench.generator_core, bench.device_core]
    lines = [["pattern", "c1", "c2", "s2", "lines", "2 workers", *("%d workers" % n for n in MANY)]]
    distances, notes = [], []
    for pattern in PATTERNS:
        one, two = [], []
        for number in range(rounds):
            try:
                one.append(measure(bench, build, pattern, both[1:]))
                two.append(measure(bench, build, pattern, both))
            except (BenchError, subprocess.TimeoutExpired) as err:
                notes.append("%s: %s" % (pattern, err))
                say("bench: workers: " + notes[-1])
                break
            say("round %d  %-9s one worker %.1f, two workers %.1f cycles a packet each; cores %.0f and %.0f ns apart; clean windows %d, %d"
                % (number, pattern, one[-1][0], two[-1][0], one[-1][1], two[-1][1], one[-1][2], two[-1][2]))
        if two:
            distance = median(t[1] for t in two)
            distances.append(distance)
            lines.append(row(pattern, median(o[0] for o in one), median(t[0] for t in two),
                             distance / 1000 * machine.tsc_mhz()))
    head = "Measured: a line takes %s ns (%s cycles) from core to core; windows of %.2f s. Computed: the columns of %s workers, times one worker." % (
        _cell(median(distances), "%.0f"), _cell(median(distances) / 1000 * machine.tsc_mhz(), "%.0f"), WINDOW_S,
        ", ".join(map(str, MANY)))
    return "\n".join([head, "", markdown(lines), "", MODEL])
