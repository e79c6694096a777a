# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest with one vhost-user NIC, and the TCP transfer with a hash on both sides."""

import os

import sandbox
from net import wait_for
from vm import Vm, build_image, compile_c

QUEUES = 2
_TOOLS = {}


def tools():
    """Programs the tests need on both sides: {name: path on the host}."""
    if not _TOOLS:
        _TOOLS["xfer"] = compile_c("xfer.c")
    return _TOOLS


def image():
    """The image of a virtio guest, built once per test."""
    path = os.path.join(sandbox.work, "virtio.img")
    if os.path.exists(path):
        return path
    return build_image("virtio", modules=["virtio_pci", "virtio_net"],
                       programs=["ethtool", *tools().values()])


def nic(index, path, mac, qemu_is_server, queues=QUEUES, packed=False):
    """
    QEMU arguments of a vhost-user NIC.

    vectors=0: Debian's QEMU 7.2 crashes under TCG when a vhost-user device uses MSI-X.
    """
    mode = "server=on,wait=off" if qemu_is_server else "reconnect=1"
    return ["-chardev", f"socket,id=vu{index},path={path},{mode}",
            "-netdev", f"vhost-user,id=net{index},chardev=vu{index},queues={queues}",
            "-device", f"virtio-net-pci,netdev=net{index},mac={mac},vectors=0,"
                       f"mq={'on' if queues > 1 else 'off'},packed={'on' if packed else 'off'}"]


def guest(name, path, mac, qemu_is_server, cpus=2, **kw):
    """A guest of 256 MiB that a vhost-user back end can serve; not started."""
    return Vm(name, image(), cpus=cpus, memory_args=Vm.shared_memory(256),
              args=nic(0, path, mac, qemu_is_server, **kw))


def configure(vm, address):
    vm.run("echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6;"
           f"ip addr add {address} dev eth0 && ip link set eth0 up")


OFFLOADS = ("tx", "rx", "sg", "tso", "gso", "gro")


def set_offloads(vm, on):
    """Switch every offload of the guest's NIC that it can switch; return what is on now."""
    for o in OFFLOADS:
        vm.ask(f"ethtool -K eth0 {o} {'on' if on else 'off'}")
    text = vm.run("ethtool -k eth0")
    return {o for o in ("tx-checksumming", "rx-checksumming", "tcp-segmentation-offload")
            if f"{o}: on" in text}


def _result(text):
    fields = text.split()
    return (fields[0], fields[1]) if len(fields) == 3 else None


def _listening(ask, port):
    return lambda: ask(f"grep -q ':{port:04X} 00000000:0000 0A' /proc/net/tcp")[0] == 0


def send_from_guest(vm, host, address, port, size, timeout_s=600):
    """TCP from the guest to a namespace host: (same size and hash, text for people)."""
    receiver = host.start([tools()["xfer"], "recv", str(port)])
    wait_for(_listening(host.ask, port), 10, "the receiver listens")
    status, sent = vm.ask(f"xfer send {address} {port} {size}", timeout_s)
    if status:
        receiver.kill()
    got = receiver.communicate(timeout=30)[0]
    same = status == 0 and _result(sent) is not None and _result(sent) == _result(got)
    return same, f"guest sent: {sent.strip()} | host got: {got.strip()} (size, hash, MiB/s)"


def send_to_guest(vm, host, address, port, size, timeout_s=600):
    """The same from a namespace host to the guest."""
    vm.run(f"xfer recv {port} > /tmp/recv.{port} 2>&1 &")
    wait_for(_listening(vm.ask, port), 20, "the guest's receiver listens")
    status, sent = host.ask(f"{tools()['xfer']} send {address} {port} {size}", timeout_s)
    got = vm.run(f"for i in $(seq 50); do [ -s /tmp/recv.{port} ] && break; sleep 0.1; done;"
                 f"cat /tmp/recv.{port}")
    same = status == 0 and _result(sent) is not None and _result(sent) == _result(got)
    return same, f"host sent: {sent.strip()} | guest got: {got.strip()} (size, hash, MiB/s)"
