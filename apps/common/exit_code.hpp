// The programs' exit codes: one table, the same in the man pages (a test compares them).
#pragma once

#include <span>
#include <string_view>

#include "mqttc/error.hpp"
#include "mqttc/types.hpp"

#include "called_as.hpp"

namespace mqttc::app {

namespace exit_code {
inline constexpr int ok = 0;
inline constexpr int usage = 1;
inline constexpr int run_timeout = 27;
inline constexpr int name_not_found = 60;
inline constexpr int connect_failed = 61;
inline constexpr int tls_failed = 62;
inline constexpr int handshake_failed = 63;
inline constexpr int protocol_error = 64;
inline constexpr int connection_lost = 65;
inline constexpr int not_delivered = 66;
inline constexpr int all_refused = 67;
inline constexpr int output_failed = 68;
}  // namespace exit_code

struct ExitCodeRow {
    int first;
    int last;  ///< more than `first` for a range (the CONNACK codes)
    std::string_view meaning;
    int mosquitto = same;  ///< what Mosquitto's programs answer, and ours when they are called by those names
    static constexpr int same = -1;
};
/// All codes, sorted; static storage.
std::span<const ExitCodeRow> exit_code_table();

/// The exit code of a program that ends with this error. `was_connected`: there has been a CONNACK before.
int exit_code_of(const Error& error, bool was_connected);

/// What the program answers in place of `code`: Mosquitto's exit code when it was called by a name of Mosquitto.
int exit_code_as(const CalledAs& called, int code);
/// The code of a run in which the broker refused messages, and nothing else was wrong. Mosquitto's programs report it and
/// end with 0.
int refused_code(const CalledAs& called);

}  // namespace mqttc::app
