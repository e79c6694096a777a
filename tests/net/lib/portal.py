# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine that talks to the health service of its port, in bytes."""

import json
import os
import sys

import lab

PORTAL = "169.254.78.65"
PORTAL6 = "fe80::4e41"
PORTAL_BYTES = bytes([169, 254, 78, 65])
POLICY = """
version: 1
default: {mode: enforce, unmatched: restricted}
checks:
  firewall: {source: [agent, soh], require: enabled, fix: "turn it <on> & reload"}
rules:
  - {name: infra, match: {port: "srv*"}, exempt: true, reason: servers}
  - {name: all, match: {port: "*"}, validity: 1h, url: "http://help.example/?a=1&b=2"}
remediation:
  groups:
    default: [{to: 10.0.0.10, tcp: [8080]}]
report: {url: "http://help.example/"}
"""

# Runs inside a machine: one request, the answer as JSON on standard output.
ASK = r"""
import socket, sys, json
dest, family, ifname, raw, wait = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], float(sys.argv[5])
s = socket.socket(socket.AF_INET6 if family == "6" else socket.AF_INET)
s.settimeout(wait)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, ifname.encode())
if family == "6":
    s.connect((dest, 80, 0, socket.if_nametoindex(ifname)))
else:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1)
    s.connect((dest, 80))
s.sendall(open(raw, "rb").read())
out = b""
while True:
    try:
        b = s.recv(65536)
    except ConnectionResetError:
        break
    if not b:
        break
    out += b
sys.stdout.write(out.decode("latin-1"))
"""


GOOD = {"firewall": {"is": ["enabled"]}}
BAD = {"firewall": {"is": []}}


class Guest:
    """A machine that talks to the health service."""

    def __init__(self, host):
        self.host = host
        self.script = os.path.join(lab.sandbox.work, "ask.py")
        self.raw = os.path.join(lab.sandbox.work, "raw-" + host.name)
        with open(self.script, "w") as f:
            f.write(ASK)

    def send(self, raw, ipv6=False, to=None, wait_s=6):
        """(status, headers, body) of an answer to raw bytes; status 0: none came."""
        with open(self.raw, "wb") as f:
            f.write(raw)
        to = to or (PORTAL6 if ipv6 else PORTAL)
        status, out = self.host.ask("%s %s %s %s %s %s %f" % (
            sys.executable, self.script, to, "6" if ipv6 else "4", self.host.ifname, self.raw, wait_s), 30)
        if status or not out.startswith("HTTP/1.1 "):
            return 0, {}, out
        head, _, body = out.partition("\n\n")  # read as text: line ends have become one
        lines = head.split("\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        return int(lines[0].split()[1]), headers, body

    def get(self, path, host=PORTAL, **kw):
        return self.send(("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (path, host)).encode(), **kw)

    def post(self, path, body, kind="application/json", **kw):
        if isinstance(body, str):
            body = body.encode()
        return self.send(("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (
            path, kind, len(body))).encode() + body, **kw)

    def challenge(self, **kw):
        status, _, body = self.get("/health/v1/challenge", **kw)
        assert status == 200, (status, body)
        return json.loads(body)

    def report(self, checks, challenge=None, more=None, **kw):
        c = challenge or self.challenge(**kw)
        body = {"report": 1, "os": "linux", "checks": checks, "counter": c["counter"], "nonce": c["nonce"]}
        body.update(more or {})
        return self.post("/health/v1/report", json.dumps(body), **kw)


def state(d, port):
    row = next(r for r in d.rpc("nap.status") if r["port"] == port)
    return row["health"], row["access"]
