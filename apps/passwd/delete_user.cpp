// -D: deletes a user.
#include "actions.hpp"
#include "change_file.hpp"
#include "common/visible.hpp"

namespace mqttc::passwd {

Result<void> delete_user(const Options& options) {
    return change_file(options, [&](PasswordFile& file) -> Result<Edited> {
        if (!file.remove(options.user))
            return fail("there is no user '" + app::visible(options.user) + "' in " +
                        app::visible(options.file));
        return Edited::yes;
    });
}

}  // namespace mqttc::passwd
