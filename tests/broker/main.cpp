// mqtt_testbroker: the broker of the tests as a program.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <expected>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker.hpp"
#include "configured.hpp"
#include "tls_server.hpp"
#include "websocket_server.hpp"

namespace {

using namespace mqttc;

constexpr std::string_view usage =
    "mqtt_testbroker: the MQTT broker of mqttc's tests. It is a test part, not for production.\n"
    "\n"
    "usage: mqtt_testbroker -c FILE [-v]\n"
    "       mqtt_testbroker [-p PORT] [--bind ADDRESS]... [--unix PATH]...\n"
    "                       [--ws-port PORT]\n"
    "                       [--tls-port PORT] [--wss-port PORT]\n"
    "                       [--certfile FILE --keyfile FILE [--cafile FILE]\n"
    "                        [--require-certificate] [--psk-file FILE]]\n"
    "                       [--password-file FILE] [--no-anonymous] [-v]\n"
    "\n"
    "  -c FILE               read a mosquitto.conf: listeners, TLS, passwords, log, pid file;\n"
    "                        on SIGHUP again, for users, keys, certificates and the log\n"
    "  -p PORT               TCP port (default 1883; 0: the system chooses)\n"
    "  --bind ADDRESS        numeric address to listen on; repeats (default 127.0.0.1 and ::1)\n"
    "  --unix PATH           listen on a unix socket; repeats; without -p and --bind there is no TCP then\n"
    "  --tls-port PORT       TLS on that port, on the same addresses; needs --certfile or --psk-file\n"
    "  --ws-port PORT        WebSocket on that port, on the same addresses; any path\n"
    "  --wss-port PORT       the same with TLS\n"
    "  --certfile, --keyfile FILE  the broker's certificate and key (PEM)\n"
    "  --cafile FILE         ask clients for a certificate of this authority\n"
    "  --require-certificate refuse clients without one\n"
    "  --psk-file FILE       pre-shared keys, lines identity:hexkey\n"
    "  --password-file FILE  users and password hashes, as written by mqtt_passwd\n"
    "  --no-anonymous        refuse clients without a user name\n"
    "  -v                    say on stderr what happens\n"
    "  --help                this text\n";

struct Wanted {
    broker::Options options;
    std::vector<std::string> addresses;
    std::vector<std::string> unix_paths;
    std::uint16_t port = 1883;
    bool port_given = false;
    std::optional<std::uint16_t> tls_port;
    std::optional<std::uint16_t> ws_port;
    std::optional<std::uint16_t> wss_port;
    broker::TlsServerOptions tls;
    std::string configuration;
    bool verbose = false;
    bool others = false;  ///< more than -c and -v
    bool help = false;
};

int fail(const std::string& what) {
    std::fprintf(stderr, "mqtt_testbroker: %s\n", what.c_str());
    return 1;
}

bool takes_value(std::string_view option) {
    constexpr std::string_view all[] = {
        "-c",         "-p",        "--bind",   "--unix",     "--password-file", "--tls-port",
        "--certfile", "--keyfile", "--cafile", "--psk-file", "--ws-port",       "--wss-port"};
    return std::ranges::find(all, option) != std::end(all);
}

/// Returns what is wrong, or nothing.
std::string read_value(std::string_view option, std::string_view value, Wanted& wanted) {
    if (option == "-p" || option.ends_with("-port")) {
        std::uint16_t port = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), port);
        if (error != std::errc() || end != value.data() + value.size())
            return std::string(option) + " " + std::string(value) + ": not a port from 0 to 65535";
        if (option == "--tls-port") {
            wanted.tls_port = port;
        } else if (option == "--ws-port") {
            wanted.ws_port = port;
        } else if (option == "--wss-port") {
            wanted.wss_port = port;
        } else {
            wanted.port = port;
            wanted.port_given = true;
        }
    }
    if (option == "-c") wanted.configuration = value;
    if (option == "--bind") wanted.addresses.emplace_back(value);
    if (option == "--unix") wanted.unix_paths.emplace_back(value);
    if (option == "--password-file") wanted.options.password_file = value;
    if (option == "--certfile") wanted.tls.cert_file = value;
    if (option == "--keyfile") wanted.tls.key_file = value;
    if (option == "--cafile") wanted.tls.ca_file = value;
    if (option == "--psk-file") wanted.tls.psk_file = value;
    return {};
}

/// Listens beside the other listeners, on the same addresses. Returns what is wrong, or nothing.
std::string listen_on(broker::Broker& broker, const Wanted& wanted, std::uint16_t port,
                      const broker::StreamFactory& factory) {
    const bool local = wanted.addresses.empty();
    for (const auto& address : local ? std::vector<std::string>{"127.0.0.1"} : wanted.addresses) {
        const auto opened = broker.listen({.address = address, .port = port, .make_stream = factory});
        if (!opened) return opened.error().context;
    }
    port = broker.listeners().back()->port();
    if (local) (void)broker.listen({.address = "::1", .port = port, .make_stream = factory});
    return {};
}

