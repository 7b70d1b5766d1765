// Connections lost while messages are in flight: the guarantee of each QoS holds, and losses are reported.
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "broker_thread.hpp"
#include "pub_program.hpp"
#include "support/payloads.hpp"

using namespace mqttc;
using namespace mqttc::test;
using broker::Behaviour;
using broker::Broker;
using broker::BrokerThread;

TEST_CASE("a single message whose connection is lost is reported as not delivered") {
    BrokerThread broker;
    for (const char* qos : {"1", "2"}) {
        broker.set([](Behaviour& it) { it.drop_at_publish = 1; });
        const Result result = publish(broker.port(), {"-q", qos, "-t", "a", "-m", "x"});
        CHECK(result.exit.code == 66);
        CHECK(has(result.err, "0 of 1 message delivered"));
    }
}

TEST_CASE("with --reconnect the message is sent again and delivered") {
    BrokerThread broker;
    for (const char* version : {"mqttv311", "mqttv5"}) {
        for (const char* qos : {"1", "2"}) {
            broker.set([](Behaviour& it) { it.drop_at_publish = 1; });
            const Result result = publish(broker.port(), {"-V", version, "-q", qos, "-t", "a", "-m", "x",
                                                          "--reconnect", "3", "--reconnect-delay", "0.01"});
            CHECK(result.exit.code == 0);
            CHECK(has(result.err, "connected again"));
            CHECK(broker.received().size() == 1);
            broker.ask([](Broker& it) { it.forget_received(); });
        }
    }
    CHECK(broker.violations().empty());
}

TEST_CASE("-l survives an outage: at QoS 1 and 2 every line arrives") {
    BrokerThread broker;
    constexpr std::size_t count = 2000;
    for (const char* qos : {"1", "2"}) {
        Command command = pub_command(broker.port(), {"-V", "5", "-q", qos, "-t", "a", "-l", "-i", "me", "-x",
                                                      "60", "--reconnect-delay", "0.01:0.02"});
        command.input = numbered_lines(count);
        broker.set([](Behaviour& it) { it.drop_at_publish = count / 2; });
        const Result result = run(std::move(command));
        CHECK(result.exit.code == 0);
        CHECK(has(result.err, "trying again"));
        CHECK(has(result.err, "connected again"));
        std::set<std::string> seen;
        for (const auto& one : broker.received()) seen.emplace(as_text(one.message->payload));
        std::size_t missing = 0;
        for (std::size_t i = 0; i < count; ++i) missing += seen.contains(std::to_string(i)) ? 0U : 1U;
        CHECK(missing == 0);
        broker.ask([](Broker& it) { it.forget_received(); });
    }
    CHECK(broker.violations().empty());
}

TEST_CASE("-l at QoS 0 reports possible losses once per outage") {
    BrokerThread broker;
    Command command = pub_command(broker.port(), {"-t", "a", "-l", "--reconnect-delay", "0.01"});
    command.keep_stdin_open = true;
    Process process(std::move(command));
    process.write("one\n");
    REQUIRE(broker.wait_for_received(1));
    broker.ask([](Broker& it) {
        it.stop_accepting();
        it.drop_connections();
    });
    REQUIRE(process.wait_err("cannot connect"));
    REQUIRE(broker.resume_accepting());
    REQUIRE(process.wait_err("connected again"));
    const std::string err = process.err();
    CHECK(has(err.substr(0, err.find('\n')), "; QoS 0 messages in flight may be lost; trying again in "));
    CHECK(has(err.substr(0, err.find('\n')), " (forever; --reconnect N or -W limits it)"));
    CHECK_FALSE(has(err.substr(err.find('\n')), "may be lost"));
    CHECK_FALSE(has(err.substr(err.find('\n')), "for ever"));
    process.write("two\n");
    REQUIRE(broker.wait_for_received(2));
    process.close_stdin();
    CHECK(process.wait().code == 0);
}

TEST_CASE("-l with --reconnect never ends when the connection is lost") {
    BrokerThread broker;
    Command command = pub_command(broker.port(), {"-q", "1", "-t", "a", "-l", "--reconnect", "never"});
    command.keep_stdin_open = true;
    Process process(std::move(command));
    process.write("one\n");
    REQUIRE(broker.wait_for_received(1));
    broker.drop_connections();
    CHECK(process.wait().code == 65);
    CHECK(has(process.err(), "the input was not read to its end"));
}

