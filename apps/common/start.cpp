// From argv to options and to a client's options, with the process's files and environment.
#include "start.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/descriptor.hpp"
#include "connection_setup.hpp"
#include "exit_code.hpp"
#include "read_options.hpp"
#include "secrets.hpp"

namespace mqttc::app {
namespace {

constexpr std::size_t max_config_bytes = 16UL * 1024 * 1024;

std::expected<std::string, int> load_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::unexpected(errno);
    constexpr std::size_t usual_size = 16UL * 1024;
    std::string content(usual_size, '\0');
    std::size_t size = 0;
    int error = 0;
    while (error == 0) {
        const ssize_t got = ::read(fd, content.data() + size, content.size() - size);
        if (got == 0) break;
        if (got < 0 && errno != EINTR) error = errno;
        if (got > 0) size += static_cast<std::size_t>(got);
        if (size > max_config_bytes) error = EFBIG;
        if (size == content.size()) {
            // It may contain a password, which must not remain in freed memory.
            std::string larger(2 * size, '\0');
            content.copy(larger.data(), size);
            explicit_bzero(content.data(), size);
            content.swap(larger);
        }
    }
    ::close(fd);
    content.resize(size);
    if (error != 0) return std::unexpected(error);
    return content;
}

std::optional<std::string_view> environment(std::string_view name) {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return value;
}

FileAccess file_access(const std::string& path) {
    struct stat about{};
    if (::stat(path.c_str(), &about) != 0 || !S_ISREG(about.st_mode)) return {};
    const bool own = about.st_uid == ::geteuid();
    // The group of a file of root, such as ssl-cert, was chosen by the administrator.
    const ::mode_t readers = about.st_uid == 0 ? S_IROTH : S_IRGRP | S_IROTH;
    return {.others_can_read = (about.st_mode & readers) != 0,
            .others_can_write = (about.st_mode & (S_IWGRP | S_IWOTH)) != 0,
            .others_own = !own && about.st_uid != 0};
}

// What both programs do before and after reading their options.
template <typename Options>
std::expected<Options, int> start(std::expected<Options, NoOptions> (*read)(const OptionInput&),
                                  const CalledAs& called, int argc, char** argv, Messages& messages) {
    fill_standard_descriptors();
    // A reader or a broker that disappears is an error of write(), not the end of the program.
    std::signal(SIGPIPE, SIG_IGN);
    // So is a limit on the size of files.
    std::signal(SIGXFSZ, SIG_IGN);
    const std::vector<std::string_view> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
    auto options = read({arguments, environment, load_file, file_access, wipe_argument, called});
    if (options) {
        messages.set_quiet(options->run.quiet);
        if (options->run.debug && !options->run.borrowed_config.empty())
            messages.always("options from " + options->run.borrowed_config);
        messages.set_color(options->run.color);
        for (const std::string& warning : options->run.warnings) messages.warning(warning);
        return std::move(*options);
    }
    if (options.error().is_error) {
        messages.set_quiet(options.error().quiet);
        messages.error(options.error().message().append("; try '").append(called.name).append(" --help'"));
        return std::unexpected(exit_code::usage);
    }
    const bool written = write_stdout(options.error().text);
    if (!written) messages.stdout_failed(errno);
    // Mosquitto's programs end with 1 after --help.
    if (written && called.mosquitto) return std::unexpected(exit_code::usage);
    return std::unexpected(written ? exit_code::ok : exit_code::output_failed);
}

}  // namespace

std::expected<PubOptions, int> start_pub(const CalledAs& called, int argc, char** argv, Messages& messages) {
    return start(read_pub_options, called, argc, argv, messages);
}

std::expected<SubOptions, int> start_sub(const CalledAs& called, int argc, char** argv, Messages& messages) {
    return start(read_sub_options, called, argc, argv, messages);
}

std::expected<ClientOptions, int> prepare_client(ConnectionOptions& options, Messages& messages) {
    if (const auto resolved = resolve_secrets(options); !resolved) {
        messages.error(resolved.error());
        return std::unexpected(exit_code::usage);
    }
    auto connection = set_up_connection(options, static_cast<unsigned long>(::getpid()));
    if (!connection) {
        messages.error(connection.error());
        return std::unexpected(exit_code::usage);
    }
    for (const std::string& warning : connection->warnings) messages.warning(warning);
    // The client has its own copies.
    options.password.value.wipe();
    options.tls.psk_key.wipe();
    options.tls.key_passphrase.wipe();
    if (options.endpoint.proxy) options.endpoint.proxy->password.wipe();
    return std::move(connection->client);
}

}  // namespace mqttc::app
