#!/usr/bin/env python3
"""Fails when README promises with a test that does not exist.

usage: promises.py ROOT
       promises.py --self-test ROOT    changes each name in turn, and expects that to be noticed

In the table of promises a name in asterisks is the sentence of a test case, with … for what is left out; a file's
name, a test program and a script are looked for, too.
"""

import os
import re
import sys

CASE = re.compile(r'\bTEST_CASE(?:_FIXTURE)?\((?:\w+, )?\s*((?:"(?:[^"\\]|\\.)*"\s*)+)')


def names_of(root):
    """The sentences of all test cases, the names of all files, and those of all test programs."""
    cases, files, programs = set(), set(), set()
    for folder, _, names in os.walk(os.path.join(root, "tests")):
        files.update(names)
        for name in names:
            if not name.endswith((".cpp", "CMakeLists.txt", ".cmake")):
                continue
            with open(os.path.join(folder, name), encoding="utf-8") as source:
                text = source.read()
            if name.endswith(".cpp"):
                cases.update("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', found)) for found in CASE.findall(text))
            else:
                programs.update(re.findall(r"\bmqttc_test\((\w+)", text))
                programs.update("unit_" + name for name in re.findall(r"\bmqttc_unit_test\((\w+)", text))
    return cases, files, programs


def promised(readme):
    """The second column of each row."""
    table = readme.split("\n## Promises\n")[1]
    return [row.split("|")[2] for row in re.findall(r"^\|.*\|$", table, re.MULTILINE)[2:]]


def complaints(column, cases, files, programs):
    for name in re.findall(r"\*([^*]+)\*", column):
        pattern = "".join(".*" if part == "…" else re.escape(part) for part in re.split(r"\s*(…)\s*", name))
        if not any(re.fullmatch(pattern, case) for case in cases):
            yield f"no test case is called '{name}'"
    for name in re.findall(r"\b\w+\.(?:cpp|sh)\b", column):
        if name not in files:
            yield f"there is no file {name}"
    for name in re.findall(r"\b(?:unit|e2e|interop|cli)_\w+", column):
        if name not in programs and not any(program.startswith(name + "_") for program in programs):
            yield f"there is no test program {name}"


def main():
    self_test = sys.argv[1:2] == ["--self-test"]
    if len(sys.argv) != 2 + self_test:
        print(__doc__, file=sys.stderr)
        return 2
    root = sys.argv[1 + self_test]
    names = names_of(root)
    with open(os.path.join(root, "README.md"), encoding="utf-8") as readme:
        columns = promised(readme.read())
    wrong = [complaint for column in columns for complaint in complaints(column, *names)]
    wrong += [f"a promise without a test: {column}" for column in columns
              if not re.search(r"\*[^*]+\*|_\w|\.sh|\.cpp|tests/", column)]
    if self_test:
        for column in columns:
            for found in re.findall(r"\*[^*]+\*|\b\w+\.(?:cpp|sh)\b|\b(?:unit|e2e)_\w+", column):
                changed = found[:-1] + "x*" if "*" in found else "x" + found if "." in found else found + "x"
                if not list(complaints(column.replace(found, changed, 1), *names)):
                    wrong.append(f"not noticed: {changed}")
    print("\n".join(wrong) or f"promises: {len(columns)}, each with tests that exist")
    return 1 if wrong or not columns else 0


if __name__ == "__main__":
    sys.exit(main())
