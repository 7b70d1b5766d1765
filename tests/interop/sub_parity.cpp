// Command lines given to mqtt_sub and to Debian's mosquitto_sub, beside the same broker: stdout and exit code
// are equal, except where a row names the difference.
#include <doctest/doctest.h>

#include <algorithm>
#include <future>
#include <iostream>
#include <string>
#include <vector>

#include "support/port.hpp"
#include "support/process.hpp"
#include "support/real_broker.hpp"

using namespace mqttc::test;
using Words = std::vector<std::string>;

namespace {

struct Row {
    Words options;
    std::string difference = {};  // empty: none
    int ours = 0;                 // our exit code, when there is a difference
};

std::string joined(const Words& words) {
    std::string all;
    for (const std::string& word : words) all += word + ' ';
    return all;
}

void replace(std::string& text, std::string_view what, const std::string& with) {
    const std::size_t at = text.find(what);
    if (at != std::string::npos) text.replace(at, what.size(), with);
}

// PORT in an option stands for the broker's, CLOSED for one where nobody listens. `-p PORT` is added unless
// the row says where to connect.
Result ran(const std::string& path, const Words& options, const RealBroker& broker, std::uint16_t closed) {
    Command command{.argv = {path}};
    const auto named = [](const std::string& word) {
        return word == "-p" || word == "-L" || word == "--help" || word == "--version";
    };
    if (std::ranges::none_of(options, named)) {
        command.argv.insert(command.argv.end(), {"-h", "127.0.0.1", "-p", "PORT"});
    }
    command.argv.insert(command.argv.end(), options.begin(), options.end());
    for (std::string& word : command.argv) {
        replace(word, "PORT", std::to_string(broker.port()));
        replace(word, "CLOSED", std::to_string(closed));
    }
    command.unset = {"HOME", "XDG_CONFIG_HOME"};
    return run(command);
}

void compare(const std::vector<Row>& rows, const RealBroker& broker) {
    const std::uint16_t closed = free_port();
    for (const Row& row : rows) {
        CAPTURE(joined(row.options));
        CAPTURE(row.difference);
        // Two clients with one identifier would take each other's place.
        const bool named = std::ranges::find(row.options, "-i") != row.options.end();
        auto theirs_later = std::async(named ? std::launch::deferred : std::launch::async,
                                       [&] { return ran(mosquitto_sub_path, row.options, broker, closed); });
        const Result ours = ran(program("mqtt_sub"), row.options, broker, closed);
        const Result theirs = theirs_later.get();
        if (row.difference.empty()) {
            CHECK(ours.exit == theirs.exit);
            CHECK(ours.out == theirs.out);
        } else {
            CHECK(ours.exit == Exit{.code = row.ours});
            CHECK((ours.exit != theirs.exit || ours.out != theirs.out));
        }
    }
}

bool missing() {
    if (RealBroker::available()) return false;
    std::cout << "skipped: mosquitto is not installed\n";
    return true;
}

void keep(const RealBroker& broker, const std::string& topic, const std::string& payload) {
    const Result result = run({mosquitto_pub_path, "-p", std::to_string(broker.port()), "-r", "-q", "1", "-t",
                               topic, "-m", payload});
    REQUIRE(result.exit == Exit{.code = 0});
}

}  // namespace

