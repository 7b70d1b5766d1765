# What is measured with Debian's Mosquitto as the broker, in its default configuration: short jobs, and the CPU time of the
# clients for each message; and mqtt_passwd. Used by run.py.
import os
import queue
import re
import select
import socket
import statistics
import subprocess
import sys
import threading
import time


def measure(peer, command, stdin_path=None, stdout_path=os.devnull):
    """Runs a command. Returns wall-clock seconds, CPU seconds (user and system), peak resident kilobytes and exit code."""
    with open(stdin_path or os.devnull, "rb") as source, open(stdout_path, "wb") as target:
        child = subprocess.run([peer, "run", *command], stdin=source, stdout=target, stderr=subprocess.PIPE, text=True)
    words = child.stderr.splitlines()[-1].split()
    return dict(zip(words[::2], map(float, words[1::2])))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mosquitto:
    """Mosquitto with a plain, a TLS and a WebSocket port."""

    def __init__(self, work):
        self.port, self.tls_port, self.ws_port = free_port(), free_port(), free_port()
        self.certificate, key = os.path.join(work, "cert.pem"), os.path.join(work, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
                        "-out", self.certificate], check=True, stderr=subprocess.DEVNULL)
        config = os.path.join(work, "mosquitto.conf")
        with open(config, "w") as out:
            out.write(f"allow_anonymous true\nuser root\nlistener {self.port} 127.0.0.1\n"
                      f"listener {self.ws_port} 127.0.0.1\nprotocol websockets\n"
                      f"listener {self.tls_port} 127.0.0.1\ncertfile {self.certificate}\nkeyfile {key}\n")
        self.process = subprocess.Popen(["mosquitto", "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.tls_port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.01)
        sys.exit("mosquitto does not start")

    def close(self):
        self.process.terminate()
        self.process.wait(timeout=20)


class Delay:
    """A proxy that delivers everything after `seconds`, in both directions."""

    def __init__(self, port, seconds):
        self.target, self.seconds = port, seconds
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            broker = socket.create_connection(("127.0.0.1", self.target))
            for source, target in ((client, broker), (broker, client)):
                target.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line = queue.Queue()
                threading.Thread(target=self.read, args=(source, line), daemon=True).start()
                threading.Thread(target=self.write, args=(line, target), daemon=True).start()

    def read(self, source, line):
        data = b"x"
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            line.put((time.monotonic() + self.seconds, data))

    @staticmethod
    def write(line, target):
        while True:
            due, data = line.get()
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                if not data:
                    target.shutdown(socket.SHUT_WR)
                    return
                target.sendall(data)
            except OSError:
                return


def connect_raw(port, client_id):
    link = socket.create_connection(("127.0.0.1", port))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    link.sendall(bytes([0x10, 12 + len(client_id), 0, 4]) + b"MQTT\4\2\0\x3c" + bytes([0, len(client_id)]) + client_id)
    link.recv(4, socket.MSG_WAITALL)
    return link


def answer_requests(port):
    """In a thread: publishes to 'answer' for each message in 'ask', until the broker ends."""
    link = connect_raw(port, b"a")
    link.sendall(b"\x82\x08\0\1\0\3ask\0")
    link.recv(5, socket.MSG_WAITALL)

    def serve():
        while link.recv(4096):
            link.sendall(b"\x30\x09\0\6answery")

    threading.Thread(target=serve, daemon=True).start()


def latencies(send, wait, count=200, rate=100):
    """Seconds from send() to the end of wait(), evenly spread."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        send()
        wait()
        times.append(time.perf_counter() - start)
        time.sleep(max(0.0, 1 / rate - times[-1]))
    return times


def message_to_line(command, port):
    """From a publisher's write to the line that a subscriber prints."""
    sub = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)
    with connect_raw(port, b"p") as link:
        packet = b"\x30\x12\0\5bench" + b"01234567890"
        # Publish until a message arrives: then the subscription exists.
        while not select.select([sub.stdout], [], [], 0.05)[0]:
            link.sendall(packet)
        time.sleep(0.2)
        while select.select([sub.stdout], [], [], 0.1)[0] and os.read(sub.stdout.fileno(), 65536):
            pass
        times = latencies(lambda: link.sendall(packet), sub.stdout.readline)
    sub.terminate()
    sub.wait(timeout=20)
    return times


def line_to_message(command, port):
    """From a line in a slow pipe to the message that a subscriber receives."""
    with connect_raw(port, b"s") as link:
        link.sendall(b"\x82\x0a\0\1\0\5bench\0")
        link.recv(5, socket.MSG_WAITALL)
        with subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=0) as pub:
            pub.stdin.write(b"first\n")
            link.recv(4096)
            return latencies(lambda: pub.stdin.write(b"0123456789\n"), lambda: link.recv(4096))


