// Adds a user or changes the password of one.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "actions.hpp"
#include "base/escape.hpp"
#include "change_file.hpp"
#include "hash_many.hpp"
#include "password_source.hpp"

namespace mqttc::passwd {

namespace {

// True for "mqtt_passwd user file" instead of "mqtt_passwd file user".
bool is_swapped(const Options& options) {
    struct stat about{};
    const bool missing = !options.create && ::access(options.file.c_str(), F_OK) != 0 && errno == ENOENT;
    return missing && ::stat(options.user.c_str(), &about) == 0 && S_ISREG(about.st_mode);
}

}  // namespace

Result<void> set_user(const Options& options) {
    if (auto good = check_name(options.user); !good)
        return fail("the user name '" + escape_controls(options.user) + "' " + good.error());
    if (is_swapped(options))
        return fail("there is no file " + escape_controls(options.file) +
                    " (give the password file before the user name)");
    // Fail before the user types a password twice for a file that cannot be changed.
    if (auto checked = check_file(options); !checked) return checked;
    // Read and hash the password before taking the lock: other processes do not wait for the user.
    const auto password = new_password(options);
    if (!password) return std::unexpected(password.error());
    auto hash = hash_one(password->view(), options.recipe);
    if (!hash) return std::unexpected(hash.error());
    return change_file(options, [&](PasswordFile& file) -> Result<Edited> {
        file.set(options.user, std::move(*hash));
        return Edited::yes;
    });
}

}  // namespace mqttc::passwd
