// The loop's turn: one ppoll, then signals, descriptors and timers in that order.
#include "loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <utility>

namespace mqttc::net {

namespace {

// Set by the handler, cleared by the loop that took the signal.
std::atomic<bool> signal_arrived[NSIG];
static_assert(std::atomic<bool>::is_always_lock_free);

void note_signal(int number) {
    signal_arrived[number].store(true, std::memory_order_relaxed);
}

// While descriptors are always ready ppoll never delivers a blocked signal, so this often a check finds them.
constexpr Duration signal_check_interval = std::chrono::milliseconds(10);

// glibc 2.36 has a flaw on 32-bit systems with 64-bit times: with _FORTIFY_SOURCE its ppoll() takes the timespec for one of
// 32-bit times, and waits without the part below a second.
#if defined(__USE_TIME_BITS64) && __TIMESIZE == 32
extern "C" int ppoll_64(pollfd* polled, nfds_t count, const timespec* timeout,
                        const sigset_t* mask) __asm__("__ppoll64");
#else
int ppoll_64(pollfd* polled, nfds_t count, const timespec* timeout, const sigset_t* mask) {
    return ::ppoll(polled, count, timeout, mask);
}
#endif

Time clock_now() {
    return std::chrono::steady_clock::now();
}

}  // namespace

Loop::Loop() : now_(clock_now()) {
    signals_seen_ = now_;
    sigemptyset(&taken_);
}

Loop::~Loop() {
    // One that arrived after the last turn was meant for this loop; unblocked, it would end the program instead.
    take_blocked_signals();
    for (auto signal = signals_.rbegin(); signal != signals_.rend(); ++signal) {
        sigaction(signal->number, &signal->before, nullptr);
        signal_arrived[signal->number] = false;
    }
}

Loop::Watch* Loop::find(int fd) {
    auto found = std::ranges::find(watches_, fd, &Watch::fd);
    return found == watches_.end() ? nullptr : &*found;
}

/// epoll(7) uses the same numbers for these events as poll(2).
void Loop::mirror(Watch& watch, int operation) {
    if (!epoll_) return;
    epoll_event event{.events = static_cast<std::uint32_t>(watch.events), .data = {.fd = watch.fd}};
    const bool failed = ::epoll_ctl(epoll_.get(), operation, watch.fd, &event) != 0;
    if (operation == EPOLL_CTL_ADD) watch.outside_epoll = failed;
}

void Loop::watch(int fd, short events, Ready ready) {
    unwatch(fd);
    watches_.push_back({fd, events, next_serial_++, false, std::move(ready)});
    mirror(watches_.back(), EPOLL_CTL_ADD);
}

void Loop::set_events(int fd, short events) {
    auto* watch = find(fd);
    if (watch == nullptr) return;
    watch->events = events;
    mirror(*watch, EPOLL_CTL_MOD);
}

void Loop::unwatch(int fd) {
    auto* watch = find(fd);
    if (watch == nullptr) return;
    mirror(*watch, EPOLL_CTL_DEL);
    watches_.erase(watches_.begin() + (watch - watches_.data()));
}

int Loop::descriptor() {
    if (epoll_) return epoll_.get();
    epoll_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
    for (auto& watch : watches_) mirror(watch, EPOLL_CTL_ADD);
    return epoll_ ? epoll_.get() : -1;
}

std::optional<Time> Loop::due(std::optional<Time> deadline) const {
    const bool ready = std::ranges::any_of(
        watches_, [](const Watch& watch) { return watch.outside_epoll && (watch.events & POLLIN) != 0; });
    return ready ? now_ : next_due(deadline);
}

void Loop::prepare_wake() {
    if (wake_) return;
    wake_ = Descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake_) return;
    watch(wake_.get(), POLLIN, [this](short) {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof count);
        woken_ = false;
    });
    wake_fd_ = wake_.get();
}

void Loop::wake() {
    const std::uint64_t one = 1;
    const int fd = wake_fd_;
    if (fd < 0 || woken_.exchange(true)) return;
    [[maybe_unused]] const auto written = ::write(fd, &one, sizeof one);
}

Loop::TimerId Loop::at(Time when, std::function<void()> due) {
    timers_.push_back({next_timer_, when, std::move(due)});
    return next_timer_++;
}

