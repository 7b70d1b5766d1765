// Exit code 0 means delivered. Messages that the broker refuses or does not acknowledge are reported, with exit code 66.
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "broker_thread.hpp"
#include "pub_program.hpp"
#include "support/hex.hpp"
#include "support/temp_dir.hpp"
#include "unit/net/listener.hpp"

using namespace mqttc;
using namespace mqttc::test;
using broker::Behaviour;
using broker::Broker;
using broker::BrokerThread;

namespace {

/// A broker of MQTT 3.1.1 that takes 50 kB/s, and a second before each acknowledgement of its one message.
class SlowBroker {
  public:
    explicit SlowBroker(std::size_t publish_size) : thread_([this, publish_size] { serve(publish_size); }) {
        // A small window: what the broker has not taken stays on the client's side.
        const int window = 4096;
        ::setsockopt(listener_.fd.get(), SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
    }
    ~SlowBroker() { thread_.join(); }
    SlowBroker(const SlowBroker&) = delete;
    SlowBroker& operator=(const SlowBroker&) = delete;

    std::uint16_t port() const { return listener_.port; }

  private:
    using Milliseconds = std::chrono::milliseconds;
    static constexpr std::size_t piece = 5'000;
    static constexpr Milliseconds per_piece{100};
    static constexpr Milliseconds before_answer{1'000};

    void serve(std::size_t publish_size) const {
        pollfd waiting{.fd = listener_.fd.get(), .events = POLLIN, .revents = 0};
        ::poll(&waiting, 1, 30'000);
        const Descriptor peer(::accept(listener_.fd.get(), nullptr, nullptr));
        std::uint8_t bytes[piece];
        const auto take = [&](std::size_t most) { return ::recv(peer.get(), bytes, most, 0); };
        const auto answer = [&](std::string_view packet) {
            std::this_thread::sleep_for(before_answer);
            const auto wire = hex(packet);
            ::send(peer.get(), wire.data(), wire.size(), MSG_NOSIGNAL);
        };
        take(sizeof bytes);
        answer("20 02 00 00");
        bool exactly_once = false;
        for (std::size_t taken = 0; taken < publish_size;) {
            const ssize_t got = take(std::min(piece, publish_size - taken));
            if (got <= 0) return;
            if (taken == 0) exactly_once = (bytes[0] & 0x06) == 0x04;
            taken += static_cast<std::size_t>(got);
            std::this_thread::sleep_for(per_piece);
        }
        answer(exactly_once ? "50 02 0001" : "40 02 0001");
        if (exactly_once && take(sizeof bytes) == 4) answer("70 02 0001");
        while (take(sizeof bytes) > 0) {
        }
    }

    Listener listener_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("a refused message is reported with its reason") {
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.publish_reason = reason::not_authorized; });
    for (const char* qos : {"1", "2"}) {
        const Result result = publish(broker.port(), {"-V", "5", "-q", qos, "-t", "a", "-m", "x"});
        CHECK(result.exit.code == 66);
        CHECK(result.err ==
              "mqtt_pub: the broker refused a message to 'a': not authorized\n"
              "mqtt_pub: 0 of 1 message delivered\n");
    }
}

TEST_CASE("each refused message is reported with its topic") {
    struct Row {
        Words options;
        std::string input = {};
    };
    broker::Options options;
    options.deny_publish = {"no/#"};
    BrokerThread broker(options);
    for (const Row& row : {Row{{"-l", "--input", "topic"}, "no/a 1\nok/a 2\nno/b 3\n"},
                           Row{{"-l", "--input", "json"},
                               "{\"topic\":\"no/a\"}\n{\"topic\":\"ok/a\"}\n{\"topic\":\"no/b\"}\n"},
                           Row{{"-l", "--input", "csv"}, "topic,payload\nno/a,1\nok/a,2\nno/b,3\n"},
                           Row{{"-t", "no/a", "-t", "ok/a", "-t", "no/b", "-m", "x"}}}) {
        CAPTURE(row.options[1]);
        for (const char* qos : {"1", "2"}) {
            Words words{"-V", "5", "-q", qos};
            words.insert(words.end(), row.options.begin(), row.options.end());
            const Result result = publish(broker.port(), words, row.input);
            CHECK(result.exit.code == 66);
            CHECK(result.err ==
                  "mqtt_pub: the broker refused a message to 'no/a': not authorized\n"
                  "mqtt_pub: the broker refused a message to 'no/b': not authorized\n"
                  "mqtt_pub: 1 of 3 messages delivered\n");
        }
    }
}

TEST_CASE("the first refusals are reported, the others counted") {
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.publish_reason = reason::quota_exceeded; });
    const Result result =
        publish(broker.port(), {"-V", "5", "-q", "1", "-t", "a", "-m", "x", "--repeat", "100"});
    CHECK(result.exit.code == 66);
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 12);
    CHECK(result.err.ends_with("mqtt_pub: 0 of 100 messages delivered\n"));
}

