#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Write the seeds of the VMBus and NetVSP targets: well-made sequences for the fuzzer to spoil."""
import pathlib
import struct

ROOT = pathlib.Path(__file__).parent / "seeds"


def save(target, name, data):
    folder = ROOT / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def bus_msg(kind, body):
    """One step of fuzz_vmbus_bus: opcode (kind << 3, odd low bits that are no other step), blob."""
    return bytes([kind << 3 & 0xFF | 5, len(body) + 4]) + bytes(4) + body


def bus_gpadl(relid, gpadl, pfns):
    ranges = struct.pack("<II", len(pfns) * 4096, 0) + b"".join(struct.pack("<Q", p) for p in pfns)
    return bus_msg(8, struct.pack("<IIHH", relid, gpadl, len(ranges), 1) + ranges)


def bus():
    # the first 4 bytes of a blob are the message's second header word
    up = bytes([0, 0, 0, 3])  # answers at once; offer; connect
    opened = bus_gpadl(1, 7, range(8)) + bus_msg(5, struct.pack("<IIIII", 1, 1, 7, 1, 4) + bytes(120))
    end = bus_msg(7, struct.pack("<I", 1)) + bus_msg(11, struct.pack("<II", 1, 7))
    save("vmbus-bus", "open-close", up + opened + end)
    save("vmbus-bus", "modify", up + opened + bus_msg(22, struct.pack("<II", 1, 2)) + end)
    save("vmbus-bus", "unload", up + opened + bus_msg(16, b""))
    save("vmbus-bus", "contact", up + opened + bytes([3]) + opened)
    save("vmbus-bus", "subchannel", up + bytes([0, 16]) + opened + end + bus_msg(13, struct.pack("<I", 2)))
    save("vmbus-bus", "revoke", up + opened + bytes([1, 0]) + bus_msg(13, struct.pack("<I", 1)))


def board():
    """fuzz_hv_board: a driver's start by registers and messages, then its rings, serial port and clock."""
    def msr(n, page, offset):
        return bytes([0]) + struct.pack("<HBH", n, page, offset)

    def post(connection, *words):
        body = struct.pack(f"<{len(words)}I", *words)
        # the slot is emptied behind it, so that the next answer has room
        return bytes([5, connection, len(body)]) + body + bytes([7, 1]) + struct.pack("<HH", 512, 4) + bytes(4) + bytes([13])

    def port(op, index, value):
        return bytes([op, index]) + struct.pack("<I", value)

    start = (msr(0, 0, 1) + msr(1, 4, 1) + msr(0x83, 1, 1) + msr(0x82, 2, 1) + msr(0x92, 0, 0xf3) + msr(0x80, 0, 1) +
             post(4, 14, 0, 5 << 16 | 3, 0, 2, 0, 0, 0, 0, 0) + post(4, 3, 0))
    pages = [w for page in range(4) for w in (page + 5, 0)]
    rings = (post(4, 8, 0, 1, 7, 40 | 1 << 16, 4 * 4096, 0, *pages) + post(4, 5, 0, 1, 1, 7, 0, 2, *[0] * 30))
    signal = bytes([4]) + struct.pack("<IBBH", 0x1005d, 0, 2, 1)
    end = post(4, 7, 0, 1) + post(4, 11, 0, 1, 7) + post(4, 16, 0)
    serial = (port(8, 1, 3) + port(8, 4, 8) + port(8, 0, 65) + bytes([11, 0, 3]) + b"abc" + port(10, 0, 0) + port(10, 2, 0) +
              port(8, 16, 9) + port(10, 17, 951827696))
    save("hv-board", "start", start)
    save("hv-board", "rings", start + rings + signal + bytes([14]) + end)
    save("hv-board", "reset", start + rings + bytes([15]) + start + rings)
    save("hv-board", "ports", serial + bytes([14]))


