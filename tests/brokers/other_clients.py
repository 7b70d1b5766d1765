#!/usr/bin/python3
"""mqtt_testbroker with clients that nobody here wrote: MQTT.js, Paho JavaScript and Paho Python.

usage: other_clients.py BIN_DIR [--modules DIRECTORY] [--case TEXT] [--mosquitto] [--verbose]

  --modules DIR    where npm has installed mqtt, paho-mqtt and ws (tests/npm.sh)
  --case TEXT      only cases whose full name contains TEXT
  --mosquitto      with Mosquitto instead of mqtt_testbroker: whose fault is it?

Each client runs all cases over each transport and in each version it has. The last line is a total: N passed, N failed, N skipped.
It runs with Debian's Python, which has python3-paho-mqtt.
"""
import argparse
import concurrent.futures
import itertools
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import brokers  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
USER, PASSWORD = brokers.USER, brokers.PASSWORD
SECONDS = 15
CASES = []


class Mismatch(Exception):
    pass


class Client:
    """A client: commands, and a queue of events. connect() and the like return when the broker has answered."""
    modules = ""

    def __init__(self, port, transport, version, name):
        self.port, self.transport, self.version, self.id = port, transport, version, name
        self.events, self.messages = queue.Queue(), []

    def wait(self, kind, seconds=SECONDS):
        deadline = time.monotonic() + seconds
        while True:
            try:
                event = self.events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise Mismatch(f"{self.id}: no event {kind!r} within {seconds} s, {len(self.messages)} messages") from None
            if event["event"] == "message":
                self.messages.append(event)
            if event["event"] == kind:
                return event
            if event["event"] == "error" and kind not in ("message", "closed"):
                raise Mismatch(f"{self.id}: {event['text']}")

    def connect(self, clean=True, **words):
        self.send("connect", port=self.port, transport=self.transport, version=self.version, id=self.id, clean=clean, **words)
        return self.wait("connected").get("session")

    def refused(self, **words):
        """The code of the CONNACK."""
        self.send("connect", port=self.port, transport=self.transport, version=self.version, id=self.id, clean=True, **words)
        return self.wait("error")["code"]

    def subscribe(self, filter, qos, **words):
        self.send("subscribe", filter=filter, qos=qos, **words)
        event = self.wait("subscribed")
        if event.get("error"):
            raise Mismatch(f"SUBSCRIBE: {event['error']}")

    def unsubscribe(self, filter):
        self.send("unsubscribe", filter=filter)
        self.wait("unsubscribed")

    def publish(self, topic, payload, qos, wait=True, **words):
        self.send("publish", topic=topic, payload=payload.hex(), qos=qos, **words)
        if wait:
            self.wait("published")

    def receive(self, count, seconds=SECONDS):
        """The next messages."""
        while len(self.messages) < count:
            self.wait("message", seconds)
        taken, self.messages = self.messages[:count], self.messages[count:]
        return taken

    def nothing_more(self, seconds=0.3):
        try:
            self.wait("message", seconds)
        except Mismatch:
            pass
        if self.messages:
            raise Mismatch(f"{self.id}: unexpected: {self.messages}")

    @classmethod
    def end(kind):
        """After the last case."""

    def disconnect(self):
        self.send("disconnect")
        self.wait("closed")

    def cut(self):
        """Closes the connection without DISCONNECT."""
        self.send("cut")
        self.wait("closed")


