#!/bin/bash
# Fails when mandoc or groff reports a fault in a manual page, or a page refers to a missing page of this project.
#
# usage: manual_lint.sh DIRECTORY
set -uo pipefail
cd "$1" || exit 2
if ! command -v mandoc >/dev/null; then
    echo "skipped: mandoc is not installed"
    exit 77
fi
pages=(*.[1-9])
# Which other manuals are installed does not matter.
faults=$(mandoc -T lint -W all "${pages[@]}" 2>&1 | grep -vE 'referenced manual not found|outdated mandoc.db|operating system explicitly specified')
for page in "${pages[@]}"; do
    while read -r _ name section _; do
        [ -e "$name.$section" ] || faults+=$'\n'"$page refers to $name($section), which does not exist"
    done < <(grep -hE '^\.Xr mqtt' "$page")
done
# groff warns of lines that are too long for 80 columns.
if command -v groff >/dev/null; then
    faults+=$(groff -k -t -mandoc -wbreak -Tutf8 -rLL=78n "${pages[@]}" 2>&1 >/dev/null)
fi
if [ -n "$faults" ]; then
    echo "$faults"
    exit 1
fi
echo "manual lint: ${#pages[@]} pages, no faults"
