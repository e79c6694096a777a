# SPDX-License-Identifier: GPL-2.0-or-later
"""
Ethernet frames as bytes, in and out of an interface through AF_PACKET. Tags are seen as they were on the
wire: the kernel takes the outer 802.1Q tag out of received frames and tells of it beside them, so it is put
back here.
"""

import ctypes
import fcntl
import os
import select
import socket
import struct
import time

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_AUXDATA = 8
PACKET_IGNORE_OUTGOING = 23
TP_STATUS_VLAN_VALID = 0x10
TP_STATUS_VLAN_TPID_VALID = 0x40
CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS = 0x8913
SIOCETHTOOL = 0x8946
ETHTOOL_GLINK = 0x0000000A
IFF_UP = 0x1
IFF_RUNNING = 0x40
BROADCAST = "ff:ff:ff:ff:ff:ff"
TEST_TYPE = 0x88B5   # for local experiments (IEEE 802)


def mac(text):
    return bytes(int(part, 16) for part in text.split(":"))


def tag(vid, pcp=0, tpid=0x8100, dei=0):
    return struct.pack("!HH", tpid, pcp << 13 | dei << 12 | vid)


def frame(dst, src, payload=b"", tags=b"", ethertype=TEST_TYPE, size=60):
    """tags: what tag() made, outer first. Padded to size."""
    data = mac(dst) + mac(src) + tags + struct.pack("!H", ethertype) + payload
    return data + bytes(max(0, size - len(data)))


def checksum(data):
    """RFC 1071, over an even number of bytes."""
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip4(src, dst, proto, payload=b"", size=None):
    """An IPv4 packet; size: of the packet, when the payload is only its beginning."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, size or 20 + len(payload), 0, 0, 64, proto, 0, socket.inet_aton(src),
                       socket.inet_aton(dst))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def datagram(src, dst, sport, dport, size):
    """The headers of a UDP datagram in an IPv4 packet of that size."""
    return ip4(src, dst, 17, struct.pack("!HHHH", sport, dport, size - 20, 0), size)


def parse_tags(data):
    """([(tpid, pcp, vid)], EtherType, payload)"""
    tags, at = [], 12
    while True:
        kind, = struct.unpack_from("!H", data, at)
        if kind not in (0x8100, 0x88A8, 0x9100) or len(data) < at + 6:
            return tags, kind, data[at + 2:]
        tci, = struct.unpack_from("!H", data, at + 2)
        tags.append((kind, tci >> 13, tci & 0xFFF))
        at += 4


class Netns:
    """with Netns(name): sockets made inside belong to that namespace."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.old = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        new = os.open("/run/netns/" + self.name, os.O_RDONLY | os.O_CLOEXEC)
        self._set(new)
        os.close(new)

    def __exit__(self, *_):
        self._set(self.old)
        os.close(self.old)

    @staticmethod
    def _set(fd):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")


