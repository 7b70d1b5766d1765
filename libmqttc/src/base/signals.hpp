// Blocking and handling signals during an object's lifetime; afterwards all is as before. Waiting for them.
#pragma once

#include <signal.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <span>

namespace mqttc {

inline sigset_t signal_set(std::initializer_list<int> numbers) {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : numbers) sigaddset(&set, number);
    return set;
}

/// How long ppoll() and sigtimedwait() are to wait; not negative.
inline timespec to_timespec(std::chrono::nanoseconds duration) {
    const auto nanoseconds = std::max(duration, std::chrono::nanoseconds::zero()).count();
    timespec result{};
    result.tv_sec = static_cast<decltype(result.tv_sec)>(nanoseconds / 1'000'000'000);
    result.tv_nsec = static_cast<decltype(result.tv_nsec)>(nanoseconds % 1'000'000'000);
    return result;
}

/// Ends the process by a signal, if its default action does that.
inline void raise_default(int number) {
    signal(number, SIG_DFL);
    const sigset_t set = signal_set({number});
    raise(number);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

/// Blocks signals in this thread; the destructor restores the mask as it was.
class SignalBlock {
  public:
    /// None until add().
    SignalBlock() { pthread_sigmask(SIG_BLOCK, nullptr, &before_); }
    explicit SignalBlock(std::span<const int> numbers) : SignalBlock() {
        for (const int number : numbers) add(number);
    }
    ~SignalBlock() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalBlock(const SignalBlock&) = delete;
    SignalBlock& operator=(const SignalBlock&) = delete;

    void add(int number) {
        const sigset_t one = signal_set({number});
        pthread_sigmask(SIG_BLOCK, &one, nullptr);
    }
    void add_all() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
    }
    /// The mask as it was.
    [[nodiscard]] const sigset_t& before() const { return before_; }

  private:
    sigset_t before_{};
};

/// Handles signals unless they are ignored, without SA_RESTART; the destructor restores the actions as they were.
template <std::size_t count>
class SignalHandlers {
  public:
    SignalHandlers(const std::array<int, count>& numbers, void (*handler)(int)) : numbers_(numbers) {
        struct sigaction action{};
        action.sa_handler = handler;
        sigemptyset(&action.sa_mask);
        for (std::size_t i = 0; i < count; ++i) {
            sigaction(numbers_[i], nullptr, &before_[i]);
            if (before_[i].sa_handler != SIG_IGN) sigaction(numbers_[i], &action, nullptr);
        }
    }
    ~SignalHandlers() {
        for (std::size_t i = 0; i < count; ++i) sigaction(numbers_[i], &before_[i], nullptr);
    }
    SignalHandlers(const SignalHandlers&) = delete;
    SignalHandlers& operator=(const SignalHandlers&) = delete;

  private:
    std::array<int, count> numbers_;
    std::array<struct sigaction, count> before_{};
};

}  // namespace mqttc
