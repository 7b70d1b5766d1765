// Unbuffered output: nothing is lost or written twice, however the program ends.
#include "message.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "base/escape.hpp"
#include "base/text.hpp"
#include "interrupt.hpp"

namespace mqttc::passwd {

int write_all(int fd, std::span<const std::string_view> pieces) {
    std::size_t next = 0;  // piece
    std::size_t done = 0;  // bytes of it
    while (next < pieces.size()) {
        std::array<iovec, 512> batch{};
        std::size_t count = 0;
        for (std::size_t i = next; i < pieces.size() && count < batch.size(); ++i, ++count) {
            const std::string_view rest = pieces[i].substr(i == next ? done : 0);
            batch[count] = {const_cast<char*>(rest.data()), rest.size()};
        }
        const ssize_t written = ::writev(fd, batch.data(), static_cast<int>(count));
        if (written < 0 && errno == EINTR && InterruptGuard::caught() == 0) continue;
        if (written < 0) return errno;
        done += static_cast<std::size_t>(written);
        while (next < pieces.size() && done >= pieces[next].size()) done -= pieces[next++].size();
    }
    return 0;
}

namespace {
std::string_view shown_name = "mqtt_passwd";
}  // namespace

void set_program_name(std::string_view name) {
    shown_name = name;
}

std::string_view program_name() {
    return shown_name;
}

void print_message(std::string_view text) {
    std::string line(shown_name);
    line += ": ";
    // Long names in it are cut by those who write it: the cause after them must not be.
    line += escape_controls(text, text.size());
    line += '\n';
    const std::string_view whole = line;
    (void)write_all(STDERR_FILENO, {&whole, 1});
}

Result<void> print(std::span<const std::string_view> pieces) {
    const int error = write_all(STDOUT_FILENO, pieces);
    if (error != 0) return fail("cannot write to standard output: " + errno_text(error));
    return {};
}

}  // namespace mqttc::passwd
