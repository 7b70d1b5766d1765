// System calls for the process helpers.
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace mqttc::test {

/// glibc 2.36 declares pidfd_open without extern "C".
inline int open_pidfd(pid_t pid) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

/// Ends the test program when a helper fails.
[[noreturn]] inline void give_up(const char* what) {
    std::perror(what);
    std::abort();
}

}  // namespace mqttc::test
