#!/usr/bin/env python3
"""Fails when a source file's first line does not say what the file is for.

usage: first_lines.py ROOT
"""

import os
import re
import sys

TOPS = ("libmqttc", "apps", "tests", ".ci")
# A sentence of at least two words; scripts may have it after the #! line.
COMMENTS = {
    (".cpp", ".hpp", ".h"): re.compile(r"(//|/\*) ?\S+ \S+"),
    (".py",): re.compile(r'(#|""") ?\S+ \S+'),
    (".sh", ".cmake", "CMakeLists.txt", ".ci/run"): re.compile(r"# ?\S+ \S+"),
}


def check(path):
    for endings, comment in COMMENTS.items():
        if path.endswith(endings):
            with open(path, encoding="utf-8") as source:
                line = source.readline()
                if line.startswith("#!"):
                    line = source.readline()
            return None if comment.match(line) else "the first line does not say what the file is for"
    return None


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    count, complaints = 0, []
    for top in TOPS:
        for folder, _, names in os.walk(os.path.join(sys.argv[1], top)):
            for name in sorted(names):
                path = os.path.join(folder, name)
                count += 1
                if problem := check(path):
                    complaints.append(f"{os.path.relpath(path, sys.argv[1])}:1: {problem}")
    print("\n".join(complaints) or f"first lines: {count} files looked at, all say what they are for")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
