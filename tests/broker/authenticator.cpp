// Users and hashes from a password file of mqtt_passwd.
#include "authenticator.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "password_file.hpp"
#include "password_hash.hpp"

namespace mqttc::broker {

std::expected<void, Error> Authenticator::load(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        const int cause = errno;
        return std::unexpected(Error{ErrorCode::io_error, cause,
                                     "cannot read the password file " + path + ": " + std::strerror(cause)});
    }
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    users_.clear();
    for (const auto& line : passwd::PasswordLines(text))
        if (line.kind == passwd::PasswordLine::Kind::entry)
            users_.insert_or_assign(std::string(line.name), std::string(line.stored));
    loaded_ = true;
    return {};
}

bool Authenticator::accepts(std::optional<std::string_view> username, std::string_view password,
                            bool allow_anonymous) const {
    if (!username) return allow_anonymous;
    if (!loaded_) return allow_anonymous;
    const auto user = users_.find(std::string(*username));
    if (user == users_.end()) return false;
    return passwd::check_password(user->second, password).value_or(false);
}

std::expected<std::shared_ptr<const AccessControl>, Error> load_access(const Access& access) {
    auto control = std::make_shared<AccessControl>();
    control->allow_anonymous = access.allow_anonymous;
    control->by_identity = access.by_identity;
    if (!access.password_file.empty())
        if (auto loaded = control->authenticator.load(access.password_file); !loaded)
            return std::unexpected(loaded.error());
    return control;
}

}  // namespace mqttc::broker
