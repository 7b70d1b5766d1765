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
    const app::CalledAs called = app::called_as(app::Program::sub, argc > 0 ? argv[0] : nullptr);
    app::Messages messages(called.name);
    int code = app::exit_code::connection_lost;
    try {
        auto options = app::start_sub(called, argc, argv, messages);
        code = options ? mqttc::sub::run_subscriber(*options, started, messages) : options.error();
    } catch (const std::bad_alloc&) {
        messages.error("out of memory");
    }
    return app::exit_code_as(called, code);
}
