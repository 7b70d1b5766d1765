# The table of cases. A case raises Mismatch when something differs from what a user expects; exceptions.py names the
# brokers that cannot do it.
import hashlib
import os
import subprocess
import tempfile
import threading
import time

from clients import Mismatch, Run, Sub

CASES = {}  # name: (function, per, in the short form)


def case(name, per="version", short=False):
    """`per`: "qos" (each version and QoS), "version" (each version), or "once" (the newest version)."""
    def add(function):
        CASES[name] = (function, per, short)
        return function
    return add


def expand(broker, clients, short):
    """(case's full name, function, version, QoS) for this broker."""
    for name, (function, per, in_short) in CASES.items():
        if short and not in_short:
            continue
        versions = [each for each in broker.versions if not short or each == broker.versions[-1]]
        if per == "once":
            versions = versions[-1:]
        for version in versions:
            for qos in (0, 1, 2) if per == "qos" else (1,):
                yield f"{name} {version}" + (f" q{qos}" if per == "qos" else ""), function, version, qos


def numbered(run, count):
    return "".join(f"{i}\n" for i in range(1, count + 1)), [f"{run.topic}/a {i}" for i in range(1, count + 1)]


@case("one message", "qos", short=True)
def one_message(run):
    sub = run.sub("-t", run.topic + "/a")
    run.pub("-t", run.topic + "/a", "-q", str(run.qos), "-m", "hello")
    run.expect(sub, [run.topic + "/a hello"])


@case("lines", "qos", short=True)
def lines(run):
    sub = run.sub("-t", run.topic + "/a")
    text, expected = numbered(run, run.lines)
    run.pub("-t", run.topic + "/a", "-q", str(run.qos), "-l", data=text.encode())
    run.expect(sub, expected)


@case("5 MB", "qos")
def large(run):
    large_over(run, "tcp")


