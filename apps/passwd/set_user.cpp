// Adds a user or replaces the password of one.
#include "actions.hpp"
#include "change_file.hpp"
#include "common/visible.hpp"
#include "hash_many.hpp"
#include "password_source.hpp"

namespace mqttc::passwd {

Result<void> set_user(const Options& options) {
    if (auto good = check_name(options.user); !good)
        return fail("the user name '" + app::visible(options.user) + "' " + good.error());
    // Asking and hashing come before the lock: nobody waits for a person.
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
