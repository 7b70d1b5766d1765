#!/usr/bin/env python3
# Measures mqtt_pub and mqtt_sub, the limit clients and Debian's Mosquitto clients in turn, repeatedly. Prints a table of
# medians and ratios; --readme writes it and a plot into tests/bench/README.md.
import argparse
import json
import os
import re
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class Server:
    """A bench_peer server (sink or source) and its port. It ends when its standard input is closed."""

    def __init__(self, peer, *args):
        self.process = subprocess.Popen([peer, *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def report(self):
        """The line that the server printed after a client: {'messages': n, 'seconds': s, ...}."""
        words = self.process.stdout.readline().split()
        return dict(zip(words[::2], map(float, words[1::2])))

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)


def measure(peer, command, stdin_path=None, stdout_path=os.devnull):
    """Runs a command. Returns wall-clock seconds, CPU seconds (user and system), peak resident kilobytes and exit code."""
    with open(stdin_path or os.devnull, "rb") as source, open(stdout_path, "wb") as target:
        child = subprocess.run([peer, "run", *command], stdin=source, stdout=target, stderr=subprocess.PIPE, text=True)
    words = child.stderr.splitlines()[-1].split()
    return dict(zip(words[::2], map(float, words[1::2])))


class Row:
    """A row of the table: the same work by several contenders, repeated in turn."""

    def __init__(self, peer, title, unit, count, contenders, server, expect=None, turns=1):
        self.title, self.unit, self.count, self.contenders, self.turns = title, unit, count, contenders, turns
        self.peer, self.server, self.expect = peer, server, expect
        self.runs = {name: [] for name in contenders}

    def run_once(self):
        for _ in range(self.turns):
            for name, contender in self.contenders.items():
                result = measure(self.peer, contender["command"], contender.get("stdin"))
                report = contender.get("server", self.server).report()
                if self.expect is not None:
                    result["lost"] = self.expect - report["messages"]
                self.runs[name].append(result)

    def summary(self):
        out = {}
        for name, runs in self.runs.items():
            wall = statistics.median(r["wall"] for r in runs)
            out[name] = {
                "wall": wall,
                "rate": self.contenders[name].get("count", self.count) / wall,
                "cpu_us": statistics.median(r["cpu"] for r in runs) / self.contenders[name].get("count", self.count) * 1e6,
                "rss_mb": max(r["rss"] for r in runs) / 1024,
                "lost": max(r.get("lost", 0) for r in runs),
                "failed": [int(r["exit"]) for r in runs if r["exit"] != 0],
            }
        return out


def rows(args, bin_dir, work):
    peer = os.path.join(bin_dir, "bench_peer")
    pub, sub = os.path.join(bin_dir, "mqtt_pub"), os.path.join(bin_dir, "mqtt_sub")
    scale = 0.1 if args.quick else 1.0
    many, acked = int(1_000_000 * scale), int(50_000 * scale)
    lines = os.path.join(work, "lines")
    with open(lines, "w") as out:
        for _ in range(many // 1000):
            out.write("abcdefghijklmnopqrstuvwxyz012345\n" * 1000)
    acked_lines = os.path.join(work, "acked_lines")
    with open(acked_lines, "w") as out:
        out.write("abcdefghijklmnopqrstuvwxyz012345\n" * acked)
    wide_lines = os.path.join(work, "wide_lines")
    with open(wide_lines, "w") as out:
        out.write("abcdefghijklmnopqrstuvwxyz012345\n" * (many // 5))
    one_line = os.path.join(work, "one_line")
    with open(one_line, "w") as out:
        out.write("abcdefghijklmnopqrstuvwxyz012345\n")
    long_line = os.path.join(work, "long_line")
    with open(long_line, "w") as out:
        for _ in range(64):
            out.write("x" * 1_000_000)
        out.write("\n")
    big = os.path.join(work, "big")
    with open(big, "wb") as out:
        block = os.urandom(1_000_000)
        for _ in range(250):
            out.write(block)

    sink = Server(peer, "sink")
    where = ["-h", "127.0.0.1", "-p", str(sink.port), "-t", "bench/topic"]
    table = []

    def pub_row(title, unit, count, limit, options, stdin=None, with_mosquitto=True, limit_stdin=None, expect=None,
                turns=1):
        contenders = {"limit": {"command": [peer, *map(str, limit)], "stdin": limit_stdin}}
        contenders["mqttc"] = {"command": [pub, *where, *options], "stdin": stdin}
        if with_mosquitto:
            contenders["mosquitto"] = {"command": ["mosquitto_pub", *where, *options], "stdin": stdin}
        table.append(Row(peer, title, unit, count, contenders, sink, expect, turns))

    pub_row("pub -l, QoS 0, 32 B (limit: encoded beforehand)", "msg/s", many, ["limit-pub", sink.port, many, 32, 0, 0], ["-l"], lines, expect=many)
    pub_row("pub -l, QoS 0, 32 B (limit: reads the lines)", "msg/s", many, ["limit-lines", sink.port], ["-l"], lines,
            with_mosquitto=False, limit_stdin=lines, expect=many)
    for qos in (1, 2):
        pub_row(f"pub -l, QoS {qos}, 32 B, window 20", "msg/s", acked, ["limit-pub", sink.port, acked, 32, qos, 20],
                ["-l", "-q", str(qos), "-M", "20"], acked_lines, expect=acked)
        for window in (1000, 65535):
            pub_row(f"pub -l, QoS {qos}, 32 B, window {window}", "msg/s", many // 5,
                    ["limit-pub", sink.port, many // 5, 32, qos, window], ["-l", "-q", str(qos), "-M", str(window)],
                    wide_lines, expect=many // 5, with_mosquitto=False)
    pub_row("pub -m, whole process", "runs/s", 1, ["limit-one", sink.port, 32, 0], ["-m", "x" * 32], expect=1, turns=8)
    pub_row("pub -m -q 1, whole process", "runs/s", 1, ["limit-one", sink.port, 32, 1], ["-q", "1", "-m", "x" * 32], expect=1, turns=8)
    pub_row("pub -l, one line, whole process", "runs/s", 1, ["limit-one", sink.port, 32, 0], ["-l"], one_line, expect=1, turns=8)
    pub_row("pub -f, 250 MB", "MB/s", 250, ["limit-file", sink.port, big], ["-f", big], expect=1)
    pub_row("pub -s, 250 MB", "MB/s", 250, ["limit-file", sink.port, big], ["-s"], big, expect=1)
    pub_row("pub -l, one 64 MB line", "MB/s", 64, ["limit-pub", sink.port, 1, 64_000_000, 0, 0], ["-l"], long_line,
            with_mosquitto=False, expect=1)

    sources = {}

    def source_of(*key):
        if key not in sources:
            sources[key] = Server(peer, "source", *key)
        return sources[key]

    def sub_row(title, count, size, qos, window, options, unit="msg/s", unit_count=None, mosquitto_part=5):
        """mosquitto_sub gets one in `mosquitto_part` messages, so that it does not take most of the time."""
        source = source_of(count, size, qos, window)

        def at(server, number):
            return ["-h", "127.0.0.1", "-p", str(server.port), "-t", "bench/topic", "-q", str(qos), "-C", str(number)]

        contenders = {"limit": {"command": [peer, "limit-sub", str(source.port), str(count), str(qos)]}}
        contenders["mqttc"] = {"command": [sub, *at(source, count), *options]}
        fewer = count // mosquitto_part
        slow_source = source_of(fewer, size, qos, window)
        contenders["mosquitto"] = {"command": ["mosquitto_sub", *at(slow_source, fewer), *options], "server": slow_source,
                                   "count": (unit_count or count) / mosquitto_part}
        table.append(Row(peer, title, unit, unit_count or count, contenders, source))

    sub_row("sub, QoS 0, 32 B, default output", many, 32, 0, 0, [])
    sub_row("sub, QoS 0, -v", many, 32, 0, 0, ["-v"])
    sub_row("sub, QoS 0, -F '%t %x'", many, 32, 0, 0, ["-F", "%t %x"])
    sub_row("sub, QoS 0, -F '%I %U %p'", many, 32, 0, 0, ["-F", "%I %U %p"])
    sub_row("sub, QoS 0, -F %j", many, 32, 0, 0, ["-F", "%j"])
    sub_row("sub, QoS 1, window 1000", many // 5, 32, 1, 1000, [])
    sub_row("sub, QoS 2, window 1000", many // 5, 32, 2, 1000, [])
    sub_row("sub, 4 × 200 MB", 4, 200_000_000, 0, 0, [], "MB/s", 800, mosquitto_part=1)
    return table, [sink, *sources.values()]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mosquitto:
    """Mosquitto with a plain and a TLS port."""

    def __init__(self, work):
        self.port, self.tls_port = free_port(), free_port()
        self.certificate, key = os.path.join(work, "cert.pem"), os.path.join(work, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
                        "-out", self.certificate], check=True, stderr=subprocess.DEVNULL)
        config = os.path.join(work, "mosquitto.conf")
        with open(config, "w") as out:
            out.write(f"allow_anonymous true\nuser root\nlistener {self.port} 127.0.0.1\n"
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


def latency(command, port, count=300, rate=100):
    """Median microseconds from a publisher's write to the line that a subscriber prints, messages evenly spread."""
    sub = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.sendall(b"\x10\x0d\0\4MQTT\4\2\0\x3c\0\1p")
        link.recv(4, socket.MSG_WAITALL)
        packet = b"\x30\x12\0\5bench" + b"01234567890"
        # Publish until a message arrives: then the subscription exists.
        while not select.select([sub.stdout], [], [], 0.05)[0]:
            link.sendall(packet)
        time.sleep(0.2)
        while select.select([sub.stdout], [], [], 0.1)[0] and os.read(sub.stdout.fileno(), 65536):
            pass
        times = []
        for _ in range(count):
            start = time.perf_counter()
            link.sendall(packet)
            sub.stdout.readline()
            times.append(time.perf_counter() - start)
            time.sleep(max(0.0, 1 / rate - times[-1]))
    sub.terminate()
    sub.wait(timeout=20)
    return statistics.median(times) * 1e6


def further(args, bin_dir, work):
    """The second table: TLS, a round trip, hashing."""
    peer, pub, sub = (os.path.join(bin_dir, name) for name in ("bench_peer", "mqtt_pub", "mqtt_sub"))
    lines = ["| work | limit | mqttc | mosquitto 2.0.11 |", "|---|---|---|---|"]
    broker = Mosquitto(work)
    try:
        at = ["-h", "localhost", "-p", str(broker.tls_port), "--cafile", broker.certificate, "-t", "x", "-q", "1", "-m", "x"]
        runs = {name: [] for name in (pub, "mosquitto_pub")}
        for _ in range(4 * args.repeat):
            for name, walls in runs.items():
                result = measure(peer, [name, *at])
                if result["exit"] != 0:
                    sys.exit(f"{name} fails with TLS")
                walls.append(result["wall"] * 1e3)
        lines.append("| pub -m -q 1 over TLS 1.3, whole process, ms | – | {:.2f} | {:.2f} |".format(
            *(statistics.median(walls) for walls in runs.values())))
        # Short jobs: Mosquitto leaves Nagle's algorithm on, and holds its second packet until the first is acknowledged.
        plain = ["-h", "127.0.0.1", "-p", str(broker.port)]
        subprocess.run([pub, *plain, "-t", "kept", "-m", "x", "-r", "-q", "1"], check=True)
        twenty = os.path.join(work, "twenty")
        with open(twenty, "w") as out:
            out.writelines(f"line {i}\n" for i in range(20))
        for title, ours, theirs, words in (
                ("sub -C 1 of a retained message", sub, "mosquitto_sub", ["-t", "kept", "-C", "1"]),
                ("pub -l -q 1, 20 lines", pub, "mosquitto_pub", ["-t", "x", "-l", "-q", "1"]),
                ("pub --repeat 20 -q 1", pub, "mosquitto_pub", ["-t", "x", "-m", "x", "--repeat", "20", "-q", "1"])):
            walls = {ours: [], theirs: []}
            for _ in range(4 * args.repeat):
                for name, taken in walls.items():
                    result = measure(peer, [name, *plain, *words], twenty)
                    if result["exit"] != 0:
                        sys.exit(f"{name} {' '.join(words)} fails")
                    taken.append(result["wall"] * 1e3)
            lines.append(f"| {title}, Mosquitto's default broker, whole process, ms | – | "
                         f"{statistics.median(walls[ours]):.1f} | {statistics.median(walls[theirs]):.1f} |")
        topics = os.path.join(work, "topics")
        with open(topics, "w") as out:
            out.writelines(f"clear/{i} x\n" for i in range(20_000))
        with open(topics) as source:
            subprocess.run([pub, *plain, "-l", "--input", "topic", "-r", "-q", "1", "-M", "1000"], stdin=source, check=True)
        wall = measure(peer, [sub, *plain, "-t", "clear/#", "--remove-retained", "--idle-timeout", "1"])["wall"]
        lines.append(f"| sub --remove-retained, 20,000 topics, without the idle second, ms | – | {(wall - 1) * 1e3:.0f} | – |")
        ours, theirs = ([latency([name, "-h", "127.0.0.1", "-p", str(broker.port), "-t", "bench"], broker.port)
                         for _ in range(2)] for name in (sub, "mosquitto_sub"))
        limit = subprocess.run([peer, "round-trip", str(broker.port), "300", "100"], stdout=subprocess.PIPE, text=True,
                               check=True).stdout.split()[1]
        lines.append(f"| a message through a broker, 100 a second, p50, µs | {float(limit):.0f} | {min(ours):.0f} | "
                     f"{min(theirs):.0f} |")
    finally:
        broker.close()
    users = os.path.join(work, "users")
    figures = []
    for command in (os.path.join(bin_dir, "mqtt_passwd"), "mosquitto_passwd"):
        with open(users, "w") as out:
            out.writelines(f"user{i}:password{i}\n" for i in range(1000))
        result = measure(peer, [command, "-U", users])
        figures.append(f"{result['wall'] * 1e3:.0f}, {result['cpu'] / result['wall']:.2f} cores busy")
    lines.append(f"| passwd -U, 1,000 users, ms | – | {figures[0]} | {figures[1]} |")
    return lines


def human(value):
    for limit, suffix in ((1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:.3g}{suffix}"
    return f"{value:.3g}"


def table_lines(results):
    lines = ["| work | unit | limit | mqttc | mosquitto 2.0.11 | of limit | × mosquitto | CPU µs: limit / mqttc / mosq. | peak MB: mqttc / mosq. |",
             "|---|---|---|---|---|---|---|---|---|"]
    for row in results:
        s = row["summary"]
        limit, ours, theirs = s["limit"], s["mqttc"], s.get("mosquitto")
        note = lambda r: (f" ({int(r['lost'])} lost)" if r["lost"] > 0 else "") + (f" (exit {r['failed'][0]})" if r["failed"] else "")
        lines.append("| {} | {} | {} | {}{} | {} | {:.0%} | {} | {:.3g} / {:.3g} / {} | {:.1f} / {} |".format(
            row["title"], row["unit"], human(limit["rate"]), human(ours["rate"]), note(ours),
            human(theirs["rate"]) + note(theirs) if theirs else "–", ours["rate"] / limit["rate"],
            f"{ours['rate'] / theirs['rate']:.1f}" if theirs else "–", limit["cpu_us"], ours["cpu_us"],
            f"{theirs['cpu_us']:.3g}" if theirs else "–", ours["rss_mb"], f"{theirs['rss_mb']:.1f}" if theirs else "–"))
    return lines


def plot(results, path):
    """Horizontal bars: the rate of each contender as a share of the limit, logarithmic from 0.1 % to 100 %."""
    import math
    bar, gap, left, width = 12, 14, 330, 420
    colours = {"mqttc": "#2a7f62", "mosquitto": "#b0b0b0"}
    height = 30 + len(results) * (2 * bar + gap) + 30
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 90}" height="{height}" '
           'font-family="sans-serif" font-size="12">', '<rect width="100%" height="100%" fill="white"/>']
    for power in range(4):
        x = left + width * power / 3
        out.append(f'<line x1="{x}" x2="{x}" y1="18" y2="{height - 30}" stroke="#ddd"/>'
                   f'<text x="{x}" y="14" text-anchor="middle">{10 ** (power - 1):g} %</text>')
    y = 28
    for row in results:
        s = row["summary"]
        title = row["title"].replace("&", "&amp;").replace("<", "&lt;")
        out.append(f'<text x="{left - 8}" y="{y + bar + 4}" text-anchor="end">{title}</text>')
        for name, colour in colours.items():
            if name in s:
                share = s[name]["rate"] / s["limit"]["rate"]
                size = max(1.0, width * (math.log10(min(max(share, 0.001), 1.2)) + 3) / 3)
                out.append(f'<rect x="{left}" y="{y}" width="{size:.1f}" height="{bar}" fill="{colour}"/>'
                           f'<text x="{left + size + 4:.1f}" y="{y + 10}">{share:.1%}</text>')
            y += bar
        y += gap
    out.append(f'<text x="{left}" y="{height - 10}">share of the limit client\'s rate: '
               f'<tspan fill="{colours["mqttc"]}">mqttc</tspan>, <tspan fill="#808080">mosquitto 2.0.11</tspan></text></svg>')
    with open(path, "w") as target:
        target.write("\n".join(out) + "\n")


def write_readme(lines):
    path = os.path.join(HERE, "README.md")
    with open(path) as source:
        text = source.read()
    block = "<!-- bench:begin -->\n" + "\n".join(lines) + "\n\n![Shares of the limit](speed.svg)" + "\n<!-- bench:end -->"
    new, found = re.subn(r"<!-- bench:begin -->.*<!-- bench:end -->", lambda _: block, text, flags=re.S)
    if not found:
        sys.exit(f"{path} has no bench:begin / bench:end marks")
    with open(path, "w") as target:
        target.write(new)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "release", "bin"))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a tenth of the messages")
    parser.add_argument("--only", default="", help="rows whose title matches this regular expression")
    parser.add_argument("--readme", action="store_true", help="write the tables and the plot into tests/bench/README.md")
    parser.add_argument("--json", help="write all figures to this file")
    args = parser.parse_args()
    work = tempfile.mkdtemp(prefix="mqttc-bench-")
    try:
        table, servers = rows(args, args.bin, work)
        chosen = [row for row in table if re.search(args.only, row.title)]
        for round_number in range(args.repeat):
            for row in chosen:
                row.run_once()
            print(f"round {round_number + 1} of {args.repeat}", file=sys.stderr)
        for server in servers:
            server.close()
        results = [{"title": r.title, "unit": r.unit, "summary": r.summary()} for r in chosen]
        lines = table_lines(results)
        if re.search(args.only, "further"):
            lines += ["", *further(args, args.bin, work)]
        print("\n".join(lines))
        if args.json:
            with open(args.json, "w") as target:
                json.dump(results, target, indent=1)
        if args.readme:
            plot(results, os.path.join(HERE, "speed.svg"))
            write_readme(lines)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
