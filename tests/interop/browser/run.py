#!/usr/bin/env python3
"""Pages with MQTT.js and with Paho JavaScript in headless Chromium exchange messages with mqtt_pub and mqtt_sub.

usage: run.py BIN_DIR MODULES    BIN_DIR holds mqtt_pub, mqtt_sub and mqtt_testbroker;
                                 MODULES is a node_modules with the npm packages `mqtt` and `paho-mqtt`

The broker is mqtt_testbroker, then Debian's Mosquitto. The pages of mqttc-recipes(7) are opened, too. Exits with 77 when the browser, a package or Mosquitto is missing
(install.sh installs the browser and the packages).
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TIMEOUT = 60
MOSQUITTO = "/usr/sbin/mosquitto"
# Bytes of the largest payload. Mosquitto 2.0.11 stops sending to any WebSocket client in the middle of a payload of 1 MB.
BIG = {"mqtt_testbroker": 1_000_000, MOSQUITTO: 200_000}
SCRIPTS = {"MQTT.js": "mqtt/dist/mqtt.min.js", "Paho": "paho-mqtt/paho-mqtt-min.js"}
VERSIONS = {"MQTT.js": (4, 5), "Paho": (4,)}  # Paho has no MQTT 5


def read_ports(broker):
    """The broker's TCP and WebSocket ports, from its first lines."""
    ports = []
    for line in broker.stdout:
        if b"listening on 127.0.0.1:" in line:
            ports.append(line.rsplit(b":", 1)[1].strip().decode())
        if b"not for production" in line:
            return ports
    sys.exit("run.py: the broker did not start")


def free_ports(count):
    """Ports that nothing listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [str(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def start_broker(start, name, directory):
    """Starts mqtt_testbroker or Mosquitto; returns its TCP and WebSocket ports."""
    if name == "mqtt_testbroker":
        return read_ports(start(name, "-p", "0", "--ws-port", "0"))
    tcp, websocket = free_ports(2)
    # As in the tutorials. Mosquitto's WebSocket listener takes no address.
    (directory / "mosquitto.conf").write_text(
        f"allow_anonymous true\nlistener {tcp} 127.0.0.1\nlistener {websocket} # A ajouter\n"
        "protocol websockets # A ajouter\n" + ("user root\n" if os.geteuid() == 0 else ""))
    broker = start(MOSQUITTO, "-c", f"{directory}/mosquitto.conf")
    for line in broker.stderr:
        if b" running" in line:
            return tcp, websocket
    sys.exit("run.py: Mosquitto did not start")


def browse(browser, page, directory):
    # Without background requests, and without the privileges of a sandbox.
    return subprocess.Popen(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--enable-logging=stderr", f"--user-data-dir={directory}/profile", page],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(f"{directory}/browser.log", "wb"),
        env={**os.environ, "HOME": str(directory)}, start_new_session=True)


def end(process):
    """Ends a process that was started with start_new_session, and its whole group.

    Helpers of a browser outlive it for a moment and write to its profile.
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


def exchange(bin_dir, browser, modules, library, version, broker):
    """One browser with this library and version of MQTT; returns what went wrong, or None."""
    # Remaining files of the browser are not a failure.
    with tempfile.TemporaryDirectory(prefix="mqttc-browser-", ignore_cleanup_errors=True) as name:
        directory = pathlib.Path(name)
        shutil.copy(f"{modules}/{SCRIPTS[library]}", directory / "library.js")
        shutil.copy(pathlib.Path(__file__).with_name("page.html"), directory)
        clean = {key: value for key, value in os.environ.items() if not key.startswith("MQTT_")}
        clean["HOME"] = str(directory)
        started = []

        def start(*arguments):
            started.append(subprocess.Popen([os.path.join(bin_dir, arguments[0]), *arguments[1:]], env=clean,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE))
            return started[-1]

        opened = None
        try:
            tcp, websocket = start_broker(start, broker, directory)
            by_tcp = ["-h", "127.0.0.1", "-p", tcp]
            by_websocket = ["-L", f"ws://127.0.0.1:{websocket}"]

            payloads = {"short": "\u00e7a va?".encode(), "empty": b"", "big": os.urandom(BIG[broker])}
            messages = [(f"{qos}-{kind}", qos, payload) for qos in "012" for kind, payload in payloads.items()]
            # Two subscribers, one per transport, for all messages of the browser.
            count = str(1 + len(messages))
            listeners = [start("mqtt_sub", *how, "-d", "-t", "browser/#", "-q", "2", "-C", count, "-W", str(TIMEOUT),
                               "-F", "%t %q %x") for how in (by_tcp, by_websocket)]
            for listener in listeners:
                while b"SUBACK" not in (line := listener.stderr.readline()):
                    if not line:
                        return "mqtt_sub has not subscribed"
            page = f"file://{directory}/page.html?port={websocket}&version={version}&library={library}"
            opened = browse(browser, page, directory)
            outputs = [[listener.stdout.readline()] for listener in listeners]
            if outputs[0] != [b"browser/ready 1 " + "gr\u00fc\u00dfe".encode().hex().encode() + b"\n"]:
                log = (directory / "browser.log").read_text(errors="replace").splitlines()
                printed = [line for line in log if "CONSOLE" in line] or log[-5:]
                return "no first message from the browser: " + repr(outputs[0]) + " " + " | ".join(printed)
            for topic, qos, payload in messages:
                (directory / "payload").write_bytes(payload)
                how = by_websocket if qos != "1" else by_tcp
                source = ["-f", str(directory / "payload")] if payload else ["-n"]
                sent = start("mqtt_pub", *how, "-t", "programs/" + topic, "-q", qos, *source)
                if sent.wait(TIMEOUT) != 0:
                    return "mqtt_pub: " + sent.stderr.read().decode(errors="replace")
            expected = sorted(f"browser/{topic} {qos} {payload.hex()}\n".encode() for topic, qos, payload in messages)
            for listener, output in zip(listeners, outputs):
                output += listener.stdout.readlines()
                if listener.wait(TIMEOUT) != 0:
                    return (f"mqtt_sub ended with {listener.returncode}, after {len(output)} of {count} messages; not received: " +
                            " ".join(topic for topic, _, _ in messages if not any(topic.encode() in line for line in output)))
                if sorted(output[1:]) != expected:
                    return "the messages from the browser are not those that were sent"
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


