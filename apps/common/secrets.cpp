// Secrets from files and from the terminal, and wiping them from argv.
#include "secrets.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/descriptor.hpp"
#include "base/encoding.hpp"
#include "base/escape.hpp"
#include "base/text.hpp"
#include "connection_setup.hpp"
#include "option_values.hpp"
#include "prompt.hpp"

namespace mqttc::app {
namespace {

// Memory for a secret while it is read: never moved, overwritten at the end.
struct SecretBuffer {
    std::array<char, max_string_bytes + 1 + line_ending_room> bytes;
    ~SecretBuffer() { explicit_bzero(bytes.data(), bytes.size()); }
};

// What was read into the buffer, when that went well; otherwise an error that begins with `cannot`.
std::expected<Secret, std::string> secret_in(const SecretBuffer& buffer,
                                             const std::expected<std::size_t, std::string>& length,
                                             std::string_view cannot) {
    const bool too_long = length && *length > max_string_bytes;
    if (length && !too_long) return Secret({buffer.bytes.data(), *length});
    std::string error(cannot);
    return std::unexpected(error.append(": ").append(
        too_long ? "more than " + std::to_string(max_string_bytes) + " bytes in the line" : length.error()));
}

// The password of scheme://user:password@host, also when the scheme was forgotten.
std::string_view url_password(std::string_view url) {
    const std::size_t scheme = url.find("://");
    const std::size_t at = url.rfind('@');
    if (at == url.npos) return {};
    const std::size_t colon = url.find(':', scheme == url.npos ? 0 : scheme + 3);
    if (colon == url.npos || colon > at) return {};
    return url.substr(colon + 1, at - colon - 1);
}

// The colon stays, as a sign that there was something.
std::string_view after_header_name(std::string_view line) {
    const std::string_view name = header_name(line);
    return line.substr(name.empty() ? 0 : name.size() + 1);
}

// What is in the SEQUENCE that `der` begins with, or nothing.
std::string_view in_sequence(std::string_view der) {
    constexpr char sequence = '\x30';
    constexpr unsigned long_form = 0x80;
    if (der.size() < 2 || der[0] != sequence) return {};
    const auto length = static_cast<unsigned char>(der[1]);
    const std::size_t start = 2 + (length > long_form ? length - long_form : 0U);
    return der.substr(std::min(start, der.size()));
}

// DER: an EncryptedPrivateKeyInfo (RFC 5958) begins with a SEQUENCE that begins with an OBJECT IDENTIFIER, a PKCS#12 file
// (RFC 7292) with version 3.
bool is_encrypted_der(std::string_view bytes) {
    const std::string_view content = in_sequence(bytes);
    return content.starts_with("\x02\x01\x03\x30") || in_sequence(content).starts_with('\x06');
}

// Both formats of PEM show it in the key's first lines. A file that cannot be read is reported when the key is loaded; a
// pipe can be read only once, then.
bool is_encrypted(const std::string& key_file) {
    if (key_file.empty()) return false;
    const Descriptor file(::open(key_file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat about{};
    if (!file || ::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) return false;
    SecretBuffer buffer;
    std::size_t size = 0;
    ssize_t got = 0;
    while ((got = ::read(file.get(), buffer.bytes.data() + size, buffer.bytes.size() - size)) > 0)
        size += static_cast<std::size_t>(got);
    const std::string_view text(buffer.bytes.data(), size);
    return text.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") != text.npos ||
           text.find("Proc-Type: 4,ENCRYPTED") != text.npos || is_encrypted_der(text);
}

// "Password for anna at localhost:1883: "
std::string password_prompt(const ConnectionOptions& options) {
    std::string text = "Password for ";
    if (options.username) text.append(escape_controls(*options.username)).append(" at ");
    return text.append(escape_controls(endpoint_name(make_endpoint(options)))).append(": ");
}

// Asks on the terminal without echo.
std::expected<Secret, std::string> ask_secret(std::string_view prompt, std::string_view instead) {
    SecretBuffer buffer;
    return secret_in(buffer, ask_secret_line(prompt, instead, buffer.bytes), "cannot ask");
}

}  // namespace

std::expected<Secret, std::string> read_secret_file(const std::string& path, EmptySecret empty) {
    const bool is_stdin = path == "-";
    const Descriptor file(is_stdin ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const std::string cannot = "cannot read " + escape_controls(path);
    if (!is_stdin && !file) return std::unexpected(cannot + ": " + errno_text(errno));
    SecretBuffer buffer;
    auto length = read_secret_line(is_stdin ? STDIN_FILENO : file.get(), buffer.bytes);
    if (!length && length.error() == end_of_input) length = 0;
    if (length) {
        const std::string_view line(buffer.bytes.data(), *length);
        if (line.starts_with("\xff\xfe") || line.starts_with("\xfe\xff"))
            return std::unexpected(escape_controls(path) + " is UTF-16: save it as UTF-8");
        if (line.starts_with(byte_order_mark)) {
            *length -= byte_order_mark.size();
            std::memmove(buffer.bytes.data(), buffer.bytes.data() + byte_order_mark.size(), *length);
        }
    }
    if (length && *length == 0 && empty == EmptySecret::refused)
        return std::unexpected("the first line of " + escape_controls(path) + " is empty");
    return secret_in(buffer, length, cannot);
}

std::expected<void, std::string> resolve_secrets(ConnectionOptions& options) {
    using Kind = PasswordSource::Kind;
    PasswordSource& password = options.password;
    if (password.from_environment) {
        if (!options.username) password = {};
    } else if (password.kind == Kind::file || password.kind == Kind::ask) {
        auto secret = password.kind == Kind::file
                          ? read_secret_file(password.path)
                          : ask_secret(password_prompt(options), "--password-file or MQTT_PASSWORD");
        if (!secret) {
            return std::unexpected(
                std::string(password.kind == Kind::file ? "--password-file: " : "--ask-password: ")
                    .append(secret.error()));
        }
        password = {.kind = Kind::given, .value = std::move(*secret)};
    }
    if (options.no_tls) return {};
    if (!options.key_passphrase_file.empty()) {
        // The passphrase of a PKCS#12 file may be empty.
        auto secret = read_secret_file(options.key_passphrase_file, EmptySecret::allowed);
        if (!secret) return std::unexpected("--key-passphrase-file: " + secret.error());
        options.tls.key_passphrase = std::move(*secret);
    } else if (options.tls.key_passphrase.empty() && is_encrypted(options.tls.key_file)) {
        // Now, before any connection: a user cannot type within --connect-timeout.
        auto secret = ask_secret("Passphrase of " + escape_controls(options.tls.key_file) + ": ",
                                 "--key-passphrase-file");
        if (!secret) return std::unexpected("--key: " + secret.error());
        options.tls.key_passphrase = std::move(*secret);
    }
    if (!options.psk_file.empty()) {
        auto secret = read_secret_file(options.psk_file);
        if (!secret) return std::unexpected("--psk-file: " + secret.error());
        if (!is_hex(secret->view())) {
            return std::unexpected("--psk-file: the key in " + escape_controls(options.psk_file) +
                                   " is not hexadecimal");
        }
        options.tls.psk_key = std::move(*secret);
    }
    return {};
}

std::string_view secret_of(const ParsedOption& option) {
    switch (option.row->secrecy) {
        case Secrecy::not_secret:
        case Secrecy::file_content:
            break;
        case Secrecy::value:
            return option.value();
        case Secrecy::url_password:
            return url_password(option.value());
        case Secrecy::header_value:
            return after_header_name(option.value());
        case Secrecy::property_value: {
            const PropertyInfo* info = find_property(option.values[1]);
            if (info != nullptr && info->id == PropertyId::authentication_data) return option.values[2];
            break;
        }
    }
    return {};
}

bool holds_secret(const ParsedOption& option) {
    if (option.row->secrecy != Secrecy::header_value) return !secret_of(option).empty();
    constexpr std::string_view secret_headers[] = {"authorization", "proxy-authorization", "cookie"};
    const std::string name = to_lower(header_name(option.value()));
    return std::ranges::find(secret_headers, name) != std::end(secret_headers);
}

void wipe_argument(std::string_view secret, bool is_url) {
    // The view is of the memory of arguments and environment, which is writable.
    char* memory = const_cast<char*>(secret.data());
    if (is_url) {
        std::memset(memory, '*', secret.size());
    } else {
        explicit_bzero(memory, secret.size());
    }
}

}  // namespace mqttc::app
