// -V auto: MQTT 5 first, and 3.1.1 with brokers that do not accept it.
#include <doctest/doctest.h>

#include "delivery.hpp"
#include "scripted_peer.hpp"

using namespace mqttc;
using namespace mqttc::test;

namespace {

// The protocol level in the CONNECT of the latest connection.
int level(const ScriptedPeer& peer) {
    constexpr std::size_t position = 8;
    const auto bytes = peer.received();
    return bytes.size() > position ? bytes[position] : -1;
}

}  // namespace

TEST_CASE("-V auto stays with MQTT 5 where the broker accepts it") {
    ScriptedPeer peer({connack_v5()});
    CHECK(run(client("mqtt_pub", peer.port(), {"-V", "auto", "-t", "a", "-m", "x"})).exit == ok);
    CHECK(peer.connections() == 1);
    CHECK(level(peer) == 5);
}

TEST_CASE("-V auto falls back to MQTT 3.1.1 when the broker refuses the version or closes") {
    for (const char* answer : {"20 02 00 01", "20 03 00 84 00", "20 03 00 01 00", ""}) {
        CAPTURE(answer);
        // Each connection is answered alike: the second one fails too, in MQTT 3.1.1.
        ScriptedPeer peer({{PacketType::connect, hex(answer)}}, true);
        const Result result =
            run(client("mqtt_pub", peer.port(), {"-V", "auto", "-t", "a", "-m", "x", "-d"}));
        CHECK(result.exit.code != 0);
        CHECK(peer.connections() == 2);
        CHECK(level(peer) == 4);
        CHECK(has(result.err, "; trying MQTT 3.1.1\n"));
    }
}

TEST_CASE("-V auto does not try again after another refusal") {
    ScriptedPeer peer({{PacketType::connect, hex("20 03 00 87 00")}});
    CHECK(run(client("mqtt_pub", peer.port(), {"-V", "auto", "-t", "a", "-m", "x"})).exit.code == 135);
    CHECK(peer.connections() == 1);
}

TEST_CASE("without -d the fallback is silent, and the message arrives") {
    // 3.1.1 only: the CONNACK of 3.1.1 to any CONNECT, which is malformed in MQTT 5.
    ScriptedPeer peer({connack_v311()});
    const Result result = run(client("mqtt_pub", peer.port(), {"-V", "auto", "-t", "a", "-m", "x"}));
    CHECK(result.exit == ok);
    CHECK(result.err.empty());
    CHECK(peer.connections() == 2);
    CHECK(level(peer) == 4);
}
