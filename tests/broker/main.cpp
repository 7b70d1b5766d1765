// mqtt_testbroker: the embedded broker as a program.
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
    "mqtt_testbroker: the MQTT broker of mqttc's tests. Not for production.\n"
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
    "                        SIGHUP reloads users, keys, certificates and the log\n"
    "  -p PORT               TCP port (default 1883; 0: the system chooses)\n"
    "  --bind ADDRESS        numeric address to listen on; repeats (default 127.0.0.1 and ::1)\n"
    "  --unix PATH           listen on a unix socket; repeats; no TCP then without -p or --bind\n"
    "  --tls-port PORT       TLS on this port of the same addresses; needs --certfile or --psk-file\n"
    "  --ws-port PORT        WebSocket on this port of the same addresses; any path\n"
    "  --wss-port PORT       WebSocket with TLS\n"
    "  --certfile, --keyfile FILE  the broker's certificate and key (PEM)\n"
    "  --cafile FILE         request client certificates of this CA\n"
    "  --require-certificate refuse clients without a certificate\n"
    "  --psk-file FILE       pre-shared keys, lines identity:hexkey\n"
    "  --password-file FILE  users and password hashes, as written by mqtt_passwd\n"
    "  --no-anonymous        refuse clients without a user name\n"
    "  -v                    log to stderr\n"
    "  --help                print this help\n";

struct Arguments {
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
    bool others = false;  ///< other options than -c and -v
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

/// Returns an error message; empty: none.
std::string read_value(std::string_view option, std::string_view value, Arguments& arguments) {
    if (option == "-p" || option.ends_with("-port")) {
        std::uint16_t port = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), port);
        if (error != std::errc() || end != value.data() + value.size())
            return std::string(option) + " " + std::string(value) + ": not a port from 0 to 65535";
        if (option == "--tls-port") {
            arguments.tls_port = port;
        } else if (option == "--ws-port") {
            arguments.ws_port = port;
        } else if (option == "--wss-port") {
            arguments.wss_port = port;
        } else {
            arguments.port = port;
            arguments.port_given = true;
        }
    }
    if (option == "-c") arguments.configuration = value;
    if (option == "--bind") arguments.addresses.emplace_back(value);
    if (option == "--unix") arguments.unix_paths.emplace_back(value);
    if (option == "--password-file") arguments.options.password_file = value;
    if (option == "--certfile") arguments.tls.cert_file = value;
    if (option == "--keyfile") arguments.tls.key_file = value;
    if (option == "--cafile") arguments.tls.ca_file = value;
    if (option == "--psk-file") arguments.tls.psk_file = value;
    return {};
}

/// Adds listeners on a port of all addresses. Returns an error message; empty: none.
std::string listen_on(broker::Broker& broker, const Arguments& arguments, std::uint16_t port,
                      const broker::StreamFactory& factory) {
    const bool local = arguments.addresses.empty();
    for (const auto& address : local ? std::vector<std::string>{"127.0.0.1"} : arguments.addresses) {
        const auto opened = broker.listen({.address = address, .port = port, .make_stream = factory});
        if (!opened) return opened.error().context;
    }
    port = broker.listeners().back()->port();
    if (local) (void)broker.listen({.address = "::1", .port = port, .make_stream = factory});
    return {};
}

/// Returns an error message; empty: none.
std::string start_ws_and_tls(broker::Broker& broker, const Arguments& arguments) {
    std::string wrong;
    if (arguments.ws_port)
        wrong =
            listen_on(broker, arguments, *arguments.ws_port, broker::websocket_on(net::make_socket_stream));
    if (!wrong.empty() || (!arguments.tls_port && !arguments.wss_port)) return wrong;
    const auto tls = broker::make_tls_factory(arguments.tls);
    if (!tls) return tls.error().context;
    if (arguments.tls_port) wrong = listen_on(broker, arguments, *arguments.tls_port, *tls);
    if (wrong.empty() && arguments.wss_port)
        wrong = listen_on(broker, arguments, *arguments.wss_port, broker::websocket_on(*tls));
    return wrong;
}

