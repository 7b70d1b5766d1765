// The parser of mosquitto.conf: a table of directives, then checks of the whole file.
#include "configuration.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

namespace mqttc::broker {
namespace {

using Domain = ConfiguredListener::Domain;
constexpr std::string_view spaces = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(spaces);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

/// The first word; the rest stays in `text`.
std::string_view take_word(std::string_view& text) {
    const auto end = std::min(text.find_first_of(spaces), text.size());
    const auto word = text.substr(0, end);
    text = trimmed(text.substr(end));
    return word;
}

std::string quoted(std::string_view text) {
    std::string shown = "'";
    for (const char byte : text.substr(0, 100))
        shown += static_cast<unsigned char>(byte) < ' ' || byte == '\x7f' ? '?' : byte;
    return shown + "'";
}

std::string lower(std::string text) {
    for (char& byte : text)
        if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte - 'A' + 'a');
    return text;
}

struct GivenAccess {
    std::optional<bool> allow_anonymous;
    std::string password_file;
    std::string psk_file;
};

class Reader {
  public:
    /// An error without its place in the file; empty: no error.
    using Wrong = std::string;

    std::expected<void, Error> read_file(const std::string& path, bool main);
    std::expected<void, Error> read_text(std::string_view text, const std::string& name, bool main);
    std::expected<Configuration, Error> finish();

    // For the directives.
    Wrong listener(std::string_view value);
    Wrong include(std::string_view directory);
    ConfiguredListener& current() { return listeners_.empty() ? default_ : listeners_.back().options; }
    GivenAccess& access() {
        security_seen_ = true;
        return per_listener_ && !listeners_.empty() ? listeners_.back().access : access_;
    }
    Wrong per_listener(bool enabled) {
        if (security_seen_) return "per_listener_settings must precede the other security settings";
        per_listener_ = enabled;
        return {};
    }
    void use_default() { default_used_ = true; }
    ConfiguredListener& default_listener() { return default_; }

    Configuration all;
    bool main_file = true;

  private:
    struct Entry {
        ConfiguredListener options;
        GivenAccess access;
    };
    std::expected<void, Error> complete(Entry& entry, bool own) const;

    ConfiguredListener default_;
    bool default_used_ = false;
    std::vector<Entry> listeners_;
    GivenAccess access_;
    bool per_listener_ = false;
    bool security_seen_ = false;
    std::string place_;
    std::optional<Error> included_wrong_;
};

using Wrong = Reader::Wrong;

Wrong read_number(std::string_view name, std::string_view value, std::uint32_t maximum, std::uint32_t& into) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool complete = end == value.data() + value.size() || *end == '#';
    if (error != std::errc() || !complete || number > maximum)
        return std::string(name) + " " + quoted(value) + ": not a number from 0 to " +
               std::to_string(maximum);
    into = number;
    return {};
}

Wrong read_bool(std::string_view name, std::string_view value, bool& into) {
    if (value != "true" && value != "false")
        return std::string(name) + " " + quoted(value) + ": write true or false";
    into = value == "true";
    return {};
}

