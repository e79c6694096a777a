# SPDX-License-Identifier: GPL-2.0-or-later
"""
A test guest: a Debian cloud kernel and an initramfs under QEMU's TCG, driven over a serial line.

    vm = Vm("guest", image, args=[...])
    vm.boot()
    text = vm.run("ip -br addr")            # raises GuestError when the status is not 0
    status, text = vm.ask("ping -c1 x")     # never raises for a status

TCG and not KVM: tests must run where /dev/kvm is absent or cannot run an ordinary kernel. Every
wait has a deadline; a guest that panics ends QEMU at once (panic=-1, -no-reboot), which ends the
wait.
"""

import base64
import os
import select
import signal
import socket
import subprocess
import time

import sandbox
import tap
from sandbox import sh

# The guest's tty holds 4 KiB of input; a longer line could be cut.
_MAX_COMMAND_SIZE = 2048
# About one line in a thousand stalls on the emulated port: ask again after this time, then twice...
_ASK_AGAIN_S, _ASK_AGAIN_MAX_S = 1, 30


class GuestError(Exception):
    pass


def tail(path, lines=25):
    try:
        with open(path, errors="replace") as f:
            return "".join(f.readlines()[-lines:])
    except OSError as e:
        return f"{e}\n"


def build_image(name, modules=(), stage=(), programs=(), files=(), drivers=(), kernel=None):
    """Build an initramfs with image.sh; the lists are its options of the same names."""
    out = os.path.join(sandbox.work, name + ".img")
    command = [os.path.join(sandbox.here, "image.sh"), "--kernel", kernel or sandbox.kernel, "--out", out]
    for option, values in (("--module", modules), ("--stage", stage), ("--program", programs),
                           ("--file", files), ("--dpdk-driver", drivers)):
        for v in values:
            command += [option, v]
    sh(command)
    return out


def compile_c(source, static=True):
    """Compile one C file of lib/ and return the program's path."""
    out = os.path.join(sandbox.work, os.path.splitext(source)[0])
    sh(["cc", "-O2", "-Wall", "-Wextra", "-D_GNU_SOURCE", "-std=gnu17"]
       + (["-static"] if static else [])
       + ["-o", out, os.path.join(sandbox.here, source)])
    return out


