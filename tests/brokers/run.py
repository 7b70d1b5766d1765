#!/usr/bin/env python3
"""mqtt_pub and mqtt_sub with real brokers: a matrix of cases.

usage: run.py BIN_DIR [--broker NAME]... [--short NAME]... [--case TEXT] [--mosquitto] [--modules DIRECTORY] [--jobs N] [--keep]

  --broker NAME    only this broker (repeats): mosquitto, nats, aedes, rabbitmq, activemq, ejabberd
  --short NAME     the short form for this broker (repeats), or for all: --short all
  --case TEXT      only cases whose name contains TEXT
  --mosquitto      run the cases with Debian's mosquitto_pub and mosquitto_sub, and print where they differ
  --modules DIR    where npm has installed aedes (../npm.sh)
  --cluster-lines N  N lines through a cluster of three nodes that loses the one in use (nats, rabbitmq; not in the short
                   form; default 100,000; 0: none)
  --jobs N         test N brokers at a time (default 3: the cases wait more than they compute)
  --verbose        print each case with the time it took
  --keep           keep the directory with the brokers' configurations and logs

The last line is a total: N passed, N failed, N skipped. A case that a broker cannot do is a row in exceptions.py, and passes
when our program says what that row demands.
"""
import argparse
import concurrent.futures
import os
import re
import shutil
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import brokers  # noqa: E402
from cases import expand  # noqa: E402
from cluster import lose_a_node, start_cluster  # noqa: E402
from clients import Clients, Mismatch, Run  # noqa: E402
from exceptions import find_exception  # noqa: E402

SHORT_LINES, FULL_LINES = 2_000, 20_000
CLUSTER_CASE = "cluster loses a node"


class Report:
    def __init__(self, control):
        self.control = control
        self.cells, self.named, self.failures, self.notes, self.skips = {}, [], [], [], []
        self.counts = {"ok": 0, "named": 0, "FAILED": 0}

    def add_all(self, other):
        for name, row in other.cells.items():
            self.cells.setdefault(name, {}).update(row)
        for mine, more in ((self.named, other.named), (self.failures, other.failures), (self.notes, other.notes), (self.skips, other.skips)):
            mine += more
        for result, count in other.counts.items():
            self.counts[result] += count

    def add(self, broker, name, result, text=""):
        self.cells.setdefault(name, {})[broker] = result
        if result in self.counts:
            self.counts[result] += 1
        if result == "named":
            self.named.append(f"{broker}: {name}: {text}")
        elif result == "FAILED":
            self.failures.append(f"{broker}: {name}: {text}")

    def print_matrix(self, names):
        width = max([len(name) for name in self.cells] + [4])
        print(f"\n{'case':{width}}  " + "  ".join(f"{name:9}" for name in names))
        for name, row in self.cells.items():
            print(f"{name:{width}}  " + "  ".join(f"{row.get(each, '-'):9}" for each in names))
        for title, lines in (("Measured", self.notes), ("Exceptions, each with what the broker does", self.named),
                             ("Differences" if self.control else "Failures", self.failures)):
            if lines:
                print(f"\n{title}:")
                for line in lines:
                    print("  " + line)


def run_case(report, broker, clients, name, function, version, qos, lines):
    run = Run(broker, clients, version, qos, lines)
    run.note = ""
    try:
        answer = function(run)
        result, text = "-" if answer else "ok", ""
    except Mismatch as mismatch:
        result, text = "FAILED", str(mismatch)
    finally:
        run.end()
    if run.note:
        report.notes.append(f"{broker.name}: {name}: {run.note}")
    exception = None if clients.mosquitto else find_exception(broker.name, name)
    if exception and result == "ok" and not exception.sometimes:
        result, text = "FAILED", "it works: remove this exception: " + exception.why
    elif exception and result == "FAILED":
        if re.search(exception.says, text, re.DOTALL):
            result, text = "named", exception.why
        else:
            text = f"instead of {exception.says!r}: {text}"
    text = re.sub(r"(.)\1{60,}", r"\1...", text)
    report.add(broker.name, name, result, text[:600])


