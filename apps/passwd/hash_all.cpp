// -U: hashes the plain-text passwords, and only those.
#include "actions.hpp"
#include "base/escape.hpp"
#include "base/text.hpp"
#include "change_file.hpp"
#include "hash_many.hpp"
#include "message.hpp"

namespace mqttc::passwd {

Result<void> hash_all(const Options& options) {
    return change_file(options, [&](PasswordFile& file) -> Result<Edited> {
        std::vector<std::size_t> where;
        std::vector<std::string_view> passwords;
        for (const PasswordLine& line : file.lines()) {
            const auto warn = [&](const std::string& what, const char* so = "; not changed") {
                print_message(escape_controls(options.file) + ", line " + std::to_string(line.number) + ": " +
                              what + so);
            };
            if (line.kind == PasswordLine::Kind::unreadable) warn("not name:password");
            if (line.kind != PasswordLine::Kind::entry) continue;
            switch (stored_form(line.stored)) {
                case StoredForm::plain:
                    if (line.stored.size() > max_password_length)
                        return fail(escape_controls(options.file) + ", line " + std::to_string(line.number) +
                                    ": the password is longer than 65535 bytes; nothing was changed");
                    // Mosquitto 2.0 leaves them out.
                    if (trim_spaces(line.stored).size() != line.stored.size())
                        warn("the password of user '" + escape_controls(line.name) +
                                 "' has spaces at its start or end, which are part of it",
                             "");
                    where.push_back(line.number);
                    passwords.push_back(line.stored);
                    break;
                case StoredForm::unknown:
                    warn("user '" + escape_controls(line.name) + "' has a hash of an unknown kind");
                    break;
                case StoredForm::empty:
                    warn("user '" + escape_controls(line.name) + "' has no password");
                    break;
                case StoredForm::hashed:
                    break;
            }
        }
        if (passwords.empty()) return Edited::no;
        auto hashes = hash_many(passwords, options.recipe, options.file);
        if (!hashes) return std::unexpected(hashes.error());
        for (std::size_t k = 0; k < where.size(); ++k) file.set_line(where[k], std::move((*hashes)[k]));
        return Edited::yes;
    });
}

}  // namespace mqttc::passwd
