// Without memory or descriptors both programs end with an error message, not with a crash.
#include <doctest/doctest.h>

#include <utility>

#include "broker_thread.hpp"
#include "delivery.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::test;
using broker::BrokerThread;

namespace {

/// The command with limits of ulimit: "-v 20000" is KiB of address space, "-n 3" descriptors.
Command limited(Command command, const std::string& limits) {
    command.argv.insert(command.argv.begin(), {"/bin/sh", "-c", "ulimit " + limits + R"(; exec "$@")", "sh"});
    return command;
}

void check_end(const Result& result) {
    CAPTURE(result.exit);
    CAPTURE(result.err);
    CHECK(result.exit.signal == 0);
    CHECK(!result.exit.timed_out);
    CHECK(result.exit.code != 0);
    CHECK(!result.err.empty());
}

}  // namespace

TEST_CASE("without descriptors both programs end with an error message") {
    BrokerThread broker;
    for (int count = 3; count <= 5; ++count) {
        for (const bool name : {false, true}) {
            const std::string limits = "-n " + std::to_string(count);
            Command pub = client("mqtt_pub", broker.port(), {"-t", "a", "-m", "x"});
            Command sub = client("mqtt_sub", broker.port(), {"-t", "a", "-E"});
            if (name) {
                pub.argv.insert(pub.argv.end(), {"-h", "localhost"});
                sub.argv.insert(sub.argv.end(), {"-h", "localhost"});
            }
            CAPTURE(count);
            const Result published = run(limited(std::move(pub), limits));
            if (count == 3 || published.exit.code != 0) check_end(published);
            const Result subscribed = run(limited(std::move(sub), limits));
            if (count == 3 || subscribed.exit.code != 0) check_end(subscribed);
        }
    }
}

TEST_CASE("without memory for a message both programs end with an error message" * needs_no_sanitizer()) {
    const TempDir dir;
    BrokerThread broker;
    const std::string large(std::size_t{48} << 20, 'x');
    const std::string file = dir.write("large", large);
    // More than the programs need, less than the message takes.
    const std::string limits = "-v 40000";
    REQUIRE(run(limited(client("mqtt_pub", broker.port(), {"-q", "1", "-t", "a", "-m", "x"}), limits))
                .exit.code == 0);
    // A payload that cannot be read completely is not sent in part.
    check_end(run(limited(client("mqtt_pub", broker.port(), {"-t", "a", "-f", file}), limits)));
    Command whole = client("mqtt_pub", broker.port(), {"-t", "a", "-s"});
    whole.stdin_file = file;
    check_end(run(limited(std::move(whole), limits)));
    const auto lines = dir.write("lines", "one\ntwo\n" + large);
    for (const char* qos : {"0", "1", "2"}) {
        CAPTURE(qos);
        for (const auto& [input, delivered] :
             {std::pair(file, "nothing was sent"), std::pair(lines, "0 of 2 messages delivered")}) {
            Command line = client("mqtt_pub", broker.port(), {"-t", "a", "-l", "-q", qos});
            line.stdin_file = input;
            const Result result = run(limited(std::move(line), limits));
            CAPTURE(result.err);
            CHECK(result.exit == Exit{.code = 66});
            CHECK(has(result.err, "out of memory"));
            CHECK(has(result.err, delivered));
            CHECK(has(result.err, "the input was not read to its end"));
        }
    }

    broker.publish("large", large, Qos::at_most_once, true);
    for (const char* format : {"%p", "%x", "%j"}) {
        CAPTURE(format);
        Command sub = client("mqtt_sub", broker.port(), {"-t", "large", "-C", "1", "-F", format});
        sub.stdout_file = "/dev/null";
        check_end(run(limited(std::move(sub), limits)));
    }
}

TEST_CASE("address space that ends anywhere during the start is reported" * needs_no_sanitizer()) {
    BrokerThread broker;
    for (const char* name : {"mqtt_pub", "mqtt_sub"}) {
        for (int kib = 6000; kib <= 30'000; kib += 1500) {
            CAPTURE(name);
            CAPTURE(kib);
            const bool publishes = std::string_view(name) == "mqtt_pub";
            const Words options = publishes ? Words{"-t", "a", "-m", "x"} : Words{"-t", "a", "-E"};
            const Result result =
                run(limited(client(name, broker.port(), options), "-v " + std::to_string(kib)));
            if (result.exit.code == 0) continue;
            // If the dynamic loader fails, the message is its own, with 127.
            check_end(result);
        }
    }
}
