// mqtt_sub's stdout: readers that close it or do not read, full disks, terminals, large payloads.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "full_fifo.hpp"
#include "sub_program.hpp"
#include "support/needs.hpp"
#include "support/pty.hpp"
#include "support/real_broker.hpp"

using namespace mqttc;
using namespace mqttc::test;
using mqttc::broker::Broker;
using mqttc::broker::BrokerThread;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t megabyte = 1024UL * 1024;

void publish_many(BrokerThread& broker, int count, const std::string& payload, Qos qos) {
    broker.ask([&](Broker& it) {
        for (int i = 0; i < count; ++i) it.publish("a", payload, qos);
    });
}

}  // namespace

TEST_CASE("a reader that closes stdout ends the program at once, silently and with 0") {
    BrokerThread broker;
    SUBCASE("without a further message") {
        Subscribed sub(broker, {"-t", "a"});
        broker.publish("a", "x");
        REQUIRE(sub.process.read_line() == "x");
        sub.process.close_stdout();
        CHECK(sub.process.wait() == ok);
        CHECK(sub.process.err().empty());
    }
    SUBCASE("in the middle of a flood") {
        Subscribed sub(broker, {"-t", "a", "-q", "1"});
        publish_many(broker, 20'000, std::string(100, 'x'), Qos::at_least_once);
        REQUIRE(sub.process.read_line());
        sub.process.close_stdout();
        CHECK(sub.process.wait() == ok);
        CHECK(sub.process.err().empty());
    }
    CHECK(broker.violations().empty());
}

TEST_CASE("each message of a slow stream is printed within 5 ms") {
    BrokerThread broker;
    for (const Words& how : {Words{"-v"}, Words{"-F", "%t %p"}, Words{"-q", "1", "-F", "%j"}}) {
        CAPTURE(how.front());
        Words options = {"-t", "a"};
        options.insert(options.end(), how.begin(), how.end());
        Subscribed sub(broker, options);
        std::vector<std::chrono::steady_clock::duration> delays;
        for (int i = 0; i < 20; ++i) {
            const auto sent = std::chrono::steady_clock::now();
            broker.publish("a", std::to_string(i), Qos::at_least_once);
            REQUIRE(sub.process.read_line());
            delays.push_back(std::chrono::steady_clock::now() - sent);
        }
        // Buffering would delay every message; a busy machine delays some.
        std::ranges::sort(delays);
        CHECK(delays[delays.size() / 4] < 5ms);
    }
}

TEST_CASE("a full disk ends with 68 and leaves the message unacknowledged") {
    BrokerThread broker;
    const Words session = {"-i", "full", "-c", "-q", "1", "-t", "a"};
    Words first = session;
    first.emplace_back("-E");
    REQUIRE(run(subscriber(broker, first)).exit == ok);
    broker.publish("a", "precious", Qos::at_least_once);
    Command command = subscriber(broker, session);
    command.stdout_file = "/dev/full";
    const Result result = run(command);
    CHECK(result.exit == Exit{.code = 68});
    CHECK(result.err == "mqtt_sub: cannot write to stdout: no space left on device\n");
    Words again = session;
    again.insert(again.end(), {"-C", "1"});
    CHECK(run(subscriber(broker, again)).out == "precious\n");
}

TEST_CASE("help that cannot be written, and a limit on the size of files, end with 68 and a reason") {
    for (const char* program_name : {"mqtt_pub", "mqtt_sub"}) {
        Command help{.argv = {program(program_name), "--help"}};
        help.stdout_file = "/dev/full";
        const Result result = run(std::move(help));
        CHECK(result.exit == Exit{.code = 68});
        CHECK(result.err ==
              std::string(program_name) + ": cannot write to stdout: no space left on device\n");
    }
    BrokerThread broker;
    const TempDir dir;
    Command command = subscriber(broker, {"-t", "a", "-C", "1"});
    command.argv.insert(command.argv.begin(), {"bash", "-c", "ulimit -f 1; exec \"$@\"", "bash"});
    command.stdout_file = dir.file("out");
    broker.publish("a", std::string(10'000, 'x'), Qos::at_most_once, true);
    const Result result = run(std::move(command));
    CHECK(result.exit == Exit{.code = 68});
    CHECK(has(result.err, "file too large"));
}

TEST_CASE("a slow reader gets all messages") {
    for (const Qos qos : {Qos::at_most_once, Qos::at_least_once}) {
        CAPTURE(static_cast<int>(qos));
        BrokerThread broker;
        Command command = subscriber(broker, {"-t", "a", "-q", "1", "-C", "50000"});
        command.read_stdout = false;
        Process sub(command);
        REQUIRE(wait_for_subscriptions(broker));
        publish_many(broker, 50'000, std::string(99, 'x'), qos);
        // The pipe is full now.
        broker.ask([](Broker&) {});
        sub.resume_stdout();
        CHECK(sub.wait() == ok);
        CHECK(sub.out().size() == 50'000 * 100);
        CHECK(broker.violations().empty());
    }
}

TEST_CASE("while a reader pauses the loop runs on, and unprinted messages are not acknowledged") {
    BrokerThread broker;
    Command command = subscriber(
        broker, {"-t", "a", "-q", "1", "-c", "-i", "slow", "-C", "2000", "--reconnect-delay", "0.01:0.01"});
    command.read_stdout = false;
    Process sub(command);
    REQUIRE(wait_for_subscriptions(broker));
    publish_many(broker, 2'000, std::string(999, 'x'), Qos::at_least_once);
    REQUIRE(broker.wait_until([](Broker& it) { return it.clients() == 1; }));
    broker.drop_connections();
    REQUIRE(sub.wait_err("lost"));
    sub.resume_stdout();
    CHECK(sub.wait() == ok);
    CHECK(sub.out().size() >= 2'000 * 1000);
    CHECK(broker.violations().empty());
}

TEST_CASE("keep-alive continues while a reader pauses, also within a large message") {
    for (const Qos qos : {Qos::at_most_once, Qos::at_least_once}) {
        CAPTURE(static_cast<int>(qos));
        broker::Options options;
        options.limits.server_keep_alive = 1;
        BrokerThread broker(std::move(options));
        const std::string payload(3 * megabyte, 'x');
        Command command = subscriber(broker, {"-V", "5", "-d", "-t", "a", "-q", "1", "-C", "2", "-N"});
        command.read_stdout = false;
        Process sub(command);
        REQUIRE(wait_for_subscriptions(broker));
        broker.publish("a", payload, qos);
        broker.publish("a", payload, qos);
        // A client that is silent for one and a half times its keep-alive would have been cut off by now.
        REQUIRE(sub.wait_until([](const std::string&, const std::string& err) {
            std::size_t pings = 0;
            for (auto at = err.find("PINGREQ"); at != err.npos; at = err.find("PINGREQ", at + 1)) ++pings;
            return pings >= 4;
        }));
        CHECK(broker.clients() == 1);
        CHECK_FALSE(has(sub.err(), "sent PUBACK"));
        sub.resume_stdout();
        CHECK(sub.wait() == ok);
        CHECK((sub.out() == payload + payload));
        CHECK_FALSE(has(sub.err(), "lost"));
        CHECK(broker.connects().size() == 1);
    }
}

TEST_CASE("a signal and -W end the program while its stdout is not read") {
    BrokerThread broker;
    for (const char* qos : {"0", "1"}) {
        CAPTURE(qos);
        Command command = subscriber(broker, {"-t", "a", "-q", qos});
        command.read_stdout = false;
        Process sub(command);
        REQUIRE(wait_for_subscriptions(broker));
        publish_many(broker, 50'000, std::string(99, 'x'), Qos::at_least_once);
        sub.send_signal(SIGINT);
        CHECK(sub.wait() == ok);
        REQUIRE(wait_for_subscriptions(broker, 0));

        command.argv.insert(command.argv.end(), {"-W", "0.3"});
        Process timed(command);
        REQUIRE(wait_for_subscriptions(broker));
        publish_many(broker, 50'000, std::string(99, 'x'), Qos::at_least_once);
        CHECK(timed.wait() == Exit{.code = 27});
        REQUIRE(wait_for_subscriptions(broker, 0));
    }
}

TEST_CASE("a signal and -W end the program while its stderr with -d is not read") {
    BrokerThread broker;
    for (const int signal : {SIGINT, SIGTERM, 0}) {
        CAPTURE(signal);
        const FullFifo fifo;
        Words options{"-d", "-t", "a"};
        if (signal == 0) options.insert(options.end(), {"-W", "0.5"});
        Process sub(fifo.as_stderr_of(subscriber(broker, options)));
        REQUIRE(wait_for_subscriptions(broker));
        fifo.fill();
        broker.publish("a", "x");
        if (signal != 0) sub.send_signal(signal);
        CHECK(sub.wait() == Exit{.code = signal != 0 ? 0 : 27});
        REQUIRE(wait_for_subscriptions(broker, 0));
    }
}

TEST_CASE("a slow reader of -d gets all lines") {
    BrokerThread broker;
    Command command = subscriber(broker, {"-d", "-t", "a", "-C", "5000"});
    command.argv.insert(command.argv.begin(), {"/bin/sh", "-c", "exec \"$@\" 2>&1 >/dev/null", "sh"});
    command.read_stdout = false;
    Process sub(command);
    REQUIRE(wait_for_subscriptions(broker));
    publish_many(broker, 5'000, "x", Qos::at_most_once);
    broker.ask([](Broker&) {});
    sub.resume_stdout();
    CHECK(sub.wait() == ok);
    const std::string out = sub.out();
    std::size_t printed = 0;
    for (auto at = out.find("received PUBLISH"); at != out.npos; at = out.find("received PUBLISH", at + 1))
        ++printed;
    CHECK(printed == 5'000);
    CHECK(out.find("sent DISCONNECT") != std::string::npos);
}

TEST_CASE("large payloads are printed unchanged, also to a slow reader and with formats") {
    BrokerThread broker;
    std::string payload(20 * megabyte, '\0');
    for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(i * 7 + i / 251);
    Command command = subscriber(broker, {"-t", "a", "-q", "1", "-C", "2", "-N"});
    command.read_stdout = false;
    Process sub(command);
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a", payload, Qos::at_least_once);
    broker.publish("a", payload);
    sub.resume_stdout();
    CHECK(sub.wait() == ok);
    CHECK((sub.out() == payload + payload));

    Subscribed hex(broker, {"-t", "a", "-C", "1", "-F", "<%x>"});
    broker.publish("a", payload.substr(0, 3 * megabyte));
    CHECK(hex.process.wait() == ok);
    const std::string out = hex.process.out();
    CHECK(out.size() == 6 * megabyte + 3);
    CHECK(out.substr(0, 9) == "<00070e15");
}

TEST_CASE("on a terminal control characters are escaped, except with --raw") {
    BrokerThread broker;
    for (const bool raw : {false, true}) {
        Words options = {"-v", "-t", "#", "-C", "1", "--color", "never"};
        if (raw) options.emplace_back("--raw");
        PtyProcess sub(subscriber(broker, options));
        REQUIRE(wait_for_subscriptions(broker));
        broker.publish("top\x1b[2Jic", "pay\x1b]0;title\a");
        REQUIRE(sub.expect(raw ? "top\x1b[2Jic pay\x1b]0;title\a" : "top\\x1b[2Jic pay\\x1b]0;title\\x07"));
        CHECK(sub.wait() == ok);
        REQUIRE(wait_for_subscriptions(broker, 0));
    }
}

TEST_CASE("with -F control characters in messages are escaped, those in the format are not") {
    BrokerThread broker;
    for (const bool raw : {false, true}) {
        Words options = {"-V", "5", "-t", "#", "-C", "1", "-F", "\\e[1m%t|%p|%C|%P\\e[0m"};
        if (raw) options.emplace_back("--raw");
        PtyProcess sub(subscriber(broker, options));
        REQUIRE(wait_for_subscriptions(broker));
        CHECK(run({program("mqtt_pub"),
                   "-h",
                   "127.0.0.1",
                   "-p",
                   std::to_string(broker.port()),
                   "-V",
                   "5",
                   "-t",
                   "t\x1b[3J",
                   "-m",
                   "p\x1b[4J",
                   "-D",
                   "publish",
                   "content-type",
                   "c\x1b[5J",
                   "-D",
                   "publish",
                   "user-property",
                   "n\x1b[6J",
                   "v\x1b[7J"})
                  .exit == ok);
        REQUIRE(sub.expect(raw ? "\x1b[1mt\x1b[3J|p\x1b[4J|c\x1b[5J|n\x1b[6J:v\x1b[7J\x1b[0m"
                               : "\x1b[1mt\\x1b[3J|p\\x1b[4J|c\\x1b[5J|n\\x1b[6J:v\\x1b[7J\x1b[0m"));
        CHECK(sub.wait() == ok);
        REQUIRE(wait_for_subscriptions(broker, 0));
    }
}

TEST_CASE("a pipe always gets the exact bytes") {
    BrokerThread broker;
    for (const Words& options : {Words{"-v"}, Words{"-F", "%t %p"}}) {
        Words all{"-t", "#", "-C", "1"};
        all.insert(all.end(), options.begin(), options.end());
        Subscribed sub(broker, all);
        broker.publish("top\x1b[3Jic", "\x1b[2J\a\xff");
        CHECK(sub.process.wait() == ok);
        CHECK(sub.process.out() == "top\x1b[3Jic \x1b[2J\a\xff\n");
        REQUIRE(wait_for_subscriptions(broker, 0));
    }
}

TEST_CASE("messages from Mosquitto are escaped on a terminal, and exact with --raw and in a pipe" *
          needs_mosquitto()) {
    const RealBroker broker;
    const std::string port = std::to_string(broker.port());
    REQUIRE(run({mosquitto_pub_path, "-p", port, "-t", "a", "-r", "-m", "x\x1b[2J\a"}).exit == ok);
    Command command{.argv = {program("mqtt_sub"), "-h", "127.0.0.1", "-p", port, "-t", "a", "-C", "1",
                             "--color", "never"}};
    PtyProcess shown(command);
    CHECK(shown.expect("x\\x1b[2J\\x07\r\n"));
    CHECK(shown.wait() == ok);
    CHECK(run(command).out == "x\x1b[2J\a\n");
    command.argv.emplace_back("--raw");
    PtyProcess raw(command);
    CHECK(raw.expect("x\x1b[2J\a\r\n"));
    CHECK(raw.wait() == ok);
}

TEST_CASE("text from the broker is escaped in error messages") {
    BrokerThread broker;
    const auto disconnect = [&] {
        return broker.disconnect_client("me", reason::server_shutting_down, "good\x1b[2Jbye\xc2\x9b");
    };
    const Command command = subscriber(
        broker, {"-V", "5", "-i", "me", "-t", "#", "-F", "%J", "--reconnect", "never", "--color", "never"});
    const auto is_escaped = [](std::string_view text) {
        return text.find('\x1b') == text.npos && text.find('\x9b') == text.npos;
    };
    PtyProcess shown(command);
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a\x1b[2J", "no JSON");
    CHECK(shown.expect("on topic 'a\\x1b[2J' is not valid JSON"));
    CHECK(disconnect());
    CHECK(shown.expect("(good\\x1b[2Jbye"));
    CHECK(shown.wait().code == 65);
    CHECK(is_escaped(shown.screen()));

    Process filed(command);
    REQUIRE(wait_for_subscriptions(broker));
    broker.publish("a\x1b[2J", "no JSON");
    REQUIRE(filed.wait_err("on topic 'a\\x1b[2J' is not valid JSON"));
    CHECK(disconnect());
    CHECK(filed.wait().code == 65);
    CHECK(filed.err().find("(good\\x1b[2Jbye") != std::string::npos);
    CHECK(is_escaped(filed.err()));
}