Wrong read_port(std::string_view name, std::string_view value, std::uint16_t& into) {
    std::uint32_t port = 0;
    auto wrong = read_number(name, value, 65'535, port);
    into = static_cast<std::uint16_t>(port);
    return wrong;
}

/// As in Mosquitto, text after a word is ignored, and a name of a file or host is the whole line.
enum class Takes : std::uint8_t { word, line, several_words };

struct Directive {
    std::string_view name;
    Wrong (*take)(Reader& reader, std::string_view value);
    Takes takes = Takes::word;
};

Wrong take_log(Reader& reader, std::string_view value) {
    using Kind = LogDestination::Kind;
    const auto kind = take_word(value);
    auto& log = reader.all.log;
    if (kind == "file") {
        if (value.empty()) return "log_dest file needs a path";
        log.push_back({Kind::file, std::string(value)});
    } else if (kind == "stdout" || kind == "stderr" || kind == "none") {
        log.push_back({kind == "stdout" ? Kind::out : kind == "stderr" ? Kind::err : Kind::none, {}});
    } else if (kind == "syslog" || kind == "topic") {
        log.push_back({Kind::err, {}});
        reader.all.notes.push_back("log_dest " + std::string(kind) + " is stderr here");
    } else {
        return "log_dest " + quoted(kind) + ": write stdout, stderr, file PATH or none";
    }
    return {};
}

Wrong take_tls_version(Reader& reader, std::string_view value) {
    if (value != "tlsv1.2" && value != "tlsv1.3")
        return "tls_version " + quoted(value) + ": write tlsv1.2 or tlsv1.3";
    reader.current().tls.minimum = value == "tlsv1.2" ? TlsVersion::v1_2 : TlsVersion::v1_3;
    return {};
}

Wrong take_sys_interval(Reader& reader, std::string_view value) {
    std::uint32_t seconds = 0;
    auto wrong = read_number("sys_interval", value, 65'535, seconds);
    reader.all.bounds.sys_interval =
        seconds == 0 ? Duration(std::chrono::hours(24 * 365)) : Duration(std::chrono::seconds(seconds));
    return wrong;
}

Wrong take_count(std::string_view name, std::string_view value, std::uint32_t maximum, std::size_t& into) {
    std::uint32_t count = 0;
    auto wrong = read_number(name, value, maximum, count);
    if (count != 0) into = count;  // 0: the default of this broker
    return wrong;
}

Wrong take_packet_size(Reader& reader, std::string_view value) {
    std::uint32_t size = 0;
    auto wrong = read_number("max_packet_size", value, max_remaining_length, size);
    if (wrong.empty() && size < 20) return "max_packet_size " + quoted(value) + ": the smallest is 20";
    reader.all.limits.maximum_packet_size = size;
    return wrong;
}

constexpr Directive directives[] = {
    {"allow_anonymous",
     [](Reader& r, std::string_view v) {
         return read_bool("allow_anonymous", v, r.access().allow_anonymous.emplace());
     }},
    {"bind_address",
     [](Reader& r, std::string_view v) {
         r.use_default();
         r.default_listener().host = v;
         return Wrong();
     },
     Takes::line},
    {"cafile", [](Reader& r, std::string_view v) { return r.current().tls.ca_file = v, Wrong(); },
     Takes::line},
    {"certfile", [](Reader& r, std::string_view v) { return r.current().tls.cert_file = v, Wrong(); },
     Takes::line},
    {"include_dir", [](Reader& r, std::string_view v) { return r.include(v); }, Takes::line},
    {"keyfile", [](Reader& r, std::string_view v) { return r.current().tls.key_file = v, Wrong(); },
     Takes::line},
    {"listener", [](Reader& r, std::string_view v) { return r.listener(v); }, Takes::several_words},
    {"log_dest", take_log, Takes::several_words},
    {"max_inflight_messages",
     [](Reader& r, std::string_view v) {
         return take_count("max_inflight_messages", v, 65'535, r.all.bounds.in_flight);
     }},
    {"max_packet_size", take_packet_size},
    {"max_queued_messages",
     [](Reader& r, std::string_view v) {
         return take_count("max_queued_messages", v, 1'000'000'000, r.all.bounds.queued_messages);
     }},
    {"password_file", [](Reader& r, std::string_view v) { return r.access().password_file = v, Wrong(); },
     Takes::line},
    {"per_listener_settings",
     [](Reader& r, std::string_view v) {
         bool enabled = false;
         auto wrong = read_bool("per_listener_settings", v, enabled);
         return wrong.empty() ? r.per_listener(enabled) : wrong;
     }},
    {"pid_file", [](Reader& r, std::string_view v) { return r.all.pid_file = v, Wrong(); }, Takes::line},
    {"port",
     [](Reader& r, std::string_view v) {
         r.use_default();
         return read_port("port", v, r.default_listener().port);
     }},
    {"protocol",
     [](Reader& r, std::string_view v) {
         if (v != "mqtt" && v != "websockets") return "protocol " + quoted(v) + ": write mqtt or websockets";
         r.current().websockets = v == "websockets";
         return Wrong();
     }},
    {"psk_file", [](Reader& r, std::string_view v) { return r.access().psk_file = v, Wrong(); }, Takes::line},
    {"psk_hint", [](Reader& r, std::string_view v) { return r.current().tls.psk_hint = v, Wrong(); },
     Takes::line},
    {"require_certificate",
     [](Reader& r, std::string_view v) {
         return read_bool("require_certificate", v, r.current().tls.require_certificate);
     }},
    {"retain_available",
     [](Reader& r, std::string_view v) {
         return read_bool("retain_available", v, r.all.limits.retain_available);
     }},
    {"socket_domain",
     [](Reader& r, std::string_view v) {
         if (v != "ipv4" && v != "ipv6") return "socket_domain " + quoted(v) + ": write ipv4 or ipv6";
         r.current().domain = v == "ipv4" ? Domain::ipv4 : Domain::ipv6;
         return Wrong();
     }},
    {"sys_interval", take_sys_interval},
    {"tls_version", take_tls_version},
    {"use_identity_as_username",
     [](Reader& r, std::string_view v) {
         auto& listener = r.current();
         auto wrong = read_bool("use_identity_as_username", v, listener.by_identity);
         listener.tls.require_common_name = listener.by_identity;
         return wrong;
     }},
    {"use_subject_as_username",
     [](Reader& r, std::string_view v) {
         return read_bool("use_subject_as_username", v, r.current().by_identity);
     }},
};

// Accepted without effect. Never a directive that restricts access or changes what is delivered.
constexpr std::string_view without_effect[] = {
    "autosave_interval",
    "autosave_on_changes",
    "check_retain_source",
    "connection_messages",
    "log_facility",
    "log_timestamp",
    "log_timestamp_format",
    "log_type",
    "max_connections",
    "max_keepalive",
    "max_queued_bytes",
    "memory_limit",
    "persistence",
    "persistence_file",
    "persistence_location",
    "persistent_client_expiration",
    "set_tcp_nodelay",
    "user",
    "websockets_headers_size",
    "websockets_log_level",
};

std::unexpected<Error> wrong_at(const std::string& place, const std::string& what) {
    return std::unexpected(Error{ErrorCode::usage, 0, place + ": " + what});
}

std::unexpected<Error> cannot_read(const std::string& path, int cause) {
    return std::unexpected(
        Error{ErrorCode::io_error, cause, "cannot read " + path + ": " + std::strerror(cause)});
}

std::expected<void, Error> Reader::read_file(const std::string& path, bool main) {
    std::error_code cause;
    if (std::filesystem::is_directory(path, cause)) return cannot_read(path, EISDIR);
    std::ifstream stream(path, std::ios::binary);
    if (!stream) return cannot_read(path, errno);
    std::string text(max_configuration_bytes + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    return read_text(text, path, main);
}

std::expected<void, Error> Reader::read_text(std::string_view text, const std::string& name, bool main) {
    if (text.size() > max_configuration_bytes)
        return wrong_at(name, "longer than " + std::to_string(max_configuration_bytes) + " bytes");
    std::size_t number = 0;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        auto line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        if (line.empty() || line.front() == '#') continue;
        const auto place = name + ":" + std::to_string(number);
        if (line.find('\0') != std::string_view::npos) return wrong_at(place, "a NUL byte");
        const auto word = take_word(line);
        const auto known = std::ranges::find(directives, word, &Directive::name);
        const bool ignored = std::ranges::find(without_effect, word) != std::end(without_effect);
        if (known == std::end(directives) && !ignored)
            return wrong_at(place, "unknown directive " + quoted(word));
        if (line.empty()) return wrong_at(place, std::string(word) + " needs a value");
        if (ignored) {
            all.notes.push_back(place + ": " + std::string(word) + " has no effect here");
            continue;
        }
        place_ = place;
        main_file = main;
        const auto notes = all.notes.size();
        auto value = line;
        if (known->takes == Takes::word) value = take_word(line);
        const bool commented = known->takes == Takes::line && value.contains(" #");
        const auto wrong = known->take(*this, value);
        if (included_wrong_) return std::unexpected(*included_wrong_);
        if (!wrong.empty())
            return wrong_at(place, commented ? wrong + " (a comment needs a line of its own)" : wrong);
        if (commented)
            all.notes.push_back(place + ": " + quoted(value) +
                                " is one value (a comment needs a line of its own)");
        if (word == "log_dest" && all.notes.size() > notes) all.notes.back().insert(0, place + ": ");
        if (known->takes == Takes::word && !line.empty() && line.front() != '#')
            all.notes.push_back(place + ": " + quoted(line) + " after the value has no effect");
    }
    return {};
}

Wrong Reader::listener(std::string_view value) {
    if (listeners_.size() >= max_configured_listeners) return "too many listeners";
    ConfiguredListener added;
    added.where = place_;
    const auto port = take_word(value);
    if (auto wrong = read_port("listener", port, added.port); !wrong.empty())
        return port.find_first_of("0123456789") == 0 ? wrong : wrong + " (write listener 1883 ADDRESS)";
    if (value.starts_with('#')) value = {};
    if (value.starts_with('/') || (value.starts_with('.') && added.port == 0)) {
        if (added.port != 0) return "listener: a unix socket has the port 0";
        added.unix_path = value;
    } else {
        // Port 0 with an address: the system chooses the port. (For Mosquitto the address would be a path.)
        if (added.port == 0 && value.empty()) return "listener 0 needs the path of a unix socket";
        added.host = take_word(value);
    }
    listeners_.push_back({.options = std::move(added), .access = {}});
    return {};
}

Wrong Reader::include(std::string_view name) {
    if (!main_file) return "include_dir is allowed in the main file only";
    std::error_code cause;
    std::vector<std::string> found;
    for (std::filesystem::directory_iterator it(name, cause), end; !cause && it != end; it.increment(cause))
        if (it->path().extension() == ".conf") found.push_back(it->path().string());
    if (cause) return "include_dir " + quoted(name) + ": " + cause.message();
    // A before a before B, as documented for Mosquitto.
    std::ranges::sort(found, {}, [](const std::string& path) { return std::pair(lower(path), path); });
    for (const auto& path : found) {
        if (auto read = read_file(path, false); !read) {
            included_wrong_ = read.error();
            return {};
        }
    }
    return {};
}

std::expected<void, Error> Reader::complete(Entry& entry, bool own) const {
    auto& [listener, given] = entry;
    const auto place = listener.where.empty() ? "the default listener" : listener.where + ": this listener";
    const auto& access = own ? given : access_;
    listener.access = {.allow_anonymous = access.allow_anonymous.value_or(all.local_only),
                       .password_file = access.password_file,
                       .by_identity = listener.by_identity};
    auto& tls = listener.tls;
    const auto missing = [&](const char* has, const char* needs) {
        return std::unexpected(Error{ErrorCode::usage, 0, place + " has a " + has + ", but no " + needs});
    };
    if (tls.cert_file.empty() != tls.key_file.empty())
        return tls.key_file.empty() ? missing("certfile", "keyfile") : missing("keyfile", "certfile");
    if (!tls.ca_file.empty() && tls.cert_file.empty()) return missing("cafile", "certfile");
    if (tls.require_certificate && tls.ca_file.empty()) return missing("require_certificate", "cafile");
    if (listener.by_identity && !tls.require_certificate && tls.psk_hint.empty())
        return missing("user name from TLS", "require_certificate or psk_hint");
    // As in Mosquitto, psk_hint enables pre-shared keys.
    if (!tls.psk_hint.empty() && access.psk_file.empty()) return missing("psk_hint", "psk_file");
    if (!tls.psk_hint.empty()) tls.psk_file = access.psk_file;
    return {};
}

std::expected<Configuration, Error> Reader::finish() {
    all.local_only = !default_used_ && listeners_.empty();
    if (default_used_ || listeners_.empty())
        listeners_.insert(listeners_.begin(), {.options = default_, .access = access_});
    for (auto& entry : listeners_) {
        if (auto done = complete(entry, per_listener_); !done) return std::unexpected(done.error());
        all.listeners.push_back(std::move(entry.options));
    }
    return std::move(all);
}

}  // namespace

std::expected<Configuration, Error> read_configuration(const std::string& path) {
    Reader reader;
    if (auto read = reader.read_file(path, true); !read) return std::unexpected(read.error());
    return reader.finish();
}

std::expected<Configuration, Error> parse_configuration(std::string_view text, const std::string& name) {
    Reader reader;
    if (auto read = reader.read_text(text, name, true); !read) return std::unexpected(read.error());
    return reader.finish();
}

}  // namespace mqttc::broker
