// What is made from the option table: --help, completions, the option sections of the manual pages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "called_as.hpp"
#include "option_row.hpp"

namespace mqttc::app {

/// The text of --help, ending with a newline.
std::string help_text(const OptionTable& table, const CalledAs& called);
/// "mqtt_pub 0.2.0\n", or "mosquitto_pub (mqtt_pub 0.2.0)\n"
std::string version_text(const CalledAs& called);
/// The names of the properties that a command of -D takes (properties_of); nullptr for a program without -D.
using PropertyNames = std::vector<std::string_view> (*)(std::string_view command);
/// The text of --generate: `kind` is bash, zsh, fish or man.
std::string generate(const OptionTable& table, Program program, std::string_view kind,
                     PropertyNames properties);

}  // namespace mqttc::app
