// Faulty and hostile brokers: each malformed packet ends the connection as in the standard, nothing of it is printed,
// nothing crashes or hangs, and memory grows only with received bytes.
#include <doctest/doctest.h>

#include <csignal>

#include "delivery.hpp"
#include "mqttc/reason.hpp"
#include "scripted_peer.hpp"

using namespace mqttc;
using namespace mqttc::test;

namespace {

constexpr int not_acceptable = 64;

struct Row {
    const char* bytes;
    ReasonCode reason;  ///< of our DISCONNECT
};

std::vector<std::uint8_t> tail(std::vector<std::uint8_t> bytes, std::size_t count) {
    if (bytes.size() > count) bytes.erase(bytes.begin(), bytes.end() - static_cast<std::ptrdiff_t>(count));
    return bytes;
}

// Bytes that the broker sends after CONNACK.
const Row rows[] = {
    {"00 00", 0x81},                                    // type 0
    {"10 0f 0004'MQTT' 05 02 003c 00 0002'me'", 0x82},  // packets that only clients send
    {"82 07 0001 00 0001't' 00", 0x82},
    {"a2 06 0001 00 0001't'", 0x82},
    {"c0 00", 0x82},
    {"20 03 00 00 00", 0x82},     // CONNACK twice
    {"f0 00", 0x82},              // AUTH without a method
    {"30 80 80 80 80 01", 0x81},  // a length of five bytes
    {"30 ff ff ff ff", 0x81},
    {"36 07 0001't' 0001 00 'x'", 0x81},  // QoS 3
    {"38 05 0001't' 00 'x'", 0x82},       // DUP at QoS 0
    {"32 07 0001't' 0000 00 'x'", 0x82},  // identifier 0
    {"32 03 0001't'", 0x81},              // no identifier
    {"30 04 0001'#' 00", 0x90},           // a wildcard in a topic name
    {"30 06 0003'a/+' 00", 0x90},
    {"30 03 0000 00", 0x82},             // neither topic nor alias
    {"30 04 0001 ff 00", 0x81},          // a topic that is not UTF-8
    {"30 04 0001 00 00", 0x81},          // U+0000
    {"30 06 0003 eda080 00", 0x81},      // a surrogate
    {"30 03 0002't'", 0x81},             // a topic longer than its packet
    {"30 07 0001't' 03 23 ffff", 0x94},  // an alias above the maximum
    {"30 07 0001't' 03 23 0000", 0x82},
    {"30 07 0001't' 03 13 0001", 0x81},         // a property of another packet
    {"30 06 0001't' 02 01 02", 0x82},           // payload format 2
    {"30 05 0001't' 04 23", 0x81},              // properties longer than the packet
    {"30 05 0001't' 01 7e", 0x81},              // an unknown property
    {"30 08 0001't' ffffffff 7f", 0x81},        // a property length of five bytes
    {"30 0a 0001't' 06 0b00 0b01 0b02", 0x82},  // subscription identifier 0
    {"40 01 00", 0x81},                         // short acknowledgements
    {"40 03 0001 01", 0x82},                    // a code that PUBACK does not have
    {"41 02 0001", 0x81},                       // flags that must be 0
    {"60 02 0001", 0x81},                       // flags that must be 2
    {"90 03 0001 00", 0x82},                    // SUBACK without codes
    {"d0 01 00", 0x81},                         // PINGRESP with a body
    {"d1 00", 0x81},
    {"e0 07 00 05 11 00000001", 0x82},  // a session expiry in the broker's DISCONNECT
    {"e0 01 01", 0x82},                 // a code that DISCONNECT does not have
};

}  // namespace

TEST_CASE(
    "after a malformed packet the client sends DISCONNECT with the reason and ends with 64 without output") {
    for (const char* name : {"mqtt_sub", "mqtt_pub"}) {
        for (const Row& row : rows) {
            CAPTURE(name);
            CAPTURE(row.bytes);
            auto bytes = connack_v5().bytes;
            const auto bad = hex(row.bytes);
            bytes.insert(bytes.end(), bad.begin(), bad.end());
            ScriptedPeer peer({{PacketType::connect, bytes}});
            Words options{"-V", "5", "-t", "a"};
            if (std::string_view(name) == "mqtt_pub") options.insert(options.end(), {"-l", "-q", "1"});
            Command command = client(name, peer.port(), options);
            command.keep_stdin_open = true;
            const Result result = run(std::move(command));
            CAPTURE(result.err);
            CHECK(result.exit == Exit{.code = not_acceptable});
            CHECK(result.out.empty());
            CHECK(count_of(result.err, "\n") <= 2);
            CHECK(has(result.err, "lost the connection"));
            REQUIRE(peer.wait_for_close());
            CHECK(to_hex(tail(peer.received(), 3)) ==
                  to_hex(std::vector<std::uint8_t>{0xe0, 0x01, row.reason}));
        }
    }
}

