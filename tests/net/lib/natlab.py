# SPDX-License-Identifier: GPL-2.0-or-later
"""
A host with a way out: the daemon's namespace has the address 203.0.113.1 on "up0"; behind it is a namespace
"world" (203.0.113.2 and .3) with a DNS server and whatever a case starts there. VMs are namespaces that ask for
their address by DHCP with a real client (udhcpc).
"""

import json
import os
import re
import shutil
import subprocess

import lab
import sandbox
from lab import Host, sh, wait_for  # noqa: F401

HOST, WORLD, WORLD2 = "203.0.113.1", "203.0.113.2", "203.0.113.3"
TOOLS = ("dnsmasq", "nft", "conntrack", "udhcpc", "dig", "curl")


def world():
    """Make the outside. Returns its Host."""
    for tool in TOOLS:
        if not shutil.which(tool):
            raise RuntimeError(tool + " is not installed")
    sh("ip link add up0 type veth peer name w0; ip addr add %s/24 dev up0; ip link set up0 up" % HOST)
    w = Host("world")
    w.take("w0", WORLD + "/24")
    w.run("ip addr add %s/24 dev w0" % WORLD2)
    sh("ip route add default via %s" % WORLD)
    # the outside has no route to any inside: what is not translated gets no answer
    w.dns = daemon(w, "dnsmasq", "--conf-file=/dev/null", "-k", "--no-hosts", "--no-resolv", "--user=root", "--pid-file=",
                   "--listen-address=" + WORLD, "--bind-interfaces", "--address=/world.test/198.51.100.7",
                   "--address=/www.test/" + WORLD)
    wait_for(lambda: "198.51.100.7" in w.ask("dig +time=1 +tries=1 +short world.test @" + WORLD)[1], 10, "the world's DNS answers")
    return w


def daemon(host, *command):
    """A server in a namespace, ended with the test."""
    log = open(os.path.join(sandbox.work, "%s.%s.log" % (host.name, os.path.basename(command[0]))), "ab")
    p = subprocess.Popen(["ip", "netns", "exec", host.name, *command], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                         preexec_fn=sandbox.die_with_parent)
    log.close()
    return p


def http(host, text="hello from %s", port=80):
    """An HTTP server that answers with the address of who asks."""
    script = ("import http.server as h\n"
              "class S(h.BaseHTTPRequestHandler):\n"
              " def do_GET(s):\n"
              "  b = (%r + ' to ' + s.client_address[0] + '\\n').encode()\n"
              "  s.send_response(200); s.send_header('Content-Length', str(len(b))); s.end_headers(); s.wfile.write(b)\n"
              " def log_message(s, *a): pass\n"
              "h.ThreadingHTTPServer(('', %d), S).serve_forever()\n" % (text.replace("%s", host.name), port))
    p = daemon(host, "python3", "-c", script)
    wait_for(lambda: host.ask("ss -Htln sport = :%d" % port)[1].strip(), 10, "the HTTP server of %s listens" % host.name)
    return p


def get(host, url, timeout_s=3):
    """What curl got; None when it got nothing."""
    status, text = host.ask("curl -s -m %d %s" % (timeout_s, url)) if host else (
        lambda p: (p.returncode, p.stdout))(subprocess.run(["curl", "-s", "-m", str(timeout_s), url], text=True,
                                                          stdout=subprocess.PIPE))
    return text.strip() if status == 0 else None


SCRIPT = """#!/bin/sh
case "$1" in
bound|renew)
	ip addr flush dev $interface
	ip addr add $ip/$mask dev $interface
	ip route replace default via $router
	echo "ip=$ip mask=$mask router=$router dns=$dns domain=$domain mtu=$mtu lease=$lease" > $STATE/$interface.lease
	;;
esac
"""


def script_path():
    return os.path.join(sandbox.work, "udhcpc.sh")


def write_script():
    """What udhcpc calls: addresses and routes of the namespace, never a file of the host."""
    with open(script_path(), "w") as f:
        f.write(SCRIPT)
    os.chmod(script_path(), 0o755)


class Vm:
    """A namespace on a port, with a DHCP client."""

    def __init__(self, d, name, switch, **params):
        self.host = d.machine(name, switch, **params)
        self.name = name
        self.lease = {}
        self.script = script_path()
        if not os.path.exists(self.script):
            write_script()

    def dhcp(self, *options, timeout_s=15):
        """Get an address. Returns the lease as a dictionary."""
        path = os.path.join(sandbox.work, self.name + ".lease")
        if os.path.exists(path):
            os.unlink(path)
        out = self.host.run("STATE=%s timeout %d udhcpc -i %s -s %s -n -q -f -t 20 -T 1 -O mtu %s"
                            % (sandbox.work, timeout_s, self.name, self.script, " ".join(options)), timeout_s + 5)
        if not os.path.exists(path):
            raise RuntimeError("no lease:\n" + out)
        with open(path) as f:
            self.lease = dict(re.findall(r"(\w+)=(\S*)", f.read()))
        self.address = self.lease["ip"]
        return self.lease

    def dig(self, name, server=None):
        """The first answer; "" for none."""
        out = self.host.ask("dig +time=2 +tries=2 +short %s @%s" % (name, server or self.lease["dns"].split(",")[0]))[1]
        return out.split("\n")[0].strip()

    def ask(self, *a, **kw):
        return self.host.ask(*a, **kw)

    def run(self, *a, **kw):
        return self.host.run(*a, **kw)


def udp_listener(host, address, port, answer=True):
    """A UDP server that says who sent: prints "ADDRESS PORT", and sends it back."""
    code = ("import socket, sys\n"
            "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((%r, %d))\n"
            "while True:\n"
            " b, a = s.recvfrom(2000)\n"
            " print(a[0], a[1], flush=True)\n"
            " %s\n" % (address, port, "s.sendto(('%s %d' % a).encode(), a)" if answer else "pass"))
    p = daemon(host, "python3", "-c", code)
    wait_for(lambda: host.ask("ss -Hulan src %s:%d" % (address, port))[1].strip(), 10, "UDP %d of %s is open" % (port, host.name))
    return p


def udp_ask(host, address, port, source=0, n=1, timeout_s=2, address_of=""):
    """Send a datagram and return the answer, or None. The server above answers with who it saw."""
    code = ("import socket\n"
            "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((%r, %d)); s.settimeout(%g)\n"
            "for i in range(%d):\n"
            " s.sendto(b'x', (%r, %d))\n"
            " print(s.recv(2000).decode())\n" % (address_of, source, timeout_s, n, address, port))
    status, out = host.ask("python3 -c '%s'" % code.replace("'", "'\\''"))
    return out.strip().split("\n")[-1] if status == 0 else None


def ruleset(table=None):
    return sh("nft list ruleset" if not table else "nft list table ip " + table)


def sessions(d, name, **filters):
    return d.rpc("nat.session.list", name=name, **filters)


def status(d, name):
    return d.rpc("nat.show", name=name)["status"]


def daemon_here(*command):
    """The same in the daemon's own namespace."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            preexec_fn=sandbox.die_with_parent)
