#!/usr/bin/env python3
# Budgets of the programs that do not depend on the clock: system calls, allocations, instructions, files,
# memory and wake-ups. Usage: budget.py BIN_DIR MALLOC_COUNTER BUILD_TYPE CASE; without CASE all of them.
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

LINE = b"abcdefghijklmnopqrstuvwxyz012345\n"
TOPIC_LINE = b"bench/topic abcdefghijklmnopqrstuvwxyz012345\n"
VALUES = [{"name": f"temp{i:02}", "unit": "C", "value": 20.25 + i, "raw": 1459 * i, "alarm": None} for i in range(14)]
# 1 KB, as a device sends it.
JSON_OBJECT = json.dumps({"device": "press-7", "time": 1764460800, "ok": True, "values": VALUES}, separators=(",", ":")).encode()
# Ways to read lines that are more than a payload.
INPUTS = (
    ("topic", "topic", TOPIC_LINE),
    ("json, short", "json", b'{"topic":"a/b","qos":0,"payload":"19.5"}\n'),
    ("json, recorded", "json",
     b'{"tst":"2026-11-22T00:00:00.500000+0100","topic":"house/kitchen/temperature","qos":0,"retain":0,'
     b'"payloadlen":32,"payload":"abcdefghijklmnopqrstuvwxyz012345"}\n'),
    ("json, with properties", "json",
     b'{"topic":"a/b","properties":{"content-type":"text/plain; charset=utf-8","response-topic":"r",'
     b'"correlation-data":"/wAB","correlation-data_encoding":"base64",'
     b'"user-properties":[{"name":"value"},{"a":"b"}]},"payload":{"x":[1.5,{"y":null}]}}\n'),
    ("json, base64", "json", b'{"topic":"a/b","payload_encoding":"base64","payload":"' + b"QUJD" * 300 + b'"}\n'),
    ("json, escapes", "json", b'{"topic":"a\\/b","payload":"' + b"line\\n\\u00e9" * 80 + b'"}\n'),
    ("json, an object of 1 KB", "json", b'{"topic":"a/b","payload":' + JSON_OBJECT + b"}\n"),
)
# Ways to print a payload of JSON.
JSON_OUTPUTS = (("%J", ("-F", "%J")), ("--field", ("--field", "values.13.raw")),
                ("--field of an object", ("--field", "values.13")),
                ("%{...}", ("-F", "%{device} %{values.13.raw}")))
SKIPPED = 77


class Skip(Exception):
    """A case needs a tool that is not installed."""


def need(tool):
    if not shutil.which(tool):
        raise Skip(f"{tool} is not installed")