TEST_CASE("a reason code below 128 is not a failure") {
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.publish_reason = reason::no_matching_subscribers; });
    publish_ok(broker.port(), {"-V", "5", "-q", "1", "-t", "a", "-m", "x"});
}

TEST_CASE("a missing acknowledgement ends the run") {
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.answer_publish = false; });
    for (const char* qos : {"1", "2"}) {
        const Result result =
            publish(broker.port(), {"-q", qos, "-t", "a", "-m", "x", "--ack-timeout", "0.2"});
        CHECK(result.exit.code == 66);
        CHECK(has(result.err, "0 of 1 message delivered"));
    }
}

TEST_CASE("a broker that takes a message slowly, and answers slowly, gets it once at QoS 1 and 2") {
    const std::string payload(200'000, 'x');
    // Fixed header, topic and packet identifier.
    const std::size_t size = 4 + 3 + 2 + payload.size();
    SlowBroker brokers[] = {SlowBroker(size), SlowBroker(size)};
    const TempDir dir;
    const auto file = dir.write("payload", payload);
    const auto command = [&](int qos) {
        return pub_command(brokers[qos - 1].port(),
                           {"-q", std::to_string(qos), "-t", "a", "-f", file, "--ack-timeout", "3"});
    };
    Process once(command(1));
    Process twice(command(2));
    for (Process* process : {&once, &twice}) {
        CHECK(process->wait() == Exit{.code = 0});
        CHECK(process->err() == "");
    }
}

TEST_CASE("-W limits the whole run") {
    BrokerThread broker;
    broker.set([](Behaviour& it) { it.answer_publish = false; });
    Result result = publish(broker.port(), {"-q", "1", "-t", "a", "-m", "x", "-W", "1"});
    CHECK(result.exit.code == 27);
    CHECK(result.err ==
          "mqtt_pub: stopped by -W after 1 s: waiting for acknowledgements; 0 of 1 message delivered\n");

    Command lines = pub_command(broker.port(), {"-t", "a", "-l", "-W", "1"});
    lines.keep_stdin_open = true;
    lines.input = "x\n";
    CHECK(run(std::move(lines)).err ==
          "mqtt_pub: stopped by -W after 1 s: waiting for input; 1 of 1 message delivered, and the input "
          "was "
          "not read to its end\n");

    broker.set([](Behaviour& it) { it.answer_connect = false; });
    result = publish(broker.port(), {"-t", "a", "-m", "x", "-W", "0.2"});
    CHECK(result.exit.code == 27);
    CHECK(result.err.starts_with("mqtt_pub: stopped by -W after 0.2 s: cannot connect to 127.0.0.1:" +
                                 std::to_string(broker.port()) + ": connected, but no CONNACK within 0."));
    CHECK(result.err.ends_with(" s (is it an MQTT broker?); 0 of 1 message delivered\n"));

    Command command = pub_command(broker.port(), {"-t", "a", "-s", "-W", "0.2"});
    command.keep_stdin_open = true;
    CHECK(run(std::move(command)).exit.code == 27);
}

TEST_CASE("a QoS or retain that the broker does not support is reported without sending the message") {
    broker::Options options;
    options.limits.maximum_qos = Qos::at_least_once;
    options.limits.retain_available = false;
    BrokerThread broker(options);
    Result result = publish(broker.port(), {"-V", "5", "-q", "2", "-t", "a", "-m", "x"});
    CHECK(result.exit.code == 66);
    CHECK(has(result.err, "QoS 1"));
    result = publish(broker.port(), {"-V", "5", "-r", "-t", "a", "-m", "x"});
    CHECK(result.exit.code == 66);
    CHECK(has(result.err, "retain"));
    CHECK(broker.received().empty());
    CHECK(broker.violations().empty());
}

TEST_CASE("a message that is too large for the broker is reported, and the others are sent") {
    broker::Options options;
    options.limits.maximum_packet_size = 100;
    const std::string input = "small\nsmall too\n" + std::string(200, 'x') + "\nsmall again\nlast one\n";
    for (const char* qos : {"0", "1"}) {
        BrokerThread broker(options);
        const Result result = publish(broker.port(), {"-V", "5", "-q", qos, "-t", "a", "-l"}, input);
        CHECK(result.exit.code == 66);
        CHECK(has(result.err, "100"));
        CHECK(has(result.err, "4 of 5 messages delivered"));
        CHECK(broker.wait_for_received(4));
        CHECK(broker.received().size() == 4);
        CHECK(broker.violations().empty());
    }
}

TEST_CASE("a file that is truncated while it is sent ends with 1 and that reason") {
    for (const char* qos : {"0", "1"}) {
        CAPTURE(qos);
        const TempDir dir;
        const std::string file = dir.write("large", "");
        // More than the buffers of both sockets take.
        REQUIRE(::truncate(file.c_str(), off_t{64} << 20) == 0);
        const Listener listener;
        Process process(pub_command(listener.port, {"-t", "a", "-q", qos, "-f", file}));
        pollfd waiting{.fd = listener.fd.get(), .events = POLLIN, .revents = 0};
        REQUIRE(::poll(&waiting, 1, 20'000) == 1);
        const Descriptor peer = listener.accept();
        waiting.fd = peer.get();
        REQUIRE(::poll(&waiting, 1, 20'000) == 1);
        char bytes[65'536];
        REQUIRE(::recv(peer.get(), bytes, sizeof bytes, 0) > 0);
        REQUIRE(::send(peer.get(), "\x20\x02\0\0", 4, MSG_NOSIGNAL) == 4);
        REQUIRE(::poll(&waiting, 1, 20'000) == 1);
        REQUIRE(::truncate(file.c_str(), 4096) == 0);
        while (::poll(&waiting, 1, 20'000) == 1 && ::recv(peer.get(), bytes, sizeof bytes, 0) > 0) {
        }
        CHECK(process.wait().code == 1);
        CHECK(has(process.err(), "the file was truncated while it was sent"));
        CHECK_FALSE(has(process.err(), "trying again"));
    }
}

TEST_CASE("when the broker does not support retain, -l -r stops at the first line") {
    broker::Options options;
    options.limits.retain_available = false;
    BrokerThread broker(options);
    const Result result = publish(broker.port(), {"-V", "5", "-r", "-t", "a", "-l"}, "one\ntwo\nthree\n");
    CHECK(result.exit.code == 66);
    CHECK(has(result.err, "the broker does not support retained messages: publish without retain"));
    CHECK(has(result.err, "0 of 3 messages delivered, and the input was not read to its end"));
    CHECK(broker.received().empty());
}

TEST_CASE("an interrupted publisher sends DISCONNECT and reports what was not delivered") {
    for (const int signal : {SIGINT, SIGTERM}) {
        BrokerThread broker;
        broker.set([](Behaviour& it) {
            it.answer_publish = false;
            it.close_after_disconnect = false;
        });
        Process process(pub_command(broker.port(), {"-q", "1", "-t", "a", "-m", "x", "--will-topic", "w"}));
        REQUIRE(broker.wait_for_received(1));
        const auto start = std::chrono::steady_clock::now();
        process.send_signal(signal);
        CHECK(process.wait().code == 66);
        CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
        CHECK(has(process.err(), "0 of 1 message delivered"));
        // No will: DISCONNECT was sent.
        CHECK(broker.received().size() == 1);
    }
}

TEST_CASE("an interrupted stream of lines succeeds when every line that was read is delivered") {
    BrokerThread broker;
    Command command = pub_command(broker.port(), {"-q", "1", "-t", "a", "-l"});
    command.keep_stdin_open = true;
    Process process(std::move(command));
    process.write("one\ntwo\n");
    REQUIRE(broker.wait_for_received(2));
    process.send_signal(SIGTERM);
    CHECK(process.wait().code == 0);
    CHECK(process.err().empty());
}

TEST_CASE("a line is sent as soon as it is read") {
    BrokerThread broker;
    Command command = pub_command(broker.port(), {"-t", "a", "-l"});
    command.keep_stdin_open = true;
    Process process(std::move(command));
    for (std::size_t i = 1; i <= 3; ++i) {
        process.write("line\n");
        CHECK(broker.wait_for_received(i));
    }
    process.close_stdin();
    CHECK(process.wait().code == 0);
}
