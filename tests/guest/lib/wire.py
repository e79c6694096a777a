# SPDX-License-Identifier: GPL-2.0-or-later
"""
The wire behind an emulated NIC: every frame the NIC sends, byte for byte, and a station on it.

QEMU's stream netdev carries each frame behind a 32-bit length over a UNIX socket. So the test sees
802.1Q tags exactly as the NIC put them out: no kernel in between that strips or adds them.
"""

import os
import socket
import struct
import threading
import time

import sandbox

BROADCAST = b"\xff" * 6
ETH_IP, ETH_ARP, ETH_VLAN = 0x0800, 0x0806, 0x8100
MAX_FRAME_SIZE = 65536


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    """Internet checksum, RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Frame:
    """A received frame, taken apart. vlan is None without a tag; type is behind the tags."""

    def __init__(self, data):
        self.data = data
        self.dst, self.src = data[0:6], data[6:12]
        self.vlan = self.pcp = None
        self.n_tags = 0
        offset = 12
        self.type = struct.unpack_from("!H", data, offset)[0]
        while self.type == ETH_VLAN and len(data) >= offset + 6:
            tci, self.type = struct.unpack_from("!HH", data, offset + 2)
            if not self.n_tags:
                self.vlan, self.pcp = tci & 0xfff, tci >> 13
            self.n_tags += 1
            offset += 4
        self.payload = data[offset + 2:]

    def __repr__(self):
        tag = "" if self.vlan is None else f" vlan {self.vlan} pcp {self.pcp} tags {self.n_tags}"
        return f"{self.src.hex(':')} > {self.dst.hex(':')}{tag} {self.type:#06x} {len(self.data)} B"


def ethernet(dst, src, ethertype, payload, vlan=None, pcp=0):
    tag = b"" if vlan is None else struct.pack("!HH", ETH_VLAN, pcp << 13 | vlan)
    frame = dst + src + tag + struct.pack("!H", ethertype) + payload
    return frame.ljust(60, b"\0")


def arp(operation, src_mac, src_ip, dst_mac, dst_ip):
    return struct.pack("!HHBBH", 1, ETH_IP, 6, 4, operation) + src_mac \
        + socket.inet_aton(src_ip) + dst_mac + socket.inet_aton(dst_ip)


class Wire:
    """One end of a cable. Frames that arrive are kept in `frames` and shown to the stations."""

    def __init__(self, name):
        self.path = os.path.join(sandbox.work, f"{name}.wire")
        self.frames = []
        self.stations = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(1)
        self._socket = None
        self._lock = threading.Lock()
        threading.Thread(target=self._receive, daemon=True).start()

    def netdev(self, name):
        """QEMU arguments of this wire's netdev."""
        return ["-netdev", f"stream,id={name},server=off,addr.type=unix,addr.path={self.path}"]

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            part = self._socket.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def _receive(self):
        self._socket = self._listener.accept()[0]
        try:
            while True:
                size = struct.unpack("!I", self._exactly(4))[0]
                if not 14 <= size <= MAX_FRAME_SIZE:
                    return
                frame = Frame(self._exactly(size))
                self.frames.append(frame)
                for s in self.stations:
                    s.receive(frame)
        except (EOFError, OSError):
            pass  # QEMU ended

    def send(self, frame):
        with self._lock:
            self._socket.sendall(struct.pack("!I", len(frame)) + frame)

    def wait(self, wanted, timeout_s, since=0):
        """The first frame from index `since` for which wanted(frame) is true; None in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            for f in self.frames[since:]:
                if wanted(f):
                    return f
            if time.monotonic() > deadline:
                return None
            time.sleep(0.02)


class Station:
    """A machine on the wire with one address in one VLAN (None: untagged); answers ARP and ping."""

    def __init__(self, wire, address, mac_text, vlan):
        self.wire, self.address, self.mac, self.vlan = wire, address, mac(mac_text), vlan
        self._ip = socket.inet_aton(address)
        wire.stations.append(self)

    def receive(self, f):
        if f.vlan != self.vlan or f.n_tags > 1 or f.dst not in (BROADCAST, self.mac):
            return
        if f.type == ETH_ARP and f.payload[6:8] == b"\0\1" and f.payload[24:28] == self._ip:
            asker, asker_ip = f.payload[8:14], socket.inet_ntoa(f.payload[14:18])
            self.send(asker, ETH_ARP, arp(2, self.mac, self.address, asker, asker_ip))
        elif f.type == ETH_IP and f.payload[9] == 1 and f.payload[16:20] == self._ip:
            self._echo(f)

    def _echo(self, f):
        size = struct.unpack_from("!H", f.payload, 2)[0]
        ip, icmp = f.payload[:20], bytearray(f.payload[20:size])
        if f.payload[0] != 0x45 or not icmp or icmp[0] != 8 or checksum(bytes(icmp)):
            return
        icmp[0] = 0
        icmp[2:4] = b"\0\0"
        icmp[2:4] = struct.pack("!H", checksum(bytes(icmp)))
        # Swapped addresses leave the header's checksum valid.
        self.send(f.src, ETH_IP, ip[:12] + ip[16:20] + ip[12:16] + bytes(icmp))

    def send(self, dst, ethertype, payload, pcp=0):
        self.wire.send(ethernet(dst, self.mac, ethertype, payload, self.vlan, pcp))

    def ask_who_has(self, address):
        self.send(BROADCAST, ETH_ARP, arp(1, self.mac, self.address, b"\0" * 6, address))
