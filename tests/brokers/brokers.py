# The real brokers: each starts from its package with a configuration of the tests, on free ports, in a directory of its own,
# without system services, and is gone at the end.
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
USER, PASSWORD = "user", "secret"


class CannotStart(Exception):
    pass


given_ports = set()
given_ports_lock = threading.Lock()


def free_port():
    """A port that nothing listens on. Not one that the system gives to clients: while a broker is restarted, a client of another
    one could get it."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        first_of_clients = int(file.read().split()[0])
    while True:
        port = random.randrange(10_000, max(first_of_clients, 11_000))
        with socket.socket() as probe, given_ports_lock:
            if port in given_ports or probe.connect_ex(("127.0.0.1", port)) == 0:
                continue
            given_ports.add(port)
            return port


def make_certificates(directory):
    """A CA and a certificate for 127.0.0.1 and localhost: ca.pem, server.pem, server.key. Its key is readable, because
    some brokers do not run as root."""
    os.makedirs(directory, exist_ok=True)
    ca, key, cert = (os.path.join(directory, name) for name in ("ca.pem", "server.key", "server.pem"))
    if os.path.exists(cert):
        return ca, cert, key
    openssl = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
    subprocess.run([*openssl, "-keyout", ca + ".key", "-out", ca, "-subj", "/CN=mqttc test CA"], check=True,
                   capture_output=True)
    subprocess.run([*openssl, "-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-CA", ca, "-CAkey", ca + ".key",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"],
                   check=True, capture_output=True)
    os.chmod(key, 0o644)
    return ca, cert, key


class Broker:
    """One node. A subclass has the command and the configuration; `ports` maps tcp, tls, ws and wss to what it offers."""
    name, title = "", ""
    packages = ""
    transports = ("tcp",)
    versions = ("311",)
    path = "/mqtt"          # of WebSocket
    start_within = 60
    login = (USER, PASSWORD)  # what a client gives that knows the password
    anonymous = True          # it accepts clients without a login
    keeps_sessions = True     # over a restart
    clusters = False          # three nodes are tested too
    stop_signal = signal.SIGKILL  # of the case that restarts it
    started, all_end = [], False

    def __init__(self, work, bin_dir, node=0, peers=()):
        self.directory = os.path.join(work, f"{self.name}{node}")
        os.makedirs(self.directory)
        self.bin_dir, self.node, self.peers = bin_dir, node, list(peers)
        self.ca, self.cert, self.key = make_certificates(os.path.join(work, "certificates"))
        self.ports = {transport: free_port() for transport in self.transports}
        self.cookie = "mqttc"
        self.process = None
        self.started_in = 0.0

    def configure(self):
        """Writes the configuration."""

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def file(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as out:
            out.write(text)
        return path

    def start(self):
        """Returns when every port accepts connections."""
        if Broker.all_end:
            raise CannotStart("the run ends")
        if self.process is None:
            self.configure()
            Broker.started.append(self)
        begin = time.monotonic()
        with open(os.path.join(self.directory, "output"), "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment(), cwd=self.directory, start_new_session=True)
        self.wait_ready(begin + self.start_within)
        self.started_in = time.monotonic() - begin

    def wait_ready(self, deadline):
        for port in self.ports.values():
            while True:
                if self.process.poll() is not None:
                    raise CannotStart(f"{self.name} ended with {self.process.returncode}: {self.output()[-600:]}")
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                if time.monotonic() > deadline:
                    raise CannotStart(f"{self.name} does not listen on its port: {self.output()[-600:]}")
                time.sleep(0.02)

    def output(self):
        try:
            with open(os.path.join(self.directory, "output"), errors="replace") as log:
                return log.read()
        except OSError:
            return ""

    @staticmethod
    def form_cluster(nodes):
        """Starts them all; returns when each accepts connections. `peers` of each are the others."""
        threads = [threading.Thread(target=node.start) for node in nodes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def kill(self, number=signal.SIGKILL):
        """Ends it, with the processes that it started, and returns when it is gone."""
        if self.process is None or self.process.poll() is not None:
            return
        os.killpg(self.process.pid, number)
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def close(self):
        self.kill()

    @staticmethod
    def end_all():
        """Ends those that other threads have started; they start no others."""
        Broker.all_end = True
        for broker in Broker.started:
            broker.kill()
        RabbitMQ.end()


class Mosquitto(Broker):
    name, title = "mosquitto", "Mosquitto 2.0.11"
    packages = "mosquitto"
    transports = ("tcp", "tls", "ws", "wss")
    versions = ("31", "311", "5")
    stop_signal = signal.SIGTERM  # it writes its sessions then

    def configure(self):
        users = os.path.join(self.directory, "users")
        subprocess.run([os.path.join(self.bin_dir, "mqtt_passwd"), "-b", "-c", users, USER, PASSWORD], check=True,
                       capture_output=True)
        os.chmod(users, 0o644)
        os.chmod(self.directory, 0o777)
        lines = ["per_listener_settings false", "allow_anonymous true", f"password_file {users}", "persistence true",
                 f"persistence_location {self.directory}/",
                 "max_queued_messages 200000"]
        for transport, port in self.ports.items():
            lines.append(f"listener {port} 127.0.0.1")
            if transport in ("ws", "wss"):
                lines.append("protocol websockets")
            if transport in ("tls", "wss"):
                lines += [f"cafile {self.ca}", f"certfile {self.cert}", f"keyfile {self.key}"]
        self.conf = self.file("mosquitto.conf", "\n".join(lines) + "\n")

    def command(self):
        return [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", self.conf]


class Nats(Broker):
    name, title = "nats", "NATS 2.9"
    packages = "nats-server"
    transports = ("tcp", "ws", "cluster", "client")
    clusters = True

    def configure(self):
        routes = ", ".join(f"nats://127.0.0.1:{peer.ports['cluster']}" for peer in self.peers)
        cluster = f"""cluster {{ name: test, listen: "127.0.0.1:{self.ports['cluster']}", routes: [{routes}] }}"""
        self.conf = self.file("nats.conf", f"""server_name: n{self.node}
