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
# libFuzzer learns from compared values, addresses too: where those are the same each time, so is what it tries.
still=()
setarch -R true 2>/dev/null && still=(setarch -R)

one() # N TARGET
{
	local log done_runs

	if log=$("${still[@]}" tests/fuzz/fuzz-one.sh "$2" "$seconds" -seed=1 -runs="$runs" 2>&1); then
		done_runs=$(sed -n 's/^stat::number_of_executed_units: *//p' <<<"$log")
		echo "ok $1 - ${2##*/}, $done_runs runs"
	else
		echo "not ok $1 - ${2##*/}"
		# what libFuzzer prints of its progress says nothing about the failure
		grep -v '^#[0-9]' <<<"$log" | tail -n 40 | sed 's/^/# /'
		return 1
	fi
}

# One a processor; what they say comes in their order.
n=0
shown=0
status=0
pids=()
show_next()
{
	wait "${pids[shown]}" || status=1
	shown=$((shown + 1))
	cat "$VIRIDIAN_CORPUS/$shown.tap"
}
for target in build-fuzz/tests/fuzz/fuzz-*; do
	[[ -f $target && -x $target ]] || continue
	[[ $((n - shown)) -ge $(nproc) ]] && show_next
	n=$((n + 1))
	one "$n" "$target" >"$VIRIDIAN_CORPUS/$n.tap" &
	pids+=($!)
done
while [[ $shown -lt $n ]]; do
	show_next
done
if [[ $n -eq 0 ]]; then
	echo "1..0 # SKIP there is no fuzz target yet"
	exit 0
fi
echo "1..$n"
exit "$status"
