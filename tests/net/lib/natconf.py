# SPDX-License-Identifier: GPL-2.0-or-later
"""
Requirements of RFC 4787, 5382, 5508 and 6888, measured on both back ends side by side: a network of each, the same
checks, one table. What a back end cannot do by design is named by the test and in docs/reference/nat.md, and shown
as such; anything else that fails, fails the test.
"""

import ast
import os
import shutil
import socket
import threading

import lab
import natlab
from lab import Host, note, ok, sh, wait_for
from wire import Netns

ECHO = """
import select, socket, sys
socks = {}
for addr in %r:
    for port in (7001, 7002):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((addr, port)); socks[s] = "udp"
        t = socket.socket(); t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); t.bind((addr, port)); t.listen(64); socks[t] = "tcp"
while True:
    for s in select.select(list(socks), [], [])[0]:
        if socks[s] == "udp":
            b, a = s.recvfrom(65535); s.sendto(("%%s %%d %%d" %% (a[0], a[1], len(b))).encode(), a)
        else:
            c, a = s.accept(); c.sendall(("%%s %%d" %% a).encode()); c.close()
"""

UDP = """
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", %(port)d)); s.settimeout(%(wait)g)
out = []
for remote in %(remotes)r:
    got = None
    for i in range(2):
        try:
            s.sendto(b"x" * %(size)d, tuple(remote)); got = s.recvfrom(65535)[0].decode(); break
        except OSError as e: got = None
    out.append(got)
print(out)
"""

TCP = """
import socket
out = []
for remote in %(remotes)r:
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.settimeout(%(wait)g); s.bind(("", %(port)d))
    try:
        s.connect(tuple(remote)); out.append(s.recv(100).decode())
    except OSError as e: out.append(None)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1\\0\\0\\0\\0\\0\\0\\0"); s.close()
print(out)
"""


class Net:
    """One network under test: two VMs, two remote addresses."""

    def __init__(self, d, backend):
        self.d, self.backend, self.name = d, backend, "n" + backend[0]
        third = {"kernel": 113, "dataplane": 114}[backend]
        self.base = "203.0.%d." % third
        self.w1, self.w2 = self.base + "2", self.base + "3"
        self.pool = [self.base + str(50 + i) for i in range(4)]
        # not an address of the pool, which belongs to its flows: what maps are reached by
        self.outside = self.base + ("1" if backend == "kernel" else "50")
        self.world = Host("w" + self.name)
        sh("ip link add up.{0} type veth peer name w.{0}; ip link set up.{0} up".format(self.name))
        self.world.take("w." + self.name, self.w1 + "/24")
        self.world.run("ip addr add %s/24 dev w.%s" % (self.w2, self.name))
        how = "--external %s-%s" % (self.pool[0], self.pool[-1])
        if backend == "kernel":
            sh("ip addr add %s/24 dev up.%s; ip route add default via %s" % (self.outside, self.name, self.w1))
        else:
            # the host itself is a neighbour outside
            d.v("switch add wan --type external --uplink netdev:up.%s --host-vnic hv.%s" % (self.name, self.name))
            sh("ip addr add %s9/24 dev hv.%s; ip link set hv.%s up" % (self.base, self.name, self.name))
            how += " --backend dataplane --via wan --external-prefix %s0/24 --next-hop %s" % (self.base, self.w1)
        d.v("nat add %s --prefix 10.%d.0.0/24 --no-dhcp --no-dns %s" % (self.name, third, how))
        self.inside = ["10.%d.0.%d" % (third, 10 + i) for i in range(2)]
        self.vms = []
        for i, address in enumerate(self.inside):
            vm = d.machine("v%s%d" % (self.name, i), self.name, address + "/24")
            vm.run("ip route add default via 10.%d.0.1" % third)
            self.vms.append(vm)
        self.a, self.b = self.vms
        self.rpc = d.connect()
        natlab.daemon(self.world, "python3", "-c", ECHO % ([self.w1, self.w2],))
        wait_for(lambda: self.world.ask("ss -Hulan sport = :7002")[1].count("\n") >= 2, 10, "the remotes listen")

    def sessions(self, **filters):
        return self.rpc("nat.session.list", name=self.name, **filters)

    def remotes(self):
        return [(a, p) for a in (self.w1, self.w2) for p in (7001, 7002)]

    def probe(self, vm, port, remotes, code=UDP, wait=1, size=1):
        """What the remotes saw of one source port: "ADDRESS PORT", None where no answer came."""
        text = code % {"port": port, "remotes": remotes, "wait": wait, "size": size}
        out = vm.run("python3 -c '%s'" % text.replace("'", "'\\''"))
        return [" ".join(x.split()[:2]) if x else None for x in ast.literal_eval(out.strip().split("\n")[-1])]

    def send_from(self, address, port, to, text="knock"):
        """A datagram from a remote."""
        host, p = to.split()
        self.world.run("python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
                       "s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind((\"%s\", %d)); s.sendto(b\"%s\", (\"%s\", %s))'"
                       % (address, port, text, host, p))

    def listen(self, vm, port, remote, n, wait=1):
        """Open a mapping from @port to @remote, then collect up to @n more datagrams. Started; see heard()."""
        code = ("import socket, time\n"
                "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((\"\", %d)); s.settimeout(3)\n"
                "s.sendto(b\"x\", (\"%s\", %d)); print(s.recv(100).decode(), flush=True)\n"
                "end = time.monotonic() + %g; left = %d\n"
                "while left and time.monotonic() < end:\n"
                " s.settimeout(max(0.01, end - time.monotonic()))\n"
                " try: b, a = s.recvfrom(2000); left -= 1; print(\"got\", b.decode(), a[0], a[1], flush=True)\n"
                " except OSError: pass\n" % (port, *remote, wait, n))
        p = vm.start(["python3", "-u", "-c", code])
        first = p.stdout.readline().split()
        return p, " ".join(first[:2])


    # ---- sockets of this process in a machine's namespace: no program to start ----

    def udp(self, host, port=0, address="", to=None, timeout_s=2.0):
        return self._socket(host, socket.SOCK_DGRAM, 0, port, address, to, timeout_s)

    def tcp(self, host, port=0, address="", to=None, timeout_s=3.0):
        return self._socket(host, socket.SOCK_STREAM, 0, port, address, to, timeout_s)

    @staticmethod
    def _socket(host, kind, proto, port, address, to, timeout_s):
        with Netns(host.name):
            s = socket.socket(socket.AF_INET, kind, proto)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.settimeout(timeout_s)
        s.bind((address, port))
        if to:
            s.connect(to)
        return s

    def listen_tcp(self, port):
        """A listener of the first remote."""
        s = self.tcp(self.world, port, self.w1)
        s.listen(8)
        return s

    def pair(self, port, sport=0):
        """A TCP connection from VM a to the first remote: (a's end, the remote's end)."""
        with self.listen_tcp(port) as server:
            mine = self.tcp(self.a, sport, to=(self.w1, port))
            his = server.accept()[0]
        his.settimeout(3)
        return mine, his

    @staticmethod
    def alive(mine, his):
        """Do bytes pass both ways?"""
        mine.sendall(b"ping")
        if his.recv(9) != b"ping":
            return False
        his.sendall(b"pong")
        return mine.recv(9) == b"pong"

    @staticmethod
    def ask(s, to, data=b"x"):
        """One datagram to an echo of the world: "ADDRESS PORT" as it was seen there, or None."""
        try:
            s.sendto(data, to)
            return " ".join(s.recv(2000).decode().split()[:2])
        except OSError:
            return None

    def raw(self, host, packet):
        """A packet as it is, from a machine's stack."""
        with Netns(host.name):
            s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        with s:
            s.sendto(bytes(packet), (packet.dst, 0))

    def outside_of(self, protocol, port):
        """The outside endpoint of VM a's port, as the session list has it."""
        rows = [r for r in self.sessions(protocol=protocol, inside=self.inside[0]) if r["inside"].endswith(":%d" % port)]
        address, port = rows[0]["outside"].split(":")
        return address, int(port)

    def set(self, words):
        self.d.v("nat set %s %s" % (self.name, words))


