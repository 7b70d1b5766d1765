// --stats, --stamp and --progress.
#include <doctest/doctest.h>

#include <regex>
#include <string>

#include "broker_thread.hpp"
#include "pub_program.hpp"
#include "support/pty.hpp"

using namespace mqttc;
using namespace mqttc::test;
using broker::BrokerThread;

TEST_CASE("--stats prints messages, bytes, rates and latencies on stderr") {
    BrokerThread broker;
    std::string lines;
    for (int i = 0; i < 500; ++i) lines += "0123456789\n";
    const std::string number = R"(\d+(\.\d+)? )";
    const std::string head = "mqtt_pub: 500 messages delivered, 5\\.0 kB of payload in " + number +
                             "(us|ms|s): " + number + "messages/s, " + number + "(bytes|kB|MB)/s";
    const std::string time = number + "(ns|us|ms|s)";
    const std::string latencies = "; latency of acknowledgements: min " + time + ", median " + time +
                                  ", 90% " + time + ", 99% " + time + ", max " + time;
    for (const char* qos : {"0", "1", "2"}) {
        CAPTURE(qos);
        const Result result = publish(broker.port(), {"-t", "a", "-l", "-q", qos, "--stats"}, lines);
        CHECK(result.exit.code == 0);
        CHECK(result.out.empty());
        CHECK_MESSAGE(std::regex_match(result.err, std::regex(head + (*qos == '0' ? "" : latencies) + "\n")),
                      result.err);
    }
    const Result quiet = publish(broker.port(), {"-t", "a", "-m", "x", "--stats", "--quiet"});
    CHECK(quiet.err.starts_with("mqtt_pub: 1 message delivered, 1 byte of payload in "));
}

TEST_CASE("--stats=json prints one object without the program's name") {
    BrokerThread broker;
    const Result result = publish(broker.port(), {"-t", "a", "-l", "-q", "1", "--stats=json"}, "one\ntwo\n");
    CHECK(result.exit.code == 0);
    const std::string number = R"(\d+(\.\d+)?(e-\d+)?)";
    const std::string figures = R"("count":2,"min":N,"median":N,"p90":N,"p99":N,"max":N,"histogram":\[.*\])";
    const std::string line =
        R"(\{"messages":2,"delivered":2,"payload_bytes":6,"seconds":N,"messages_per_second":N,)"
        R"("payload_bytes_per_second":N,"latency":\{)" +
        figures + R"(\}\}\n)";
    CHECK_MESSAGE(std::regex_match(result.err, std::regex(std::regex_replace(line, std::regex("N"), number))),
                  result.err);
    const Result plain = publish(broker.port(), {"-t", "a", "-m", "x", "--stats=json", "--quiet"});
    CHECK(plain.err.ends_with(R"("latency":null})"
                              "\n"));
}

TEST_CASE("on a terminal --stats has a histogram of latencies") {
    BrokerThread broker;
    PtyProcess process(pub_command(broker.port(), {"-t", "a", "-m", "x", "-q", "1", "--stats"}));
    CHECK(process.wait() == ok);
    const std::regex chart(R"(mqtt_pub: 1 message delivered.*; latency of acknowledgements: min .*\r\n)"
                           R"( latency to +\d+ (ns|us|ms|s) +1  #{40}\r\n)");
    CHECK_MESSAGE(std::regex_match(process.screen(), chart), process.screen());
}

TEST_CASE("--stats is also printed when nothing was delivered") {
    const Result result = publish(1, {"-t", "a", "-m", "x", "--stats"});
    CHECK(result.exit.code == 61);
    CHECK(result.err.find(" delivered, ") == std::string::npos);
    CHECK(publish(1, {"-t", "a", "-m", "x", "--stats=json"}).err.find("\n{\"messages\":1,\"delivered\":0,") !=
          std::string::npos);
    BrokerThread broker;
    broker.set([](broker::Behaviour& it) { it.answer_publish = false; });
    const Result waiting = publish(broker.port(), {"-t", "a", "-m", "x", "-q", "1", "--stats", "-W", "0.2"});
    CHECK(waiting.exit.code == 27);
    CHECK(waiting.err.find("mqtt_pub: 0 messages delivered, 1 byte of payload in ") != std::string::npos);
}

TEST_CASE("--stamp numbers the messages of a run") {
    BrokerThread broker;
    publish_ok(broker.port(), {"-t", "a", "-t", "b", "-l", "-q", "1", "--stamp"}, "one\n\n");
    REQUIRE(broker.wait_for_received(4));
    std::string run;
    int number = 0;
    const std::regex form(R"(stamp1 ([0-9a-f]{8}) (\d{12}) \d{10}\.\d{9} (one)?)");
    for (const auto& received : broker.received()) {
        const std::string payload(as_text(received.message->payload));
        std::smatch match;
        REQUIRE_MESSAGE(std::regex_match(payload, match, form), payload);
        if (run.empty()) run = match[1];
        CHECK(match[1] == run);
        CHECK(std::stoi(match[2]) == ++number);
    }
}

TEST_CASE("--progress ends with a line for the whole run") {
    BrokerThread broker;
    const Result result =
        publish(broker.port(), {"-t", "a", "-m", "x", "-q", "1", "--repeat", "3", "--progress"});
    CHECK(result.exit.code == 0);
    CHECK(result.out.empty());
    CHECK(result.err.starts_with("mqtt_pub: 3 of 3 messages (100%), "));
    CHECK(result.err.find('\x1b') == std::string::npos);
    const Result quiet = publish(broker.port(), {"-t", "a", "-m", "x", "--progress", "--quiet"});
    CHECK(quiet.err.empty());
}

TEST_CASE("on a wide terminal --progress has a bar, at once") {
    BrokerThread broker;
    PtyProcess process(pub_command(broker.port(), {"-t", "a", "-m", "x", "--repeat", "100000",
                                                   "--repeat-delay", "0.01", "--progress"}),
                       {.rows = 24, .columns = 100});
    CHECK(process.expect("\r\x1b[Kmqtt_pub: [>                   ] ", std::chrono::seconds(2)));
    process.send("\x03");
    CHECK(process.wait().code == 66);
    Command dumb = pub_command(broker.port(), {"-t", "a", "-m", "x", "--progress"});
    dumb.env.emplace_back("TERM", "dumb");
    PtyProcess plain(dumb);
    CHECK(plain.wait() == ok);
    CHECK_FALSE(plain.screen().contains('\033'));
}

TEST_CASE("on a terminal, progress is shown for long runs and replaced by messages") {
    BrokerThread broker;
    PtyProcess process(
        pub_command(broker.port(), {"-t", "a", "-m", "x", "--repeat", "100000", "--repeat-delay", "0.01"}),
        {.rows = 24, .columns = 50});
    REQUIRE(process.expect("\r\x1b[Kmqtt_pub: "));
    REQUIRE(process.expect(" of 100000 messages (0%), "));
    process.send("\x03");
    CHECK(process.wait().code == 66);
    const std::string& screen = process.screen();
    const std::size_t last = screen.rfind("\x1b[K");
    REQUIRE(last != screen.npos);
    CHECK(screen.substr(last).find(" of 100000 messages delivered\r\n") != std::string::npos);
    // No line of the progress is longer than the terminal is wide.
    const std::size_t first = screen.find("mqtt_pub: ");
    CHECK(screen.find_first_of("\r^", first) - first < 50);
}
