// The configuration lines of the tutorials, as printed there, with mqtt_testbroker and with Debian's Mosquitto.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <optional>

#include "support/needs.hpp"
#include "support/port.hpp"
#include "support/programs.hpp"
#include "support/real_broker.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc::test;

namespace {

constexpr Exit not_authorized{.code = 5};

/// Lines of a mosquitto.conf; @1 and @2 are free ports, @D is the directory of the test.
struct Lines {
    const char* text;
    bool accepted = true;
    /// A client without a password at @1 and at @2; nullopt: nothing listens there.
    std::optional<Exit> first = std::nullopt;
    std::optional<Exit> second = std::nullopt;
    bool first_is_websocket = false;
    bool second_is_websocket = false;
};

constexpr const char* anonymous = "allow_anonymous true # A modifier : false -> true\n";

const Lines tutorial_lines[] = {
    {.text = "port @1      # A ajouter\n", .first = not_authorized},
    {.text = "port @1      # A ajouter\n"
             "allow_anonymous true # A modifier : false -> true\n",
     .first = ok},
    {.text = "port @1\n"
             "allow_anonymous false # Connexions sans mot de passe non autorisées\n",
     .first = not_authorized},
    {.text = "listener @1 # A ajouter\n", .first = not_authorized},
    {.text = "port @1      # A ajouter\n"
             "listener @2 # A ajouter\n"
             "protocol websockets # A ajouter\n"
             "allow_anonymous true\n",
     .first = ok,
     .second = ok,
     .second_is_websocket = true},
    // On the NAS the protocol precedes the ports: it is that of the first one.
    {.text = "protocol websockets # A ajouter\n"
             "port @1 # A ajouter\n"
             "listener @2 # A ajouter\n"
             "allow_anonymous true # A modifier : false -> true\n",
     .first = ok,
     .second = ok,
     .first_is_websocket = true},
    {.text = "# Place your local configuration in /etc/mosquitto/conf.d/\n"
             "pid_file @D/mosquitto.pid\n"
             "persistence true\n"
             "persistence_location @D/\n"
             "log_dest file @D/mosquitto.log\n"
             "include_dir @D/conf.d\n"
             "port @1\n",
     .first = ok},
    {.text = "port @1\n"
             "allow_anonymous false\n"
             "password_file @D/passwd\n",
     .first = not_authorized},
    {.text = "listener @1 127.0.0.1 # cette machine seulement\nallow_anonymous true\n", .first = ok},
    {.text = "port @1 #\nallow_anonymous true\nmax_inflight_messages 5 # c\nsys_interval 3 # c\n",
     .first = ok},
    {.text = "port @1 \nlog_type all # tout\nconnection_messages true # oui\nallow_anonymous true\n",
     .first = ok},
    {.text = "include_dir @D/conf.d # Position du fichier d'extension\n", .accepted = false},
    {.text = "allow_anonymous true#\n", .accepted = false},
    {.text = "allow_anonymous #true\n", .accepted = false},
    {.text = "listener @1\nprotocol websockets#x\n", .accepted = false},
    {.text = "listener localhost\n", .accepted = false},
    {.text = "listener 192.168.1.2\n", .accepted = false},
    {.text = "bind_address 127.0.0.1 # c\n", .accepted = false},
};

std::string replaced(std::string text, std::string_view what, const std::string& by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
        text.replace(at, what.size(), by);
    return text;
}

Exit anonymous_client(std::uint16_t port, bool websocket) {
    Words options = {"-t", "maison/salon", "-m", "21", "-q", "1"};
    if (websocket) options.emplace_back("--ws");
    return run(client("mqtt_pub", port, options)).exit;
}

struct BothPorts {
    std::uint16_t first = free_port();
    std::uint16_t second = free_port();
};

/// False if one of the ports was in use: to be repeated with others.
bool try_lines(const Lines& lines, const std::string& broker) {
    const TempDir dir;
    REQUIRE(::chmod(dir.path().c_str(), 0777) == 0);
    std::filesystem::create_directory(dir.path() / "conf.d");
    dir.write("conf.d/anonymous.conf", anonymous);
    REQUIRE(
        run(program_command("mqtt_passwd", {"-c", "-b", dir.file("passwd"), "sondes", "mot2passe"})).exit ==
        ok);
    REQUIRE(::chmod(dir.file("passwd").c_str(), 0644) == 0);
    const BothPorts ports;
    auto text = replaced(lines.text, "@1", std::to_string(ports.first));
    text = replaced(replaced(text, "@2", std::to_string(ports.second)), "@D", dir.path().string());
    Process process(program_command(broker, {"-c", dir.write("mosquitto.conf", text)}));
    if (!lines.accepted) {
        CHECK(process.wait() != ok);
        return true;
    }
    const auto open = [&] {
        return (!lines.first || accepts(ports.first)) && (!lines.second || accepts(ports.second));
    };
    while (process.running() && !open()) ::usleep(5'000);
    if (!process.running() && process.err().find("in use") != std::string::npos) return false;
    REQUIRE_MESSAGE(process.running(), process.err());
    if (lines.first) CHECK(anonymous_client(ports.first, lines.first_is_websocket) == *lines.first);
    if (lines.second) CHECK(anonymous_client(ports.second, lines.second_is_websocket) == *lines.second);
    process.send_signal(SIGTERM);
    CHECK(process.wait() == ok);
    return true;
}

}  // namespace

TEST_CASE("each line of the tutorials means the same for mqtt_testbroker and for Mosquitto" *
          needs_mosquitto()) {
    for (const Lines& lines : tutorial_lines) {
        for (const std::string broker : {"mqtt_testbroker", mosquitto_path}) {
            CAPTURE(lines.text);
            CAPTURE(broker);
            bool done = false;
            for (int i = 0; i < 5 && !done; ++i) done = try_lines(lines, broker);
            CHECK(done);
        }
    }
}

TEST_CASE("after sudo mqtt_passwd -c Mosquitto can read the file, and the users of it log in" *
          needs_mosquitto() * needs_root()) {
    const TempDir dir;
    REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
    const auto users = dir.file("passwd");
    REQUIRE(run(program_command("mqtt_passwd", {"-c", "-b", users, "sondes", "mot2passe"})).exit == ok);
    struct stat about{};
    REQUIRE(::stat(users.c_str(), &about) == 0);
    CHECK(about.st_uid == 0);
    CHECK(about.st_gid != 0);
    CHECK((about.st_mode & 07777) == 0640);
    const auto port = free_port();
    const auto text = "port " + std::to_string(port) + "\nallow_anonymous false\npassword_file " + users +
                      "\n";  // no "user root"
    Process broker(program_command(mosquitto_path, {"-c", dir.write("mosquitto.conf", text)}));
    while (broker.running() && !accepts(port)) ::usleep(5'000);
    REQUIRE_MESSAGE(broker.running(), broker.err());
    const Words message = {"-t", "ctrlled", "-m", "1", "-q", "1"};
    CHECK(run(client("mqtt_pub", port, message)).exit == not_authorized);
    CHECK(run(client("mqtt_pub", port, message + Words{"-u", "sondes", "-P", "mot2passe"})).exit == ok);
    broker.send_signal(SIGTERM);
    CHECK(broker.wait() == ok);
}
