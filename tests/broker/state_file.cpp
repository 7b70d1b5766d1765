// Reading and replacing a state file.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "state.hpp"

namespace mqttc::broker {
namespace {

std::unexpected<Error> cannot(const char* what, const std::string& path, int cause) {
    return std::unexpected(Error{ErrorCode::io_error, cause,
                                 std::string("cannot ") + what + " " + path + ": " + std::strerror(cause)});
}

struct Descriptor {
    explicit Descriptor(int number) : fd(number) {}
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    const int fd;
};

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(fd, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) return false;
        bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
    return true;
}

}  // namespace

std::expected<std::optional<std::string>, Error> read_state_file(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.fd < 0 && errno == ENOENT) return std::nullopt;
    struct stat status{};
    if (file.fd < 0 || ::fstat(file.fd, &status) != 0) return cannot("read", path, errno);
    if (!S_ISREG(status.st_mode)) return cannot("read", path, S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
    if (static_cast<std::uint64_t>(status.st_size) > max_state_bytes) return cannot("read", path, EFBIG);
    std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t have = 0;
    while (have < bytes.size()) {
        const auto got = ::read(file.fd, bytes.data() + have, bytes.size() - have);
        if (got < 0 && errno != EINTR) return cannot("read", path, errno);
        if (got == 0) bytes.resize(have);
        have += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    }
    return bytes;
}

std::expected<void, Error> write_state_file(const std::string& path, std::string_view bytes) {
    const auto sibling = path + ".new";
    {
        const Descriptor file(
            ::open(sibling.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (file.fd < 0) return cannot("write", sibling, errno);
        if (!write_all(file.fd, bytes) || ::fsync(file.fd) != 0) {
            const int cause = errno;
            ::unlink(sibling.c_str());
            return cannot("write", sibling, cause);
        }
    }
    if (::rename(sibling.c_str(), path.c_str()) != 0) {
        const int cause = errno;
        ::unlink(sibling.c_str());
        return cannot("replace", path, cause);
    }
    const auto slash = path.rfind('/');
    const auto folder = slash == std::string::npos ? std::string(".") : path.substr(0, slash + 1);
    const Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.fd < 0 || ::fsync(opened.fd) != 0) return cannot("write", folder, errno);
    return {};
}

}  // namespace mqttc::broker