TEST_CASE("retained messages are chosen, printed and counted as by mosquitto_sub") {
    if (missing()) return;
    const RealBroker broker;
    keep(broker, "p/a", "1");
    keep(broker, "p/b", "two words");
    keep(broker, "p/c/d", "3");
    keep(broker, "p/\xc3\xa9", "\xc3\xa9t\xc3\xa9");
    keep(broker, "other", "x");
    compare(
        {
            {{"-t", "p/a", "-C", "1"}},
            {{"-t", "p/a", "-C", "1", "-v"}},
            {{"-t", "p/a", "-C", "1", "-N"}},
            {{"-t", "p/a", "-C", "1", "-v", "-N"}},
            {{"-t", "p/a", "-vC", "1"}, "short flags may be clustered", 0},
            {{"-t", "p/#", "-C", "4", "-v"}},
            {{"-t", "p/+", "-C", "3", "-v"}},
            {{"-t", "+/a", "-C", "1", "-v"}},
            {{"-t", "#", "-C", "5", "-v"}},
            {{"-t", "p/\xc3\xa9", "-C", "1", "-v"}},
            {{"-t", "p/a", "-t", "p/b", "-C", "2", "-v"}},
            {{"-t", "p/a", "-t", "other", "-t", "p/c/d", "-C", "3"}},
            {{"-t", "#", "-T", "p/#", "-C", "1", "-v"}},
            {{"-t", "p/#", "-T", "p/a", "-T", "p/c/#", "-C", "2", "-v"}},
            {{"-t", "p/#", "-T", "+/+", "-C", "1", "-v"}},
            {{"-t", "p/#", "--retained-only", "-C", "2", "-v"}},
            {{"-t", "p/a", "-F", "%t|%p|%q|%r|%l|%m", "-C", "1"}},
            {{"-t", "p/b", "-F", "%10.3t|%-20p|%05l|%x", "-C", "1"}},
            {{"-t", "p/a", "-F", "%t\\0%p\\0", "-N", "-C", "1"}},
            {{"-t", "p/a", "-q", "1", "-F", "%q %m", "-C", "1"}},
            {{"-t", "p/a", "-q", "2", "-F", "%q %m", "-C", "1"}},
            {{"-t", "p/#", "-q", "2", "-F", "%t %q %m", "-C", "4"}},
            {{"-t", "p/a", "-q", "0", "-q", "1", "-F", "%q", "-C", "1"}},
            {{"-t", "p/a", "-C", "5", "-C", "1"}},
            {{"-t", "p/a", "-V", "mqttv31", "-C", "1"}},
            {{"-t", "p/a", "-V", "mqttv311", "-C", "1"}},
            {{"-t", "p/a", "-V", "mqttv5", "-C", "1"}},
            {{"-t", "p/a", "-V", "5", "-C", "1"}},
            {{"-t", "p/a", "-V", "311", "-C", "1"}},
            {{"-t", "p/a", "-x", "10", "-C", "1"}},
            {{"-t", "p/a", "-i", "a-client", "-C", "1"}},
            {{"-t", "p/a", "-I", "prefix-", "-C", "1"}},
            {{"-t", "p/a", "-i", "stays", "-c", "-C", "1"}},
            {{"-t", "p/a", "-k", "10", "-C", "1"}},
            {{"-t", "p/a", "-M", "5", "-C", "1"}},
            {{"-t", "p/a", "-A", "127.0.0.1", "-C", "1"}},
            {{"-t", "p/a", "--nodelay", "-C", "1"}},
            {{"-t", "p/a", "-u", "anybody", "-P", "secret", "-C", "1"}},
            {{"-t", "p/a", "--will-topic", "w", "--will-payload", "x", "--will-qos", "1", "--will-retain",
              "-C", "1"}},
            {{"-t", "p/a", "-U", "p/b", "-C", "1"}},
            {{"-t", "p/a", "--quiet", "-C", "1"}},
            {{"-L", "mqtt://127.0.0.1:PORT/p/a", "-C", "1"}},
            {{"-L", "mqtt://user:pass@127.0.0.1:PORT/p/b", "-C", "1", "-v"}},
            {{"-L", "mqtt://127.0.0.1:PORT/p/a", "-t", "p/b", "-C", "2", "-v"}},
            {{"-V", "mqttv5", "-t", "p/a", "-D", "subscribe", "subscription-identifier", "5", "-F", "%S %p",
              "-C", "1"}},
            {{"-V", "mqttv5", "-t", "p/a", "--retain-as-published", "-F", "%r", "-C", "1"}},
            {{"-V", "mqttv5", "-t", "$share/g/p/a", "-W", "1"}},
            {{"-t", "p/#", "-R", "-W", "1"}},
            {{"-t", "nothing", "-W", "1"}},
            {{"-t", "nothing", "-W", "1", "--quiet"}},
            {{"-t", "p/a", "-C", "2", "-W", "1"}},
            {{"-t", "$SYS/broker/version", "-C", "1", "-v"}},
            {{"-t", "nothing", "-E"}},
            {{"-t", "nothing", "-t", "more", "-q", "1", "-E"}},
        },
        broker);
}

