#!/usr/bin/env python3
"""A page with MQTT.js in headless Chromium exchanges messages with mqtt_pub and mqtt_sub.

usage: run.py BIN_DIR MQTT_JS    BIN_DIR holds mqtt_pub, mqtt_sub and mqtt_testbroker;
                                 MQTT_JS is the dist/mqtt.min.js of the npm package `mqtt`

Exits with 77 when the browser or MQTT.js is missing (install.sh beside this file gets them).
"""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PATIENCE = 60
BIG = 1_000_000  # bytes


def read_ports(broker):
    """The broker's TCP and WebSocket ports, from what it says at its start."""
    ports = []
    for line in broker.stdout:
        if b"listening on 127.0.0.1:" in line:
            ports.append(line.rsplit(b":", 1)[1].strip().decode())
        if b"not for production" in line:
            return ports
    sys.exit("run.py: the broker did not start")


def browse(browser, page, folder):
    # A browser that asks nobody for anything, and that needs no rights of its own.
    return subprocess.Popen(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--enable-logging=stderr", f"--user-data-dir={folder}/profile", page],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(f"{folder}/browser.log", "wb"),
        env={**os.environ, "HOME": str(folder)}, start_new_session=True)


def end(process):
    """Ends a process that start_new_session has made the leader of a group, and its group with it.

    A browser's helpers outlive it for a moment, and write to its profile meanwhile.
    """
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        pass
    deadline = time.monotonic() + 10
    try:
        while time.monotonic() < deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.poll()
            time.sleep(0.01)
    except ProcessLookupError:
        pass


def exchange(bin_dir, browser, script, version):
    """One browser with this version of MQTT; returns what went wrong, or None."""
    # What the browser leaves behind does not decide about the test.
    with tempfile.TemporaryDirectory(prefix="mqttc-browser-", ignore_cleanup_errors=True) as name:
        folder = pathlib.Path(name)
        shutil.copy(script, folder / "mqtt.min.js")
        shutil.copy(pathlib.Path(__file__).with_name("page.html"), folder)
        clean = {key: value for key, value in os.environ.items() if not key.startswith("MQTT_")}
        clean["HOME"] = str(folder)
        started = []

        def start(*words):
            started.append(subprocess.Popen([f"{bin_dir}/{words[0]}", *words[1:]], env=clean,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE))
            return started[-1]

        opened = None
        try:
            broker = start("mqtt_testbroker", "-p", "0", "--ws-port", "0")
            tcp, websocket = read_ports(broker)
            by_tcp = ["-h", "127.0.0.1", "-p", tcp]
            by_websocket = ["-L", f"ws://127.0.0.1:{websocket}"]

            payloads = {"short": "\u00e7a va?".encode(), "empty": b"", "big": os.urandom(BIG)}
            messages = [(f"{qos}-{kind}", qos, payload) for qos in "012" for kind, payload in payloads.items()]
            # Two subscribers, over either transport, each of which gets all that the browser says.
            count = str(1 + len(messages))
            listeners = [start("mqtt_sub", *how, "-d", "-t", "browser/#", "-q", "2", "-C", count, "-W", str(PATIENCE),
                               "-F", "%t %q %x") for how in (by_tcp, by_websocket)]
            for listener in listeners:
                while b"SUBACK" not in (line := listener.stderr.readline()):
                    if not line:
                        return "mqtt_sub has not subscribed"
            page = f"file://{folder}/page.html?port={websocket}&version={version}"
            opened = browse(browser, page, folder)
            outputs = [[listener.stdout.readline()] for listener in listeners]
            if outputs[0] != [b"browser/ready 1 " + "gr\u00fc\u00dfe".encode().hex().encode() + b"\n"]:
                log = (folder / "browser.log").read_text(errors="replace").splitlines()
                said = [line for line in log if "CONSOLE" in line] or log[-5:]
                return "the browser has not greeted: " + repr(outputs[0]) + " " + " | ".join(said)
            for topic, qos, payload in messages:
                (folder / "payload").write_bytes(payload)
                how = by_websocket if qos != "1" else by_tcp
                source = ["-f", str(folder / "payload")] if payload else ["-n"]
                sent = start("mqtt_pub", *how, "-t", "programs/" + topic, "-q", qos, *source)
                if sent.wait(PATIENCE) != 0:
                    return "mqtt_pub: " + sent.stderr.read().decode(errors="replace")
            wanted = sorted(f"browser/{topic} {qos} {payload.hex()}\n".encode() for topic, qos, payload in messages)
            for listener, output in zip(listeners, outputs):
                output += listener.stdout.readlines()
                if listener.wait(PATIENCE) != 0:
                    return f"mqtt_sub ended with {listener.returncode}, after {len(output)} of {count} messages"
                if sorted(output[1:]) != wanted:
                    return "what came back from the browser is not what was sent"
        finally:
            if opened:
                end(opened)
            for process in reversed(started):
                if process.poll() is None:
                    process.terminate()
            for process in started:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
    return None


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    bin_dir, script = sys.argv[1:]
    browser = shutil.which("chromium")
    if browser is None or not os.path.exists(script):
        print("skipped:", "there is no chromium" if browser is None else f"there is no {script}")
        sys.exit(77)
    for version in (4, 5):
        wrong = exchange(bin_dir, browser, script, version)
        if wrong:
            sys.exit(f"run.py: MQTT.js with version {version}: {wrong}")
    print("MQTT.js in Chromium exchanges messages with mqtt_pub and mqtt_sub, in MQTT 3.1.1 and 5")


main()
