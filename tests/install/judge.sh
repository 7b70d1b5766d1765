#!/bin/bash
# Checks Debian packages of any architecture with lintian, and prints their sizes.
#
# usage: judge.sh DEB...     exit code 1: lintian found errors
. "$(dirname "$0")/../strict.sh"
if command -v lintian >/dev/null; then
    lintian --fail-on error --allow-root --suppress-tags initial-upload-closes-no-bugs "$@" ||
        { echo "judge.sh: lintian found errors" >&2; exit 1; }
else
    echo "lintian is not installed: packages not checked"
fi
for deb in "$@"; do
    printf '%s %s: %d KiB compressed, %s KiB installed\n' "$(dpkg-deb -f "$deb" Package)" \
        "$(dpkg-deb -f "$deb" Architecture)" $(($(stat -c %s "$deb") / 1024)) "$(dpkg-deb -f "$deb" Installed-Size)"
done
