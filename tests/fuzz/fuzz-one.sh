#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# fuzz-one.sh TARGET SECONDS [OPTION...]: run one libFuzzer target on its seeds and the regressions of its
# past. What it finds new stays in the corpus, .cache/corpus/NAME or below $VIRIDIAN_CORPUS; an input that
# fails is left in .cache/crashes.
set -euo pipefail
target=$(readlink -f "$1")
seconds=$2
shift 2
corpus=${VIRIDIAN_CORPUS:-.cache/corpus}
cd "$(dirname "$(readlink -f "$0")")/../.."
name=${target##*/fuzz-}
mkdir -p "$corpus/$name" .cache/crashes
inputs=("$corpus/$name")
for folder in "tests/fuzz/seeds/$name" "tests/fuzz/regressions/$name"; do
	[[ -d $folder ]] && inputs+=("$folder")
done
dict=()
[[ -e tests/fuzz/seeds/$name.dict ]] && dict=("-dict=tests/fuzz/seeds/$name.dict")
# Hidden state (allocations of a lost configuration) counts as a failure, too.
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
exec "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
	-artifact_prefix=".cache/crashes/$name-" "${dict[@]}" "$@" "${inputs[@]}" </dev/null
