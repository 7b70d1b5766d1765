// Publishes over TLS, and reports an error with a remedy in its own words. usage: tls URL CA_FILE [CERTIFICATE KEY]
#include <cstdio>

#include "mqttc/client.hpp"

//! [hint]
// The library names no options of programs: it gives a hint, and the program its own words.
const char* remedy(mqttc::Hint hint) {
    switch (hint) {
        case mqttc::Hint::ca_file:
        case mqttc::Hint::wrong_ca:
            return " (the second argument must be the CA of this broker)";
        case mqttc::Hint::client_certificate:
            return " (the broker requires a client certificate: give its file and its key)";
        case mqttc::Hint::credentials:
            return " (check user name and password in the URL)";
        default:
            return "";
    }
}
//! [hint]

int main(int argc, char** argv) {
    if (argc != 3 && argc != 5) return std::fputs("usage: tls URL CA_FILE [CERTIFICATE KEY]\n", stderr), 2;
    const auto url = mqttc::parse_url(argv[1]);
    if (!url) return std::fprintf(stderr, "tls: %s\n", url.error().context.c_str()), 2;
    mqttc::ClientOptions options = mqttc::client_options(*url);
    //! [tls]
    mqttc::TlsOptions& tls = options.endpoint.tls.emplace();
    tls.ca_file = argv[2];  // without it: the system's CAs
    if (argc == 5) {
        tls.cert_file = argv[3];
        tls.key_file = argv[4];
    }
    tls.minimum = mqttc::TlsVersion::v1_3;
    //! [tls]
    mqttc::ClientHandler no_events;
    mqttc::Client client(options, no_events);
    const auto sent = client.publish(
        {.topic = "home/kitchen/temp", .payload = mqttc::as_bytes("19.5"), .qos = mqttc::Qos::at_least_once});
    if (!sent) return std::fprintf(stderr, "tls: %s\n", sent.error().context.c_str()), 2;
    client.disconnect_when_delivered(std::chrono::seconds(10));
    //! [errors]
    if (const auto ended = client.run(); !ended) {
        const mqttc::Error& error = ended.error();
        std::fprintf(stderr, "tls: %s%s\n", error.context.c_str(), remedy(error.hint));
        return error.code == mqttc::ErrorCode::tls_config ? 2 : 1;
    }
    //! [errors]
    return 0;
}
