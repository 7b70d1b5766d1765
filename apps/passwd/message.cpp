// Unbuffered output: nothing is lost or written twice, however the program ends.
#include "message.hpp"

#include <unistd.h>

#include <cerrno>
#include <string>

#include "common/visible.hpp"

namespace mqttc::passwd {
namespace {

bool write_to(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

void say(std::string_view text) {
    std::string line = "mqtt_passwd: ";
    line += app::visible(text);
    line += '\n';
    (void)write_to(STDERR_FILENO, line);
}

bool print(std::string_view text) {
    return write_to(STDOUT_FILENO, text);
}

}  // namespace mqttc::passwd
