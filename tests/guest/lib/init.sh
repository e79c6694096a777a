#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# init.sh - process 1 of every test guest: mounts, modules, then the command agent.
#
# The agent answers on the second serial port, one line each way; vm.py is the other end:
#
#	-> ID TIMEOUT_S BASE64(shell commands)
#	<- R ID STATUS SIZE BASE64(output)		STATUS 124: the command ran out of time
#
# It says "READY" once it listens. Output (stdout and stderr) goes through a file, not a pipe: a
# command may leave a background process behind without holding up the answer. SIZE is the output's
# full size; no more than its last 64 KiB is sent. A lost byte shows as broken base64 or a wrong
# size, never as a wrong answer.
export PATH=/usr/bin:/usr/sbin HOME=/root LC_ALL=C
mount -t proc proc /proc
mount -t sysfs sysfs /sys
[ -c /dev/null ] || mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mkdir -p /run/agent /run/netns
hostname guest
ip link set lo up

# shellcheck disable=SC2046 # one word per module is meant
load $(cat /modules/boot) || echo "init: a module did not load" > /dev/console

port=/dev/ttyS1
stty -F $port raw -echo 115200
# shellcheck disable=SC2094 # a tty, not a file
exec 3< $port 4> $port
echo READY >&4
while read -r id timeout text <&3; do
	echo "$text" | base64 -d > /run/agent/command
	timeout -s KILL "$timeout" sh /run/agent/command \
		< /dev/null > /run/agent/output 2>&1 3<&- 4>&-
	status=$?
	# busybox timeout reports the signal it sent
	[ $status -eq 137 ] && status=124
	printf 'R %s %s %s %s\n' "$id" "$status" "$(stat -c %s /run/agent/output)" \
		"$(tail -c 65536 /run/agent/output | base64 | tr -d '\n')" >&4
done
