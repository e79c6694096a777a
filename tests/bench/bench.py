#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""./run bench: how fast the switch is beside its peers, in one interleaved run. tests/bench/README.md explains."""
import argparse
import functools
import json
import os
import platform
import sys
import time

import against
import devices
import hotspots
import machine
import memory
import quarantine
import report
import rounds
import tcp
import workers
from machine import BenchError, say
from scenarios import GROUPS, SIZES

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
GENERATOR = os.path.join("tests", "bench", "viridian-bench-gen")
WINDOWS = 2
SPARE_PAGES = 64
PEERS = ["limit", "ovs", "vpp", "kernel", "viridian"]
USUAL = {"netvsp": ["viridian", "netvsp"], "netvsp-lso": ["viridian", "netvsp"], "quarantine": ["limit", "viridian"],
         "ports": ["limit", "viridian"], "stages": ["viridian"], "vectors": ["viridian"]}


def parse(argv):
    p = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    p.add_argument("scenario", nargs="*", default=["l2"], help="%s, tcp, nat-tcp, cut, memory, workers, one row of them (l2-1k, "
                   "vlan-push, ...), or: report FILE..., or: profile [ROW]" % ", ".join(GROUPS))
    p.add_argument("--json", action="store_true", help="print rows as a JSON array instead of a table")
    p.add_argument("--rounds", type=int, default=5, metavar="N")
    p.add_argument("--first-round", type=int, default=0, metavar="N", help="number of the first round")
    p.add_argument("--duts", default="", metavar="A,B", help="limit, macswap, ovs, vpp, kernel, viridian, netvsp")
    p.add_argument("--sizes", default=",".join(map(str, SIZES)), metavar="A,B", help="frame sizes in bytes")
    p.add_argument("--against", metavar="A,B", help="also build and measure these commits")
    p.add_argument("--records", metavar="FILE", help="append every window to FILE, one JSON object a line")
    p.add_argument("--write-docs", action="store_true", help="put the table into docs/performance.md")
    p.add_argument("--table", choices=("bench", "stages", "vectors"), help="which one; as a rule that of the scenario")
    p.add_argument("--build", default=os.path.join(TREE, "build"), metavar="DIR")
    p.add_argument("--window", type=float, default=0.35, metavar="SECONDS")
    p.add_argument("--near-ns", type=float, default=90, metavar="NS",
                   help="one-way core-to-core latency below which two cores are near")
    p.add_argument("--generator-core", type=int, metavar="CORE")
    p.add_argument("--device-core", type=int, metavar="CORE")
    args = p.parse_args(argv)
    if args.scenario[0] in ("stages", "vectors"):
        args.sizes = str(SIZES[0])
    args.table = args.table or (args.scenario[0] if args.scenario[0] in ("stages", "vectors") else "bench")
    return args


def choose_scenarios(names):
    by_name = {s.name: s for group in GROUPS.values() for s in group}
    chosen = []
    for name in names:
        if name not in GROUPS and name not in by_name:
            raise BenchError("no scenario %r; there are: %s; groups: %s"
                             % (name, ", ".join(by_name), ", ".join(GROUPS)))
        chosen += [s for s in GROUPS.get(name) or [by_name[name]] if s not in chosen]
    return chosen


def choose_devices(args, bench):
    """Those asked for must be there; of the usual ones, those that are."""
    asked = [d for d in args.duts.split(",") if d]
    chosen = []
    usual = USUAL.get(args.scenario[0], PEERS) if len(args.scenario) == 1 else PEERS
    if args.scenario[0] != "profile":
        kinds = {s.kind for s in choose_scenarios(args.scenario)}
        usual = [name for name in usual if kinds & set(devices.make(name, bench, args.build).kinds)]
    for name in asked or usual:
        device = devices.make(name, bench, args.build)
        why = device.missing()
        if why and (asked or name in ("limit", "viridian")):
            raise BenchError("%s: %s" % (name, why))
        if why:
            say("bench: without %s: %s" % (name, why))
        else:
            chosen.append(device)
    return chosen


def heading(args, n_rounds):
    return ("%s, TSC %.0f MHz, Linux %s, %s. One worker core over vhost-user, up to %d interleaved rounds.\n" % (
        machine.cpu_model(), machine.tsc_mhz(), platform.release(), time.strftime("%-d %B %Y", time.gmtime()),
        n_rounds))


def generator_path(build):
    """Build the generator if a build folder is there, and say where it is."""
    path = os.path.join(build, GENERATOR)
    if os.path.exists(os.path.join(build, "build.ninja")):
        machine.run("ninja", "-C", build, GENERATOR, timeout=600)
    if not os.path.exists(path):
        raise BenchError("%s is not built: run ./run build first" % path)
    return path


