# SPDX-License-Identifier: GPL-2.0-or-later
"""Statements of health as bytes, and DHCP messages that carry them."""

import itertools
import socket
import struct

from wire import BROADCAST, checksum, ip4, mac, parse_tags

# The golden vector of tests/unit/nap-policy/test_soh.c: firewall on.
GOLDEN = bytes.fromhex(
    "000700f200000137000100ea000700e600000137000200de0007001e00000137000102030405060708090a0b0c0d0e0f1011121314151617"
    "010000020004000137000007004f000001370311010000000a0000000000004a65000000000009050006766d2d30310006000102030405060708090a"
    "0b0c0d0e0f1011121314151617020001ffffffffffffffff00010008000000000100020004000137800007000800013780000000000008000100"
    "000b0004000000050008000101000a0008410056002d005800000b0004000000030008000102000b0004c0ff00020008000103000b0004000000"
    "040008000104000b000400ff0005")
FIREWALL_ON = bytes.fromhex("0008000100000b000400000005")
WRAPPER = 12
LENGTHS = (2, 10, 14, 22)   # of the wrapper's and the header's TLVs
DISCOVER, OFFER, REQUEST, ACK = 1, 2, 3, 5
numbers = itertools.count(1)


def statement(firewall=True, agents=0):
    """A raw statement that nobody made before; @agents more that say nothing make it larger."""
    soh = bytearray(GOLDEN)
    at = soh.index(bytes(range(24)))
    soh[at:at + 24] = struct.pack("!16xQ", 0x5151000000 + next(numbers))
    if not firewall:
        at = soh.index(FIREWALL_ON)
        soh[at + len(FIREWALL_ON) - 1] = 0
    for i in range(agents):
        soh += bytes.fromhex("00020004000137%02x000e000102" % (0x90 + i))
    for at in LENGTHS:
        struct.pack_into("!H", soh, at, struct.unpack_from("!H", soh, at)[0] + 13 * agents)
    return bytes(soh[WRAPPER:])


def vendor(soh):
    """Options 43 with sub-option 220, cut as RFC 3396 says."""
    out = b""
    for at in range(0, max(len(soh), 1), 253):
        part = soh[at:at + 253]
        out += bytes((43, len(part) + 2, 220, len(part))) + part
    return out


def message(kind, lladdr, options, xid, src="0.0.0.0", dst="255.255.255.255", to=BROADCAST, chaddr=None, giaddr="0.0.0.0",
            size=1500):
    """A frame with a client's DHCP message."""
    bootp = struct.pack("!BBBBIHH4s4s4s4s16s64x128x", 1, 1, 6, 0, xid, 0, 0, socket.inet_aton(src), bytes(4), bytes(4),
                        socket.inet_aton(giaddr), mac(chaddr or lladdr))
    bootp += b"\x63\x82\x53\x63" + bytes((53, 1, kind, 57, 2)) + struct.pack("!H", size) + options + b"\xff"
    udp = struct.pack("!HHHH", 68, 67, 8 + len(bootp), 0) + bootp
    return mac(to) + mac(lladdr) + b"\x08\x00" + ip4(src, dst, 17, udp)


def answer(frame):
    """A server's answer: {"xid", "kind", "soh", "sums"}; None: it is none."""
    tags, kind, ip = parse_tags(frame)
    if kind != 0x800 or ip[9] != 17 or struct.unpack_from("!HH", ip, 20) != (67, 68):
        return None
    size, = struct.unpack_from("!H", ip, 2)
    udp, bootp = ip[20:size], ip[28:size]
    options, at = {}, 240
    while at < len(bootp) and bootp[at] != 255:
        if bootp[at] == 0:
            at += 1
            continue
        options[bootp[at]] = options.get(bootp[at], b"") + bootp[at + 2:at + 2 + bootp[at + 1]]
        at += 2 + bootp[at + 1]
    sub, at, soh = options.get(43, b""), 0, None
    while at + 2 <= len(sub):
        if sub[at] == 220:
            soh = (soh or b"") + sub[at + 2:at + 2 + sub[at + 1]]
        at += 2 + sub[at + 1]
    pseudo = ip[12:20] + struct.pack("!HH", 17, len(udp)) + udp + bytes(len(udp) % 2)
    good = checksum(ip[:20]) == 0 and (udp[6:8] == b"\0\0" or checksum(pseudo) == 0)
    return {"xid": struct.unpack_from("!I", bootp, 4)[0], "kind": options.get(53, b"\0")[0], "soh": soh, "sums": good,
            "lengths": struct.unpack_from("!H", udp, 4)[0] == len(udp), "size": size, "yiaddr": socket.inet_ntoa(bootp[16:20]),
            "source": frame[6:12]}
