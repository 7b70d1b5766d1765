// Which clients may connect: anonymous ones, and the users of a password file.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "mqttc/error.hpp"
#include "options.hpp"

namespace mqttc::broker {

class Authenticator {
  public:
    /// Reads a password file; its users replace the earlier ones.
    std::expected<void, Error> load(const std::string& path);

    /// Without a password file any user name and password is accepted.
    bool accepts(std::optional<std::string_view> username, std::string_view password,
                 bool allow_anonymous) const;

  private:
    bool loaded_ = false;
    std::unordered_map<std::string, std::string> users_;
};

/// Which clients one listener accepts, instead of the setting for all listeners.
struct AccessControl {
    Authenticator authenticator;
    bool allow_anonymous = false;
    bool by_identity = false;

    bool accepts(std::optional<std::string_view> username, std::string_view password) const {
        return by_identity || authenticator.accepts(username, password, allow_anonymous);
    }
};

/// Reads the password file, if there is one.
std::expected<std::shared_ptr<const AccessControl>, Error> load_access(const Access& access);

}  // namespace mqttc::broker
