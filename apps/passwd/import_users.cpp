// --import: adds or replaces many users at once.
#include "actions.hpp"
#include "base/escape.hpp"
#include "base/text.hpp"
#include "change_file.hpp"
#include "file_replace.hpp"
#include "hash_many.hpp"
#include "interrupt.hpp"
#include "message.hpp"

namespace mqttc::passwd {
namespace {

struct NewUser {
    std::string_view name;
    std::string_view password;  // a hash if `hashed`
    bool hashed = false;
};

// The users in `text`, as views into it. Fails on a line other than a user, a comment or a blank line.
Result<std::vector<NewUser>> users_of(std::string_view text, const std::string& source) {
    std::vector<NewUser> users;
    std::unordered_map<std::string_view, std::size_t> seen;
    for (const PasswordLine& line : PasswordLines(text)) {
        const auto wrong = [&](const std::string& what) {
            return fail(source + ", line " + std::to_string(line.number) + ": " + what);
        };
        if (line.kind == PasswordLine::Kind::blank || line.kind == PasswordLine::Kind::comment) continue;
        if (line.kind == PasswordLine::Kind::unreadable) return wrong("not user:password");
        // Includes spaces around the name: what is wrong on the command line is wrong here.
        const std::string_view name = line.text.substr(0, line.text.find(':'));
        if (auto good = check_name(name); !good)
            return wrong("the user name '" + escape_controls(name) + "' " + good.error());
        if (line.stored.empty()) return wrong("user '" + escape_controls(line.name) + "' has no password");
        if (line.stored.size() > max_password_length) return wrong("the password is longer than 65535 bytes");
        const StoredForm form = stored_form(line.stored);
        if (form == StoredForm::unknown)
            return wrong("user '" + escape_controls(line.name) +
                         "' has a damaged hash or one of an unknown kind");
        const auto [first, is_new] = seen.try_emplace(line.name, line.number);
        if (!is_new)
            return wrong("user '" + escape_controls(line.name) + "' is already on line " +
                         std::to_string(first->second));
        users.push_back({line.name, line.stored, form == StoredForm::hashed});
    }
    return users;
}

// The effect on the file when there was nothing to import.
std::string effect_on_file(const Options& options) {
    if (options.file == "-") return "";
    return "; " + escape_controls(options.file) + (options.create ? " is empty" : " is unchanged");
}

}  // namespace

Result<void> import_users(const Options& options) {
    const auto text = read_whole_file(options.import_from);
    if (!text) return std::unexpected(text.error());
    const std::string source =
        options.import_from == "-" ? "standard input" : escape_controls(options.import_from);
    const auto users = users_of(without_byte_order_mark(text->view()), source);
    if (!users) return std::unexpected(users.error());

    std::vector<std::string_view> passwords;
    for (const NewUser& user : *users)
        if (!user.hashed) passwords.push_back(user.password);
    const InterruptGuard guard;
    auto hashes = hash_many(passwords, options.recipe, options.file);
    if (!hashes) return std::unexpected(hashes.error());

    const auto changed = change_file(options, [&](PasswordFile& file) -> Result<Edited> {
        if (users->empty() && !options.create) return Edited::no;
        auto hash = hashes->begin();
        for (const NewUser& user : *users)
            file.set(user.name, user.hashed ? std::string(trim_spaces(user.password)) : std::move(*hash++));
        return Edited::yes;
    });
    if (changed && users->empty()) print_message("no users in the input" + effect_on_file(options));
    return changed;
}

}  // namespace mqttc::passwd
