#!/usr/bin/env python3
"""Fails on an #include line that is not a door on the plan: codec <- session <- client -> net.

usage: doors.py ROOT         reads libmqttc/, apps/ and tests/broker/ below ROOT
       doors.py --self-test  plants bad includes in a copy of the plan and expects each to be found
"""

import os
import re
import sys
import tempfile

# Public headers by the room they belong to; a header not named here belongs to no room and is an error.
PUBLIC = {
    "types": "ground", "error": "ground", "endpoint": "net",
    "reason": "codec", "property": "codec", "packet": "codec", "codec": "codec", "topic": "codec",
    "session": "session",
    "client": "client", "url": "client",
}

# room: (rooms whose public headers it may include, folders whose headers it may include by bare name)
SRC = "libmqttc/src/"
ROOMS = {
    "ground": ({"ground"}, []),
    "codec": ({"ground", "codec"}, [SRC + "codec"]),
    "session": ({"ground", "codec", "session"}, [SRC + "session", SRC + "codec"]),
    "net": ({"ground", "net"}, [SRC + "net"]),
    "client": ({"ground", "codec", "session", "net", "client"},
               [SRC + "client", SRC + "session", SRC + "net", SRC + "codec"]),
    "pub": (set(PUBLIC.values()), ["apps/pub", "apps/common"]),
    "sub": (set(PUBLIC.values()), ["apps/sub", "apps/common"]),
    "common": (set(PUBLIC.values()), ["apps/common"]),
    "passwd": (set(), ["apps/passwd", "apps/common"]),
    "broker": ({"ground", "codec", "net"}, ["tests/broker", SRC + "codec", SRC + "net", "apps/passwd"]),
}

# library: (what its includes look like, files that may include it, at most so many of them per folder)
LIBRARIES = {
    "CLI11": (r"CLI/", r"apps/(common|passwd)/[^/]+\.cpp", 1),
    "nlohmann-json": (r"nlohmann/", r"apps/(common|pub|sub)/[^/]+\.cpp", 1),
    "OpenSSL": (r"openssl/", r"libmqttc/src/net/tls[^/]*|apps/passwd/[^/]+\.cpp|tests/broker/.*\.cpp",
                None),
    "libsodium": (r"sodium(\.h$|/)", r"apps/passwd/[^/]+\.cpp|tests/broker/.*\.cpp", None),
    "wslay": (r"wslay/", r"(libmqttc/src/net|tests/broker)/websocket[^/]*\.cpp", 1),
    "doctest": (r"doctest/", r"tests/.*_test\.cpp", None),
}

# The sans-I/O rooms have no descriptors, no clock of their own, no threads.
PURE_ROOMS = {"ground", "codec", "session"}
IMPURE = re.compile(r"(.*/.*|.*\.h|f?stream|iostream|thread|mutex|condition_variable|future|filesystem)$")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def room_of(path):
    parts = path.split("/")
    if path.startswith("libmqttc/include/mqttc/"):
        return PUBLIC.get(parts[-1].removesuffix(".hpp"))
    if path.startswith(SRC) or path.startswith("apps/"):
        return parts[2 if path.startswith(SRC) else 1]
    return "broker" if path.startswith("tests/broker/") else None


