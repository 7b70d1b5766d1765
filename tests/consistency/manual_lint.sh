#!/bin/bash
# Fails when mandoc or groff finds fault with a manual page, or a page refers to one of ours that does not exist.
#
# usage: manual_lint.sh FOLDER
set -uo pipefail
cd "$1" || exit 2
if ! command -v mandoc >/dev/null; then
    echo "manual_lint: skipped, this machine has no mandoc"
    exit 77
fi
pages=(*.[1-9])
# What the machine has installed, and whether its index is fresh, is not the page's fault.
faults=$(mandoc -T lint -W all "${pages[@]}" 2>&1 | grep -vE 'referenced manual not found|outdated mandoc.db')
for page in "${pages[@]}"; do
    while read -r _ name section _; do
        [ -e "$name.$section" ] || faults+=$'\n'"$page refers to $name($section), which does not exist"
    done < <(grep -hE '^\.Xr mqtt' "$page")
done
# groff, which shows them on most machines, warns the reader of lines that are too long for 80 columns.
if command -v groff >/dev/null; then
    faults+=$(groff -k -t -mandoc -wbreak -Tutf8 -rLL=78n "${pages[@]}" 2>&1 >/dev/null)
fi
if [ -n "$faults" ]; then
    echo "$faults"
    exit 1
fi
echo "manual lint: ${#pages[@]} pages, no fault"
