# The programs under test: ours, or Debian's mosquitto_pub and mosquitto_sub.
import itertools
import os
import subprocess
import tempfile
import threading
import time

VERSIONS = {"31": "mqttv31", "311": "mqttv311", "5": "mqttv5"}


class Mismatch(Exception):
    """What differs from the expectation; with what the programs printed."""


class Clients:
    def __init__(self, bin_dir, mosquitto=False):
        self.mosquitto = mosquitto
        self.pub, self.sub = ("mosquitto_pub", "mosquitto_sub") if mosquitto else (
            os.path.join(bin_dir, "mqtt_pub"), os.path.join(bin_dir, "mqtt_sub"))


class Sub:
    """A running mqtt_sub. It prints "TOPIC PAYLOAD" lines, or bytes with raw=True."""

    def __init__(self, command, raw=False):
        self.err_file = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.err_file)
        self.raw, self.data, self.lines = raw, bytearray(), []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        rest = b""
        while chunk := os.read(self.process.stdout.fileno(), 1 << 20):
            with self.changed:
                if self.raw:
                    self.data += chunk
                else:
                    *whole, rest = (rest + chunk).split(b"\n")
                    self.lines += [line.decode(errors="replace") for line in whole]
                self.changed.notify_all()

    def wait_for(self, ready, seconds):
        deadline = time.monotonic() + seconds
        with self.changed:
            while not ready():
                if not self.changed.wait(min(0.1, max(0.0, deadline - time.monotonic()))):
                    if time.monotonic() >= deadline:
                        return ready()
                    if self.process.poll() is not None and not self.reader.is_alive():
                        return ready()
        return True

    def err(self):
        self.err_file.seek(0)
        return self.err_file.read()

    def wait(self, seconds=20):
        try:
            code = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "none (killed)"
        self.reader.join()
        return code

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.reader.join()


class Run:
    """One case with one broker: its arguments, and everything that must end with it."""
    numbers = itertools.count(1)

    def __init__(self, broker, clients, version, qos=0, lines=20_000):
        number = next(Run.numbers)
        self.broker, self.clients, self.version, self.qos, self.lines = broker, clients, version, qos, lines
        self.topic = f"case{number}"
        self.id = f"mqttc-{number}"
        self.subs = []

    def arguments(self, transport="tcp", login=None):
        words = ["-h", "127.0.0.1", "-p", str(self.broker.ports[transport]), "-V", VERSIONS[self.version]]
        if transport in ("ws", "wss"):
            words += ["--ws", "--ws-path", self.broker.path]
        if transport in ("tls", "wss"):
            words += ["--cafile", self.broker.ca]
        if login is None and not self.broker.anonymous:
            login = self.broker.login
        if login:
            words += ["-u", login[0], "-P", login[1]]
        return words

    def run(self, program, *words, data=None, seconds=30, **how):
        command = [program, *self.arguments(**how), *words]
        try:
            done = subprocess.run(command, input=data, stdin=subprocess.DEVNULL if data is None else None,
                                  capture_output=True, timeout=seconds)
        except subprocess.TimeoutExpired as late:
            raise Mismatch(f"{os.path.basename(program)} does not end within {seconds} s: "
                           f"{(late.stderr or b'').decode(errors='replace')}")
        return done.returncode, done.stdout, done.stderr.decode(errors="replace")

    def pub(self, *words, code=0, **how):
        """Publishes; any other exit code, and any message with code 0, is a mismatch."""
        got, _, err = self.run(self.clients.pub, *words, **how)
        if got != code or (err and code == 0):
            raise Mismatch(f"pub: exit code {got}: {err.strip()}")
        return err

    def sub(self, *words, raw=False, ready=True, **how):
        """Starts a subscriber and waits until a message to TOPIC/ready arrives, which it subscribes to as well."""
        output = ["-N"] if raw else [] if "--exec" in words else ["-v"]
        more = ["-t", self.topic + "/ready", "-q", str(self.qos)] if ready else ["-q", str(self.qos)]
        sub = Sub([self.clients.sub, *self.arguments(**how), *output, *words, *more], raw)
        self.subs.append(sub)
        if ready:
            self.wait_ready(sub, raw)
        return sub

    def wait_ready(self, sub, raw=False):
        deadline = time.monotonic() + 10
        while not sub.wait_for(lambda: bool(sub.data) if raw else bool(sub.lines), 0.05):
            if sub.process.poll() is not None:
                raise Mismatch(f"sub: exit code {sub.process.returncode}: {sub.err().strip()}")
            if time.monotonic() > deadline:
                raise Mismatch(f"sub: not subscribed within 10 s: {sub.err().strip()}")
            self.run(self.clients.pub, "-t", self.topic + "/ready", "-m", "ready")

    def received(self, sub):
        """The lines so far, without those of wait_ready."""
        with sub.changed:
            return [line for line in sub.lines if not line.endswith("/ready ready")]

    def expect(self, sub, lines, seconds=20, any_order=False):
        """The subscriber receives these lines, and nothing else. It may be slow, but not pause for `seconds`."""
        before = -1
        while before < len(sub.lines) and len(self.received(sub)) < len(lines):
            before = len(sub.lines)
            sub.wait_for(lambda: len(self.received(sub)) >= len(lines), seconds)
        got = self.received(sub)
        if any_order:
            got, lines = sorted(got), sorted(lines)
        if got != lines:
            count = {}
            for line in got:
                count[line] = count.get(line, 0) + 1
            lost = [line for line in lines if line not in count]
            more = sum(count.values()) - len(count)
            detail = f", first {lost[0]!r:.80}" if lost else ""
            raise Mismatch(f"sub: {len(lost)} of {len(lines)} messages missing{detail}, {more} twice, "
                           f"{'order differs' if not lost and not more else 'got ' + str(len(got))}: {sub.err().strip()}")

    def end(self):
        for sub in self.subs:
            sub.close()
