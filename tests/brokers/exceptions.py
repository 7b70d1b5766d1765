# The table of exceptions: what a broker cannot do, what it does instead, and what our programs must say then.
import dataclasses
import fnmatch


@dataclasses.dataclass
class KnownException:
    broker: str  # patterns of fnmatch
    case: str
    says: str    # a regular expression: what differs, and the programs' messages
    why: str     # what the broker does
    sometimes: bool = False  # the case may also work


EXCEPTIONS = [
    KnownException("mosquitto", "5 MB over ws *", r"bytes instead of",
                   "2.0.11 sends no message over 64 KiB to WebSocket clients (MQTT.js does not get it either; 2.1 does)"),
    KnownException("mosquitto", "topic: a control character *", r"U\+0001: many brokers close the connection for it.*lost",
                   "closes the connection for control characters in topics"),
    KnownException("mosquitto", "restart in mid-stream 5 q2", r"the broker lost the session: \d+ message",
                   "may forget QoS 2 messages between PUBREC and PUBCOMP when it restarts", sometimes=True),
    KnownException("mosquitto", "restart in mid-stream 31* q2", r"exit code 0, lost 0 .*twice \d+",
                   "2.0.11 may deliver QoS 2 messages twice when it restarts, to mosquitto_sub too", sometimes=True),
    KnownException("nats", "* q2", r"not accept QoS 2 \(try -q 1\)", "closes the connection for QoS 2"),
    KnownException("nats", "topic: spaces *", r"not accept a space in the topic",
                   "closes the connection for spaces in topics"),
    KnownException("nats", "topic: dots *", r"not accept a dot in the topic", "closes the connection for dots in topics"),
    KnownException("[!me]*", "shared subscription *", r"0 of 200 messages: .*no message was received for '\$share",
                   "grants shared subscriptions, and sends nothing"),
    KnownException("rabbitmq", "* q2", r"acknowledges QoS 2 messages as QoS 1: they may be delivered more than once",
                   "takes QoS 2 as QoS 1"),
    KnownException("rabbitmq", "topic: dots *", r"1 of 1 messages missing",
                   "takes a dot for a level: 'a.b' arrives as 'a/b'"),
    KnownException("rabbitmq", "topic: *", r"missing|not subscribed|exit code 6[456]",
                   "maps topics to routing keys of AMQP, of 255 bytes at most", sometimes=True),
    KnownException("activemq", "restart in mid-stream * q2", r"the broker lost the session: \d+ message|none \(killed\)",
                   "may forget QoS 2 messages between PUBREC and PUBCOMP when it restarts", sometimes=True),
    KnownException("activemq", "topic: *", r"missing|not subscribed|exit code 6[456]",
                   "maps topics to the names of JMS destinations", sometimes=True),
    KnownException("ejabberd", "shared subscription 311", r"likely cause: it does not accept shared subscriptions",
                   "closes the connection for shared subscriptions in MQTT 3.1.1"),
    KnownException("ejabberd", "shared subscription 5", r"the broker has no shared subscriptions",
                   "has no shared subscriptions, and says so in MQTT 5"),
    KnownException("ejabberd", "restart in mid-stream * q2", r"the broker lost the session: \d+ message|lost \d+ .*twice",
                   "forgets its sessions when it is killed", sometimes=True),
    KnownException("aedes", "restart in mid-stream * q2", r"the broker lost the session: \d+ message|lost 0 .*twice \d",
                   "forgets its sessions when it restarts", sometimes=True),
]


def find_exception(broker, case):
    for each in EXCEPTIONS:
        if fnmatch.fnmatch(broker, each.broker) and fnmatch.fnmatch(case, each.case):
            return each
    return None
