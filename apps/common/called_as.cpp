// The names of Mosquitto's programs.
#include "called_as.hpp"

#include <algorithm>
#include <array>

namespace mqttc::app {
namespace {

constexpr std::array mosquitto_names{
    CalledAs{Program::pub, "mosquitto_pub", true, false},
    CalledAs{Program::pub, "mosquitto_rr", true, true},
    CalledAs{Program::sub, "mosquitto_sub", true, false},
    CalledAs{Program::passwd, "mosquitto_passwd", true, false},
};

}  // namespace

CalledAs called_as(Program program, const char* path) {
    std::string_view name = path == nullptr ? "" : path;
    name.remove_prefix(name.rfind('/') + 1);
    const auto found = std::ranges::find_if(
        mosquitto_names, [&](const CalledAs& one) { return one.program == program && one.name == name; });
    if (found != mosquitto_names.end()) return *found;
    return {.program = program, .name = program_name(program)};
}

std::string with_called_name(std::string text, const CalledAs& called) {
    const std::string_view own = program_name(called.program);
    if (called.name == own) return text;
    for (std::size_t at = text.find(own); at != text.npos; at = text.find(own, at + called.name.size()))
        text.replace(at, own.size(), called.name);
    return text;
}

}  // namespace mqttc::app