TEST_CASE("the reason of a DISCONNECT is reported") {
    BrokerThread broker;
    Command command =
        pub_command(broker.port(), {"-V", "5", "-i", "me", "-t", "a", "-l", "--reconnect", "never"});
    command.keep_stdin_open = true;
    Process process(std::move(command));
    REQUIRE(broker.wait_for_clients(1));
    REQUIRE(broker.disconnect_client("me", reason::administrative_action, "go away"));
    CHECK(process.wait().code == 65);
    CHECK(has(process.err(), "administrative action"));
}

TEST_CASE("the first connection is retried only with --reconnect") {
    BrokerThread broker;
    const std::uint16_t port = broker.port();
    broker.stop_accepting();
    CHECK(publish(port, {"-t", "a", "-l"}, "x\n").exit.code == 61);
    Process process(pub_command(
        port, {"-t", "a", "-m", "x", "--reconnect", "forever", "--reconnect-delay", "0.01:0.05"}));
    REQUIRE(process.wait_err("trying again"));
    REQUIRE(broker.resume_accepting());
    CHECK(process.wait().code == 0);
    CHECK(broker.wait_for_received(1));
}

TEST_CASE("a QoS 2 message is lost without a session, and the end says so; a kept session loses nothing") {
    BrokerThread broker;
    struct Row {
        std::vector<std::string> options;
        int code;
    };
    for (const Row& row :
         {Row{{"-V", "311"}, 66}, Row{{"-V", "5"}, 0}, Row{{"-V", "311", "-c", "-i", "me"}, 0}}) {
        broker.set([](Behaviour& it) { it.answer_pubrel = false; });
        Command command = pub_command(broker.port(), {"-q", "2", "-t", "a", "-m", "x", "--reconnect", "3",
                                                      "--reconnect-delay", "0.01", "-d"});
        command.argv.insert(command.argv.end(), row.options.begin(), row.options.end());
        Process process(std::move(command));
        REQUIRE(process.wait_err("sent PUBREL"));
        // In one step: a PUBREL that the broker has not read yet must not be answered.
        broker.ask([](Broker& it) {
            it.drop_connections();
            it.behaviour().answer_pubrel = true;
        });
        CHECK(process.wait().code == row.code);
        const bool uncertain =
            has(process.err(),
                "0 of 1 message delivered, whether 1 was delivered is unknown (-V mqttv5, or -c with -i");
        CHECK(uncertain == (row.code == 66));
    }
}

TEST_CASE("topics for which brokers close the connection are warned about once, by the character") {
    BrokerThread broker;
    const Result result = publish(broker.port(), {"-t", "home\tdoor", "-t", "home/\x01", "-m", "x"});
    CHECK(result.exit.code == 0);
    CHECK(has(result.err, "warning: the topic 'home\\tdoor' has the character U+0009"));
    CHECK_FALSE(has(result.err, "U+0001"));
    CHECK(has(publish(broker.port(), {"-t", "a\xef\xbf\xbf", "-m", "x"}).err, "U+FFFF"));
    CHECK(has(publish(broker.port(), {"-t", "a", "-m", "x", "--will-topic", "w\t"}).err,
              "the topic 'w\\t' has the character U+0009"));
    CHECK(has(publish(broker.port(), {"-t", "a\x7f", "-m", "x", "-W", "0.1", "--request"}).err, "U+007F"));
    CHECK(has(
        publish(broker.port(), {"-t", "a", "-m", "x", "-W", "0.1", "--request", "--response-topic", "r\x02"})
            .err,
        "U+0002"));
    CHECK(publish(broker.port(), {"-t", "caf\xc3\xa9/\xf0\x9f\x9a\xaa", "-m", "x"}).err.empty());
}

