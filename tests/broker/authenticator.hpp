// Who may connect: the users of a password file.
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
    /// Reads a password file, in place of what was read before.
    std::expected<void, Error> load(const std::string& path);

    /// Without a password file every name is good, as every password.
    bool admits(std::optional<std::string_view> username, std::string_view password,
                bool allow_anonymous) const;

  private:
    bool loaded_ = false;
    std::unordered_map<std::string, std::string> users_;
};

/// What one listener asks of clients, in place of what all of them do.
struct Gate {
    Authenticator authenticator;
    bool allow_anonymous = false;
    bool by_identity = false;

    bool admits(std::optional<std::string_view> username, std::string_view password) const {
        return by_identity || authenticator.admits(username, password, allow_anonymous);
    }
};

/// Reads the password file, if there is one.
std::expected<std::shared_ptr<const Gate>, Error> make_gate(const Access& access);

}  // namespace mqttc::broker
