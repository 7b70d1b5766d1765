// Modules: shared objects that are loaded when they are first needed, so that a program that does not need them never
// maps their libraries.
#pragma once

#include <expected>
#include <string>

namespace mqttc {

/// A module. All texts are static.
struct ModuleName {
    const char* title;        ///< for messages: "TLS module"
    const char* file;         ///< "mqttc-tls.so"
    const char* environment;  ///< the variable that may name the file
    const char* package;      ///< the Debian package that contains it
};

/// Loads the module, which stays loaded, and returns its symbol `entry`. It is looked for next to the library, next to
/// the program, and where it is installed; a file that other users can change is not loaded; members of this user's own group may change it. Error: one line.
std::expected<void*, std::string> load_module(const ModuleName& name, const char* entry);

}  // namespace mqttc
