// --failover and the URLs after the first one in MQTT_URL: brokers that replace the first one.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "mqttc/endpoint.hpp"
#include "option_row.hpp"

namespace mqttc::app {

struct ConnectionOptions;
struct OptionContext;

/// A broker reached as the first one is, with the same login.
struct FailoverBroker {
    std::string host;
    std::uint16_t port = 0;   ///< 0: the first one's
    std::string_view scheme;  ///< "mqtts" or another; empty without a URL
    OptionSource source;
    std::string option;  ///< that gave it, as spelled
};

/// The first URL of a list separated by commas, and the rest of the list, or nothing. A comma separates only where
/// another URL follows, because a password may contain one.
struct UrlList {
    std::string_view first, rest;
};
UrlList split_urls(std::string_view text);

/// Setter of --failover: HOST[:PORT] or a URL without user name, password and topic.
OptionResult add_failover(OptionContext& context);
/// The same for each URL of a list.
OptionResult add_failover_urls(OptionContext& context, std::string_view urls);
/// All brokers must be reached as `first` is: an error for a URL with another scheme, and if `first` is a Unix socket.
std::expected<void, std::string> check_failover(const ConnectionOptions& options, const Endpoint& first);
/// Another first broker was given: those of lower sources do not replace it.
void forget_lower_failover(OptionContext& context);

}  // namespace mqttc::app