TEST_CASE(
    "a broker that closes twice in a row on the same unusual message ends the run with 66 and the likely "
    "cause") {
    struct Row {
        Qos closes_at;
        Words options;
        const char* cause;
    };
    for (const Row& row : {Row{Qos::exactly_once, {"-q", "2", "-t", "a"}, "QoS 2 (try -q 1)"},
                           Row{Qos::at_most_once, {"-q", "1", "-t", "a b"}, "a space in the topic"},
                           Row{Qos::at_most_once, {"-t", "a", "-r"}, "retained messages"},
                           Row{Qos::at_most_once,
                               {"-q", "2", "-r", "-t", "a.b"},
                               "QoS 2 (try -q 1), or a dot in the topic, or retained messages"}}) {
        CAPTURE(row.cause);
        BrokerThread broker;
        broker.set([&](Behaviour& it) { it.close_at_qos = row.closes_at; });
        Words options = row.options;
        options.insert(options.end(), {"-l"});
        Command command = pub_command(broker.port(), options);
        command.keep_stdin_open = true;
        Process pub(command);
        pub.write("1\n");
        if (row.options[0] != "-q") {
            // At QoS 0 the first message is lost with the connection.
            REQUIRE(pub.wait_err("connected again"));
            pub.write("2\n");
        }
        CHECK(pub.wait() == Exit{.code = 66});
        const std::string err = pub.err();
        CHECK(has(err, std::string("again; likely cause: it does not accept ") + row.cause + "\n"));
        CHECK(broker.connects().size() == 2);
    }
}

TEST_CASE(
    "a broker that closes again and again on the largest message so far ends the run with 66 and names it") {
    broker::Options options;
    options.limits.maximum_packet_size = 500;
    BrokerThread broker(options);
    const std::string large(2000, 'x');
    for (const std::string& input : {large + "\n", std::string(400, 'x') + "\n" + large + "\nshort\n"}) {
        for (const char* qos : {"1", "2"}) {
            const std::size_t before = broker.connects().size();
            const Result result =
                publish(broker.port(),
                        {"-V", "mqttv311", "-q", qos, "-t", "a", "-l", "--reconnect-delay", "0.01"}, input);
            CHECK(result.exit.code == 66);
            CHECK(has(result.err, "again; likely cause: it does not accept "));
            CHECK(has(result.err, "messages of 2000 bytes\n"));
            CHECK(has(result.err, "the first message not acknowledged: topic 'a', 2000 bytes: xxx"));
            // The size alone needs more than two, because it may be the network.
            const std::size_t tries = broker.connects().size() - before;
            CHECK((*qos == '1' ? tries >= 5 : tries <= 3));
        }
    }
}

TEST_CASE("a message that is not larger than an accepted one is published again without end") {
    BrokerThread broker;
    Command command =
        pub_command(broker.port(), {"-q", "1", "-t", "a", "-l", "--reconnect-delay", "0.01:0.01"});
    command.keep_stdin_open = true;
    Process pub(command);
    const std::string line = std::string(300, 'x') + "\n";
    pub.write(line);
    REQUIRE(broker.wait_until([](Broker& it) { return it.received().size() == 1; }));
    broker.set([](Behaviour& it) { it.close_at_qos = Qos::at_most_once; });
    pub.write(line);
    REQUIRE(broker.wait_until([](Broker& it) { return it.connects().size() >= 4; }));
    broker.set([](Behaviour& it) { it.close_at_qos.reset(); });
    pub.close_stdin();
    CHECK(pub.wait() == Exit{.code = 0});
}

TEST_CASE("a lost connection without another try names what the broker may not accept") {
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.close_at_qos = Qos::exactly_once; });
    const Result result = publish(broker.port(), {"-q", "2", "-t", "a", "-m", "x"});
    CHECK(result.exit.code == 66);
    CHECK(has(result.err, "some brokers close the connection because they do not accept QoS 2 (try -q 1)\n"));
}

TEST_CASE("messages that every broker accepts, and --reconnect, are published again without end") {
    const std::vector<Words> rows = {{"-q", "1", "-t", "a"},
                                     {"-q", "2", "-t", "a", "--reconnect", "forever"}};
    for (const Words& row : rows) {
        BrokerThread broker;
        broker.set([](Behaviour& it) { it.close_at_qos = Qos::at_most_once; });
        Words options = row;
        options.insert(options.end(), {"-l", "--reconnect-delay", "0.01:0.01"});
        Command command = pub_command(broker.port(), options);
        command.input = "1\n";
        Process pub(command);
        REQUIRE(broker.wait_until([](Broker& it) { return it.connects().size() >= 4; }));
        broker.set([](Behaviour& it) { it.close_at_qos.reset(); });
        CHECK(pub.wait() == Exit{.code = 0});
    }
}
