#!/bin/bash
# Compiles each public header alone as C++20 and as C++17: the first error must be the sentence of mqttc/compiler.hpp, and the last
# one of its file.
#
# usage: old_standard.sh COMPILER INCLUDE_DIRECTORY
. "$(dirname "$0")/../strict.sh"
compiler=$1
include=$2
for header in "$include"/mqttc/*.hpp; do
    name=${header#"$include/"}
    for standard in c++20 c++17; do
        if output=$("$compiler" -std=$standard -fsyntax-only -I "$include" -x c++ "$header" 2>&1); then
            echo "$name compiles as $standard" >&2
            exit 1
        fi
        errors=$(grep -c 'error:' <<<"$output" || true)
        if [[ $(grep -m 1 'error:' <<<"$output") != *"libmqttc needs C++23: compile with -std=c++23"* ]] || [ "$errors" -gt 2 ]; then
            printf '%s as %s:\n%s\n' "$name" "$standard" "$output" >&2
            exit 1
        fi
    done
done
# The same command accepts them as C++23, so that the errors above have no other cause.
"$compiler" -std=c++23 -fsyntax-only -I "$include" -x c++ "$include/mqttc/client.hpp"
