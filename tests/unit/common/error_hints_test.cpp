// Errors of the library in the programs' words.
#include "error_hints.hpp"

#include <doctest/doctest.h>

using namespace mqttc;
using namespace mqttc::app;

TEST_CASE("an error without a hint is printed as it is") {
    CHECK(error_text({ErrorCode::connect_failed, 0, "cannot connect"}) == "cannot connect");
}

TEST_CASE("an unusable setting is named first") {
    CHECK(error_text({ErrorCode::tls_config, 0, "cannot read ca.pem", Hint::ca_file}) ==
          "--cafile: cannot read ca.pem");
    CHECK(error_text({ErrorCode::tls_config, 0, "the key is encrypted", Hint::key_passphrase}) ==
          "the key is encrypted (--key-passphrase-file)");
}

TEST_CASE("a remedy is appended, within existing parentheses if there are any") {
    CHECK(error_text({ErrorCode::tls_failed, 0, "not trusted", Hint::ca_file}) ==
          "not trusted (give its CA certificate with --cafile)");
    CHECK(error_text({ErrorCode::websocket_failed, 400, "answered 400 (is it a listener?)",
                      Hint::websocket_path}) == "answered 400 (is it a listener? is --ws-path right?)");
    CHECK(error_text(
              {ErrorCode::connection_refused, 5, "refused (no user name was given)", Hint::credentials}) ==
          "refused (no user name was given; use -u, and --password-file or MQTT_PASSWORD; Mosquitto 2 "
          "accepts clients "
          "without a user name only with allow_anonymous true)");
}

TEST_CASE("a refused protocol version is not among the versions to try") {
    // Which one was refused is not known here.
    CHECK(error_text({ErrorCode::connection_refused, 1, "refused", Hint::protocol_version}) ==
          "refused (choose another protocol version with -V)");
}

TEST_CASE("every hint has an option or a remedy") {
    for (int hint = 1; hint <= static_cast<int>(Hint::max_packet_size); ++hint) {
        CAPTURE(hint);
        CHECK(error_text({ErrorCode::tls_config, 0, "x", static_cast<Hint>(hint)}).find('-') !=
              std::string::npos);
    }
}
