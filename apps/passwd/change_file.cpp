// Combines FileReplacement and PasswordFile; "-" is stdout. Prints the hint about a new file's owner.
#include "change_file.hpp"

#include <string>

#include "base/escape.hpp"
#include "file_replace.hpp"
#include "interrupt.hpp"
#include "message.hpp"

namespace mqttc::passwd {
namespace {

Result<void> write_to_stdout(const std::function<Result<Edited>(PasswordFile&)>& edit) {
    PasswordFile file("");
    if (auto edited = edit(file); !edited) return std::unexpected(edited.error());
    return print(file.pieces());
}

FileReplacement::Missing if_missing(const Options& options) {
    using enum FileReplacement::Missing;
    if (options.create) return create;
    const bool may_create = options.action == Action::set || options.action == Action::import_users;
    return may_create ? refuse_with_hint : refuse;
}

}  // namespace

Result<void> check_file(const Options& options) {
    if (options.file == "-") return {};
    return FileReplacement::check(options.file, if_missing(options));
}

Result<void> change_file(const Options& options, const std::function<Result<Edited>(PasswordFile&)>& edit) {
    if (options.file == "-") return write_to_stdout(edit);

    const InterruptGuard guard;
    auto replacement = FileReplacement::begin(options.file, if_missing(options));
    if (!replacement) return std::unexpected(replacement.error());
    PasswordFile file(options.create ? std::string_view() : replacement->text());
    const auto edited = edit(file);
    if (!edited) return std::unexpected(edited.error());
    if (*edited == Edited::no) return {};
    if (auto done = replacement->commit(file.pieces()); !done) return done;
    const std::string shown = escape_controls(options.file);
    using enum FileReplacement::Overwritten;
    if (replacement->overwritten() == mount_point)
        print_message(
            shown + " is a mount point, so it was overwritten and not replaced (better mount its directory)");
    if (replacement->overwritten() == unwritable_directory)
        print_message("the directory of " + shown +
                      " is not writable, so the file was overwritten and not replaced");
    if (replacement->given_to_broker())
        print_message("the new file " + shown +
                      " belongs to root and has the group of the broker's user mosquitto, which can read it");
    else if (!replacement->existed())
        print_message("only you can read the new file " + shown +
                      "; a broker that runs as another user needs: chown mosquitto: " + shown);
    return {};
}

}  // namespace mqttc::passwd