TEST_CASE("wrong command lines end with 1 and print nothing on stdout, as with mosquitto_sub") {
    if (missing()) return;
    const RealBroker broker;
    std::vector<Row> rows;
    for (const Words& options : std::vector<Words>{
             {"-C", "1"},
             {"-t"},
             {"-t", "a/+b"},
             {"-t", "a#"},
             {"-t", "a/#/b"},
             {"-t", "#a"},
             {"-t", "+a"},
             {"-t", "a", "-T", "b/#/c"},
             {"-t", "a", "-U", "b+"},
             {"-t", "a", "-C"},
             {"-t", "a", "-C", "0"},
             {"-t", "a", "-C", "-1"},
             {"-t", "a", "-C", "x"},
             {"-t", "a", "-W"},
             {"-t", "a", "-W", "0"},
             {"-t", "a", "-W", "x"},
             {"-t", "a", "-q"},
             {"-t", "a", "-q", "3"},
             {"-t", "a", "-q", "-1"},
             {"-t", "a", "-F"},
             {"-t", "a", "-F", "%"},
             {"-t", "a", "-k", "3"},
             {"-t", "a", "-k", "65536"},
             {"-t", "a", "-p", "65536"},
             {"-t", "a", "-p", "-1"},
             {"-t", "a", "-V", "mqttv4"},
             {"-t", "a", "-c"},
             {"-t", "a", "-i", "x", "-I", "y"},
             {"-t", "a", "-R", "--retained-only"},
             {"-t", "a", "--random-filter", "0"},
             {"-t", "a", "--random-filter", "x"},
             {"-t", "a", "--will-payload", "x"},
             {"-t", "a", "--will-retain"},
             {"-t", "a", "--will-topic", "w/#"},
             {"-t", "a", "--will-topic", "w", "--will-qos", "3"},
             {"-t", "a", "-x", "x"},
             {"-t", "a", "-D", "subscribe"},
             {"-t", "a", "-D", "subscribe", "no-such-property", "1"},
             {"-t", "a", "-D", "nothing", "subscription-identifier", "1"},
             {"-t", "a", "-D", "subscribe", "content-type", "x"},
             {"-t", "a", "--cert", "only.pem"},
             {"-t", "a", "--cafile", "x", "--psk", "00", "--psk-identity", "i"},
             {"-t", "a", "--psk", "00"},
             {"-t", "a", "--proxy", "ftp://x"},
             {"-L", "http://x/y"},
             {"-t", "a", "--no-such-option"},
             {"-t", "a", "-Z"},
             {"-t", "a", "-l"},
             {"-t", "a", "-m", "x"},
             {"stray"},
         }) {
        rows.push_back({options});
    }
    rows.push_back({{"-t", "", "-W", "1"}, "an empty filter is refused", 1});
    rows.push_back(
        {{"-t", "a", "--will-qos", "1", "-W", "1"}, "a will option without a topic is refused", 1});
    compare(rows, broker);
}

TEST_CASE("where exit codes differ, ours tell more") {
    if (missing()) return;
    const RealBroker broker("allow_anonymous false\n");
    compare(
        {
            {{"-p", "CLOSED", "-t", "a"}, "could not connect has a code of its own", 61},
            {{"-p", "PORT", "-h", "no-such-host.invalid", "-t", "a"},
             "an unknown host has a code of its own",
             60},
            {{"--help"}, "help was asked for, and goes to stdout with 0", 0},
            {{"--version"}, "the version was asked for", 0},
        },
        broker);
    // The broker's refusal is the exit code in both.
    compare({{{"-t", "a"}},
             {{"-t", "a", "-V", "mqttv31"}},
             {{"-t", "a", "-V", "mqttv5"}},
             {{"-t", "a", "-u", "x", "-P", "y"}}},
            broker);
}
