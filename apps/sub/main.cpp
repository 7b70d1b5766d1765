// mqtt_sub: subscribes to topics and prints what arrives.
#include <chrono>
#include <new>

#include "exit_code.hpp"
#include "messages.hpp"
#include "start.hpp"
#include "subscriber.hpp"

int main(int argc, char** argv) {
    namespace app = mqttc::app;
    const mqttc::Time started = std::chrono::steady_clock::now();
    app::Messages messages("mqtt_sub");
    try {
        auto options = app::start_sub(argc, argv, messages);
        if (!options) return options.error();
        return mqttc::sub::run_subscriber(*options, started, messages);
    } catch (const std::bad_alloc&) {
        messages.error("out of memory");
        return app::exit_code::connection_lost;
    }
}
