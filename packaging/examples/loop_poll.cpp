// A client in a loop of poll(2): prints the messages below home/ until one says "stop".
#include <poll.h>

#include <algorithm>
#include <cstdio>

#include "mqttc/client.hpp"

int main(int argc, char** argv) {
    const auto url = mqttc::parse_url(argc > 1 ? argv[1] : "mqtt://localhost");
    if (!url) return std::fprintf(stderr, "loop: %s\n", url.error().context.c_str()), 1;
    mqttc::ClientOptions options = mqttc::client_options(*url);
    if (options.endpoint.tls && argc > 2) options.endpoint.tls->ca_file = argv[2];
    options.reconnect.first = mqttc::ReconnectPolicy::forever;

    mqttc::ClientHandler no_events;
    mqttc::Client client(options, no_events);
    const auto subscribed = client.subscribe(
        {.filter = "home/#", .qos = mqttc::Qos::at_least_once}, [&](const mqttc::Publish& message) {
            const auto payload = mqttc::as_text(message.payload);
            std::printf("%.*s\n", static_cast<int>(payload.size()), payload.data());
            std::fflush(stdout);
            if (payload == "stop") client.disconnect();
        });
    if (!subscribed) return 1;

    //! [loop]
    for (;;) {
        const auto goes_on = client.turn();
        if (!goes_on) return std::fprintf(stderr, "loop: %s\n", goes_on.error().context.c_str()), 1;
        if (!*goes_on) return 0;
        int wait = -1;  // milliseconds
        if (const auto due = client.deadline()) {
            const auto left = *due - std::chrono::steady_clock::now();
            wait = static_cast<int>(
                std::max<long long>(0, std::chrono::ceil<std::chrono::milliseconds>(left).count()));
        }
        pollfd polled{.fd = client.descriptor(), .events = POLLIN, .revents = 0};
        poll(&polled, 1, wait);  // your own descriptors are polled here, too
    }
    //! [loop]
}
