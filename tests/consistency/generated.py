#!/usr/bin/env python3
"""Fails when completions, manual pages or README differ from the option table, or when a shell cannot use them.

usage: generated.py ROOT BIN             BIN: the directory of the programs
       generated.py --update ROOT BIN    writes completions and the option sections of the manual pages again
"""

import os
import re
import subprocess
import sys
import tempfile

import shells

PROGRAMS = ("mqtt_pub", "mqtt_sub", "mqtt_passwd")
COMPLETIONS = {"bash": "bash/{}", "fish": "fish/{}.fish", "zsh": "zsh/_{}"}
BEGIN, END = '.\\" Options, generated from the option table: begin\n', '.\\" Options: end\n'


def generated(programs, program, kind):
    return subprocess.run([os.path.join(programs, program), "--generate", kind], capture_output=True, text=True,
                          check=True).stdout


def expected_files(root, programs):
    """Path and expected content of each generated file; of a manual page only its option sections are replaced."""
    for program in PROGRAMS:
        for shell, path in COMPLETIONS.items():
            yield os.path.join("completions", path.format(program)), generated(programs, program, shell)
        page = os.path.join("man", program + ".1")
        before, _, rest = read(root, page).partition(BEGIN)
        after = rest.partition(END)[2]
        yield page, before + BEGIN + generated(programs, program, "man") + END + after


def read(root, path):
    try:
        with open(os.path.join(root, path), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def check_files(root, programs):
    for path, content in expected_files(root, programs):
        if read(root, path) != content:
            yield f"{path} is not what --generate prints: run tests/consistency/generated.py --update"


def option_names(programs, program):
    words = re.search(r"""_offer -W '(-.*)'\n}""", generated(programs, program, "bash")).group(1)
    return set(words.split())


def check_mentions(root, programs):
    """Options that the manual pages and README mention exist."""
    names = {program: option_names(programs, program) for program in PROGRAMS}
    unsupported = {"--keyform", "--tls-engine", "--tls-engine-kpass-sha1"}
    for program in PROGRAMS:
        for run in re.findall(r"\bFl (-?[\w-]+(?: , -?[\w-]+)*)", read(root, f"man/{program}.1")):
            for name in run.split(" , "):
                if name != "Fl" and "-" + name not in names[program] | unsupported:
                    yield f"man/{program}.1: -{name} is not an option"
    for command in re.findall(r"(mqtt_(?:pub|sub|passwd) [^|;&`\n]*)", read(root, "README.md")):
        program, _, rest = re.sub(r"'[^']*'|\"[^\"]*\"| #.*", "", command).partition(" ")
        for name in re.findall(r"(?<!\S)(--[\w-]+)", rest):
            if name not in names[program]:
                yield f"README.md: {name} in '{command.strip()}' is not an option"


# Words to complete, and what each shell must offer: of every kind of value one.
OFFERS = (
    (["mqtt_pub", "--ret"], {"--retain", "--retain-handling"}),
    (["mqtt_sub", "--retained"], {"--retained-only"}),
    (["mqtt_pub", "-q", ""], {"0", "1", "2"}),
    (["mqtt_pub", "--qos="], {"0", "1", "2"}),
    (["mqtt_pub", "--reconnect", ""], {"never", "forever"}),
    (["mqtt_pub", "--stats="], {"json"}),
    (["mqtt_sub", "--stats", "--retained"], {"--retained-only"}),
    (["mqtt_pub", "-D", ""], {"connect", "publish", "will", "subscribe", "unsubscribe", "disconnect"}),
    (["mqtt_sub", "-D", "subscribe", ""], {"subscription-identifier", "user-property"}),
    (["mqtt_pub", "--cafile", "a_"], {"a_file", "a_directory"}),
    (["mqtt_pub", "--capath", "a_"], {"a_directory"}),
    (["mqtt_pub", "-t", "a_"], set()),
    (["mqtt_sub", "--profile", ""], {"home", "office"}),
    (["mqtt_pub", "-L", ""], {"mqtt:", "mqtts:", "ws:", "wss:"}),
    (["mqtt_passwd", "-H", ""], {"sha512-pbkdf2", "sha512", "argon2id"}),
    (["mqtt_passwd", "a_"], {"a_file", "a_directory"}),
)


def as_typed(shell, words):
    # bash gives completion functions "--qos=" as two words, and nothing between them and the cursor as a third.
    if shell == "bash" and words[-1].endswith("="):
        return words[:-1] + [words[-1][:-1], "="]
    return words


def check_shells(root, programs):
    for shell, ask in shells.ASK.items():
        with tempfile.TemporaryDirectory() as directory:
            with open(os.path.join(directory, "a_file"), "w", encoding="utf-8"):
                pass
            os.mkdir(os.path.join(directory, "a_directory"))
            profiles = os.path.join(directory, ".config", "mqtt")
            os.makedirs(profiles)
            for name in ("home.conf", "office.conf", "no_profile"):
                with open(os.path.join(profiles, name), "w", encoding="utf-8"):
                    pass
            questions = [as_typed(shell, words) for words, _ in OFFERS]
            questions += [[program, "-"] for program in PROGRAMS]
            answers = ask(os.path.join(root, "completions"), programs, directory, questions)
        wanted = [offer for _, offer in OFFERS] + [option_names(programs, program) for program in PROGRAMS]
        for words, offer, answer in zip(questions, wanted, answers):
            found = {re.sub(r"^--[\w-]+=(?=.)", "", word).rstrip("/=") for word in answer}
            if found != offer:
                yield (f"{shell} completes '{' '.join(words)}' with {' '.join(sorted(found - offer)) or 'nothing'} too much"
                       f" and without {' '.join(sorted(offer - found)) or 'nothing'}")


def main():
    arguments = sys.argv[1:]
    update = arguments[:1] == ["--update"]
    if len(arguments) != 2 + update:
        print(__doc__, file=sys.stderr)
        return 2
    root, programs = arguments[update:]
    root, programs = os.path.abspath(root), os.path.abspath(programs)
    if update:
        for path, content in list(expected_files(root, programs)):
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(content)
        return 0
    if missing := shells.missing():
        print(f"generated: skipped, this machine has no {', '.join(missing)}")
        return 77
    complaints = [one for check in (check_files, check_mentions, check_shells) for one in check(root, programs)]
    print("\n".join(complaints) or "generated: no difference")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
