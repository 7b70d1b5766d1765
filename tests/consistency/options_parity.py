#!/usr/bin/env python3
"""Fails when programs, --help, manual pages, completions and README do not say the same.

usage: options_parity.py ROOT BIN DUMP_TABLES    BIN: the folder of the programs; DUMP_TABLES: the test program
       options_parity.py --self-test ROOT BIN DUMP_TABLES    plants differences and expects each to be found

What is true is what dump_tables says: it prints the tables that the programs parse with.
"""

import copy
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

import shells

PROGRAMS = ("mqtt_pub", "mqtt_sub", "mqtt_passwd")
SKIPPED = 77
PLAIN = "--help"  # the flag in front when a question wants to know whether options are offered


@dataclass
class Row:
    short: str
    long: str
    argument: str
    kind: str
    status: str
    choices: list

    def names(self):
        return [name for name in (self.short and "-" + self.short, self.long and "--" + self.long) if name]


@dataclass
class Facts:
    """What the programs know."""
    options: dict = field(default_factory=lambda: {program: [] for program in PROGRAMS})
    properties: dict = field(default_factory=dict)
    exits: list = field(default_factory=list)
    formats: set = field(default_factory=set)
    environment: dict = field(default_factory=dict)

    def names(self, program, *statuses):
        rows = self.options[program]
        return {name for row in rows if not statuses or row.status in statuses for name in row.names()}


def read_facts(dump_tables):
    facts = Facts()
    for line in subprocess.run([dump_tables], capture_output=True, text=True, check=True).stdout.splitlines():
        what, *rest = line.split("\t")
        if what == "option":
            program, short, long, argument, kind, status, choices = rest
            facts.options[program].append(Row(short, long, argument, kind, status, choices.split()))
        elif what == "property":
            facts.properties.setdefault(rest[0], set()).add(rest[1])
        elif what == "exit":
            facts.exits.append(rest[0] if rest[0] == rest[1] else f"{rest[0]}-{rest[1]}")
        elif what == "format":
            facts.formats.add(rest[0])
        elif what == "environment":
            facts.environment.setdefault(rest[0], set()).add(rest[1])
    return facts


def difference(where, wanted, found):
    """Complaints about what is wanted and not found, and about what is found and not wanted."""
    for name in sorted(set(wanted) - set(found)):
        yield f"{where}: {name} is missing"
    for name in sorted(set(found) - set(wanted)):
        yield f"{where}: {name} is not in the programs"


# --help

def check_help(facts, seen):
    for program in PROGRAMS:
        where, text = f"{program} --help", seen["help"][program]
        found = {}
        for match in re.finditer(r"^ {2,6}((?:-\w|--[\w-]+)(?:, --[\w-]+)?)(?: (\S.*?))?(?: {2,}|$)", text, re.MULTILINE):
            for name in match.group(1).split(", "):
                found[name] = match.group(2) or ""
        yield from difference(where, facts.names(program, "ready"), found)
        for row in facts.options[program]:
            for name in row.names():
                if name in found and found[name] != row.argument:
                    yield f"{where}: {name} takes '{row.argument}', not '{found[name]}'"
        if program in facts.environment:
            line = re.search(r"^Environment: (.*)\.$", text, re.MULTILINE)
            wanted = {name for name in facts.environment[program] if name.startswith("MQTT_")}
            yield from difference(where, wanted, line.group(1).split(", ") if line else [])


# Manual pages

def section(page, title):
    match = re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", page, re.MULTILINE | re.DOTALL)
    return match.group(1) if match else ""


