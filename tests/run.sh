#!/bin/bash
# The test command: installs what is missing, builds, and runs the tests.
#
# usage: tests/run.sh [STEP...]    without steps: all of them, as CI does
#
#   quick   debug build, and all tests
#   package builds as it is installed; installs, packs, uses and removes it
#   fuzz    each fuzzer for a few seconds
#   tidy    clang-format and clang-tidy
#   asan    address and undefined-behaviour sanitizers, and all tests but those of the tree itself
#
# LAST_START=SECONDS in the environment: a step that would begin later is left out, and counted as skipped.
# The last line is a total: N passed, N failed, N skipped. It exits with 1 when anything failed.
set -uo pipefail
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/.." || exit 1
. tests/packages.sh

all_steps=(quick package fuzz tidy asan)
steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=("${all_steps[@]}")
for step in "${steps[@]}"; do
    if ! [[ " ${all_steps[*]} " == *" $step "* ]]; then
        echo "run.sh: unknown step '$step' (there are: ${all_steps[*]})" >&2
        exit 2
    fi
done

jobs=$(nproc)
passed=0
failed=0
skipped=0
failures=()

say() { printf '\n== %s  [%d s]\n' "$1" "$SECONDS"; }

fail() {
    failed=$((failed + 1))
    failures+=("$1")
    echo "run.sh: FAILED: $1" >&2
}

# build PRESET [TARGET]   quiet unless it fails
build() {
    local log=build/$1.log
    mkdir -p build
    if ! { cmake --preset "$1" && cmake --build --preset "$1" -j "$jobs" ${2:+--target "$2"}; } >"$log" 2>&1; then
        grep -vE '^(\[[0-9]+/[0-9]+\]|--) ' "$log" | tail -n 80
        fail "build of preset $1 (whole log: $log)"
        return 1
    fi
}

# run_ctest PRESET [ctest's options...]
run_ctest() {
    local preset=$1 p f s junit=$PWD/build/$1/junit.xml
    shift
    rm -f "$junit"
    timeout --kill-after=10 1500 ctest --test-dir "build/$preset" -j "$jobs" --timeout 300 --output-on-failure \
        --no-tests=error --output-junit "$junit" --test-output-size-passed 4194304 \
        --test-output-size-failed 4194304 "$@"
    local status=$?
    if ! read -r p f s < <(python3 tests/count.py "$junit" 2>/dev/null); then
        fail "tests of preset $preset left no result"
        return
    fi
    passed=$((passed + p))
    failed=$((failed + f))
    skipped=$((skipped + s))
    if [ "$f" -gt 0 ]; then
        failures+=("$f tests of preset $preset")
    elif [ "$status" -ne 0 ]; then
        fail "ctest of preset $preset (exit code $status)"
    fi
}

step_quick() {
    say "quick: build of preset dev, and all tests"
    tests/interop/browser/install.sh build/browser
    build dev && run_ctest dev
}

step_package() {
    say "package: build of preset package, installed and packed"
    [ -x build/dev/bin/mqtt_testbroker ] || build dev mqtt_testbroker || return
    build package && run_ctest package
}

step_fuzz() {
    say "fuzz: each fuzzer for a few seconds"
    build fuzz fuzzers && run_ctest fuzz -L fuzz
}

# Our sources; git knows what is ours.
sources() { git ls-files -- "$@" 2>/dev/null || find "$@" -type f | sort; }

step_tidy() {
    say "tidy: clang-format on every file"
    local unformatted
    command -v clang-format-19 >/dev/null || { fail "no clang-format-19 here"; return; }
    unformatted=$(sources libmqttc apps tests | grep -E '\.(cpp|hpp)$' |
        xargs clang-format-19 --dry-run 2>&1 | sed -n 's/:.* warning: .*//p' | sort -u)
    if [ -z "$unformatted" ]; then
        passed=$((passed + 1))
    else
        fail "clang-format-19 would change $(wc -w <<<"$unformatted") files: $(xargs <<<"$unformatted")"
    fi
    say "tidy: clang-tidy on library, programs and what tests share"
    cmake --preset tidy >/dev/null || { fail "configuring preset tidy"; return; }
    # The preset's files are some sources each, so that headers are looked at less often. Test cases are left out:
    # doctest's macros cost minutes and find nothing.
    if sed -n "s|^ *\"file\": \"$PWD/\(.*\)\",\{0,1\}\$|\1|p" build/tidy/compile_commands.json |
        grep -E '^(build/tidy/)?(libmqttc|apps|tests/broker|tests/support)/' | grep -v doctest_main |
        xargs -P "$jobs" -n 1 clang-tidy-19 --quiet --use-color=false -p build/tidy \
            --checks=-bugprone-suspicious-include >build/tidy.log 2>&1; then
        passed=$((passed + 1))
    else
        grep -E '(error|warning): ' build/tidy.log | sort -u | sed "s|^$PWD/||"
        fail "clang-tidy-19 (whole log: build/tidy.log)"
    fi
}

step_asan() {
    say "asan: build with sanitizers, and all tests"
    # LeakSanitizer runs with the address sanitizer; a finding ends the program with a code no program of ours has.
    export ASAN_OPTIONS=exitcode=99:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1
    build asan && run_ctest asan -LE consistency
    unset ASAN_OPTIONS UBSAN_OPTIONS
}

if [[ " ${steps[*]} " == *" fuzz "* || " ${steps[*]} " == *" tidy "* ]]; then
    ensure_packages build test ci || exit 1
else
    ensure_packages build test || exit 1
fi
for step in "${steps[@]}"; do
    if [ "$SECONDS" -gt "${LAST_START:-$SECONDS}" ]; then
        say "$step: SKIPPED, $LAST_START s are over"
        skipped=$((skipped + 1))
        continue
    fi
    "step_$step"
done

say "done: ${steps[*]}"
for failure in ${failures[@]+"${failures[@]}"}; do echo "FAILED: $failure"; done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