def prepare(args, bench, windows):
    """(devices, generator), with hugepages reserved for them."""
    if os.geteuid():
        raise BenchError("hugepages and real-time threads need root")
    chosen = choose_devices(args, bench)
    chosen += [against.build(bench, TREE, commit) for commit in filter(None, (args.against or "").split(","))]
    if "vectors" in args.scenario:
        chosen += against.vectors(bench, TREE, args.build)
    bench.reserve_hugepages(sum(d.pages for d in chosen) + 128 + SPARE_PAGES)
    settings = ["--near-ns", str(args.near_ns), *windows]
    return chosen, rounds.Generator(bench, generator_path(args.build), settings)


def measure_with(measure_rounds, args):
    """What needs no generator: tcp.rounds, quarantine.rounds."""
    recorder = rounds.Recorder(args.records)
    with machine.Machine(args.generator_core, args.device_core) as bench:
        measure_rounds(bench, args.build, args.rounds, args.first_round, recorder)
    return recorder.records


def measure(args):
    sizes = sorted(int(s) for s in args.sizes.split(","))
    scenarios = choose_scenarios(args.scenario)
    recorder = rounds.Recorder(args.records)
    with machine.Machine(args.generator_core, args.device_core) as bench:
        chosen, generator = prepare(args, bench, ["--windows", str(WINDOWS), "--window", str(args.window)])
        rounds.run_rounds(bench, generator, chosen, scenarios, sizes, args.rounds, recorder, args.first_round)
    return recorder.records


def profile(args):
    """./run bench profile [ROW...]: the first of --sizes, each of --duts (viridian)."""
    args.duts = args.duts or "viridian"
    size = int(args.sizes.split(",")[0])
    windows = int(2 * hotspots.SECONDS / args.window)
    with machine.Machine(args.generator_core, args.device_core) as bench:
        chosen, generator = prepare(args, bench, ["--windows", str(windows), "--max-windows", str(windows),
                                                  "--window", str(args.window)])
        for scenario in choose_scenarios(args.scenario[1:] or ["l2-1k"]):
            for device in chosen:
                hotspots.profile(bench, generator, device, scenario, size)
    return 0


def show_memory(args):
    """./run bench memory"""
    with machine.Machine(args.generator_core, args.device_core) as bench:
        found = memory.measure(bench, args.build)
    text = memory.table(found)
    print(json.dumps(found, indent=1) if args.json else text)
    if args.write_docs:
        report.write_docs(os.path.join(TREE, "docs", "performance.md"), text, "memory")
    return 0


def show_workers(args):
    """./run bench workers"""
    machine.run("ninja", "-C", args.build, workers.C2C, timeout=600)
    with machine.Machine(args.generator_core, args.device_core) as bench:
        text = workers.show(bench, args.build, args.rounds)
    print(text)
    if args.write_docs:
        report.write_docs(os.path.join(TREE, "docs", "performance.md"), text, "workers")
    return 0


def load(paths):
    records = []
    for path in paths:
        with open(path) as f:
            records += [json.loads(line) for line in f]
    return records


def main(argv):
    args = parse(argv)
    if args.scenario[0] == "profile":
        return profile(args)
    if args.scenario == ["memory"]:
        return show_memory(args)
    if args.scenario == ["workers"]:
        return show_workers(args)
    if args.scenario[0] == "report":
        records = load(args.scenario[1:])
    else:
        wants = args.scenario
        args.scenario = [name for name in wants if name not in ("tcp", "nat-tcp", "cut")]
        records = measure(args) if args.scenario else []
        records += measure_with(functools.partial(tcp.rounds, "tcp"), args) if "tcp" in wants else []
        if "nat" in wants or "nat-tcp" in wants:
            records += measure_with(functools.partial(tcp.rounds, "nat-tcp"), args)
        records += measure_with(quarantine.rounds, args) if "cut" in wants or "quarantine" in wants else []
    result = report.rows(records)
    text = report.table(result)
    stages = report.stages(records, TREE)
    if args.json:
        print(json.dumps(report.as_json(result), indent=1))
        say(text)
    else:
        print(text)
        if stages:
            print("\nCycles per packet of each stage of the worker:\n" + stages)
    if args.write_docs:
        head = heading(args, len({r["round"] for r in records}))
        if args.table == "stages" and not stages:
            raise BenchError("no record has stages")
        table = report.vectors(records) if args.table == "vectors" else stages if args.table == "stages" else text
        report.write_docs(os.path.join(TREE, "docs", "performance.md"), head + "\n" + table, args.table)
    return 1 if any(row["mpps_median"] is None for row in result) or not result else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BenchError as error:
        say("bench: %s" % error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
