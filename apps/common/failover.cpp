// The brokers that replace the first one.
#include "failover.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "mqttc/url.hpp"
#include "option_context.hpp"
#include "options.hpp"

namespace mqttc::app {
namespace {

// Limits the duration of one round of attempts.
constexpr std::size_t max_brokers = 100;
constexpr std::array<std::string_view, 4> schemes{"mqtt://", "mqtts://", "ws://", "wss://"};

std::string_view scheme_of(bool tls, bool websocket) {
    if (websocket) return tls ? "wss" : "ws";
    return tls ? "mqtts" : "mqtt";
}

OptionResult add(OptionContext& context, std::string_view text) {
    const bool is_url = text.find("://") != text.npos;
    // parse_url() knows ports and brackets.
    auto url = parse_url(is_url ? std::string(text) : "mqtt://" + std::string(text));
    if (!url) return std::unexpected(std::move(url.error().context));
    if (url->username || url->password)
        return std::unexpected(
            std::string("every broker gets the same user name and password: give them once, "
                        "in the first URL or with -u"));
    if (url->topic) return std::unexpected(std::string("only the first broker's URL has a topic"));
    if (auto good = check_address(url->host); !good) return good;
    ConnectionOptions& to = *context.connection;
    forget_lower_failover(context);
    if (to.failover.size() == max_brokers)
        return std::unexpected("more than " + std::to_string(max_brokers) + " brokers");
    const std::string_view scheme = is_url ? scheme_of(url->tls, url->websocket) : std::string_view();
    to.failover.push_back({std::move(url->host), url->port, scheme, context.source, context.spelling});
    return {};
}

}  // namespace

UrlList split_urls(std::string_view text) {
    for (std::size_t comma = text.find(','); comma != text.npos; comma = text.find(',', comma + 1)) {
        const std::string_view rest = text.substr(comma + 1);
        if (std::ranges::any_of(schemes, [&](std::string_view scheme) { return rest.starts_with(scheme); }))
            return {text.substr(0, comma), rest};
    }
    return {text, {}};
}

OptionResult add_failover(OptionContext& context) {
    return add(context, context.value());
}

OptionResult add_failover_urls(OptionContext& context, std::string_view urls) {
    while (!urls.empty()) {
        const UrlList list = split_urls(urls);
        if (auto good = add(context, list.first); !good) return good;
        urls = list.rest;
    }
    return {};
}

std::expected<void, std::string> check_failover(const ConnectionOptions& options, const Endpoint& first) {
    if (!options.failover.empty() && !first.unix_path.empty())
        return std::unexpected(
            std::string("--failover and URLs after the first one cannot be used with --unix"));
    const std::string_view scheme = scheme_of(first.tls.has_value(), first.websocket.has_value());
    for (const FailoverBroker& broker : options.failover) {
        if (broker.scheme.empty() || broker.scheme == scheme) continue;
        return std::unexpected(
            std::string(broker.option)
                .append(": every broker is reached in the same way, and the first one over ")
                .append(scheme)
                .append("://, not ")
                .append(broker.scheme)
                .append("://"));
    }
    return {};
}

void forget_lower_failover(OptionContext& context) {
    std::erase_if(context.connection->failover,
                  [&](const FailoverBroker& one) { return one.source < context.source; });
}

}  // namespace mqttc::app
