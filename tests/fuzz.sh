#!/bin/sh
# Runs each fuzzer for SECONDS of CPU time (default 600), one after another, with the corpus in the tree.
# New inputs go to build/fuzz/corpus/NAME, findings to build/fuzz/findings/NAME. Exits with 1 if there is a finding.
#
# usage: tests/fuzz.sh [SECONDS [NAME...]]    NAME: decode, session, options, format, ... (default: all)
set -e
cd "$(dirname "$0")/.."
seconds=${1:-600}
[ $# -eq 0 ] || shift
[ -d build/fuzz ] || cmake --preset fuzz
cmake --build --preset fuzz --target fuzzers
if [ $# -eq 0 ]; then
    set -- $(cd build/fuzz/tests && ls -d fuzz_* | sed -n 's/^fuzz_\([a-z0-9_]*\)$/\1/p')
fi
status=0
for name in "$@"; do
    mkdir -p "build/fuzz/corpus/$name" "build/fuzz/findings/$name"
    echo "== $name, $seconds s"
    build/fuzz/tests/fuzz_"$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/findings/$name/" "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" \
        >"build/fuzz/$name.log" 2>&1 || { status=1; echo "FOUND: see build/fuzz/$name.log"; }
    grep -E '^(Done|stat::number_of_executed_units|stat::peak_rss_mb)' "build/fuzz/$name.log" || :
done
exit $status
