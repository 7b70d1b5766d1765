// support/real_broker and support/port.
#include "support/real_broker.hpp"
#include "support/needs.hpp"

#include <doctest/doctest.h>

#include "support/port.hpp"

using namespace mqttc::test;

TEST_CASE("a free port is free") {
    CHECK_FALSE(accepts(free_port()));
}

TEST_CASE("Debian's broker starts on a free port, restarts on it and delivers a message" *
          needs_mosquitto()) {
    RealBroker broker("allow_anonymous true\npersistence true\n");
    CHECK(accepts(broker.port()));
    const std::string port = std::to_string(broker.port());
    CHECK(run({mosquitto_pub_path, "-p", port, "-t", "a/b", "-m", "kept", "-r", "-q", "1"}).exit.code == 0);
    broker.stop();
    CHECK_FALSE(accepts(broker.port()));
    broker.start();
    CHECK(run({mosquitto_sub_path, "-p", port, "-t", "a/b", "-C", "1", "-W", "10"}).out == "kept\n");
}
