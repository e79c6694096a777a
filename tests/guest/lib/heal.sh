#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# heal.sh SERVER        what a machine does about its health, by itself: it reports what its agent finds, and while that
#                       is not enough it fetches the remedy from the remediation server and does what it says.
#                       /run/heal.log has one line a report.
# heal.sh SERVER FILE   only fetches a file. Not with wget: busybox's, being static, falls over in its name service
#                       beside a C library of another program.
fetch() {
	printf 'GET /%s HTTP/1.0\r\n\r\n' "$2" | nc -w 2 "$1" 8080 | sed '1,/^\r*$/d'
}

if [ $# -gt 1 ]; then
	fetch "$1" "$2"
	exit
fi
while :; do
	viridian-health --report --interface eth0 --service syslogd > /run/heal.answer 2> /run/heal.errors
	status=$?
	echo "$status" >> /run/heal.log
	[ $status -ne 3 ] || fetch "$1" remedy > /run/remedy
	[ $status -ne 3 ] || sh /run/remedy
	sleep 1
done