listen: "127.0.0.1:{self.ports['client']}"
jetstream {{ store_dir: "{self.directory}/jetstream" }}
mqtt {{ listen: "127.0.0.1:{self.ports['tcp']}"{', stream_replicas: 3, ack_wait: "10s"' if self.peers else ""} }}
websocket {{ listen: "127.0.0.1:{self.ports['ws']}", no_tls: true }}
no_auth_user: guest
authorization {{ users: [ {{user: guest, password: guest}}, {{user: {USER}, password: {PASSWORD}}} ] }}
{cluster if self.peers else ""}
""")
        if not self.peers:
            del self.ports["cluster"]

    def command(self):
        return [shutil.which("nats-server") or "/usr/sbin/nats-server", "-c", self.conf]


class Aedes(Broker):
    name, title = "aedes", "Aedes 1.2"
    packages = "nodejs npm"
    transports = ("tcp", "tls", "ws", "wss")
    versions = ("31", "311")
    keeps_sessions = False
    modules = ""  # set by run.py: where npm has installed aedes

    def command(self):
        ports = [f"{transport}={port}" for transport, port in self.ports.items()]
        return ["node", os.path.join(HERE, "aedes.mjs"), self.modules, self.cert, self.key, USER, PASSWORD, *ports]


class RabbitMQ(Broker):
    name, title = "rabbitmq", "RabbitMQ 3.10"
    packages = "rabbitmq-server"
    transports = ("tcp", "tls", "ws", "wss", "amqp")
    versions = ("31", "311")
    clusters = True
    path = "/ws"
    start_within = 120
    epmd = None  # one for all nodes: (process, port)

    def configure(self):
        self.distribution = free_port()
        if RabbitMQ.epmd is None:
            port = free_port()
            RabbitMQ.epmd = subprocess.Popen(["epmd", "-port", str(port), "-address", "127.0.0.1"],
                                             stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL), port
        self.file("plugins", "[rabbitmq_mqtt,rabbitmq_web_mqtt].\n")
        nodes = sorted([self, *self.peers], key=lambda node: node.node)
        conf = [f"listeners.tcp.1 = 127.0.0.1:{self.ports['amqp']}",
                f"mqtt.listeners.tcp.1 = 127.0.0.1:{self.ports['tcp']}",
                f"mqtt.listeners.ssl.1 = 127.0.0.1:{self.ports['tls']}",
                f"web_mqtt.tcp.ip = 127.0.0.1", f"web_mqtt.tcp.port = {self.ports['ws']}",
                f"web_mqtt.ssl.ip = 127.0.0.1", f"web_mqtt.ssl.port = {self.ports['wss']}",
                f"web_mqtt.ssl.certfile = {self.cert}", f"web_mqtt.ssl.keyfile = {self.key}",
                f"ssl_options.cacertfile = {self.ca}", f"ssl_options.certfile = {self.cert}",
                f"ssl_options.keyfile = {self.key}",
                "mqtt.allow_anonymous = true", "mqtt.default_user = guest", "mqtt.default_pass = guest",
                f"default_user = guest", "default_pass = guest", "log.console.level = warning",
                "disk_free_limit.absolute = 10MB", "vm_memory_high_watermark.relative = 0.8",
                "cluster_partition_handling = ignore"]
        if self.peers:
            conf.append("cluster_formation.peer_discovery_backend = classic_config")
            # A queue of another type would be on one node only.
            conf.append("mqtt.durable_queue_type = quorum")
            conf += [f"cluster_formation.classic_config.nodes.{i + 1} = {peer.node_name}" for i, peer in enumerate(nodes)]
        self.file("rabbitmq.conf", "\n".join(conf) + "\n")

    login = ("guest", "guest")

    @property
    def node_name(self):
        return f"mqttc{self.node}-{self.ports['tcp']}@localhost"

    @staticmethod
    def form_cluster(nodes):
        # One after the other: each joins those that run.
        for node in nodes:
            node.start()

    def environment(self):
        at = self.directory
        return dict(os.environ, HOME=at, RABBITMQ_NODENAME=self.node_name, RABBITMQ_MNESIA_BASE=f"{at}/mnesia",
                    RABBITMQ_LOG_BASE=f"{at}/log", RABBITMQ_LOGS="-", RABBITMQ_CONFIG_FILE=f"{at}/rabbitmq.conf",
                    RABBITMQ_ENABLED_PLUGINS_FILE=f"{at}/plugins", RABBITMQ_PID_FILE=f"{at}/pid",
                    RABBITMQ_CONF_ENV_FILE="/dev/null", RABBITMQ_DIST_PORT=str(self.distribution),
                    ERL_EPMD_PORT=str(RabbitMQ.epmd[1]), ERL_EPMD_ADDRESS="127.0.0.1",
                    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=f"-setcookie {self.cookie} +S 2:2 +sbwt none")

    def command(self):
        return ["/usr/lib/rabbitmq/bin/rabbitmq-server"]

    @staticmethod
    def end():
        if RabbitMQ.epmd is not None:
            RabbitMQ.epmd[0].kill()
            RabbitMQ.epmd[0].wait()
            RabbitMQ.epmd = None


class ActiveMQ(Broker):
    name, title = "activemq", "ActiveMQ 5.17"
    packages = "activemq libmqtt-client-java"
    transports = ("tcp", "tls")  # its package has no WebSocket
    versions = ("31", "311")

    def configure(self):
        libraries = "/usr/share/activemq/lib"
        self.classes = ":".join([f"{libraries}/*", f"{libraries}/optional/*", "/usr/share/java/mqtt-client.jar",
                                 "/usr/share/activemq/bin/activemq.jar"])
        store = os.path.join(self.directory, "server.p12")
        subprocess.run(["openssl", "pkcs12", "-export", "-in", self.cert, "-inkey", self.key, "-out", store, "-passout", "pass:secret"],
                       check=True, capture_output=True)
        self.file("activemq.xml", f"""<beans xmlns="http://www.springframework.org/schema/beans"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="http://www.springframework.org/schema/beans http://www.springframework.org/schema/beans/spring-beans-2.0.xsd
 http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
