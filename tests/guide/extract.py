#!/usr/bin/env python3
"""Writes the programs of a manual page into files: each .Bd block under a comment .\\" file: NAME.

usage: extract.py PAGE FOLDER
"""

import os
import re
import sys


def programs_of(page):
    for name, block in re.findall(r'^\.\\" file: (\S+)\n\.Bd [^\n]*\n(.*?)^\.Ed$', page, re.MULTILINE | re.DOTALL):
        yield name, block.replace("\\&", "").replace("\\e", "\\")


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    with open(sys.argv[1], encoding="utf-8") as page:
        for name, text in programs_of(page.read()):
            with open(os.path.join(sys.argv[2], name), "w", encoding="utf-8") as program:
                program.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
