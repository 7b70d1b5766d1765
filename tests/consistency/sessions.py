#!/usr/bin/env python3
"""Runs the sessions of README.md, and the one in its picture, and compares what they print with what is shown.

usage: sessions.py BIN README PICTURE            compares
       sessions.py --update BIN README PICTURE   writes the picture again, an SVG
       sessions.py --self-test BIN               changes a session and expects a difference

A session is a block ```console: lines with "$ " are commands, the others what they print; lines with "# " are comments.
Numbers may differ. All blocks share one broker, whose port is in MQTT_PORT, and one directory. The last command in the
background gets time to print what a command causes. README's first apt line installs what tests/packages.txt lists. README has at most 120
lines, and its sections in their order.
"""

import html
import os
import re
import sys
import tempfile

import man_examples
from man_examples import Failed, comparable, wait_for

PICTURE = r"""
mqtt_sub -v -t 'home/#' &
mqtt_pub -t home/kitchen/temp -m 21.5
mqtt_pub -t home/garage -r -m '{"temp":8.2,"battery":88}'
mqtt_sub -t home/garage --field temp -C 1
seq 200000 | mqtt_pub -t numbers -l -q 1 && echo all acknowledged
mqtt_sub -t home/door -W 1; echo "exit status $?"
mqtt_pub -p 1884 -t home/door -m open
""".strip().splitlines()
COLUMNS = 96


class Session:
    """A broker and a directory for commands."""

    def __init__(self, programs, directory):
        self.environment = man_examples.Environment(programs, man_examples.Example("session", 0), directory)
        self.environment.broker, self.environment.env["MQTT_PORT"] = self.environment.start_broker()
        self.environment.env.pop("MQTT_HOST")
        self.background = None
        self.printed = 0

    def run(self, command):
        """The lines that it prints, and that it makes the command in the background print."""
        if command.endswith("&"):
            subscribed = self.environment.subscribed()
            self.background = self.environment.start("exec " + command[:-1])
            wait_for(lambda: self.environment.subscribed() > subscribed, "a subscription", self.environment.running)
            return []
        # Nothing listens on the port of the error message.
        done = self.environment.start(f"exec 2>&1; {command.replace('-p 1884', '-p 1')}")
        wait_for(done.ended, f"the end of '{command}'", self.environment.running)
        lines = done.out().replace("localhost:1:", "localhost:1884:").splitlines()
        if self.background and command.startswith("mqtt_pub -t home/"):
            wait_for(lambda: len(self.background.out()) > self.printed, "the subscriber", self.environment.running)
            lines += self.background.out()[self.printed:].splitlines()
            self.printed = len(self.background.out())
        return lines

    def close(self):
        self.environment.close()


def sessions_of(text):
    """(command, lines of output) of all blocks."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif found and line and not line.startswith("# "):
                found[-1][1].append(line)
    return found


def run_all(programs, commands):
    with tempfile.TemporaryDirectory() as directory:
        session = Session(programs, directory)
        try:
            return [(command, session.run(command)) for command in commands]
        finally:
            session.close()


def differences(shown, real):
    """Messages about each command whose output is not the one that is shown."""
    for (command, expected), (_, printed) in zip(shown, real, strict=True):
        if list(map(comparable, expected)) != list(map(comparable, printed)):
            yield f"$ {command}\nshown:\n" + "\n".join(expected) + "\nprinted:\n" + "\n".join(printed)


def wrapped(line):
    """The line in pieces that fit into the picture, each of whole words."""
    pieces = [""]
    for word in re.findall(r"\S+\s*", line):
        if pieces[-1] and len(pieces[-1] + word.rstrip()) > COLUMNS:
            pieces.append("    ")
        pieces[-1] += word
    return pieces


def drawn(session):
    """The SVG."""
    rows = []
    for command, lines in session:
        rows += [("command", "$ " + command)] + [("", piece) for line in lines for piece in wrapped(line)]
    height = 20 * len(rows) + 28
    texts = "\n".join(f'<text x="16" y="{20 * number + 32}"{" class=" + chr(34) + kind + chr(34) if kind else ""}>{html.escape(row.rstrip())}</text>'
                      for number, (kind, row) in enumerate(rows))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="800" height="{height}" viewBox="0 0 800 {height}" role="img">
<title>A session with mqtt_pub and mqtt_sub</title>
<!-- Written by tests/consistency/sessions.py from the output of the programs. -->
<style>text {{ font: 13px monospace; fill: #c9d1d9; white-space: pre }} .command {{ fill: #7ee787; font-weight: bold }}</style>
<rect width="800" height="{height}" rx="8" fill="#0d1117"/>
{texts}
</svg>
"""


