// Exit codes of mqtt_pub when it cannot start or connect.
#include <doctest/doctest.h>

#include "broker_thread.hpp"
#include "pub_program.hpp"
#include "support/port.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using broker::Behaviour;
using broker::BrokerThread;

namespace {

bool is_one_line(const std::string& text) {
    return text.starts_with("mqtt_pub: ") && text.find('\n') == text.size() - 1;
}

}  // namespace

TEST_CASE("--help and --version print to stdout and succeed") {
    for (const char* option : {"--help", "--version"}) {
        const Result result = run(pub_command({option}));
        CHECK(result.exit.code == 0);
        CHECK(has(result.out, "mqtt_pub"));
        CHECK(result.err.empty());
    }
}

TEST_CASE("a usage error is one line that points to the help") {
    const Result result = run(pub_command({"-t", "a", "-m", "x", "-q", "3"}));
    CHECK(result.exit.code == 1);
    CHECK(result.out.empty());
    CHECK(result.err == "mqtt_pub: -q: '3' is not one of 0, 1, 2; try 'mqtt_pub --help'\n");
    const Result quiet = run(pub_command({"-t", "a", "-m", "x", "-q", "3", "--quiet"}));
    CHECK(quiet.exit.code == 1);
    CHECK(quiet.err.empty());
}

TEST_CASE("a topic with a wildcard is refused before connecting") {
    const Result result = publish(free_port(), {"-t", "maison/+/temp", "-m", "x"});
    CHECK(result.exit.code == 1);
    CHECK(has(result.err, "wildcard"));
}

TEST_CASE("an unreadable payload is reported before connecting") {
    const Result result = publish(free_port(), {"-t", "a", "-f", "/nonexistent/file"});
    CHECK(result.exit.code == 1);
    CHECK(result.err == "mqtt_pub: cannot read /nonexistent/file: no such file or directory\n");
}

TEST_CASE("connection refused: exit code 61") {
    const Result result = publish(free_port(), {"-t", "a", "-m", "x"});
    CHECK(result.exit.code == 61);
    CHECK(is_one_line(result.err));
    CHECK(publish(free_port(), {"-t", "a", "-m", "x", "--quiet"}).err.empty());
}

TEST_CASE("unknown host: exit code 60") {
    const Result result = run(pub_command({"-h", "no-such-host.invalid", "-t", "a", "-m", "x"}));
    CHECK(result.exit.code == 60);
    CHECK(is_one_line(result.err));
}

TEST_CASE("missing socket: exit code 61") {
    const Result result = run(pub_command({"--unix", "/nonexistent/socket", "-t", "a", "-m", "x"}));
    CHECK(result.exit.code == 61);
    CHECK(is_one_line(result.err));
}

TEST_CASE("the code of a refusing CONNACK is the exit code") {
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.connack_code = std::uint8_t{5}; });
    for (const char* version : {"mqttv31", "mqttv311"}) {
        const Result result = publish(broker.port(), {"-V", version, "-t", "a", "-m", "x"});
        CHECK(result.exit.code == 5);
        CHECK(is_one_line(result.err));
        CHECK(has(result.err, "not authorized"));
    }
    broker.set([](Behaviour& it) { it.connack_code = reason::not_authorized; });
    const Result result = publish(broker.port(), {"-V", "mqttv5", "-t", "a", "-m", "x"});
    CHECK(result.exit.code == 135);
    CHECK(has(result.err, "not authorized"));
}

TEST_CASE("a broker that does not answer: exit code 61 after --connect-timeout") {
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.answer_connect = false; });
    const Result result = publish(broker.port(), {"-t", "a", "-m", "x", "--connect-timeout", "0.2"});
    CHECK(result.exit.code == 61);
    CHECK(is_one_line(result.err));
}

TEST_CASE("a server that is not an MQTT broker: exit code 64") {
    BrokerThread broker;
    const std::string reply = "HTTP/1.1 400 Bad Request\r\n\r\n";
    broker.set([&](Behaviour& it) { it.raw_reply = std::vector<std::uint8_t>(reply.begin(), reply.end()); });
    CHECK(publish(broker.port(), {"-t", "a", "-m", "x"}).exit.code == 64);
    broker.set([](Behaviour& it) { it.raw_reply = std::vector<std::uint8_t>(); });
    CHECK(publish(broker.port(), {"-t", "a", "-m", "x"}).exit.code == 64);
}

TEST_CASE("a closed stdin is reported") {
    BrokerThread broker;
    for (const char* source : {"-s", "-l"}) {
        Command command = pub_command(broker.port(), {"-t", "a", source});
        std::string line = "exec \"$0\" \"$@\" <&-";
        command.argv.insert(command.argv.begin(), {"sh", "-c", line});
        const Result result = run(std::move(command));
        CHECK(result.exit.code == 1);
        CHECK(has(result.err, "cannot read stdin"));
    }
    CHECK(broker.received().empty());
}

TEST_CASE("a config file is read, and its errors are reported with the line") {
    const TempDir dir;
    BrokerThread broker;
    dir.write("mqtt_pub", "# mine\n-h 127.0.0.1\n-p " + std::to_string(broker.port()) + "\n-t from/file\n");
    Command command = pub_command({"-m", "x"});
    command.env.emplace_back("XDG_CONFIG_HOME", dir.path().string());
    CHECK(run(command).exit.code == 0);
    REQUIRE(broker.wait_for_received(1));
    CHECK(broker.received().front().message->topic == "from/file");

    dir.write("mqtt_pub", "-h 127.0.0.1\n--retian\n");
    const Result result = run(command);
    CHECK(result.exit.code == 1);
    CHECK(result.err ==
          "mqtt_pub: " + dir.file("mqtt_pub") +
              ":2: unknown option '--retian' (did you mean --retain?); try 'mqtt_pub --help'\n");
}
