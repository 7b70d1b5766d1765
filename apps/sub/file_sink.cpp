// --save: writes each message to a file whose name is a template in the language of -F.
#include "file_sink.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/encoding.hpp"
#include "base/escape.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "exit_code.hpp"
#include "text_out.hpp"

namespace mqttc::sub {
namespace {

constexpr mode_t new_directory = 0777;
constexpr mode_t new_file = 0666;

// For names that rename() would replace although they aren't files: no other call here fails with it.
constexpr int not_a_regular_file = EEXIST;

std::string reason_text(int error) {
    if (error == not_a_regular_file) return "a device, FIFO or socket has that name";
    return errno_text(error);
}

bool make_directory(int where, const char* name) {
    return mkdirat(where, name, new_directory) == 0 || errno == EEXIST;
}

// The name is in use by something else, or is invalid: caused by the message, not by the disk.
bool is_name_problem(int error) {
    switch (error) {
        case not_a_regular_file:
        case EISDIR:
        case ENOTDIR:
        case ELOOP:
        case ENAMETOOLONG:
        case ENOTEMPTY:
        case EILSEQ:
        case EINVAL:
            return true;
        default:
            return false;
    }
}

// A new file in place of a device, FIFO or socket would disconnect other programs. A link is only a name.
bool is_replaceable(int where, const char* name) {
    struct stat status{};
    if (fstatat(where, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return true;
    return S_ISREG(status.st_mode) || S_ISLNK(status.st_mode) || S_ISDIR(status.st_mode);
}

bool goes_up(std::string_view path) {
    while (!path.empty()) {
        const std::string_view part = take_until(path, '/');
        if (part == "." || part == "..") return true;
    }
    return false;
}

}  // namespace

FileSink::FileSink(std::string_view directory, output::Format name, app::Messages& messages)
    : directory_(directory), name_(std::move(name)), messages_(messages) {}

std::expected<std::unique_ptr<output::MessageSink>, std::string> FileSink::make(std::string_view text,
                                                                                app::Messages& messages) {
    const std::size_t plain = std::min(text.find_first_of("%@\\"), text.size());
    const std::size_t slash = text.substr(0, plain).rfind('/');
    const std::size_t split = slash == text.npos ? 0 : slash + 1;
    const std::string_view name = text.substr(split);
    if (name.empty() || name.ends_with('/'))
        return std::unexpected("--save: the file name is missing at the end: write " + std::string(text) +
                               "%t");
    if (goes_up(name))
        return std::unexpected("--save: '.' and '..' are only allowed before the first sequence");
    auto format = output::Format::compile(name, {.file_name = true});
    if (!format) return std::unexpected("--save: " + format.error());
    return std::unique_ptr<output::MessageSink>(
        new FileSink(text.substr(0, split), std::move(*format), messages));
}

std::expected<void, std::string> FileSink::start() {
    for (std::size_t at = directory_.find('/', 1); at != directory_.npos; at = directory_.find('/', at + 1)) {
        if (!make_directory(AT_FDCWD, directory_.substr(0, at).c_str()))
            return std::unexpected("cannot create the directory '" + directory_.substr(0, at) +
                                   "': " + reason_text(errno));
    }
    const char* const path = directory_.empty() ? "." : directory_.c_str();
    base_ = Descriptor(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!base_)
        return std::unexpected("cannot open the directory '" + std::string(path) +
                               "': " + reason_text(errno));
    choose_temporary();
    return {};
}

int FileSink::exit_code() const {
    return some_not_saved_ ? app::exit_code::output_failed : app::exit_code::ok;
}

bool FileSink::take(const Publish& message) {
    output::TextBuffer path;
    const output::WallTime stamp = name_.needs_time() ? output::wall_time_now() : output::WallTime{};
    if (const output::RenderError error = name_.render(message, stamp, path);
        error != output::RenderError::none)
        return not_saved(message, "its payload does not fit the template");
    int error = goes_up(path.view()) ? EINVAL : save(path.view(), message.payload);
    if (error == ENOENT) {  // the open directory was removed
        here_ = Descriptor();
        path_.clear();
        error = save(path.view(), message.payload);
    }
    if (error == 0) return true;
    const std::string file = in_quotes(directory_ + std::string(path.view())) + ": " + reason_text(error);
    if (is_name_problem(error)) return not_saved(message, file);
    messages_.error("cannot save a message to " + file);
    some_not_saved_ = true;
    return false;
}

// The program continues: a publisher must not be able to stop it by a name.
bool FileSink::not_saved(const Publish& message, std::string_view why) {
    some_not_saved_ = true;
    messages_.error("a message on topic " + in_quotes(message.topic) + " is not saved: " + std::string(why));
    return true;
}

// The errno, or 0.
int FileSink::save(std::string_view path, Bytes payload) {
    const std::size_t slash = path.rfind('/');
    const std::string_view directories = slash == path.npos ? std::string_view() : path.substr(0, slash);
    const std::string_view name = slash == path.npos ? path : path.substr(slash + 1);
    if (name.empty()) return EISDIR;
    if (!enter(directories)) return errno;
    return write(name, payload);
}

// Level by level, so that no symbolic link can point out of the directory.
bool FileSink::enter(std::string_view directories) {
    if (here_ && path_ == directories) return true;
    Descriptor at(fcntl(base_.get(), F_DUPFD_CLOEXEC, 0));
    for (std::string_view rest = directories; at && !rest.empty();) {
        const std::string name(take_until(rest, '/'));
        if (name.empty()) continue;
        if (!make_directory(at.get(), name.c_str())) return false;
        at = Descriptor(openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    }
    if (!at) return false;
    here_ = std::move(at);
    path_ = directories;
    return true;
}

// A name that no message and no other process has; process identifiers repeat in containers.
void FileSink::choose_temporary() {
    temporary_ = ".mqtt_sub." + to_hex(random_value<std::array<std::uint8_t, 8>>()) + ".tmp";
}

Descriptor FileSink::open_temporary() {
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    for (;;) {
        Descriptor file(openat(here_.get(), temporary_.c_str(), flags, new_file));
        if (file || errno != EEXIST) return file;
        choose_temporary();
    }
}

// Readers of the directory see the complete file or none.
int FileSink::write(std::string_view name, Bytes payload) {
    const std::string last(name);
    if (!is_replaceable(here_.get(), last.c_str())) return not_a_regular_file;
    Descriptor file = open_temporary();
    if (!file) return errno;
    int error = 0;
    while (error == 0 && !payload.empty()) {
        const ssize_t written = ::write(file.get(), payload.data(), payload.size());
        if (written >= 0) {
            payload = payload.subspan(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            error = errno;
        }
    }
    if (!file.close() && error == 0) error = errno;
    if (error == 0 && renameat(here_.get(), temporary_.c_str(), here_.get(), last.c_str()) != 0)
        error = errno;
    if (error != 0) unlinkat(here_.get(), temporary_.c_str(), 0);
    return error;
}

}  // namespace mqttc::sub
