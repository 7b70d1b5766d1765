// Filling the gaps among stdin, stdout and stderr.
#include "base/descriptor.hpp"

#include <fcntl.h>

#include <cerrno>

namespace mqttc {

void fill_standard_descriptors() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
        // In rising order, so that the lowest free number is the missing one.
        static_cast<void>(::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY));
    }
}

}  // namespace mqttc
