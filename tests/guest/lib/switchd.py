# SPDX-License-Identifier: GPL-2.0-or-later
"""The switch under test: viridiand and its command line, from the build folder."""

import json
import os
import signal
import subprocess
import time

import sandbox
import tap
from vm import tail

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(sandbox.here)))
BUILD = os.environ.get("VIRIDIAN_BUILD") or os.path.join(_ROOT, "build")
DAEMON = os.path.join(BUILD, "vswitch", "viridiand")
COMMAND = os.path.join(BUILD, "ctl", "viridian")


def need_build():
    """The test stops here when nothing is built."""
    for path in (DAEMON, COMMAND):
        tap.need(os.access(path, os.X_OK), f"{os.path.basename(path)} is built", path)


class Switch:
    """One viridiand with a control socket and state of its own."""

    def __init__(self, name="viridiand", options=()):
        self.socket = os.path.join(sandbox.work, f"{name}.sock")
        self.log = os.path.join(sandbox.work, f"{name}.log")
        self._command = [DAEMON, "--socket", self.socket, "--memory", "256",
                         "--state", os.path.join(sandbox.work, f"{name}.state"), *options]
        self._process = None

    def start(self, timeout_s=30):
        """Start it, wait until it answers; return the time (time.time()) of the start."""
        started = time.time()
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log, preexec_fn=sandbox.die_with_parent)
        while self.ask("switch", "list")[0] != 0:
            if self._process.poll() is not None:
                raise RuntimeError(f"viridiand ended with status {self._process.returncode}\n"
                                   + tail(self.log))
            if time.time() > started + timeout_s:
                raise RuntimeError(f"viridiand does not answer\n{tail(self.log)}")
            time.sleep(0.02)
        return started

    def pause(self):
        """Stop it; it stands still when this returns, which takes a moment."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def go_on(self):
        self._process.send_signal(signal.SIGCONT)

    def kill(self):
        self._process.kill()
        self._process.wait()

    def stop(self, timeout_s=20):
        """End it cleanly; return its exit status."""
        self._process.terminate()
        return self._process.wait(timeout_s)

    def alive(self):
        return self._process.poll() is None

    def ask(self, *words):
        p = subprocess.run([COMMAND, "--socket", self.socket, *words], text=True, timeout=60,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           stdin=subprocess.DEVNULL, preexec_fn=sandbox.die_with_parent)
        return p.returncode, p.stdout

    def run(self, *words):
        status, text = self.ask(*words)
        if status:
            raise RuntimeError(f"viridian {' '.join(words)}: status {status}\n{text}")
        return text

    def json(self, *words):
        return json.loads(self.run("--json", *words))

    def report(self):
        """What helps to see why something did not get through."""
        text = f"--- viridiand\n{tail(self.log)}"
        if self._process and self.alive():
            for words in (("port", "list"), ("drops",)):
                text += f"--- viridian {' '.join(words)}\n{self.ask(*words)[1]}"
        return text
