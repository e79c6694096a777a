# SPDX-License-Identifier: GPL-2.0-or-later
"""./run bench memory: what viridiand keeps in memory, as VmRSS of /proc/PID/status, with its default options and without
hugepages: idle, with ports, and by address, flow and session. Frames come from capture files, so that no guest
is needed. tests/bench/README.md has the rows.
"""
import json
import os
import struct

from devices import Viridian
from machine import BenchError, free_hugepages, read, wait_until
from report import markdown

PORTS = 1000
ADDRESSES = 50000
FLOWS = 200000
SESSIONS = 200000
MANY = str(ADDRESSES + 1000)
GATEWAY = b"\x02\xcc\x00\x00\x00\x01"
MIB = 1024 * 1024


def checksum(header):
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def udp(source_mac, target_mac, source, target, sport, dport):
    """A frame of 60 bytes; its UDP checksum is left out (RFC 768)."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 46, 0, 0, 64, 17, 0, source, target)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return target_mac + source_mac + b"\x08\x00" + head + struct.pack("!HHHH", sport, dport, 26, 0) + bytes(18)


def write_capture(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            f.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


class Resident(Viridian):
    """A daemon as a user starts it."""

    def __init__(self, bench, build):
        super().__init__(bench, build)
        self.options = []

    def launch_daemon(self, options):
        self.process = self.bench.start(
            [self.daemon, "--socket", self.dir + "/control", "--state", self.dir + "/state"], self.log())
        wait_until(lambda: os.path.exists(self.dir + "/control") or self._died(), 15, "its control socket")
        wait_until(lambda: self.ask("version"), 15, "an answer of viridiand")

    def ask(self, *words):
        return json.loads(self.ctl("--json", *words))

    def begin(self):
        self.dir = self.bench.folder("memory")
        self.launch_daemon([])
        return self

    def parts(self):
        """(all, anonymous, shared, files) in bytes."""
        text = read("/proc/%d/status" % self.process.pid)
        return [int(text.split(key + ":")[1].split()[0]) * 1024 for key in ("VmRSS", "RssAnon", "RssShmem", "RssFile")]

    def feed(self, frames, port, switch, *options):
        """A port whose device is a capture file with these frames."""
        path = os.path.join(self.dir, "frames.pcap")
        write_capture(path, frames)
        self.ctl("port", "add", port, "--switch", switch, "--device", "pcap:rx=" + path, *options)


def row(what, device, n=0, before=0):
    total, anonymous, shared, files = device.parts()
    found = dict(what=what, resident_bytes=total, anonymous_bytes=anonymous, packet_bytes=shared, file_bytes=files)
    if n:
        found.update(n=n, bytes_each=round((total - before) / n, 1))
    return found


def idle(device):
    yield row("idle", device)
    before = device.rss()
    device.ctl("switch", "add", "lan", "--type", "private")
    document = device.ask("export")
    document["ports"] = [dict(name="v%d" % i, switch="lan", device="vhost-user:%s/v%d" % (device.dir, i))
                         for i in range(PORTS)]
    device.ctl("apply", device.write("ports.json", json.dumps(document)))
    yield row("vhost-user ports, nobody connected", device, PORTS, before)


def addresses(device):
    device.ctl("switch", "add", "lan", "--type", "private", "--fdb-limit", MANY)
    before = device.rss()
    me = bytes([10, 0, 0, 1])
    device.feed((udp(struct.pack("!HI", 0x02aa, i), b"\x02" + bytes(5), me, me, 1, 2) for i in range(ADDRESSES)),
                "a", "lan", "--learn", MANY)
    wait_until(lambda: device.ask("port", "show", "a")["stats"]["rx_packets"] >= ADDRESSES, 30, "learning")
    yield row("addresses in the forwarding table", device, device.ask("switch", "show", "lan")["n_learned"], before)


def flows(device):
    device.ctl("switch", "add", "lan", "--type", "private")
    device.ctl("port", "add", "b", "--switch", "lan", "--device", "pcap:tx=%s/out.pcap" % device.dir,
               "--mac", "02:bb:00:00:00:00")
    document = device.ask("export")
    rules = Viridian.policy("acl")["a"]
    path = device.dir + "/frames.pcap"
    write_capture(path, (udp(b"\x02\xaa" + bytes(4), b"\x02\xbb" + bytes(4), bytes([10, 0, i >> 15 & 255, 1]),
                             bytes([20, 0, 0, 2]), 1024 + (i & 32767), 5000) for i in range(FLOWS)))
    document["ports"].append(dict(name="a", switch="lan", device="pcap:rx=" + path, mac="02:aa:00:00:00:00", **rules))
    before = device.rss()
    device.ctl("apply", device.write("flows.json", json.dumps(document)))
    wait_until(lambda: device.ask("port", "show", "a")["stats"]["rx_packets"] >= FLOWS, 30, "the frames")
    # a file is read faster than a table doubles: what found no room is not there
    yield row("flows of stateful rules", device, device.ask("runtime")["flows"], before)


def sessions(device):
    device.ctl("switch", "add", "wan", "--type", "external", "--no-host-vnic", "--uplink",
               "pcap:tx=%s/uplink.pcap" % device.dir)
    device.ctl("nat", "add", "lab", "--prefix", "10.1.0.0/16", "--backend", "dataplane", "--via", "wan",
               "--external", "20.0.0.65-20.0.0.96", "--next-hop", "20.0.0.2", "--no-dhcp", "--no-dns")
    device.ctl("port", "set", "lab:nat", "--mac", "02:cc:00:00:00:01")
    before = device.rss()
    device.feed((udp(b"\x02\xaa" + bytes(4), GATEWAY, bytes([10, 1, 1 + (i & 7), 1 + (i >> 3) % 250]),
                     bytes([20, 0, 0, 2]), 1024 + i // 2000, 5000) for i in range(SESSIONS)),
                "a", "lab", "--learn", "10")
    wait_until(lambda: device.ask("port", "show", "a")["stats"]["rx_packets"] >= SESSIONS, 30, "the frames")
    yield row("sessions of a NAT network, an outside port each", device, device.ask("nat", "show", "lab")["use"]["sessions"],
              before)


def measure(bench, build):
    """All rows. Hugepages that are free would be taken by the daemon."""
    if free_hugepages():
        raise BenchError("hugepages are free: the daemon would take them; give them back first")
    rows = []
    for part in (idle, addresses, flows, sessions):
        device = Resident(bench, build)
        why = device.missing()
        if why:
            raise BenchError(why)
        try:
            rows += part(device.begin())
        finally:
            device.stop()
    return rows


def table(rows):
    lines = [["state", "resident", "of it anonymous", "packet memory", "files, mostly shared libraries", "each"]]
    lines += [["%s%s" % (format(r["n"], ",") + " " if "n" in r else "", r["what"]),
               *("%.1f MiB" % (r[key] / MIB) for key in ("resident_bytes", "anonymous_bytes", "packet_bytes", "file_bytes")),
               "-" if "n" not in r else "%.1f KiB" % (r["bytes_each"] / 1024) if r["bytes_each"] > 4096
               else "%.0f bytes" % r["bytes_each"]] for r in rows]
    return markdown(lines)
