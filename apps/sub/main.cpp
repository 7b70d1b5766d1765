// mqtt_sub: subscribes to topics and prints what arrives.
#include <new>

#include "exit_code.hpp"
#include "messages.hpp"
#include "start.hpp"
#include "subscriber.hpp"

int main(int argc, char** argv) {
    namespace app = mqttc::app;
    app::Messages messages("mqtt_sub");
    try {
        auto options = app::start(app::Program::sub, argc, argv, messages);
        if (!options) return options.error();
        return mqttc::sub::run_subscriber(*options, messages);
    } catch (const std::bad_alloc&) {
        messages.error("out of memory");
        return app::exit_code::connection_lost;
    }
}
