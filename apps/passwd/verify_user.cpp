// --verify: checks a user's password.
#include "actions.hpp"
#include "base/escape.hpp"
#include "file_replace.hpp"
#include "password_file.hpp"
#include "password_hash.hpp"
#include "password_source.hpp"

namespace mqttc::passwd {

Result<void> verify_user(const Options& options) {
    const auto text = read_password_file(options.file);
    if (!text) return std::unexpected(text.error());
    const PasswordFile file(text->view());
    const auto line = file.find(options.user);
    const std::string user_in_file =
        "user '" + escape_controls(options.user) + "' in " + escape_controls(options.file);
    if (!line) return fail("there is no " + user_in_file);
    const std::string where = escape_controls(options.file) + ", line " + std::to_string(line->number) + ": ";
    switch (stored_form(line->stored)) {
        case StoredForm::hashed:
            break;
        case StoredForm::plain:
            return fail(where + "the password is plain text, so brokers refuse the user (-U hashes it)");
        case StoredForm::unknown:
            return fail(where + "a hash of an unknown kind");
        case StoredForm::empty:
            return fail(where + "the user has no password");
    }
    const auto password = password_to_verify(options);
    if (!password) return std::unexpected(password.error());
    const auto right = check_password(line->stored, password->view());
    if (!right) return fail(where + "the password could not be checked: " + right.error());
    if (!*right) return fail("wrong password for " + user_in_file, ExitCode::mismatch);
    return {};
}

}  // namespace mqttc::passwd
