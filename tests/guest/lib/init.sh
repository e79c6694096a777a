#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# init.sh - process 1 of every test guest: mounts, modules, then the command agent.
#
# The agent answers on the second serial port, one line each way; vm.py is the other end:
#
#	-> ID TIMEOUT_S SIZE BASE64(shell commands)	SIZE: characters of the base64 text
#	<- R ID STATUS SIZE BASE64(output)		STATUS 124: the command ran out of time
#	-> ID						asks again for the answer
#	<- N ID						that request never came whole: send again
#
# It says "READY" once it listens. Output (stdout and stderr) goes through a file, not a pipe: a
# command may leave a background process behind without holding up the answer. SIZE is the output's
# full size; no more than its last 64 KiB is sent. IDs count from 1 without a gap, so that a line
# that lost a byte or an interrupt is neither run twice nor waited for in vain.
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
last=0
while read -r id timeout size text <&3; do
	[ -n "$id" ] || continue
	if [ "$id" = $((last + 1)) ] && [ -n "$text" ] && [ ${#text} = "$size" ]; then
		last=$id
		echo "$text" | base64 -d > /run/agent/command
		timeout -s KILL "$timeout" sh /run/agent/command \
			< /dev/null > /run/agent/output 2>&1 3<&- 4>&-
		status=$?
		# busybox timeout reports the signal it sent
		[ $status -eq 137 ] && status=124
		size=$(stat -c %s /run/agent/output)
		printf 'R %s %s %s %s\n' "$id" "$status" "$size" \
			"$(tail -c 65536 /run/agent/output | base64 | tr -d '\n')" \
			> /run/agent/answer
	elif [ "$id" != "$last" ]; then
		echo "N $id" >&4
		continue
	fi
	cat /run/agent/answer >&4
done
