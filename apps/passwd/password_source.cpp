// Command line, terminal or pipe; what counts as a password.
#include "password_source.hpp"

#include <unistd.h>

#include "common/prompt.hpp"

namespace mqttc::passwd {
namespace {

// The words scripts around the original wait for.
constexpr std::string_view first_question = "Password: ";
constexpr std::string_view second_question = "Reenter password: ";

// argv is ours to write: no later `ps` shows the password.
Secret take_from_command_line(std::string_view password) {
    Secret secret(password);
    sodium::wipe(const_cast<char*>(password.data()), password.size());
    return secret;
}

Result<Secret> checked(Result<Secret> password) {
    if (!password) return password;
    if (password->empty()) return fail("the password is empty");
    if (password->size() > max_password_length) return fail("the password is longer than 65,535 bytes");
    return password;
}

// One line of standard input, or of the terminal when there is a question.
Result<Secret> read_line(std::string_view question = {}) {
    Secret line;
    // One more shows that it is too long and not a shorter one.
    line.resize(max_password_length + 1 + app::line_ending_room);
    const auto length = question.empty() ? app::read_secret_line(STDIN_FILENO, line.bytes())
                                         : app::ask_secret_line(question, "--stdin", line.bytes());
    if (!length) return fail("cannot read the password: " + length.error());
    return Secret(line.view().substr(0, *length));
}

Result<Secret> ask_once(std::string_view question) {
    return read_line(::isatty(STDIN_FILENO) == 1 ? question : std::string_view());
}

}  // namespace

Result<Secret> new_password(const Options& options) {
    if (options.password) return checked(take_from_command_line(*options.password));
    if (options.one_line_stdin) return checked(read_line());
    auto first = checked(ask_once(first_question));
    if (!first) return first;
    auto second = ask_once(second_question);
    if (!second && ::isatty(STDIN_FILENO) != 1)
        return fail(
            "standard input holds the password once; it must be there twice, a line each (or use --stdin)");
    if (!second) return second;
    if (*first != *second) return fail("the two passwords differ", ExitCode::mismatch);
    return first;
}

Result<Secret> claimed_password(const Options& options) {
    if (options.password) return take_from_command_line(*options.password);
    if (options.one_line_stdin) return read_line();
    return ask_once(first_question);
}

}  // namespace mqttc::passwd