void Loop::cancel(TimerId timer) {
    std::erase_if(timers_, [timer](const Timer& each) { return each.id == timer; });
}

bool Loop::on_signal(int signal_number, std::function<void()> arrived) {
    struct sigaction action{};
    // Fails for numbers that aren't signals: signal_arrived has no element for them.
    if (::sigaction(signal_number, nullptr, &action) != 0) return false;
    if (signal_number == SIGKILL || signal_number == SIGSTOP) return false;
    auto known = std::ranges::find(signals_, signal_number, &Signal::number);
    if (known != signals_.end()) {
        known->arrived = std::move(arrived);
        return true;
    }
    sigaddset(&taken_, signal_number);
    if (!block_) mask_waiting_ = block_.emplace().before();
    block_->add(signal_number);
    sigdelset(&mask_waiting_, signal_number);
    Signal signal{signal_number, std::move(arrived), {}};
    action = {};
    action.sa_handler = note_signal;
    sigemptyset(&action.sa_mask);
    signal_arrived[signal_number] = false;
    sigaction(signal_number, &action, &signal.before);
    signals_.push_back(std::move(signal));
    return true;
}

std::optional<Time> Loop::next_due(std::optional<Time> deadline) const {
    for (const auto& timer : timers_) {
        if (!deadline || timer.when < *deadline) deadline = timer.when;
    }
    return deadline;
}

/// True iff descriptors are ready (in polled_).
bool Loop::wait(std::optional<Time> until, bool no_wait) {
    polled_.clear();
    polled_serials_.clear();
    for (const auto& watch : watches_) {
        polled_.push_back({.fd = watch.fd, .events = watch.events, .revents = 0});
        polled_serials_.push_back(watch.serial);
    }
    timespec timeout{};
    if (until && !no_wait) timeout = to_timespec(*until - clock_now());
    const bool forever = !until && !no_wait;
    const int ready = ppoll_64(polled_.data(), polled_.size(), forever ? nullptr : &timeout,
                               signals_.empty() ? nullptr : &mask_waiting_);
    return ready > 0;
}

/// True iff there were some.
bool Loop::take_blocked_signals() {
    signals_seen_ = now_;
    const timespec at_once{};
    int number = 0;
    bool any = false;
    for (; (number = sigtimedwait(&taken_, nullptr, &at_once)) > 0; any = true) signal_arrived[number] = true;
    return any;
}

void Loop::call_signals() {
    // By index: a callback may take further signals.
    for (std::size_t i = 0; i < signals_.size(); ++i) {
        if (!signal_arrived[signals_[i].number].load(std::memory_order_relaxed)) continue;
        signal_arrived[signals_[i].number] = false;
        auto arrived = signals_[i].arrived;
        arrived();
    }
}

void Loop::call_watches() {
    for (std::size_t i = 0; i < polled_.size(); ++i) {
        if (polled_[i].revents == 0) continue;
        auto* watch = find(polled_[i].fd);
        if (watch == nullptr || watch->serial != polled_serials_[i]) continue;
        // Moved out for the call, because the callback may unwatch or replace itself.
        auto ready = std::move(watch->ready);
        ready(polled_[i].revents);
        watch = find(polled_[i].fd);
        if (watch != nullptr && watch->serial == polled_serials_[i]) watch->ready = std::move(ready);
    }
}

void Loop::call_timers() {
    // Timers set by a callback wait for the next turn, so that one that sets itself again cannot block the loop.
    const TimerId end = next_timer_;
    for (;;) {
        auto first = timers_.end();
        for (auto timer = timers_.begin(); timer != timers_.end(); ++timer) {
            if (timer->id >= end || timer->when > now_) continue;
            if (first == timers_.end() || timer->when < first->when) first = timer;
        }
        if (first == timers_.end()) return;
        auto due = std::move(first->due);
        timers_.erase(first);
        due();
    }
}

void Loop::update_now() {
    now_ = clock_now();
}

void Loop::turn(std::optional<Time> deadline, bool no_wait) {
    // Not after the wait, so that what has arrived is read first.
    const bool check = !signals_.empty() && ready_ && now_ - signals_seen_ >= signal_check_interval;
    ready_ = wait(next_due(deadline), (check && take_blocked_signals()) || no_wait);
    now_ = clock_now();
    call_signals();
    if (ready_) call_watches();
    call_timers();
}

}  // namespace mqttc::net
