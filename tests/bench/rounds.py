# SPDX-License-Identifier: GPL-2.0-or-later
"""Interleaved rounds: every round starts every device afresh and visits them A B C for each measurement, so that a
drift of the machine hits all of them alike. All devices of a round are up at once; those not measured are frozen.

A record is one window of the generator (see generator/measure.h) plus who, what and which round.
"""
import json
import os
import subprocess
import time
from statistics import median

import machine
from machine import BenchError, say
from scenarios import verify

ATTEMPTS = 2
PATIENCE_S = (10, 1)  # for a near placement: as a rule, and after waiting in vain
AF_PACKET = "blocksz=4096,framesz=2048,framecnt=2048,qpairs=1"
VIRTIO = "queues=1,queue_size=1024,mrg_rxbuf=0,in_order=0,vectorized=1"


class Generator:
    def __init__(self, bench, path, settings):
        self.bench, self.path, self.settings = bench, path, settings
        self.patience_s = PATIENCE_S[0]

    def measure(self, device, scenario, size):
        """Run the generator against a thawed device; its windows."""
        ports, sides = [], []
        for i, path in enumerate(device.sockets()):
            if device.transport == "af_packet":
                ports += ["--vdev", "net_af_packet%d,iface=%s,%s" % (i, path, AF_PACKET)]
            elif device.transport == "netvsp":
                sides += ["--netvsp-" + "ab"[i], path]
            else:
                ports += ["--vdev", "net_virtio_user%d,path=%s,%s" % (i, path, scenario.virtio or VIRTIO)]
        log = os.path.join(self.bench.dir, "generator.log")
        argv = [*device.generator_prefix, self.path, "-l", str(self.bench.generator_core), "--in-memory", "--no-pci", "--no-telemetry",
                "--single-file-segments", "--iova-mode=va", "-m", "256", "--log-level=3", *ports, "--", *sides,
                "--peer-core", str(self.bench.device_core), *(["--watch", device.watch] if device.watch else []),
                *self.settings,
                "--patience", str(self.patience_s), *scenario.generator_options(size)]
        with open(log, "w+") as out:
            process = self.bench.start(argv, out)
            try:
                status = process.wait(120)
            except subprocess.TimeoutExpired:
                machine.stop(process)
                raise BenchError("the generator did not end within 120 s against " + device.name) from None
            out.seek(0)
            text = out.read()
        windows = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        if status or not windows:
            raise BenchError("%s %s %d: generator: %s" % (device.name, scenario.name, size, text[-300:].strip()))
        near = any(w["near"] < 0 or w["near"] >= 0.9 for w in windows)
        self.patience_s = PATIENCE_S[0 if near else 1]
        return windows


class Recorder:
    """Records in memory, and appended to a file when one is named."""

    def __init__(self, path=None):
        self.records = []
        self.file = open(path, "a") if path else None

    def add(self, record):
        self.records.append(record)
        if self.file:
            self.file.write(json.dumps(record) + "\n")
            self.file.flush()


def measure_cell(generator, devices, scenario, size, recorder, round_no):
    """One scenario and size on every device in turn; those without a clean window get another go."""
    todo = list(devices)
    for _ in range(ATTEMPTS):
        for device in list(todo):
            device.thaw()
            try:
                device.forget(scenario)
                windows = generator.measure(device, scenario, size)
                facts = device.facts(scenario)
            except BenchError as err:
                windows = []
                say("bench: " + str(err))
            finally:
                device.freeze()
            for window in windows:
                window.update(facts)
                recorder.add(judge(window, device, scenario, size, round_no))
            show(windows, device, scenario, size, round_no)
            if any(w["clean"] for w in windows):
                todo.remove(device)
        if not todo:
            return


def judge(window, device, scenario, size, round_no):
    """The generator's window, completed to a record."""
    if scenario.mode == "latency":
        window["mpps"] = 2 / window["p50_us"] if window["pings"] else 0  # two hops a round trip
        wrong = "" if window["pings"] > 10 * window["lost"] else "%d pings lost" % window["lost"]
    else:
        wrong = verify(scenario, size, window, device.job)
        if scenario.kind == "super":
            window["gbps"] = window["mpps"] * size * 8 / 1000
        if scenario.sent:
            window["mpps"] = sum(window["tx_mpps"])
    window.update(time=round(time.time(), 1), round=round_no, scenario=scenario.name, size=size,
                  flows=scenario.flows, dut=device.name, wrong=wrong)
    return window


def show(windows, device, scenario, size, round_no):
    """One line of progress."""
    quoted = [w for w in windows if w["clean"]] or windows
    if not quoted:
        return
    last = quoted[-1]
    if scenario.mode == "latency":
        figure = "%6.2f us p50 %7.2f us p99" % (last.get("p50_us", 0), last.get("p99_us", 0))
    else:
        figure = "%7.3f Mpps  loss %.4f  idle %.2f" % (median(w["mpps"] for w in quoted), last["loss"],
                                                       last["idle"])
    say("round %d  %-10s %5d B  %-16s %s  %d of %d windows clean, %3.0f ns%s" % (
        round_no, scenario.name, size, device.name, figure, sum(w["clean"] for w in windows), len(windows),
        last["c2c_ns"], "  WRONG: " + last["wrong"] if last["wrong"] else ""))


def run_rounds(bench, generator, devices, scenarios, sizes, n_rounds, recorder, first_round=0):
    """The whole run. devices: not started. Scenarios of one kind share one start of the devices."""
    kinds = []
    for scenario in scenarios:
        if scenario.kind not in kinds:
            kinds.append(scenario.kind)
    for round_no in range(first_round, first_round + n_rounds):
        for kind in kinds:
            able = [d for d in devices if kind in d.kinds]
            turn = round_no % len(able)
            able = able[turn:] + able[:turn]  # nobody is always first
            up = []
            try:
                for device in able:
                    up.append(device)
                    device.start(kind)
                for scenario in (s for s in scenarios if s.kind == kind):
                    for size in sizes if scenario.all_sizes else [scenario.size or sizes[0]]:
                        measure_cell(generator, [d for d in up if d.may(scenario)], scenario, size, recorder, round_no)
            finally:
                for device in up:
                    device.stop()
