// Debian's mosquitto_pub and mosquitto_sub with the embedded broker, and the program mqtt_testbroker.
#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <vector>

#include "broker_thread.hpp"
#include "support/needs.hpp"
#include "support/programs.hpp"
#include "support/real_broker.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using broker::Broker;
using broker::BrokerThread;

namespace {

Words arguments(const char* program, std::uint16_t port, const Words& more) {
    Words argv = {program, "-p", std::to_string(port)};
    argv.insert(argv.end(), more.begin(), more.end());
    return argv;
}

struct Fixture {
    BrokerThread broker;

    Words pub(const Words& more) { return arguments(mosquitto_pub_path, broker.port(), more); }
    Words sub(const Words& more) { return arguments(mosquitto_sub_path, broker.port(), more); }
    bool subscribed(std::size_t count = 1) {
        return broker.wait_until([count](Broker& it) { return it.sessions().tree().size() == count; });
    }
    int publish(const Words& more) { return run(pub(more)).exit.code; }
    std::string violations() {
        std::string all;
        for (const auto& violation : broker.violations()) all += violation + "\n";
        return all;
    }
};

Process start(Words argv) {
    return Process({.argv = std::move(argv)});
}

}  // namespace

TEST_SUITE_BEGIN("with Mosquitto's clients" * needs_mosquitto());

TEST_CASE_FIXTURE(Fixture, "messages are delivered at each QoS in each version") {
    for (const std::string version : {"mqttv31", "mqttv311", "mqttv5"}) {
        for (const std::string qos : {"0", "1", "2"}) {
            CAPTURE(version);
            CAPTURE(qos);
            auto subscriber =
                start(sub({"-V", version, "-t", "maison/+/temp", "-q", qos, "-C", "2", "-F", "%t %q %p"}));
            REQUIRE(subscribed());
            CHECK(publish({"-V", version, "-t", "maison/salon/hum", "-m", "no", "-q", qos}) == 0);
            CHECK(publish({"-V", version, "-t", "maison/salon/temp", "-m", "21", "-q", qos}) == 0);
            CHECK(publish({"-V", version, "-t", "maison/été/temp", "-m", "30", "-q", qos}) == 0);
            CHECK(subscriber.wait() == Exit{.code = 0});
            CHECK(subscriber.out() == "maison/salon/temp " + qos + " 21\nmaison/été/temp " + qos + " 30\n");
            REQUIRE(subscribed(0));
        }
    }
    CHECK(violations() == "");
}

TEST_CASE_FIXTURE(Fixture, "10 MB are delivered unchanged at each QoS") {
    const std::string payload(10'000'000, 'L');
    for (const std::string qos : {"0", "1", "2"}) {
        auto subscriber = start(sub({"-t", "big", "-q", qos, "-C", "1", "-N"}));
        REQUIRE(subscribed());
        CHECK(run(pub({"-t", "big", "-q", qos, "-s"}), payload).exit.code == 0);
        CHECK(subscriber.wait() == Exit{.code = 0});
        CHECK(subscriber.out() == payload);
        REQUIRE(subscribed(0));
    }
    CHECK(violations() == "");
}

TEST_CASE_FIXTURE(Fixture, "retained messages are stored until they are cleared") {
    CHECK(publish({"-t", "a/b", "-m", "kept", "-r"}) == 0);
    CHECK(run(sub({"-t", "a/#", "-C", "1", "-F", "%t %r %p"})).out == "a/b 1 kept\n");
    CHECK(publish({"-t", "a/b", "-n", "-r"}) == 0);
    CHECK(run(sub({"-t", "a/#", "-W", "1"})).out == "");
}

TEST_CASE_FIXTURE(Fixture, "the will of a killed client is published") {
    auto watcher = start(sub({"-t", "gone", "-C", "1", "-v"}));
    REQUIRE(subscribed());
    {
        auto client = start(sub({"-t", "x", "--will-topic", "gone", "--will-payload", "bye"}));
        REQUIRE(subscribed(2));
        client.send_signal(SIGKILL);
        client.wait();
    }
    CHECK(watcher.wait() == Exit{.code = 0});
    CHECK(watcher.out() == "gone bye\n");
}

TEST_CASE_FIXTURE(Fixture,
                  "a persistent session gets the messages published while the client was disconnected") {
    for (const std::string version : {"mqttv311", "mqttv5"}) {
        CAPTURE(version);
        Words argv = sub({"-V", version, "-c", "-i", "keeper" + version, "-t", "x", "-q", "1"});
        if (version == "mqttv5") argv.insert(argv.end(), {"-x", "1000"});
        auto first = argv;
        first.emplace_back("-E");
        CHECK(run(first).exit.code == 0);
        REQUIRE(broker.wait_for_clients(0));
        for (const std::string payload : {"1", "2", "3"})
            CHECK(publish({"-t", "x", "-m", payload, "-q", "1"}) == 0);
        argv.insert(argv.end(), {"-C", "3"});
        CHECK(run(argv).out == "1\n2\n3\n");
    }
    CHECK(violations() == "");
}

