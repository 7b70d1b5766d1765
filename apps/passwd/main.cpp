// mqtt_passwd: manages the password file of an MQTT broker.
#include <signal.h>

#include <new>

#include "actions.hpp"
#include "base/descriptor.hpp"
#include "interrupt.hpp"
#include "message.hpp"
#include "options.hpp"

namespace {

using namespace mqttc::passwd;

Result<void> run(const Options& options) {
    if (const auto excessive = excessive_cost(options.recipe))
        return fail("cannot hash: --verify would require " + *excessive + " (use a smaller -I or --memory)");
    switch (options.action) {
        case Action::set:
            return set_user(options);
        case Action::remove:
            return delete_user(options);
        case Action::hash_all:
            return hash_all(options);
        case Action::import_users:
            return import_users(options);
        case Action::list:
            return list_users(options);
        case Action::verify:
            return verify_user(options);
    }
    return fail("no such action");
}

int finish(const Result<void>& result) {
    if (!result) print_message(result.error().text);
    end_by_caught_signal();
    return static_cast<int>(result ? ExitCode::done : result.error().code);
}

// Mosquitto's program ends with 1 after --help.
int print_and_exit(const std::string& text, bool mosquitto) {
    const int code = finish(print(text));
    return mosquitto ? static_cast<int>(ExitCode::failed) : code;
}

}  // namespace

int main(int argc, char** argv) try {
    mqttc::fill_standard_descriptors();
    allow_signals_for_pid_1();
    signal(SIGXFSZ, SIG_IGN);  // write() then fails with EFBIG, which is reported
    const auto called = mqttc::app::called_as(mqttc::app::Program::passwd, argc > 0 ? argv[0] : nullptr);
    set_program_name(called.name);
    const auto parsed = parse_options({argv + (argc > 0 ? 1 : 0), argv + argc}, called);
    if (parsed) return finish(run(*parsed));
    if (!parsed.error().is_error) return print_and_exit(parsed.error().text, called.mosquitto);
    print_message(parsed.error().text + "; try '" + std::string(called.name) + " --help'");
    return static_cast<int>(ExitCode::failed);
} catch (const std::bad_alloc&) {
    return finish(fail("out of memory"));
}