def sources(root):
    for top in ("libmqttc", "apps", "tests/broker"):
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in sorted(names):
                if name.endswith((".cpp", ".hpp", ".h", ".cc", ".inc")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def includes(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as source:
        for number, line in enumerate(source, 1):
            if match := INCLUDE.match(line):
                yield number, match.group(1) == "<", match.group(2)


def find_local(root, path, name, folders):
    """The file that a quoted include of `name` in `path` means, when a door leads there."""
    candidates = [os.path.join(os.path.dirname(path), name)]
    candidates += [os.path.join(folder, name) for folder in folders]
    candidates += [os.path.join(os.path.dirname(folder), name) for folder in folders]
    for candidate in map(os.path.normpath, candidates):
        inside = any(candidate.startswith(folder + "/") for folder in folders)
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


def check_mqttc(room, header):
    target = PUBLIC.get(header.removeprefix("mqttc/").removesuffix(".hpp"))
    if target is None:
        return "no public header of that name is on the plan"
    if target not in ROOMS[room][0]:
        return f"no door from {room} to {target}"
    return None


def check_include(root, path, room, angled, name):
    if name.startswith("mqttc/"):
        return check_mqttc(room, name)
    for library, (pattern, allowed, _) in LIBRARIES.items():
        if re.match(pattern, name):
            return None if re.fullmatch(allowed, path) else f"{library} has another place"
    if angled:
        if room in PURE_ROOMS and IMPURE.match(name):
            return f"{room} does no I/O"
        return None
    if path.startswith("libmqttc/include/"):
        return "a public header includes only public headers"
    local = find_local(root, path, name, ROOMS[room][1])
    if local is None:
        return f"not in a folder that {room} may look into"
    if not re.fullmatch(LIBRARIES["OpenSSL"][1], path) and includes_openssl(root, local):
        return "leads to OpenSSL, which has another place"
    if room == "passwd" and reaches_mqtt(root, local, set()):
        return "leads to mqttc/, and passwd knows no MQTT"
    return None


def check(root):
    """Complaints as lines `file:line: text`, and how many includes were read."""
    complaints, count, users = [], 0, {}
    for path in sources(root):
        room = room_of(path)
        if room not in ROOMS:
            complaints.append(f"{path}:1: belongs to no room on the plan")
            continue
        for number, angled, name in includes(root, path):
            count += 1
            problem = check_include(root, path, room, angled, name)
            if problem:
                complaints.append(f"{path}:{number}: {name}: {problem}")
            for library, (pattern, _, _) in LIBRARIES.items():
                if re.match(pattern, name):
                    users.setdefault((library, os.path.dirname(path)), set()).add(path)
    for (library, folder), paths in sorted(users.items()):
        limit = LIBRARIES[library][2]
        if limit and len(paths) > limit:
            complaints.append(f"{folder}:1: {library} is included in {len(paths)} files: {', '.join(sorted(paths))}")
    return complaints, count


GOOD = {
    "libmqttc/include/mqttc/types.hpp": ["<cstdint>"],
    "libmqttc/include/mqttc/packet.hpp": ['"mqttc/types.hpp"'],
    "libmqttc/include/mqttc/session.hpp": ['"mqttc/packet.hpp"'],
    "libmqttc/include/mqttc/endpoint.hpp": ['"mqttc/types.hpp"'],
    "libmqttc/include/mqttc/client.hpp": ['"mqttc/session.hpp"', '"mqttc/endpoint.hpp"'],
    "libmqttc/src/codec/wire.hpp": ["<span>"],
    "libmqttc/src/session/session.cpp": ['"mqttc/session.hpp"', '"wire.hpp"'],
    "libmqttc/src/net/stream.hpp": ['"mqttc/endpoint.hpp"', "<sys/socket.h>"],
    "libmqttc/src/net/tls_openssl.hpp": ["<openssl/ssl.h>"],
    "libmqttc/src/net/tls_openssl.cpp": ['"stream.hpp"', '"tls_openssl.hpp"'],
    "libmqttc/src/client/client.cpp": ['"stream.hpp"', '"wire.hpp"', '"mqttc/client.hpp"'],
    "apps/common/options.hpp": ['"mqttc/client.hpp"'],
    "apps/common/message.hpp": ["<string>"],
    "apps/common/options.cpp": ['"options.hpp"', "<CLI/CLI.hpp>"],
    "apps/pub/main.cpp": ['"options.hpp"', '"common/message.hpp"', '"mqttc/client.hpp"'],
    "apps/passwd/main.cpp": ['"common/message.hpp"', "<sodium.h>", "<openssl/evp.h>"],
    "tests/broker/broker.cpp": ['"stream.hpp"', '"mqttc/packet.hpp"'],
}

# One bad include line each, planted in a file of the good tree.
BAD = [
    ("libmqttc/include/mqttc/packet.hpp", '"mqttc/session.hpp"'),
    ("libmqttc/include/mqttc/endpoint.hpp", '"mqttc/packet.hpp"'),
    ("libmqttc/include/mqttc/client.hpp", '"stream.hpp"'),
    ("libmqttc/include/mqttc/types.hpp", '"mqttc/unheard_of.hpp"'),
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
    ("libmqttc/src/cellar/rat.cpp", "<string>"),
]


def self_test():
    def complaints_of(tree):
        with tempfile.TemporaryDirectory() as root:
            for path, lines in tree.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as out:
                    out.write("".join(f"#include {line}\n" for line in lines))
            return check(root)[0]

    failures = [f"the good tree is refused: {line}" for line in complaints_of(GOOD)]
    for path, line in BAD:
        tree = dict(GOOD)
        tree[path] = tree.get(path, []) + [line]
        found = complaints_of(tree)
        if not any(text.startswith(path + ":") for text in found):
            failures.append(f"not found in {path}: #include {line}")
    twice = dict(GOOD, **{"apps/common/second.cpp": ["<CLI/CLI.hpp>"]})
    if not complaints_of(twice):
        failures.append("a second file with CLI11 is not found")
    print("\n".join(failures) or f"doors: the good tree passes and {len(BAD) + 1} planted includes are found")
    return 1 if failures else 0


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    if sys.argv[1] == "--self-test":
        return self_test()
    complaints, count = check(sys.argv[1])
    print("\n".join(complaints) or f"doors: {count} includes, all on the plan")
    return 1 if complaints or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
