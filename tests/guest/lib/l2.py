# SPDX-License-Identifier: GPL-2.0-or-later
"""
L2: a guest of our own viridian-vm, nested in an L1 machine that has a /dev/kvm (l1.kvm_machine()).

    vm = l1.kvm_machine("l1", programs=[l2.WORKER], l2_image=..., modules=l2.LINE_MODULES,
                         args=l2.lines(1))
    vm.boot()
    a = l2.Guest(vm, 0, "a", "--cpus 2")
    a.boot()
    a.run("uname -r")

The guest's agent speaks on its second serial port, which viridian-vm connects to a port of L1's
virtio console, which QEMU connects to a socket here: so a nested guest is asked exactly as any other.
"""

import base64
import os
import socket
import time

import l1
import sandbox
from vm import GuestError, Vm

WORKER = os.path.join(os.environ.get("VIRIDIAN_BUILD") or
                      os.path.join(sandbox.here, "../../../build"), "hv/viridian-vm")
LINE_MODULES = ("virtio_pci", "virtio_console")
APPEND = "console=ttyS0 panic=-1 mitigations=off random.trust_cpu=on"


def _line_path(slot):
    return os.path.join(sandbox.work, f"l2-{slot}.line")


def lines(n):
    """QEMU arguments of an L1 machine for n nested guests."""
    # Not more of L1's own serial ports: under TCG they stall now and then.
    args = ["-device", "virtio-serial-pci"]
    for i in range(n):
        args += ["-chardev", f"socket,id=l2-{i},path={_line_path(i)},server=on,wait=off",
                 "-device", f"virtserialport,chardev=l2-{i},nr={i + 1}"]
    return args


class Guest(Vm):
    """One viridian-vm in an L1 machine. slot: which of L1's lines it speaks on."""
    ask_again_s = 20  # an answer of a nested guest may be slow, but never stalls

    def __init__(self, host, slot, name, options="", append="", kernel=l1.L2_KERNEL):
        # Not Vm's: there is no QEMU of its own.
        self.name, self.host, self.slot = name, host, slot
        self.options, self.append, self.kernel = options, append, kernel
        self.qemu = None
        self._agent = None
        self._buffer = b""
        self._id = 0
        self.n_repeats = 0
        self.base = f"/run/{name}"

    def _launch(self, command):
        self.host.run(
            f"rm -f {self.base}.status; (sh -c 'echo $$ > {self.base}.pid; exec \"$@\"' - "
            f"{command} --serial /dev/vport0p{1 + self.slot} {self.options} "
            f"< /dev/null > {self.base}.console 2>> {self.base}.log; echo $? > {self.base}.status) &")

    def restore(self, path, options=None):
        """Go on from a snapshot, in the middle of the conversation. options: others from now on."""
        self.options = self.options if options is None else options
        self._launch(f"viridian-vm snapshot restore {path}")

    def start(self):
        # A line stays connected for good: what an older guest said last must not be taken for new.
        self.hang_up()
        self._agent = socket.socket(socket.AF_UNIX)
        self._agent.connect(_line_path(self.slot))
        self._buffer, self._id = b"", 0
        self._launch(f"viridian-vm run --name {self.name} --kernel {self.kernel} --initrd /l2/initrd "
                     f"--append '{APPEND} {self.append}'")

    def hang_up(self):
        """Leave the line to another guest."""
        if self._agent:
            self._agent.close()
        self._agent = None

    def send(self, command):
        """Run a command from which the guest does not come back to answer."""
        self._id += 1
        text = base64.b64encode(command.encode()).decode()
        self._agent.sendall(f"{self._id} 60 {len(text)} {text}\n".encode())

    def reboot(self, command="reboot -f"):
        self.send(command)
        self.again()

    def again(self, timeout_s=90):
        """The guest boots again by itself: wait for its agent."""
        self._id = 0
        self.wait_ready(timeout_s)

    def ended(self, timeout_s=20, for_good=True):
        """Wait for the process; its exit status. for_good: the conversation is over, too."""
        deadline = time.monotonic() + timeout_s
        while True:
            status, text = self.host.ask(f"cat {self.base}.status")
            if status == 0:
                if for_good:
                    self.hang_up()
                return int(text)
            if time.monotonic() > deadline:
                raise GuestError(f"{self.name}: viridian-vm did not end\n{self.report()}")
            time.sleep(0.1)

    def log(self):
        return self.host.ask(f"cat {self.base}.log")[1]

    def stop(self):
        self.host.ask(f"kill $(cat {self.base}.pid)")

    def report(self):
        try:
            return f"--- {self.name}\n" + self.host.ask(
                f"cat {self.base}.status; tail -20 {self.base}.log; tail -40 {self.base}.console")[1]
        except GuestError as e:
            return str(e)