class Wire:
    """One interface: send() frames, and take() those that came in."""

    def __init__(self, ifname, netns=None):
        if netns:
            with Netns(netns):
                self._open(ifname)
        else:
            self._open(ifname)
        self.ifname = ifname

    def _open(self, ifname):
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUFFORCE if hasattr(socket, "SO_RCVBUFFORCE")
                          else 33, 16 << 20)
        self.s.bind((ifname, ETH_P_ALL))
        self.s.setblocking(False)
        self._wait_for_queue(ifname)

    def _wait_for_queue(self, ifname):
        """A link that has just come up drops what is sent until the kernel has noticed, a second on a busy machine."""
        deadline = time.monotonic() + 5
        late_s = 0
        while time.monotonic() < deadline:
            name = ifname.encode()
            try:
                flags, = struct.unpack_from("16xH", fcntl.ioctl(self.s, SIOCGIFFLAGS, name.ljust(40, b"\0")))
            except OSError:   # it has another name now, or went: sending will tell
                return
            if not flags & IFF_UP or flags & IFF_RUNNING:
                time.sleep(late_s)   # the flag is set just before the queue is
                return
            late_s = 0.02
            link = bytearray(struct.pack("II", ETHTOOL_GLINK, 0))
            at = (ctypes.c_char * len(link)).from_buffer(link)
            try:
                fcntl.ioctl(self.s, SIOCETHTOOL, struct.pack("16sP16x", name, ctypes.addressof(at)))
            except OSError:
                return
            if not struct.unpack("II", link)[1]:   # no carrier: what is sent now is meant to be lost
                return
            time.sleep(0.01)

    def fileno(self):
        return self.s.fileno()

    def send(self, data):
        """Also of a link whose switch was just started again."""
        self._wait_for_queue(self.ifname)
        self.s.send(data)

    def drain(self):
        """Frames that are there now."""
        got = []
        while True:
            try:
                data, extra, _, _ = self.s.recvmsg(65536, 64)
            except (BlockingIOError, InterruptedError):
                return got
            except OSError:   # the interface went down or away
                return got
            for level, kind, value in extra:
                if level == SOL_PACKET and kind == PACKET_AUXDATA:
                    status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", value[:20])
                    if status & TP_STATUS_VLAN_VALID:
                        if not status & TP_STATUS_VLAN_TPID_VALID:
                            tpid = 0x8100
                        data = data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
            got.append(data)

    def take(self, match, timeout_s=2.0, n=1):
        """Wait for n frames that match(data) likes; return those that came in time."""
        deadline = time.monotonic() + timeout_s
        got = []
        while True:
            got += [d for d in self.drain() if match(d)]
            left = deadline - time.monotonic()
            if len(got) >= n or left <= 0:
                return got
            select.select([self.s], [], [], left)

    def close(self):
        self.s.close()


class Flow:
    """
    Numbered frames from one interface to another, at a steady pace, in the background: what was lost
    while something else happened? Both ends must be up, and the destination's address be known to the switch.
    """

    MARK = b"flow"
    made = 0

    def __init__(self, src, dst, src_mac, dst_mac, per_s=500, tags=b"", size=100, udp=None):
        """udp: (source address, destination address, port) makes them datagrams."""
        import threading
        Flow.made += 1
        self.src, self.dst = src, dst
        what, kind = b"", TEST_TYPE
        if udp:
            what, kind = datagram(udp[0], udp[1], udp[2], udp[2], size - 14 - len(tags)), 0x0800
        self.head = frame(dst_mac, src_mac, what, tags, kind, size=0) + self.MARK + struct.pack("!I", Flow.made)
        self.key = self.head[-8:]
        self.size = size
        self.pause_s = 1.0 / per_s
        self.sent = 0
        self.errors = 0
        self.seen = {}
        self.duplicates = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=f, daemon=True) for f in (self._send, self._receive)]
        for t in self._threads:
            t.start()

    def _send(self):
        due = time.monotonic()
        while not self._stop.is_set():
            data = self.head + struct.pack("!I", self.sent)
            try:
                self.src.send(data + bytes(max(0, self.size - len(data))))
                self.sent += 1
            except OSError:   # the sender's own interface is busy or down: nothing was sent
                self.errors += 1
            due += self.pause_s
            time.sleep(max(0.0, due - time.monotonic()))

    def _receive(self):
        quiet_since = None
        while True:
            now = time.monotonic()
            for data in self.dst.drain():
                at = data.find(self.key, 14)
                if at < 0:
                    continue
                number, = struct.unpack_from("!I", data, at + 8)
                if number in self.seen:
                    self.duplicates += 1
                self.seen[number] = now
                quiet_since = None
            if self._stop.is_set():
                quiet_since = quiet_since or now
                if now - quiet_since > 0.3 or len(self.seen) == self.sent and now - quiet_since > 0.05:
                    return
            select.select([self.dst], [], [], 0.02)

    def received(self):
        return len(self.seen)

    def stop(self):
        """Returns self, with lost and longest_gap_s filled."""
        self._stop.set()
        for t in self._threads:
            t.join()
        self.lost = sorted(set(range(self.sent)) - set(self.seen))
        times = [self.seen[n] for n in sorted(self.seen)]
        self.longest_gap_s = max((b - a for a, b in zip(times, times[1:])), default=0.0)
        return self

    def __str__(self):
        return "sent %d, received %d, lost %d %s, twice %d, longest gap %.3f s" % (
            self.sent, len(self.seen), len(self.lost), self.lost[:20], self.duplicates, self.longest_gap_s)
