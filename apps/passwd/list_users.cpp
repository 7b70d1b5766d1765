// --list: prints the user names in the file.
#include <unistd.h>

#include <unordered_set>

#include "actions.hpp"
#include "base/escape.hpp"
#include "file_replace.hpp"
#include "message.hpp"
#include "password_file.hpp"

namespace mqttc::passwd {

Result<void> list_users(const Options& options) {
    const auto text = read_password_file(options.file);
    if (!text) return std::unexpected(text.error());
    // Names in the file must not control the terminal; a pipe gets the exact bytes.
    const bool to_terminal = ::isatty(STDOUT_FILENO) == 1;
    std::unordered_set<std::string_view> seen;
    std::string names;
    for (const PasswordLine& line : PasswordLines(text->view())) {
        if (line.kind != PasswordLine::Kind::entry || !seen.insert(line.name).second) continue;
        names += to_terminal ? escape_controls(line.name, line.name.size()) : std::string(line.name);
        names += '\n';
    }
    return print(names);
}

}  // namespace mqttc::passwd
