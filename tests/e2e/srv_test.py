#!/usr/bin/env python3
"""mqtt_pub with SRV records and addresses from a name server of the test, in a network namespace.

usage: srv_test.py BIN_DIR [EMULATOR...]    BIN_DIR holds mqtt_pub and mqtt_testbroker, which the emulator runs

In the namespaces (unshare(1)) port 53 of the loopback interface is free and /etc/resolv.conf can be replaced. Exits with
77 where they cannot be created.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

A, SRV, AAAA = 1, 33, 28
INSIDE = "inside-the-namespace"


def encode_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


class NameServer:
    """Answers from `zone`: {(name, type): [record data]}. Other names do not exist."""

    def __init__(self):
        self.zone = {}
        self.queries = []
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 53))
        self.tcp = socket.create_server(("127.0.0.1", 53))
        threading.Thread(target=self.serve_udp, daemon=True).start()
        threading.Thread(target=self.serve_tcp, daemon=True).start()

    def answer(self, query, limit):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        name, kind = ".".join(labels).lower(), struct.unpack("!H", query[at + 1:at + 3])[0]
        self.queries.append((name, kind))
        if name.startswith("silent") or ".silent." in name:
            return None
        records = self.zone.get((name, kind), [])
        known = any(name == each for each, _ in self.zone)
        body = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data for data in records)
        flags = 0x8180 if known else 0x8183
        count = len(records)
        if 12 + at + 5 + len(body) > limit:
            flags, body, count = flags | 0x0200, b"", 0
        return query[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + query[12:at + 5] + body

    def serve_udp(self):
        while True:
            query, peer = self.udp.recvfrom(4096)
            if reply := self.answer(query, 512):
                self.udp.sendto(reply, peer)

    def serve_tcp(self):
        while True:
            client, _ = self.tcp.accept()
            with client:
                size = struct.unpack("!H", client.recv(2))[0]
                if reply := self.answer(client.recv(size), 65535):
                    client.sendall(struct.pack("!H", len(reply)) + reply)


def srv(priority, weight, port, target):
    return struct.pack("!HHH", priority, weight, port) + encode_name(target)


def bring_loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        SIOCSIFFLAGS, IFF_UP = 0x8914, 1
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


class Test:
    def __init__(self, bin_dir, emulator, directory):
        self.mqtt_pub = [*emulator, f"{bin_dir}/mqtt_pub"]
        self.env = {"HOME": directory, "PATH": os.environ["PATH"], **{
            key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")}}
        self.failures = 0
        self.server = NameServer()
        self.broker = subprocess.Popen([*emulator, f"{bin_dir}/mqtt_testbroker", "-p", "0", "-v"], env=self.env,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.broker.stdout.readline().decode()
        self.port = int(line.rsplit(":", 1)[1])
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            self.closed_port = unused.getsockname()[1]

    def publish(self, *options):
        return subprocess.run([*self.mqtt_pub, "-t", "a", "-m", "x", "-q", "1", *options], env=self.env,
                              capture_output=True, text=True, timeout=30)

    def expect(self, what, options, code, err=""):
        result = self.publish(*options)
        if result.returncode == code and err in result.stderr and bool(err) == bool(result.stderr):
            return
        self.failures += 1
        print(f"FAILED: {what}\n  exit code {result.returncode}, expected {code}\n"
              f"  stderr {result.stderr!r}, expected {err!r}\n  queries: {self.server.queries}")


def run_inside(bin_dir, emulator, directory):
    bring_loopback_up()
    resolv_conf = f"{directory}/resolv.conf"
    with open(resolv_conf, "w") as file:
        file.write("nameserver 127.0.0.1\noptions timeout:30 attempts:1\n")
    subprocess.run(["mount", "--bind", resolv_conf, "/etc/resolv.conf"], check=True)
    test = Test(bin_dir, emulator, directory)
    zone = test.server.zone
    here = [bytes([127, 0, 0, 1])]
    zone["broker.example.test", A] = here
    zone["broker.example.test", AAAA] = []
    other = [bytes([127, 0, 0, 2])]
    zone["other.example.test", A] = other
    zone["other.example.test", AAAA] = []

    def records(name, *all_of_them):
        zone[f"_mqtt._tcp.{name}.test", SRV] = list(all_of_them)
        return ["-S", "-h", f"{name}.test"]

    test.expect("a name with an address", ["-h", "broker.example.test", "-p", str(test.port)], 0)
    test.expect("a name that does not exist", ["-h", "nowhere.example.test"], 60,
                "mqtt_pub: cannot resolve nowhere.example.test")
    test.expect("one record", records("one", srv(1, 1, test.port, "broker.example.test")), 0)
    test.expect("the second priority when the first refuses",
                records("two", srv(20, 0, test.port, "broker.example.test"),
                        srv(10, 0, test.closed_port, "other.example.test")), 0)
    test.expect("an unknown target is skipped",
                records("gone", srv(10, 0, test.port, "nowhere.example.test"),
                        srv(20, 0, test.port, "broker.example.test")), 0)
    test.expect("more records than fit in a datagram",
                records("many", *[srv(1, 1, test.port, "broker.example.test") for _ in range(100)]), 0)
    test.expect("no records", ["-S", "-h", "none.test"], 60,
                "mqtt_pub: _mqtt._tcp.none.test has no SRV records")
    test.expect("a service that is not offered", records("not", srv(0, 0, 0, "")), 60,
                "mqtt_pub: _mqtt._tcp.not.test has no SRV records")
    test.expect("a name server that does not answer", ["-S", "-h", "silent.test", "--connect-timeout", "0.3"], 60,
                "no answer from the name servers within 0.3 s")
    test.publish("-S", "-h", "secure.test", "--tls-use-os-certs")
    if ("_secure-mqtt._tcp.secure.test", SRV) not in test.server.queries:
        test.failures += 1
        print("FAILED: with TLS another service is queried:", test.server.queries)
    test.broker.terminate()
    received = test.broker.stderr.read().count(b"PUBLISH a")
    if received != 5:
        test.failures += 1
        print(f"FAILED: the broker got {received} messages, expected 5")
    sys.exit(1 if test.failures else 0)


def main():
    if len(sys.argv) > 2 and sys.argv[1] == INSIDE:
        with tempfile.TemporaryDirectory(prefix="mqttc-srv-") as directory:
            run_inside(sys.argv[2], sys.argv[3:], directory)
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    namespaces = ["unshare", "--map-root-user", "--net", "--mount"]
    try:
        possible = subprocess.run([*namespaces, "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        possible = False
    if not possible:
        print("skipped: no network namespace can be created")
        sys.exit(77)
    sys.exit(subprocess.run([*namespaces, sys.executable, __file__, INSIDE, *sys.argv[1:]]).returncode)


main()