<broker xmlns="http://activemq.apache.org/schema/core" useJmx="false" brokerName="test" dataDirectory="{self.directory}/data"
 schedulePeriodForDestinationPurge="0">
<persistenceAdapter><kahaDB directory="{self.directory}/kahadb"/></persistenceAdapter>
<plugins><simpleAuthenticationPlugin anonymousAccessAllowed="true"><users>
<authenticationUser username="{USER}" password="{PASSWORD}" groups="users"/></users></simpleAuthenticationPlugin></plugins>
<sslContext><sslContext keyStore="file:{store}" keyStoreType="PKCS12" keyStorePassword="secret"/></sslContext>
<transportConnectors><transportConnector name="mqtts" uri="mqtt+ssl://127.0.0.1:{self.ports['tls']}"/><transportConnector name="mqtt" uri="mqtt://127.0.0.1:{self.ports['tcp']}?wireFormat.maxFrameSize=104857600"/>
</transportConnectors></broker></beans>
""")

    def command(self):
        return ["java", "-Xms64M", "-Xmx256M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                f"-Dactivemq.home={self.directory}", f"-Dactivemq.base={self.directory}", "-cp", self.classes,
                "org.apache.activemq.console.Main", "start", f"xbean:file:{self.directory}/activemq.xml"]


class Ejabberd(Broker):
    name, title = "ejabberd", "ejabberd 23.01"
    packages = "ejabberd"
    transports = ("tcp", "tls", "ws")
    versions = ("311", "5")
    login = (f"{USER}@localhost", PASSWORD)
    anonymous = False
    keeps_sessions = False

    def configure(self):
        pem = self.file("server.pem", open(self.cert).read() + open(self.key).read())
        self.file("ejabberd.yml", f"""loglevel: warning
