#!/usr/bin/env python3
"""Draws README's picture of a terminal: runs the programs against an embedded broker and draws what they say as SVG.

usage: picture.py BIN PICTURE            writes the picture anew, if the programs say something else than it shows
       picture.py --check BIN PICTURE    exits with 1 if they do
       picture.py --self-test BIN        changes each line of a picture in turn, and expects that to be noticed

Times, ages and rates are not compared: a picture keeps those of the run it was drawn from.
"""

import html
import os
import re
import signal
import sys
import tempfile

from man_examples import Example, Failed, Stage, wait_for

COLUMNS, ROWS = 100, 24
READINGS = [("cuisine", 19.5), ("salon", 21), ("cave", 12), ("salon", 21.5), ("cuisine", 20.5), ("cave", 11.5),
            ("salon", 22.5), ("cuisine", 22), ("cave", 11), ("salon", 22), ("cuisine", 21.5), ("cave", 11.5),
            ("salon", 21), ("cuisine", 24), ("cave", 12), ("salon", 20.5), ("cuisine", 23), ("cave", 12.5)]

CHANGING = [r'(?<="tst":")[-\d]+T[\d:]+\.\d+', r" +\d+ s +\d+/s(?= )"]


def comparable(line):
    for pattern in CHANGING:
        line = re.sub(pattern, "…", line)
    return line


def screen_after(written):
    """The lines that a terminal shows after these bytes: text, line ends, up, erasing, wrapping; other sequences are an error."""
    lines, row, column = [""], 0, 0
    for kind, digits, letter, text in re.findall(r"(\x1b\[)(\??\d*)([A-Za-z])|([^\x1b])", written.decode()):
        if kind and letter == "A":
            row -= int(digits or 1)
        elif kind and letter == "K" and not digits:
            lines[row] = lines[row][:column]
        elif kind and letter == "J" and not digits:
            lines[row] = lines[row][:column]
            del lines[row + 1:]
        elif kind and digits == "?7":
            pass  # wrapping of lines off and on; none is too long
        elif kind:
            raise Failed(f"cannot draw the sequence ESC [ {digits} {letter}")
        elif text == "\r":
            column = 0
        elif text == "\n":
            row += 1
            if row == len(lines):
                lines.append("")
        else:
            lines[row] = lines[row].ljust(column)[:column] + text + lines[row][column + 1:]
            column += 1
    shown = [line.rstrip() for line in lines]
    while shown and not shown[-1]:
        shown.pop()
    return shown


class Session(Stage):
    """The commands of the picture, one after the other; `lines` are what a terminal then shows."""

    def __init__(self, programs, folder):
        super().__init__(programs, Example("picture", 0), folder)
        self.env["MQTT_HOST"] = "localhost"
        self.lines = []

    def on_terminal(self, command):
        return self.start("exec " + command, terminal=f"{COLUMNS}x{ROWS}")

    def say(self, *lines):
        for line in lines:  # a longer one is folded, as a terminal does
            self.lines += [line[at:at + COLUMNS] for at in range(0, len(line), COLUMNS)] or [""]

    def subscriber(self, command):
        before = self.subscribed()
        running = self.on_terminal(command)
        wait_for(lambda: self.subscribed() > before or running.ended(), "a subscription", self.running)
        return running

    def shown(self, running):
        return screen_after(running.streams[running.stdout])

    def command(self, text):
        """Shows a command and what it says, and returns its exit code."""
        running = self.start(text, terminal=f"{COLUMNS}x{ROWS}")
        wait_for(running.ended, f"the end of '{text}'", self.running)
        self.say("$ " + text, *self.shown(running))
        return running.process.returncode

    def run_example(self):
        self.live_and_json()
        self.mistakes()

    def live_and_json(self):
        heard = self.subscriber("mqtt_sub -v -t 'maison/#'")
        self.say("$ mqtt_sub -v -t 'maison/#' &")
        self.command("mqtt_pub -t maison/salon/temp -m 21.5")
        wait_for(lambda: self.shown(heard) or heard.ended(), "the message", self.running)
        self.say(*self.shown(heard))
        heard.signal(signal.SIGTERM)
        wait_for(heard.ended, "the end of mqtt_sub", self.running)

        self.say("")
        self.run("mqtt_pub -t maison/cave/temp -m 12 -r -q 1")
        self.command("mqtt_sub -t maison/cave/temp -C 1 -F %j")
        self.command("seq 200000 | mqtt_pub -t numbers -l -q 1 && echo all acknowledged")

        self.say("", "$ mqtt_sub -w --field temp -t 'climat/#'")
        self.watch("mqtt_sub -w --field temp -t 'climat/#'")

    def watch(self, command):
        table = self.subscriber(command)
        # One publisher, so that the order is the same each time.
        path = os.path.join(self.folder, "readings")
        with open(path, "w", encoding="ascii") as file:
            file.writelines(f'{{"topic":"climat/{room}","payload":"{{\\"temp\\":{value}}}"}}\n' for room, value in READINGS)
        self.run(f"mqtt_pub -l --input json < {path}")
        last = {f"climat/{room}": [str(value) for other, value in READINGS if other == room] for room, _ in READINGS}

        def complete():
            rows = [line.split() for line in self.shown(table)]
            # Topic, value, age, "s", rate, curve. A second after the last message its rate is told.
            return [row[0] for row in rows] == sorted(last) and any(row[4] != "0/s" for row in rows if len(row) == 6) \
                and all(len(row) == 6 and row[1] == last[row[0]][-1] and len(row[5]) == len(last[row[0]]) for row in rows)

        wait_for(lambda: complete() or table.ended(), "the table", self.running)
        self.say(*self.shown(table))
        table.signal(signal.SIGINT)
        wait_for(table.ended, "the end of mqtt_sub -w", self.running)

    def mistakes(self):
        self.say("")
        self.command("mqtt_sub -t maison/+temp")
        self.command("mqtt_pub --tpoic maison -m 1; echo $?")
        self.command("mqtt_pub -p 1 -t maison -m 1; echo $?")