class Bench:
    def __init__(self, bin_dir, counter, build_type):
        self.peer, self.pub, self.sub, self.passwd, self.broker = (
            os.path.join(bin_dir, name) for name in ("bench_peer", "mqtt_pub", "mqtt_sub", "mqtt_passwd", "mqtt_testbroker"))
        self.counter = counter
        self.release = build_type == "Release"
        self.work = tempfile.mkdtemp(prefix="mqttc-budget-")
        self.env = {**os.environ, "HOME": self.work, "XDG_CONFIG_HOME": self.work}

    def file(self, name):
        return os.path.join(self.work, name)

    def lines(self, count):
        path = self.file(f"lines{count}")
        with open(path, "wb") as out:
            out.write(LINE * count)
        return path

    def same_lines(self, count, line):
        path = self.file("same_lines")
        with open(path, "wb") as out:
            out.write(line * count)
        return path

    def json_object(self):
        path = self.file("json_object")
        with open(path, "wb") as out:
            out.write(JSON_OBJECT)
        return path

    def big(self, size, end=b""):
        path = self.file(f"big{size}{len(end)}")
        with open(path, "wb") as out:
            for _ in range(size // 1_000_000):
                out.write(b"x" * 1_000_000)
            out.write(end)
        return path

    def with_server(self, server, command, stdin=None, env=None):
        """Runs `command`, with PORT replaced, against a server of bench_peer. Returns its stderr and the server's report."""
        process = subprocess.Popen([self.peer, *server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            port = process.stdout.readline().split()[1]
            full = [word.replace("PORT", port) for word in command]
            with open(stdin or os.devnull, "rb") as source:
                done = subprocess.run(full, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                      env={**self.env, **(env or {})}, timeout=100)
            if done.returncode != 0:
                sys.exit(f"{' '.join(full)}: exit code {done.returncode}: {done.stderr}")
            return done.stderr, process.stdout.readline()
        finally:
            process.stdin.close()
            process.wait(timeout=20)

    def start_broker(self):
        """mqtt_testbroker and its port."""
        broker = subprocess.Popen([self.broker, "-p", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return broker, next(match[1] for line in broker.stdout if (match := re.search(r"127\.0\.0\.1:(\d+)", line)))

    @staticmethod
    def stop(broker):
        broker.terminate()
        broker.wait(timeout=20)

    def publish(self, tool, options, stdin=None, env=None):
        topic = [] if "topic" in options else ["-t", "bench/topic"]
        return self.with_server(["sink"], [*tool, self.pub, "-h", "127.0.0.1", "-p", "PORT", *topic, *options], stdin, env)[0]

    def subscribe(self, tool, count, size, qos=0, window=0, options=(), env=None):
        server = ["source", str(count), str(size), str(qos), str(window)]
        return self.with_server(server, [*tool, self.sub, "-h", "127.0.0.1", "-p", "PORT", "-t", "bench/topic", "-q",
                                         str(qos), "-C", str(count), *options], env=env)[0]


def check(what, value, most):
    print(f"{what}: {value:.6g}, at most {most:g}")
    if value > most:
        sys.exit(f"over budget: {what}")


def calls_of(bench, run):
    """System calls of `run(tool)` by strace."""
    need("strace")
    out = bench.file("strace")
    run(["strace", "-f", "-qq", "-o", out])
    with open(out) as trace:
        return trace.read().splitlines()


def system_calls(bench):
    few, many = 1, 100_000
    for qos, most in ((0, 2), (1, 250), (2, 450)):
        count = many if qos == 0 else 5_000
        start = len(calls_of(bench, lambda tool: bench.publish(tool, ["-l", "-q", str(qos)], bench.lines(few))))
        all_calls = len(calls_of(bench, lambda tool: bench.publish(tool, ["-l", "-q", str(qos)], bench.lines(count))))
        check(f"mqtt_pub -l, QoS {qos}: system calls per 1,000 messages", (all_calls - start) * 1000 / count, most)
    start = len(calls_of(bench, lambda tool: bench.subscribe(tool, few, 32)))
    all_calls = len(calls_of(bench, lambda tool: bench.subscribe(tool, many, 32)))
    check("mqtt_sub: system calls per 1,000 messages", (all_calls - start) * 1000 / many, 5)
    flood = calls_of(bench, lambda tool: bench.subscribe(tool, many, 32))
    check("mqtt_sub: acknowledgements requested from the kernel per 1,000 messages",
          sum("TCP_QUICKACK" in call for call in flood) * 1000 / many, 0.5)
    # The messages of a millisecond are sent together.
    paced = len(calls_of(bench, lambda tool: bench.publish(tool, ["-l", "--rate", "10000"], bench.lines(5_000))))
    check("mqtt_pub -l --rate 10000: system calls for half a second", paced, 1_500)


def allocations(bench):
    def count(run):
        path = bench.file("mallocs")
        run({"LD_PRELOAD": bench.counter, "MQTTC_MALLOC_COUNT": path})
        with open(path) as source:
            return int(source.read())

    few, many = 5_000, 50_000
    for qos in (0, 1, 2):
        options = ["-l", "-q", str(qos)]
        before = count(lambda env: bench.publish([], options, bench.lines(few), env))
        after = count(lambda env: bench.publish([], options, bench.lines(many), env))
        check(f"mqtt_pub -l, QoS {qos}: allocations for each of {many - few} further messages",
              (after - before) / (many - few), 0.002)
    for title, form, line in INPUTS:
        options = ["-l", "--input", form]
        before = count(lambda env: bench.publish([], options, bench.same_lines(few, line), env))
        after = count(lambda env: bench.publish([], options, bench.same_lines(many, line), env))
        check(f"mqtt_pub --input {title}: allocations for each of {many - few} further messages",
              (after - before) / (many - few), 0.002)
    for title, options in JSON_OUTPUTS:
        before = count(lambda env: bench.subscribe([], few, bench.json_object(), options=options, env=env))
        after = count(lambda env: bench.subscribe([], many, bench.json_object(), options=options, env=env))
        check(f"mqtt_sub {title}: allocations for each of {many - few} further messages",
              (after - before) / (many - few), 0.002)
    for title, options, qos in (("default", (), 0), ("-v", ("-v",), 0), ("'%t %x'", ("-F", "%t %x"), 0),
                                ("%j", ("-F", "%j"), 0), ("QoS 2", (), 2)):
        before = count(lambda env: bench.subscribe([], few, 32, qos, 100, options, env))
        after = count(lambda env: bench.subscribe([], many, 32, qos, 100, options, env))
        check(f"mqtt_sub {title}: allocations for each of {many - few} further messages",
              (after - before) / (many - few), 0.002)


def start(bench):
    """The cost of starting the programs."""
    libraries = {"libc.so.6"}
    if not bench.release:
        libraries |= {"libstdc++.so.6", "libgcc_s.so.1", "libm.so.6"}
    for name, run in (("mqtt_pub -m", lambda tool: bench.publish(tool, ["-m", "x"])),
                      ("mqtt_sub", lambda tool: bench.subscribe(tool, 1, 32))):
        trace = calls_of(bench, run)
        opened = [match[1] for line in trace if (match := re.search(r'\bopen(?:at)?\([^"]*"([^"]*)"', line))]
        found = [path for path in opened if not re.search(r"(/etc/ld\.so\.cache|/(mqtt|mosquitto)_(pub|sub))$", path)]
        names = {os.path.basename(path) for path in found}
        print(f"{name} opens: {' '.join(opened)}")
        if not names <= libraries:
            sys.exit(f"{name} opens unnecessary files: {' '.join(sorted(names - libraries))}")
        check(f"{name}: system calls of a whole run", len(trace), 90 if bench.release else 130)


def total_of(path):
    """The instructions in a file of callgrind."""
    with open(path) as source:
        return int(re.search(r"^(?:summary|totals): (\d+)", source.read(), re.M)[1])


def instructions_of(bench, run):
    """The instructions of a program that run() starts, given the words that precede its command."""
    out = bench.file("callgrind")
    run(["valgrind", "--tool=callgrind", "--error-exitcode=99", f"--callgrind-out-file={out}"])
    return total_of(out)


def instructions(bench):
    need("valgrind")

    def count(run):
        return instructions_of(bench, run)

    # Enough messages that one-time work, such as growing a buffer, does not matter.
    few, many = 10_000, 40_000
    scale = 1 if bench.release else 1.5
    for qos, most in ((0, 210), (1, 1200), (2, 1700)):
        options = ["-l", "-q", str(qos)]
        before = count(lambda tool: bench.publish(tool, options, bench.lines(few)))
        after = count(lambda tool: bench.publish(tool, options, bench.lines(many)))
        check(f"mqtt_pub -l, QoS {qos}: instructions per message", (after - before) / (many - few), most * scale)
    for qos, most in ((1, 1100), (2, 1400)):
        options = ["-l", "-q", str(qos), "-M", "65535"]
        before = count(lambda tool: bench.publish(tool, options, bench.lines(few)))
        after = count(lambda tool: bench.publish(tool, options, bench.lines(many)))
        check(f"mqtt_pub -l -M 65535, QoS {qos}: instructions per message", (after - before) / (many - few), most * scale)
    dropped = [word for i in range(1000) for word in ("-T", f"bench/{i}/+" if i % 2 else f"bench/{i}")]
    for title, options, most in (("default", (), 290), ("%j", ("-F", "%j"), 2100), ("with 1,000 -T", dropped, 650)):
        before = count(lambda tool: bench.subscribe(tool, few, 32, options=options))
        after = count(lambda tool: bench.subscribe(tool, many, 32, options=options))
        check(f"mqtt_sub {title}: instructions per message", (after - before) / (many - few), most * scale)


def reading(bench):
    """Lines with a topic or of JSON, and payloads of JSON."""
    need("valgrind")

    def count(run):
        return instructions_of(bench, run)

    few, many = 300, 1_500
    # A fifth more than in the dev build.
    most = {"topic": 1650, "json, recorded": 5900, "json, an object of 1 KB": 21300, "%J": 21200, "--field": 21900, "%{...}": 24400}
    for title, form, line in INPUTS:
        if title not in most:
            continue
        options = ["-l", "--input", form]
        before = count(lambda tool: bench.publish(tool, options, bench.same_lines(few, line)))
        after = count(lambda tool: bench.publish(tool, options, bench.same_lines(many, line)))
        check(f"mqtt_pub --input {title}: instructions per message", (after - before) / (many - few), most[title])
    for title, options in JSON_OUTPUTS:
        if title not in most:
            continue
        before = count(lambda tool: bench.subscribe(tool, few, bench.json_object(), options=options))
        after = count(lambda tool: bench.subscribe(tool, many, bench.json_object(), options=options))
        check(f"mqtt_sub {title}, JSON of 1 KB: instructions per message", (after - before) / (many - few), most[title])


def decoding(bench):
    """--decode, compared with writing the same JSON with %j."""
    need("valgrind")
    row = {"sensor": "temp07", "unit": "C", "value": 21.25, "raw": 1459, "alarm": None}
    value = json.dumps({"device": "press-7/line 2", "time": 1764460800, "ok": True, "values": [row] * 20})
    paths = {"json": bench.file("value.json"), "cbor": bench.file("value.cbor"), "msgpack": bench.file("value.msgpack")}
    with open(paths["json"], "w") as out:
        out.write(value)
    for form in ("cbor", "msgpack"):
        broker, port = bench.start_broker()
        try:
            where = ["-h", "127.0.0.1", "-p", port, "-t", "x"]
            subprocess.run([bench.pub, *where, "-r", "-q", "1", "--encode", form, "-m", value], env=bench.env, check=True)
            with open(paths[form], "wb") as out:
                subprocess.run([bench.sub, *where, "-C", "1", "-N"], env=bench.env, check=True, stdout=out, timeout=20)
        finally:
            bench.stop(broker)

    def count(messages, path, options):
        return instructions_of(bench, lambda tool: bench.subscribe(tool, messages, path, options=options))

    def cost(form, *options):
        few, many = 500, 2_000
        return (count(many, paths[form], options) - count(few, paths[form], options)) / (many - few)

    plain = cost("json", "-F", "%j")
    for form in ("cbor", "msgpack"):
        size = os.path.getsize(paths[form])
        check(f"mqtt_sub --decode {form}, {size} bytes: times the {plain:.0f} instructions of %j", cost(form, "--decode", form) / plain, 2)


def library(bench):
    """What the library costs a program: memory of idle sessions, and instructions of a message."""
    need("valgrind")
    program = os.path.join(os.path.dirname(bench.peer), "bench_library_cost")

    for what in ("idle_v311", "idle_v5", "subscribed_v311", "subscribed_v5"):
        done = subprocess.run([program, what, "10000"], check=True, capture_output=True, text=True)
        check(f"one of 10,000 sessions, {what}: bytes", int(done.stdout), 2047)

    messages = 20_000
    counted = [f"--toggle-collect=counted_{name}" for name in ("publish", "write", "receive", "dispatch")]
    # With writing and acknowledgements. Measured: a quarter less. 1,600 instructions take less than 2 us even at 1 GHz.
    for what, qos, most in (("publish", 0, 620), ("publish", 1, 1540), ("publish", 2, 1960), ("on_publish", 0, 200),
                            ("on_publish", 1, 700), ("on_publish", 2, 1650), ("dispatch", 0, 1600)):
        out = bench.file("callgrind")
        subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no", *counted,
                        f"--callgrind-out-file={out}", program, what, str(messages), str(qos)], check=True,
                       capture_output=True)
        each = total_of(out) / messages
        title = "dispatch among 10,000 filters" if what == "dispatch" else f"{what}, QoS {qos}"
        check(f"{title}: instructions per message", each, most)


def doubling(bench):
    """Twice the work takes twice the instructions."""
    need("valgrind")
    broker, port = bench.start_broker()
    try:
        def count(filters):
            out = bench.file("callgrind")
            words = [word for i in range(filters) for word in ("-t", f"t/{i}", "-U", f"t/{i}")]
            done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", bench.sub, "-h", "127.0.0.1",
                                   "-p", port, "-E", *words], env=bench.env, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, timeout=100)
            if done.returncode != 0:
                sys.exit(f"mqtt_sub with {filters} -t and -U: exit code {done.returncode}")
            return total_of(out)

        start = count(1)
        check("mqtt_sub, 3,000 -t and -U: times the instructions of 1,500", (count(3_000) - start) / (count(1_500) - start), 2.2)
    finally:
        bench.stop(broker)


def live(bench):
    """mqtt_sub -w with 100,000 topics at 100,000 messages a second: drawings, the slowest keys, and memory."""
    need("valgrind")
    program = os.path.join(os.path.dirname(bench.peer), "bench_live_cost")
    out = bench.file("callgrind")
    names = subprocess.run(["valgrind", "--tool=callgrind", "--toggle-collect=counted_*", "--dump-before=next_count",
                            "--collect-atstart=no", f"--callgrind-out-file={out}", program],
                           check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.splitlines()
    scale = 1 if bench.release else 1.5
    # The first file is from before the first name.
    for number, name in enumerate(names, 2):
        millions = total_of(f"{out}.{number}") / 1e6
        if millions == 0:
            raise SystemExit(f"nothing was counted for {name}")
        # A core does more than 1,000 million instructions a second: drawing is below 10 % of it, and a key below 50 ms.
        if name.startswith("drawing"):
            check(f"mqtt_sub -w, {name}: million instructions per second", millions, 100 * scale)
        else:
            check(f"mqtt_sub -w, 100,000 topics, key for {name}: million instructions", millions, 50 * scale)
    # 96 MiB of values, twice that in a pause, and what each topic needs besides.
    done = subprocess.run([bench.peer, "run", program, "memory"], check=True, capture_output=True, text=True)
    check("mqtt_sub -w, 100,000 topics with values of 1 kB, in a pause: MB",
          int(re.search(r"rss (\d+)", done.stdout + done.stderr)[1]) / 1024, 400)


def memory(bench):
    def peak(run):
        return int(re.search(r"rss (\d+)", run([bench.peer, "run"]))[1]) / 1024

    mb = 64_000_000 / 1024 / 1024
    big, line = bench.big(64_000_000), bench.big(64_000_000, b"\n")
    check("mqtt_pub -l, 300,000 lines: MB", peak(lambda tool: bench.publish(tool, ["-l"], bench.lines(300_000))), 8)
    check("mqtt_pub -l -q 1 -M 65535, 300,000 lines: MB",
          peak(lambda tool: bench.publish(tool, ["-l", "-q", "1", "-M", "65535"], bench.lines(300_000))), 32)
    for qos in ("0", "1"):
        check(f"mqtt_pub -f of 64 MB, QoS {qos}: MB", peak(lambda tool: bench.publish(tool, ["-f", big, "-q", qos])), 8)
    check("mqtt_pub -s of 64 MB from a file: MB", peak(lambda tool: bench.publish(tool, ["-s"], big)), mb + 8)
    shell = ["sh", "-c", 'cat "$0" | "$@"', big, bench.peer, "run"]
    check("mqtt_pub -s of 64 MB from a pipe: MB",
          int(re.search(r"rss (\d+)", bench.publish(shell, ["-s"]))[1]) / 1024, mb + 8)
    check("mqtt_pub -l, a line of 64 MB: MB", peak(lambda tool: bench.publish(tool, ["-l"], line)), mb + 8)
    check("mqtt_sub, 300,000 messages: MB", peak(lambda tool: bench.subscribe(tool, 300_000, 32)), 8)
    check("mqtt_sub, 64 MB: MB", peak(lambda tool: bench.subscribe(tool, 1, 64_000_000)), mb + 8)
    users = bench.file("users")
    with open(users, "w") as out:
        out.writelines(f"user{i}:$7$101${'A' * 16}${'B' * 86}==\n" for i in range(200_000))
    file_mb = os.path.getsize(users) / 1024 / 1024
    for title, change in (("one user changed", ["-b", "-I", "1", users, "user100000", "new"]),
                          ("one user added", ["-b", "-I", "1", users, "new", "new"]),
                          ("one user deleted", ["-D", users, "user7"])):
        done = subprocess.run([bench.peer, "run", bench.passwd, *change], check=True, capture_output=True, text=True)
        report = re.search(r"rss (\d+) exit 0", done.stderr)
        check(f"mqtt_passwd, 200,000 users, {title}: MB more than the file", int(report[1]) / 1024 - file_mb, 16)


def idle(bench):
    """A subscriber without traffic waits once, until the keep-alive is due; a message is written as soon as it is read."""
    need("strace")
    broker, port = bench.start_broker()
    try:
        trace = bench.file("strace")
        os.mkfifo(trace)
        sub = subprocess.Popen(["strace", "-qq", "-o", trace, bench.sub, "-h", "127.0.0.1", "-p", port, "-t", "x"],
                               env=bench.env, stdout=subprocess.PIPE)
        with open(trace) as lines:
            seen = []
            for line in lines:
                seen.append(line)
                # SUBACK was received: the next wait is for the keep-alive.
                if "recv" in line and "\\220" in line:
                    break
            # Watch for one second, in which there should be no line. A short time can only miss a fault, never report a
            # wrong one.
            os.set_blocking(lines.fileno(), False)
            signal.sigtimedwait([], 1.0)
            try:
                quiet = os.read(lines.fileno(), 1 << 20).decode()
            except BlockingIOError:
                quiet = ""
            subprocess.run([bench.pub, "-h", "127.0.0.1", "-p", port, "-t", "x", "-m", "1"], env=bench.env, check=True)
            sub.stdout.readline()
            child = int(subprocess.run(["ps", "-o", "pid=", "--ppid", str(sub.pid)], stdout=subprocess.PIPE, text=True,
                                       check=True).stdout.split()[0])
            os.kill(child, signal.SIGTERM)
            sub.wait(timeout=20)
            rest = os.read(lines.fileno(), 1 << 20).decode()
        check("mqtt_sub: waits started in an idle second", quiet.count("ppoll("), 1)
        check("mqtt_sub: system calls between the end of the wait and the line of a message that comes alone",
              rest[:rest.index("writev(")].count("\n") - 1, 1)
    finally:
        bench.stop(broker)


CASES = {"system_calls": system_calls, "allocations": allocations, "start": start, "instructions": instructions, "reading": reading,
         "decoding": decoding, "doubling": doubling, "memory": memory, "idle": idle, "live": live, "library": library}


def main():
    bench = Bench(*sys.argv[1:4])
    try:
        for case in sys.argv[4:] or CASES:
            CASES[case](bench)
    except Skip as why:
        print(f"skipped: {why}")
        return SKIPPED
    finally:
        shutil.rmtree(bench.work)
    return 0


if __name__ == "__main__":
    sys.exit(main())
