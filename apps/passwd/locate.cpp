// Walks along the path with one descriptor per component, so that nothing can be exchanged between check and use.
#include "locate.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <string_view>

#include "base/escape.hpp"
#include "base/text.hpp"

namespace mqttc::passwd {
namespace {

constexpr int max_links = 40;  // MAXSYMLINKS of Linux

std::unexpected<Failure> cannot_open(const std::string& path, int error) {
    return fail("cannot open " + escape_controls(path) + ": " + errno_text(error));
}

std::unexpected<Failure> not_regular(const std::string& path) {
    return fail("cannot use " + escape_controls(path) + ": not a regular file");
}

// Removes the first component from `rest`, and the slashes after it; "x/" means "x/.".
std::string next_component(std::string& rest) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    std::string component = rest.substr(0, end);
    const std::size_t next = std::min(rest.find_first_not_of('/', end), rest.size());
    rest.erase(0, next);
    if (end != next && rest.empty()) rest = ".";
    return component;
}

}  // namespace

Result<Location> locate(const std::string& path) {
    std::string rest = path;
    Descriptor directory;
    bool restart = true;  // `rest` begins at the root or in `directory`, at first the working directory
    bool last_was_link = false;
    for (int links = 0;;) {
        if (rest.empty()) return cannot_open(path, ENOENT);
        if (restart) {
            const bool absolute = rest.front() == '/';
            if (absolute || !directory)
                directory = Descriptor(::open(absolute ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
            rest.erase(0, std::min(rest.find_first_not_of('/'), rest.size()));
            if (rest.empty()) rest = ".";
            restart = false;
        }
        const std::string name = next_component(rest);
        const bool last = rest.empty();
        Descriptor entry(::openat(directory.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        struct stat about{};
        if (!entry) {
            if (errno != ENOENT || (!last && !last_was_link)) return cannot_open(path, errno);
            // A link in /proc/self/fd can lead to a pipe, which has no path.
            if (last_was_link && ::stat(path.c_str(), &about) == 0 && !S_ISREG(about.st_mode))
                return not_regular(path);
            if (last_was_link)
                return fail("cannot open " + escape_controls(path) +
                            ": it is a symbolic link to a file that does not exist");
        } else if (::fstat(entry.get(), &about) != 0) {
            return cannot_open(path, errno);
        }
        if (entry && S_ISLNK(about.st_mode)) {
            if (about.st_uid != 0 && about.st_uid != ::geteuid())
                return fail("cannot open " + escape_controls(path) + ": " + escape_controls(name) +
                            " is a symbolic link of user " + user_name(about.st_uid) +
                            ", who could point it to any file (give the path that it leads to)");
            std::string target(PATH_MAX, '\0');
            const ssize_t length = ::readlinkat(entry.get(), "", target.data(), target.size());
            if (length < 0) return cannot_open(path, errno);
            if (++links > max_links) return cannot_open(path, ELOOP);
            target.resize(static_cast<std::size_t>(length));
            last_was_link = last_was_link || last;
            rest = last ? target : target + "/" + rest;
            restart = true;
        } else if (!last) {
            directory = std::move(entry);
        } else {
            if (entry && !S_ISREG(about.st_mode)) return not_regular(path);
            Location found{
                Descriptor(::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), name, {}};
            if (!found.directory)
                return fail("cannot open the directory of " + escape_controls(path) + ": " +
                            errno_text(errno));
            if (entry) found.existing = about;
            return found;
        }
    }
}

std::string user_name(uid_t user) {
    const struct ::passwd* const entry = ::getpwuid(user);
    return entry != nullptr ? escape_controls(entry->pw_name) : std::to_string(user);
}

}  // namespace mqttc::passwd
