#!/usr/bin/python3
"""Payloads of other implementations through mqtt_sub --decode and mqtt_pub --encode.

usage: run.py BIN_DIR CASE MODULES

  debian   python3-cbor2, python3-msgpack, protoc with python3-protobuf
  npm      cbor, @msgpack/msgpack, sparkplug-payload
  client   sparkplug-client: births, data, a rebirth and deaths through mqtt_testbroker and Mosquitto

MODULES is the node_modules directory with the packages of npm/ (../../npm.sh). The values are random, but the same in each run. What the libraries decode
and what mqtt_sub prints must be the same JSON, and mqtt_pub must encode it to the same bytes where a format has one form for
each value. Debian's Python has the libraries; exits with 77 if something is missing.
"""

import base64
import contextlib
import datetime
import decimal
import fractions
import importlib
import json
import math
import os
import pathlib
import random
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import uuid
from collections import namedtuple

HERE = pathlib.Path(__file__).resolve().parent
PROTO = HERE.parents[1] / "support/proto"
MOSQUITTO = "/usr/sbin/mosquitto"
COUNT = 400  # random values of each kind
TIMEOUT = "30"

# json: what the library itself makes of the bytes; exact: with the same types and order, for libraries that distinguish 1
# and 1.0; canonical: encoding the JSON gives the same bytes.
Case = namedtuple("Case", "bytes json exact canonical")


class Skip(Exception):
    pass


def fail(*what):
    sys.exit("run.py: " + " ".join(map(str, what)))


# Brokers and programs

