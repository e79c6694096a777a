#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# check.sh GENERATOR SOURCE MANPAGE...: committed reference pages are those the tables give; manual pages are
# well formed. Prints TAP.
set -uo pipefail
generator=$1
source=$2
shift 2
n=0
status=0

result() # STATUS TEXT; what stdin says is shown on failure
{
	n=$((n + 1))
	if [[ $1 -eq 0 ]]; then
		echo "ok $n - $2"
	else
		status=1
		echo "not ok $n - $2"
		sed 's/^/# /' | head -n 30
	fi
}

for page in cli errors drops; do
	difference=$("$generator" "$page.md" | diff "$source/docs/reference/$page.md" - 2>&1)
	result $? "docs/reference/$page.md is up to date (else: ./run docs)" <<<"$difference"
done
for page; do
	if ! command -v mandoc >/dev/null; then
		n=$((n + 1))
		echo "ok $n - ${page##*/} # SKIP mandoc is not installed"
		continue
	fi
	faults=$(mandoc -T lint -W warning "$page" 2>&1)
	result $? "mandoc accepts ${page##*/}" <<<"$faults"
done
echo "1..$n"
exit "$status"
