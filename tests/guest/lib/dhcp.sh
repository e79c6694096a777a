#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# For busybox udhcpc -s, which puts what it got into the environment: take the address.
# shellcheck disable=SC2154
[ "$1" != bound ] || ip addr add "$ip/24" dev "$interface"
