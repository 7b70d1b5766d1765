# The table of exceptions: what a broker cannot do, what it does instead, and what our programs must say then. table.py makes the
# section BROKERS of mqttc-recipes(7) from it.
import dataclasses
import fnmatch


@dataclasses.dataclass
class KnownException:
    broker: str  # patterns of fnmatch
    case: str
    says: str    # a regular expression: what differs, and the programs' messages
    why: str     # what the broker does
    sometimes: bool = False  # the case may also work
    short: str = "no"        # in the table of mqttc-recipes(7)


EXCEPTIONS = [
    KnownException("mosquitto", "5 MB over ws *", r"bytes instead of",
                   "2.0.11 sends no message over 64 KiB to WebSocket clients (MQTT.js does not get it either; 2.1 does)"),
    KnownException("mosquitto", "topic: a control character *", r"U\+0001: many brokers close the connection for it.*lost",
                   "closes the connection for control characters in topics"),
    KnownException("mosquitto", "restart in mid-stream 5 q2", r"the broker lost the session: \d+ message",
                   "may forget QoS 2 messages between PUBREC and PUBCOMP when it restarts", sometimes=True),
    KnownException("mosquitto", "restart in mid-stream 31* q2", r"exit code 0, lost 0 .*twice \d+",
                   "2.0.11 may deliver QoS 2 messages twice when it restarts, to mosquitto_sub too", sometimes=True),
    KnownException("nats", "* q2", r"not accept QoS 2 \(try -q 1\)", "closes the connection for QoS 2", short="closes"),
    KnownException("nats", "topic: spaces *", r"not accept a space in the topic",
                   "closes the connection for spaces in topics"),
    KnownException("nats", "topic: dots *", r"not accept a dot in the topic", "closes the connection for dots in topics"),
    KnownException("[!me]*", "shared subscription *", r"0 of 200 messages: .*no message was received for '\$share",
                   "grants shared subscriptions, and sends nothing"),
    KnownException("rabbitmq", "* q2", r"acknowledges QoS 2 messages as QoS 1: they may be delivered more than once",
                   "takes QoS 2 as QoS 1", short="as 1"),
    KnownException("rabbitmq", "retained, by a wildcard *", r"sub -C 3 -W 3: exit code 27, got b''",
                   "sends retained messages to subscriptions without wildcards only"),
    KnownException("rabbitmq", "topic: dots *", r"1 of 1 messages missing",
                   "takes a dot for a level: 'a.b' arrives as 'a/b'"),
    KnownException("rabbitmq", "topic: *", r"missing|not subscribed|exit code 6[456]",
                   "maps topics to routing keys of AMQP, of 255 bytes at most", sometimes=True),
    KnownException("activemq", "restart in mid-stream * q2", r"the broker lost the session: \d+ message|none \(killed\)|lost 0 .*twice \d",
                   "may forget QoS 2 messages between PUBREC and PUBCOMP when it restarts, or deliver them twice", sometimes=True),
    KnownException("activemq", "topic: *", r"missing|not subscribed|exit code 6[456]",
                   "maps topics to the names of JMS destinations", sometimes=True),
    KnownException("ejabberd", "shared subscription 311", r"likely cause: it does not accept shared subscriptions",
                   "closes the connection for shared subscriptions in MQTT 3.1.1"),
    KnownException("ejabberd", "shared subscription 5", r"the broker does not support shared subscriptions",
                   "has no shared subscriptions, and reports it in MQTT 5"),
    KnownException("ejabberd", "restart in mid-stream * q2", r"the broker lost the session: \d+ message|lost \d+ .*twice",
                   "forgets its sessions when it is killed", sometimes=True),
    KnownException("aedes", "restart in mid-stream * q2", r"the broker lost the session: \d+ message|lost 0 .*twice \d",
                   "forgets its sessions when it restarts", sometimes=True),
]

