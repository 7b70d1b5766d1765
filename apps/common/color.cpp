// When output has colours.
#include "color.hpp"

#include <cstdlib>

namespace mqttc::app {
namespace {

std::string_view variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string_view() : value;
}

}  // namespace

bool terminal_has_sequences() {
    const std::string_view term = variable("TERM");
    return !term.empty() && term != "dumb";
}

bool wants_color(ColorMode mode, bool is_terminal) {
    if (mode != ColorMode::automatic) return mode == ColorMode::always;
    if (!variable("NO_COLOR").empty()) return false;
    const std::string_view force = variable("CLICOLOR_FORCE");
    if (!force.empty() && force != "0") return true;
    return is_terminal && terminal_has_sequences();
}

}  // namespace mqttc::app