def session(programs):
    with tempfile.TemporaryDirectory() as folder:
        stage = Session(programs, folder)
        try:
            stage.play()
        finally:
            stage.close()
    return stage.lines


def drawing(lines):
    width, height, left, top = 8, 19, 16, 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{COLUMNS * width + 2 * left}" '
           f'height="{len(lines) * height + top + 8}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" '
           'font-size="13" fill="#c8d0da" xml:space="preserve">',
           "<style>text{white-space:pre}</style>",
           "<title>A terminal with mqtt_pub and mqtt_sub</title>",
           '<rect width="100%" height="100%" rx="6" fill="#161b22"/>']
    for number, line in enumerate(lines):
        if not line:
            continue
        # The length keeps columns under each other in whatever font there is.
        colour = ' fill="#7ee2a8"' if line.startswith("$ ") else ""
        out.append(f'<text x="{left}" y="{top + number * height}" textLength="{len(line) * width}"{colour}>'
                   f"{html.escape(line, quote=False)}</text>")
    return "\n".join(out) + "\n</svg>\n"


def lines_of(picture):
    return [html.unescape(text) for text in re.findall(r"^<text [^>]*>(.*)</text>$", picture, re.MULTILINE)]


def differences(lines, picture):
    """What a run says and the picture does not show, and the other way round."""
    said = [comparable(line) for line in lines if line]
    drawn = [comparable(line) for line in lines_of(picture)]
    if said == drawn:
        return []
    return [f"said:  {line}" for line in said if line not in drawn] + \
        [f"drawn: {line}" for line in drawn if line not in said] or ["the lines are in another order"]


def self_test(programs):
    lines = session(programs)
    good = drawing(lines)
    missed = [] if not differences(lines, good) else ["a good picture was refused"]
    for line in filter(None, lines):
        changed = html.escape(line, quote=False)
        if not differences(lines, good.replace(f">{changed}<", f">{changed}x<")):
            missed.append(f"not noticed: {line}x")
    print("\n".join(missed) or f"self-test: {len(list(filter(None, lines)))} changes, all noticed")
    return 1 if missed else 0


def main():
    arguments = sys.argv[1:]
    check = arguments[:1] == ["--check"]
    if len(arguments) == 2 and arguments[0] == "--self-test":
        return self_test(arguments[1])
    if len(arguments) != 2 + check:
        print(__doc__, file=sys.stderr)
        return 2
    programs, path = arguments[check:]
    lines = session(programs)
    picture = ""
    if check or os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            picture = file.read()
    wrong = differences(lines, picture)
    if not wrong:
        print("the picture shows what the programs say")
    elif check:
        print("\n".join(wrong) + f"\n{path} shows something else: draw it anew with tests/in_step/picture.py")
    else:
        with open(path, "w", encoding="utf-8") as file:
            file.write(drawing(lines))
    return 1 if check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
