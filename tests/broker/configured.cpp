// Doing what a configuration says.
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

std::expected<StreamFactory, Error> transport(const ConfiguredListener& wanted) {
    StreamFactory factory = net::make_socket_stream;
    if (wanted.uses_tls()) {
        auto tls = wanted.tls;
        // As in Mosquitto: who need not show a certificate is not asked for one. The file must be there.
        if (!tls.require_certificate && !tls.ca_file.empty()) {
            if (::access(tls.ca_file.c_str(), R_OK) != 0) return cannot("read", tls.ca_file);
            tls.ca_file.clear();
        }
        auto made = make_tls_factory(tls);
        if (!made) return made;
        factory = std::move(*made);
    }
    return wanted.websockets ? websocket_on(std::move(factory)) : factory;
}

std::expected<void, Error> open_listener(Broker& broker, const ConfiguredListener& wanted, bool local_only) {
    auto factory = transport(wanted);
    if (!factory) return std::unexpected(factory.error());
    if (!wanted.unix_path.empty())
        return broker.listen(
            {.unix_path = wanted.unix_path, .make_stream = *factory, .access = wanted.access});
    std::vector<std::string> addresses;
    // Where nobody named an address, a machine without IPv6 is no reason to fail.
    bool second_may_fail = wanted.host.empty() && wanted.domain == Domain::both;
    if (wanted.host.empty()) {
        if (wanted.domain != Domain::ipv6) addresses.emplace_back(local_only ? "127.0.0.1" : "0.0.0.0");
        if (wanted.domain != Domain::ipv4) addresses.emplace_back(local_only ? "::1" : "::");
    } else {
        auto resolved = resolve(wanted.host, wanted.domain);
        if (!resolved) return std::unexpected(resolved.error());
        addresses = std::move(*resolved);
    }
    auto port = wanted.port;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const auto opened = broker.listen(
            {.address = addresses[i], .port = port, .make_stream = *factory, .access = wanted.access});
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
    for (const auto& wanted : configuration.listeners) {
        const auto before = broker_.listeners().size();
        if (auto opened = open_listener(broker_, wanted, configuration.local_only); !opened) return opened;
        opened_.push_back({.wanted = wanted, .sockets = broker_.listeners().size() - before});
    }
    return {};
}

std::expected<void, Error> ConfiguredListeners::renew(const Configuration& fresh) {
    const auto same = [](const Opened& opened, const ConfiguredListener& wanted) {
        const auto place = [](const ConfiguredListener& it) {
            return std::tie(it.port, it.host, it.unix_path, it.domain, it.websockets);
        };
        return place(opened.wanted) == place(wanted);
    };
    if (!std::ranges::equal(opened_, fresh.listeners, same))
        return std::unexpected(
            Error{ErrorCode::usage, 0, "other listeners: they change only when the broker starts"});
    struct Renewed {
        StreamFactory make_stream;
        std::shared_ptr<const Gate> gate;
    };
    std::vector<Renewed> all;
    for (const auto& wanted : fresh.listeners) {
        auto factory = transport(wanted);
        if (!factory) return std::unexpected(factory.error());
        auto gate = make_gate(wanted.access);
        if (!gate) return std::unexpected(gate.error());
        all.push_back({.make_stream = std::move(*factory), .gate = std::move(*gate)});
    }
    std::size_t socket = 0;
    for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t left = opened_[i].sockets; left > 0; --left)
            broker_.renew(socket++, all[i].make_stream, all[i].gate);
    return {};
}

void reload_on_signal(Broker& broker, ConfiguredListeners& listeners, const std::string& path, bool verbose) {
    broker.loop().on_signal(SIGHUP, [&broker, &listeners, path, verbose] {
        const auto reload = [&]() -> std::expected<void, Error> {
            const auto fresh = read_configuration(path);
            if (!fresh) return std::unexpected(fresh.error());
            auto options = options_of(*fresh, verbose);
            if (!options) return std::unexpected(options.error());
            if (auto renewed = listeners.renew(*fresh); !renewed) return renewed;
            broker.options().log = std::move(options->log);
            return {};
        };
        if (const auto done = reload())
            broker.log("read " + path + " again");
        else
            log_to_stderr("SIGHUP changes nothing: " + done.error().context);
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
