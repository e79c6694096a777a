#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Run tests that speak TAP and print one line a case.

    taprun.py --results FILE --suite NAME TEST...      run executables one after the other, or --jobs at once
    taprun.py --results FILE --suite NAME --meson DIR  run meson's unit tests of a build folder
    taprun.py --results FILE --summary                 failures, skips, and the totals line

A test is an executable that prints TAP ("1..N", "ok 1 - name", "not ok 2 - name", "ok 3 - name # SKIP
why") and ends with status 0, or with 77 when all of it has to be skipped (the last "# " line says why).
A plan that is not met, a status that contradicts the cases, and a test that runs too long are failures.
"# AGAIN: why" says that the test starts over; its plan counts from there.
With --jobs, a test whose first lines say "Runs alone: why" has the machine for itself, before the others.
With --second-try a test that failed runs once more, alone, after the others: a busy machine can starve a test that
is right, and it does so seldom twice. Nothing of it is hidden: the first failure is printed when it happens and once
more before the totals. When more than three tests failed, it is not the machine, and none of them runs again.
"# TABLE: line" is a result that is worth seeing in any case.
Other comment lines ("# ...") belong to the case that follows or precedes them and are shown on failure.

FILE collects one line a case: ok|fail|skip|unsteady, name and reason, separated by tabs.
"""
import argparse
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

CASE = re.compile(r"^(not )?ok\b\s*(\d+)?\s*-?\s*(.*?)(?:\s*#\s*(SKIP|TODO)\b:?\s*(.*))?$", re.I)
MAX_SECOND_TRIES = 3
PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#\s*SKIP\s*(.*))?", re.I)


class Report:
    """Prints cases and writes them to the results file. A held one does so at once, when it is released."""

    def __init__(self, path, suite, hold=False):
        self.path = path
        self.suite = suite
        self.failed = 0
        self.held = [] if hold else None
        self.lines = []

    def say(self, text):
        if self.held is None:
            print(text, flush=True)
        else:
            self.held.append(text)

    def release(self):
        if self.held:
            print("\n".join(self.held), flush=True)
            self.held = []

    def case(self, verdict, name, why="", notes=()):
        full = "%s/%s" % (self.suite, name)
        text = {"ok": "ok  ", "fail": "FAIL", "skip": "skip"}[verdict] + "  " + full
        if why:
            text += ": " + why
        self.say(text)
        if verdict == "fail":
            self.failed += 1
            for note in notes:
                self.say("      " + note)
        self.lines.append((verdict, full, why.replace("\t", " ")))

    def record(self, lines=None):
        """Into the results file: these lines, or all."""
        with open(self.path, "a", encoding="utf-8") as out:
            out.writelines("\t".join(line) + "\n" for line in (self.lines if lines is None else lines))

    def unsteady(self):
        """This failed and its second try did not."""
        self.record([("unsteady", *line[1:]) for line in self.lines if line[0] == "fail"])


class Stream:
    """Reads one test's TAP, line by line."""

    def __init__(self, report, test):
        self.report = report
        self.test = test
        self.plan = None
        self.skip_all = None
        self.seen = 0
        self.bad = 0
        self.notes = []
        self.pending = None   # a failed case waiting for the comments that follow it

    def flush(self):
        if self.pending:
            self.report.case("fail", self.pending, "", self.notes)
            self.pending = None
        self.notes = []

    def line(self, text):
        plan = PLAN.match(text)
        case = CASE.match(text)
        if plan:
            self.plan = int(plan.group(1))
            if self.plan == 0:
                self.skip_all = plan.group(2) or "no reason given"
        elif case:
            self.flush_before(case)
        elif text.startswith("# TABLE: "):
            self.report.say("      " + text[9:])
        elif text.startswith("# AGAIN: "):
            self.again(text)
        elif text.startswith("Bail out!"):
            self.flush()
            self.bad += 1
            self.report.case("fail", self.test, text, self.notes)
        elif text.strip():
            self.notes.append(text)
            del self.notes[:-200]

    def again(self, text):
        """The test starts over, as a thing it stands on failed; what it has said so far was true."""
        self.flush()
        for note in (*self.notes, text):
            self.report.say("      " + note)
        self.notes = []
        self.seen = 0

    def flush_before(self, case):
        failed, _, name, directive, why = case.groups()
        keep = [] if self.pending else self.notes
        self.flush()
        self.seen += 1
        name = "%s: %s" % (self.test, name or "case %d" % self.seen)
        if directive and directive.upper() == "SKIP":
            self.report.case("skip", name, why or "no reason given")
        elif failed and directive and directive.upper() == "TODO":
            self.report.case("skip", name, "known: " + (why or "no reason given"))
        elif failed:
            self.bad += 1
            self.pending = name
            self.notes = keep
        else:
            self.report.case("ok", name)

    def end(self, status, timed_out=None):
        notes = list(self.notes)
        self.flush()
        if status == 77 and not self.seen:
            self.skip_all = self.skip_all or (notes[-1].lstrip("# ") if notes else "no reason given")
        if timed_out:
            self.report.case("fail", self.test, "did not end within %d s" % timed_out, notes)
        elif self.skip_all is not None and not self.seen:
            self.report.case("skip", self.test, self.skip_all)
        elif self.plan is None:
            self.report.case("fail", self.test, "printed no plan (status %d)" % status, notes)
        elif self.plan != self.seen and not self.bad:
            self.report.case("fail", self.test, "planned %d cases, ran %d (status %d)"
                             % (self.plan, self.seen, status), notes)
        elif status not in (0, 77) and not self.bad:
            self.report.case("fail", self.test, "all cases passed, but it ended with status %d" % status,
                             notes)


def run_one(report, path, timeout):
    stream = Stream(report, os.path.basename(path).rsplit(".", 1)[0])
    try:
        proc = subprocess.Popen([os.path.abspath(path)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, errors="replace",
                                start_new_session=True)
    except OSError as error:
        report.case("fail", stream.test, "cannot be started: %s" % error)
        return
    late = []
    start = time.monotonic()

    def stop():
        """The test may clean up for ten seconds, then its whole session goes."""
        late.append(True)
        for sig in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(proc.pid, sig)
            except ProcessLookupError:
                return
            for _ in range(100):
                if proc.poll() is not None:
                    break
                time.sleep(0.1)

    timer = threading.Timer(timeout, stop)
    timer.daemon = True
    timer.start()
    try:
        for text in proc.stdout:
            stream.line(text.rstrip("\n"))
    except BaseException:
        stop()
        raise
    status = proc.wait()
    timer.cancel()
    stream.end(status, timeout if late else None)
    report.say("      %s/%s took %d s" % (report.suite, stream.test, time.monotonic() - start))


def runs_alone(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return "Runs alone: " in f.read(1000)


def run_all(args):
    """--jobs tests at once; what one of several says is printed when it has ended. True when all is well."""
    printing = threading.Lock()
    failed = []

    def one(path):
        report = Report(args.results, args.suite, hold=args.jobs > 1)
        run_one(report, path, args.timeout)
        with printing:
            report.release()
            if report.failed and args.second_try:
                failed.append((path, report))
            else:
                report.record()
        return not report.failed

    alone = [path for path in args.tests if args.jobs > 1 and runs_alone(path)]
    good = [one(path) for path in alone]
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        good += pool.map(one, [path for path in args.tests if path not in alone])
    if len(failed) > MAX_SECOND_TRIES:
        for _, report in failed:
            report.record()
        return False
    return all(good) or bool(args.second_try) and all([second_try(args, *case) for case in failed])


def second_try(args, path, first):
    print("==> once more, alone: %s" % path, flush=True)
    report = Report(args.results, args.suite)
    run_one(report, path, args.timeout)
    report.record()
    if not report.failed:
        first.unsteady()
    return not report.failed


def run_meson(report, build):
    """meson runs its tests in parallel; their TAP stands in its log."""
    log = os.path.join(build, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    done = subprocess.run(["meson", "test", "-C", build, "--no-rebuild", "--suite", "unit"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace")
    if not os.path.exists(log):
        report.case("fail", "meson test", "did not run", done.stdout.splitlines())
        report.record()
        return
    with open(log, encoding="utf-8") as f:
        tests = [json.loads(line) for line in f if line.strip()]
    for test in sorted(tests, key=lambda t: t["name"]):
        stream = Stream(report, test["name"].split(" / ")[-1])
        for text in (test.get("stdout") or "").splitlines():
            stream.line(text)
        for text in (test.get("stderr") or "").splitlines():
            stream.notes.append(text)
        late = test.get("result") == "TIMEOUT"
        stream.end(test.get("returncode") or 0, int(test.get("duration", 0)) or 1 if late else None)
    report.record()


def summary(path):
    count = {"ok": 0, "fail": 0, "skip": 0, "unsteady": 0}
    shown = {"fail": [], "skip": [], "unsteady": []}
    with open(path, encoding="utf-8") as f:
        for text in f:
            verdict, name, why = (text.rstrip("\n").split("\t") + ["", ""])[:3]
            count[verdict] += 1
            if verdict in shown:
                shown[verdict].append(name + (": " + why if why else ""))
    for verdict, title in (("skip", "skipped"), ("unsteady", "failed once, and passed alone"), ("fail", "failed")):
        for text in shown[verdict]:
            print("%s: %s" % (title, text))
    print("%d passed, %d failed, %d skipped" % (count["ok"], count["fail"], count["skip"]))
    return 1 if count["fail"] or not count["ok"] else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--results", required=True)
    parser.add_argument("--suite", default="test")
    parser.add_argument("--meson")
    parser.add_argument("--summary", action="store_true")
    parser.add_argument("--timeout", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--second-try", action="store_true")
    parser.add_argument("tests", nargs="*")
    args = parser.parse_args()
    if args.summary:
        return summary(args.results)
    if args.meson:
        report = Report(args.results, args.suite)
        run_meson(report, args.meson)
        return 1 if report.failed else 0
    return 0 if run_all(args) else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
