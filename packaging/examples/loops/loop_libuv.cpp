// A client in a loop of libuv: prints the messages below home/ until one says "stop".
#include <uv.h>

#include <algorithm>
#include <cstdio>

#include "mqttc/client.hpp"

struct InUv {
    mqttc::Client& client;
    uv_poll_t ready{};
    uv_timer_t timer{};
    int status = 0;

    void turn() {
        const auto goes_on = client.turn();
        if (!goes_on) std::fprintf(stderr, "loop: %s\n", goes_on.error().context.c_str());
        if (!goes_on || !*goes_on) {
            status = goes_on ? 0 : 1;
            return uv_stop(timer.loop);
        }
        uv_timer_stop(&timer);
        const auto due = client.deadline();
        if (!due) return;
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(*due - std::chrono::steady_clock::now());
        uv_update_time(timer.loop);
        uv_timer_start(
            &timer, [](uv_timer_t* t) { static_cast<InUv*>(t->data)->turn(); },
            static_cast<uint64_t>(std::max<long long>(0, left.count())), 0);
    }
};

int main(int argc, char** argv) {
    const auto url = mqttc::parse_url(argc > 1 ? argv[1] : "mqtt://localhost");
    if (!url) return std::fprintf(stderr, "loop: %s\n", url.error().context.c_str()), 1;
    mqttc::ClientOptions options = mqttc::client_options(*url);
    if (options.endpoint.tls && argc > 2) options.endpoint.tls->ca_file = argv[2];
    options.reconnect.first = mqttc::ReconnectPolicy::forever;
    mqttc::ClientHandler no_events;
    mqttc::Client client(options, no_events);
    if (!client.subscribe({.filter = "home/#", .qos = mqttc::Qos::at_least_once},
                          [&](const mqttc::Publish& message) {
                              const auto payload = mqttc::as_text(message.payload);
                              std::printf("%.*s\n", static_cast<int>(payload.size()), payload.data());
                              std::fflush(stdout);
                              if (payload == "stop") client.disconnect();
                          }))
        return 1;
    InUv in{client};
    uv_poll_init(uv_default_loop(), &in.ready, client.descriptor());
    uv_timer_init(uv_default_loop(), &in.timer);
    in.ready.data = in.timer.data = &in;
    uv_poll_start(&in.ready, UV_READABLE,
                  [](uv_poll_t* p, int, int) { static_cast<InUv*>(p->data)->turn(); });
    in.turn();  // starts to connect
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    return in.status;
}
