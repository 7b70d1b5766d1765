# A cluster of three nodes that loses the node in use: one mqtt_pub and one mqtt_sub, both with --failover.
import subprocess
import threading
import time

from clients import Mismatch, Run

LIMIT = 1500   # seconds; a busy machine passes on 300 messages a second through RabbitMQ's three replicas
SILENCE = 45  # seconds; more than ack_wait and an election


def start_cluster(kind, work, bin_dir):
    nodes = [kind(work, bin_dir, node) for node in (1, 2, 3)]
    for node in nodes:
        node.peers = [other for other in nodes if other is not node]
    kind.form_cluster(nodes)
    return nodes


def lose_a_node(nodes, clients, lines):
    """Publishes `lines` at QoS 1 and kills the first node when a third has arrived. Returns what happened; nothing may be
    lost. What the lost node had sent without an acknowledgement reaching the others is sent again after NATS' ack_wait (30 s
    by default): the subscriber waits for more than that."""
    run = Run(nodes[0], clients, nodes[0].versions[-1], 1)
    others = [word for node in nodes[1:] for word in ("--failover", f"127.0.0.1:{node.ports['tcp']}")]
    words = [*others, "-i", run.id, "-c", "-t", run.topic + "/a", "--connect-timeout", "5", "--ack-timeout", "10"]
    pub = None
    try:
        # The nodes have to find each other first.
        deadline = time.monotonic() + 60
        while run.run(clients.pub, "-t", run.topic, "-q", "1", "-m", "x", "-W", "5")[0] != 0:
            if time.monotonic() > deadline:
                raise Mismatch("the cluster accepts no message within 60 s")
        sub = run.sub(*words)
        pub = subprocess.Popen([clients.pub, *run.arguments(), *others, "-i", run.id + "-pub", "-c", "-q", "1", "-l",
                                "-t", run.topic + "/a", "--connect-timeout", "5", "--ack-timeout", "10"],
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        text = "".join(f"{i}\n" for i in range(1, lines + 1)).encode()
        answers = []
        talk = threading.Thread(target=lambda: answers.append(pub.communicate(text)[1]), daemon=True)
        talk.start()
        longest, before, at, killed, late = 0.0, 0, time.monotonic(), False, None
        deadline = at + LIMIT
        while time.monotonic() < deadline:
            time.sleep(0.01)
            count, now = len(sub.lines), time.monotonic()
            if count > before:
                if killed:
                    longest = max(longest, now - at)
                before, at = count, now
            if not killed and count > lines // 3:
                nodes[0].kill()
                killed = True
            if pub.poll() is not None and now - at > 1:
                missing = lines - len(set(run.received(sub)))
                if missing and late is None:
                    late = missing  # so many were still missing when the publisher had its last acknowledgement
                # Copies may follow.
                if not missing or now - at > SILENCE:
                    break
        if pub.poll() is None:
            pub.kill()
        talk.join()
        numbers = [int(line.split()[1]) for line in run.received(sub)]
        lost, twice = lines - len(set(numbers)), len(numbers) - len(set(numbers))
        what = f"{lines} lines, lost {lost}, twice {twice}, without service {longest:.1f} s"
        if late:
            what += f", {late} arrived more than 1 s after the last PUBACK"
        if pub.returncode != 0 or lost or not killed:
            raise Mismatch(f"{what}; pub: exit code {pub.returncode}: {answers[0].decode(errors='replace').strip()[-700:]}; "
                           f"sub: {sub.err().strip()[-500:]}")
        return what
    finally:
        if pub is not None and pub.poll() is None:
            pub.kill()
            pub.wait()
        run.end()
