// A bridge in one thread: passes the messages below in/ of one broker to another. The first broker gets an acknowledgement
// when the second one has acknowledged: nothing is lost when either connection breaks. usage: bridge FROM TO
#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "mqttc/client.hpp"

mqttc::ClientOptions options_for(const char* text, const char* client_id) {
    const auto url = mqttc::parse_url(text);
    if (!url) std::exit(std::fprintf(stderr, "bridge: %s\n", url.error().context.c_str()) > 0);
    mqttc::ClientOptions options = mqttc::client_options(*url);
    options.session.client_id = client_id;
    options.session.clean_start = false;  // the broker keeps what arrives during an outage
    options.reconnect.first = mqttc::ReconnectPolicy::forever;
    options.reconnect.max_delay = std::chrono::seconds(1);
    return options;
}

int main(int argc, char** argv) {
    if (argc != 3) return std::fputs("usage: bridge FROM TO\n", stderr), 1;
    mqttc::ClientHandler no_events;
    mqttc::Client to(options_for(argv[2], "bridge-to"), no_events);
    mqttc::Client from(options_for(argv[1], "bridge-from"), no_events);
    const auto subscribed = from.subscribe(
        {.filter = "in/#", .qos = mqttc::Qos::exactly_once}, [&](const mqttc::Publish& message) {
            const auto token = from.ack_token(message);
            const auto sent =
                to.publish({.topic = message.topic, .payload = message.payload, .qos = message.qos},
                           [&, token](mqttc::ReasonCode) { from.acknowledge(token); });
            if (sent) return mqttc::Accept::hold_acknowledgement;
            from.pause(true);  // no room: offered again when there is some
            return mqttc::Accept::later;
        });
    if (!subscribed) return 1;
    const std::array<mqttc::Client*, 2> clients{&to, &from};
    for (;;) {
        int wait = -1;  // milliseconds
        std::array<pollfd, 2> polled{};
        for (std::size_t i = 0; i < clients.size(); ++i) {
            const auto goes_on = clients[i]->turn();
            if (!goes_on) return std::fprintf(stderr, "bridge: %s\n", goes_on.error().context.c_str()), 1;
            polled[i] = {.fd = clients[i]->descriptor(), .events = POLLIN, .revents = 0};
        }
        if (to.can_publish(mqttc::Qos::exactly_once)) from.pause(false);
        for (auto* client : clients) {
            const auto due = client->deadline();
            if (!due) continue;
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(*due - std::chrono::steady_clock::now());
            const int milliseconds = static_cast<int>(std::max<long long>(0, left.count()));
            wait = wait < 0 ? milliseconds : std::min(wait, milliseconds);
        }
        poll(polled.data(), polled.size(), wait);
    }
}
