# SPDX-License-Identifier: GPL-2.0-or-later
"""
One test's network: a viridiand of its own, the command line, and namespaces as machines.

    import lab
    def main(d):
        d.v("switch add lan --type private")
        a = d.machine("a", "lan", "10.0.0.1/24")
        ...
    lab.run(main)

The test lives in a sandbox (tests/guest/lib/sandbox.py): nothing it makes can outlive it. When a case
fails, the daemon's drops, counters and last log lines are printed.
"""

import ctypes
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "guest", "lib"))
sys.path.insert(0, HERE)

import sandbox  # noqa: E402
import tap  # noqa: E402
from net import Host, wait_for  # noqa: E402,F401
from sandbox import sh  # noqa: E402,F401
from wire import BROADCAST, Flow, Wire  # noqa: E402,F401
from tap import need, note, ok, skip  # noqa: E402,F401

BUILD = os.environ.get("VIRIDIAN_BUILD", os.path.join(ROOT, "build"))
CLI = os.path.join(BUILD, "ctl", "viridian")
DAEMON = os.path.join(BUILD, "vswitch", "viridiand")
ASAN = "asan" in os.path.basename(BUILD)
# A sanitizer makes everything slower, and what is measured meaningless.
SLOW = 5 if ASAN else 1


class Refused(Exception):
    """An error answer of the daemon; .error is the object of base/err.h."""

    def __init__(self, reply):
        super().__init__(json.dumps(reply))
        self.reply = reply
        self.error = reply.get("data") or {}
        self.code = self.error.get("code", str(reply.get("code")))


class Rpc:
    """A connection to the control socket: much faster than a process a command."""

    def __init__(self, path, timeout_s=60):
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.s.settimeout(timeout_s)
        self.s.connect(path)
        self.rest = b""
        self.n = 0

    def line(self):
        while b"\n" not in self.rest:
            more = self.s.recv(1 << 20)
            if not more:
                raise EOFError("the daemon closed the connection")
            self.rest += more
        first, self.rest = self.rest.split(b"\n", 1)
        return json.loads(first)

    def raw(self, data):
        self.s.sendall(data)
        return self.line()

    def __call__(self, method, **params):
        self.n += 1
        reply = self.raw(json.dumps({"jsonrpc": "2.0", "id": self.n, "method": method,
                                     "params": params}).encode() + b"\n")
        if "error" in reply:
            raise Refused(reply["error"])
        return reply["result"]

    def close(self):
        self.s.close()


