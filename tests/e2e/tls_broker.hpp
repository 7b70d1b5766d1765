// A broker with TLS, and the options with which clients trust it.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "broker_thread.hpp"
#include "pub_program.hpp"
#include "support/certificates.hpp"
#include "tls_server.hpp"

namespace mqttc::test {

inline broker::StreamFactory tls_factory(const broker::TlsServerOptions& options) {
    auto factory = broker::make_tls_factory(options);
    REQUIRE_MESSAGE(factory.has_value(), (factory ? std::string() : factory.error().context));
    return std::move(*factory);
}

inline broker::Options with_tls(const broker::TlsServerOptions& options) {
    broker::Options all;
    all.listeners.push_back({.make_stream = tls_factory(options)});
    return all;
}

inline broker::TlsServerOptions server_with(const KeyPair& pair) {
    return {.cert_file = pair.certificate, .key_file = pair.key};
}

/// A CA, a certificate for localhost, and a broker with it.
struct TlsBroker {
    explicit TlsBroker(broker::TlsServerOptions options = {})
        : broker(with_tls(completed(std::move(options)))) {}

    std::uint16_t port() const { return broker.port(); }
    Words trusting(Words more) const {
        more.insert(more.begin(), {"--cafile", certificates.ca_file()});
        return more;
    }

    Certificates certificates;
    KeyPair server = certificates.issue("server");
    broker::BrokerThread broker;

  private:
    broker::TlsServerOptions completed(broker::TlsServerOptions options) const {
        options.cert_file = server.certificate;
        options.key_file = server.key;
        if (options.require_certificate) options.ca_file = certificates.ca_file();
        return options;
    }
};

inline const Words one_message = {"-t", "a", "-m", "x", "-q", "1"};

}  // namespace mqttc::test
