#!/usr/bin/env python3
"""Runs the examples of the manual pages, each with its own embedded broker, and checks their effects.

usage: man_examples.py BIN PAGE...
       man_examples.py --self-test BIN    runs wrong examples and expects each to fail

An example is the text of a .Bd block or a .Dl line in the section EXAMPLES. Comments above it are its expectations:

    .\\" before: COMMAND    run first
    .\\" input: TEXT        standard input of the example (\\n is a newline)
    .\\" during: COMMAND    run after the example has subscribed
    .\\" stop: SIGNAL        sent after the other expectations are met; without it the example ends by itself
    .\\" prints: LINE       the example prints this line (regular expression)
    .\\" received: LINE     a subscriber to everything prints this line, "topic payload" (regular expression)
    .\\" file: NAME TEXT    the file then holds TEXT (regular expression)
    .\\" exit: CODE         0 if not given
    .\\" broker: OPTIONS    further options of mqtt_testbroker
    .\\" terminal: 80x24    columns and rows: the example's output is a terminal; cursor movements are not part of lines
    .\\" skip: REASON       the example cannot run in a test

MQTT_HOST and MQTT_PORT are set to the broker. Each example runs in a new directory, whose subdirectory bin is in PATH
and whose subdirectory etc replaces /etc/mosquitto. An example without expectations is an error.
"""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass, field

TIMEOUT = 20  # seconds; only a failing example waits this long
KEYS = ("before", "input", "during", "stop", "prints", "received", "file", "exit", "broker", "terminal", "skip")
MOVEMENT = re.compile(r"\x1b\[[\d;?]*[A-Za-ln-z]")  # colours stay
CHECKED = ("prints", "received", "file", "exit", "skip")


class Failed(Exception):
    pass


@dataclass
class Example:
    page: str
    line: int
    text: str = ""
    notes: dict = field(default_factory=lambda: {key: [] for key in KEYS})


def unescape(text):
    return text.replace("\\&", "").replace("\\(dq", '"').replace("\\-", "-").replace("\\e", "\\")


def examples_of(name, text):
    """The examples of a page in order."""
    inside = block = False
    example = Example(name, 0)
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(".Sh "):
            inside = line == ".Sh EXAMPLES"
        elif not inside:
            continue
        elif note := re.match(r'\.\\" (\w+): ?(.*)', line):
            if note.group(1) not in KEYS:
                raise Failed(f"{name}:{number}: unknown note '{note.group(1)}'")
            example.notes[note.group(1)].append(note.group(2))
        elif line.startswith(".Bd "):
            block, example.line = True, number
        elif line.startswith(".Dl "):
            example.line, example.text = number, unescape(line[4:])
            yield example
            example = Example(name, 0)
        elif line == ".Ed":
            block = False
            yield example
            example = Example(name, 0)
        elif block:
            example.text += unescape(line) + "\n"


class Running:
    """A command in the background whose output is collected."""

    def __init__(self, argv, directory, env, text="", terminal=None):
        other_end = subprocess.PIPE
        if terminal:
            screen, other_end = os.openpty()
            columns, rows = map(int, terminal.split("x"))
            fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(argv, cwd=directory, env=env, stdin=subprocess.PIPE, stdout=other_end,
                                        stderr=other_end, start_new_session=True)
        self.process.stdin.write(text.encode())
        self.process.stdin.close()
        if terminal:
            os.close(other_end)
            self.stdout = self.stderr = os.fdopen(screen, "rb", buffering=0)
        else:
            self.stdout, self.stderr = self.process.stdout, self.process.stderr
        self.streams = {self.stdout: b"", self.stderr: b""}
        self.open = set(self.streams)

    def text(self, stream):
        text = self.streams[stream].decode(errors="replace")
        return MOVEMENT.sub("\n", text).replace("\r", "\n") if self.stdout is self.stderr else text

    def out(self):
        return self.text(self.stdout)

    def err(self):
        return self.text(self.stderr)

    def read(self, seconds):
        ready, _, _ = select.select(list(self.open), [], [], seconds) if self.open else ([], [], [])
        for stream in ready:
            try:
                data = os.read(stream.fileno(), 65536)
            except OSError:  # a terminal closed by all its programs
                data = b""
            if not data:
                self.open.discard(stream)
            self.streams[stream] += data

    def ended(self):
        return not self.open and self.process.poll() is not None

    def signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def close(self):
        self.signal(signal.SIGKILL)
        self.process.wait()
        self.stdout.close()
        self.stderr.close()


