# SPDX-License-Identifier: GPL-2.0-or-later
"""The machine under the benchmark: cores, clock, hugepages, processes, and giving everything back.

Whatever has to be given back at the end (hugepages, processes, folders, namespaces) is told to a janitor
process first. The janitor waits for the end of this process, however it ends (kill -9 included), and then
cleans up; the ordinary exit uses the same path.
"""
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PAGES_FILE = "/proc/sys/vm/nr_hugepages"
HUGE_MIB = 2
PR_SET_PDEATHSIG = 1


class BenchError(Exception):
    """Something the user can do something about; printed without a traceback."""


def say(text):
    """Progress goes to stderr: stdout carries results only."""
    print(text, file=sys.stderr, flush=True)


def run(*argv, check=True, timeout=60, env=None, cwd=None):
    """Run a short command; return its standard output."""
    done = subprocess.run(argv, text=True, capture_output=True, timeout=timeout, env=env, cwd=cwd,
                          stdin=subprocess.DEVNULL)
    if check and done.returncode:
        raise BenchError("%s: %s" % (" ".join(argv), (done.stderr or done.stdout).strip()))
    return done.stdout


# ------------------------------------------------------------------------------------- facts

def read(path, default=""):
    try:
        with open(path) as f:
            return f.read().strip()
    except OSError:
        return default


def tsc_mhz():
    """Cycles of the time stamp counter a microsecond; BogoMIPS is twice that on x86."""
    for line in read("/proc/cpuinfo").splitlines():
        if line.startswith("bogomips"):
            return float(line.split(":")[1]) / 2
    raise BenchError("no bogomips in /proc/cpuinfo: cycles per packet cannot be computed here")


def cpu_model():
    for line in read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return os.uname().machine


def core_list(text):
    """'0-2,5' as a list of numbers."""
    cores = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first:
            cores += range(int(first), int(last or first) + 1)
    return cores


def free_hugepages():
    for line in read("/proc/meminfo").splitlines():
        if line.startswith("HugePages_Free:"):
            return int(line.split()[1])
    raise BenchError("this kernel has no hugepages (CONFIG_HUGETLBFS)")