def link():
    def msg(name, kind, body, fds=0, flags=0, seq=1):
        save("netvsp-link", name, bytes([fds]) + struct.pack("<IIII", kind, flags, seq, 16 + len(body)) + body)

    target = struct.pack("<QII", 0x5200, 3, 0)
    nic = struct.pack("<6sHQHBBIIIII64s", b"\x02\0\0\0\0\1", 9202, 10**10, 8, 1, 0, 0, 1500, 0, 1, 0, b"web1")
    msg("hello", 1, struct.pack("<II16s64s", 1, 0, b"u" * 16, b"vm1"))
    msg("mem", 2, struct.pack("<II", 2, 0) + struct.pack("<QQQ", 0, 1 << 20, 0) +
        struct.pack("<QQQ", 1 << 32, 1 << 20, 1 << 20), fds=2)
    msg("state", 3, struct.pack("<Q", 640 * 1024), fds=1)
    msg("gpadl", 4, struct.pack("<II", 7, 3) + struct.pack("<QQQ", 1, 2, 3))
    msg("gpadl-del", 5, struct.pack("<II", 7, 0))
    msg("open", 6, struct.pack("<IIII", 0, 7, 2, 1) + target, fds=2)
    msg("close", 7, struct.pack("<IIII", 0, 0, 0, 0) + bytes(16))
    msg("target", 8, struct.pack("<IIII", 0, 0, 0, 0) + target, fds=1)
    msg("resume", 9, b"")
    msg("answer", 1, struct.pack("<IIII64s", 0, 0, 0, 0, b"") + nic, flags=1)
    msg("fault", 33, struct.pack("<IIII64s", 0, 1, 0, 0, b"ring.packet") + nic, seq=0)


def resume():
    """Mode, then words to spoil: part, offset (2 bytes), value."""
    for stage in range(7):
        save("netvsp-resume", f"stage-{stage}", bytes([stage | 8]))
    save("netvsp-resume", "acknowledged", bytes([6 | 8 | 16]))
    save("netvsp-resume", "no-magic", bytes([6, 0, 0, 0, 1]))
    save("netvsp-resume", "record", bytes([6 | 8, 1, 16, 0, 8, 6, 24, 0, 4]))
    save("netvsp-resume", "settings", bytes([6, 2, 8, 0, 2, 7, 8, 0, 2]))
    save("netvsp-resume", "loop", bytes([6 | 8, 3, 0, 1, 16, 3, 8, 1, 1]))


def gpadl():
    for n in (1, 20, 26):
        ranges = struct.pack("<II", n * 4096, 0) + b"".join(struct.pack("<Q", p) for p in range(n))
        msg = struct.pack("<IIIIHH", 8, 0, 1, 7, len(ranges), 1) + ranges
        save("vmbus-gpadl", f"one-{n}", bytes([len(msg)]) + msg)
    ranges = b"".join(struct.pack("<IIQQ", 4097, 0, 1, 2) for _ in range(3))
    msg = struct.pack("<IIIIHH", 8, 0, 1, 7, len(ranges), 3) + ranges
    save("vmbus-gpadl", "three", bytes([len(msg)]) + msg)


def ring():
    packet = struct.pack("<HHHHQ", 6, 2, 4, 1, 99) + bytes(16) + bytes(8)
    poke = bytes([0, len(packet)]) + packet + struct.pack("<H", 4096)
    save("vmbus-ring", "one", bytes([0]) + poke + bytes([2]) + struct.pack("<H", 40) + bytes([3, 4]))
    save("vmbus-ring", "flip", bytes([6]) + poke + bytes([2]) + struct.pack("<H", 40) + bytes([3, 4, 5, 9, 1]))


def rndis_packet(frame, ppi=b""):
    return struct.pack("<11I", 1, 44 + len(ppi) + len(frame), 36 + len(ppi), len(frame), 0, 0, 0,
                       36 if ppi else 0, len(ppi), 0, 0) + ppi + frame


def ppi(kind, value):
    return struct.pack("<IIII", 16, kind, 12, value)


def tcp(size, v6=False):
    eth = bytes(12) + (b"\x86\xdd" if v6 else b"\x08\x00")
    ip = b"\x60\0\0\0\0\0\x06\x40" + bytes(32) if v6 else b"\x45" + bytes(8) + b"\x06" + bytes(10)
    return eth + ip + bytes(12) + b"\x50" + bytes(7) + bytes(size)


