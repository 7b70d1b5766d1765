#!/bin/bash
# Compiles the headers of the library's layers as C++20: the first error must be the sentence of mqttc/compiler.hpp, and the last one of its file.
#
# usage: old_standard.sh COMPILER INCLUDE_DIRECTORY
set -euo pipefail
compiler=$1
include=$2
for name in mqttc/{client,session,codec,coroutine,url}.hpp; do
    if output=$("$compiler" -std=c++20 -fsyntax-only -I "$include" -x c++ "$include/$name" 2>&1); then
        echo "$name compiles as C++20" >&2
        exit 1
    fi
    errors=$(grep -c 'error:' <<<"$output" || true)
    if [[ $(grep -m 1 'error:' <<<"$output") != *"libmqttc needs C++23: compile with -std=c++23"* ]] || [ "$errors" -gt 2 ]; then
        printf '%s as C++20:\n%s\n' "$name" "$output" >&2
        exit 1
    fi
done
# The same command accepts them as C++23, so that the errors above have no other cause.
"$compiler" -std=c++23 -fsyntax-only -I "$include" -x c++ "$include/mqttc/client.hpp"