def items(text):
    """The items of lists: what stands behind .It, and what follows; items without text share the next one's."""
    heads = []
    for part in re.split(r"^\.It ", text, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        heads.append(head)
        if body.strip():
            yield from ((one, body) for one in heads)
            heads = []


def plain(mdoc):
    return mdoc.replace("\\&", "").replace("\\e", "\\")


def check_manual_options(facts, program, page):
    where, found = f"man/{program}.1", {}
    for head, body in items(page):
        for name in re.findall(r"Fl (-?[\w-]+)", head) if head.startswith("Fl ") else []:
            found["-" + name] = (head, body)
    yield from difference(where, facts.names(program), found)
    for row in facts.options[program]:
        for name in row.names():
            if name not in found or row.status == "unsupported":
                continue
            head, body = found[name]
            if bool(row.argument) != bool(re.search(r" (Ar|Cm) ", head)):
                yield f"{where}: {name}: argument '{row.argument}', but the manual has '.It {head}'"
            words = re.findall(r"[^\s,|()]+", head + " " + body)
            for choice in row.choices:
                if choice not in words:
                    yield f"{where}: {name}: the value {choice} is missing"
    known = facts.names(program)
    for line in page.splitlines():
        for run in re.findall(r"\bFl (-?[\w-]+(?: , -?[\w-]+)*)", line):
            for name in run.split(" , "):
                if name != "Fl" and "-" + name not in known:
                    yield f"{where}: -{name} is not in the program"


def check_manual(facts, seen):
    for program in PROGRAMS:
        page, where = seen["man"][program], f"man/{program}.1"
        yield from check_manual_options(facts, program, page)
        codes = [head for head, _ in items(section(page, "EXIT STATUS"))]
        if program == "mqtt_passwd":
            line = re.search(r"^exit status: (.*)$", seen["help"][program], re.MULTILINE)
            wanted = re.findall(r"\b\d+\b", line.group(1)) if line else []
        else:
            wanted = facts.exits
        yield from difference(where + " EXIT STATUS", wanted, codes)
        names = {name for head, _ in items(section(page, "ENVIRONMENT")) for name in re.findall(r"\b[A-Z_]{4,}\b", head)}
        # The parser doesn't ask for these: the library does, in net/tls_context.cpp (by the names that OpenSSL gives
        # them) and net/tls_factory.cpp.
        tls = {"SSL_CERT_DIR", "SSL_CERT_FILE", "MQTTC_TLS_MODULE"} if program in facts.environment else set()
        yield from difference(where + " ENVIRONMENT", facts.environment.get(program, set()) | tls, names)
    sequences = set()
    for head, _ in items(section(seen["man"]["mqtt_sub"], "OUTPUT FORMAT")):
        sequences.update(plain(head).split(" , "))
    # Behind @ anything may stand; the manual names the ones that are not strftime's.
    yield from difference("man/mqtt_sub.1 OUTPUT FORMAT", facts.formats | {"@X", "@N", "@@"}, sequences)
    for program in ("mqtt_pub", "mqtt_sub"):
        found = {head.removeprefix("Cm "): body.replace(".Cm ", "").replace(".El", "").replace(",", "").split()
                 for head, body in items(seen["man"][program]) if head.startswith("Cm ")}
        for command, names in facts.properties.items():
            yield from difference(f"man/{program}.1 {command}", names, found.get(command, []))


# Completions

def questions(facts):
    """Questions and what the answer must hold: (words, check, values)."""
    for program in PROGRAMS:
        for start in ("-", "--"):
            yield [program, start], "exactly", {name for name in facts.names(program, "ready") if name.startswith(start)}
        for row in facts.options[program]:
            if row.status == "unsupported":
                continue
            for name in row.names():
                if row.kind == "none":
                    if name not in ("--help", "--version"):
                        yield [program, name, "--"], "some options", {PLAIN}
                elif row.kind == "choice":
                    yield [program, name, ""], "exactly", set(row.choices)
                    if name.startswith("--"):
                        yield [program, name + "="], "exactly", set(row.choices)
                elif row.kind == "file":
                    yield [program, name, "a_"], "exactly", {"a_file", "a_folder"}
                elif row.kind == "directory":
                    yield [program, name, "a_"], "exactly", {"a_folder"}
                elif row.kind == "property":
                    yield [program, name, ""], "exactly", set(facts.properties)
                    for command, names in facts.properties.items():
                        yield [program, name, command, ""], "exactly", names
                elif row.kind != "command":
                    yield [program, name, "a_"], "exactly", set()
    for program in ("mqtt_pub", "mqtt_sub"):
        yield [program, "a_"], "exactly", set()
    yield ["mqtt_passwd", "a_"], "exactly", {"a_file", "a_folder"}


def as_typed(shell, words):
    # bash gives completion functions "--qos=" as two words, and nothing between them and the cursor as a third.
    if shell == "bash" and words[-1].endswith("="):
        return words[:-1] + [words[-1][:-1], "="]
    return words


def ask_shells(facts, completions, programs):
    asked = [words for words, _, _ in questions(facts)]
    answers = {}
    for shell, ask in shells.ASK.items():
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "a_file"), "w", encoding="utf-8"):
                pass
            os.mkdir(os.path.join(folder, "a_folder"))
            got = ask(completions, programs, folder, [as_typed(shell, words) for words in asked])
        if len(got) != len(asked):
            raise RuntimeError(f"{shell} answered {len(got)} of {len(asked)} questions")
        answers[shell] = {tuple(words): answer for words, answer in zip(asked, got)}
    return answers