TEST_CASE_FIXTURE(Fixture, "shared subscriptions and MQTT 5 properties work with Mosquitto's clients") {
    auto a = start(sub({"-V", "mqttv5", "-t", "$share/g/x", "-C", "1", "-F", "%p %C %P %R"}));
    auto b = start(sub({"-V", "mqttv5", "-t", "$share/g/x", "-C", "1", "-F", "%p %C %P %R"}));
    REQUIRE(subscribed(2));
    const Words properties = {
        "-V", "mqttv5", "-D", "publish", "content-type",   "text", "-D", "publish", "user-property",
        "k",  "v",      "-D", "publish", "response-topic", "back", "-t", "x",       "-m"};
    for (const std::string payload : {"1", "2"}) {
        auto one = properties;
        one.push_back(payload);
        CHECK(publish(one) == 0);
    }
    CHECK(a.wait() == Exit{.code = 0});
    CHECK(b.wait() == Exit{.code = 0});
    const auto both = a.out() + b.out();
    CHECK((both == "1 text k:v back\n2 text k:v back\n" || both == "2 text k:v back\n1 text k:v back\n"));
}

TEST_CASE("a password file of mosquitto_passwd works") {
    TempDir dir;
    const auto file = dir.file("passwd");
    CHECK(run({mosquitto_passwd_path, "-c", "-b", file, "sondes", "mot2passe"}).exit.code == 0);
    broker::Options options;
    options.allow_anonymous = false;
    options.password_file = file;
    BrokerThread broker(options);
    const auto answer = [&](const Words& more) {
        Words argv = arguments(mosquitto_pub_path, broker.port(), {"-t", "ctrlled", "-m", "1"});
        argv.insert(argv.end(), more.begin(), more.end());
        return run(argv).exit.code;
    };
    CHECK(answer({"-u", "sondes", "-P", "mot2passe"}) == 0);
    CHECK(answer({"-u", "sondes", "-P", "wrong"}) == 5);
    CHECK(answer({}) == 5);
    CHECK(answer({"-V", "mqttv5"}) == 135);
}

TEST_CASE("the broker listens on a unix socket and on IPv6") {
    TempDir dir;
    broker::Options options;
    options.listeners.emplace_back();
    options.listeners.emplace_back().unix_path = dir.file("socket");
    BrokerThread broker(options);
    const auto six = broker.ask([](Broker& it) {
        const auto opened = it.listen({.address = "::1"});
        return opened ? it.listeners().back()->port() : std::uint16_t{0};
    });
    if (six == 0) MESSAGE("without IPv6, which this machine does not have");
    auto subscriber =
        start(arguments(mosquitto_sub_path, broker.port(), {"-t", "x", "-C", six != 0 ? "2" : "1"}));
    REQUIRE(broker.wait_until([](Broker& it) { return it.sessions().tree().size() == 1; }));
    CHECK(run({mosquitto_pub_path, "--unix", dir.file("socket"), "-t", "x", "-m", "unix"}).exit.code == 0);
    if (six != 0)
        CHECK(run(arguments(mosquitto_pub_path, six, {"-h", "::1", "-t", "x", "-m", "six"})).exit.code == 0);
    CHECK(subscriber.wait() == Exit{.code = 0});
    CHECK(subscriber.out() == (six != 0 ? "unix\nsix\n" : "unix\n"));
}

TEST_CASE("mqtt_testbroker prints its listeners, serves clients, and ends with 0") {
    auto broker = start({program("mqtt_testbroker"), "-p", "0"});
    const auto line = broker.read_line();
    REQUIRE(line);
    const std::string prefix = "mqtt_testbroker: listening on 127.0.0.1:";
    REQUIRE(line->starts_with(prefix));
    const auto port = line->substr(prefix.size());
    CHECK(broker.wait_out("for tests only"));
    CHECK(
        run({mosquitto_sub_path, "-h", "localhost", "-p", port, "-C", "1", "-v", "-t", "$SYS/broker/version"})
            .out == "$SYS/broker/version mqttc_testbroker version " MQTTC_VERSION "\n");

    const auto second = run({program("mqtt_testbroker"), "-p", port});
    CHECK(second.exit == Exit{.code = 1});
    CHECK(second.err == "mqtt_testbroker: cannot listen on 127.0.0.1:" + port + ": Address already in use\n");

    broker.send_signal(SIGTERM);
    CHECK(broker.wait() == Exit{.code = 0});
}

TEST_SUITE_END();

TEST_CASE("mqtt_testbroker reports invalid options") {
    const auto fails = [](const Words& more) {
        Words argv = {program("mqtt_testbroker")};
        argv.insert(argv.end(), more.begin(), more.end());
        const auto result = run(argv);
        CHECK(result.exit == Exit{.code = 1});
        return result.err;
    };
    CHECK(fails({"--frobnicate"}) == "mqtt_testbroker: unknown option --frobnicate; see --help\n");
    CHECK(fails({"-p"}) == "mqtt_testbroker: -p needs a value; see --help\n");
    CHECK(fails({"-p", "65536"}) == "mqtt_testbroker: -p 65536: not a port from 0 to 65535\n");
    CHECK(fails({"-p", "0", "--bind", "localhost"}) ==
          "mqtt_testbroker: cannot listen on localhost: not an IPv4 or IPv6 address\n");
    CHECK(fails({"-p", "0", "--password-file", "/none/such"}) ==
          "mqtt_testbroker: cannot read the password file /none/such: No such file or directory\n");
    const auto help = run({program("mqtt_testbroker"), "--help"});
    CHECK(help.exit == Exit{.code = 0});
    CHECK(help.out.find("--password-file") != std::string::npos);
}
