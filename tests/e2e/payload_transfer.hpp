// One large payload through a broker and back, at each QoS.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include "support/payloads.hpp"
#include "support/programs.hpp"
#include "support/temp_dir.hpp"

namespace mqttc::test {

struct Transfer {
    Command subscriber;  ///< connects; the options of the transfer are appended
    Command publisher;
    std::size_t size = 10'000'000;
    /// Waits until the broker has the subscription of a running subscriber.
    std::function<bool(Process&, const std::string& client_id)> subscribed =
        [](Process& process, const std::string&) { return process.wait_err("SUBACK"); };
    /// Called when the publisher has ended.
    std::function<void()> published = [] {};
};

inline void check_transfer(const Transfer& transfer) {
    const TempDir dir;
    const std::string payload = random_bytes(transfer.size);
    const std::string file = dir.write("payload", payload);
    for (const std::string qos : {"0", "1", "2"}) {
        CAPTURE(qos);
        const std::string id = "receiver" + qos;
        Command subscribe = transfer.subscriber;
        subscribe.argv = subscribe.argv + Words{"-i", id, "-t", "big", "-q", qos, "-C", "1", "-N"};
        subscribe.stdout_file = dir.file("received");
        Process receiver(std::move(subscribe));
        REQUIRE(transfer.subscribed(receiver, id));
        Command publish = transfer.publisher;
        publish.argv = publish.argv + Words{"-t", "big", "-q", qos, "-f", file};
        const Result sent = run(std::move(publish));
        CHECK(sent.exit == ok);
        CHECK(sent.err.empty());
        transfer.published();
        CHECK(receiver.wait(std::chrono::seconds(60)) == ok);
        CHECK((read_file(dir.file("received")) == payload));
    }
}

}  // namespace mqttc::test