def check_completions(facts, seen):
    for shell, answers in seen["answers"].items():
        for words, check, values in questions(facts):
            where = f"completion in {shell} of '{' '.join(words)}'"
            answer = answers.get(tuple(words))
            if answer is None:
                yield f"{where}: was not asked"
                continue
            answer = {re.sub(r"^--[\w-]+=", "", word).rstrip("/") for word in answer}
            if check == "exactly":
                yield from difference(where, values, answer)
            elif not values <= answer:
                yield f"{where}: options are not offered, as if a value were wanted"


# README

def check_readme(facts, seen):
    every = set().union(*(facts.names(program) for program in PROGRAMS))
    code = re.findall(r"^ {4}(.*)$", seen["readme"], re.MULTILINE) + re.findall(r"`([^`\n]+)`", seen["readme"])
    for line in code:
        for command in re.split(r"[|;&]+", line.partition(" #")[0]):
            program = re.search(r"(?:^|\s|/)(mqtt_pub|mqtt_sub|mqtt_passwd)\s", command)
            if program:
                known, rest = facts.names(program.group(1)), command[program.end():]
            elif command.startswith("-"):
                known, rest = every, command
            else:
                continue
            rest = re.sub(r"'[^']*'|\"[^\"]*\"", "x", rest)
            for name in re.findall(r"(?<!\S)(--[\w-]+|-[A-Za-z]+)", rest):
                letters = [name] if name.startswith("--") else ["-" + letter for letter in name[1:]]
                for one in letters:
                    if one not in known:
                        yield f"README.md: {one} in '{line.strip()}' is not in the programs"


CHECKS = (check_help, check_manual, check_completions, check_readme)


def look(facts, root, programs):
    """What is said about the programs."""
    seen = {"help": {}, "man": {}}
    for program in PROGRAMS:
        done = subprocess.run([os.path.join(programs, program), "--help"], capture_output=True, text=True, check=True)
        seen["help"][program] = done.stdout
        with open(os.path.join(root, "man", program + ".1"), encoding="utf-8") as page:
            seen["man"][program] = page.read()
    with open(os.path.join(root, "README.md"), encoding="utf-8") as readme:
        seen["readme"] = readme.read()
    seen["answers"] = ask_shells(facts, os.path.join(root, "completions"), programs)
    return seen


def check(facts, seen):
    return [complaint for one in CHECKS for complaint in one(facts, seen)]


# Self-test: each planted difference, and what at least must be complained about.

def plant_new_option(facts, _):
    facts.options["mqtt_pub"].append(Row("", "planted", "", "none", "ready", []))
    return ["mqtt_pub --help: --planted is missing", "man/mqtt_pub.1: --planted is missing",
            *(f"completion in {shell} of 'mqtt_pub --': --planted is missing" for shell in shells.ASK)]