def heard(p):
    return [line.split()[1:] for line in p.communicate(timeout=10)[0].split("\n") if line.startswith("got")]


CHECKS = []
ONLY = os.environ.get("VIRIDIAN_CHECKS", "").split()   # identities, while one is being worked on


def check(identity, level, text):
    def add(fn):
        if not ONLY or identity in ONLY:
            CHECKS.append((identity, level, text, fn))
        return fn
    return add


def one(seen):
    return None not in seen and len(set(seen)) == 1


def build(d, backend):
    """The network, or None where this build does not offer it."""
    try:
        n = Net(d, backend)
    except RuntimeError as error:
        if backend == "kernel":
            raise
        note("%s: not offered here: %s" % (backend, str(error).split("\n")[1:2]))
        return None
    if not n.a.reaches(n.w1, 3) and backend != "kernel":
        note("%s: nothing is translated: not offered by this build" % backend)
        d.v("nat remove %s --force" % n.name)
        return None
    return n


def measure(n, table, notes):
    for identity, _, _, fn in CHECKS:
        try:
            table[identity] = bool(fn(n))
        except (RuntimeError, ValueError, AttributeError, OSError) as error:
            notes.append("%s %s: %s" % (n.backend, identity, str(error)[-300:]))
            table[identity] = False


def run(by_design, more=lambda d: None, tools=()):
    """Build both networks, carry out every check on both, print the table, judge; then @more. @tools are programs it takes."""
    def main(d):
        for tool in tools:
            lab.need(shutil.which(tool), tool + " is installed")
        judge(d, by_design)
        more(d)
    lab.run(main)


def row(text):
    """A line of a table that is shown also where nothing fails (tests/lib/taprun.py)."""
    print("# TABLE: " + text, flush=True)


def judge(d, by_design):
    # the host's own limit of ICMP errors would hide those that are looked for
    sh("sysctl -qw net.ipv4.icmp_ratelimit=0")
    results, notes = {"kernel": {}, "dataplane": {}}, []
    nets = [n for n in (build(d, b) for b in results) if n]
    threads = [threading.Thread(target=measure, args=(n, results[n.backend], notes)) for n in nets]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for line in notes:
        note(line)
    for n in nets:
        d.v("nat remove %s --force" % n.name)
    row("%-5s %-5s %-10s %-10s %s" % ("id", "level", "kernel", "dataplane", "requirement"))
    for identity, level, text, _ in CHECKS:
        words = []
        for backend, table in results.items():
            words.append("-" if not table else "pass" if table[identity] else
                         "by design" if identity in by_design[backend] else "FAIL")
        row("%-5s %-5s %-10s %-10s %s" % (identity, level, *words, text))
    for backend, table in results.items():
        for identity, level, text, _ in CHECKS:
            if table and identity in by_design[backend] and not table[identity]:
                ok(True, "%s %s fails by design: %s" % (backend, identity, by_design[backend][identity]))
            elif table:
                ok(table[identity], "%s %s (%s): %s" % (backend, identity, level, text))
