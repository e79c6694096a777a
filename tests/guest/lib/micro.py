# SPDX-License-Identifier: GPL-2.0-or-later
"""
The guest of some hundred instructions (micro.c) under viridian-vm and this machine's own /dev/kvm: it counts, and
says so, until it is told to power off.
"""

import os
import re
import struct
import subprocess
import time

import l2
import sandbox
from sandbox import sh

LOAD, ENTRY_OFFSET = 0x1000000, 0x200
FLAGS = ("-O1 -ffreestanding -nostdlib -static -fno-pie -no-pie -mno-red-zone -mgeneral-regs-only "
         "-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none "
         "-fno-toplevel-reorder -mcmodel=large -Wl,-N,--build-id=none,-e,entry")


def bzimage(out):
    """The micro guest behind a header that says: Linux, 64-bit entry."""
    elf, flat = os.path.join(sandbox.work, "micro.elf"), os.path.join(sandbox.work, "micro.bin")
    sh(f"gcc {FLAGS} -Wl,-Ttext={LOAD + ENTRY_OFFSET:#x} -o {elf} {sandbox.here}/micro.c")
    sh(f"objcopy -O binary {elf} {flat}")
    with open(flat, "rb") as f:
        code = bytes(ENTRY_OFFSET) + f.read()
    code += bytes(-len(code) % 16)
    head = bytearray(1024)
    head[0x1f1] = 1
    struct.pack_into("<I", head, 0x1f4, len(code) // 16)
    head[0x201:0x206] = b"\x66HdrS"
    for at, form, v in ((0x206, "<H", 0x20f), (0x22c, "<I", 0x7fffffff), (0x236, "<H", 1),
                        (0x238, "<I", 2047), (0x258, "<Q", LOAD), (0x260, "<I", 0x10000)):
        struct.pack_into(form, head, at, v)
    with open(out, "wb") as f:
        f.write(head + code)


def pvh_elf(out):
    """The same guest as an ELF file with a PVH entry."""
    sh(f"gcc {FLAGS} -DPVH -Wl,-Ttext={LOAD:#x},--section-start=.note.Xen={LOAD + 0x8000:#x} -o {out} {sandbox.here}/micro.c")


class Counter:
    """The guest that counts. control: its socket; None: where it is by its name."""

    def __init__(self, *words, control="control.sock"):
        self.control = control and os.path.join(sandbox.work, control)
        self.log = os.path.join(sandbox.work, "counter.log")
        with open(self.log, "ab") as log:
            self.vm = subprocess.Popen([l2.WORKER, *words, *(["--control", self.control] if control else [])],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                       preexec_fn=sandbox.die_with_parent)
        self.bad, self.last = [], 0

    def until(self, start):
        """The number behind the next line that begins so."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            line = self.vm.stdout.readline().decode()
            if "bad page" in line:
                self.bad.append(line)
            if line.startswith("count "):
                self.last = int(line.split()[-1], 16)
            if line.startswith(start):
                return int(line.split()[-1], 16)
            if not line:
                break
        with open(self.log, encoding="utf-8") as f:
            raise RuntimeError(f"no '{start}' from the guest\n{f.read()}")

    def count(self):
        return self.until("count ")

    def press(self, key):
        self.vm.stdin.write(key)
        self.vm.stdin.flush()

    def end(self):
        """Let it power off. Return: exit status, the last number it counted."""
        self.press(b"x")
        text = self.vm.stdout.read().decode()
        self.bad += re.findall("bad page.*", text)
        counts = re.findall("count ([0-9a-f]+)", text)
        return self.vm.wait(20), int(counts[-1], 16) if counts else self.last

    def save(self, path, *options):
        p = subprocess.run([l2.WORKER, "snapshot", "save", path, "--control", self.control,
                            *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           timeout=60, check=False)
        return p.returncode, p.stdout


def tell(*words):
    p = subprocess.run([l2.WORKER, "snapshot", *words], stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, timeout=60,
                       check=False)
    return p.returncode, p.stdout


def counting(memory, *options, append="count"):
    """One that has begun to count."""
    a = Counter("run", "--user-synic", "--name", "counter", "--memory", memory, "--append", append,
                "--kernel", os.path.join(sandbox.work, "micro"), *options)
    a.count()
    return a
