#!/usr/bin/env python3
"""Counts test cases in JUnit files of ctest: doctest's own count where a program prints one, otherwise one each.

usage: count.py FILE...   prints `PASSED FAILED SKIPPED`, then a line for each skip: `skipped: ` and what was skipped and
why, and for each failed program `failed: ` with the last lines of its output

A test program, or a case of it (support/needs.hpp), reports a skip with a line `skipped: ...`.
"""

import re
import sys
import xml.etree.ElementTree as xml

SUMMARY = re.compile(r"\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|\s*(\d+) skipped")
SHOWN = 30  # lines of a failed program's output
SKIPPED = re.compile(r"^skipped: (.*)$", re.MULTILINE)


def count(case):
    """Passed, failed and skipped cases of one test program, and the reasons of the skips."""
    status = case.get("status")
    output = case.findtext("system-out") or ""
    reasons = SKIPPED.findall(output)
    if status in ("notrun", "disabled") or case.find("skipped") is not None:
        return 0, 0, 1, reasons or ["no reason given"]
    summary = SUMMARY.search(output)
    if not summary:
        return (1, 0, 0, []) if status == "run" else (0, 1, 0, [])
    _, passed, failed, skipped = map(int, summary.groups())
    if status != "run" and failed == 0:
        failed = 1  # for example a leak found after the last case
    return passed, failed, skipped, reasons


def main():
    totals, skips, failures = [0, 0, 0], [], []
    for path in sys.argv[1:]:
        for case in xml.parse(path).getroot().iter("testcase"):
            *numbers, reasons = count(case)
            totals = [a + b for a, b in zip(totals, numbers)]
            name = case.get("name")
            skips += [f"skipped: {name}: {reason}" for reason in reasons]
            if numbers[1] > 0:
                output = [line for line in (case.findtext("system-out") or "").splitlines() if line.strip()]
                failures += [f"failed: {name}: {line}" for line in output[-SHOWN:] or ["no output"]]
    print(*totals)
    print("\n".join(skips + failures))


if __name__ == "__main__":
    main()