def pick_cores():
    """(generator, device): two cores that share a last-level cache and are not hyper-threads of one core."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise BenchError("two cores are needed: one for the generator, one for the device")
    base = "/sys/devices/system/cpu/cpu%d/" % usable[0]
    near = core_list(read(base + "cache/index3/shared_cpu_list")) or usable
    twins = core_list(read(base + "topology/thread_siblings_list"))
    best = [c for c in usable[1:] if c in near and c not in twins]
    best = best or [c for c in usable[1:] if c not in twins] or usable[1:]
    return usable[0], best[0]


# ------------------------------------------------------------------------------------- janitor

def _kill(pid, started):
    """Kill a process that is still the one we started."""
    if started and read("/proc/%d/stat" % pid).rpartition(")")[2].split()[19:20] == [started]:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


def _give_back_pages(n):
    """Lower the reservation by what we raised it. Pages still in use follow when their owner ends."""
    with open(PAGES_FILE, "r+") as f:
        now = int(f.read())
        f.seek(0)
        f.write("%d" % max(0, now - n))


def _janitor(pipe):
    """Body of the janitor process: collect duties until the pipe closes, then do them, newest first."""
    os.setsid()
    for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, signal.SIG_IGN)
    with os.fdopen(pipe) as lines:
        duties = [line.rstrip("\n").split("\t") for line in lines]
    for duty, *args in reversed(duties):
        try:
            if duty == "pid":
                _kill(int(args[0]), args[1])
            elif duty == "tree":
                shutil.rmtree(args[0], ignore_errors=True)
            elif duty == "pages":
                _give_back_pages(int(args[0]))
            elif duty == "run":
                subprocess.run(args, capture_output=True, timeout=30, stdin=subprocess.DEVNULL)
        except (OSError, ValueError, subprocess.SubprocessError) as err:
            say("bench: clean-up of %s %s: %s" % (duty, args, err))


class Machine:
    """Resources of one benchmark run. Use as a context manager."""

    def __init__(self, generator_core=None, device_core=None):
        gen, dev = pick_cores()
        self.generator_core = gen if generator_core is None else generator_core
        self.device_core = dev if device_core is None else device_core
        self.dir = None
        self._pid = None
        self._pipe = None

    def __enter__(self):
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(writing)
            try:
                _janitor(reading)
            finally:
                os._exit(0)
        os.close(reading)
        self._pipe = writing  # not inheritable: closes with this process alone
        self.dir = tempfile.mkdtemp(prefix="viridian-bench-")
        self.at_exit("tree", self.dir)
        for sig in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(sig, lambda *_: sys.exit(1))
        return self

    def __exit__(self, *_):
        os.close(self._pipe)
        os.waitpid(self._pid, 0)

    def at_exit(self, duty, *args):
        """Tell the janitor a duty: pid, tree, pages, or run COMMAND ARGUMENT..."""
        os.write(self._pipe, ("\t".join([duty, *map(str, args)]) + "\n").encode())

    def folder(self, name):
        path = os.path.join(self.dir, name)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        return path

    def reserve_hugepages(self, n_pages):
        """Make sure that n_pages 2 MiB pages are free; what is reserved here is given back at the end."""
        free = free_hugepages()
        if free >= n_pages:
            return
        total = int(read(PAGES_FILE, "0"))
        missing = n_pages - free
        try:
            self.at_exit("pages", 0)  # proves the janitor is there before anything is taken
            with open("/proc/sys/vm/compact_memory", "w") as f:
                f.write("1")
            with open(PAGES_FILE, "w") as f:
                f.write("%d" % (total + missing))
        except OSError as err:
            raise BenchError("cannot reserve %d hugepages of 2 MiB: %s (run as root)"
                             % (missing, err.strerror)) from err
        got = int(read(PAGES_FILE, "0")) - total
        self.at_exit("pages", max(got, 0))
        if got < missing:
            raise BenchError("the kernel gave %d of %d hugepages of 2 MiB; free %d MiB of memory, or take fewer "
                             "devices with --duts" % (got, missing, (missing - got) * HUGE_MIB))

    def start(self, argv, log, core=None, stdin=subprocess.DEVNULL, env=None):
        """Start a process that cannot outlive us, in a scheduling group of its own."""
        libc = ctypes.CDLL(None)
        parent = os.getpid()

        def before_exec():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
            if core is not None:
                os.sched_setaffinity(0, {core})

        out = open(log, "w") if isinstance(log, str) else log
        process = subprocess.Popen(argv, stdin=stdin, stdout=out, stderr=subprocess.STDOUT, env=env,
                                   start_new_session=True, preexec_fn=before_exec)
        if isinstance(log, str):
            out.close()
        started = read("/proc/%d/stat" % process.pid).rpartition(")")[2].split()
        self.at_exit("pid", process.pid, started[19] if len(started) > 19 else "")
        prefer(process.pid)
        return process


# ------------------------------------------------------------------------------------- processes

def prefer(pid):
    """Highest ordinary priority for a process: strangers on its core cost it little.

    With autogroup scheduling plain nice counts only inside one session, so the session's group is raised.
    """
    try:
        with open("/proc/%d/autogroup" % pid, "w") as f:
            f.write("-20")
    except OSError:
        pass
    try:
        os.setpriority(os.PRIO_PROCESS, pid, -20)
    except OSError:
        pass


def wait_until(condition, seconds, what):
    """Poll until condition() is true; BenchError after the deadline."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise BenchError("%s did not happen within %g s" % (what, seconds))
        time.sleep(0.02)


def stop(process, seconds=8):
    """Ask a process to end, then make it."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def busiest_thread(pid, seconds=0.05):
    """Path of the thread that runs most now: the poll-mode worker of a device."""
    def ran():
        found = {}
        for tid in os.listdir("/proc/%d/task" % pid):
            path = "/proc/%d/task/%s/schedstat" % (pid, tid)
            found[path] = int((read(path) or "0").split()[0])
        return found

    before = ran()
    time.sleep(seconds)
    return max(((ns - before.get(path, 0), path) for path, ns in ran().items()))[1]


def tail(path, n=400):
    """The end of a log, for an error message."""
    return read(path)[-n:]
