// A sensor daemon: a worker thread measures, and every reading is delivered, over outages too. Ends with SIGINT.
#include <csignal>
#include <cstdio>
#include <deque>
#include <string>
#include <thread>

#include "mqttc/client.hpp"

struct Sensor : mqttc::ClientHandler {
    mqttc::Client* client = nullptr;
    std::deque<std::string> readings;  // of the client's thread only

    void on_room() override {
        while (!readings.empty() && client->can_publish(mqttc::Qos::at_least_once)) {
            if (!client->publish({.topic = "sensor/1",
                                  .payload = mqttc::as_bytes(readings.front()),
                                  .qos = mqttc::Qos::at_least_once}))
                return client->stop();
            readings.pop_front();
        }
    }
};

int main(int argc, char** argv) {
    const auto url = mqttc::parse_url(argc > 1 ? argv[1] : "mqtt://localhost");
    if (!url) return std::fprintf(stderr, "worker: %s\n", url.error().context.c_str()), 1;
    Sensor sensor;
    mqttc::Client client(mqttc::client_options(*url), sensor);
    sensor.client = &client;
    client.on_signal(SIGINT, [&] { client.disconnect_when_delivered(std::chrono::seconds(10)); });
    std::jthread worker([&](const std::stop_token& stop) {
        for (int i = 0; !stop.stop_requested(); ++i) {
            client.post([&sensor, i] { sensor.readings.push_back(std::to_string(i)); });
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    });
    const auto ended = client.run();
    if (!ended) std::fprintf(stderr, "worker: %s\n", ended.error().context.c_str());
    return ended ? 0 : 1;
}