def shown_in(picture):
    """(command, text of output) of the picture."""
    found = []
    for row in map(html.unescape, re.findall(r"<text [^>]*>(.*?)</text>", picture)):
        if row.startswith("$ "):
            found.append((row[2:], ""))
        else:
            found[-1] = (found[-1][0], found[-1][1] + "\n" + row)
    # Lines may break at other words.
    return [(command, [text.replace("\n    ", " ")] if text else []) for command, text in found]


def packages_of(text, *sections):
    """The packages in these sections of packages.txt."""
    return [name for section in sections for name in re.search(rf"^\[{section}\]\n((?:.+\n)*)", text, re.MULTILINE).group(1).split()]


HEADINGS = ["Install", "Try it", "Recipes", "Coming from Mosquitto", "When not to use it", "Comparison", "Library", "More"]


def check_shape(readme):
    """README is short, and a reader finds things in the usual order."""
    with open(readme, encoding="utf-8") as file:
        lines = file.read().splitlines()
    if len(lines) > 120:
        yield f"{readme} has {len(lines)} lines: at most 120, details belong into the manuals"
    headings = [line[3:] for line in lines if line.startswith("## ")]
    if headings != HEADINGS:
        yield f"{readme} has the sections {headings}, not {HEADINGS}"


def check_packages(readme):
    """README's command to install what the build needs is complete."""
    with open(os.path.join(os.path.dirname(readme), "tests/packages.txt"), encoding="utf-8") as file:
        wanted = "sudo apt install " + " ".join(packages_of(file.read(), "build", "package"))
    with open(readme, encoding="utf-8") as file:
        if wanted not in file.read().splitlines():
            yield f"{readme} does not have the line: {wanted}"


def self_test(programs):
    shown = sessions_of("```console\n# a comment\n$ echo 'a 1'\na 2\n$ echo b\nc\n```\n")
    found = list(differences(shown, run_all(programs, [command for command, _ in shown])))
    if len(shown) == 2 and len(found) == 1 and "echo b" in found[0]:
        return "self-test: a wrong session was detected"
    sys.exit(f"self-test FAILED: {found}")


def main():
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[0] == "--self-test":
        return self_test(arguments[1])
    update = arguments[:1] == ["--update"]
    if len(arguments) != 3 + update:
        sys.exit(__doc__)
    programs, readme, picture = arguments[update:]
    drawing = run_all(programs, PICTURE)
    if update:
        with open(picture, "w", encoding="utf-8") as file:
            file.write(drawn(drawing))
    with open(readme, encoding="utf-8") as file:
        shown = sessions_of(file.read())
    with open(picture, encoding="utf-8") as file:
        shown_picture = shown_in(file.read())
    if [command for command, _ in shown_picture] != PICTURE:
        sys.exit(f"{picture} shows other commands (--update writes it again)")
    wrong = list(differences(shown, run_all(programs, [command for command, _ in shown])))
    joined = [(command, ["\n" + "\n".join(lines)] if lines else []) for command, lines in drawing]
    wrong += [f"in the picture (--update writes it again): {one}" for one in differences(shown_picture, joined)]
    wrong += check_packages(readme)
    wrong += check_shape(readme)
    if not shown or wrong:
        sys.exit("\n\n".join(wrong) or f"{readme} has no session")
    return f"sessions: {len(shown)} commands in README.md and {len(PICTURE)} in the picture print what is shown"


if __name__ == "__main__":
    try:
        print(main())
    except Failed as failed:
        sys.exit(f"sessions.py: {failed}")
