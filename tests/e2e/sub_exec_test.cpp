// mqtt_sub --exec: a command for each message.
#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "sub_program.hpp"
#include "support/needs.hpp"
#include "support/real_broker.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using mqttc::broker::BrokerThread;
namespace fs = std::filesystem;

TEST_CASE("each command gets the payload on stdin and the other fields in its environment, in order") {
    BrokerThread broker;
    Subscribed sub(
        broker, {"-t", "#", "-C", "3", "--exec",
                 R"(printf '%s %s %s <' "$MQTT_TOPIC" "$MQTT_QOS" "$MQTT_PAYLOAD_LENGTH"; cat; echo '>')"});
    broker.publish("a/b", "one");
    broker.publish("x$(touch owned); `touch owned`", "'; touch owned #");
    broker.publish("c", std::string("x\0y", 3));
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() ==
          "a/b 0 3 <one>\n"
          "x$(touch owned); `touch owned` 0 16 <'; touch owned #>\n"
          "c 0 3 <" +
              std::string("x\0y", 3) + ">\n");
    CHECK(sub.process.err().empty());
    CHECK_FALSE(fs::exists("owned"));
}

TEST_CASE("large payloads and topics reach a command, whether it reads them or not") {
    BrokerThread broker;
    Subscribed sub(broker, {"-t", "#", "-C", "2", "--exec", R"(
        case $MQTT_TOPIC in x*) echo ${#MQTT_TOPIC};; *) wc -c;; esac)"});
    broker.publish(std::string(65'000, 'x'), std::string(3'000'000, 'p'));
    broker.publish("a", std::string(3'000'000, 'p'));
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() == "65000\n3000000\n");
}

TEST_CASE("a failing command is reported, and the program ends with 66") {
    BrokerThread broker;
    Subscribed sub(
        broker, {"-t", "#", "-C", "3", "--exec", R"(case $MQTT_TOPIC in a) exit 3;; b) kill -9 $$;; esac)"});
    for (const char* topic : {"a", "b", "c"}) broker.publish(topic, "");
    CHECK(sub.process.wait() == Exit{.code = 66});
    CHECK(sub.process.err() ==
          "mqtt_sub: the command for a message on topic 'a' ended with exit status 3\n"
          "mqtt_sub: the command for a message on topic 'b' was ended by signal 9\n"
          "mqtt_sub: 2 of 3 commands failed\n");
}

TEST_CASE("--jobs limits the number of commands that run in parallel") {
    BrokerThread broker;
    const TempDir dir;
    // Each command prints its topic and waits for a file of that name.
    Subscribed sub(broker, {"-t", "#", "-C", "4", "--jobs", "2", "--exec",
                            "echo $MQTT_TOPIC; while [ ! -e " + dir.path().string() +
                                "/$MQTT_TOPIC ]; do sleep 0.01; done"});
    for (const char* topic : {"1", "2", "3", "4"}) broker.publish(topic, "");
    REQUIRE(
        sub.process.wait_until([](const std::string& out, const std::string&) { return out.size() == 4; }));
    dir.write("2", "");
    REQUIRE(sub.process.wait_out("3\n"));
    CHECK(sub.process.out().find('4') == std::string::npos);
    dir.write("3", "");
    REQUIRE(sub.process.wait_out("4\n"));
    CHECK(sub.process.running());
    dir.write("1", "");
    dir.write("4", "");
    CHECK(sub.process.wait() == ok);
}

TEST_CASE("running commands take no descriptors of the program, and messages that wait are decoded once") {
    BrokerThread broker;
    const TempDir dir;
    Command command =
        subscriber(broker, {"-t", "#", "-C", "40", "--jobs", "100", "--decode", "cbor", "--exec",
                            "echo run; while [ ! -e " + dir.file("go") + " ]; do sleep 0.01; done"});
    command.argv.insert(command.argv.begin(), {"/bin/sh", "-c", "ulimit -n 24; exec \"$@\"", "sh"});
    Process sub(command);
    REQUIRE(wait_for_subscriptions(broker));
    broker.ask([](broker::Broker& it) {
        for (int i = 0; i < 40; ++i) it.publish("a", "\xff");
    });
    REQUIRE(sub.wait_out("run\nrun\nrun\n"));
    dir.write("go", "");
    CHECK(sub.wait() == ok);
    CHECK(sub.out().size() == 40 * 4);
    CHECK(has(sub.err(), "mqtt_sub: 40 payloads could not be decoded\n"));
}

TEST_CASE("a message is acknowledged when its command has ended") {
    for (const char* qos : {"1", "2"}) {
        CAPTURE(qos);
        BrokerThread broker;
        const TempDir dir;
        const std::string wait = "echo run; while [ ! -e " + dir.file("go") + " ]; do sleep 0.01; done";
        const Words options{"-t", "a", "-q", qos, "-c", "-i", "worker", "--exec", wait};
        Process first(subscriber(broker, options));
        REQUIRE(wait_for_subscriptions(broker));
        broker.publish("a", "job", static_cast<Qos>(*qos - '0'));
        REQUIRE(first.wait_out("run\n"));
        first.send_signal(SIGKILL);
        first.wait();
        REQUIRE(broker.wait_for_clients(0));

        // It was not acknowledged, so it is sent again.
        Words once = options;
        once.insert(once.end(), {"-C", "1"});
        Process second(subscriber(broker, once));
        REQUIRE(second.wait_out("run\n"));
        dir.write("go", "");
        CHECK(second.wait() == ok);

        Words rest = options;
        rest.insert(rest.end(), {"--idle-timeout", "0.2"});
        Process third(subscriber(broker, rest));
        CHECK(third.wait() == ok);
        CHECK(third.out().empty());
        CHECK(broker.violations().empty());
    }
}

TEST_CASE("after SIGTERM the program waits for its commands, a second signal ends them") {
    BrokerThread broker;
    const TempDir dir;
    const std::string wait =
        "echo run; while [ ! -e " + dir.file("go") + " ]; do sleep 0.01; done; echo done";
    {
        Subscribed sub(broker, {"-t", "a", "--exec", wait});
        broker.publish("a", "");
        REQUIRE(sub.process.wait_out("run\n"));
        sub.process.send_signal(SIGTERM);
        REQUIRE(broker.wait_for_clients(0));
        CHECK(sub.process.running());
        dir.write("go", "");
        CHECK(sub.process.wait() == ok);
        CHECK(sub.process.out() == "run\ndone\n");
    }
    fs::remove(dir.file("go"));
    Subscribed sub(broker, {"-t", "a", "--exec", wait});
    broker.publish("a", "");
    REQUIRE(sub.process.wait_out("run\n"));
    sub.process.send_signal(SIGTERM);
    REQUIRE(broker.wait_for_clients(0));
    sub.process.send_signal(SIGTERM);
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.out() == "run\n");
    CHECK(sub.process.err() == "mqtt_sub: warning: terminating commands that are still running: 1\n");
}

TEST_CASE("a second signal ends commands that ignore SIGTERM, too, and it may follow the first one at once") {
    BrokerThread broker;
    Subscribed sub(broker, {"-t", "a", "--exec", "trap '' TERM; echo run; while :; do sleep 0.1; done"});
    broker.publish("a", "");
    REQUIRE(sub.process.wait_out("run\n"));
    sub.process.send_signal(SIGTERM);
    sub.process.send_signal(SIGINT);
    CHECK(sub.process.wait() == ok);
    CHECK(sub.process.err() == "mqtt_sub: warning: terminating commands that are still running: 1\n");
}

TEST_CASE("a failing command is reported also when SIGCHLD was ignored") {
    BrokerThread broker;
    Command command = subscriber(broker, {"-t", "#", "-C", "1", "--exec", "exit 3"});
    command.argv.insert(command.argv.begin(), {"env", "--ignore-signal=CHLD"});
    Process sub(command);
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a", "");
    CHECK(sub.wait() == Exit{.code = 66});
    CHECK(sub.err() ==
          "mqtt_sub: the command for a message on topic 'a' ended with exit status 3\n"
          "mqtt_sub: 1 of 1 commands failed\n");
}

TEST_CASE("a command starts with no signal blocked or ignored") {
    BrokerThread broker;
    Subscribed sub(broker, {"-t", "a", "-C", "1", "--exec", "grep -E '^Sig(Blk|Ign):' /proc/self/status"});
    broker.publish("a", "");
    CHECK(sub.process.wait() == ok);
    const std::string out = sub.process.out();
    CHECK(out.find("SigBlk:\t0000000000000000\n") != std::string::npos);
    // SIGPIPE is number 13.
    const auto ignored = std::stoull(out.substr(out.find("SigIgn:\t") + 8), nullptr, 16);
    CHECK((ignored & (1ULL << 12)) == 0);
}

TEST_CASE("a message is sent again when the connection is lost while its command runs") {
    BrokerThread broker;
    const TempDir dir;
    Process sub(subscriber(
        broker, {"-t", "a", "-q", "1", "-c", "-i", "worker", "-C", "2", "--reconnect-delay", "0.01:0.01",
                 "--exec", "cat; echo; while [ ! -e " + dir.file("go") + " ]; do sleep 0.01; done"}));
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a", "1", Qos::at_least_once);
    REQUIRE(sub.wait_out("1\n"));
    broker.drop_connections();
    dir.write("go", "");
    CHECK(sub.wait() == ok);
    CHECK(sub.out() == "1\n1\n");
    CHECK(broker.violations().empty());
}

TEST_CASE("a connection lost while a command runs is reported, and made again at once") {
    BrokerThread broker;
    const TempDir dir;
    Process sub(
        subscriber(broker, {"-t", "a", "-q", "1", "-C", "2", "--reconnect-delay", "0.01:0.01", "--exec",
                            "cat; echo; while [ ! -e " + dir.file("go") + " ]; do sleep 0.01; done"}));
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a", "1", Qos::at_least_once);
    REQUIRE(sub.wait_out("1\n"));
    broker.drop_connections();
    REQUIRE(sub.wait_err("mqtt_sub: lost the connection to "));
    REQUIRE(sub.wait_err("mqtt_sub: connected again to "));
    REQUIRE(wait_for_subscriptions(broker));
    // The broker has no session, so it does not send the first message again.
    broker.publish("a", "2", Qos::at_least_once);
    dir.write("go", "");
    CHECK(sub.wait() == ok);
    CHECK(sub.out() == "1\n2\n");
    CHECK(broker.violations().empty());
}

TEST_CASE("messages received before the connection was lost still get their commands") {
    for (const char* qos : {"0", "1"}) {
        CAPTURE(qos);
        BrokerThread broker;
        const TempDir dir;
        Process sub(
            subscriber(broker, {"-t", "a", "-q", qos, "-C", "5", "--reconnect-delay", "0.01:0.01", "--exec",
                                "cat; echo; while [ ! -e " + dir.file("go") + " ]; do sleep 0.01; done"}));
        REQUIRE(wait_for_subscriptions(broker));
        broker.ask([&](broker::Broker& it) {
            for (const char* payload : {"1", "2", "3", "4"})
                it.publish("a", payload, static_cast<Qos>(*qos - '0'));
        });
        REQUIRE(sub.wait_out("1\n"));
        broker.drop_connections();
        REQUIRE(sub.wait_err("mqtt_sub: the connection to 127.0.0.1:" + std::to_string(broker.port()) +
                             " is lost; received messages are finished first\n"));
        CHECK(sub.err().find("connected again") == std::string::npos);
        dir.write("go", "");
        REQUIRE(sub.wait_err("mqtt_sub: connected again to "));
        REQUIRE(wait_for_subscriptions(broker));
        broker.publish("a", "5");
        CHECK(sub.wait() == ok);
        CHECK(sub.out() == "1\n2\n3\n4\n5\n");
        CHECK(broker.violations().empty());
    }
}

TEST_CASE("a run that ends normally waits for its commands, and stays connected") {
    for (const auto& [qos, jobs] : {std::pair{"1", "1"}, {"0", "1"}, {"1", "2"}}) {
        CAPTURE(qos);
        CAPTURE(jobs);
        broker::Options options;
        options.limits.server_keep_alive = 1;
        BrokerThread broker(std::move(options));
        const TempDir dir;
        Process sub(
            subscriber(broker, {"-V", "5", "-d", "-t", "a", "-q", qos, "--jobs", jobs, "-C", "1", "--exec",
                                "echo run; while [ ! -e " + dir.file("go") + " ]; do sleep 0.01; done"}));
        REQUIRE(wait_for_subscriptions(broker));
        broker.publish("a", "1", static_cast<Qos>(*qos - '0'));
        REQUIRE(sub.wait_out("run\n"));
        // A client that is silent for one and a half times its keep-alive would have been cut off by now.
        REQUIRE(sub.wait_until([](const std::string&, const std::string& err) {
            std::size_t pings = 0;
            for (auto at = err.find("PINGREQ"); at != err.npos; at = err.find("PINGREQ", at + 1)) ++pings;
            return pings >= 3;
        }));
        CHECK(broker.connects().size() == 1);
        CHECK(broker.clients() == 1);
        dir.write("go", "");
        CHECK(sub.wait() == ok);
        CHECK(sub.err().find("lost") == std::string::npos);
    }
}

TEST_CASE("orphans of commands that become children of the program do not stay zombies") {
    BrokerThread broker;
    Command command = subscriber(broker, {"-t", "a", "--exec", "(sleep 0.05; echo end) & echo run"});
    // The program gets orphans as process 1 of a container does.
    const Words subreaper{"python3", "-c",
                          "import ctypes, os, sys\n"
                          "ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)\n"
                          "os.execv(sys.argv[1], sys.argv[1:])"};
    command.argv.insert(command.argv.begin(), subreaper.begin(), subreaper.end());
    Process sub(command);
    REQUIRE(wait_for_subscriptions(broker));
    for (int i = 0; i < 3; ++i) broker.publish("a", "");
    const auto count = [](const std::string& out, const std::string& word) {
        std::size_t found = 0;
        for (auto at = out.find(word); at != out.npos; at = out.find(word, at + 1)) ++found;
        return found;
    };
    REQUIRE(
        sub.wait_until([&](const std::string& out, const std::string&) { return count(out, "end") == 3; }));
    const std::string pid = std::to_string(sub.pid());
    const std::string children = "/proc/" + pid + "/task/" + pid + "/children";
    // Their ends print nothing.
    for (int i = 0; i < 100 && !read_file(children).empty(); ++i)
        sub.wait_until([](const std::string&, const std::string&) { return false; },
                       std::chrono::milliseconds(50));
    CHECK(read_file(children).empty());
}

namespace {

// Two clients of a shared subscription: each message is processed once, and both process some.
void check_shared_work(std::uint16_t broker_port) {
    const TempDir dir;
    const auto worker = [&](const std::string& name) {
        return client(
            "mqtt_sub", broker_port,
            {"-V", "5", "-q", "1", "-i", name, "-d", "-t", "$share/workers/jobs/#", "--idle-timeout", "1",
             "--exec", "cat >> " + dir.file(name) + "; echo >> " + dir.file(name)});
    };
    Process one(worker("one"));
    Process two(worker("two"));
    REQUIRE_MESSAGE(one.wait_err("SUBACK"), one.err());
    REQUIRE_MESSAGE(two.wait_err("SUBACK"), two.err());
    std::string lines;
    for (int i = 10; i < 50; ++i) lines += std::to_string(i) + "\n";
    Command publish = client("mqtt_pub", broker_port, {"-t", "jobs/a", "-q", "1", "-l"});
    publish.input = lines;
    REQUIRE(run(publish).exit == ok);
    CHECK(one.wait() == ok);
    CHECK(two.wait() == ok);
    const std::string first = read_file(dir.path() / "one");
    const std::string second = read_file(dir.path() / "two");
    CHECK_FALSE(first.empty());
    CHECK_FALSE(second.empty());
    CHECK(first.size() + second.size() == lines.size());
    for (int i = 10; i < 50; ++i) {
        const std::string line = std::to_string(i) + "\n";
        CHECK((first.find(line) != std::string::npos) != (second.find(line) != std::string::npos));
    }
}

}  // namespace

TEST_CASE("two clients of a shared subscription share the messages") {
    BrokerThread broker;
    check_shared_work(broker.port());
    CHECK(broker.violations().empty());
}

TEST_CASE("two clients of a shared subscription share the messages from Mosquitto" * needs_mosquitto()) {
    const RealBroker broker;
    check_shared_work(broker.port());
}