/// Returns an error message; empty: none.
std::string read_arguments(int argc, char** argv, Arguments& arguments) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--help") {
            arguments.help = true;
            return {};
        }
        if (option == "-v") {
            arguments.verbose = true;
            arguments.options.log = broker::log_to_stderr;
            continue;
        }
        arguments.others = arguments.others || option != "-c";
        if (option == "--no-anonymous") {
            arguments.options.allow_anonymous = false;
            continue;
        }
        if (option == "--require-certificate") {
            arguments.tls.require_certificate = true;
            continue;
        }
        if (!takes_value(option)) return "unknown option " + std::string(option) + "; see --help";
        if (i + 1 == argc) return std::string(option) + " needs a value; see --help";
        if (auto wrong = read_value(option, argv[++i], arguments); !wrong.empty()) return wrong;
    }
    if (!arguments.configuration.empty() && arguments.others)
        return "-c can be combined with -v only; see --help";
    return {};
}

/// Starts a broker with the options of the command line.
std::string start(broker::Broker& broker, const Arguments& arguments) {
    auto& listeners = broker.options().listeners;
    for (const auto& path : arguments.unix_paths) listeners.push_back({.unix_path = path});
    for (const auto& address : arguments.addresses)
        listeners.push_back({.address = address, .port = arguments.port});
    const bool local = listeners.empty() || (arguments.port_given && arguments.addresses.empty());
    if (local) listeners.push_back({.address = "127.0.0.1", .port = arguments.port});
    if (const auto started = broker.start(); !started) return started.error().context;
    // "localhost" may be ::1, which some machines do not have.
    if (local) (void)broker.listen({.address = "::1", .port = broker.listeners().back()->port()});
    return start_ws_and_tls(broker, arguments);
}

/// Runs until SIGINT or SIGTERM. `begin` returns an error message; empty: none.
int run(broker::Options options, const std::function<std::string(broker::Broker&)>& begin) {
    options.record = false;
    broker::Broker broker(std::move(options));
    bool stop = false;
    broker.loop().on_signal(SIGINT, [&] { stop = true; });
    broker.loop().on_signal(SIGTERM, [&] { stop = true; });
    if (const auto wrong = begin(broker); !wrong.empty()) return fail(wrong);

    for (const auto& listener : broker.listeners())
        std::printf("mqtt_testbroker: listening on %s\n", listener->name().c_str());
    std::puts("mqtt_testbroker: for tests only, not for production");
    std::fflush(stdout);
    while (!stop) broker.turn();
    broker.shut_down();
    return 0;
}

int run_configured(const Arguments& arguments) {
    const auto configuration = broker::read_configuration(arguments.configuration);
    if (!configuration) return fail(configuration.error().context);
    for (const auto& note : configuration->notes)
        std::fprintf(stderr, "mqtt_testbroker: note: %s\n", note.c_str());
    auto options = broker::options_of(*configuration, arguments.verbose);
    if (!options) return fail(options.error().context);
    broker::PidFile pid_file(configuration->pid_file);
    std::optional<broker::ConfiguredListeners> listeners;
    const auto begin = [&](broker::Broker& broker) {
        auto done = broker.start();
        listeners.emplace(broker);
        if (done) done = listeners->open(*configuration);
        if (done) broker::reload_on_signal(broker, *listeners, arguments.configuration, arguments.verbose);
        if (done) done = pid_file.write();
        return done ? std::string() : done.error().context;
    };
    return run(std::move(*options), begin);
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    if (const auto wrong = read_arguments(argc, argv, arguments); !wrong.empty()) return fail(wrong);
    if (arguments.help) {
        std::fwrite(usage.data(), 1, usage.size(), stdout);
        return 0;
    }
    return arguments.configuration.empty()
               ? run(std::move(arguments.options), [&](auto& it) { return start(it, arguments); })
               : run_configured(arguments);
}