hosts: [localhost]
certfiles: ["{pem}"]
auth_method: [anonymous, internal]
anonymous_protocol: login_anon
allow_multiple_connections: true
listen:
  - {{port: {self.ports['tcp']}, ip: "127.0.0.1", module: mod_mqtt, backlog: 1000}}
  - {{port: {self.ports['tls']}, ip: "127.0.0.1", module: mod_mqtt, tls: true, backlog: 1000}}
  - {{port: {self.ports['ws']}, ip: "127.0.0.1", module: ejabberd_http, request_handlers: {{"/mqtt": mod_mqtt}}}}
acl: {{everybody: {{user_regexp: ""}}}}
access_rules: {{mqtt: {{allow: all}}}}
modules:
  mod_mqtt:
    session_expiry: 10 min
    max_queue: 200000
    access_publish: {{}}
""")

    def environment(self):
        libraries = "/usr/lib/x86_64-linux-gnu"
        for each in os.listdir("/usr/lib"):
            if os.path.isdir(f"/usr/lib/{each}") and any(it.startswith("ejabberd-") for it in os.listdir(f"/usr/lib/{each}")):
                libraries = f"/usr/lib/{each}"
        at = self.directory
        return dict(os.environ, EJABBERD_CONFIG_PATH=f"{at}/ejabberd.yml", EJABBERD_LOG_PATH=f"{at}/ejabberd.log",
                    ERL_LIBS=libraries, HOME=at, ERL_CRASH_DUMP=f"{at}/crash", ERL_INETRC="/etc/ejabberd/inetrc")

    def command(self):
        register = f'ejabberd_auth:try_register(<<"{USER}">>, <<"localhost">>, <<"{PASSWORD}">>).'
        return ["erl", "+K", "true", "+S", "2:2", "+sbwt", "none", "-noinput", "-mnesia", "dir", f'"{self.directory}/spool"',
                "-s", "ejabberd", "-eval", f"timer:sleep(200), {register}"]


BROKERS = {each.name: each for each in (Mosquitto, Nats, Aedes, RabbitMQ, ActiveMQ, Ejabberd)}