class Vm:
    """One QEMU process. Owned by the test; dies with it."""
    ask_again_s = _ASK_AGAIN_S

    def __init__(self, name, image, args=(), memory_mib=256, cpus=2, machine="pc", cpu="max",
                 append="", memory_args=None, may_die=False):
        """
        memory_args replaces -m, for a guest whose memory other processes map (shared_memory).
        may_die: nothing under test can end this QEMU, so when it ends the test begins again.
        """
        self.name = name
        if may_die:
            tap.on_exception(self.died)
        self.console = os.path.join(sandbox.work, f"{name}.console.log")
        self.errors = os.path.join(sandbox.work, f"{name}.qemu.log")
        self.qemu = None
        self._stopped = False
        self._agent = None
        self._buffer = b""
        self._id = 0
        self.n_repeats = 0  # requests or answers that were lost on the line
        self._path = os.path.join(sandbox.work, f"{name}.agent")
        self._monitor = os.path.join(sandbox.work, f"{name}.monitor")
        self._command = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
            "-display", "none", "-machine", machine, "-accel", "tcg,thread=multi",
            "-cpu", cpu, "-smp", str(cpus),
            *(memory_args or ["-m", str(memory_mib)]),
            "-kernel", os.path.join(sandbox.kernel, "vmlinuz"), "-initrd", image,
            "-append", f"console=ttyS0 panic=-1 quiet loglevel=4 mitigations=off "
                       f"random.trust_cpu=on {append}",
            "-serial", f"file:{self.console}",
            "-monitor", f"unix:{self._monitor},server=on,wait=off",
            "-chardev", f"socket,id=agent,path={self._path}", "-serial", "chardev:agent",
            *args]

    @staticmethod
    def shared_memory(size_mib):
        """Memory in a memfd that a vhost-user back end can map."""
        return ["-m", str(size_mib),
                "-object", f"memory-backend-memfd,id=mem,size={size_mib}M,share=on",
                "-numa", "node,memdev=mem"]

    def start(self):
        """Start QEMU and return without waiting for the guest."""
        # The test listens and QEMU connects, so that the agent's first word cannot be lost.
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self._path)
        listener.listen(1)
        with open(self.errors, "ab") as log:
            self.qemu = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log,
                                         stderr=log, preexec_fn=sandbox.die_with_parent)
        deadline = time.monotonic() + 30
        while not select.select([listener], [], [], 0.2)[0]:
            if self.qemu.poll() is not None or time.monotonic() > deadline:
                raise GuestError(f"QEMU did not start:\n{tail(self.errors)}")
        self._agent = listener.accept()[0]
        listener.close()
        os.unlink(self._path)

    def wait_ready(self, timeout_s=90):
        """Wait for the guest's agent."""
        self._line(["READY"], time.monotonic() + timeout_s)

    def boot(self, timeout_s=90):
        self.start()
        self.wait_ready(timeout_s)

    def _line(self, starts, deadline, ask_again=None):
        """The next line that begins with one of starts; ask_again() is called now and then."""
        interval = self.ask_again_s
        again = time.monotonic() + interval
        while True:
            while b"\n" in self._buffer:
                line, self._buffer = self._buffer.split(b"\n", 1)
                line = line.decode(errors="replace").strip()
                if any(line.startswith(s) for s in starts):
                    return line
            wait = deadline - time.monotonic()
            if wait <= 0:
                raise GuestError(f"{self.name}: no answer in time, wanted {starts}\n"
                                 + self.report())
            if ask_again and time.monotonic() > again:
                ask_again()
                interval = min(2 * interval, _ASK_AGAIN_MAX_S)
                again = time.monotonic() + interval
            if select.select([self._agent], [], [], min(wait, 1))[0]:
                data = self._agent.recv(65536)
                if not data:
                    raise GuestError(f"{self.name}: the guest ended\n{self.report()}")
                self._buffer += data

    def ask(self, command, timeout_s=30):
        """Run shell commands in the guest; return (status, stdout and stderr)."""
        if len(command) > _MAX_COMMAND_SIZE:
            raise ValueError("put long scripts into the image (files=)")
        self._id += 1
        text = base64.b64encode(command.encode()).decode()
        request = f"{self._id} {timeout_s} {len(text)} {text}\n".encode()
        self._agent.sendall(request)
        # The guest enforces timeout_s; the margin covers a slow line and a stolen host CPU.
        deadline = time.monotonic() + timeout_s + 20
        while True:
            line = self._line([f"R {self._id} ", f"N {self._id}"], deadline, self._ask_again)
            answer = self._parse(line)
            if answer:
                return answer
            self.n_repeats += 1
            self._agent.sendall(request if line[0] == "N" else f"{self._id}\n".encode())

    def _ask_again(self):
        self.n_repeats += 1
        # The first newline ends what may be left of a broken line.
        self._agent.sendall(f"\n{self._id}\n".encode())

    @staticmethod
    def _parse(line):
        """(status, output) of a complete answer, else None."""
        try:
            parts = line.split(" ")
            data = base64.b64decode(parts[4] if len(parts) > 4 else "", validate=True)
            if parts[0] == "R" and len(data) == min(int(parts[3]), 65536):
                return int(parts[2]), data.decode(errors="replace")
        except (ValueError, IndexError):
            pass
        return None

    def run(self, command, timeout_s=30):
        """Run shell commands in the guest, which must succeed; return their output."""
        status, text = self.ask(command, timeout_s)
        if status:
            raise GuestError(f"{self.name}: '{command}' ended with status {status}:\n{text}")
        return text

    def until(self, command, timeout_s=20):
        """Repeat a command in the guest until it succeeds; return its output."""
        deadline = time.monotonic() + timeout_s
        while True:
            status, text = self.ask(command)
            if status == 0:
                return text
            if time.monotonic() > deadline:
                raise GuestError(f"{self.name}: '{command}' did not succeed within "
                                 f"{timeout_s} s:\n{text}")
            time.sleep(0.1)

    def stop(self):
        """End QEMU. The guest has no state worth a shutdown."""
        self._stopped = True
        if self.qemu and self.qemu.poll() is None:
            self.qemu.send_signal(signal.SIGTERM)
            try:
                self.qemu.wait(5)
            except subprocess.TimeoutExpired:
                self.qemu.kill()
                self.qemu.wait()
        if self._agent:
            self._agent.close()
            self._agent = None

    def died(self):
        """What to say when QEMU ended though nobody ended it; None when it runs."""
        if self.qemu is None or self._stopped:
            return None
        try:
            # Its lines close a little before the process ends.
            self.qemu.wait(5)
        except subprocess.TimeoutExpired:
            return None
        return self.report()

    def report(self):
        ended = "" if self.qemu is None or self.qemu.poll() is None \
            else f"QEMU ended with status {self.qemu.returncode}\n"
        return f"--- {self.name}\n{ended}{tail(self.errors, 10)}{tail(self.console)}" + \
            ("" if ended else self._processors())

    def _processors(self):
        """Where QEMU's processors are: what a guest does that answers no more."""
        text = b""
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(2)
                s.connect(self._monitor)
                s.sendall(b"info status\ninfo registers -a\n")
                while data := s.recv(65536):
                    text += data
        except OSError:
            pass
        words = ("VM status", "CPU#", "RIP", "CR0", "EFER")
        return "".join(line.strip() + "\n" for line in text.decode(errors="replace").splitlines()
                       if line.startswith(words))