TEST_CASE("any other first packet than CONNACK ends with 64 without output") {
    for (const char* first : {"30 04 0001'a' 00", "30 05 0001'a''xx'", "d0 00", "90 04 0001 00 00",
                              "'HTTP/1.1 400 Bad Request'0d0a0d0a", "'SSH-2.0-x'0d0a", "20 05 00 00 02 24 02",
                              "20 02 02 00", "15 03 03 00 02 02 46"}) {
        for (const char* version : {"311", "5"}) {
            for (const char* name : {"mqtt_sub", "mqtt_pub"}) {
                CAPTURE(first);
                CAPTURE(version);
                CAPTURE(name);
                ScriptedPeer peer({{PacketType::connect, hex(first)}}, true);
                Words options{"-V", version, "-t", "a"};
                if (std::string_view(name) == "mqtt_pub") options.insert(options.end(), {"-m", "x"});
                const Result result = run(client(name, peer.port(), options));
                CAPTURE(result.err);
                CHECK(result.exit == Exit{.code = not_acceptable});
                CHECK(result.out.empty());
                CHECK(count_of(result.err, "\n") <= 2);
            }
        }
    }
}

TEST_CASE("no memory is allocated for an announced length before its bytes arrive") {
    ScriptedPeer usual({connack_v5(), {PacketType::subscribe, hex("90 04 0001 00 00")}});
    ScriptedPeer huge({connack_v5(),
                       {PacketType::subscribe, hex("90 04 0001 00 00"
                                                   "30 ffffff7f 0001'a' 00 'the first of many bytes'")}});
    std::size_t peaks[2] = {};
    for (ScriptedPeer* peer : {&usual, &huge}) {
        Process process(client("mqtt_sub", peer->port(), {"-V", "5", "-t", "a", "-d"}));
        REQUIRE(process.wait_err("SUBACK"));
        process.send_signal(SIGTERM);
        CHECK(process.wait() == Exit{.code = 0});
        CHECK(process.out().empty());
    }
    for (ScriptedPeer* peer : {&usual, &huge}) {
        Process process(client("mqtt_sub", peer->port(), {"-V", "5", "-t", "a", "-d"}));
        REQUIRE(process.wait_err("SUBACK"));
        peaks[peer == &huge ? 1 : 0] = peak_kib(process);
    }
    CHECK(peaks[0] > 0);
    CHECK(peaks[1] < peaks[0] + slack_kib);
}

TEST_CASE("--max-packet-size is announced, and a larger packet is refused when its length is known") {
    ScriptedPeer peer(
        {connack_v5(), {PacketType::subscribe, hex("90 04 0001 00 00 30 8101 0001'a' 00 'x'")}});
    const Result result =
        run(client("mqtt_sub", peer.port(), {"-V", "5", "-t", "a", "--max-packet-size", "128"}));
    CHECK(result.exit == Exit{.code = not_acceptable});
    CHECK(has(result.err, "over the limit of 128 bytes"));
    CHECK(result.out.empty());
    REQUIRE(peer.wait_for_close());
    const auto received = to_hex(peer.received());
    CHECK(has(received, "27 00 00 00 80"));
    CHECK(received.ends_with("e0 01 95"));
}

TEST_CASE("messages before a malformed packet are printed, those after it are not") {
    ScriptedPeer peer({connack_v5(),
                       {PacketType::subscribe, hex("90 04 0001 00 00"
                                                   "30 07 0001'a' 00 'yes'"
                                                   "36 08 0001'a' 0001 00 'no'"
                                                   "30 06 0001'a' 00 'no'")}});
    const Result result = run(client("mqtt_sub", peer.port(), {"-V", "5", "-t", "a"}));
    CHECK(result.exit == Exit{.code = not_acceptable});
    CHECK(result.out == "yes\n");
}

TEST_CASE("a QoS 2 message that the broker sends again is printed once") {
    ScriptedPeer peer({connack_v5(),
                       {PacketType::subscribe, hex("90 04 0001 00 02"
                                                   "34 08 0001'a' 0007 00 'no'"
                                                   "3c 08 0001'a' 0007 00 'no'"
                                                   "3c 08 0001'a' 0007 00 'no'")},
                       {PacketType::pubrec, hex("62 02 0007")},
                       {PacketType::pubcomp, hex("34 09 0001'a' 0007 00 'yes'")}});
    const Result result = run(client("mqtt_sub", peer.port(), {"-V", "5", "-t", "a", "-q", "2", "-C", "2"}));
    CHECK(result.exit == Exit{.code = 0});
    CHECK(result.out == "no\nyes\n");
}

TEST_CASE("unexpected acknowledgements are ignored") {
    ScriptedPeer peer({connack_v5(),
                       {PacketType::publish, hex("40 02 0063 50 02 0063 70 02 0063 90 04 0063 00 00"
                                                 "b0 04 0063 00 00 d0 00 40 02 0001")}});
    const Result result = run(client("mqtt_pub", peer.port(), {"-V", "5", "-q", "1", "-t", "a", "-m", "x"}));
    CHECK(result.exit == Exit{.code = 0});
}
