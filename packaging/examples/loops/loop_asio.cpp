// A client in an io_context of Boost.Asio: prints the messages below home/ until one says "stop".
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>

#include "mqttc/client.hpp"

struct InAsio {
    mqttc::Client& client;
    boost::asio::io_context& context;
    boost::asio::posix::stream_descriptor ready{context, client.descriptor()};
    boost::asio::steady_timer timer{context};
    int status = 0;

    ~InAsio() { ready.release(); }  // the descriptor belongs to the client
    void watch() {
        ready.async_wait(ready.wait_read, [this](const boost::system::error_code& failed) {
            if (!failed && turn()) watch();
        });
    }
    bool turn() {
        const auto goes_on = client.turn();
        if (!goes_on) std::fprintf(stderr, "loop: %s\n", goes_on.error().context.c_str());
        if (!goes_on || !*goes_on) {
            status = goes_on ? 0 : 1;
            context.stop();
            return false;
        }
        timer.expires_at(client.deadline().value_or(mqttc::Time::max()));
        timer.async_wait([this](const boost::system::error_code& failed) {
            if (!failed) turn();
        });
        return true;
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
    boost::asio::io_context context;
    InAsio in{client, context};
    in.watch();
    in.turn();  // starts to connect
    context.run();
    return in.status;
}
