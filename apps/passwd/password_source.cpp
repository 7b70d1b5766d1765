// Reads the password from the command line, the terminal or a pipe, and checks it.
#include "password_source.hpp"

#include <unistd.h>

#include "common/prompt.hpp"

namespace mqttc::passwd {
namespace {

// The prompts of mosquitto_passwd: expect scripts wait for these words.
constexpr std::string_view first_prompt = "Password: ";
constexpr std::string_view second_prompt = "Reenter password: ";

// Wipes the argument, so that `ps` does not show the password any more.
LockedSecret take_from_command_line(std::string_view password) {
    LockedSecret secret(password);
    sodium::wipe(const_cast<char*>(password.data()), password.size());
    return secret;
}

Result<LockedSecret> checked(Result<LockedSecret> password) {
    if (!password) return password;
    if (password->empty()) return fail("the password is empty");
    if (password->size() > max_password_length) return fail("the password is longer than 65535 bytes");
    return password;
}

// One line from the terminal after `prompt`, or without a prompt from standard input.
Result<LockedSecret> read_line(std::string_view prompt = {}) {
    LockedSecret line;
    // One byte more than allowed, to detect a password that is too long.
    line.resize(max_password_length + 1 + app::line_ending_room);
    const auto length = prompt.empty() ? app::read_secret_line(STDIN_FILENO, line.bytes())
                                       : app::ask_secret_line(prompt, "--stdin", line.bytes());
    if (!length) return fail("cannot read the password: " + length.error());
    return LockedSecret(line.view().substr(0, *length));
}

Result<LockedSecret> ask_once(std::string_view prompt) {
    return read_line(::isatty(STDIN_FILENO) == 1 ? prompt : std::string_view());
}

}  // namespace

Result<LockedSecret> new_password(const Options& options) {
    if (options.password) return checked(take_from_command_line(*options.password));
    if (options.one_line_stdin) return checked(read_line());
    auto first = checked(ask_once(first_prompt));
    if (!first) return first;
    auto second = ask_once(second_prompt);
    if (!second && ::isatty(STDIN_FILENO) != 1)
        return fail(
            "standard input has only one line; the password must be given twice, on two lines (or use "
            "--stdin)");
    if (!second) return second;
    if (*first != *second) return fail("the two passwords differ", ExitCode::mismatch);
    return first;
}

Result<LockedSecret> password_to_verify(const Options& options) {
    if (options.password) return take_from_command_line(*options.password);
    if (options.one_line_stdin) return read_line();
    return ask_once(first_prompt);
}

}  // namespace mqttc::passwd