# What to set in each broker. Parts of the section BROKERS of mqttc-recipes(7), as the next table.
SETTINGS = {
    "mosquitto": "It keeps sessions over a restart with 'persistence true' only, and messages for absent clients up to "
                 "max_queued_messages (1,000). It forgets shared subscriptions when it restarts: mqtt_sub subscribes to "
                 "them again after each reconnect.",
    "nats": "It needs a server_name, JetStream, and 'mqtt { port: 1883 }'. Use -q 1, and topics without spaces and dots. "
            "In a cluster of three, what a lost node had sent is sent again after ack_wait (30 s): subscribers get it late, "
            "and some of it twice.",
    "aedes": "Sessions and retained messages survive a restart only with one of its persistence modules.",
    "rabbitmq": "Enable rabbitmq_mqtt and rabbitmq_web_mqtt (port 15675, --ws-path /ws). A user needs permissions for the exchange "
                "amq.topic and for the queues of its subscriptions: rabbitmqctl set_permissions -p / USER '.*' '.*' '.*'. The "
                "user guest may connect from the same machine only. In a cluster set mqtt.durable_queue_type = quorum before the "
                "first client connects: otherwise a session is on one node, and what is published while that node is away is "
                "lost.",
    "activemq": "Payloads of 100 MB and more need wireFormat.maxFrameSize in the URI of the transport connector.",
    "ejabberd": "User names have the form user@domain. access_publish and access_subscribe of mod_mqtt permit topics, and max_queue "
                "limits the messages for a slow client.",
}

# Of services that no test here can reach: what their own manuals say.
FROM_THEIR_MANUALS = {
    "AWS IoT Core": "MQTT 3.1.1 and 5 over TLS, with a client certificate on port 8883, or on 443 with --tls-alpn x-amzn-mqtt-ca. No "
                    "QoS 2: it does not answer. A SUBSCRIBE has at most 8 topics, so mqtt_sub sends several; a connection has at "
                    "most 50 subscriptions. Payloads have at most 128 kB, topics 256 bytes and seven slashes, identifiers 128 bytes. "
                    "What exceeds 100 messages a second on a connection is discarded: use --rate 100. Subscriptions with wildcards "
                    "receive no retained messages. The policy of the certificate permits identifiers and topics; it closes the "
                    "connection for others, and the earlier connection when an identifier is used again. Sessions last an hour "
                    "unless that is changed.",
    "Azure IoT Hub": "MQTT 3.1.1 over TLS (port 8883, WebSocket on 443). The identifier is the device, which has one connection at a "
                     "time. It publishes to devices/ID/messages/events/ and receives messages from "
                     "devices/ID/messages/devicebound/#; there are no topics of your own. It closes the connection for QoS 2 "
                     "messages, and grants QoS 1 for QoS 2 subscriptions. Retained messages are not kept: they get the property "
                     "mqtt-retain. Messages have at most 256 kB.",
    "Azure Event Grid": "MQTT 3.1.1 and 5 over TLS (port 8883, WebSocket on 443). No QoS 2, shared subscriptions or subscription "
                        "identifiers. With MQTT 3.1.1 it closes the connection for QoS 2 and retained messages. Packets have at most "
                        "512 KiB, and retained messages 64 kB. A session that has 100 messages or 1 MB waiting for a client that is "
                        "away is ended; sessions last an hour, or up to eight when that is set.",
    "EMQX": "MQTT 3.1, 3.1.1 and 5 with all QoS. Packets have at most 1 MB unless max_packet_size is changed. Its Serverless service "
            "accepts TLS only (port 8883, WebSocket on 8084).",
    "HiveMQ Cloud": "TLS, with a user of the cluster (port 8883, WebSocket on 8884).",
}


def find_exception(broker, case):
    for each in EXCEPTIONS:
        if fnmatch.fnmatch(broker, each.broker) and fnmatch.fnmatch(case, each.case):
            return each
    return None
