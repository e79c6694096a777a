# SPDX-License-Identifier: GPL-2.0-or-later
"""From records to rows: medians over clean windows, ratios inside one round; as a table, as JSON, into the docs."""
import os
import re
from statistics import median

import machine

FIELDS = ("scenario", "size", "flows", "dut", "workers", "mpps_median", "mpps_min", "mpps_max",
          "cycles_per_packet", "ratio_to_limit", "ratio_to_ovs")
EXTRA = ("p50_us", "p99_us", "gbps", "bytes_per_session", "honest_loss", "ratio_to_vhost", "ratio_to_kernel",
         "cost_ratio")  # only in rows that have them
# cost_ratio: cycles per packet beside those of another row, the same device and round
BESIDE = {"nat-100k": "nat-1k", "nat-1m": "nat-1k", "ports-1k": "ports-2"}
BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


def place(record):
    """Windows are compared only with windows of the same placement."""
    if record["clean"]:
        return "clean"
    return "far" if 0 <= record["near"] <= 0.1 else "mixed"


def usable(records):
    """(records to quote, note). Only windows whose frames were verified; clean ones where there are any."""
    right = [r for r in records if not r["wrong"]]
    for kind, note in (("clean", ""), ("far", "cores far apart"), ("mixed", "unsteady placement")):
        found = [r for r in right if place(r) == kind]
        if found:
            return found, note
    return [], "no result"


def by_round(records, kind):
    """{round: median Mpps} of the windows of one placement."""
    rounds = {}
    for r in records:
        if place(r) == kind and not r["wrong"]:
            rounds.setdefault(r["round"], []).append(r["mpps"])
    return {n: median(values) for n, values in rounds.items()}


def ratio(records, peer):
    """Median over the rounds both took part in of ours / theirs; None without a common round."""
    for kind in ("clean", "far", "mixed"):
        ours, theirs = by_round(records, kind), by_round(peer, kind)
        both = [ours[n] / theirs[n] for n in ours if theirs.get(n)]
        if both:
            return round(median(both), 3)
    return None


def rows(records):
    """One dictionary a (scenario, size, device), in the order of first appearance."""
    cells = {}
    for r in records:
        cells.setdefault((r["scenario"], r["size"]), {}).setdefault(r["dut"], []).append(r)
    mhz = machine.tsc_mhz()
    result = []
    for (scenario, size), duts in cells.items():
        for dut, every in duts.items():
            found, note = usable(every)
            mpps = [r["mpps"] for r in found]
            row = dict(scenario=scenario, size=size, flows=every[0]["flows"], dut=dut, workers=1,
                       mpps_median=round(median(mpps), 4) if mpps else None,
                       mpps_min=round(min(mpps), 4) if mpps else None,
                       mpps_max=round(max(mpps), 4) if mpps else None,
                       cycles_per_packet=round(mhz / median(mpps), 1) if mpps and median(mpps) else None,
                       ratio_to_limit=ratio(every, duts.get("limit", [])),
                       ratio_to_ovs=ratio(every, duts.get("ovs", [])),
                       n=len(mpps), rounds=len({r["round"] for r in found}), note=note,
                       idle=round(median(r.get("idle", 0) for r in found), 2) if found else None)
            if "netvsp" in duts:
                row["ratio_to_vhost"] = ratio(every, duts.get("viridian", []))
            if "kernel" in duts:
                row["ratio_to_kernel"] = ratio(every, duts["kernel"])
            beside = cells.get((BESIDE.get(scenario), size), {}).get(dut)
            if beside:
                row["cost_ratio"] = ratio(beside, every)
            for key in EXTRA[:-3]:
                values = [r[key] for r in found if key in r]
                if values:
                    row[key] = round(median(values), 3)
            wrong = sorted({r["wrong"] for r in every if r["wrong"]})
            if wrong:  # one example is enough
                row["note"] = "; ".join(filter(None, [note, wrong[0]]))
            result.append(row)
    return result


def as_json(result):
    """The contract's array: the fixed fields, and EXTRA where a row has them."""
    return [{key: row[key] for key in (*FIELDS, *EXTRA) if key in row} for row in result]


def _cell(value, form):
    return "-" if value is None else form % value