class Daemon:
    """A viridiand with its own socket and state folder."""

    def __init__(self, name="d", *options):
        self.name = name
        self.dir = os.path.join(sandbox.work, name)
        os.makedirs(self.dir, exist_ok=True)
        self.socket = os.path.join(self.dir, "control.sock")
        self.state = os.path.join(self.dir, "state")
        self.log = os.path.join(self.dir, "log")
        self.options = list(options)
        self.process = None
        self._rpc = None
        self.expect_death = False

    # ---- life ----

    def start(self, *more, wait=True):
        if not os.access(DAEMON, os.X_OK):
            raise RuntimeError("there is no %s: build it first" % DAEMON)
        env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0:halt_on_error=1:exitcode=99",
                   UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1:exitcode=99")
        command = [DAEMON, "--socket", self.socket, "--state", self.state]
        if "--memory" not in self.options:
            command += ["--memory", "128"]
        log = open(self.log, "ab")
        self.process = subprocess.Popen(command + self.options + list(more), stdout=log, stderr=log,
                                        stdin=subprocess.DEVNULL, env=env,
                                        preexec_fn=sandbox.die_with_parent)
        log.close()
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, timeout_s=20 * SLOW):
        def ready():
            if self.process.poll() is not None:
                raise RuntimeError("viridiand ended with status %d at its start:\n%s"
                                   % (self.process.returncode, self.last_log()))
            try:
                rpc = Rpc(self.socket)
                rpc("version")   # a child that a killed daemon left behind may still hold its socket
                return rpc
            except (OSError, EOFError):
                return None
        if self._rpc:
            self._rpc.close()
        self._rpc = wait_for(ready, timeout_s, "viridiand answers")

    def stop(self, sig=signal.SIGTERM, timeout_s=20 * SLOW):
        """End the daemon; return its exit status."""
        if self._rpc:
            self._rpc.close()
            self._rpc = None
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            status = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "none: it had to be killed after %d s" % timeout_s
        self.process = None
        return status

    def stall(self):
        """Its control thread stands still from now on; its workers go on."""
        seize, interrupt, wall = 0x4206, 0x4207, 0x40000000
        libc = ctypes.CDLL(None, use_errno=True)
        libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        libc.ptrace.restype = ctypes.c_long
        for request in (seize, interrupt):
            if libc.ptrace(request, self.process.pid, None, None):
                raise OSError(ctypes.get_errno(), "ptrace")
        os.waitpid(self.process.pid, wall)   # that it has stopped

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def last_log(self, n=40):
        try:
            with open(self.log, errors="replace") as f:
                return "".join(f.readlines()[-n:])
        except FileNotFoundError:
            return "(no log)"

    def sanitizer_says(self):
        with open(self.log, errors="replace") as f:
            text = f.read()
        return [line for line in text.split("\n") if "Sanitizer" in line or "runtime error:" in line]

    def cpu_s(self):
        """Seconds of processor time so far, all threads."""
        with open("/proc/%d/stat" % self.process.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # ---- asking ----

    def rpc(self, method, **params):
        return self._rpc(method, **params)

    def connect(self, timeout_s=60):
        return Rpc(self.socket, timeout_s)

    def cli(self, words, stdin=None, timeout_s=60, env=None):
        """Run the command line. Returns (status, standard output, standard error)."""
        if isinstance(words, str):
            words = shlex.split(words)
        p = subprocess.run([CLI, "--socket", self.socket, *words], text=True, input=stdin, timeout=timeout_s,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
                           stdin=subprocess.DEVNULL if stdin is None else None,
                           preexec_fn=sandbox.die_with_parent)
        return p.returncode, p.stdout, p.stderr

    def v(self, words, **kw):
        """A command that has to work. Returns what it printed."""
        status, out, err = self.cli(words, **kw)
        if status:
            raise RuntimeError("viridian %s: status %d\n%s%s" % (words, status, out, err))
        return out

    def j(self, words, **kw):
        """The same with --json, decoded."""
        return json.loads(self.v("--json " + words, **kw))

    def change(self, edit):
        """edit(document) changes the configuration, which is applied."""
        document = self.rpc("config.export")
        edit(document)
        return self.rpc("config.apply", document=json.dumps(document))

    def policy(self, port, **parts):
        """Put parts (guard=.., qos=.., affinity=..) of a port's policy in place of the old; None removes."""
        def edit(document):
            p, = [p for p in document["ports"] if p["name"] == port]
            for key, value in parts.items():
                p.pop(key, None)
                if value is not None:
                    p[key] = value
        return self.change(edit)

    def drops(self, port=None):
        """{reason: count} of one port, or {port: {reason: count}}."""
        table = {}
        for row in self.rpc("drops", **({"port": port} if port else {})):
            table.setdefault(row["port"], {})[row["reason"]] = row["count"]
        return table.get(port, {}) if port else table

    def stats(self, port):
        return self.rpc("stats", port=port)[0]

    def report(self):
        """What helps to see why a case failed."""
        lines = []
        try:
            if self.alive():
                other = self.connect(5)
                for row in other("drops"):
                    lines.append("drops %(port)s %(reason)s %(count)d" % row)
                for row in other("stats"):
                    lines.append("stats %(port)s rx %(rx_packets)d tx %(tx_packets)d drops %(drops)s" % row)
                other.close()
            else:
                lines.append("%s is not running" % self.name)
        except Exception as error:  # the report must not hide the failure
            lines.append("no answer: %r" % error)
        return "\n".join(lines) + "\n---- last log lines of %s\n%s" % (self.name, self.last_log())

    # ---- building ----

    def machine(self, name, switch, address=None, device="tap", queues=1, **params):
        """
        A namespace whose interface is a port of that name. Returns the Host. With a guest of a kind that has rings,
        a process in between is its driver: "vhost-user" (virtio), "netvsp" (Hyper-V's).
        """
        host = Host(name)
        host.guest = None
        ifname = name
        if device == "tap":
            many = ",queues=%d" % queues if queues > 1 else ""
            self.rpc("port.add", name=name, switch=switch, device="tap:" + ifname + many, **params)
        elif device == "netdev":
            # The switch holds one end of a veth pair, the machine the other.
            sh("ip link add name %s type veth peer name %s.sw" % (ifname, ifname))
            sh("ip link set dev %s.sw up" % ifname)
            if "mac" in params:
                sh("ip link set dev %s address %s" % (ifname, params["mac"]))
            self.rpc("port.add", name=name, switch=switch, device="netdev:%s.sw" % ifname, **params)
        elif device in ("vhost-user", "netvsp"):
            host.guest = self.driver(name, device, switch, queues, params)
            sh("ip link set dev %s address %s" % (ifname, self.rpc("port.show", name=name)["mac"]))
        else:
            raise ValueError("no machine has a %s" % device)
        host.ifname = ifname
        host.take(ifname, address)
        host.address = (address or "").split("/")[0]
        return host

    def driver(self, name, device, switch, queues, params):
        """A port, and the process that is its guest's driver, with a tap of that name."""
        program, spec = {"vhost-user": ("virtio-guest", "vhost-user:%s,client"), "netvsp": ("netvsp-guest", "netvsp:%s")}[device]
        path = os.path.join(self.dir, name + ".guest")
        many = [str(queues)] if queues > 1 else []

        def start():
            return subprocess.Popen([os.path.join(BUILD, "tests", "net", program), path, name, *many], text=True,
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=sandbox.die_with_parent)
        # of a virtio guest the hypervisor has the socket, so that it outlives the switch
        guest = start() if device == "vhost-user" else None
        if guest:
            wait_for(lambda: os.path.exists(path), 20 * SLOW, "the guest has its socket")
        self.rpc("port.add", name=name, switch=switch, device=spec % path + "".join(",queues=" + n for n in many),
                 **params)
        guest = guest or start()
        line = guest.stdout.readline()
        if line != "ready\n":
            raise RuntimeError("%s %s: %r" % (program, name, line))
        return guest

    def remove(self, host):
        """A machine, its port and its guest go."""
        self.rpc("port.remove", name=host.name)
        if host.guest:
            host.guest.communicate("quit\n", timeout=10)
        sh("ip netns del " + host.name)

    def uplink_wire(self, name="wire", address=None):
        """A veth pair for an uplink: "up.NAME" is for the switch, "NAME" in a namespace NAME."""
        sh("ip link add name up.%s type veth peer name %s" % (name, name))
        sh("ip link set dev up.%s up" % name)
        host = Host(name)
        host.ifname = name
        host.take(name, address)
        host.address = (address or "").split("/")[0]
        return host


def mac_of(host):
    # sysfs would show the namespace of who mounted it
    return json.loads(host.run("ip -j link show dev %s" % host.ifname))[0]["address"]


def wire_of(host):
    """Frames in and out of a machine's interface."""
    return Wire(host.ifname, host.name)


def flow(a, b, **kw):
    """Numbered frames from machine a to machine b, in the background; see wire.Flow."""
    return Flow(wire_of(a), wire_of(b), mac_of(a), mac_of(b), **kw)


def moving(f, timeout_s=5):
    """Wait until a flow's frames arrive."""
    start = f.received()
    wait_for(lambda: f.received() > start + 5, timeout_s, "frames of the flow arrive")
    return f


def run(main, deadline_s=240, daemon=True, options=()):
    """Enter the sandbox, start a daemon, run main(daemon), stop it, and end with the verdict."""
    sandbox.enter(deadline_s * SLOW, guests=False)
    # No frames that nobody asked for.
    sh("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1", check=False)

    def body():
        d = Daemon("d", *options)
        tap.on_failure(d.report)
        if daemon:
            d.start()
        try:
            main(d)
        except tap.Bail:
            raise
        except Exception:
            ok(False, "the test ran to its end", traceback.format_exc())
        finally:
            was_alive = d.alive()
            status = d.stop()
            if not d.expect_death:
                ok(was_alive and status == 0, "viridiand lives to the end and stops cleanly",
                   lambda: "alive %s, exit status %s\n%s" % (was_alive, status, d.last_log()))
            if os.path.exists(d.log):
                says = d.sanitizer_says()
                if ASAN or says:
                    ok(not says, "the sanitizers have nothing to say", lambda: "\n".join(says))
    tap.run(body)
