#!/usr/bin/env python3
"""The sources of what is installed, and the examples, compile without a warning for a Raspberry Pi with a 32-bit system:
`long` has 32 bits there, and `char` has no sign. Only the front end of the cross compiler runs, with the headers of this
machine's libraries.

usage: arm32.py BUILD    a build of preset release. Exit code 77: skipped
"""
import concurrent.futures
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

COMPILER = "arm-linux-gnueabihf-g++"
ARM = ["-fsyntax-only", "-Werror", "-Wno-psabi", "-D_FILE_OFFSET_BITS=64", "-D_TIME_BITS=64",
       "-idirafter", "/usr/include", "-idirafter", f"/usr/include/{os.uname().machine}-linux-gnu"]
EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "examples"

if shutil.which(COMPILER) is None:
    print(f"skipped: {COMPILER} is not installed")
    sys.exit(77)
build = pathlib.Path(sys.argv[1])
commands = [shlex.split(entry["command"]) for entry in json.loads((build / "compile_commands.json").read_text())]
# Without the compiler and what is written; not all processors have a flag of -fcf-protection.
sources = [[*(word for word in words[1:words.index("-o")] if word != "-fcf-protection"), words[-1]] for words in commands]
flags = [word for word in sources[0] if word.startswith(("-W", "-std"))]
includes = [f"-I{EXAMPLES.parents[1] / 'libmqttc' / 'include'}"]
sources += [[*flags, *includes, str(example)] for example in sorted(EXAMPLES.glob("*.cpp"))]


def check(words):
    return subprocess.run([COMPILER, *words, *ARM], cwd=build, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    failed = [done.stdout for done in pool.map(check, sources) if done.returncode != 0]
print("\n".join(failed))
print(f"{len(sources) - len(failed)} of {len(sources)} sources compile for 32-bit ARM")
sys.exit(1 if failed or not sources else 0)
