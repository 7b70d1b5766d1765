#!/usr/bin/env python3
"""Fails on an #include line that the layers do not allow: base <- codec <- session <- client -> net -> base.

usage: check_includes.py ROOT         reads libmqttc/, apps/ and tests/broker/ below ROOT
       check_includes.py --self-test  adds forbidden includes to a small tree and expects each to be found
"""

import os
import re
import sys
import tempfile

# Public headers by layer; a header that is not listed here is an error.
PUBLIC = {
    "compiler": "base", "types": "base", "error": "base", "endpoint": "net",
    "reason": "codec", "property": "codec", "packet": "codec", "codec": "codec", "topic": "codec",
    "session": "session",
    "client": "client", "callback": "client", "coroutine": "client", "url": "client",
}

# layer: (layers whose public headers it may include, directories whose headers it may include by bare name)
SRC = "libmqttc/src/"
BASE = SRC + "base"
LAYERS = {
    "base": ({"base"}, [BASE]),
    "codec": ({"base", "codec"}, [SRC + "codec", BASE]),
    "session": ({"base", "codec", "session"}, [SRC + "session", SRC + "codec", BASE]),
    "net": ({"base", "net"}, [SRC + "net", BASE]),
    "client": ({"base", "codec", "session", "net", "client"},
               [SRC + "client", SRC + "session", SRC + "net", SRC + "codec", BASE]),
    "pub": (set(PUBLIC.values()), ["apps/pub", "apps/output", "apps/common", BASE]),
    "sub": (set(PUBLIC.values()), ["apps/sub", "apps/output", "apps/common", BASE]),
    "output": (set(PUBLIC.values()), ["apps/output", "apps/common", BASE]),
    "common": (set(PUBLIC.values()), ["apps/common", BASE]),
    "payload": (set(PUBLIC.values()), ["apps/payload", "apps/common", "apps/output", BASE]),
    "protobuf": (set(PUBLIC.values()), ["apps/protobuf", "apps/payload", "apps/common", "apps/output", BASE]),
    "passwd": (set(), ["apps/passwd", "apps/common", BASE]),
    "broker": ({"base", "codec", "net"}, ["tests/broker", SRC + "codec", SRC + "net", BASE, "apps/passwd"]),
}

# library: (what its includes look like, files that may include it, maximum number of such files per directory)
LIBRARIES = {
    "CLI11": (r"CLI/", r"apps/(common|passwd)/[^/]+\.cpp", 1),
    "nlohmann-json": (r"nlohmann/", r"apps/(output|payload|protobuf)/[^/]+\.cpp", 1),
    "libprotobuf": (r"google/protobuf/|sparkplug\.pb\.h", r"apps/protobuf/[^/]+", None),
    "OpenSSL": (r"openssl/", r"libmqttc/src/net/tls[^/]*|apps/passwd/[^/]+\.cpp|tests/broker/.*\.cpp",
                None),
    "libsodium": (r"sodium(\.h$|/)", r"apps/passwd/[^/]+\.cpp|tests/broker/.*\.cpp", None),
    "wslay": (r"wslay/", r"tests/broker/websocket[^/]*\.cpp", 1),
    "doctest": (r"doctest/", r"tests/.*_test\.cpp", None),
}

# The sans-I/O layers have no descriptors, no clock of their own, no threads.
PURE_LAYERS = {"codec", "session"}
IMPURE = re.compile(r"(.*/.*|.*\.h|f?stream|iostream|thread|mutex|condition_variable|future|filesystem)$")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def layer_of(path):
    parts = path.split("/")
    if path.startswith("libmqttc/include/mqttc/"):
        return PUBLIC.get(parts[-1].removesuffix(".hpp"))
    if path.startswith(SRC) or path.startswith("apps/"):
        return parts[2 if path.startswith(SRC) else 1]
    return "broker" if path.startswith("tests/broker/") else None


def sources(root):
    for top in ("libmqttc", "apps", "tests/broker"):
        for directory, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".cpp", ".hpp", ".h", ".cc", ".inc")):
                    yield os.path.relpath(os.path.join(directory, name), root)


