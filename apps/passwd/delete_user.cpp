// -D: deletes a user.
#include "actions.hpp"
#include "base/escape.hpp"
#include "change_file.hpp"

namespace mqttc::passwd {

Result<void> delete_user(const Options& options) {
    return change_file(options, [&](PasswordFile& file) -> Result<Edited> {
        if (!file.remove(options.user))
            return fail("there is no user '" + escape_controls(options.user) + "' in " +
                        escape_controls(options.file));
        return Edited::yes;
    });
}

}  // namespace mqttc::passwd
