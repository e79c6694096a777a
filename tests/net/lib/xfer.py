# SPDX-License-Identifier: GPL-2.0-or-later
"""
A TCP transfer whose content is checked:  xfer.py receive PORT  |  xfer.py send ADDRESS PORT BYTES
Both print the number of bytes and their hash. The content never repeats, so lost, doubled or swapped
pieces show.
"""
import hashlib
import os
import socket
import sys
import time

BLOCK = 1 << 20


def blocks(size):
    """Noise, different in each block, at memory speed."""
    noise = os.urandom(BLOCK + 4096)
    for n in range(0, size, BLOCK):
        at = (n // BLOCK * 7) % 4096
        block = n.to_bytes(8, "big") + noise[at:at + BLOCK - 8]
        yield block[:min(BLOCK, size - n)]


def main():
    total, digest = 0, hashlib.blake2b(digest_size=16)
    if sys.argv[1] == "receive":
        listener = socket.create_server(("0.0.0.0", int(sys.argv[2])))
        print("listening", flush=True)
        s, _ = listener.accept()
        view = memoryview(bytearray(BLOCK))
        while True:
            n = s.recv_into(view)
            if not n:
                break
            total += n
            digest.update(view[:n])
    else:
        s = socket.create_connection((sys.argv[2], int(sys.argv[3])), timeout=60)
        start = time.monotonic()
        for block in blocks(int(sys.argv[4])):
            s.sendall(block)
            total += len(block)
            digest.update(block)
        s.shutdown(socket.SHUT_WR)
        s.settimeout(120)
        s.recv(1)    # the receiver's end of connection
        print("# %.2f Gbit/s" % (total * 8e-9 / (time.monotonic() - start)))
    s.close()
    print(total, digest.hexdigest(), flush=True)


main()
