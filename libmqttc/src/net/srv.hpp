// DNS SRV records: which hosts serve a domain's MQTT, in the order to try them (RFC 2782).
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "mqttc/error.hpp"
#include "mqttc/types.hpp"

namespace mqttc::net {

struct SrvRecord {
    std::uint16_t priority = 0;
    std::uint16_t weight = 0;
    std::uint16_t port = 0;
    std::string host;
};

/// The SRV records of a DNS answer; empty when it has none or is damaged.
std::vector<SrvRecord> parse_srv_answer(Bytes message);

/// Lowest priority first; equal ones drawn by weight. `random` gives numbers in [0, 1).
std::vector<SrvRecord> order_srv(std::vector<SrvRecord> records, const std::function<double()>& random);

/// Asks the name servers for `service`.`domain` and waits for them. Error: name_not_found.
std::expected<std::vector<SrvRecord>, Error> look_up_srv(const std::string& service,
                                                         const std::string& domain);

}  // namespace mqttc::net
