// Look-up in an option table.
#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "nearest.hpp"
#include "option_row.hpp"

namespace mqttc::app {
namespace {

// Names of other programs for our options, and likely guesses.
struct Synonym {
    std::string_view synonym;
    std::string_view option;
    std::string_view suggestion;
};
constexpr Synonym synonyms[] = {
    {"password", "pw", "--pw or --password-file"},
    {"passwd", "pw", "--pw or --password-file"},
    {"pass", "pw", "--pw or --password-file"},
    {"user", "username", "--username"},
    {"client-id", "id", "--id"},
    {"clientid", "id", "--id"},
    {"payload", "message", "--message"},
    {"timeout", "W", "-W"},
    {"count", "C", "-C"},
    {"format", "F", "-F"},
    {"json", "F", "-F %j"},
    {"tls", "tls-use-os-certs", "--tls-use-os-certs"},
    {"ssl", "tls-use-os-certs", "--tls-use-os-certs"},
    {"ca", "cafile", "--cafile"},
    {"certfile", "cert", "--cert"},
    {"keyfile", "key", "--key"},
    {"clean", "disable-clean-session", "not needed: sessions are clean unless -c is given"},
    {"clean-session", "disable-clean-session", "not needed: sessions are clean unless -c is given"},
    {"output", "F", "-F, such as -F %j for JSON"},
    {"message-expiry", "property", "-D publish message-expiry-interval"},
    {"message-expiry-interval", "property", "-D publish message-expiry-interval"},
};

}  // namespace

std::string_view program_name(Program program) {
    return program == Program::pub ? "mqtt_pub" : program == Program::sub ? "mqtt_sub" : "mqtt_passwd";
}

std::string OptionRow::names() const {
    std::string out;
    if (short_name != 0) out.append("-").append(1, short_name).append(name.empty() ? "" : ", ");
    if (!name.empty()) out.append("--").append(name);
    return out;
}

std::string OptionRow::short_form() const {
    return short_name != 0 ? std::string("-") + short_name : "--" + std::string(name);
}

const OptionRow* OptionTable::find(ProgramSet programs, std::string_view name) const {
    // A NUL is the short name of the rows that have none.
    if (name.empty() || name[0] == '\0') return nullptr;
    for (const OptionSection& section : sections_) {
        if ((section.programs & programs) == 0) continue;
        for (const OptionRow& row : section.rows) {
            if (name.size() == 1 ? row.short_name == name[0] : row.name == name) return &row;
        }
    }
    return nullptr;
}

const OptionRow* OptionTable::find_spelled(ProgramSet programs, std::string_view word) const {
    if (word.starts_with("--")) return word.size() > 3 ? find(programs, word.substr(2)) : nullptr;
    return word.size() == 2 && word.front() == '-' ? find(programs, word.substr(1)) : nullptr;
}

std::string OptionTable::nearest(Program program, std::string_view given) const {
    while (given.starts_with('-')) given.remove_prefix(1);
    const std::string name = to_lower(given.substr(0, given.find('=')));
    given = name;
    for (const Synonym& one : synonyms) {
        if (one.synonym == given && find(only(program), one.option) != nullptr)
            return std::string(one.suggestion);
    }
    std::vector<std::string_view> names;
    for_each(only(program), [&](const OptionRow& row) {
        if (!row.name.empty() && !row.help.empty()) names.push_back(row.name);
    });
    const std::string_view nearest = nearest_name(given, names);
    return nearest.empty() ? std::string() : "--" + std::string(nearest);
}

}  // namespace mqttc::app