/// Returns what is wrong, or nothing.
std::string start_others(broker::Broker& broker, const Wanted& wanted) {
    std::string wrong;
    if (wanted.ws_port)
        wrong = listen_on(broker, wanted, *wanted.ws_port, broker::websocket_on(net::make_socket_stream));
    if (!wrong.empty() || (!wanted.tls_port && !wanted.wss_port)) return wrong;
    const auto tls = broker::make_tls_factory(wanted.tls);
    if (!tls) return tls.error().context;
    if (wanted.tls_port) wrong = listen_on(broker, wanted, *wanted.tls_port, *tls);
    if (wrong.empty() && wanted.wss_port)
        wrong = listen_on(broker, wanted, *wanted.wss_port, broker::websocket_on(*tls));
    return wrong;
}

/// Returns what is wrong, or nothing.
std::string read_arguments(int argc, char** argv, Wanted& wanted) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--help") {
            wanted.help = true;
            return {};
        }
        if (option == "-v") {
            wanted.verbose = true;
            wanted.options.log = broker::log_to_stderr;
            continue;
        }
        wanted.others = wanted.others || option != "-c";
        if (option == "--no-anonymous") {
            wanted.options.allow_anonymous = false;
            continue;
        }
        if (option == "--require-certificate") {
            wanted.tls.require_certificate = true;
            continue;
        }
        if (!takes_value(option)) return "unknown option " + std::string(option) + "; see --help";
        if (i + 1 == argc) return std::string(option) + " needs a value; see --help";
        if (auto wrong = read_value(option, argv[++i], wanted); !wrong.empty()) return wrong;
    }
    if (!wanted.configuration.empty() && wanted.others) return "-c goes with -v only; see --help";
    return {};
}

/// What the options on the command line ask for.
std::string start(broker::Broker& broker, const Wanted& wanted) {
    auto& listeners = broker.options().listeners;
    for (const auto& path : wanted.unix_paths) listeners.push_back({.unix_path = path});
    for (const auto& address : wanted.addresses)
        listeners.push_back({.address = address, .port = wanted.port});
    const bool local = listeners.empty() || (wanted.port_given && wanted.addresses.empty());
    if (local) listeners.push_back({.address = "127.0.0.1", .port = wanted.port});
    if (const auto started = broker.start(); !started) return started.error().context;
    // "localhost" may mean ::1; not every machine has it.
    if (local) (void)broker.listen({.address = "::1", .port = broker.listeners().back()->port()});
    return start_others(broker, wanted);
}

/// Runs until SIGINT or SIGTERM. `begin` returns what is wrong, or nothing.
int run(broker::Options options, const std::function<std::string(broker::Broker&)>& begin) {
    options.record = false;
    broker::Broker broker(std::move(options));
    bool stop = false;
    broker.loop().on_signal(SIGINT, [&] { stop = true; });
    broker.loop().on_signal(SIGTERM, [&] { stop = true; });
    if (const auto wrong = begin(broker); !wrong.empty()) return fail(wrong);

    for (const auto& listener : broker.listeners())
        std::printf("mqtt_testbroker: listening on %s\n", listener->name().c_str());
    std::puts("mqtt_testbroker: a test part, not for production");
    std::fflush(stdout);
    while (!stop) broker.turn();
    broker.shut_down();
    return 0;
}

int run_configured(const Wanted& wanted) {
    const auto configuration = broker::read_configuration(wanted.configuration);
    if (!configuration) return fail(configuration.error().context);
    for (const auto& note : configuration->notes)
        std::fprintf(stderr, "mqtt_testbroker: note: %s\n", note.c_str());
    auto options = broker::options_of(*configuration, wanted.verbose);
    if (!options) return fail(options.error().context);
    broker::PidFile pid_file(configuration->pid_file);
    std::optional<broker::ConfiguredListeners> listeners;
    const auto begin = [&](broker::Broker& broker) {
        auto done = broker.start();
        listeners.emplace(broker);
        if (done) done = listeners->open(*configuration);
        if (done) broker::reload_on_signal(broker, *listeners, wanted.configuration, wanted.verbose);
        if (done) done = pid_file.write();
        return done ? std::string() : done.error().context;
    };
    return run(std::move(*options), begin);
}

}  // namespace

int main(int argc, char** argv) {
    Wanted wanted;
    if (const auto wrong = read_arguments(argc, argv, wanted); !wrong.empty()) return fail(wrong);
    if (wanted.help) {
        std::fwrite(usage.data(), 1, usage.size(), stdout);
        return 0;
    }
    return wanted.configuration.empty()
               ? run(std::move(wanted.options), [&](auto& it) { return start(it, wanted); })
               : run_configured(wanted);
}