def large_over(run, transport):
    payload = bytes(range(256)) * (5_000_000 // 256)
    sub = run.sub("-t", run.topic + "/a", raw=True, transport=transport)
    with tempfile.NamedTemporaryFile() as file:
        file.write(payload)
        file.flush()
        run.pub("-t", run.topic + "/a", "-q", str(run.qos), "-f", file.name, transport=transport)
    sub.wait_for(lambda: sub.data.endswith(payload), 5)
    with sub.changed:
        if not sub.data.endswith(payload):
            raise Mismatch(f"sub: {len(sub.data)} bytes instead of {len(payload)}: {sub.err().strip()}")


@case("retained", short=True)
def retained(run):
    topic = run.topic + "/kept"
    run.pub("-t", topic, "-q", "1", "-r", "-m", "kept")
    code, out, err = run.run(run.clients.sub, "-t", topic, "-q", "1", "-C", "1", "-W", "5", "-v")
    if out.decode() != topic + " kept\n":
        raise Mismatch(f"sub: exit code {code}, got {out!r}: {err.strip()}")
    run.pub("-t", topic, "-q", "1", "-r", "-n")
    code, out, err = run.run(run.clients.sub, "-t", topic, "-q", "1", "-W", "1", "-v")
    if code != 27 or out:
        raise Mismatch(f"sub: after it was cleared: exit code {code}, got {out!r}: {err.strip()}")


@case("retained, by a wildcard", short=True)
def retained_list(run):
    """Set, list and clear."""
    topics = [f"{run.topic}/kept/{name}" for name in ("a", "b/c", "d")]
    for topic in topics:
        run.pub("-t", topic, "-q", "1", "-r", "-m", "kept")
    expected = [topic + " kept" for topic in topics]
    for words in (["-C", "3", "-W", "3"], ["--remove-retained", "-W", "1"], ["-W", "1"]):
        code, out, err = run.run(run.clients.sub, "-t", run.topic + "/kept/#", "-q", "1", "-v", *words)
        # What clears a message is printed, too.
        got = [line for line in out.decode().splitlines() if not line.endswith(" (null)")]
        if sorted(got) != (expected if len(words) > 2 else []):
            raise Mismatch(f"sub {' '.join(words)}: exit code {code}, got {out!r}: {err.strip()}")


@case("wildcards", short=True)
def wildcards(run):
    plus, hash_ = run.sub("-t", run.topic + "/+/x"), run.sub("-t", run.topic + "/b/#")
    for topic in ("a/x", "b/x", "b/y/z", "b", "c"):
        run.pub("-t", f"{run.topic}/{topic}", "-q", "1", "-m", "1")
    run.expect(plus, [f"{run.topic}/{topic} 1" for topic in ("a/x", "b/x")])
    run.expect(hash_, [f"{run.topic}/{topic} 1" for topic in ("b/x", "b/y/z", "b")])


@case("shared subscription")
def shared(run):
    subs = [run.sub("-t", f"$share/group/{run.topic}/a") for _ in range(2)]
    text, expected = numbered(run, 200)
    run.pub("-t", run.topic + "/a", "-q", "1", "-l", data=text.encode())
    deadline = time.monotonic() + 5
    while sum(len(run.received(sub)) for sub in subs) < 200 and time.monotonic() < deadline:
        time.sleep(0.02)
    got = [line for sub in subs for line in run.received(sub)]
    if sorted(got) != sorted(expected) or not all(run.received(sub) for sub in subs):
        _, _, err = run.run(run.clients.sub, "-t", f"$share/group/{run.topic}/b", "-W", "1")
        raise Mismatch(f"sub: {len(got)} of 200 messages: {err.strip()}")


@case("workers come and go", "once")
def workers(run):
    """The recipe of mqttc-recipes(7): mqtt_sub --exec on a shared subscription, whose number changes while messages flow. One
    worker is stopped, one killed, two are added, one leaves permanently; none of the messages is lost."""
    if run.clients.mosquitto or run.broker.name != "mosquitto":
        return "no shared subscriptions"
    count, pause = 800, 0.004
    # After a failure jobs may still run.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        def start(name, option="-t", **more):
            # A session of its own keeps what a worker has not acknowledged until it is back.
            words = [option, f"$share/group/{run.topic}/a", "-i", f"{run.id}-{name}", "-c", "-q", "1",
                     "--exec", f'read -r line; echo "$line" >>{directory}/{name}', "-d"]
            sub = Sub([run.clients.sub, *run.arguments(), *words, *more.get("words", [])])
            run.subs.append(sub)
            deadline = time.monotonic() + 10
            while option == "-t" and "received SUBACK" not in sub.err() and time.monotonic() < deadline:
                time.sleep(0.02)
            return sub

        def done():
            return [int(line) for name in os.listdir(directory) for line in open(os.path.join(directory, name)) if line.strip()]

        def publish():
            pub = subprocess.Popen([run.clients.pub, *run.arguments(), "-t", run.topic + "/a", "-q", "1", "-l"],
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE)
            for number in range(1, count + 1):
                pub.stdin.write(f"{number}\n".encode())
                pub.stdin.flush()
                time.sleep(pause)
            errors.append((pub.communicate()[1], pub.returncode))

        def wait_done(share):
            """The workers may be slow, but not pause for 30 s."""
            before, deadline = -1, 0
            while (now := len(set(done()))) < share * count and (now > before or time.monotonic() < deadline):
                if now > before:
                    before, deadline = now, time.monotonic() + 30
                time.sleep(0.02)

        errors = []
        one, two = start("one"), start("two")
        flow = threading.Thread(target=publish, daemon=True)
        flow.start()
        wait_done(0.1)
        three = start("three")
        wait_done(0.2)
        one.process.terminate()
        wait_done(0.3)
        two.process.kill()
        start("four")
        wait_done(0.4)
        three.process.terminate()
        one.wait(), two.wait(), three.wait()
        start("one"), start("two")
        # The third one leaves permanently: it unsubscribes, and takes what is in its session.
        start("three", "-U", words=["--idle-timeout", "1"]).wait(60)
        flow.join()
        wait_done(1)
        numbers = done()
        run.note = f"{count} messages, lost {count - len(set(numbers))}, twice {len(numbers) - len(set(numbers))}"
        if len(set(numbers)) < count or errors[0][1]:
            raise Mismatch(f"sub --exec: {run.note}; pub: {errors}")
        return None


@case("four workers, broker restarted", "once")
def workers_restart(run):
    """Four workers on a shared subscription, and one publisher; the broker is stopped and started in mid-stream. Each has another
    subscription, whose retained message arrives once."""
    if run.clients.mosquitto or run.broker.name != "mosquitto":
        return "no shared subscriptions"
    count = run.lines
    subs = []
    kept = f"{run.topic}/kept yes"
    run.pub("-t", run.topic + "/kept", "-q", "1", "-r", "-m", "yes")
    for number in range(4):
        subs.append(Sub([run.clients.sub, *run.arguments(), "-v", "-t", f"$share/group/{run.topic}/a", "-q", "1",
                         "-t", run.topic + "/kept", "-i", f"{run.id}-{number}", "-c", "-d", "--reconnect-delay", "0.1:0.1"]))
        run.subs.append(subs[-1])
        deadline = time.monotonic() + 10
        while "received SUBACK" not in subs[-1].err() and time.monotonic() < deadline:
            time.sleep(0.02)
    # Mosquitto discards what is published before a worker is back: it has forgotten the subscriptions.
    pub = subprocess.Popen([run.clients.pub, *run.arguments(), "-t", run.topic + "/a", "-q", "1", "-l",
                            "--reconnect-delay", "1:1"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    text, expected = numbered(run, count)
    talk = threading.Thread(target=lambda: pub.communicate(text.encode()), daemon=True)
    talk.start()

    def got():
        return [line for sub in subs for line in sub.lines if line != kept]

    def wait_got(share, seconds):
        deadline = time.monotonic() + seconds
        while len(set(got())) < share * count and time.monotonic() < deadline:
            time.sleep(0.05)

    wait_got(0.3, 30)
    run.broker.kill(run.broker.stop_signal)
    run.broker.start()
    talk.join(60)
    wait_got(1, 20)
    lines = got()
    retained = [sub.lines.count(kept) for sub in subs]
    taken = [len(sub.lines) - sub.lines.count(kept) for sub in subs]
    run.note = (f"{count} messages, lost {count - len(set(lines))}, twice {len(lines) - len(set(lines))}, by each {taken}, retained "
                f"by each {retained}")
    if pub.poll() is None:
        pub.kill()
        talk.join()
    if pub.returncode or set(lines) != set(expected) or min(taken) < count // 20 or retained != [1] * 4:
        raise Mismatch(f"sub: {run.note}; pub: exit code {pub.returncode}")
    return None


@case("session", short=True)
def session(run):
    words = ["-t", run.topic + "/a", "-q", "1", "-i", run.id, "-c"]
    code, _, err = run.run(run.clients.sub, *words, "-E")
    if code != 0:
        raise Mismatch(f"sub -E: exit code {code}: {err.strip()}")
    text, expected = numbered(run, 100)
    run.pub("-t", run.topic + "/a", "-q", "1", "-l", data=text.encode())
    code, out, err = run.run(run.clients.sub, *words, "-v", "-C", "100", "-W", "10")
    if out.decode().splitlines() != expected:
        raise Mismatch(f"sub: {len(out.splitlines())} of 100 messages, exit code {code}: {err.strip()}")


@case("will", short=True)
def will(run):
    sub = run.sub("-t", run.topic + "/will")
    one = run.sub("-t", run.topic + "/b", "--will-topic", run.topic + "/will", "--will-payload", "gone", "--will-qos", "1")
    one.process.kill()
    run.expect(sub, [run.topic + "/will gone"])


@case("wrong password", short=True)
def wrong_password(run):
    run.pub("-t", run.topic, "-m", "x", login=run.broker.login)
    code, _, err = run.run(run.clients.pub, "-t", run.topic, "-m", "x", login=(run.broker.login[0], "wrong"))
    # Bad user name or password, or not authorized.
    if code not in ((134, 135) if run.version == "5" else (4, 5)):
        raise Mismatch(f"pub: exit code {code}: {err.strip()}")
    if "password" not in err and not run.clients.mosquitto:
        raise Mismatch(f"pub: the message does not name the password: {err.strip()}")


def over(transport):
    def test(run):
        if run.clients.mosquitto and transport != "tls":
            return "no WebSocket"
        if transport not in run.broker.ports:
            return "not set up"
        sub = run.sub("-t", run.topic + "/a", transport=transport)
        text, expected = numbered(run, run.lines // 10)
        run.pub("-t", run.topic + "/a", "-q", str(run.qos), "-l", data=text.encode(), transport=transport)
        run.expect(sub, expected)
        return None
    return test


for each in ("tls", "ws", "wss"):
    case(each, "qos" if each == "ws" else "version", short=each == "ws")(over(each))


@case("5 MB over ws", "once")
def large_websocket(run):
    if run.clients.mosquitto or "ws" not in run.broker.ports:
        return "not set up"
    return large_over(run, "ws")


@case("request and answer")
def request(run):
    if run.clients.mosquitto:
        return "no such option"
    answer = [run.clients.pub, *run.arguments(), "-s", "-q", "1", "-t"]
    words = ["--request", "-t", run.topic + "/a", "--response-topic", run.topic + "/answer", "-m", "question"]
    if run.version == "5":
        answer += ['"$MQTT_RESPONSE_TOPIC"', "-D", "publish", "correlation-data", '"$MQTT_CORRELATION_DATA"']
        words += ["-D", "publish", "correlation-data", "id"]
    else:
        answer += [run.topic + "/answer"]
    run.sub("-t", run.topic + "/a", "--exec", " ".join(answer), ready=False)
    deadline = time.monotonic() + 20
    while True:
        code, out, err = run.run(run.clients.pub, *words, "-q", "1", "-W", "2")
        if code == 0 and out == b"question\n":
            return None
        if code not in (27, 66) or time.monotonic() > deadline:
            raise Mismatch(f"pub --request: exit code {code}, got {out!r}: {err.strip()}")


@case("-E, -C and -W")
def endings(run):
    for words, expected in ((["-E"], 0), (["-W", "1"], 27)):
        code, _, err = run.run(run.clients.sub, "-t", run.topic + "/a", *words)
        if code != expected:
            raise Mismatch(f"sub {words}: exit code {code}: {err.strip()}")
    sub = run.sub("-t", run.topic + "/a", "-C", "3", "-d", ready=False)
    deadline = time.monotonic() + 10
    while sub.process.poll() is None and time.monotonic() < deadline:
        run.pub("-t", run.topic + "/a", "-q", "1", "-m", "x")
        time.sleep(0.05)
    if (code := sub.wait(1)) != 0:
        raise Mismatch(f"sub -C 3: exit code {code}: {sub.err().strip()}")


def topic_case(name, make):
    @case(f"topic: {name}", "once")
    def test(run):
        topic = run.topic + "/" + make()
        sub = run.sub("-t", topic)
        code, _, err = run.run(run.clients.pub, "-t", topic, "-q", "1", "-m", "x")
        # Our program warns of a control character, whatever this broker does.
        rest = [line for line in err.splitlines() if "many brokers close the connection for it" not in line]
        if code != 0 or rest:
            raise Mismatch(f"pub: exit code {code}: {err.strip()}")
        run.expect(sub, [topic + " x"], seconds=3)


for title, text in {"spaces": "a b", "dots": "a.b", "punctuation": "a!b'c(d)~e;f=g&h@i", "UTF-8": "grün/\u20ac/\U0001f600",
                    "empty levels": "/a//b/"}.items():
    topic_case(title, lambda text=text: text)
topic_case("1,000 bytes", lambda: "x" * 980)
topic_case("a control character", lambda: "a\x01b")
topic_case("65,500 bytes", lambda: "x" * 65_480)


@case("restart in mid-stream", "qos")
def restart(run):
    """The broker is stopped and started between the two halves of a stream. Nothing may be lost at QoS 1 and 2; where the
    broker keeps no sessions, nothing that was published after mqtt_sub was back."""
    if run.qos == 0:
        return "no guarantee"
    half = 6_000
    # A session that the broker has lost is whole again when the subscription is, which -d shows.
    shown = "received SUBACK" if not run.broker.keeps_sessions and not run.clients.mosquitto else "connected again"
    sub = run.sub("-t", run.topic + "/a", "-i", run.id, "-c", *(["-d"] if shown == "received SUBACK" else []))
    before = sub.err().count(shown)
    command = [run.clients.pub, *run.arguments(), "-t", run.topic + "/a", "-q", str(run.qos), "-l"]
    if run.version != "5":
        command += ["-i", run.id + "p", "-c"]
    pub = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    errors = []
    reader = threading.Thread(target=lambda: errors.append(pub.stderr.read()), daemon=True)
    reader.start()
    try:
        first = "".join(f"{i}\n" for i in range(1, half + 1)).encode()

        def write_first():
            try:
                pub.stdin.write(first)
                pub.stdin.flush()
            except BrokenPipeError:
                pass

        writer = threading.Thread(target=write_first, daemon=True)
        writer.start()
        sub.wait_for(lambda: len(sub.lines) > half // 3 or pub.poll() is not None, 20)
        gone = time.monotonic()
        run.broker.kill(run.broker.stop_signal)
        run.broker.start()
        writer.join(30)
        connected = (lambda: True) if run.clients.mosquitto else (lambda: sub.err().count(shown) > before)
        deadline = time.monotonic() + 15
        while not connected() and time.monotonic() < deadline:
            time.sleep(0.02)
        run.note = f"without service {time.monotonic() - gone:.1f} s, start of the broker {run.broker.started_in:.1f} s"
        try:
            pub.stdin.write("".join(f"{i}\n" for i in range(half + 1, 2 * half + 1)).encode())
            pub.stdin.close()
        except BrokenPipeError:
            pass  # it has ended, which its exit code and message show
        try:
            code = pub.wait(timeout=60)
        except subprocess.TimeoutExpired:
            code = "none (killed)"
    finally:
        if pub.poll() is None:
            pub.kill()
            pub.wait()
        reader.join()
    last = f"{run.topic}/a {2 * half}"
    # A publisher that gave up has not published it.
    sub.wait_for(lambda: last in sub.lines[-200:], 10 if code == 0 else 1)
    sub.wait_for(lambda: len(run.received(sub)) >= 2 * half, 1)
    numbers = [int(line.split()[1]) for line in run.received(sub)]
    missing = sorted(set(range(1, 2 * half + 1)) - set(numbers))
    twice = len(numbers) - len(set(numbers))
    run.note += f", lost {len(missing)}, twice {twice}"
    lost_after = [number for number in missing if number > half]
    excused = missing and not run.broker.keeps_sessions and not lost_after
    if code != 0 or (missing and not excused) or (run.qos == 2 and twice and run.broker.keeps_sessions):
        raise Mismatch(f"pub: exit code {code}, lost {len(missing)} ({len(lost_after)} of the second half), twice {twice}: "
                       f"{errors[0].decode(errors='replace').strip()}")