def plant_lost_option(facts, _):
    facts.options["mqtt_sub"] = [row for row in facts.options["mqtt_sub"] if row.long != "retained-only"]
    return ["mqtt_sub --help: --retained-only is not", "man/mqtt_sub.1: --retained-only is not",
            *(f"completion in {shell} of 'mqtt_sub --': --retained-only is not" for shell in shells.ASK)]


def plant_choice(facts, _):
    next(row for row in facts.options["mqtt_passwd"] if row.long == "hash").choices.append("planted")
    return ["man/mqtt_passwd.1: --hash: the value planted is missing",
            *(f"completion in {shell} of 'mqtt_passwd --hash ': planted is missing" for shell in shells.ASK)]


def plant_argument(facts, _):
    row = next(row for row in facts.options["mqtt_pub"] if row.long == "retain")
    row.argument, row.kind = "WHAT", "text"
    return ["mqtt_pub --help: --retain takes 'WHAT'", "man/mqtt_pub.1: --retain: argument 'WHAT'"]


def plant_property(facts, _):
    facts.properties["will"].add("planted")
    return ["man/mqtt_sub.1 will: planted is missing",
            *(f"completion in {shell} of 'mqtt_pub -D will ': planted is missing" for shell in shells.ASK)]


def plant_exit_code(facts, _):
    facts.exits.append("69")
    return ["man/mqtt_pub.1 EXIT STATUS: 69 is missing", "man/mqtt_sub.1 EXIT STATUS: 69 is missing"]


def plant_format(facts, _):
    facts.formats.remove("%b")
    facts.formats.add("%z")
    return ["man/mqtt_sub.1 OUTPUT FORMAT: %b is not", "man/mqtt_sub.1 OUTPUT FORMAT: %z is missing"]


def plant_environment(facts, _):
    facts.environment["mqtt_pub"].add("MQTT_PLANTED")
    return ["man/mqtt_pub.1 ENVIRONMENT: MQTT_PLANTED is missing", "mqtt_pub --help: MQTT_PLANTED is missing"]


def plant_readme(_, seen):
    seen["readme"] += "\n    mqtt_pub -t x -m y --planted\n\nand `--planted2`\n"
    return ["README.md: --planted in", "README.md: --planted2 in"]


def plant_mention(_, seen):
    seen["man"]["mqtt_sub"] += "\n.Fl -planted .\n"
    return ["man/mqtt_sub.1: --planted is not in the program"]


PLANTS = (plant_new_option, plant_lost_option, plant_choice, plant_argument, plant_property, plant_exit_code,
          plant_format, plant_environment, plant_readme, plant_mention)


def self_test(facts, seen):
    failed = 0
    for plant in PLANTS:
        planted_facts, planted_seen = copy.deepcopy(facts), copy.deepcopy(seen)
        wanted = plant(planted_facts, planted_seen)
        complaints = check(planted_facts, planted_seen)
        for start in wanted:
            if not any(complaint.startswith(start) for complaint in complaints):
                failed += 1
                print(f"self-test: {plant.__name__}: nobody complained '{start}…'")
    print(f"self-test: {len(PLANTS)} differences planted" + ("" if failed else ", all found"))
    return 1 if failed else 0


def main():
    arguments = sys.argv[1:]
    testing = arguments[:1] == ["--self-test"]
    if len(arguments) != 3 + testing:
        print(__doc__, file=sys.stderr)
        return 2
    root, programs, dump_tables = arguments[testing:]
    if lacking := shells.missing():
        print(f"options_parity: skipped, this machine has no {', '.join(lacking)}")
        return SKIPPED
    facts = read_facts(dump_tables)
    seen = look(facts, root, programs)
    if testing:
        return self_test(facts, seen)
    complaints = check(facts, seen)
    print("\n".join(complaints) or f"options parity: {sum(map(len, facts.options.values()))} options, "
          f"{len(seen['answers']['bash'])} questions to each of {len(seen['answers'])} shells, no difference")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