def table(result):
    """Markdown that also reads well on a terminal."""
    extra = [key for key in EXTRA if any(key in row for row in result)]
    head = ["scenario", "bytes", "flows", "device", "Mpps median", "min", "max", "cycles/packet", "x limit",
            "x ovs", "windows", *extra, "note"]
    lines = [head]
    for row in result:
        lines.append([row["scenario"], str(row["size"]), str(row["flows"]), row["dut"],
                      _cell(row["mpps_median"], "%.2f"), _cell(row["mpps_min"], "%.2f"),
                      _cell(row["mpps_max"], "%.2f"), _cell(row["cycles_per_packet"], "%.0f"),
                      _cell(row["ratio_to_limit"], "%.2f"), _cell(row["ratio_to_ovs"], "%.2f"),
                      "%d in %d rounds" % (row["n"], row["rounds"]),
                      *(_cell(row.get(key), "%.5f" if key == "honest_loss" else "%.2f") for key in extra), row["note"]])
    return markdown(lines)


def markdown(lines):
    """Lines of cells, the first the head, as a table that also reads well on a terminal."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    lines = [lines[0], ["-" * w for w in widths], *lines[1:]]
    return "\n".join("| " + " | ".join(text.ljust(w) for text, w in zip(line, widths)) + " |" for line in lines)


def stage_names(tree):
    """The stages in their order, as the program has them."""
    with open(os.path.join(tree, "vswitch", "datapath", "stages.def")) as f:
        return re.findall(r'^VSW_STAGE\(\w+, "([^"]+)"', f.read(), re.M)


def stages(records, tree):
    """Cycles per packet of each stage of the worker, in one table; None without any. Smallest size, clean windows."""
    cells = {}
    for r in records:
        if r.get("stages") and r["dut"].startswith(("viridian", "netvsp")) and r["size"] == 64:
            cells.setdefault((r["scenario"], r["dut"]), []).append(r)
    used = {name for every in cells.values() for r in every for name in r["stages"]}
    names = [name for name in stage_names(tree) if name in used]
    if not cells:
        return None
    lines = [["scenario", "device", *names, "sum", "around", "cycles/packet", "windows"]]
    for (scenario, dut), every in cells.items():
        found, note = usable(every)
        if not found:
            continue
        row = [median(values) if values else None
               for values in ([r["stages"][name] for r in found if name in r["stages"]] for name in names)]
        total, whole = sum(filter(None, row)), machine.tsc_mhz() / median(r["mpps"] for r in found)
        lines.append([scenario, dut, *(_cell(value, "%.0f") for value in row), "%.0f" % total,
                      "%.0f" % (whole - total), "%.0f" % whole, " ".join(filter(None, [str(len(found)), note]))])
    return markdown(lines)


def vectors(records):
    """What the size of a vector of packets does: one line a row and size, in the order of sizes."""
    def size_of(dut):
        return int(dut.partition("/")[2] or 64)

    lines = [["scenario", "vector", "cycles/packet", "min", "max", "x of 64", "windows"]]
    cells = {}
    for r in records:
        if r["dut"].partition("/")[0] == "viridian" and r["mpps"]:
            cells.setdefault((r["scenario"], r["dut"]), []).append(r)
    for (scenario, dut), every in sorted(cells.items(), key=lambda item: (item[0][0], size_of(item[0][1]))):
        found, note = usable(every)
        if found:
            cycles = [machine.tsc_mhz() / r["mpps"] for r in found]
            beside = ratio(every, cells.get((scenario, "viridian"), []))
            lines.append([scenario, str(size_of(dut)), *("%.1f" % v for v in (median(cycles), min(cycles), max(cycles))),
                          _cell(beside, "%.2f"), " ".join(filter(None, [str(len(found)), note]))])
    return markdown(lines)


def write_docs(path, text, name="bench"):
    """Replace what stands between the two markers of a page."""
    begin, end = BEGIN.replace("bench", name), END.replace("bench", name)
    with open(path) as f:
        page = f.read()
    if begin not in page or end not in page:
        raise machine.BenchError("%s has no lines %s and %s" % (path, begin, end))
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    page = re.sub(pattern, lambda _: "%s\n%s\n%s" % (begin, text, end), page, flags=re.S)
    with open(path, "w") as f:
        f.write(page)
