// A client in GLib's main loop: prints the messages below home/ until one says "stop".
#include <glib-unix.h>

#include <algorithm>
#include <cstdio>

#include "mqttc/client.hpp"

struct InMainLoop {
    mqttc::Client& client;
    GMainLoop* loop = g_main_loop_new(nullptr, FALSE);
    guint timer = 0;
    int status = 0;
    ~InMainLoop() { g_main_loop_unref(loop); }
    void turn() {
        if (timer != 0) g_source_remove(std::exchange(timer, 0));
        const auto goes_on = client.turn();
        if (!goes_on) std::fprintf(stderr, "loop: %s\n", goes_on.error().context.c_str());
        if (!goes_on || !*goes_on) {
            status = goes_on ? 0 : 1;
            return g_main_loop_quit(loop);
        }
        const auto due = client.deadline();
        if (!due) return;
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(*due - std::chrono::steady_clock::now());
        timer = g_timeout_add(static_cast<guint>(std::max<long long>(0, left.count())), on_timer, this);
    }
    static gboolean on_timer(gpointer self) {
        static_cast<InMainLoop*>(self)->timer = 0;
        static_cast<InMainLoop*>(self)->turn();
        return G_SOURCE_REMOVE;
    }
    static gboolean on_ready(gint, GIOCondition, gpointer self) {
        static_cast<InMainLoop*>(self)->turn();
        return G_SOURCE_CONTINUE;
    }
};

int main(int argc, char** argv) {
    const auto url = mqttc::parse_url(argc > 1 ? argv[1] : "mqtt://localhost");
    if (!url) return std::fprintf(stderr, "loop: %s\n", url.error().context.c_str()), 1;
    auto options = mqttc::client_options(*url);
    if (options.endpoint.tls && argc > 2) options.endpoint.tls->ca_file = argv[2];
    options.reconnect.first = mqttc::ReconnectPolicy::forever;
    mqttc::ClientHandler no_events;
    mqttc::Client client(options, no_events);
    if (!client.subscribe({.filter = "home/#", .qos = mqttc::Qos::at_least_once},
                          [&](const mqttc::Publish& message) {
                              const auto payload = mqttc::as_text(message.payload);
                              g_print("%.*s\n", static_cast<int>(payload.size()), payload.data());
                              if (payload == "stop") client.disconnect();
                          }))
        return 1;
    InMainLoop in{client};
    g_unix_fd_add(client.descriptor(), G_IO_IN, InMainLoop::on_ready, &in);
    in.turn();  // starts to connect
    g_main_loop_run(in.loop);
    return in.status;
}
