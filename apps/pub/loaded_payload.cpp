// Loads payloads: mmap for large regular files, reading for everything else.
#include "loaded_payload.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

#include "base/descriptor.hpp"
#include "base/escape.hpp"
#include "base/text.hpp"
#include "messages.hpp"

namespace mqttc::pub {
namespace {

// Smaller files are read: no page faults, and no change by another program while they are sent.
constexpr std::size_t map_from = std::size_t{1024} * 1024;
constexpr std::size_t first_chunk = std::size_t{64} * 1024;
// The requested size of a pipe, so that its writer wakes up less often.
constexpr int pipe_size = 1024 * 1024;
// Memory of a mapped file is released in steps of this.
constexpr std::size_t release_step = std::size_t{1024} * 1024;

std::unexpected<PayloadError> cannot_read(std::string_view name, std::string_view why) {
    return std::unexpected(PayloadError{
        false, std::string("cannot read ").append(escape_controls(name)).append(": ").append(why)});
}

std::unexpected<PayloadError> too_large(std::string_view name) {
    return cannot_read(name, "it is larger than an MQTT packet can be (268435455 bytes)");
}

std::unexpected<PayloadError> timed_out(std::string_view name) {
    return std::unexpected(
        PayloadError{true, std::string("stopped by -W while reading ").append(escape_controls(name))});
}

// Milliseconds for poll(), rounded up.
int poll_time(std::optional<Time> deadline) {
    if (!deadline) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT32_MAX));
}

// True when there is something to read, or the end; false at the deadline.
bool wait_readable(int fd, std::optional<Time> deadline) {
    while (true) {
        pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
        const int polled = ::poll(&ready, 1, poll_time(deadline));
        if (polled >= 0 || errno != EINTR) return polled != 0;
    }
}

std::string truncation_message;  // of the signal handler

// A mapped file is truncated while it is sent: the process gets SIGBUS when it touches the missing pages.
void file_was_truncated(int) {
    static_cast<void>(!::write(STDERR_FILENO, truncation_message.data(), truncation_message.size()));
    ::_exit(1);
}

}  // namespace

void LoadedPayload::Unmap::operator()(std::uint8_t* memory) const {
    ::munmap(memory, size);
}

std::expected<LoadedPayload, PayloadError> LoadedPayload::read_all(int fd, std::string_view name,
                                                                   std::optional<Time> deadline) {
    ::fcntl(fd, F_SETPIPE_SZ, pipe_size);
    LoadedPayload payload;
    std::size_t capacity = 0;
    bool wait = deadline.has_value();
    while (true) {
        if (wait && !wait_readable(fd, deadline)) return timed_out(name);
        if (capacity - payload.block_size_ < first_chunk) {
            capacity = std::max(first_chunk, 2 * capacity);
            auto* moved = static_cast<std::uint8_t*>(std::realloc(payload.block_.get(), capacity));
            if (moved == nullptr) return cannot_read(name, "out of memory");
            static_cast<void>(payload.block_.release());
            payload.block_.reset(moved);
        }
        const ssize_t got =
            ::read(fd, payload.block_.get() + payload.block_size_, capacity - payload.block_size_);
        if (got == 0) return payload;
        wait = deadline.has_value() || (got < 0 && errno == EAGAIN);
        if (got < 0 && errno != EINTR && errno != EAGAIN) return cannot_read(name, errno_text(errno));
        payload.block_size_ += static_cast<std::size_t>(std::max<ssize_t>(got, 0));
        if (payload.block_size_ > max_remaining_length) return too_large(name);
    }
}

std::expected<std::optional<LoadedPayload>, PayloadError> LoadedPayload::map(int fd, std::string_view name,
                                                                             std::string_view program) {
    struct stat status{};
    if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    // Standard input may have been read in part.
    const off_t from = ::lseek(fd, 0, SEEK_CUR);
    if (from < 0 || status.st_size - from < static_cast<off_t>(map_from)) return std::nullopt;
    const auto skip = static_cast<std::size_t>(from % ::sysconf(_SC_PAGESIZE));
    const auto size = static_cast<std::uint64_t>(status.st_size - from);
    if (size > max_remaining_length) return too_large(name);
    const std::size_t length = static_cast<std::size_t>(size) + skip;
    LoadedPayload payload;
    void* map = ::mmap(nullptr, length, PROT_READ, MAP_PRIVATE, fd, from - static_cast<off_t>(skip));
    if (map == MAP_FAILED) return cannot_read(name, errno_text(errno));
    payload.map_ = {static_cast<std::uint8_t*>(map), Unmap{length}};
    payload.map_skip_ = skip;
    // As if it had been read.
    ::lseek(fd, status.st_size, SEEK_SET);
    truncation_message = std::string(program).append(": the file was truncated while it was sent\n");
    std::signal(SIGBUS, file_was_truncated);
    return payload;
}

std::expected<LoadedPayload, PayloadError> LoadedPayload::from_stdin(std::optional<Time> deadline,
                                                                     std::string_view program) {
    auto mapped = map(STDIN_FILENO, "stdin", program);
    if (!mapped) return std::unexpected(std::move(mapped.error()));
    if (*mapped) return std::move(**mapped);
    return read_all(STDIN_FILENO, "stdin", deadline);
}

std::expected<LoadedPayload, PayloadError> LoadedPayload::from_file(const std::string& path,
                                                                    std::optional<Time> deadline,
                                                                    std::string_view program) {
    // A pipe or socket as stdin cannot always be opened again by its name.
    if (path == "-" || path == "/dev/stdin") return from_stdin(deadline, program);
    // O_NONBLOCK: opening a FIFO doesn't wait for its writer, poll() does.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (file.get() < 0) return cannot_read(path, errno_text(errno));
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return cannot_read(path, errno_text(errno));
    if (S_ISDIR(status.st_mode)) return cannot_read(path, "it is a directory");
    auto mapped = map(file.get(), path, program);
    if (!mapped) return std::unexpected(std::move(mapped.error()));
    if (*mapped) return std::move(**mapped);
    // A FIFO without a writer reads as if it were at its end.
    if (S_ISFIFO(status.st_mode) && !wait_readable(file.get(), deadline)) return timed_out(path);
    return read_all(file.get(), path, deadline);
}

void LoadedPayload::release_all_but(std::size_t left) {
    if (map_ == nullptr) return;
    const std::size_t size = map_.get_deleter().size;
    const std::size_t done = size - std::min(size, left);
    // Sent again, from the start.
    if (done < released_) released_ = 0;
    const std::size_t until = done / release_step * release_step;
    if (until <= released_) return;
    ::madvise(map_.get() + released_, until - released_, MADV_DONTNEED);
    released_ = until;
}

}  // namespace mqttc::pub
