#!/bin/bash
# The test command: installs missing packages, builds, and runs the tests.
#
# usage: tests/run.sh [STEP...]    without steps: all of them, as CI does
#
#   quick     debug build, and all tests
#   package   release build; installed, packed, used and removed
#   newcomer  the commands of README.md, and the packages, in fresh Debian systems (only as root)
#   fuzz      each fuzzer for a few seconds
#   tidy      clang-format and clang-tidy
#   asan      address and undefined-behaviour sanitizers, and all tests except tests/consistency
#   tsan      thread sanitizer, and the tests of the client
#   brokers   real brokers: all cases with each; with CI=true, a short form for those that start slowly;
#             and mqtt_testbroker with clients that nobody here wrote
#
# The last line is a total: N passed, N failed, N skipped. It exits with 1 when anything failed. Skipped tests are listed
# before it; with CI=true in the environment a skip that allowed_skips.txt does not list is a failure.
set -uo pipefail
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/.." || exit 1
. tests/packages.sh

all_steps=(quick package newcomer fuzz tidy asan tsan brokers)
steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=("${all_steps[@]}")
for step in "${steps[@]}"; do
    if ! [[ " ${all_steps[*]} " == *" $step "* ]]; then
        echo "run.sh: unknown step '$step' (known steps: ${all_steps[*]})" >&2
        exit 2
    fi
done

jobs=$(nproc)
# CI builds whole what a developer builds again after each change: its preset dev, too, compiles several sources as one.
in_units=()
[ "${CI-}" != true ] || in_units=(-D CMAKE_UNITY_BUILD=ON)
# Tests wait more than they compute.
test_jobs=$((jobs + jobs / 2))
passed=0
failed=0
skipped=0
failures=()
failed_output=()  # the end of it, again where nobody has to search for it
skips=()

heading() { printf '\n== %s  [%d s]\n' "$1" "$SECONDS"; }

fail() {
    failed=$((failed + 1))
    failures+=("$1")
    echo "run.sh: FAILED: $1" >&2
}

# build PRESET [TARGET]   prints nothing unless it fails
build() {
    local log=build/$1.log
    mkdir -p build
    [[ " ${ahead_presets[*]} " != *" $1 "* ]] || wait_ahead
    if ! { cmake --preset "$1" ${in_units[@]+"${in_units[@]}"} && cmake --build --preset "$1" -j "$jobs" ${2:+--target "$2"}; } >"$log" 2>&1; then
        grep -vE '^(\[[0-9]+/[0-9]+\]|--) ' "$log" | tail -n 80
        fail "build of preset $1 (whole log: $log)"
        return 1
    fi
}

# While tests wait, the processors build for later steps, with low priority. Those steps report what fails.
ahead_presets=()
for preset in fuzz asan tsan; do [[ " ${steps[*]} " != *" $preset "* ]] || ahead_presets+=("$preset"); done
ahead=
build_ahead() {
    local preset
    [ ${#ahead_presets[@]} -gt 0 ] || return 0
    set -m  # a process group of its own, which can be ended with this script
    for preset in "${ahead_presets[@]}"; do
        local target=all
        [ "$preset" != fuzz ] || target=fuzzers
        [ "$preset" != tsan ] || target=unit_client
        nice -n 19 cmake --preset "$preset" &&
            nice -n 19 cmake --build --preset "$preset" -j "$jobs" --target "$target"
    done >build/ahead.log 2>&1 </dev/null &
    ahead=$!
    set +m
    trap '[ -z "$ahead" ] || kill -- "-$ahead" 2>/dev/null' EXIT
}
wait_ahead() {
    [ -z "$ahead" ] || wait "$ahead"
    ahead=
}

# run_ctest PRESET [ctest's options...]
# Only a test that hangs takes 600 s.
run_ctest() {
    local preset=$1 p f s line counted junit=$PWD/build/$1/junit.xml
    shift
    rm -f "$junit"
    timeout --kill-after=10 1500 ctest --test-dir "build/$preset" -j "$test_jobs" --timeout 600 --output-on-failure \
        --no-tests=error --output-junit "$junit" --test-output-size-passed 4194304 \
        --test-output-size-failed 4194304 "$@"
    local status=$?
    mapfile -t counted < <(python3 tests/count.py "$junit" 2>/dev/null)
    if ! read -r p f s <<<"${counted[0]-}" || [ -z "$s" ]; then
        fail "tests of preset $preset left no result"
        return
    fi
    passed=$((passed + p))
    failed=$((failed + f))
    skipped=$((skipped + s))
    for line in "${counted[@]:1}"; do
        case $line in
            "skipped: "*) skips+=("$preset: ${line#skipped: }") ;;
            "failed: "*) failed_output+=("$preset: ${line#failed: }") ;;
        esac
    done
    if [ "$f" -gt 0 ]; then
        failures+=("$f tests of preset $preset")
    elif [ "$status" -ne 0 ]; then
        fail "ctest of preset $preset (exit code $status)"
    fi
}

step_quick() {
    heading "quick: build of preset dev, and all tests"
    tests/interop/browser/install.sh build/browser
    # A download takes longer than it computes.
    tests/npm.sh tests/interop/payload/npm build/payload &
    build dev || return
    wait
    build_ahead
    run_ctest dev
}

