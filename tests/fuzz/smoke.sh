#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every fuzz target for some seconds on its seeds and regressions, as TAP. From the same seed and an empty
# corpus each time: a change is judged by what it did, ./run fuzz is there to find what nobody did yet.
set -uo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.." || exit 2
seconds=${VIRIDIAN_FUZZ_SECONDS:-20}
runs=${VIRIDIAN_FUZZ_RUNS:-5000}
VIRIDIAN_CORPUS=$(mktemp -d) || exit 2
export VIRIDIAN_CORPUS
trap 'rm -rf "$VIRIDIAN_CORPUS"' EXIT
n=0
status=0
for target in build-fuzz/tests/fuzz/fuzz-*; do
	[[ -f $target && -x $target ]] || continue
	n=$((n + 1))
	log=$(tests/fuzz/fuzz-one.sh "$target" "$seconds" -seed=1 -runs="$runs" 2>&1)
	if [[ $? -eq 0 ]]; then
		done_runs=$(sed -n 's/^stat::number_of_executed_units: *//p' <<<"$log")
		echo "ok $n - ${target##*/}, $done_runs runs"
	else
		status=1
		echo "not ok $n - ${target##*/}"
		# what libFuzzer prints of its progress says nothing about the failure
		grep -v '^#[0-9]' <<<"$log" | tail -n 40 | sed 's/^/# /'
	fi
done
if [[ $n -eq 0 ]]; then
	echo "1..0 # SKIP there is no fuzz target yet"
	exit 0
fi
echo "1..$n"
exit "$status"
