// Publishes each line of standard input; what the broker has not acknowledged when the program ends, killed or not, is kept in
// FILE and sent by the next run. usage: spool URL FILE
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "mqttc/client.hpp"

//! [spool]
struct Spool : mqttc::ClientHandler {
    mqttc::Client* client = nullptr;
    std::string file;
    std::vector<std::uint8_t> kept;  // what the file contains

    // Before anything is written: what the broker may have seen is on the disk.
    void on_turn_end() override {
        auto bytes = client->session().save();
        if (bytes == kept) return;
        std::FILE* out = std::fopen((file + ".new").c_str(), "wb");
        const bool saved = out != nullptr &&
                           std::fwrite(bytes.data(), 1, bytes.size(), out) == bytes.size() &&
                           std::fflush(out) == 0 && fsync(fileno(out)) == 0;
        if (out != nullptr) std::fclose(out);
        if (!saved || std::rename((file + ".new").c_str(), file.c_str()) != 0) return client->stop();
        kept = std::move(bytes);
    }
};
//! [spool]

int main(int argc, char** argv) {
    if (argc != 3) return std::fputs("usage: spool URL FILE\n", stderr), 2;
    const auto url = mqttc::parse_url(argv[1]);
    if (!url) return std::fprintf(stderr, "spool: %s\n", url.error().context.c_str()), 2;
    mqttc::ClientOptions options = mqttc::client_options(*url);
    options.session.client_id = "spool";
    options.session.clean_start = false;  // the broker continues the session of the last run
    options.session.max_inflight = 1000;
    options.reconnect.first = mqttc::ReconnectPolicy::forever;
    Spool spool;
    mqttc::Client client(options, spool);
    spool.client = &client;
    spool.file = argv[2];
    std::ifstream in(spool.file, std::ios::binary);
    const std::string saved{std::istreambuf_iterator<char>(in), {}};
    auto good = saved.empty() ? std::expected<void, mqttc::Error>() : client.restore(mqttc::as_bytes(saved));
    for (std::string line; good && std::getline(std::cin, line);) {
        const auto sent = client.publish(
            {.topic = "home/log", .payload = mqttc::as_bytes(line), .qos = mqttc::Qos::exactly_once});
        if (!sent) good = std::unexpected(sent.error());
    }
    client.disconnect_when_delivered(std::chrono::hours(1));
    if (good) good = client.run();
    if (!good) std::fprintf(stderr, "spool: %s\n", good.error().context.c_str());
    return good ? 0 : 1;
}
