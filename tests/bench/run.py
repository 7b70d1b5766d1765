#!/usr/bin/env python3
# Measures mqtt_pub and mqtt_sub, the limit clients and Debian's Mosquitto clients in turn, repeatedly. Prints a table of
# medians and ratios; --readme writes it and a plot into tests/bench/README.md.
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

from broker_jobs import measure, tables

from budget import JSON_OBJECT

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


# One core for server and client: on two, each round trip may wake the other core, which takes many times as long.
PINNED = ["taskset", "-c", "0"]


class Server:
    """A bench_peer server (sink or source) and its port. It ends when its standard input is closed."""

    def __init__(self, peer, *args, prefix=()):
        self.process = subprocess.Popen([*prefix, peer, *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])

    def report(self):
        """The line that the server printed after a client: {'messages': n, 'seconds': s, ...}."""
        words = self.process.stdout.readline().split()
        return dict(zip(words[::2], map(float, words[1::2])))

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)


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
    topic_lines = os.path.join(work, "topic_lines")
    with open(topic_lines, "w") as out:
        for _ in range(many // 1000):
            out.writelines(f"bench/{i:05} abcdefghijklmnopqrstuvwxyz012345\n" for i in range(1000))
    json_lines = os.path.join(work, "json_lines")
    with open(json_lines, "wb") as out:
        out.write((b'{"topic":"bench/topic","qos":0,"payload":' + JSON_OBJECT + b"}\n") * (many // 10))
    json_file = os.path.join(work, "json_object")
    with open(json_file, "wb") as out:
        out.write(JSON_OBJECT)
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
    pinned_sink = Server(peer, "sink", prefix=PINNED)
    table = []

    def pub_row(title, unit, count, limit, options, stdin=None, with_mosquitto=True, limit_stdin=None, expect=None,
                turns=1, pinned=False):
        server, prefix = (pinned_sink, PINNED) if pinned else (sink, [])
        address = ["-h", "127.0.0.1", "-p", str(server.port)]
        where = [*address, "-t", "bench/topic"]
        limit = [server.port if word is sink.port else word for word in limit]
        contenders = {"limit": {"command": [*prefix, peer, *map(str, limit)], "stdin": limit_stdin}}
        with_topics = address if "topic" in options else where
        contenders["mqttc"] = {"command": [*prefix, pub, *with_topics, *options], "stdin": stdin}
        if with_mosquitto:
            contenders["mosquitto"] = {"command": [*prefix, "mosquitto_pub", *where, *options], "stdin": stdin}
        table.append(Row(peer, title, unit, count, contenders, server, expect, turns))

    pub_row("pub -l, QoS 0, 32 B (limit: encoded beforehand)", "msg/s", many, ["limit-pub", sink.port, many, 32, 0, 0], ["-l"], lines, expect=many)
    pub_row("pub -l, QoS 0, 32 B (limit: reads the lines)", "msg/s", many, ["limit-lines", sink.port], ["-l"], lines,
            with_mosquitto=False, limit_stdin=lines, expect=many)
    for pinned in (True, False):
        for qos in (1, 2):
            for window, count, path in ((20, acked, acked_lines), (1000, many // 5, wide_lines), (65535, many // 5, wide_lines)):
                pub_row(f"pub -l, QoS {qos}, 32 B, window {window}, {'one core' if pinned else 'any core'}", "msg/s", count,
                        ["limit-pub", sink.port, count, 32, qos, window], ["-l", "-q", str(qos), "-M", str(window)], path,
                        expect=count, with_mosquitto=window == 20, pinned=pinned)
    pub_row("pub -l --input topic, 1,000 topics (limit: reads lines without topics)", "msg/s", many,
            ["limit-lines", sink.port], ["-l", "--input", "topic"], topic_lines, with_mosquitto=False, limit_stdin=lines,
            expect=many)
    pub_row("pub -l --input json, objects of 1 KB (limit: reads the lines)", "msg/s", many // 10,
            ["limit-lines", sink.port], ["-l", "--input", "json"], json_lines, with_mosquitto=False, limit_stdin=json_lines,
            expect=many // 10)
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
        """mosquitto_sub gets one in `mosquitto_part` messages, so that it does not take most of the time; with 0 it does not
        run. `size`: bytes, or the file with the payload."""
        source = source_of(count, size, qos, window)

        def at(server, number):
            return ["-h", "127.0.0.1", "-p", str(server.port), "-t", "bench/topic", "-q", str(qos), "-C", str(number)]

        contenders = {"limit": {"command": [peer, "limit-sub", str(source.port), str(count), str(qos)]}}
        contenders["mqttc"] = {"command": [sub, *at(source, count), *options]}
        if mosquitto_part > 0:
            fewer = count // mosquitto_part
            slow_source = source_of(fewer, size, qos, window)
            contenders["mosquitto"] = {"command": ["mosquitto_sub", *at(slow_source, fewer), *options],
                                       "server": slow_source, "count": (unit_count or count) / mosquitto_part}
        table.append(Row(peer, title, unit, unit_count or count, contenders, source))

    sub_row("sub, QoS 0, 32 B, default output", many, 32, 0, 0, [])
    sub_row("sub, QoS 0, -v", many, 32, 0, 0, ["-v"])
    sub_row("sub, QoS 0, -F '%t %x'", many, 32, 0, 0, ["-F", "%t %x"])
    sub_row("sub, QoS 0, -F '%I %U %p'", many, 32, 0, 0, ["-F", "%I %U %p"])
    sub_row("sub, QoS 0, -F %j", many, 32, 0, 0, ["-F", "%j"])
    sub_row("sub, JSON of 1 KB, -F %J", many // 10, json_file, 0, 0, ["-F", "%J"])
    sub_row("sub, JSON of 1 KB, --field values.13.raw", many // 10, json_file, 0, 0, ["--field", "values.13.raw"], mosquitto_part=0)
    sub_row("sub, JSON of 1 KB, -F '%{device} %{values.13.raw}'", many // 10, json_file, 0, 0,
            ["-F", "%{device} %{values.13.raw}"], mosquitto_part=0)
    sub_row("sub, QoS 1, window 1000", many // 5, 32, 1, 1000, [])
    sub_row("sub, QoS 2, window 1000", many // 5, 32, 2, 1000, [])
    sub_row("sub, 4 × 200 MB", 4, 200_000_000, 0, 0, [], "MB/s", 800, mosquitto_part=1)
    filters = [word for i in range(1000) for word in ("-T", f"bench/{i}/+" if i % 2 else f"bench/{i}")]
    sub_row("sub, QoS 0, 1,000 -T", many, 32, 0, 0, filters, mosquitto_part=50)
    return table, [sink, pinned_sink, *sources.values()]


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
        lines += ["", *tables(args, args.bin, work)]
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
