// Secrets from files, and wiping them from the arguments.
#include "secrets.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "option_fixture.hpp"
#include "prompt.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::app;
using namespace mqttc::test;

namespace {

// Reads options and wipes what is secret, as the programs do.
void read_and_wipe(std::vector<std::string>& arguments) {
    const std::vector<std::string_view> views(arguments.begin(), arguments.end());
    static_cast<void>(
        read_pub_options({.arguments = views,
                          .environment = [](std::string_view) { return std::nullopt; },
                          .load_file = [](const std::string&) { return std::unexpected(ENOENT); },
                          .wipe = wipe_argument}));
}

}  // namespace

TEST_CASE("the secret is the first line of the file") {
    const TempDir dir;
    CHECK(read_secret_file(dir.write("a", "mot2passe\nmore\n"))->view() == "mot2passe");
    CHECK(read_secret_file(dir.write("b", "mot2passe\r\n"))->view() == "mot2passe");
    CHECK(read_secret_file(dir.write("c", " two words "))->view() == " two words ");
    CHECK(read_secret_file(dir.write("bom", "\xef\xbb\xbfmot2passe\n"))->view() == "mot2passe");
    CHECK(read_secret_file(dir.write("d", std::string(65'535, 'x')))->view().size() == 65'535);
}

TEST_CASE("a file without a secret is an error that names it") {
    const TempDir dir;
    CHECK(read_secret_file(dir.write("empty", "")).error().find("empty") != std::string::npos);
    CHECK_FALSE(read_secret_file(dir.write("blank", "\nsecret\n")).has_value());
    CHECK_FALSE(read_secret_file(dir.write("only-mark", "\xef\xbb\xbf\nsecret\n")).has_value());
    CHECK(read_secret_file(dir.write("utf16", "\xff\xfes"))
              .error()
              .ends_with("utf16 is UTF-16: save it as UTF-8"));
    CHECK(read_secret_file(dir.file("none")).error().find("no such file") != std::string::npos);
    CHECK_FALSE(read_secret_file(dir.write("long", std::string(65'536, 'x'))).has_value());
    CHECK_FALSE(read_secret_file(dir.path().string()).has_value());
}

TEST_CASE("secret files are read into the connection options") {
    const TempDir dir;
    const auto fixture = pub_fixture();
    auto options = fixture.good("-t a -n -u me --password-file " + dir.write("p", "secret\n") +
                                " --psk-identity me --psk-file " + dir.write("k", "00ff\n"));
    REQUIRE(resolve_secrets(options.connection).has_value());
    CHECK(options.connection.password.kind == PasswordSource::Kind::given);
    CHECK(options.connection.password.value.view() == "secret");
    CHECK(options.connection.tls.psk_key.view() == "00ff");

    options = fixture.good("-t a -n --psk-identity me --psk-file " + dir.write("k", "nothex\n"));
    CHECK(resolve_secrets(options.connection).error().find("not hexadecimal") != std::string::npos);
}

TEST_CASE("the passphrase of a key may be empty, other secrets may not") {
    const TempDir dir;
    const std::string file = dir.write("empty", "\n");
    auto options = pub_fixture().good("-t a -n --cert c.p12 --key c.p12 --key-passphrase-file " + file);
    const auto resolved = resolve_secrets(options.connection);
    CHECK(resolved.has_value());
    CHECK(options.connection.tls.key_passphrase.empty());
    for (const std::string option : {"-u me --password-file ", "--psk-identity me --psk-file "}) {
        options = pub_fixture().good("-t a -n " + option + file);
        CHECK(
            resolve_secrets(options.connection).error().ends_with("the first line of " + file + " is empty"));
    }
}

TEST_CASE("a secret from a descriptor that does not block is waited for") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_NONBLOCK) == 0);
    REQUIRE(::write(ends[1], "first", 5) == 5);
    // The rest is written when the first part was read.
    std::thread writer([&] {
        for (int unread = 1; unread > 0; std::this_thread::yield()) ::ioctl(ends[0], FIONREAD, &unread);
        CHECK(::write(ends[1], " second\n", 8) == 8);
    });
    std::array<char, 32> line{};
    const auto length = read_secret_line(ends[0], line);
    writer.join();
    CHECK(length.value_or(0) == 12);
    CHECK(std::string_view(line.data(), length.value_or(0)) == "first second");
    for (const int end : ends) ::close(end);
}

TEST_CASE("a key in a pipe is left there for OpenSSL") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    constexpr std::string_view key = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n";
    REQUIRE(::write(ends[1], key.data(), key.size()) == static_cast<ssize_t>(key.size()));
    ConnectionOptions settings;
    settings.tls.key_file = "/dev/fd/" + std::to_string(ends[0]);
    CHECK(resolve_secrets(settings).has_value());
    ::close(ends[1]);
    std::string left(key.size() + 1, '\0');
    CHECK(::read(ends[0], left.data(), left.size()) == static_cast<ssize_t>(key.size()));
    ::close(ends[0]);
}

TEST_CASE("secret arguments are wiped, others are kept") {
    std::vector<std::string> arguments = split_words(
        "-t a -m P -u me -P secret --psk=00ff -L mqtt://u:pass@host/t --proxy socks5h://me:pw@proxy -dP "
        "other");
    read_and_wipe(arguments);
    CHECK(std::string(arguments[3].c_str()) == "P");
    CHECK(arguments[7] == std::string(6, '\0'));
    CHECK(std::string(arguments[8].c_str()) == "--psk=");
    CHECK(arguments[10] == "mqtt://u:****@host/t");
    CHECK(arguments[12] == "socks5h://me:**@proxy");
    CHECK(arguments[14] == std::string(5, '\0'));
}

TEST_CASE("the parts of headers and properties that may be secret are wiped") {
    std::vector<std::string> arguments = split_words(
        "--ws-header 'Authorization: Bearer TOKEN' --ws-header 'Cookie TOKEN' --ws-header=TOKEN "
        "-D connect authentication-data TOKEN --property connect user-property name value");
    read_and_wipe(arguments);
    for (const std::string& argument : arguments) CHECK(argument.find("TOKEN") == argument.npos);
    CHECK(std::string(arguments[1].c_str()) == "Authorization:");
    CHECK(std::string(arguments[3].c_str()) == "Cookie ");
    CHECK(std::string(arguments[4].c_str()) == "--ws-header=");
    CHECK(arguments[7] == "authentication-data");
    CHECK(arguments[8] == std::string(5, '\0'));
    CHECK(arguments[12] == "name");
    CHECK(arguments[13] == "value");
}

TEST_CASE("secrets are wiped even when the command line is invalid") {
    std::vector<std::string> arguments = split_words("-P secret -L me:pass@host --nonsense");
    read_and_wipe(arguments);
    CHECK(arguments[1] == std::string(6, '\0'));
    CHECK(arguments[3] == "me:****@host");
}