step_package() {
    heading "package: build of preset release, installed and packed"
    [ -x build/dev/bin/mqtt_testbroker ] || build dev mqtt_testbroker || return
    build release && run_ctest release
}

step_newcomer() {
    heading "newcomer: README.md and the packages in fresh Debian systems"
    mkdir -p build/newcomer
    local log=build/newcomer.log status skip
    ensure_packages newcomer || { fail "packages for the step newcomer"; return; }
    timeout --kill-after=30 1500 tests/install/newcomer.sh build/newcomer 2>&1 | tee "$log"
    status=${PIPESTATUS[0]}
    passed=$((passed + $(grep -c '^passed: ' "$log")))
    case $status in
        0 | 77)
            while read -r skip; do
                skipped=$((skipped + 1))
                skips+=("newcomer: $skip")
            done < <(sed -n 's/^skipped: //p' "$log")
            ;;
        *) fail "newcomer (exit code $status)" ;;
    esac
}

step_fuzz() {
    heading "fuzz: each fuzzer for a few seconds"
    build fuzz fuzzers && run_ctest fuzz -L fuzz
}

# Sources in the repository; without git, all files.
sources() { git ls-files -- "$@" 2>/dev/null || find "$@" -type f | sort; }

step_tidy() {
    heading "tidy: clang-format on every file"
    local unformatted
    command -v clang-format-19 >/dev/null || { fail "clang-format-19 is not installed"; return; }
    unformatted=$(sources libmqttc apps tests | grep -E '\.(cpp|hpp)$' |
        xargs clang-format-19 --dry-run 2>&1 | sed -n 's/:.* warning: .*//p' | sort -u)
    if [ -z "$unformatted" ]; then
        passed=$((passed + 1))
    else
        fail "clang-format-19 would change $(wc -w <<<"$unformatted") files: $(xargs <<<"$unformatted")"
    fi
    heading "tidy: clang-tidy on library, programs, test broker and test support"
    cmake --preset tidy >/dev/null || { fail "configuring preset tidy"; return; }
    cmake --build --preset tidy --target generated/sparkplug.pb.h >/dev/null || { fail "protoc"; return; }
    # In this preset a file is several sources, so that headers are checked less often. Test cases are not checked:
    # doctest's macros take minutes and produce no findings.
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
    heading "asan: build with sanitizers, and all tests"
    # LeakSanitizer is part of it. 99 is not an exit code of our programs.
    export ASAN_OPTIONS=exitcode=99:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1
    build asan && run_ctest asan -LE consistency
    unset ASAN_OPTIONS UBSAN_OPTIONS
}

step_tsan() {
    heading "tsan: build with the thread sanitizer, and the tests of the client"
    build tsan unit_client && run_ctest tsan -R '^unit_client$'
}

# add_total LOG WHAT   adds a program's last line, as this script's own (N passed, N failed, N skipped), to the total
add_total() {
    local p f s skip
    if ! read -r p f s < <(sed -nE '$s/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$1") || [ -z "$s" ]; then
        fail "$2 left no result"
        return
    fi
    passed=$((passed + p))
    failed=$((failed + f))
    skipped=$((skipped + s))
    while read -r skip; do skips+=("$skip"); done < <(sed -n 's/^skipped: //p' "$1")
    [ "$f" -eq 0 ] || failures+=("$f cases: $2")
}

step_brokers() {
    heading "brokers: mqtt_pub and mqtt_sub with real brokers"
    ensure_packages real-brokers || { fail "packages for the step brokers"; return; }
    build dev || return
    tests/npm.sh tests/brokers/npm build/npm
    local log=build/brokers.log short=()
    [ "${CI-}" != true ] || short=(--short rabbitmq --short activemq --short ejabberd --cluster-lines 5000)
    timeout --kill-after=10 3600 tests/brokers/run.py build/dev/bin --modules build/npm ${short[@]+"${short[@]}"} | tee "$log"
    add_total "$log" "real brokers"
    heading "brokers: mqtt_testbroker with other clients"
    timeout --kill-after=10 600 tests/brokers/other_clients.py build/dev/bin --modules build/npm | tee "$log.clients"
    add_total "$log.clients" "mqtt_testbroker with other clients"
}

if [[ " ${steps[*]} " == *" fuzz "* || " ${steps[*]} " == *" tidy "* ]]; then
    ensure_packages build package protobuf broker test cross-armhf ci || exit 1
else
    ensure_packages build package protobuf broker test cross-armhf || exit 1
fi
for step in "${steps[@]}"; do "step_$step"; done

# allowed_skip SKIP   whether a line of allowed_skips.txt is part of it
allowed_skip() {
    local line
    while read -r line; do
        [[ -z $line || $line == "#"* || $1 != *"$line"* ]] || return 0
    done <tests/allowed_skips.txt
    return 1
}

heading "done: ${steps[*]}"
for skip in ${skips[@]+"${skips[@]}"}; do
    echo "skipped: $skip"
    [ "${CI-}" != true ] || allowed_skip "$skip" || fail "skipped in CI: $skip"
done
for line in ${failed_output[@]+"${failed_output[@]}"}; do echo "$line"; done
for failure in ${failures[@]+"${failures[@]}"}; do echo "FAILED: $failure"; done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
