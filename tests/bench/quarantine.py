# SPDX-License-Identifier: GPL-2.0-or-later
"""./run bench quarantine, second half: what a change of a port's access takes.

  cut-N         a port with N live flows is isolated and released; p50_us and p99_us are the times from the command to its
                answer, which include writing the isolation to disk; a frame after the answer makes the row wrong
  reevaluate-N  a policy that changes the access of N ports, from the command to its answer

The first half, the cost of a packet on ports that are healthy, is the rows healthy-1k and unwatched-1k of scenarios.py.
"""
import json
import os
import subprocess
import time

from devices import HEALTH_POLICY, Viridian
from machine import BenchError, run, say
from tcp import Namespaces, Taps

FLOWS = (1000, 10000, 100000)
CUTS = 100
PORTS = 1000
PPS = 10000
METER = os.path.join("tests", "net", "cut-meter")


def address(host, interface):
    return json.loads(run("ip", "-n", host, "-j", "link", "show", "dev", interface))[0]["address"]


def cut(bench, build, flows):
    """What cut-meter says of one daemon with two taps."""
    device, hosts = Taps(bench, build), Namespaces(bench)
    try:
        device.start(hosts)
        device.watch_health("ab")
        for words in ("a --direction from-vm --action allow", "b --direction to-vm --action allow"):
            device.ctl("acl", "add", *words.split(), "--protocol", "udp", "--stateful", "--idle-timeout", "600")
        device.ctl("acl", "add", "a", "--direction", "to-vm", "--action", "deny", "--protocol", "udp")
        ends = []
        for side, host in zip("ab", hosts.names):
            tap = "vb%d%s" % (os.getpid(), side)
            ends += [host, tap, address(host, tap)]
        done = subprocess.run([os.path.join(build, METER), device.dir + "/control", "a", str(flows), str(CUTS), str(PPS),
                               *ends], text=True, capture_output=True, timeout=170, check=False)
        if done.returncode:
            raise BenchError("cut-meter: " + done.stderr.strip())
        said = json.loads(done.stdout)
        records = json.loads(device.ctl("--json", "nap", "audit", "--last", "1000"))["records"]
        said["enforced_us"] = sorted(r["enforced_us"] for r in records if r["access"] == "isolated")
        return said
    finally:
        device.stop()
        hosts.close()


class Many(Viridian):
    """A thousand ports that nobody is connected to."""

    def start(self, _hosts):
        self.dir = self.bench.folder("many")
        self.launch_daemon([])
        self.ctl("switch", "add", "lan", "--type", "private")
        document = json.loads(self.ctl("--json", "export"))
        document["ports"] = [dict(name="v%d" % i, switch="lan", device="vhost-user:%s/v%d" % (self.dir, i))
                             for i in range(PORTS)]
        self.ctl("apply", self.write("ports.json", json.dumps(document)))
        self.watch_health(())


def reevaluate(bench, build):
    """Microseconds of policies that take access from all ports and give it back."""
    device = Many(bench, build)
    times = []
    try:
        device.start(None)
        for i in range(6):
            mode = "enforce" if i % 2 else "report-only"
            path = device.write("policy.yaml", HEALTH_POLICY % mode)
            began = time.perf_counter()
            device.ctl("nap", "apply", path)
            times.append((time.perf_counter() - began) * 1e6)
            rows = json.loads(device.ctl("--json", "nap", "status"))
            want = "restricted" if i % 2 else "full"
            if len(rows) != PORTS or any(r["access"] != want or not r["confirmed"] for r in rows):
                raise BenchError("not every port is %s after the policy" % want)
        return sorted(times)
    finally:
        device.stop()


def rounds(bench, build, n_rounds, first_round, recorder):
    why = Taps(bench, build).missing()
    if why or not os.path.exists(os.path.join(build, METER)):
        raise BenchError(why or "%s is not built (./run build)" % METER)
    for round_no in range(first_round, first_round + n_rounds):
        row = dict(time=round(time.time(), 1), round=round_no, size=64, dut="viridian", clean=True, near=-1)
        for flows in FLOWS:
            said = cut(bench, build, flows)
            times, late = said["ack_us"], said["late"]
            enforced = said["enforced_us"]
            say("round %d  cut with %6d flows: enforced p50 %d us, p99 %d us; answer p50 %d us, p99 %d us; frames after it %d"
                % (round_no, flows, enforced[len(enforced) // 2], enforced[len(enforced) * 99 // 100], times["p50"],
                   times["p99"], late))
            recorder.add(dict(row, scenario="cut-%dk" % (flows // 1000), flows=flows, mpps=2 * PPS / 1e6,
                              p50_us=times["p50"], p99_us=times["p99"],
                              wrong="%d cuts let frames pass after the answer" % late if late else ""))
        times = reevaluate(bench, build)
        say("round %d  policy for %d ports: %d to %d us" % (round_no, PORTS, times[0], times[-1]))
        recorder.add(dict(row, scenario="reevaluate-1k", flows=0, mpps=0, p50_us=times[len(times) // 2],
                          p99_us=times[-1], wrong="" if times[-1] < 1e6 else "it took more than a second"))
