// Implementation of configured.hpp.
#include "configured.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "websocket_server.hpp"

namespace mqttc::broker {
namespace {

using FilePtr = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
using Domain = ConfiguredListener::Domain;

std::unexpected<Error> cannot(const std::string& what, const std::string& path) {
    const int cause = errno;
    return std::unexpected(
        Error{ErrorCode::io_error, cause, "cannot " + what + " " + path + ": " + std::strerror(cause)});
}

void write_line(std::FILE* file, std::string_view line) {
    std::fprintf(file, "mqtt_testbroker: %.*s\n", static_cast<int>(line.size()), line.data());
    std::fflush(file);
}

std::expected<std::vector<std::string>, Error> resolve(const std::string& host, Domain domain) {
    addrinfo hints{};
    hints.ai_family = domain == Domain::ipv4 ? AF_INET : domain == Domain::ipv6 ? AF_INET6 : AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    if (const int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); failed != 0)
        return std::unexpected(
            Error{ErrorCode::name_not_found, 0, "cannot listen on " + host + ": " + ::gai_strerror(failed)});
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
    std::vector<std::string> addresses;
    for (; found != nullptr; found = found->ai_next) {
        char text[INET6_ADDRSTRLEN] = "";
        const void* address =
            found->ai_family == AF_INET6
                ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(found->ai_addr)->sin6_addr)
                : &reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_addr;
        ::inet_ntop(found->ai_family, address, text, sizeof text);
        if (std::ranges::find(addresses, text) == addresses.end()) addresses.emplace_back(text);
    }
    return addresses;
}

std::expected<StreamFactory, Error> transport(const ConfiguredListener& listener) {
    StreamFactory factory = net::make_socket_stream;
    if (listener.uses_tls()) {
        auto tls = listener.tls;
        // As in Mosquitto: without require_certificate clients are not asked for one. The file must exist.
        if (!tls.require_certificate && !tls.ca_file.empty()) {
            if (::access(tls.ca_file.c_str(), R_OK) != 0) return cannot("read", tls.ca_file);
            tls.ca_file.clear();
        }
        auto made = make_tls_factory(tls);
        if (!made) return made;
        factory = std::move(*made);
    }
    return listener.websockets ? websocket_on(std::move(factory)) : factory;
}

std::expected<void, Error> open_listener(Broker& broker, const ConfiguredListener& listener,
                                         bool local_only) {
    auto factory = transport(listener);
    if (!factory) return std::unexpected(factory.error());
    if (!listener.unix_path.empty())
        return broker.listen(
            {.unix_path = listener.unix_path, .make_stream = *factory, .access = listener.access});
    std::vector<std::string> addresses;
    // Without an address in the configuration, IPv6 may be missing.
    bool second_may_fail = listener.host.empty() && listener.domain == Domain::both;
    if (listener.host.empty()) {
        if (listener.domain != Domain::ipv6) addresses.emplace_back(local_only ? "127.0.0.1" : "0.0.0.0");
        if (listener.domain != Domain::ipv4) addresses.emplace_back(local_only ? "::1" : "::");
    } else {
        auto resolved = resolve(listener.host, listener.domain);
        if (!resolved) return std::unexpected(resolved.error());
        addresses = std::move(*resolved);
    }
    auto port = listener.port;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const auto opened = broker.listen(
            {.address = addresses[i], .port = port, .make_stream = *factory, .access = listener.access});
        if (!opened && !(i > 0 && second_may_fail)) return opened;
        if (opened) port = broker.listeners().back()->port();
    }
    return {};
}

}  // namespace

void log_to_stderr(std::string_view line) {
    write_line(stderr, line);
}

std::expected<Options, Error> options_of(const Configuration& configuration, bool verbose) {
    Options options;
    options.limits = configuration.limits;
    options.bounds = configuration.bounds;
    std::vector<std::shared_ptr<std::FILE>> files;
    for (const auto& destination : configuration.log) {
        using Kind = LogDestination::Kind;
        if (destination.kind == Kind::out) files.emplace_back(stdout, [](std::FILE*) {});
        if (destination.kind == Kind::err) files.emplace_back(stderr, [](std::FILE*) {});
        if (destination.kind != Kind::file) continue;
        FilePtr file(std::fopen(destination.path.c_str(), "ae"), std::fclose);
        if (file == nullptr) return cannot("open the log file", destination.path);
        files.emplace_back(std::move(file));
    }
    if (configuration.log.empty() && verbose) options.log = log_to_stderr;
    if (!files.empty())
        options.log = [files](std::string_view line) {
            for (const auto& file : files) write_line(file.get(), line);
        };
    return options;
}

std::expected<void, Error> ConfiguredListeners::open(const Configuration& configuration) {
    for (const auto& listener : configuration.listeners) {
        const auto before = broker_.listeners().size();
        if (auto opened = open_listener(broker_, listener, configuration.local_only); !opened) return opened;
        opened_.push_back({.listener = listener, .sockets = broker_.listeners().size() - before});
    }
    return {};
}

std::expected<void, Error> ConfiguredListeners::reload(const Configuration& fresh) {
    const auto same = [](const Opened& opened, const ConfiguredListener& listener) {
        const auto place = [](const ConfiguredListener& it) {
            return std::tie(it.port, it.host, it.unix_path, it.domain, it.websockets);
        };
        return place(opened.listener) == place(listener);
    };
    if (!std::ranges::equal(opened_, fresh.listeners, same))
        return std::unexpected(Error{ErrorCode::usage, 0, "the listeners have changed: restart the broker"});
    struct Renewed {
        StreamFactory make_stream;
        std::shared_ptr<const AccessControl> access;
    };
    std::vector<Renewed> all;
    for (const auto& listener : fresh.listeners) {
        auto factory = transport(listener);
        if (!factory) return std::unexpected(factory.error());
        auto access = load_access(listener.access);
        if (!access) return std::unexpected(access.error());
        all.push_back({.make_stream = std::move(*factory), .access = std::move(*access)});
    }
    std::size_t socket = 0;
    for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t left = opened_[i].sockets; left > 0; --left)
            broker_.replace(socket++, all[i].make_stream, all[i].access);
    return {};
}

void reload_on_signal(Broker& broker, ConfiguredListeners& listeners, const std::string& path, bool verbose) {
    broker.loop().on_signal(SIGHUP, [&broker, &listeners, path, verbose] {
        const auto reload = [&]() -> std::expected<void, Error> {
            const auto fresh = read_configuration(path);
            if (!fresh) return std::unexpected(fresh.error());
            auto options = options_of(*fresh, verbose);
            if (!options) return std::unexpected(options.error());
            if (auto reloaded = listeners.reload(*fresh); !reloaded) return reloaded;
            broker.options().log = std::move(options->log);
            return {};
        };
        if (const auto done = reload())
            broker.log("reloaded " + path);
        else
            log_to_stderr("not reloaded: " + done.error().context);
    });
}

std::expected<void, Error> PidFile::write() {
    if (path_.empty()) return {};
    const FilePtr file(std::fopen(path_.c_str(), "we"), std::fclose);
    if (file == nullptr || std::fprintf(file.get(), "%d\n", static_cast<int>(::getpid())) < 0 ||
        std::fflush(file.get()) != 0)
        return cannot("write the pid file", path_);
    written_ = true;
    return {};
}

PidFile::~PidFile() {
    if (written_) ::unlink(path_.c_str());
}

}  // namespace mqttc::broker
