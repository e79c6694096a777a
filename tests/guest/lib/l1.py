# SPDX-License-Identifier: GPL-2.0-or-later
"""
L1: a machine under TCG that is itself a host. It has a real /dev/kvm (AMD SVM, which TCG emulates)
for nested guests, or emulated NICs behind an IOMMU for real DPDK drivers.
"""

import sandbox
from vm import Vm, build_image

KVM_MODULES = ("irqbypass", "kvm", "kvm-amd")
# What a program in L1 needs to boot another guest with the same kit: the kernel at these paths.
L2_KERNEL = "/l2/vmlinuz"


def kvm_machine(name, programs=(), files=(), l2_image=None, memory_mib=1024, cpus=1, modules=(),
                drivers=(), args=(), l2_kernel=None, memory_args=None):
    """
    A machine whose /dev/kvm has Hyper-V support; not started. With l2_image (a path that
    build_image() returned) the guest kernel is at L2_KERNEL and the image at /l2/initrd.
    """
    files = list(files)
    if l2_image:
        files += [f"{l2_kernel or sandbox.kernel}/vmlinuz={L2_KERNEL}", f"{l2_image}=/l2/initrd"]
    image = build_image(name, modules=[*KVM_MODULES, *modules], programs=programs, files=files,
                        drivers=drivers)
    # One processor: with two, QEMU's nested virtualisation lasts for minutes only (README.md). And
    # TCG's nested SVM resets the whole machine about once in a hundred boots, with no word from its
    # kernel. What is under test runs inside, where it could not do that to a real processor.
    return Vm(name, image, cpu="max,+svm,+npt", memory_mib=memory_mib, cpus=cpus, args=args,
              memory_args=memory_args, may_die=True)


# The real ip, with netns. By its path, because busybox's shell prefers its own command of that name.
IP = "/usr/sbin/ip"
# Every NIC sits at its own slot of the root bus, so that its address is known before the boot.
_FIRST_SLOT = 0x10
_NIC = {"virtio-net-pci": ",iommu_platform=on,ats=on,disable-legacy=on", "e1000e": ""}
# Loaded only for programs that find their drivers at run time.
DPDK_DRIVERS = ("bus_pci", "bus_vdev", "mempool_ring", "net_virtio", "net_e1000")


def pci_machine(name, nics, programs=(), memory_mib=1024):
    """
    A machine with an IOMMU and one NIC per (model, wire) in nics; not started. Slots count from
    _FIRST_SLOT: pci_address(0) is the first NIC.
    """
    image = build_image(name, modules=["tun"], stage=["vfio-pci", "vfio_iommu_type1"],
                        programs=[f"ip={IP}", *programs], drivers=DPDK_DRIVERS)
    args = ["-device", "intel-iommu,intremap=on,device-iotlb=on"]
    for i, (model, wire) in enumerate(nics):
        args += wire.netdev(f"net{i}")
        args += ["-device", f"{model},netdev=net{i},mac=52:54:00:0b:00:0{i},"
                            f"addr={_FIRST_SLOT + i:#x}{_NIC[model]}"]
    # QEMU refuses interrupt remapping with the default interrupt controller.
    return Vm(name, image, args=args, machine="q35,kernel-irqchip=split", memory_mib=memory_mib,
              append="intel_iommu=on iommu=pt")


def pci_address(index):
    return f"0000:00:{_FIRST_SLOT + index:02x}.0"


def reserve_hugepages(vm, n):
    """Reserve 2 MiB pages in the machine and mount them."""
    vm.run(f"echo {n} > /proc/sys/vm/nr_hugepages; [ $(cat /proc/sys/vm/nr_hugepages) = {n} ];"
           "mkdir -p /dev/hugepages && mount -t hugetlbfs hugetlbfs /dev/hugepages")


def bind_vfio(vm, *addresses):
    """Give NICs to vfio-pci, behind the IOMMU."""
    vm.run("load vfio-pci vfio_iommu_type1")
    for a in addresses:
        vm.run(f"d=/sys/bus/pci/devices/{a};"
               "[ -d $d/iommu_group ] || { echo no IOMMU group; exit 1; };"
               f"echo vfio-pci > $d/driver_override; echo {a} > /sys/bus/pci/drivers_probe;"
               "[ $(basename $(readlink $d/driver)) = vfio-pci ]")