def page_of_manual(script):
    """The page in mqttc-recipes(7) that uses this file."""
    manual = pathlib.Path(__file__).parents[3] / "man/mqttc-recipes.7"
    text = manual.read_text(encoding="utf-8")
    start = text.rindex("<!doctype html>", 0, text.index(f'<script src="{script}">'))
    return text[start:text.index("\n.Ed", start)].replace("\\e", "\\") + "\n"


# Reports what the page shows where the test can read it.
OBSERVER = """<script>
  new MutationObserver(() => console.log("shown: " + document.getElementById("messages").textContent))
    .observe(document.getElementById("messages"), {childList: true});
</script>
"""


def show_page(bin_dir, browser, modules, library):
    """Opens the library's page in the manual with Mosquitto, as the manual says; returns what went wrong, or None."""
    with tempfile.TemporaryDirectory(prefix="mqttc-browser-", ignore_cleanup_errors=True) as name:
        directory = pathlib.Path(name)
        script = pathlib.Path(modules, SCRIPTS[library])
        shutil.copy(script, directory)
        started = []

        def start(*arguments):
            started.append(subprocess.Popen([os.path.join(bin_dir, arguments[0]), *arguments[1:]],
                                            env={**os.environ, "HOME": name}, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
            return started[-1]

        opened = None
        try:
            tcp, websocket = start_broker(start, MOSQUITTO, directory)
            page = directory / "page.html"
            page.write_text(page_of_manual(script.name).replace("9001", websocket).replace("localhost", "127.0.0.1") + OBSERVER)
            listener = start("mqtt_sub", "-h", "127.0.0.1", "-p", tcp, "-d", "-v", "-t", "home/#", "-C", "1", "-W", str(TIMEOUT))
            while b"SUBACK" not in listener.stderr.readline():
                if listener.poll() is not None:
                    return "mqtt_sub has not subscribed"
            opened = browse(browser, f"file://{page}", directory)
            hello = listener.stdout.read()
            if hello != b"home/page hello\n":
                return f"the page of the manual published {hello!r}"
            sent = start("mqtt_pub", "-L", f"ws://127.0.0.1:{websocket}/home/door", "-m", "open")
            if sent.wait(TIMEOUT) != 0:
                return "mqtt_pub: " + sent.stderr.read().decode(errors="replace")
            end_time = time.monotonic() + TIMEOUT
            while "home/door open" not in (log := (directory / "browser.log").read_text(errors="replace")):
                if time.monotonic() > end_time:
                    return "the page of the manual does not show the message: " + log[-500:]
                time.sleep(0.02)
        finally:
            if opened:
                end(opened)
            for process in started:
                process.kill()
                process.wait()
    return None


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    bin_dir, modules = sys.argv[1:]
    browser = shutil.which("chromium")
    missing = [f"{name} is not installed ({path})" for name, path in SCRIPTS.items()
               if not os.path.exists(f"{modules}/{path}")]
    if browser is None:
        missing.append("chromium is not installed")
    if not os.path.exists(MOSQUITTO):
        missing.append("mosquitto is not installed")
    if missing:
        print("skipped:", ", ".join(missing))
        sys.exit(77)
    for broker in ("mqtt_testbroker", MOSQUITTO):
        for library, versions in VERSIONS.items():
            for version in versions:
                wrong = exchange(bin_dir, browser, modules, library, version, broker)
                if wrong:
                    sys.exit(f"run.py: {library} with version {version} and {broker}: {wrong}")
    for library in SCRIPTS:
        wrong = show_page(bin_dir, browser, modules, library)
        if wrong:
            sys.exit(f"run.py: {library}: {wrong}")
    print("MQTT.js and Paho in Chromium exchange messages with mqtt_pub and mqtt_sub, through both brokers")


main()
