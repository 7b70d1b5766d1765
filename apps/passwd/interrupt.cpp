// The handler only records the signal number.
#include "interrupt.hpp"

#include <atomic>

namespace mqttc::passwd {
namespace {

std::atomic<int> first_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler writes it");

void record_signal(int number) {
    int none = 0;
    first_signal.compare_exchange_strong(none, number);
}

}  // namespace

InterruptGuard::InterruptGuard() : handlers_(signals, record_signal) {}

int InterruptGuard::caught() {
    return first_signal.load();
}

void die_of_caught_signal() {
    const int number = InterruptGuard::caught();
    if (number == 0) return;
    signal(number, SIG_DFL);
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    sigprocmask(SIG_UNBLOCK, &only, nullptr);
    raise(number);
}

}  // namespace mqttc::passwd
