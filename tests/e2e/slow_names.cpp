// Loaded into a program under test with LD_PRELOAD: a name lookup prints a line and never ends.
#include <netdb.h>
#include <unistd.h>

extern "C" __attribute__((visibility("default"))) int getaddrinfo(const char*, const char*, const addrinfo*,
                                                                  addrinfo**) noexcept(false) {
    static const char text[] = "looking up\n";
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) return EAI_SYSTEM;
    for (;;) pause();
}
