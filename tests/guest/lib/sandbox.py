# SPDX-License-Identifier: GPL-2.0-or-later
"""
A private world for one test: own network, mount and process-id namespaces.

Nothing a test makes can outlive it or meet another test: interfaces and named namespaces live in
the private namespaces, files in a tmpfs, and the kernel kills every process when the first one
ends, even when that end is kill -9. So no test needs clean-up code, and none can get it wrong.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile

_MARK = "VIRIDIAN_GUEST_SANDBOX"
_PR_SET_PDEATHSIG = 1

here = os.path.dirname(os.path.abspath(__file__))
work = None
kernel = None
newer = ""  # another kernel, when enter() was asked for one and apt has it
# The test's status when its emulator died: nothing was learnt, so enter() runs it again.
EMULATOR_DIED = 75  # EX_TEMPFAIL
_N_ATTEMPTS = 3


def die_with_parent():
    """For preexec_fn: SIGKILL me when my parent ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def sh(command, check=True, timeout=60, **kw):
    """Run a command line and return its output; a failure shows the command and what it said."""
    p = subprocess.run(command, shell=isinstance(command, str), text=True, timeout=timeout,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                       preexec_fn=die_with_parent, **kw)
    if check and p.returncode:
        raise RuntimeError(f"{command}: status {p.returncode}\n{p.stdout}")
    return p.stdout


def _fetch(*series):
    p = subprocess.run([os.path.join(here, "kernel.sh"), *series], stdout=subprocess.PIPE, text=True)
    return "" if p.returncode else p.stdout.strip()


def enter(deadline_s, guests=True, series=None):
    """
    Continue inside the sandbox, or end the process. Call it first. The kernel packages of guests are
    fetched on the way, because the sandbox has no network. deadline_s bounds the whole test.
    """
    global work, kernel, newer
    if _MARK in os.environ:
        work, kernel, newer = os.environ[_MARK].split(":")
        sh(f"mount -t tmpfs tmpfs {work}; mount -t tmpfs tmpfs /run; mkdir -p /run/netns;"
           "mount -t sysfs sysfs /sys; ip link set lo up")
        os.environ["TMPDIR"] = work
        return
    if os.geteuid():
        print("1..0 # SKIP it makes namespaces and taps: run it as root")
        sys.exit(0)
    fetched = ""
    if guests:
        fetched = _fetch()
        if not fetched:
            print("not ok 1 - fetch the guest kernel\n1..1")
            sys.exit(1)
    fetched += ":" + (_fetch(series) if series else "")
    # SystemExit unwinds to the finally of _attempt(), where dying of the signal would not.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for _ in range(_N_ATTEMPTS):
        status = _attempt(fetched, deadline_s)
        if status != EMULATOR_DIED:
            break
    else:
        print(f"not ok 1 - the emulator lives through one of {_N_ATTEMPTS} attempts\n1..1", flush=True)
    sys.exit(1 if status else 0)


def _attempt(fetched, deadline_s):
    """Run the test in a new sandbox; its status."""
    folder = tempfile.mkdtemp(prefix="viridian-test.")
    env = dict(os.environ, **{_MARK: f"{folder}:{fetched}"})
    child = subprocess.Popen(
        ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
         sys.executable, "-B", os.path.abspath(sys.argv[0])] + sys.argv[1:],
        env=env, preexec_fn=die_with_parent)
    try:
        return child.wait(deadline_s)
    except subprocess.TimeoutExpired:
        print(f"Bail out! the whole test ran longer than {deadline_s} s", flush=True)
        return 1
    finally:
        child.kill()
        child.wait()
        shutil.rmtree(folder, ignore_errors=True)


def keep_logs():
    """Copy the log files out to $VIRIDIAN_GUEST_LOGS, when it is set."""
    target = os.environ.get("VIRIDIAN_GUEST_LOGS")
    if not target:
        return "VIRIDIAN_GUEST_LOGS=DIR keeps the logs"
    os.makedirs(target, exist_ok=True)
    for name in os.listdir(work):
        if name.endswith(".log"):
            shutil.copy(os.path.join(work, name), target)
    return f"logs are in {target}"
