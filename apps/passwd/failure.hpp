// What went wrong, as one line for the user, and the exit code that goes with it.
#pragma once

#include <expected>
#include <string>

namespace mqttc::passwd {

/// The numbers scripts see; the man page has the same table.
enum class ExitCode : int {
    done = 0,
    failed = 1,    ///< usage, unreadable or unwritable file, unknown user: nothing was changed
    mismatch = 2,  ///< the password typed twice differs, or --verify found it wrong
};

/// `text` is one line without the program's name and without a newline: what was tried, on what,
/// why, and the remedy if there is one.
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