@contextlib.contextmanager
def broker(bin_dir, name="mqtt_testbroker"):
    """Runs a broker; its port."""
    with tempfile.TemporaryDirectory(prefix="mqttc-payload-") as directory:
        if name == MOSQUITTO:
            with socket.socket() as one:
                one.bind(("127.0.0.1", 0))
                port = str(one.getsockname()[1])
            config = pathlib.Path(directory, "mosquitto.conf")
            config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n" + ("user root\n" if os.geteuid() == 0 else ""))
            process = subprocess.Popen([MOSQUITTO, "-c", config], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            started = any(" running" in line for line in process.stderr)
        else:
            process = subprocess.Popen([f"{bin_dir}/{name}", "-p", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            port = next((found[1] for line in process.stdout if (found := re.search(r"127\.0\.0\.1:(\d+)", line))), None)
            started = port is not None
        try:
            if not started:
                fail(name, "did not start")
            yield port
        finally:
            process.terminate()
            process.wait(10)


class Program:
    """mqtt_pub or mqtt_sub, without the user's settings."""

    def __init__(self, bin_dir, name, port, *options):
        env = {key: value for key, value in os.environ.items() if not key.startswith("MQTT_")}
        self.process = subprocess.Popen([f"{bin_dir}/{name}", "-h", "127.0.0.1", "-p", port, *options], text=True, encoding="utf-8",
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        env={**env, "HOME": "/nonexistent"})

    def finish(self, text=None):
        out, err = self.process.communicate(text, timeout=60)
        if self.process.returncode != 0 or err:
            fail(self.process.args, "ended with", self.process.returncode, err)
        return out

    def subscribed(self):
        while "SUBACK" not in (line := self.process.stderr.readline()):
            if not line:
                fail("mqtt_sub has not subscribed")
        # Only for this: -d is on.
        return self


def subscribe(bin_dir, port, count, *options):
    sub = Program(bin_dir, "mqtt_sub", port, "-d", "-q", "1", "-C", str(count), "-W", TIMEOUT, *options).subscribed()

    def lines():
        out, err = sub.process.communicate(timeout=60)
        errors = [line for line in err.splitlines() if not re.match(r"mqtt_sub: (received|sent|sending) ", line)]
        if sub.process.returncode != 0 or errors:
            fail("mqtt_sub", *options, "ended with", sub.process.returncode, "after", out.count("\n"), "messages\n", *errors[:5])
        return out.split("\n")[:-1]

    return lines


def decode(bin_dir, port, form, cases):
    """The JSON of all payloads in one run of both programs."""
    lines = subscribe(bin_dir, port, len(cases), "-t", "p", "--decode", form)
    Program(bin_dir, "mqtt_pub", port, "-t", "p", "-q", "1", "-l", "--encoding", "hex").finish(
        "".join(f"{case.bytes.hex()}\n" for case in cases))
    return lines()


def encode(bin_dir, port, form, texts):
    lines = subscribe(bin_dir, port, len(texts), "-t", "p", "-F", "%x")
    Program(bin_dir, "mqtt_pub", port, "-t", "p", "-q", "1", "-l", "--encode", form).finish("".join(text + "\n" for text in texts))
    return lines()


def difference(ours, theirs, exact, path="$"):
    """Where two JSON values differ, with `exact` also in their types and order; None if they do not."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if ours.keys() != theirs.keys() or (exact and list(ours) != list(theirs)):
            return f"{path} has the members {list(ours)}, not {list(theirs)}"
        pairs = ((ours[key], theirs[key], f"{path}.{key}") for key in ours)
    elif isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"{path} has {len(ours)} elements, not {len(theirs)}"
        pairs = ((*both, f"{path}[{index}]") for index, both in enumerate(zip(ours, theirs)))
    else:
        same = repr(ours) == repr(theirs) if exact or isinstance(ours, bool) or isinstance(theirs, bool) else ours == theirs
        return None if same else f"{path} is {ours!r}, not {theirs!r}"
    return next(filter(None, (difference(one, other, exact, where) for one, other, where in pairs)), None)


def check(bin_dir, port, name, form, cases):
    printed = decode(bin_dir, port, form, cases)
    for case, text in zip(cases, printed):
        if wrong := difference(json.loads(text), json.loads(case.json), case.exact):
            fail(f"{name}: {case.bytes.hex()} is decoded to {text}\n{wrong}")
    canonical = [(case, text) for case, text in zip(cases, printed) if case.canonical]
    for (case, text), digits in zip(canonical, encode(bin_dir, port, form, [text for _, text in canonical])):
        if digits != case.bytes.hex():
            same = len(os.path.commonprefix([digits, case.bytes.hex()])) & ~1
            fail(f"{name}: {text}\nis encoded from byte {same // 2 + 1} to {digits[same:][:80]}, but by the library to",
                 case.bytes.hex()[same:][:80])
    print(f"{name}: {len(cases)} payloads decoded, {len(canonical)} encoded to equal bytes")


# Values for the libraries of Python

CHARACTERS = "aZ0\"\\/\n\t\x01\x7f\u00e9\u20ac\u2028\U0001f600"


class Values:
    def __init__(self, largest_integer):
        self.random = random.Random(22)
        self.largest_integer = largest_integer

    def integer(self):
        bits = self.random.choice((3, 8, 16, 31, 32, 33, 63, 64, 65, 200))
        value = self.random.choice((self.random.getrandbits(bits), 1 << bits, (1 << bits) - 1)) * self.random.choice((1, -1))
        return value if -self.largest_integer // 2 <= value < self.largest_integer else self.random.randrange(-100, 100)

    def real(self):
        value = struct.unpack(">d", self.random.randbytes(8))[0]
        value = self.random.choice((value, 0.0, -0.0, 1.0, 0.1, self.random.randrange(-10 ** 9, 10 ** 9) / 1000, 5e-324, 1e16, self.integer() / 8.0,
                                    struct.unpack(">f", struct.pack(">f", self.random.random()))[0]))
        # Debian's cbor2 writes the largest numbers of 16 bits with 32.
        return value if math.isfinite(value) and not 32768 <= abs(value) <= 65504 else 0.5

    def text(self):
        return "".join(self.random.choices(CHARACTERS, k=self.random.randrange(self.random.choice((3, 30, 300)))))

    def bytes(self):
        return self.random.randbytes(self.random.randrange(self.random.choice((3, 30, 300))))

    def count(self):
        return range(self.random.randrange(self.random.choice((3, 20))))

    def plain(self, depth=4):
        """What JSON can express."""
        kind = self.random.randrange(8 if depth > 0 else 6)
        if kind == 6:
            return [self.plain(depth - 1) for _ in self.count()]
        if kind == 7:
            return {self.text(): self.plain(depth - 1) for _ in self.count()}
        return (lambda: None, lambda: self.random.random() < 0.5, self.integer, self.integer, self.real, self.text)[kind]()

    def with_inside(self, special):
        """A value that JSON lacks, alone or inside other ones."""
        return self.random.choice((special, [self.plain(1), special], {"before": special, "after": self.plain(1)}))


def as_json(value, other):
    """The JSON that mqtt_sub(1) describes for a value of a library; `other` does the types of that library."""
    def plain(one):
        if isinstance(one, float) and not math.isfinite(one):
            return None
        if isinstance(one, bytes):
            return base64.b64encode(one).decode()
        if type(one) in (list, tuple):
            return [plain(element) for element in one]
        if isinstance(one, dict):
            return {key if isinstance(key, str) else as_json(key, other).strip('"'): plain(element) for key, element in one.items()}
        return one if one is None or isinstance(one, (bool, int, float, str)) else plain(other(one))

    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))


def cbor_cases():
    cbor2 = importlib.import_module("cbor2")
    values = Values(1 << 300)

    def other(value):
        """Tags that mqtt_sub ignores, as the value that has the tag."""
        if isinstance(value, datetime.datetime):
            return value.isoformat().replace("+00:00", "Z")
        if isinstance(value, decimal.Decimal):
            sign, digits, exponent = value.as_tuple()
            return [exponent, int("".join(map(str, digits))) * (-1 if sign else 1)]
        if isinstance(value, fractions.Fraction):
            return [value.numerator, value.denominator]
        if isinstance(value, uuid.UUID):
            return value.bytes
        if isinstance(value, (set, frozenset)):
            return list(value)
        if isinstance(value, cbor2.CBORTag):
            return value.value
        return None  # undefined

    def sorted_as_canonical(value):
        """A canonical map is sorted; JSON keeps that order."""
        return cbor2.loads(cbor2.dumps(value, canonical=True))

    cases = []
    for _ in range(COUNT):
        value = sorted_as_canonical(values.plain())
        cases.append(Case(cbor2.dumps(value, canonical=True), as_json(value, other), True, True))
        cases.append(Case(cbor2.dumps(value), as_json(value, other), True, False))
    specials = [lambda: math.nan, lambda: -math.inf, lambda: cbor2.undefined, values.bytes,
                lambda: {values.integer(): 1, values.real(): "x", values.bytes(): [], True: None},
                lambda: datetime.datetime.fromtimestamp(values.random.randrange(1 << 34), datetime.timezone.utc),
                lambda: decimal.Decimal(values.random.randrange(-10 ** 9, 10 ** 9)).scaleb(-values.random.randrange(9)),
                lambda: fractions.Fraction(values.random.randrange(-999, 999), 1000), lambda: uuid.UUID(bytes=values.random.randbytes(16)),
                lambda: {values.random.randrange(1000)}, lambda: cbor2.CBORTag(values.random.randrange(1000, 1 << 40), values.plain(1))]
    for number in range(COUNT):
        value = values.with_inside(specials[number % len(specials)]())
        payload = cbor2.dumps(value)
        cases.append(Case(payload, as_json(cbor2.loads(payload), other), False, False))
    return cases


def msgpack_cases():
    msgpack = importlib.import_module("msgpack")
    values = Values(1 << 64)
    values.integer = lambda base=values.integer: max(base(), -(1 << 63))

    def other(value):
        if isinstance(value, msgpack.Timestamp):
            time = datetime.datetime.fromtimestamp(value.seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.")
            digits = f"{value.nanoseconds:09}"
            return time + (digits[:3] if digits.endswith("000000") else digits[:6] if digits.endswith("000") else digits) + "Z"
        return {"type": value.code, "data": value.data}

    cases = []
    for _ in range(COUNT):
        value = values.plain()
        cases.append(Case(msgpack.packb(value), as_json(value, other), True, True))
    specials = [lambda: math.nan, lambda: math.inf, values.bytes,
                lambda: {values.integer(): 1, values.real(): "x", values.bytes(): [], True: None},
                lambda: msgpack.Timestamp(values.random.randrange(1 << 37), values.random.choice((0, 5_000_000, 7_000, 999_999_999))),
                lambda: msgpack.ExtType(values.random.randrange(128), values.bytes())]
    for number in range(COUNT):
        payload = msgpack.packb(values.with_inside(specials[number % len(specials)]()), use_single_float=number % 3 == 0)
        cases.append(Case(payload, as_json(msgpack.unpackb(payload, strict_map_key=False), other), True, False))
    return cases


def protobuf_cases():
    """Random messages that protoc encodes, and Python's library writes as JSON."""
    if not shutil.which("protoc"):
        raise Skip("protobuf-compiler is not installed")
    json_format, text_format, message_factory, descriptor_pb2 = (
        importlib.import_module("google.protobuf." + name) for name in ("json_format", "text_format", "message_factory", "descriptor_pb2"))
    protoc = ["protoc", f"-I{PROTO}", "every_type.proto"]
    described = subprocess.run([*protoc, "--include_imports", "--descriptor_set_out=/dev/stdout"], check=True, capture_output=True).stdout
    every_type = message_factory.GetMessages(descriptor_pb2.FileDescriptorSet.FromString(described).file)["mqttc.test.EveryType"]
    values = Values(1 << 64)

    def scalar(field):
        kind = field.cpp_type
        bits = 32 if kind in (field.CPPTYPE_INT32, field.CPPTYPE_UINT32) else 64
        if kind in (field.CPPTYPE_UINT32, field.CPPTYPE_UINT64):
            return values.random.choice((0, 1, (1 << bits) - 1, values.random.getrandbits(bits)))
        if kind in (field.CPPTYPE_INT32, field.CPPTYPE_INT64):
            return values.random.choice((0, -1, -(1 << bits - 1), values.random.getrandbits(bits - 1)))
        if kind == field.CPPTYPE_ENUM:
            return values.random.choice((0, 1, -1, 99))
        if kind == field.CPPTYPE_BOOL:
            return values.random.random() < 0.5
        if kind == field.CPPTYPE_FLOAT:
            # libprotobuf may write more digits than the shortest text of a float, which Python's library writes.
            return values.random.choice((0.1, 1.5, -3.4e38, math.nan, math.inf, values.random.randrange(1 << 20) / 8))
        if kind == field.CPPTYPE_DOUBLE:
            # libprotobuf reads the JSON number -0 as 0.
            return values.random.choice((values.real() or 0.0, math.nan, -math.inf))
        return values.bytes() if field.type == field.TYPE_BYTES else values.text()

    def fill(message, depth):
        for field in message.DESCRIPTOR.fields:
            name, type_name = field.name, field.message_type and field.message_type.full_name
            if values.random.random() < 0.6:
                continue
            to = getattr(message, name)
            if type_name == "google.protobuf.Timestamp":
                to.FromMilliseconds(values.random.randrange(1 << 42))
            elif type_name == "google.protobuf.Duration":
                to.FromNanoseconds(values.random.randrange(-1 << 60, 1 << 60))
            elif type_name == "google.protobuf.FieldMask":
                to.paths.extend(["a_bool", "inner.name"])
            elif type_name == "google.protobuf.Struct":
                to.update({"kx": [1.5, None, {"y": True}], "text": values.text()})
            elif type_name == "google.protobuf.ListValue":
                to.extend([values.text(), 1.0, False])
            elif type_name == "google.protobuf.Int64Value":
                to.value = scalar(field.message_type.fields[0])
            elif field.message_type and field.message_type.GetOptions().map_entry:
                key, value = field.message_type.fields
                for _ in range(3):
                    if value.message_type:
                        fill(to[scalar(key)], depth - 1)
                    else:
                        to[scalar(key)] = scalar(value)
            elif field.label == field.LABEL_REPEATED:
                for _ in values.count():
                    if not field.message_type:
                        to.append(scalar(field))
                    elif depth > 0:
                        fill(to.add(), depth - 1)
            elif field.message_type:
                if depth > 0:
                    to.SetInParent()
                    fill(to, depth - 1)
            else:
                setattr(message, name, scalar(field))

    cases = []
    for _ in range(60):
        message = every_type()
        fill(message, 2)
        text = text_format.MessageToString(message, as_utf8=True)
        payload = subprocess.run([*protoc, "--encode=mqttc.test.EveryType", "--deterministic_output"], check=True, capture_output=True,
                                 input=text.encode()).stdout
        if payload:
            cases.append(Case(payload, json_format.MessageToJson(every_type.FromString(payload), preserving_proto_field_name=True),
                              False, True))
    return cases


def check_debian(bin_dir, _):
    makers = (("cbor2", "cbor", cbor_cases), ("msgpack", "msgpack", msgpack_cases),
              ("protoc", f"protobuf:{PROTO}/every_type.proto:mqttc.test.EveryType", protobuf_cases))
    for name, form, make in makers:
        try:
            cases = make()
        except ModuleNotFoundError as missing:
            raise Skip(f"Debian's Python has no module {missing.name}")
        with broker(bin_dir) as port:
            check(bin_dir, port, name, form, cases)


# npm's packages

def node(*arguments):
    modules = arguments[1]
    if not shutil.which("node"):
        raise Skip("nodejs is not installed")
    if not os.path.isdir(f"{modules}/sparkplug-client"):
        raise Skip(f"the npm packages are not installed ({modules})")
    return ["node", str(HERE / arguments[0]), *arguments[1:]]


def check_npm(bin_dir, modules):
    made = subprocess.run(node("payloads.mjs", modules, str(COUNT)), stdout=subprocess.PIPE, check=True, text=True, timeout=60).stdout
    lines = [json.loads(line) for line in made.splitlines()]
    for name in ("cbor", "msgpack", "sparkplug"):
        cases = [Case(bytes.fromhex(line["bytes"]), line["json"], False, line["canonical"]) for line in lines if line["format"] == name]
        with broker(bin_dir) as port:
            check(bin_dir, port, "npm " + name, name, cases)


def values_of(line):
    """ "topic JSON" as the topic and each metric's value by its name."""
    topic, text = line.rstrip("\n").split(" ", 1)
    payload = json.loads(text)
    return topic.removeprefix("spBv1.0/plant/"), {metric["name"]: metric.get("value") for metric in payload.get("metrics", [])}


def run_edge_node(bin_dir, modules, name, dies):
    birth = [
        ("NBIRTH/line", {"Node Control/Rebirth": False, "speed": 1.5, "count": 18446744073709551615, "offset": -300, "image": "AP8=",
                         "unset": None}),
        ("DBIRTH/line/press", {
            "table": {"numOfColumns": 2, "types": ["Int8", "String"], "columns": ["step", "name"], "rows": [[-1, "down"], [2, "up"]]},
            "motor": {"version": "1", "templateRef": "motors/small", "isDefinition": False,
                      "metrics": [{"name": "rpm", "type": "UInt32", "value": 4294967295}],
                      "parameters": [{"name": "poles", "type": "Int32", "value": -2}]},
            "state": "idle"}),
        ("NDATA/line", {"speed": 2.5, "count": 1}),
        ("DDATA/line/press", {"state": "running"}),
    ]
    command = json.dumps({"metrics": [{"name": "Node Control/Rebirth", "value": True}]})
    rebirth = ("NCMD/line", {"Node Control/Rebirth": True})
    with broker(bin_dir, name) as port:
        sub = Program(bin_dir, "mqtt_sub", port, "-d", "-v", "-t", "spBv1.0/#", "--decode", "auto", "--stats", "-W", TIMEOUT).subscribed()
        edge_node = subprocess.Popen(node("edge_node.cjs", modules, port), stdout=subprocess.DEVNULL)

        def expect(lines):
            for wanted in lines:
                topic, values = values_of(sub.process.stdout.readline())
                # The package adds the number of the session.
                values.pop("bdSeq", None)
                if (topic, values) != wanted:
                    fail(f"{name}: read {topic} {values}\ninstead of {wanted}")

        def send(text):
            Program(bin_dir, "mqtt_pub", port, "-t", "spBv1.0/plant/NCMD/line", "--encode", "sparkplug", "-m", text).finish()

        try:
            expect(birth)
            send(command)
            expect([rebirth, *birth])
            if dies:
                # The broker publishes the Will.
                edge_node.kill()
                expect([("NDEATH/line", {})])
            else:
                send('{"metrics":[{"name":"Quit","value":true}]}')
                expect([("NCMD/line", {"Quit": True}), ("DDEATH/line/press", {}), ("NDEATH/line", {})])
        finally:
            edge_node.kill()
            edge_node.wait()
            sub.process.terminate()
        out, err = sub.process.communicate(timeout=60)
        found = re.search(r"Sparkplug B: .*", err)
        messages = 10 if dies else 12
        if out or not found or not found[0].startswith(f"Sparkplug B: 1 edge node, {messages} messages, 0 sequence gaps"):
            fail(f"{name}: --stats reports {found and found[0]}; more output: {out!r}")
    print(f"sparkplug-client through {name}: births, data, a rebirth and deaths are read as named metrics")


def check_client(bin_dir, modules):
    run_edge_node(bin_dir, modules, "mqtt_testbroker", dies=True)
    if not os.path.exists(MOSQUITTO):
        raise Skip("mosquitto is not installed")
    run_edge_node(bin_dir, modules, MOSQUITTO, dies=False)


def main():
    cases = {"debian": check_debian, "npm": check_npm, "client": check_client}
    if len(sys.argv) != 4 or sys.argv[2] not in cases:
        sys.exit(__doc__)
    bin_dir, case, modules = sys.argv[1:]
    try:
        cases[case](bin_dir, modules)
    except Skip as why:
        print(f"skipped: {why}")
        sys.exit(77)


main()