def test_broker(report, kind, args, work):
    broker = kind(work, args.bin_dir)
    short = kind.name in args.short or "all" in args.short
    begin = time.monotonic()
    try:
        broker.start()
        print(f"{kind.name}: started in {broker.started_in:.1f} s", flush=True)
        for name, function, version, qos in expand(broker, args.clients, short):
            if args.case not in name:
                continue
            case_begin = time.monotonic()
            run_case(report, broker, args.clients, name, function, version, qos, SHORT_LINES if short else FULL_LINES)
            if args.verbose:
                print(f"{kind.name}: {name}: {report.cells[name][kind.name]} [{time.monotonic() - case_begin:.1f} s]", flush=True)
            if broker.process.poll() is not None:
                broker.start()
    except brokers.CannotStart as error:
        report.add(kind.name, "start", "FAILED", str(error))
    finally:
        broker.close()
    print(f"{kind.name}: {time.monotonic() - begin:.0f} s", flush=True)


def test_cluster(report, kind, args, work):
    name, nodes = CLUSTER_CASE, []
    begin = time.monotonic()
    try:
        nodes = start_cluster(kind, work, args.bin_dir)
        report.notes.append(f"{kind.name}: {name}: {lose_a_node(nodes, args.clients, args.cluster_lines)}")
        report.add(kind.name, name, "ok")
    except (brokers.CannotStart, Mismatch) as error:
        report.add(kind.name, name, "FAILED", str(error))
    finally:
        for node in nodes:
            node.close()
    print(f"{kind.name}: {name}: {time.monotonic() - begin:.0f} s", flush=True)


def end_by_signal(number, _):
    signal.signal(number, signal.SIG_IGN)  # timeout(1) sends it twice
    sys.exit(128 + number)


def kill_children():
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/children") as file:
                for child in file.read().split():
                    os.kill(int(child), signal.SIGKILL)
        except OSError:
            pass  # it has ended


def missing_program(kind, args):
    """What is missing to start this broker, or nothing."""
    programs = {"mosquitto": ["/usr/sbin/mosquitto"], "nats": ["/usr/sbin/nats-server"], "ejabberd": ["/usr/bin/erl"],
                "rabbitmq": ["/usr/lib/rabbitmq/bin/rabbitmq-server"], "aedes": [shutil.which("node") or "node"],
                "activemq": ["/usr/share/activemq/bin/activemq.jar", "/usr/share/java/mqtt-client.jar"]}[kind.name]
    if kind.name == "aedes":
        programs = programs + [os.path.join(args.modules, "node_modules", "aedes")]
    return [program for program in programs if not os.path.exists(program)]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("bin_dir")
    parser.add_argument("--broker", action="append", default=[])
    parser.add_argument("--short", action="append", default=[])
    parser.add_argument("--case", default="")
    parser.add_argument("--mosquitto", action="store_true")
    parser.add_argument("--modules", default="/nonexistent")
    parser.add_argument("--cluster-lines", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    # So that the brokers are gone at the end of an interrupted run too.
    signal.signal(signal.SIGTERM, end_by_signal)
    args.bin_dir = os.path.abspath(args.bin_dir)
    args.modules = os.path.abspath(args.modules)
    args.clients = Clients(args.bin_dir, args.mosquitto)
    brokers.Aedes.modules = args.modules
    kinds = [kind for name, kind in brokers.BROKERS.items() if not args.broker or name in args.broker]
    work = tempfile.mkdtemp(prefix="mqttc-brokers-")
    os.chmod(work, 0o755)
    brokers.make_certificates(os.path.join(work, "certificates"))

    def test(kind):
        report = Report(args.mosquitto)
        if missing := missing_program(kind, args):
            report.skips.append(f"{kind.name}: {' '.join(missing)} missing (packages: {kind.packages})")
            return report
        test_broker(report, kind, args, work)
        short = kind.name in args.short or "all" in args.short
        if kind.clusters and not short and args.cluster_lines and not args.mosquitto and args.case in CLUSTER_CASE:
            test_cluster(report, kind, args, work)
        return report

    report = Report(args.mosquitto)
    pool = concurrent.futures.ThreadPoolExecutor(args.jobs)
    tests = [pool.submit(test, kind) for kind in kinds]
    try:
        for each in tests:
            report.add_all(each.result())
    finally:
        brokers.Broker.end_all()
        pool.shutdown(wait=False, cancel_futures=True)
        # After a signal: the cases that still run start no broker, and end when their programs do.
        while not all(each.done() for each in tests):
            kill_children()
            time.sleep(0.05)
        if args.keep:
            print(f"kept: {work}")
        else:
            shutil.rmtree(work, ignore_errors=True)
    report.print_matrix([kind.name for kind in kinds])
    for skip in report.skips:
        print(f"skipped: brokers: {skip}")
    counts = report.counts
    print(f"{counts['ok'] + counts['named']} passed, {counts['FAILED']} failed, {len(report.skips)} skipped")
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