def rndis():
    plain = rndis_packet(tcp(50))
    save("rndis-data", "plain", b"\x01\x00" + plain)
    save("rndis-data", "two", b"\x01\x00" + plain + plain)
    save("rndis-data", "pages", b"\x00\x07" + plain)
    save("rndis-data", "csum", b"\x01\x00" + rndis_packet(tcp(50), ppi(0, 1 | 4 | 34 << 16)))
    save("rndis-data", "csum6", b"\x01\x00" + rndis_packet(tcp(50, True), ppi(0, 2 | 4 | 54 << 16)))
    save("rndis-data", "lso", b"\x01\x00" + rndis_packet(tcp(3000), ppi(2, 1448 | 1 << 30)))
    save("rndis-data", "lso6-vlan", b"\x01\x00" + rndis_packet(
        tcp(2000, True), ppi(2, 1448 | 3 << 30) + ppi(6, 5 << 4) + ppi(8, 99)))


def control(*messages):
    return b"".join(struct.pack("<H", len(m)) + m for m in messages)


def request(kind, oid, data=b""):
    return struct.pack("<7I", kind, 28 + len(data), 7, oid, len(data), 20, 0) + data


def oids():
    queries = [0x00010101, 0x00010106, 0x01010101, 0x00020216, 0xFC01020D, 0xFC01020B, 0x00010203, 0x00010207]
    save("rndis-control", "queries", control(*[request(4, o) for o in queries]))
    save("rndis-control", "filter", control(request(5, 0x0001010E, struct.pack("<I", 0xD))))
    save("rndis-control", "offload", control(request(5, 0xFC01020C, b"\x80\x03\x1c\x00" + bytes(18) + b"\x02\x02" + bytes(4))))
    rss = struct.pack("<BBHHHIHHIHHI", 0x89, 2, 40, 0, 0, 0x1701, 512, 0, 40, 40, 0, 552) + bytes(12)
    rss += b"".join(struct.pack("<I", i % 3) for i in range(128)) + bytes(range(40))
    save("rndis-control", "rss", control(request(5, 0x00010204, rss)))
    name = "NetworkAddress".encode("utf-16-le")
    mac = "020000000001".encode("utf-16-le")
    save("rndis-control", "mac", control(request(5, 0x0001021B, struct.pack("<5I", 20, 28, 2, 48, 24) + name + mac)))
    save("rndis-control", "halt", control(struct.pack("<III", 3, 12, 1), struct.pack("<III", 8, 12, 1)))


def nic():
    frame = rndis_packet(tcp(50), ppi(6, 5 << 4))
    send = bytes([4]) + struct.pack("<H", len(frame)) + frame
    deliver = bytes([6]) + struct.pack("<HBB", 3000, 0x19, 34)
    save("netvsp", "traffic", bytes([5]) + send + deliver + bytes([7, 13]))
    save("netvsp", "subchannels", bytes([6, 0x16]) + struct.pack("<HBB", 64, 0, 0) + bytes([0x17, 0x1D, 0x26]) +
         struct.pack("<HBB", 64, 0, 0) + bytes([0x27, 9]))
    for stage in range(7):
        msg = struct.pack("<IIQ", 103, 0xCAFE, 0)
        save("netvsp", f"revoke-{stage}", bytes([stage, 0, len(msg)]) + msg + b"\x01" + bytes([13]))


def restore():
    head = struct.pack("<6I", 0x53554256, 1, 5 << 16 | 3, 0, 1, 2)
    chans = b""
    for sub in (0, 1):
        chans += bytes(32) + struct.pack("<7I", sub, sub + 1, 9, 1, 0, 4, 7 + sub)
    lists = b""
    for sub in (0, 1):
        pfns = b"".join(struct.pack("<Q", 0x10000 + i) for i in range(8))
        lists += struct.pack("<IIIIIII", 72, 7 + sub, sub + 1, 0, 1, 8 * 4096, 0) + pfns
    half = struct.pack("<5I", 20, 1, 1, 80, 16) + struct.pack("<IIQ", 9 * 4096, 0, 0x10000)
    unsent = struct.pack("<IIII", 1, 8, 4, 0)
    one = struct.pack("<I", 1)
    two = struct.pack("<I", 2)
    save("vmbus-restore", "bus", b"\x01" + head + two + chans + two + lists + one + half + one + unsent)
    save("vmbus-restore", "nic", b"\x02" + bytes(3))
    save("vmbus-restore", "nic-patched", b"\x0a" + bytes([24, 0, 1, 60, 0, 2, 70, 0, 3]))


for make in (bus, board, link, gpadl, ring, rndis, oids, nic, restore, resume):
    make()
