#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every fuzz target for a few seconds on its seeds and regressions, as TAP.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 2
seconds=${VIRIDIAN_FUZZ_SECONDS:-3}
n=0
status=0
for target in build-fuzz/tests/fuzz/fuzz-*; do
	[[ -f $target && -x $target ]] || continue
	n=$((n + 1))
	log=$(tests/fuzz/fuzz-one.sh "$target" "$seconds" 2>&1)
	if [[ $? -eq 0 ]]; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' <<<"$log")
		echo "ok $n - ${target##*/}, $runs runs"
	else
		status=1
		echo "not ok $n - ${target##*/}"
		tail -n 60 <<<"$log" | sed 's/^/# /'
	fi
done
if [[ $n -eq 0 ]]; then
	echo "1..0 # SKIP there is no fuzz target yet"
	exit 0
fi
echo "1..$n"
exit "$status"
