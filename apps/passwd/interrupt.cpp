// The handlers only record the signal number, or end the program at once.
#include "interrupt.hpp"

#include <unistd.h>

#include <atomic>

namespace mqttc::passwd {
namespace {

std::atomic<int> first_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler writes it");

void record_signal(int number) {
    int none = 0;
    first_signal.compare_exchange_strong(none, number);
}

// What a shell reports for a program that a signal ended.
void exit_by_signal(int number) {
    ::_exit(128 + number);
}

}  // namespace

InterruptGuard::InterruptGuard() : handlers_(ending_signals, record_signal) {}

int InterruptGuard::caught() {
    return first_signal.load();
}

void end_by_caught_signal() {
    const int number = InterruptGuard::caught();
    if (number == 0) return;
    raise_default(number);
    exit_by_signal(number);  // PID 1
}

void allow_signals_for_pid_1() {
    if (::getpid() != 1) return;
    static const SignalHandlers<ending_signals.size()> handlers(ending_signals, exit_by_signal);
}

}  // namespace mqttc::passwd