class Jobs:
    def __init__(self, args, bin_dir, work):
        self.args, self.work = args, work
        self.peer, self.pub, self.sub, self.passwd = (
            os.path.join(bin_dir, name) for name in ("bench_peer", "mqtt_pub", "mqtt_sub", "mqtt_passwd"))
        self.lines = []

    def file(self, name, lines):
        path = os.path.join(self.work, name)
        with open(path, "w") as out:
            out.writelines(lines)
        return path

    def in_turn(self, commands, turns, stdin=None, before=lambda: None):
        """The measurements of each command, all run in turn."""
        runs = [[] for _ in commands]
        for _ in range(turns):
            for command, results in zip(commands, runs):
                before()
                result = measure(self.peer, command, stdin)
                if result["exit"] != 0:
                    sys.exit(f"{' '.join(command)}: exit code {result['exit']:.0f}")
                results.append(result)
        return [{key: statistics.median(one[key] for one in results) for key in ("wall", "cpu", "rss")} for results in runs]

    def row(self, title, *cells):
        self.lines.append(f"| {title} | {' | '.join(cells)} |")

    def short_jobs(self, broker):
        """Mosquitto leaves Nagle's algorithm on, and holds its second packet until the first is acknowledged."""
        plain = ["-h", "127.0.0.1", "-p", str(broker.port)]
        tls = ["-h", "localhost", "-p", str(broker.tls_port), "--cafile", broker.certificate]
        subprocess.run([self.pub, *plain, "-t", "kept", "-m", "x", "-r", "-q", "1"], check=True)
        answer_requests(broker.port)
        twenty = self.file("twenty", [f"line {i}\n" for i in range(20)])
        repeated = ["-t", "x", "-m", "x", "--repeat", "20", "-q", "1"]
        five = [word for i in range(5) for word in ("-t", f"x/{i}")]
        request = ["-V", "311", "-t", "ask", "-e", "answer", "-m", "x"]
        self.lines += ["| short job, whole process, ms | TCP: mqttc / mosquitto | TLS 1.3: mqttc / mosquitto |", "|---|---|---|"]
        for title, ours, theirs in (
                ("sub -C 1 of a retained message", [self.sub, "-t", "kept", "-C", "1"], ["mosquitto_sub", "-t", "kept", "-C", "1"]),
                ("pub -m -q 1", [self.pub, "-t", "x", "-q", "1", "-m", "x"], ["mosquitto_pub", "-t", "x", "-q", "1", "-m", "x"]),
                ("pub -l -q 1, 20 lines", [self.pub, "-t", "x", "-l", "-q", "1"], ["mosquitto_pub", "-t", "x", "-l", "-q", "1"]),
                ("pub -l -q 2, 20 lines", [self.pub, "-t", "x", "-l", "-q", "2"], ["mosquitto_pub", "-t", "x", "-l", "-q", "2"]),
                ("pub --repeat 20 -q 1", [self.pub, *repeated], ["mosquitto_pub", *repeated]),
                ("pub -q 1 with five -t", [self.pub, *five, "-m", "x", "-q", "1"], None),
                ("pub --request -q 1, mosquitto_rr", [self.pub, "--request", *request, "-q", "1"],
                 ["mosquitto_rr", *request, "-q", "1"])):
            cells = []
            for where in (plain, tls):
                commands = [[command[0], *where, *command[1:]] for command in (ours, theirs) if command]
                walls = [f"{one['wall'] * 1e3:.1f}" for one in self.in_turn(commands, 3 * self.args.repeat, twenty)]
                cells.append(" / ".join((walls + ["–"])[:2]))
            self.row(title, *cells)
        far = ["-h", "127.0.0.1", "-p", str(Delay(broker.port, 0.025).port)]
        for title, words in (("sub -C 1 of a retained message", ["-t", "kept", "-C", "1"]),
                             ("pub -m -q 1", ["-t", "x", "-q", "1", "-m", "x"])):
            names = (self.sub, "mosquitto_sub") if title.startswith("sub") else (self.pub, "mosquitto_pub")
            walls = self.in_turn([[name, *far, *words] for name in names], self.args.repeat)
            self.row(f"{title}, round trip 50 ms after the TCP handshake", " / ".join(f"{one['wall'] * 1e3:.0f}" for one in walls),
                     "–")
        topics = self.file("topics", [f"clear/{i} x\n" for i in range(20_000)])
        with open(topics) as source:
            subprocess.run([self.pub, *plain, "-l", "--input", "topic", "-r", "-q", "1", "-M", "1000"], stdin=source, check=True)
        wall = measure(self.peer, [self.sub, *plain, "-t", "clear/#", "--remove-retained", "--idle-timeout", "1"])["wall"]
        self.row("sub --remove-retained, 20,000 topics, without the idle second", f"{(wall - 1) * 1e3:.0f} / –", "–")
        both = [[self.sub, *plain, "-E", *[word for i in range(n) for word in ("-t", f"t/{i}", "-U", f"t/{i}")]]
                for n in (2_000, 4_000)]
        few, many = self.in_turn(both, self.args.repeat)
        self.row("sub -E, 2,000 -t and -U; 4,000", f"{few['wall'] * 1e3:.0f}; {many['wall'] * 1e3:.0f} / –", "–")
        self.lines.append("")

    def cpu(self, broker):
        """CPU time of the client for each message through the broker, which is slower."""
        self.lines += ["| work through Mosquitto, CPU µs of the client per message | mqttc | mosquitto 2.0.11 |", "|---|---|---|"]
        count = 20_000
        at = ["-h", "127.0.0.1", "-p", str(broker.port), "-t", "bench/topic"]
        web = ["-h", "127.0.0.1", "-p", str(broker.ws_port), "--ws", "-t", "bench/topic"]
        lines = self.file("cpu_lines", ["abcdefghijklmnopqrstuvwxyz012345\n"] * count)
        # User properties, and a content type, which goes with a topic alias.
        users = [word for i in range(10) for word in ("-D", "publish", "user-property", f"name{i}", f"value{i}")]
        windowed = ["-l", "-V", "5", "-q", "1", "-M", "1000"]
        typed = ["-D", "publish", "content-type", "text/plain"]

        def cost(title, ours, theirs=None):
            results = self.in_turn([command for command in (ours, theirs) if command], self.args.repeat, lines)
            cells = [f"{one['cpu'] / count * 1e6:.2f}" for one in results]
            self.row(title, *(cells + ["–"])[:2])

        for title, words in (("pub -l, QoS 0", ["-l"]), ("pub -V 5 -l -q 1 -M 1000 (aliases)", windowed),
                             ("the same with a content type", windowed + typed),
                             ("the same with 10 user properties", windowed + users)):
            cost(title, [self.pub, *at, *words], ["mosquitto_pub", *at, *words])
        cost("pub -l, QoS 0, WebSocket", [self.pub, *web, "-l"])
        cost("pub -l --rate 10000, QoS 0", [self.pub, *at, "-l", "--rate", "10000"])
        for title, words in (("sub -V 5 -q 1", []), ("sub -V 5 -q 1, 10 user properties", users)):
            # Mosquitto keeps messages for a session that is not connected, 1,000 by default.
            kept = 1_000
            some = self.file("kept_lines", ["abcdefghijklmnopqrstuvwxyz012345\n"] * kept)
            session = ["-V", "5", "-i", "bench", "-c", "-q", "1"]
            subprocess.run([self.sub, *at, *session, "-E"], check=True)

            def fill():
                with open(some) as source:
                    subprocess.run([self.pub, *at, "-V", "5", "-l", "-q", "1", *words], stdin=source, check=True)

            runs = self.in_turn([[name, *at, *session, "-C", str(kept)] for name in (self.sub, "mosquitto_sub")],
                                self.args.repeat, before=fill)
            self.row(title + ", 1,000 messages, whole process", *(f"{one['cpu'] / kept * 1e6:.2f}" for one in runs))
        self.lines.append("")

    def latency(self, broker):
        limit = subprocess.run([self.peer, "round-trip", str(broker.port), "300", "100"], stdout=subprocess.PIPE, text=True,
                               check=True).stdout.split()[1]
        self.lines += [f"| latency, 100 messages a second, p50 / p99, µs (limit, p50: {float(limit):.0f}) | mqttc | mosquitto 2.0.11 |",
                       "|---|---|---|"]
        at = ["-h", "127.0.0.1", "-p", str(broker.port), "-t", "bench"]
        cores = os.sched_getaffinity(0)
        for title, measured, commands in (
                ("message to line, sub", message_to_line, [[name, *at] for name in (self.sub, "mosquitto_sub")]),
                ("line to message, pub -l", line_to_message, [[name, *at, "-l"] for name in (self.pub, "mosquitto_pub")])):
            for place, used in (("one core", {min(cores)}), ("any core", cores)):
                # The programs inherit it.
                for process in (0, broker.process.pid):
                    os.sched_setaffinity(process, used)
                times = [[] for _ in commands]
                for _ in range(6):
                    for command, taken in zip(commands, times):
                        taken += measured(command, broker.port)
                self.row(f"{title}, {place}",
                         *(f"{statistics.median(taken) * 1e6:.0f} / {statistics.quantiles(taken, n=100)[98] * 1e6:.0f}"
                           for taken in times))
        self.lines.append("")

    def passwords(self):
        self.lines += ["| password files | mqttc | mosquitto 2.0.11 |", "|---|---|---|"]
        plain = [f"user{i}:password{i}\n" for i in range(1000)]
        users = os.path.join(self.work, "users")
        figures = []
        for command in (self.passwd, "mosquitto_passwd"):
            self.file("users", plain)
            result = measure(self.peer, [command, "-U", users])
            figures.append(f"{result['wall'] * 1e3:.0f} ms, {result['cpu'] / result['wall']:.2f} cores busy")
        self.row("-U, 1,000 users", *figures)
        # In memory where possible: otherwise the time is that of the disk.
        hashed = f"$7$101${'A' * 16}${'B' * 86}==\n"
        large = self.file("large", [f"user{i:07}:{hashed}" for i in range(1_000_000)])
        size = os.path.getsize(large) / 1e6
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else self.work
        copy = os.path.join(memory, f"mqttc-bench-users-{os.getpid()}")

        def fresh():
            with open(large, "rb") as source, open(copy, "wb") as out:
                while block := source.read(1 << 20):
                    out.write(block)

        try:
            change = [copy, "user0500000", "new"]
            runs = self.in_turn([[self.passwd, "-b", "-I", "101", *change], ["mosquitto_passwd", "-b", *change]],
                                self.args.repeat, before=fresh)
        finally:
            os.unlink(copy)
        self.row(f"one of 1,000,000 users changed, {size:.0f} MB in memory",
                 *(f"{one['wall'] * 1e3:.0f} ms, CPU {one['cpu'] * 1e3:.0f} ms, {one['rss'] / 1e3:.0f} MB" for one in runs))


def tables(args, bin_dir, work):
    jobs = Jobs(args, bin_dir, work)
    parts = [("short", jobs.short_jobs), ("cpu", jobs.cpu), ("latency", jobs.latency)]
    broker = Mosquitto(work)
    try:
        for name, part in parts:
            if re.search(args.only, name):
                part(broker)
    finally:
        broker.close()
    if re.search(args.only, "passwd"):
        jobs.passwords()
    return jobs.lines