def wait_for(condition, what, running):
    """Reads the output of the commands until the condition holds."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"timed out waiting for {what}")
        for one in running:
            one.read(0.01)


def has_line(pattern, text):
    return re.search(rf"^(?:{pattern})$", text, re.MULTILINE) is not None


class Environment:
    """A broker, a subscriber to all topics and a directory for one example."""

    def __init__(self, programs, example, directory):
        self.example, self.directory, self.running = example, directory, []
        self.broker = self.listener = None
        for name in ("etc", "bin"):
            os.mkdir(os.path.join(directory, name))
        self.env = {"PATH": f"{directory}/bin:{os.path.abspath(programs)}:{os.environ['PATH']}", "HOME": directory, "LC_ALL": "C.UTF-8",
                    "TZ": "UTC", "MQTT_HOST": "127.0.0.1"}

    def run_all(self):
        """Starts broker and subscriber, and runs the example."""
        options = " ".join(self.example.notes["broker"])
        self.broker = self.start(f"exec mqtt_testbroker -v -p 0 {options}")
        wait_for(lambda: "not for production" in self.broker.out() or self.broker.ended(), "the broker", [self.broker])
        if self.broker.ended():
            raise Failed("no broker: " + self.broker.err())
        self.env["MQTT_PORT"] = re.search(r"listening on 127\.0\.0\.1:(\d+)", self.broker.out()).group(1)
        self.listener = self.start("exec mqtt_sub -v -t '#'")
        wait_for(lambda: self.subscribed() > 0, "a subscription", self.running)
        self.run_example()

    def with_own_etc(self, command):
        return command.replace("/etc/mosquitto", os.path.join(self.directory, "etc"))

    def start(self, command, text="", terminal=None):
        self.running.append(Running(["bash", "-c", self.with_own_etc(command)], self.directory, self.env, text, terminal))
        return self.running[-1]

    def subscribed(self):
        return len(re.findall(r"SUBSCRIBE .* -> ", self.broker.err()))

    def run(self, command):
        done = self.start(command)
        wait_for(done.ended, f"the end of '{command}'", self.running)
        if done.process.returncode != 0:
            raise Failed(f"'{command}' ended with {done.process.returncode}: {done.err()}")

    def file_holds(self, note):
        name, _, pattern = note.partition(" ")
        try:
            with open(self.with_own_etc(os.path.join(self.directory, name)), encoding="utf-8") as file:
                return re.search(pattern, file.read(), re.MULTILINE) is not None
        except FileNotFoundError:
            return False

    def close(self):
        for one in self.running:
            one.close()

    def run_example(self):
        notes = self.example.notes
        for command in notes["before"]:
            self.run(command)
        subscribed = self.subscribed()
        shown = self.start(self.example.text, "".join(notes["input"]).replace("\\n", "\n"),
                           *notes["terminal"])
        if notes["during"]:
            wait_for(lambda: self.subscribed() > subscribed or shown.ended(), "a subscription", self.running)
        for command in notes["during"]:
            self.run(command)
        try:
            self.wait_done(shown)
        except Failed as failed:
            raise Failed(f"{failed}\nits output: {shown.out()}{shown.err()}\nmessages received: {self.listener.out()}") from failed

    def wait_done(self, shown):
        notes = self.example.notes
        expected = int(notes["exit"][0]) if notes["exit"] else 0

        def has_failed():
            return shown.ended() and shown.process.returncode != expected

        for note in notes["file"]:
            wait_for(lambda note=note: self.file_holds(note) or (shown.ended() and not self.file_holds(note)),
                     f"'{note}'", self.running)
            if not self.file_holds(note):
                raise Failed(f"wrong content of a file: {note}")
        for pattern in notes["prints"]:
            wait_for(lambda pattern=pattern: has_line(pattern, shown.out()) or shown.ended(), f"'{pattern}'", self.running)
            if not has_line(pattern, shown.out()):
                raise Failed(f"it did not print '{pattern}'")
        for pattern in notes["received"]:
            wait_for(lambda pattern=pattern: has_line(pattern, self.listener.out()) or has_failed(),
                     f"'{pattern}'", self.running)
            if has_failed():
                break
        for name in notes["stop"]:
            shown.signal(signal.Signals[name])
        wait_for(shown.ended, "its end", self.running)
        if shown.process.returncode != expected:
            raise Failed(f"it ended with {shown.process.returncode}, not with {expected}")


def run_example(programs, example):
    """Returns "skipped: …" or "good"; raises Failed."""
    if example.notes["skip"]:
        return "skipped: " + example.notes["skip"][0]
    if not any(example.notes[key] for key in CHECKED):
        raise Failed('it has no expectations: add .\\" prints:, received:, file:, exit: or skip: above it '
                     "(see tests/consistency/man_examples.py)")
    with tempfile.TemporaryDirectory() as directory:
        environment = Environment(programs, example, directory)
        try:
            environment.run_all()
        finally:
            environment.close()
    return "good"


def run_pages(programs, pages):
    failed = count = 0
    for name, text in pages:
        for example in examples_of(name, text):
            count += 1
            where = f"{example.page}:{example.line}"
            try:
                print(f"{where}: {run_example(programs, example)}")
            except Failed as failure:
                failed += 1
                print(f"{where}: FAILED: {failure}\n  {example.text.strip()}")
    return count, failed


WRONG = {
    "a wrong line": '.\\" during: mqtt_pub -t a -m b\n.\\" prints: a c\n.Dl mqtt_sub -v -t a -C 1\n',
    "a wrong exit code": '.\\" exit: 0\n.Dl mqtt_pub -t a/# -m b\n',
    "a wrong file": '.\\" file: x b\n.Dl printf a > x\n',
    "no terminal": '.\\" terminal: 80x24\n.\\" prints: none\n.Dl test -t 1 || echo none\n',
    "nothing to check": ".Dl mqtt_pub -t a -m b\n",
}


def self_test(programs):
    good = '.Sh EXAMPLES\n.\\" received: a b\n.Bd -literal\nmqtt_pub -t a -m b\n.Ed\n'
    _, failed = run_pages(programs, [("good", good)])
    for name, text in WRONG.items():
        if run_pages(programs, [(name, ".Sh EXAMPLES\n" + text)]) != (1, 1):
            print(f"self-test: {name} was not detected")
            failed += 1
    print("self-test: " + ("FAILED" if failed else f"{len(WRONG)} wrong examples, all detected"))
    return 1 if failed else 0


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--self-test":
        return self_test(sys.argv[2])
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    pages = []
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as page:
            pages.append((os.path.basename(path), page.read()))
    count, failed = run_pages(sys.argv[1], pages)
    print(f"manual examples: {count} run, {failed} failed")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
