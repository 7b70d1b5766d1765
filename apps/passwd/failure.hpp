// A failure: one line for the user, and the exit code.
#pragma once

#include <expected>
#include <string>

namespace mqttc::passwd {

/// The exit codes; the manual page has the same table.
enum class ExitCode : int {
    done = 0,
    /// Usage, unreadable or unwritable file, unknown user: nothing was changed, unless the message says so.
    failed = 1,
    mismatch = 2,  ///< the two passwords differ, or --verify found the password wrong
};

/// `text` is one line without the program's name and without a newline: what failed, the cause, and a remedy if there
/// is one.
struct Failure {
    std::string text;
    ExitCode code = ExitCode::failed;
};

template <typename T>
using Result = std::expected<T, Failure>;

inline std::unexpected<Failure> fail(std::string text, ExitCode code = ExitCode::failed) {
    return std::unexpected(Failure{std::move(text), code});
}

}  // namespace mqttc::passwd