def includes(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as source:
        for number, line in enumerate(source, 1):
            if match := INCLUDE.match(line):
                yield number, match.group(1) == "<", match.group(2)


def find_local(root, path, name, directories):
    """The file that a quoted include of `name` in `path` means, if it is in an allowed directory."""
    candidates = [os.path.join(os.path.dirname(path), name)]
    candidates += [os.path.join(directory, name) for directory in directories]
    candidates += [os.path.join(os.path.dirname(directory), name) for directory in directories]
    for candidate in map(os.path.normpath, candidates):
        inside = any(candidate.startswith(directory + "/") for directory in directories)
        if inside and os.path.isfile(os.path.join(root, candidate)):
            return candidate
    return None


def reaches_mqtt(root, path, seen):
    """Whether a header of apps/common includes mqttc/, itself or through others."""
    if path in seen:
        return False
    seen.add(path)
    for _, _, name in includes(root, path):
        if name.startswith("mqttc/"):
            return True
        local = find_local(root, path, name, ["apps/common", "apps/passwd"])
        if local and reaches_mqtt(root, local, seen):
            return True
    return False


def includes_openssl(root, path):
    return any(re.match(LIBRARIES["OpenSSL"][0], name) for _, _, name in includes(root, path))


def check_mqttc(layer, header):
    target = PUBLIC.get(header.removeprefix("mqttc/").removesuffix(".hpp"))
    if target is None:
        return "unknown public header: add it to PUBLIC"
    if target not in LAYERS[layer][0]:
        return f"{layer} must not depend on {target}"
    return None


def check_include(root, path, layer, angled, name):
    if name.startswith("mqttc/"):
        return check_mqttc(layer, name)
    for library, (pattern, allowed, _) in LIBRARIES.items():
        if re.match(pattern, name):
            return None if re.fullmatch(allowed, path) else f"{library} must not be included here"
    if angled:
        if layer in PURE_LAYERS and IMPURE.match(name):
            return f"{layer} does no I/O"
        return None
    if path.startswith("libmqttc/include/"):
        return "a public header includes only public headers"
    local = find_local(root, path, name, LAYERS[layer][1])
    if local is None:
        return f"not in a directory that {layer} may include from"
    if not re.fullmatch(LIBRARIES["OpenSSL"][1], path) and includes_openssl(root, local):
        return "includes OpenSSL, which must not be included here"
    if layer == "passwd" and reaches_mqtt(root, local, set()):
        return "includes mqttc/, and mqtt_passwd must not depend on MQTT"
    return None


def check(root):
    """Violations as lines `file:line: text`, and the number of includes read."""
    violations, count, users = [], 0, {}
    for path in sources(root):
        layer = layer_of(path)
        if layer not in LAYERS:
            violations.append(f"{path}:1: belongs to no known layer")
            continue
        for number, angled, name in includes(root, path):
            count += 1
            problem = check_include(root, path, layer, angled, name)
            if problem:
                violations.append(f"{path}:{number}: {name}: {problem}")
            for library, (pattern, _, _) in LIBRARIES.items():
                if re.match(pattern, name):
                    users.setdefault((library, os.path.dirname(path)), set()).add(path)
    for (library, directory), paths in sorted(users.items()):
        limit = LIBRARIES[library][2]
        if limit and len(paths) > limit:
            violations.append(f"{directory}:1: {library} is included in {len(paths)} files: {', '.join(sorted(paths))}")
    return violations, count


GOOD = {
    "libmqttc/include/mqttc/types.hpp": ["<cstdint>"],
    "libmqttc/include/mqttc/packet.hpp": ['"mqttc/types.hpp"'],
    "libmqttc/include/mqttc/session.hpp": ['"mqttc/packet.hpp"'],
    "libmqttc/include/mqttc/endpoint.hpp": ['"mqttc/types.hpp"'],
    "libmqttc/include/mqttc/client.hpp": ['"mqttc/session.hpp"', '"mqttc/endpoint.hpp"'],
    "libmqttc/src/base/descriptor.hpp": ["<unistd.h>", '"mqttc/types.hpp"'],
    "libmqttc/src/codec/wire.hpp": ["<span>", '"base/hex.hpp"'],
    "libmqttc/src/base/hex.hpp": ["<string>"],
    "libmqttc/src/session/session.cpp": ['"mqttc/session.hpp"', '"wire.hpp"'],
    "libmqttc/src/net/stream.hpp": ['"mqttc/endpoint.hpp"', "<sys/socket.h>"],
    "libmqttc/src/net/tls_openssl.hpp": ["<openssl/ssl.h>"],
    "libmqttc/src/net/tls_openssl.cpp": ['"stream.hpp"', '"tls_openssl.hpp"'],
    "libmqttc/src/client/client.cpp": ['"stream.hpp"', '"wire.hpp"', '"mqttc/client.hpp"'],
    "apps/common/options.hpp": ['"mqttc/client.hpp"'],
    "apps/common/message.hpp": ["<string>", '"hex.hpp"'],
    "apps/common/options.cpp": ['"options.hpp"', "<CLI/CLI.hpp>"],
    "apps/pub/main.cpp": ['"options.hpp"', '"common/message.hpp"', '"mqttc/client.hpp"'],
    "apps/passwd/main.cpp": ['"common/message.hpp"', "<sodium.h>", "<openssl/evp.h>"],
    "tests/broker/broker.cpp": ['"stream.hpp"', '"mqttc/packet.hpp"'],
}

# One forbidden include each, added to a file of the good tree.
FORBIDDEN = [
    ("libmqttc/include/mqttc/packet.hpp", '"mqttc/session.hpp"'),
    ("libmqttc/include/mqttc/endpoint.hpp", '"mqttc/packet.hpp"'),
    ("libmqttc/include/mqttc/client.hpp", '"stream.hpp"'),
    ("libmqttc/include/mqttc/types.hpp", '"mqttc/unlisted.hpp"'),
    ("libmqttc/src/base/hex.hpp", '"mqttc/packet.hpp"'),
    ("libmqttc/src/base/hex.hpp", '"wire.hpp"'),
    ("libmqttc/src/codec/wire.hpp", '"mqttc/endpoint.hpp"'),
    ("libmqttc/src/codec/wire.hpp", '"stream.hpp"'),
    ("libmqttc/src/codec/wire.hpp", "<unistd.h>"),
    ("libmqttc/src/session/session.cpp", '"mqttc/client.hpp"'),
    ("libmqttc/src/session/session.cpp", '"../net/stream.hpp"'),
    ("libmqttc/src/session/session.cpp", "<mqttc/endpoint.hpp>"),
    ("libmqttc/src/session/session.cpp", "<sys/socket.h>"),
    ("libmqttc/src/net/stream.hpp", '"mqttc/packet.hpp"'),
    ("libmqttc/src/net/stream.hpp", '"../codec/wire.hpp"'),
    ("libmqttc/src/net/stream.hpp", "<openssl/ssl.h>"),
    ("libmqttc/src/net/stream.hpp", '"tls_openssl.hpp"'),
    ("libmqttc/src/client/client.cpp", '"tls_openssl.hpp"'),
    ("libmqttc/src/client/client.cpp", '"options.hpp"'),
    ("libmqttc/src/client/client.cpp", "<openssl/ssl.h>"),
    ("apps/pub/main.cpp", '"wire.hpp"'),
    ("apps/pub/main.cpp", '"../../libmqttc/src/net/stream.hpp"'),
    ("apps/pub/main.cpp", "<CLI/CLI.hpp>"),
    ("apps/pub/main.cpp", '"support/process.hpp"'),
    ("apps/common/message.hpp", "<sodium.h>"),
    ("apps/common/message.hpp", "<CLI/CLI.hpp>"),
    ("apps/passwd/main.cpp", '"mqttc/types.hpp"'),
    ("apps/passwd/main.cpp", '"common/options.hpp"'),
    ("apps/passwd/main.cpp", "<nlohmann/json.hpp>"),
    ("tests/broker/broker.cpp", '"mqttc/session.hpp"'),
    ("libmqttc/src/unlisted/file.cpp", "<string>"),
]


def self_test():
    def violations_in(tree):
        with tempfile.TemporaryDirectory() as root:
            for path, lines in tree.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as out:
                    out.write("".join(f"#include {line}\n" for line in lines))
            return check(root)[0]

    failures = [f"false alarm: {line}" for line in violations_in(GOOD)]
    for path, line in FORBIDDEN:
        tree = dict(GOOD)
        tree[path] = tree.get(path, []) + [line]
        found = violations_in(tree)
        if not any(text.startswith(path + ":") for text in found):
            failures.append(f"{path}: not found: #include {line}")
    twice = dict(GOOD, **{"apps/common/second.cpp": ["<CLI/CLI.hpp>"]})
    if not violations_in(twice):
        failures.append("a second file that includes CLI11 was not found")
    print("\n".join(failures) or f"check_includes self-test: {len(FORBIDDEN) + 1} forbidden includes, all found")
    return 1 if failures else 0


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    if sys.argv[1] == "--self-test":
        return self_test()
    violations, count = check(sys.argv[1])
    print("\n".join(violations) or f"check_includes: {count} includes, all allowed")
    return 1 if violations or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
