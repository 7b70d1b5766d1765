#!/usr/bin/env python3
"""Fails when a text in libmqttc names an option, an environment variable or a program of mqttc's command line.

usage: neutral_library.py ROOT
"""

import os
import re
import sys

STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
FOREIGN = re.compile(r"--[a-z]|(?<![\w-])-[a-zA-Z]\b|MQTT_|MQTTC_|mqtt_(?:pub|sub|passwd)")
# A command of the shell; and the one variable that the library itself reads (tls_module.cpp).
ALLOWED = re.compile(r"ulimit -n|MQTTC_TLS_MODULE|MQTTC_\w*(?:LIBDIR|VERSION)")


def main():
    found, read = [], 0
    for part in ("src", "include"):
        for directory, _, names in os.walk(os.path.join(sys.argv[1], "libmqttc", part)):
            for name in sorted(names):
                path = os.path.join(directory, name)
                with open(path, encoding="utf-8") as source:
                    for number, line in enumerate(source, 1):
                        if line.lstrip().startswith("#include"):
                            continue
                        texts = " ".join(STRING.findall(line))
                        read += 1
                        if FOREIGN.search(ALLOWED.sub("", texts)):
                            found.append(f"{path}:{number}: {line.strip()}")
    print("\n".join(found) or f"{read} lines of libmqttc name no option of the programs")
    return 1 if found or read == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
