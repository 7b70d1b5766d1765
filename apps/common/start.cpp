// From argv to options and to a client's options, with the world's files and environment.
#include "start.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "connection.hpp"
#include "descriptor.hpp"
#include "error_hints.hpp"
#include "exit_code.hpp"
#include "parse.hpp"
#include "secrets.hpp"

namespace mqttc::app {
namespace {

constexpr std::size_t max_config_bytes = 16UL * 1024 * 1024;

std::expected<std::string, int> load_file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::unexpected(errno);
    std::string content;
    int error = 0;
    constexpr std::size_t chunk = 16UL * 1024;
    while (true) {
        const std::size_t size = content.size();
        if (size > max_config_bytes) error = EFBIG;
        if (error != 0) break;
        content.resize(size + chunk);
        const ssize_t got = ::read(fd, content.data() + size, chunk);
        content.resize(size + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (got == 0) break;
        if (got < 0 && errno != EINTR) error = errno;
    }
    ::close(fd);
    if (error != 0) return std::unexpected(error);
    return content;
}

std::optional<std::string> environment(std::string_view name) {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return value;
}

bool open_to_others(const std::string& path) {
    struct stat about{};
    return ::stat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode) &&
           (about.st_mode & (S_IRGRP | S_IROTH)) != 0;
}

}  // namespace

std::expected<Options, int> start(Program program, int argc, char** argv, Messages& messages) {
    fill_standard_descriptors();
    // A reader or a broker that goes away is an error of write(), not the end of the program.
    std::signal(SIGPIPE, SIG_IGN);
    // So is a limit on the size of files.
    std::signal(SIGXFSZ, SIG_IGN);
    const std::span<char*> arguments(argv + (argc > 0 ? 1 : 0),
                                     static_cast<std::size_t>(argc > 0 ? argc - 1 : 0));
    const std::vector<std::string_view> views(arguments.begin(), arguments.end());
    ParseResult parsed = parse({program, views, environment, load_file, open_to_others});
    wipe_arguments(program, arguments);

    if (auto* options = std::get_if<Options>(&parsed)) {
        messages.set_quiet(options->quiet);
        for (const std::string& warning : options->warnings) messages.warning(warning);
        return std::move(*options);
    }
    if (const auto* error = std::get_if<UsageError>(&parsed)) {
        messages.set_quiet(error->quiet);
        messages.error(error->text().append("; try '").append(program_name(program)).append(" --help'"));
        return std::unexpected(exit_code::usage);
    }
    const bool help = std::holds_alternative<HelpRequest>(parsed);
    const bool written = write_stdout(help ? help_text(program) : version_text(program));
    if (!written) messages.stdout_failed(errno);
    return std::unexpected(written ? exit_code::ok : exit_code::output_failed);
}

std::expected<ClientOptions, int> prepare_client(Options& options, Messages& messages) {
    if (const auto resolved = resolve_secrets(options.connection); !resolved) {
        messages.error(resolved.error());
        return std::unexpected(exit_code::usage);
    }
    auto connection = build_connection(options, static_cast<unsigned long>(::getpid()));
    if (!connection) {
        messages.error(connection.error());
        return std::unexpected(exit_code::usage);
    }
    for (const std::string& warning : connection->warnings) messages.warning(warning);
    return std::move(connection->client);
}

int report(const Error& error, bool was_connected, Messages& messages) {
    messages.error(error_text(error));
    return exit_code_of(error, was_connected);
}

}  // namespace mqttc::app
