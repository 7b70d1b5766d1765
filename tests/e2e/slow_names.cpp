// Loaded into a program under test with LD_PRELOAD: looking up a name takes for ever, and says so.
#include <netdb.h>
#include <unistd.h>

extern "C" __attribute__((visibility("default"))) int getaddrinfo(const char*, const char*, const addrinfo*,
                                                                  addrinfo**) noexcept(false) {
    static const char said[] = "looking up\n";
    if (write(STDERR_FILENO, said, sizeof said - 1) < 0) return EAI_SYSTEM;
    for (;;) pause();
}
