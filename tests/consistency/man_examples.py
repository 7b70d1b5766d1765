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
    .\\" server: HOST:PORT KEY=VALUE ...   the example reaches this broker, which requires that (far_server.py)
    .\\" proxy: ADDRESS     that server is the proxy ADDRESS of the example, instead of one in a configuration file
    .\\" far: LINE          a subscriber of the server's broker prints this line (regular expression)
    .\\" sent: COMMAND      run with the server's broker after the example has subscribed there
    .\\" unit: NAME         the block is a systemd unit, which systemd-analyze accepts; its ExecStart is the example
    .\\" skip: REASON       the example cannot run in a test

A block below .\\" output: is not an example: each of its lines is one that the example before it prints, but for
numbers and the width of spaces. In a page with the sentence SILENT, an example without such a block prints nothing.

MQTT_HOST and MQTT_PORT are set to the broker. Each example runs in a new directory, whose subdirectory bin is in PATH
and whose subdirectory etc replaces /etc/mosquitto. An example without expectations is an error.
"""

import fcntl
import os
import re
import select
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass, field

TIMEOUT = 60  # seconds; only a failing example waits this long
FAR_SERVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "far_server.py")
KEYS = ("before", "input", "during", "stop", "prints", "received", "file", "exit", "broker", "terminal", "skip", "server",
        "proxy", "far", "sent", "unit", "output")
MOVEMENT = re.compile(r"\x1b\[[\d;?]*[A-Za-ln-z]")  # colours stay
SILENT = "A command without output below it prints nothing."
CHECKED = ("prints", "received", "file", "exit", "skip", "far")


class Failed(Exception):
    pass


@dataclass
class Example:
    page: str
    line: int
    text: str = ""
    silent: bool = False  # unless it has output
    notes: dict = field(default_factory=lambda: {key: [] for key in KEYS})


def unescape(text):
    return text.replace("\\&", "").replace("\\(dq", '"').replace("\\-", "-").replace("\\e", "\\")


def examples_of(name, text):
    """The examples of a page in order."""
    inside = block = False
    found = []
    silent = SILENT in text.replace("\n", " ")
    example = Example(name, 0, silent=silent)

    def complete():
        nonlocal example
        if not example.notes["output"]:
            found.append(example)
        elif not found:
            raise Failed(f"{name}:{example.line}: output without an example")
        else:
            found[-1].notes["output"] += example.text.splitlines()
        example = Example(name, 0, silent=silent)

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
            example.line, example.text = number, unescape(line[4:]) + "\n"
            complete()
        elif line == ".Ed":
            block = False
            complete()
        elif block:
            example.text += unescape(line) + "\n"
    return found


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

    def exit_code(self):
        """As a shell has it, which adds 128 to the number of a signal."""
        code = self.process.returncode
        return code if code >= 0 else 128 - code

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


def comparable(line):
    """The line without what differs from run to run: numbers, their units of time and size, and widths of spaces."""
    without_numbers = re.sub(r"\d[\d.:]*( (us|ms|s|B|kB|MB)\b)?", "0", line)
    return " ".join(without_numbers.split())


def shortened(text):
    """For messages of failures."""
    return text if len(text) < 2000 else text[:1000] + "\n[...]\n" + text[-1000:]


def has_line(pattern, text):
    return re.search(rf"^(?:{pattern})$", text, re.MULTILINE) is not None


class Environment:
    """A broker, a subscriber to all topics and a directory for one example."""

    def __init__(self, programs, example, directory):
        self.example, self.directory, self.running = example, directory, []
        self.broker = self.listener = self.far_broker = self.far_listener = self.server = None
        for name in ("etc", "bin"):
            os.mkdir(os.path.join(directory, name))
        self.env = {"PATH": f"{directory}/bin:{os.path.abspath(programs)}:{os.environ['PATH']}", "HOME": directory, "LC_ALL": "C.UTF-8",
                    "TERM": "xterm", "NO_COLOR": "1", "TZ": "UTC", "MQTT_HOST": "127.0.0.1"}

    def run_all(self):
        """Starts brokers and subscribers, and runs the example."""
        self.broker, self.env["MQTT_PORT"] = self.start_broker()
        self.listener = self.start("exec mqtt_sub -v -t '#'")
        wait_for(lambda: self.subscribed() > 0, "a subscription", self.running)
        self.example_env = dict(self.env)
        if self.example.notes["server"]:
            self.start_server()
        self.run_example()

    def start_broker(self):
        """A broker and its port."""
        options = " ".join(self.example.notes["broker"])
        broker = self.start(f"exec mqtt_testbroker -v -p 0 {options}")
        wait_for(lambda: "not for production" in broker.out() or broker.ended(), "the broker", [broker])
        if broker.ended():
            raise Failed("no broker: " + broker.err())
        return broker, re.search(r"listening on 127\.0\.0\.1:(\d+)", broker.out()).group(1)

    def start_server(self):
        """The server that the example reaches, and a broker in it."""
        self.far_broker, port = self.start_broker()
        self.far_env = {**self.env, "MQTT_PORT": port}
        self.far_listener = self.start("exec mqtt_sub -v -t '#'", env=self.far_env)
        wait_for(lambda: self.subscribed() > 1, "a subscription", self.running)
        keys = os.path.join(self.directory, "keys")
        os.mkdir(keys)
        wanted = " ".join(map(shlex.quote, self.example.notes["server"]))
        self.server = self.start(f"exec {FAR_SERVER} {port} {keys} {wanted}")
        wait_for(lambda: "listening" in self.server.out() or self.server.ended(), "the server", [self.server])
        if self.server.ended():
            raise Failed("no server: " + self.server.err())
        proxy = "127.0.0.1:" + self.server.out().split()[3]
        if self.example.notes["proxy"]:
            self.example.text = self.example.text.replace(self.example.notes["proxy"][0], proxy)
        else:
            configuration = os.path.join(self.directory, "config")
            os.mkdir(configuration)
            for name in ("mqtt_pub", "mqtt_sub"):
                with open(os.path.join(configuration, name), "w", encoding="utf-8") as file:
                    file.write(f"--proxy socks5h://{proxy}\n")
            self.example_env["XDG_CONFIG_HOME"] = configuration
        self.example_env["SSL_CERT_DIR"] = os.path.join(keys, "ca")

    def with_own_etc(self, command):
        return command.replace("/etc/mosquitto", os.path.join(self.directory, "etc"))

    def start(self, command, text="", terminal=None, env=None):
        self.running.append(Running(["bash", "-c", self.with_own_etc(command)], self.directory, env or self.env, text, terminal))
        return self.running[-1]

    def subscribed(self):
        """How many subscriptions there were."""
        brokers = [broker for broker in (self.broker, self.far_broker) if broker]
        return sum(len(re.findall(r"SUBSCRIBE .* -> ", broker.err())) for broker in brokers)

    def run(self, command, env=None):
        done = self.start(command, env=env)
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
        for name in notes["unit"]:
            self.check_unit(name)
        subscribed = self.subscribed()
        shown = self.start(self.example.text, "".join(notes["input"]).replace("\\n", "\n"),
                           *notes["terminal"], env=self.example_env)
        try:
            if notes["during"] or notes["sent"]:
                wait_for(lambda: self.subscribed() > subscribed or shown.ended(), "a subscription", self.running)
            for command in notes["during"]:
                self.run(command)
            for command in notes["sent"]:
                self.run(command, self.far_env)
            self.wait_done(shown)
        except Failed as failed:
            raise Failed(f"{failed}\nits output: {shortened(shown.out())}{shortened(shown.err())}\nmessages received: {shortened(self.listener.out())}"
                         + (f"\nthe server: {self.server.out()}{self.server.err()}" if self.server else "")) from failed

    def check_unit(self, name):
        """The unit has no faults; its ExecStart is then the example."""
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as file:
            file.write(self.example.text)
        checked = self.start(f"systemd-analyze verify --man=no ./{name}")
        wait_for(checked.ended, "systemd-analyze", [checked])
        if checked.process.returncode != 0 or checked.out() or checked.err():
            raise Failed(f"systemd-analyze verify: {checked.process.returncode} {checked.out()}{checked.err()}")
        self.example.text = re.search(r"^ExecStart=(.*)", self.example.text, re.MULTILINE).group(1).replace("%%", "%")
        self.example_env["STATE_DIRECTORY"] = self.directory

    def wait_done(self, shown):
        notes = self.example.notes
        expected = int(notes["exit"][0]) if notes["exit"] else 0

        def has_failed():
            return shown.ended() and shown.exit_code() != expected

        for note in notes["file"]:
            wait_for(lambda note=note: self.file_holds(note) or (shown.ended() and not self.file_holds(note)),
                     f"'{note}'", self.running)
            if not self.file_holds(note):
                raise Failed(f"wrong content of a file: {note}")
        for pattern in notes["prints"]:
            wait_for(lambda pattern=pattern: has_line(pattern, shown.out()) or shown.ended(), f"'{pattern}'", self.running)
            if not has_line(pattern, shown.out()):
                raise Failed(f"it did not print '{pattern}'")
        for key, listener in (("received", self.listener), ("far", self.far_listener)):
            for pattern in notes[key]:
                wait_for(lambda pattern=pattern, listener=listener: has_line(pattern, listener.out()) or has_failed(),
                         f"'{pattern}'", self.running)
                if has_failed():
                    break
        for line in filter(None, map(comparable, map(self.with_own_etc, notes["output"]))):
            wait_for(lambda line=line: line in map(comparable, shown.out().splitlines()) or shown.ended(), f"'{line}'", self.running)
            if line not in map(comparable, shown.out().splitlines()):
                raise Failed(f"it did not print '{line}'")
        for name in notes["stop"]:
            shown.signal(signal.Signals[name])
        wait_for(shown.ended, "its end", self.running)
        if shown.exit_code() != expected:
            raise Failed(f"it ended with {shown.exit_code()}, not with {expected}")
        if self.example.silent and not notes["output"] and shown.out() + shown.err():
            raise Failed("it prints text that the page does not show")


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
    "a wrong output": '.\\" during: mqtt_pub -t a -m b\n.\\" prints: a b\n.Dl mqtt_sub -v -t a -C 1\n.\\" output:\n.Dl a c\n',
    "an output that is not shown": '.\\" during: mqtt_pub -t a -m b\n.\\" prints: a b\n.Dl mqtt_sub -v -t a -C 1\n.Pp\n' + SILENT + "\n",
    "a wrong login": '.\\" server: far.example:1883 user=u password=p\n.\\" far: a b\n.Dl mqtt_pub -h far.example -p 1883 -u u -P q -t a -m b\n',
    "a wrong unit": '.\\" unit: x.service\n.\\" exit: 0\n.Bd -literal\n[Service]\nExecStart=/bin/true\nDinamicUser=yes\n.Ed\n',
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
