// The name that a program was called by: its own, or the name of Mosquitto's counterpart, whose rules then apply.
#pragma once

#include <string>
#include <string_view>

#include "option_row.hpp"

namespace mqttc::app {

struct CalledAs {
    Program program = Program::pub;
    std::string_view name;   ///< in messages and generated client identifiers; static storage
    bool mosquitto = false;  ///< Mosquitto's name: its configuration file, exit codes and rules
    bool request = false;    ///< mosquitto_rr: --request without the option
};

/// `path` is argv[0], or nullptr. Any name that is not one of Mosquitto's is the program's own.
CalledAs called_as(Program program, const char* path);
/// The program by its own name.
inline CalledAs own_name(Program program) {
    return called_as(program, nullptr);
}

/// Replaces the program's own name in a text that is written for it, such as --help.
std::string with_called_name(std::string text, const CalledAs& called);

}  // namespace mqttc::app
