# SPDX-License-Identifier: GPL-2.0-or-later
"""Namespace hosts of a test, and a ping that tells when traffic stopped and came back."""

import os
import re
import subprocess
import time

import sandbox
from sandbox import sh


class Host:
    """A machine made of one network namespace, with a real kernel stack."""

    def __init__(self, name):
        self.name = name
        sh(f"ip netns add {name}; ip -n {name} link set lo up;"
           f"ip netns exec {name} sysctl -qw net.ipv6.conf.all.disable_ipv6=1")

    def take(self, ifname, address=None):
        """Move an interface here, give it an address, bring it up."""
        sh(f"ip link set dev {ifname} netns {self.name}")
        if address:
            sh(f"ip -n {self.name} addr add {address} dev {ifname}")
        sh(f"ip -n {self.name} link set dev {ifname} up")

    def ask(self, command, timeout_s=60):
        p = subprocess.run(["ip", "netns", "exec", self.name, "sh", "-c", command], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout_s,
                           stdin=subprocess.DEVNULL, preexec_fn=sandbox.die_with_parent)
        return p.returncode, p.stdout

    def run(self, command, timeout_s=60):
        status, text = self.ask(command, timeout_s)
        if status:
            raise RuntimeError(f"{self.name}: '{command}' ended with status {status}:\n{text}")
        return text

    def start(self, command):
        """Start a command; its output is read with communicate()."""
        return subprocess.Popen(["ip", "netns", "exec", self.name, *command], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                stdin=subprocess.DEVNULL, preexec_fn=sandbox.die_with_parent)

    def reaches(self, address, timeout_s=20):
        """Whether address answers a ping within the time."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.ask(f"ping -n -q -c1 -W1 {address}")[0] == 0:
                return True
        return False


def veth(a, b):
    sh(f"ip link add {a} type veth peer name {b}; ip link set {a} up; ip link set {b} up")


class Ping:
    """A running ping with the wall-clock time of each answer."""

    INTERVAL_S = 0.02

    def __init__(self, host, address):
        self.path = os.path.join(sandbox.work, f"ping.{address}.log")
        self._out = open(self.path, "w")
        self._process = subprocess.Popen(
            ["ip", "netns", "exec", host.name, "stdbuf", "-oL", "ping", "-n", "-D",
             "-i", str(self.INTERVAL_S), address], stdout=self._out, stderr=self._out,
            stdin=subprocess.DEVNULL, preexec_fn=sandbox.die_with_parent)

    def answers(self):
        """[(time, sequence number)] so far."""
        with open(self.path) as f:
            return [(float(m[1]), int(m[2])) for m in
                    re.finditer(r"^\[([\d.]+)\] .* icmp_seq=(\d+) .*time=", f.read(), re.M)]

    def first_after(self, when, timeout_s):
        """Time of the first answer after `when` (time.time()); None when none came in time."""
        deadline = time.time() + timeout_s
        while time.time() < deadline:
            for t, _ in self.answers():
                if t > when:
                    return t
            time.sleep(0.02)
        return None

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._out.close()


def wait_for(condition, timeout_s, what):
    """Poll until condition() is true; return its value."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {timeout_s} s: {what}")
        time.sleep(0.05)
