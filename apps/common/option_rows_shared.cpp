// The other options that mqtt_pub and mqtt_sub share: TLS, WebSocket, proxies, the Will, and the run as a whole.
#include <algorithm>

#include "base/encoding.hpp"
#include "base/escape.hpp"
#include "mqttc/url.hpp"
#include "option_rows.hpp"

namespace mqttc::app {
namespace {

constexpr auto tls_field = &ConnectionOptions::tls;
constexpr auto will_field = &ConnectionOptions::will;

OptionResult set_alpn(OptionContext& context) {
    constexpr std::size_t longest = 255;
    if (context.value().empty() || context.value().size() > longest)
        return std::unexpected(std::string("a protocol name has 1 to 255 bytes"));
    return set_text<tls_field, &TlsOptions::alpn>(context);
}

OptionResult set_psk(OptionContext& context) {
    if (context.value().empty() || !is_hex(context.value()))
        return std::unexpected(std::string("the key is not hexadecimal"));
    context.connection->tls.psk_key = Secret(context.value());
    context.connection->psk_file.clear();
    context.forget("psk-file");
    return {};
}

OptionResult set_psk_file(OptionContext& context) {
    context.connection->tls.psk_key.wipe();
    return set_text<&ConnectionOptions::psk_file>(context);
}

OptionResult set_psk_identity(OptionContext& context) {
    return assign(context.connection->tls.psk_identity, to_utf8(context.value()));
}

OptionResult set_key_form(OptionContext& context) {
    context.is_default = context.choice == 0;
    return {};
}

OptionResult set_engine_pin(OptionContext& context) {
    if (context.value().empty() || !is_hex(context.value()))
        return std::unexpected(std::string("the SHA-1 sum is not hexadecimal"));
    context.connection->tls.key_passphrase = Secret(context.value());
    return {};
}

OptionResult set_server_name(OptionContext& context) {
    return assign(context.connection->tls.server_name, to_host(context.value()));
}

OptionResult set_websocket_path(OptionContext& context) {
    const bool printable = std::ranges::all_of(context.value(), [](char c) { return c > ' ' && c < '\x7f'; });
    if (!context.value().starts_with('/') || !printable)
        return std::unexpected(
            in_quotes(context.value()).append(" is not a path: '/' and printable ASCII without spaces"));
    return set_text<&ConnectionOptions::websocket_options, &WebSocketOptions::path>(context);
}

OptionResult add_websocket_header(OptionContext& context) {
    const std::string_view value = context.value();
    const std::string_view name = header_name(value);
    const bool controls =
        std::ranges::any_of(value, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
    if (name.empty()) return std::unexpected(std::string("the header is not 'Name: value'"));
    if (value[name.size()] != ':' || controls)
        return std::unexpected(in_quotes(name).append(" and what follows is not 'Name: value'"));
    if (is_reserved_websocket_header(value))
        return std::unexpected("the header " + in_quotes(name) + " is set by the WebSocket protocol itself");
    context.connection->websocket_options.headers.emplace_back(value);
    return {};
}

OptionResult set_proxy(OptionContext& context) {
    auto proxy = parse_proxy_url(context.value());
    if (!proxy) return std::unexpected(std::move(proxy.error().context));
    context.connection->endpoint.proxy = std::move(*proxy);
    return {};
}

OptionResult drop_proxy(OptionContext& context) {
    context.connection->endpoint.proxy.reset();
    context.forget("proxy");
    return {};
}

OptionResult set_will_payload(OptionContext& context) {
    if (auto good = check_max_length(context.value(), "the payload of a Will"); !good) return good;
    return set_text<will_field, &WillOptions::payload>(context);
}

OptionResult set_ca_file(OptionContext& context) {
    context.connection->ca_file_option = context.spelling;
    return set_text<tls_field, &TlsOptions::ca_file>(context);
}

OptionResult set_stats_form(OptionContext& context) {
    if (!context.values.empty()) return set_choice<StatsForm, &RunOptions::stats>(context);
    context.run->stats = StatsForm::text;
    return {};
}

// clang-format off
constexpr OptionRow tls_options[] = {
    {.name = "cafile", .argument = "FILE", .value = ValueKind::file, .role = Role::selects_tls, .environment = "MQTT_CAFILE",
     .help = "trusted CA certificates (PEM)",
     .manual = R"(Trust the certificates in this PEM file: of CAs, of an intermediate CA, or of
the broker itself.)",
     .set = set_ca_file},
    {.name = "capath", .argument = "DIR", .value = ValueKind::directory, .role = Role::selects_tls,
     .help = "directory of trusted CA certificates",
     .manual = R"(Trust the CA certificates in this directory
.Pq hashed by Xr openssl-rehash 1 .)",
     .set = set_text<tls_field, &TlsOptions::ca_path>},
    {.name = "tls-use-os-certs", .role = Role::selects_tls,
     .help = "trust the system's CA certificates (the default with TLS)",
     .manual = R"(Trust the system's CA certificates.
This is the default if neither
.Fl -cafile
nor
.Fl -capath
is given.)",
     .set = set_flag<tls_field, &TlsOptions::system_store>},
    {.name = "cert", .argument = "FILE", .value = ValueKind::file, .role = Role::selects_tls, .needs = "key",
     .help = "client certificate: PEM, DER, PKCS#12, or a URI",
     .manual = R"(The client certificate: a PEM, DER or PKCS#12 file, or a URI that OpenSSL can
read, such as
.Li pkcs11:... .
Requires
.Fl -key .)",
     .set = set_text<tls_field, &TlsOptions::cert_file>},
    {.name = "key", .argument = "FILE", .value = ValueKind::file, .secrecy = Secrecy::file_content, .role = Role::selects_tls, .needs = "cert",
     .help = "its private key: PEM, DER, PKCS#12, or a URI",
     .manual = R"(The private key of the client certificate, in one of the forms of
.Fl -cert .
If a PKCS#12 file has both, give it to both options.
Requires
.Fl -cert .
.Pp
A persistent key in a TPM 2.0, ECC or RSA, is given by its handle:
.Li handle:0x81000001 .
This needs OpenSSL's provider tpm2
.Pq Debian: tpm2-openssl
and a user who may open the TPM
.Pq Debian: group tss .
With tpm2-tools, a key is created, and a certificate is requested for it, by
.Bd -literal -offset indent
tpm2_createprimary -C o -G ecc -c key.ctx \e
  -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign'
tpm2_evictcontrol -C o -c key.ctx 0x81000001
openssl req -provider tpm2 -provider default \e
  -propquery '?provider=tpm2' -new -key handle:0x81000001 \e
  -subj /CN=client -out client.csr
.Ed)",
     .set = set_text<tls_field, &TlsOptions::key_file>},
    {.name = "key-passphrase-file", .argument = "FILE", .value = ValueKind::file, .secrecy = Secrecy::file_content, .role = Role::selects_tls, .needs = "key",
     .help = "the key's passphrase is the first line of FILE",
     .manual = R"(Read the passphrase of the private key, the PIN of its token, or its password in
a TPM, from the first line of
.Ar file .
Without this option, the program prompts for the passphrase of an encrypted
key on the terminal.)",
     .set = set_text<&ConnectionOptions::key_passphrase_file>},
    {.name = "tls-version", .argument = "VERSION", .value = ValueKind::choice, .choices = "tlsv1.2 tlsv1.3",
     .role = Role::selects_tls, .help = "lowest version: tlsv1.2 (default) or tlsv1.3",
     .manual = R"(The lowest TLS version to accept.
The default is
.Cm tlsv1.2 .)",
     .set = set_choice<TlsVersion, tls_field, &TlsOptions::minimum>},
    {.name = "ciphers", .argument = "LIST", .role = Role::selects_tls,
     .help = "ciphers of TLS 1.2, as OpenSSL writes them",
     .manual = R"(The ciphers of TLS 1.2, an OpenSSL cipher list.
Ciphers without encryption, or without a certificate of the server, are left out
unless
.Fl -insecure
is given.)",
     .set = set_text<tls_field, &TlsOptions::ciphers>},
    {.name = "tls13-ciphers", .argument = "LIST", .role = Role::selects_tls,
     .help = "cipher suites of TLS 1.3", .set = set_text<tls_field, &TlsOptions::ciphersuites>},
    {.name = "tls-alpn", .argument = "PROTOCOL", .role = Role::selects_tls,
     .help = "ALPN protocol, e.g. x-amzn-mqtt-ca",
     .manual = R"(The protocol name to offer with ALPN.
Some cloud brokers require one on port 443.)",
     .set = set_alpn},
    {.name = "server-name", .argument = "NAME", .value = ValueKind::host, .not_empty = "the name",
     .role = Role::selects_tls,
     .help = "name for SNI and in the certificate, instead of the host",
     .manual = R"(The name that the broker's certificate must contain, if it is not the host to
connect to.
It is also sent with SNI.)",
     .set = set_server_name},
    {.name = "crlfile", .argument = "FILE", .value = ValueKind::file, .role = Role::selects_tls,
     .help = "revocation lists: one of each CA of the broker's chain",
     .manual = R"(Refuse a broker whose certificate has been revoked by a list (CRL) in this PEM
or DER file.
The file must have a list of each CA in the broker's chain, and
.Fl -cafile
must contain the root CA.)",
     .set = set_text<tls_field, &TlsOptions::crl_file>},
    {.name = "ocsp", .argument = "MODE", .value = ValueKind::choice, .choices = "require", .role = Role::selects_tls,
     .help = "require: the broker must prove that its certificate is not revoked",
     .manual = R"(With
.Cm require ,
the broker must prove that its certificate has not been revoked: it must send an
OCSP response that the certificate's issuer has signed (OCSP stapling).)",
     .set = set_flag<tls_field, &TlsOptions::require_ocsp>},
    {.name = "insecure", .role = Role::selects_tls,
     .needs_safe_file = true,
     .help = "do not verify the broker's certificate: anyone can intercept",
     .manual = R"(Do not verify the broker's certificate.
Use this for tests only: anyone on the network can read and change the
traffic.)",
     .set = clear_flag<tls_field, &TlsOptions::verify>},
    {.name = "no-insecure", .role = Role::selects_tls,
     .help = "verify it even if a configuration file has --insecure",
     .manual = R"(Verify the broker's certificate even if a configuration file contains
.Fl -insecure .)",
     .set = set_flag<tls_field, &TlsOptions::verify>},
    {.name = "tls-keylog", .argument = "FILE", .value = ValueKind::file, .secrecy = Secrecy::file_content, .role = Role::selects_tls,
     .help = "write the session keys to FILE, for Wireshark",
     .manual = R"(Append the secrets of the TLS session to
.Ar file ,
in the NSS key log format that Wireshark reads.)",
     .set = set_text<tls_field, &TlsOptions::keylog_file>},
    {.name = "psk", .argument = "HEX", .secrecy = Secrecy::value, .role = Role::selects_tls,
     .needs = "psk-identity", .excludes = "cafile|capath", .ends_at_space = true, .help = "pre-shared key in hex",
     .manual = R"(The pre-shared key, in hexadecimal.
Requires
.Fl -psk-identity .)",
     .set = set_psk},
    {.name = "psk-file", .argument = "FILE", .value = ValueKind::file, .secrecy = Secrecy::file_content, .role = Role::selects_tls,
     .needs = "psk-identity", .excludes = "cafile|capath",
     .help = "the pre-shared key is the first line of FILE",
     .manual = R"(Read the pre-shared key from the first line of
.Ar file .)",
     .set = set_psk_file},
    {.name = "psk-identity", .argument = "NAME", .not_empty = "the identity", .role = Role::selects_tls, .needs = "psk|psk-file",
     .help = "name of the pre-shared key",
     .manual = R"(The identity that belongs to the pre-shared key.)",
     .set = set_psk_identity},
    {.name = "no-tls", .role = Role::no_tls,
     .needs_safe_file = true,
     .help = "no TLS, whatever other TLS options say",
     .manual = R"(Turn TLS off, even if port 8883 or another option, such as one in a
configuration file, turns it on.)",
     .set = no_setting},
    {.name = "keyform", .argument = "FORM", .value = ValueKind::choice, .choices = "pem engine",
     .role = Role::selects_tls, .needs = "tls-engine",
     .help = "with engine, --key is the name of a key of --tls-engine",
     .manual = R"(With
.Cm engine ,
the argument of
.Fl -key
is the name of a key of
.Fl -tls-engine .)",
     .set = set_key_form},
    {.name = "tls-engine", .argument = "ENGINE", .role = Role::selects_tls, .needs = "keyform",
     .needs_safe_file = true,
     .help = "OpenSSL engine that has the private key",
     .manual = R"(The OpenSSL engine that has the private key, such as
.Cm pkcs11 ,
with
.Ql --keyform engine .
OpenSSL 3 does not need an engine:
.Ql --key pkcs11:...
works without these options.)",
     .set = set_text<tls_field, &TlsOptions::engine>},
    {.name = "tls-engine-kpass-sha1", .argument = "SHA1", .secrecy = Secrecy::value, .role = Role::selects_tls,
     .needs = "tls-engine", .excludes = "key-passphrase-file", .ends_at_space = true,
     .help = "SHA-1 sum of the key's password in hex, for the engine",
     .manual = R"(The SHA-1 sum of the password of the engine's key, in hexadecimal.
It is passed to the engine unchanged.
For an engine that needs the password or PIN itself, use
.Fl -key-passphrase-file .)",
     .set = set_engine_pin},
};
constexpr OptionRow transport_options[] = {
    {.name = "ws", .role = Role::selects_websocket, .help = "MQTT over WebSocket",
     .manual = R"(Use MQTT over WebSocket, with the subprotocol
.Cm mqtt .)",
     .set = no_setting},
    {.name = "ws-path", .argument = "PATH", .role = Role::selects_websocket, .ends_at_space = true,
     .help = "path of the WebSocket (default /mqtt)",
     .manual = R"(The path of the WebSocket.
The default is
.Pa /mqtt .)",
     .set = set_websocket_path},
    {.name = "ws-header", .argument = "'NAME: VALUE'", .repeats = Repeats::adds, .secrecy = Secrecy::header_value,
     .role = Role::selects_websocket, .help = "header line of the WebSocket request; repeats",
     .manual = R"(Add a header line to the WebSocket handshake, or replace its Host or
Sec-WebSocket-Protocol line.
May be repeated.)",
     .set = add_websocket_header},
    {.name = "proxy", .argument = "URL", .secrecy = Secrecy::url_password, .excludes = "unix", .ends_at_space = true,
     .help = "socks5h://[user[:password]@]host[:port] or http://…",
     .manual = R"(Connect through a proxy:
.Sm off
.Cm socks5h:// Oo Ar user Oo : Ar password Oc @ Oc Ar host Oo : Ar port Oc
.Sm on
(default port 1080; the proxy resolves the broker's name) or
.Sm off
.Cm http:// Oo Ar user Oo : Ar password Oc @ Oc Ar host Oo : Ar port Oc
.Sm on
(CONNECT, default port 8080).)",
     .set = set_proxy},
    {.name = "no-proxy", .help = "no proxy, even if a configuration file has --proxy",
     .manual = "Connect without a proxy even if a configuration file contains one.",
     .set = drop_proxy},
};
constexpr OptionRow will_options[] = {
    {.name = "will-topic", .argument = "TOPIC",
     .help = "the broker publishes to it when this client disappears",
     .manual = R"(The Will: the message that the broker publishes if the connection ends without
DISCONNECT.)",
     .set = set_topic<will_field, &WillOptions::topic>},
    {.name = "will-payload", .argument = "TEXT", .needs = "will-topic",
     .help = "payload of that message (default empty)",
     .manual = R"(The payload of the Will.
The default is an empty payload.)", .set = set_will_payload},
    {.name = "will-qos", .argument = "QOS", .value = ValueKind::choice, .choices = "0 1 2", .needs = "will-topic",
     .mosquitto_ignores = true,
     .help = "its QoS",
     .manual = "The QoS of the Will.", .set = set_choice<Qos, will_field, &WillOptions::qos>},
    {.name = "will-retain", .needs = "will-topic", .help = "it is retained",
     .manual = "The broker keeps the Will as a retained message.",
     .set = set_flag<will_field, &WillOptions::retain>},
};
constexpr OptionRow general_options[] = {
    {.short_name = 'o', .argument = "FILE", .value = ValueKind::file, .role = Role::config_file,
     .help = "read options from FILE, not from the default config file",
     .manual = R"(Read options from
.Ar file
instead of the default configuration file.
May be given once.)",
     .set = no_setting},
    {.name = "profile", .argument = "NAME", .value = ValueKind::profile, .role = Role::profile,
     .help = "read options that both programs share from ~/.config/mqtt/NAME.conf",
     .manual = R"(Read options from the profile
.Ar name ,
which both programs share; see
.Sx FILES .)",
     .set = no_setting},
    {.name = "stats", .argument = "FORMAT", .value = ValueKind::choice, .choices = "json", .value_optional = true,
     .help = "print a summary on stderr at the end; --stats=json: as JSON",
     .manual = R"(Print a summary on standard error at exit: messages, bytes, seconds, rates,
and the latency of acknowledgements, on a terminal with a histogram.
.Pp
For messages of
.Ic mqtt_pub --stamp
the summary of
.Ic mqtt_sub
also has the number of lost, duplicate and out-of-order messages, and the
latency.
Messages before the first one received are not counted as lost; messages on
topics without a subscription are.
The latency is correct only if the clocks of both machines agree.
.Pp
With
.Fl -stats Ns = Ns Cm json
one line on standard error is a JSON object, without the program's name.
Its times are in seconds.
.Cm latency
has the number of latencies, the smallest, the median, the 90th and 99th
percentile, the largest, and a histogram: each class has
.Cm count ,
the number of latencies of at most
.Cm up_to
and above the previous class.
What is unknown is null.)",
     .set = set_stats_form},
    {.short_name = 'd', .name = "debug", .help = "log each packet on stderr",
     .manual = "Print a line on standard error for each packet.",
     .set = set_flag<&RunOptions::debug>},
    {.name = "quiet", .role = Role::quiet, .help = "print no error messages; check the exit code",
     .manual = "Print no error messages; check the exit status.",
     .set = no_setting},
    {.name = "color", .argument = "WHEN", .value = ValueKind::choice, .choices = "auto always never",
     .help = "colours: auto (on terminals, the default), always or never",
     .manual = R"(Colour the output:
.Cm auto
(the default) only on a terminal,
.Cm always ,
or
.Cm never .
With
.Cm auto ,
no colours are used if
.Ev NO_COLOR
is set or
.Ev TERM
is
.Cm dumb ;
.Ev CLICOLOR_FORCE
set to another value than 0 means
.Cm always .)",
     .set = set_choice<ColorMode, &RunOptions::color>},
    generate_row,
    help_row,
    version_row,
};
// clang-format on

}  // namespace

constinit const std::span<const OptionRow> tls_rows = tls_options;
constinit const std::span<const OptionRow> transport_rows = transport_options;
constinit const std::span<const OptionRow> will_rows = will_options;
constinit const std::span<const OptionRow> general_rows = general_options;

}  // namespace mqttc::app
