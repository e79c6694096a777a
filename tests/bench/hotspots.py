# SPDX-License-Identifier: GPL-2.0-or-later
"""./run bench profile: in which functions of the device's worker the cycles of a packet go.

perf samples the worker thread while the generator runs; a function's share of the samples times the cycles per
packet of the same run is its cycles per packet. Without a hardware counter (most virtual machines) the samples
come from a timer whose interrupt waits for the next exit to the hypervisor: pause and system calls look too dear.
"""
import os
import shutil
import subprocess
import threading

import machine
from machine import BenchError, run, say

SECONDS = 4
EVENTS = ("cycles", "cpu-clock")
TOP = 30


def event():
    """The best sampling event this machine has."""
    if not shutil.which("perf"):
        raise BenchError("perf is not installed (package linux-perf)")
    for name in EVENTS:
        done = subprocess.run(["perf", "stat", "-x,", "-e", name, "true"], text=True, capture_output=True, check=False)
        if done.returncode == 0 and "<not" not in done.stderr:
            return name
    raise BenchError("perf has no usable event here")


def record(device, path, event_name):
    """Sample the worker for SECONDS, once the traffic has started."""
    tid = device.watch.split("/")[4]
    run("perf", "record", "-q", "-e", event_name, "-F", "4999", "-t", tid, "-o", path, "--", "sleep", str(SECONDS),
        timeout=SECONDS + 30)


def shares(path):
    """[(share, function)] from a recording, largest first. A library without symbols counts as one function."""
    text = run("perf", "report", "-i", path, "--stdio", "--no-children", "-F", "overhead,dso,symbol", "-t", ";",
               check=False)
    total = {}
    for line in text.splitlines():
        fields = [field.strip() for field in line.split(";")]
        if len(fields) == 3 and fields[0].endswith("%"):
            symbol = fields[2].removeprefix("[.]").removeprefix("[k]").strip()
            name = "(%s)" % fields[1] if symbol.startswith("0x") else symbol
            total[name] = total.get(name, 0) + float(fields[0].rstrip("%")) / 100
    return sorted(((share, name) for name, share in total.items()), reverse=True)


def profile(bench, generator, device, scenario, size):
    """Run one scenario on one device under perf; print the table."""
    event_name = event()
    path = os.path.join(bench.dir, "perf.data")
    device.start(scenario.kind)
    try:
        device.thaw()
        worker = threading.Timer(4, record, (device, path, event_name))  # after start, learning and warm-up
        worker.start()
        windows = generator.measure(device, scenario, size)
        worker.join()
    finally:
        device.stop()
    clean = [w["mpps"] for w in windows if w["clean"]] or [w["mpps"] for w in windows]
    cycles = machine.tsc_mhz() / (sum(clean) / len(clean))
    print("%s, %s, %d bytes: %.1f cycles a packet (%d of %d windows clean), event %s" % (
        device.name, scenario.name, size, cycles, sum(w["clean"] for w in windows), len(windows), event_name))
    print("%8s %8s  %s" % ("cycles", "share", "function"))
    for share, symbol in shares(path)[:TOP]:
        if share >= 0.002:
            print("%8.1f %7.1f%%  %s" % (cycles * share, 100 * share, symbol))
    keep = os.environ.get("VIRIDIAN_PERF_DATA")
    if keep:
        os.replace(path, keep)
        say("bench: samples kept: perf annotate -i %s" % keep)
