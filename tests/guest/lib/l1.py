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


def kvm_machine(name, programs=(), files=(), l2_image=None, memory_mib=1024, cpus=2):
    """
    A machine whose /dev/kvm has Hyper-V support; not started. With l2_image (a path that
    build_image() returned) the guest kernel is at L2_KERNEL and the image at /l2/initrd.
    """
    files = list(files)
    if l2_image:
        files += [f"{sandbox.kernel}/vmlinuz={L2_KERNEL}", f"{l2_image}=/l2/initrd"]
    image = build_image(name, modules=KVM_MODULES, programs=programs, files=files)
    return Vm(name, image, cpu="max,+svm,+npt", memory_mib=memory_mib, cpus=cpus)