class JavaScript(Client):
    """One process has all clients of a library."""
    library, process = "", None

    def __init__(self, *words):
        super().__init__(*words)
        kind = type(self)
        if kind.process is None:
            kind.all = {}
            kind.process = subprocess.Popen(["node", os.path.join(HERE, "other_client.mjs"), self.modules, self.library],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            threading.Thread(target=kind.read, daemon=True).start()
        kind.all[self.id] = self

    @classmethod
    def read(kind):
        for line in kind.process.stdout:
            event = json.loads(line)
            for name in [event["client"]] if "client" in event else list(kind.all):
                kind.all[name].events.put(event)

    def send(self, command, **words):
        self.process.stdin.write(json.dumps({"command": command, "client": self.id, **words}) + "\n")
        self.process.stdin.flush()

    def close(self):
        self.send("close")

    @classmethod
    def end(kind):
        if kind.process is not None:
            kind.process.kill()
            kind.process.wait()


class MqttJs(JavaScript):
    name, library, transports, versions = "MQTT.js", "mqtt.js", ("tcp", "ws"), (3, 4, 5)


class PahoJs(JavaScript):
    name, library, transports, versions = "Paho JavaScript", "paho", ("ws",), (3, 4)


class PahoPython(Client):
    name, transports, versions = "Paho Python", ("tcp", "ws"), (3, 4, 5)
    client = None

    def send(self, command, **words):
        getattr(self, "on_" + command)(**words)

    @staticmethod
    def properties(kind, words):
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties
        properties = Properties(getattr(PacketTypes, kind))
        names = {"userProperties": "UserProperty", "responseTopic": "ResponseTopic", "contentType": "ContentType",
                 "correlationData": "CorrelationData", "messageExpiryInterval": "MessageExpiryInterval"}
        for name, value in (words or {}).items():
            if name == "userProperties":
                value = list(value.items())
            setattr(properties, names[name], bytes.fromhex(value) if name == "correlationData" else value)
        return properties

    def on_connect(self, port, transport, version, id, clean, user=None, password=None, will=None, keepalive=60, aliases=0):
        import paho.mqtt.client as paho
        if self.client is None:
            self.client = paho.Client(id, None if version == 5 else clean, protocol=version,
                                      transport="websockets" if transport == "ws" else "tcp")
        client = self.client
        client._clean_session = None if version == 5 else clean  # another connection of the same session
        if user:
            client.username_pw_set(user, password)
        if will:
            client.will_set(will["topic"], bytes.fromhex(will["payload"]), will["qos"], will["retain"],
                            self.properties("WILLMESSAGE", will.get("properties")) if version == 5 else None)

        def connected(client, data, flags, code, properties=None):
            code = getattr(code, "value", code)
            self.events.put({"event": "error", "code": code, "text": f"CONNACK code {code}"} if code else
                            {"event": "connected", "session": bool(flags["session present"])})

        def received(client, data, message):
            more = getattr(message, "properties", None)
            self.events.put({
                "event": "message", "topic": message.topic, "payload": message.payload.hex(), "qos": message.qos,
                "retain": bool(message.retain), "identifiers": getattr(more, "SubscriptionIdentifier", []),
                "user": dict(getattr(more, "UserProperty", [])), "response": getattr(more, "ResponseTopic", None),
                "type": getattr(more, "ContentType", None), "correlation": getattr(more, "CorrelationData", b"").hex()})

        client.on_connect, client.on_message = connected, received
        client.on_disconnect = lambda *words: self.events.put({"event": "closed"})
        client.on_publish = lambda *words: self.events.put({"event": "published"})
        client.on_subscribe = lambda client, data, id, granted, properties=None: self.events.put(
            {"event": "subscribed", "granted": [getattr(code, "value", code) for code in granted]})
        client.on_unsubscribe = lambda *words: self.events.put({"event": "unsubscribed"})
        more = {}
        if version == 5:
            from paho.mqtt.packettypes import PacketTypes
            from paho.mqtt.properties import Properties
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 0 if clean else 600
            properties.TopicAliasMaximum = aliases
            more = {"clean_start": clean, "properties": properties}
        client.connect("127.0.0.1", port, keepalive, **more)
        client.loop_start()

    def on_subscribe(self, filter, qos, identifier=None, rap=False):
        from paho.mqtt.subscribeoptions import SubscribeOptions
        if self.version != 5:
            self.client.subscribe(filter, qos)
            return
        properties = None
        if identifier:
            from paho.mqtt.packettypes import PacketTypes
            from paho.mqtt.properties import Properties
            properties = Properties(PacketTypes.SUBSCRIBE)
            properties.SubscriptionIdentifier = identifier
        self.client.subscribe(filter, options=SubscribeOptions(qos=qos, retainAsPublished=rap), properties=properties)

    def on_unsubscribe(self, filter):
        self.client.unsubscribe(filter)

    def on_publish(self, topic, payload, qos, retain=False, properties=None):
        self.client.publish(topic, bytes.fromhex(payload), qos, retain,
                            self.properties("PUBLISH", properties) if self.version == 5 else None)

    def on_disconnect(self):
        self.client.disconnect()
        self.client.loop_stop()

    def on_cut(self):
        import socket
        self.client._thread_terminate = True  # it must not connect again by itself
        raw = self.client.socket()
        (raw if isinstance(raw, socket.socket) else raw._socket).shutdown(socket.SHUT_RDWR)
        self.client.loop_stop()

    def close(self):
        if self.client is not None:
            self.client.disconnect()
            self.client.loop_stop()


class Run:
    """A case with one kind of client; `client(NAME)` is a new client."""

    def __init__(self, kind, transport, version, ports, number):
        self.kind, self.transport, self.version, self.ports, self.number = kind, transport, version, ports, number
        self.topic, self.clients = f"case{number}", []

    def client(self, name):
        client = self.kind(self.ports[self.transport], self.transport, self.version, f"{name}{self.number}")
        self.clients.append(client)
        return client

    def connected(self, name, **words):
        client = self.client(name)
        client.connect(**words)
        return client

    def session_present(self, present):
        """What connect() returns then: MQTT 3.1 has no such flag, and Paho JavaScript does not show it."""
        return None if self.kind is PahoJs else present and self.version > 3

    def ours(self, program, *words, data=None):
        done = subprocess.run([program, "-h", "127.0.0.1", "-p", str(self.ports["tcp"]), *words], input=data,
                              stdin=None if data is not None else subprocess.DEVNULL, capture_output=True, timeout=20)
        if done.returncode:
            raise Mismatch(f"{os.path.basename(program)}: exit code {done.returncode}: {done.stderr.decode()}")
        return done.stdout


def expect(what, got, expected):
    if got != expected:
        raise Mismatch(f"{what}: {got!r:.300} instead of {expected!r:.300}")


def payloads(messages):
    return [bytes.fromhex(message["payload"]).decode() for message in messages]


def case(name, versions=(3, 4, 5)):
    def add(function):
        CASES.append((name, function, versions))
        return function
    return add


@case("each QoS to each QoS")
def qos(run):
    one, two = run.connected("pub"), run.connected("sub")
    for wanted in (0, 1, 2):
        two.subscribe(f"{run.topic}/{wanted}", wanted)
        for sent in (0, 1, 2):
            one.publish(f"{run.topic}/{wanted}", bytes(range(256)), sent, wait=sent > 0)
            [message] = two.receive(1)
            expect("message", (message["payload"], message["qos"], message["retain"]), (bytes(range(256)).hex(), min(sent, wanted), False))
    one.publish(run.topic + "/1", b"", 1)
    expect("empty payload", two.receive(1)[0]["payload"], "")
    two.unsubscribe(run.topic + "/1")
    one.publish(run.topic + "/1", b"x", 1)
    two.nothing_more()


@case("1 MB both ways, and 2,000 messages")
def many(run):
    one, two = run.connected("pub"), run.connected("sub")
    two.subscribe(run.topic + "/#", 2)
    payload = bytes(range(256)) * 4_096
    one.publish(run.topic + "/big", payload, 1)
    expect("1 MB", two.receive(1)[0]["payload"] == payload.hex(), True)
    for number in range(2_000):
        one.publish(run.topic + "/many", str(number).encode(), number % 3, wait=False)
        # MQTT.js sends more messages at once than the broker's Receive Maximum permits.
        if run.kind is MqttJs and run.version == 5 and number >= 10:
            one.wait("published")
    got = payloads(two.receive(2_000, 30))
    # The order holds for each QoS.
    for level in range(3):
        expect(f"messages of QoS {level}", [each for each in got if int(each) % 3 == level], [str(i) for i in range(2_000) if i % 3 == level])


@case("retained messages")
def retained(run):
    one, two = run.connected("pub"), run.connected("live")
    two.subscribe(run.topic + "/#", 1)
    one.publish(run.topic + "/a", b"kept", 1, retain=True)
    expect("live", two.receive(1)[0]["retain"], False)
    three = run.connected("late")
    three.subscribe(run.topic + "/+", 1)
    [message] = three.receive(1)
    expect("retained", (message["retain"], payloads([message])), (True, ["kept"]))
    if run.version == 5:
        four = run.connected("published")
        four.subscribe(run.topic + "/b", 1, rap=True)
        one.publish(run.topic + "/b", b"kept", 1, retain=True)
        expect("retain as published", four.receive(1)[0]["retain"], True)
    expect("mqtt_sub", run.ours(run.programs["mqtt_sub"], "-t", run.topic + "/a", "-C", "1", "-W", "5"), b"kept\n")
    one.publish(run.topic + "/a", b"", 1, retain=True)
    five = run.connected("after")
    five.subscribe(run.topic + "/a", 1)
    five.nothing_more()


@case("wills")
def wills(run):
    sub = run.connected("sub")
    sub.subscribe(run.topic + "/will", 2)
    will = {"topic": run.topic + "/will", "payload": b"gone".hex(), "qos": 2, "retain": True,
            "properties": {"contentType": "text/plain", "userProperties": {"a": "b"}}}
    one = run.connected("leaves", will=will)
    one.disconnect()
    sub.nothing_more()
    two = run.connected("cut", will=will)
    two.cut()
    [message] = sub.receive(1)
    expect("will", (payloads([message]), message["qos"]), (["gone"], 2))
    if run.version == 5:
        expect("will's properties", (message["type"], message["user"]), ("text/plain", {"a": "b"}))
    late = run.connected("late")
    late.subscribe(run.topic + "/will", 1)
    expect("retained will", payloads(late.receive(1)), ["gone"])
    late.publish(run.topic + "/will", b"", 1, retain=True)


@case("session resumption")
def sessions(run):
    sub = run.client("sub")
    expect("first connection", sub.connect(clean=False), run.session_present(False))
    sub.subscribe(run.topic + "/a", 2)
    sub.disconnect()
    lines = "".join(f"{number}\n" for number in range(100)).encode()
    run.ours(run.programs["mqtt_pub"], "-t", run.topic + "/a", "-q", "1", "-l", data=lines)
    run.ours(run.programs["mqtt_pub"], "-t", run.topic + "/a", "-q", "2", "-l", data=lines)
    expect("second connection", sub.connect(clean=False), run.session_present(True))
    got = sub.receive(200)
    expect("messages", payloads(got), [str(number) for number in range(100)] * 2)
    expect("QoS", [message["qos"] for message in got], [1] * 100 + [2] * 100)
    sub.nothing_more()
    sub.cut()
    run.ours(run.programs["mqtt_pub"], "-t", run.topic + "/a", "-q", "1", "-m", "after the cut")
    sub.connect(clean=False)
    expect("after a cut", payloads(sub.receive(1)), ["after the cut"])
    sub.disconnect()
    expect("clean session", sub.connect(clean=True), run.session_present(False))
    run.ours(run.programs["mqtt_pub"], "-t", run.topic + "/a", "-q", "1", "-m", "x")
    sub.nothing_more()


@case("cut while publishing")
def cut_publisher(run):
    sub, one = run.connected("sub"), run.client("pub")
    sub.subscribe(run.topic + "/#", 2)
    one.connect(clean=False)
    for number in range(200):
        one.publish(f"{run.topic}/{1 + number % 2}", str(number).encode(), 1 + number % 2, wait=False)
    one.cut()
    one.connect(clean=False)
    got = {1: [], 2: []}
    while len(set(got[1])) < 100 or len(got[2]) < 100:
        [message] = sub.receive(1)
        got[int(message["topic"][-1])] += payloads([message])
    expect("QoS 2", sorted(got[2], key=int), [str(number) for number in range(1, 200, 2)])
    expect("QoS 1", sorted(set(got[1]), key=int), [str(number) for number in range(0, 200, 2)])


@case("overlapping subscriptions")
def overlapping(run):
    one, two = run.connected("pub"), run.connected("sub")
    for identifier, (filter, wanted) in enumerate(((f"{run.topic}/#", 0), (f"{run.topic}/+/b", 2), (f"{run.topic}/a/b", 1)), 1):
        two.subscribe(filter, wanted, **({"identifier": identifier} if run.version == 5 else {}))
    got = []
    for topic, payload in (("/a/b", b"x"), ("/c", b"last")):
        one.publish(run.topic + topic, payload, 2)
        got += two.receive(1)
    # One delivery, with the highest QoS and all identifiers (MQTT 5.0 section 3.3.4).
    expect("messages", [(payloads([message])[0], message["qos"]) for message in got], [("x", 2), ("last", 0)])
    if run.version == 5:
        expect("identifiers", [sorted(message["identifiers"]) for message in got], [[1, 2, 3], [1]])


@case("shared subscription and properties", versions=(5,))
def version_5(run):
    one, two, three = run.connected("pub"), run.connected("first"), run.connected("second")
    for client in (two, three):
        client.subscribe(f"$share/group/{run.topic}/a", 1)
    for number in range(100):
        one.publish(run.topic + "/a", str(number).encode(), 1)
    deadline = time.monotonic() + SECONDS
    while len(two.messages) + len(three.messages) < 100 and time.monotonic() < deadline:
        for client in (two, three):
            try:
                client.wait("message", 0.05)
            except Mismatch:
                pass
    expect("both take part", (bool(two.messages), bool(three.messages)), (True, True))
    expect("messages", sorted(payloads(two.messages + three.messages), key=int), [str(number) for number in range(100)])
    four = run.connected("properties", aliases=10)
    four.subscribe(run.topic + "/b", 1)
    one.publish(run.topic + "/b", b"x", 1, properties={"userProperties": {"a": "b", "c": "d"}, "responseTopic": "answer", "contentType": "text/plain",
                                                      "correlationData": "00ff", "messageExpiryInterval": 60})
    [message] = four.receive(1)
    expect("properties", [message[name] for name in ("user", "response", "type", "correlation")], [{"a": "b", "c": "d"}, "answer", "text/plain", "00ff"])


@case("logins")
def logins(run):
    run.connected("right", user=USER, password=PASSWORD)
    expect("wrong password", run.client("wrong").refused(user=USER, password="x"), 135 if run.version == 5 else 5)


@case("keep-alive", versions=(4,))
def keep_alive(run):
    one = run.connected("idle", keepalive=1)
    one.subscribe(run.topic, 1)
    time.sleep(2)  # more than 1.5 times the keep-alive
    run.ours(run.programs["mqtt_pub"], "-t", run.topic, "-m", "x")
    expect("message", payloads(one.receive(1)), ["x"])


def start_testbroker(args, directory):
    """(process, ports)"""
    passwords = os.path.join(directory, "passwords")
    subprocess.run([os.path.join(args.bin_dir, "mqtt_passwd"), "-b", "-c", passwords, USER, PASSWORD], check=True, capture_output=True)
    broker = subprocess.Popen([os.path.join(args.bin_dir, "mqtt_testbroker"), "-p", "0", "--ws-port", "0", "--bind", "127.0.0.1",
                               "--password-file", passwords], stdout=subprocess.PIPE, text=True)
    found = []
    while len(found) < 2:
        line = broker.stdout.readline()
        if not line:
            sys.exit("other_clients.py: mqtt_testbroker did not start")
        if "listening on 127.0.0.1:" in line:
            found.append(int(line.rsplit(":", 1)[1].strip()))
    return broker, dict(zip(("tcp", "ws"), found))


def run_all(args, report):
    with tempfile.TemporaryDirectory(prefix="mqttc-clients-") as directory:
        if args.mosquitto:
            os.chmod(directory, 0o755)
            mosquitto = brokers.Mosquitto(directory, args.bin_dir)
            mosquitto.start()
            broker, ports = mosquitto.process, mosquitto.ports
        else:
            broker, ports = start_testbroker(args, directory)
        numbers = itertools.count(1)

        def run_kind(kind):
            for transport, version, (name, function, versions) in itertools.product(kind.transports, kind.versions, CASES):
                full = f"{kind.name}: {transport}: version {version}: {name}"
                if version not in versions or args.case not in full:
                    continue
                run = Run(kind, transport, version, ports, next(numbers))
                run.programs = {name: os.path.join(args.bin_dir, name) for name in ("mqtt_pub", "mqtt_sub")}
                begin = time.monotonic()
                try:
                    function(run)
                    report["passed"].append(full)
                    text = "ok"
                except Mismatch as mismatch:
                    report["failures"].append(f"{full}: {mismatch}")
                    text = f"FAILED: {mismatch}"
                finally:
                    for client in run.clients:
                        client.close()
                if args.verbose:
                    print(f"{full}: {text} [{time.monotonic() - begin:.1f} s]", flush=True)
                if broker.poll() is not None:
                    sys.exit(f"other_clients.py: mqtt_testbroker ended with {broker.returncode}")

        try:
            # The clients wait more than they compute.
            with concurrent.futures.ThreadPoolExecutor() as pool:
                list(pool.map(run_kind, report["kinds"]))
        finally:
            for kind in report["kinds"]:
                kind.end()
            broker.kill()
            broker.wait()


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("bin_dir")
    parser.add_argument("--modules", default="/nonexistent")
    parser.add_argument("--case", default="")
    parser.add_argument("--mosquitto", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    args.bin_dir = os.path.abspath(args.bin_dir)
    Client.modules = os.path.abspath(args.modules)
    report = {"passed": [], "failures": [], "kinds": [], "skips": []}
    for kind, module in ((MqttJs, "mqtt"), (PahoJs, "paho-mqtt")):
        if shutil.which("node") and os.path.exists(os.path.join(Client.modules, "node_modules", module)):
            report["kinds"].append(kind)
        else:
            report["skips"].append(f"{kind.name}: node or npm's {module} missing")
    try:
        import paho.mqtt.client  # noqa: F401
        report["kinds"].append(PahoPython)
    except ImportError:
        report["skips"].append("Paho Python: missing (package: python3-paho-mqtt)")
    begin = time.monotonic()
    run_all(args, report)
    for failure in report["failures"]:
        print(f"failed: {failure}")
    for skip in report["skips"]:
        print(f"skipped: brokers: {skip}")
    print(f"mqtt_testbroker with other clients: {time.monotonic() - begin:.0f} s")
    print(f"{len(report['passed'])} passed, {len(report['failures'])} failed, {len(report['skips'])} skipped")
    return 1 if report["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
