// The loop: ppoll over a few descriptors, timers, signals that arrive between turns without a race, and a descriptor with
// which another loop can wait for all of it.
#pragma once

#include <poll.h>
#include <signal.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/descriptor.hpp"
#include "base/signals.hpp"
#include "mqttc/types.hpp"

namespace mqttc::net {

class Loop {
  public:
    using Ready = std::function<void(short revents)>;
    using TimerId = std::uint64_t;

    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Watches `fd` for poll(2) events; replaces an earlier watch. Callbacks may watch, unwatch and set
    /// timers.
    void watch(int fd, short events, Ready ready);
    /// Changes the events of a watched descriptor; 0 keeps it watched for errors only.
    void set_events(int fd, short events);
    void unwatch(int fd);

    /// A descriptor that another loop can poll: it is readable while a watched descriptor is ready. It belongs to this
    /// loop and stays the same. -1: none can be created (errno).
    int descriptor();
    /// When turn() must be called though descriptor() is not readable: the first timer or `deadline`, whichever is sooner;
    /// now() while a watched descriptor is ready that epoll(7) cannot wait for (a regular file).
    std::optional<Time> due(std::optional<Time> deadline) const;

    /// From now on wake() has an effect, if a descriptor can be created for it.
    void prepare_wake();
    /// From any thread: ends the wait of turn(), the present or the next one, and makes descriptor() readable until then.
    void wake();

    TimerId at(Time when, std::function<void()> due);
    void cancel(TimerId timer);
    /// When the first timer is due, or `deadline` if that is earlier.
    std::optional<Time> next_due(std::optional<Time> deadline) const;

    /// Blocks the signal except while waiting and calls `arrived` between turns. The earlier disposition and
    /// mask are restored when the loop is destroyed. One loop of the process at a time may take a signal. False: no
    /// such signal, or none that can be caught.
    bool on_signal(int signal_number, std::function<void()> arrived);

    /// One turn: waits until a descriptor is ready, a timer or `deadline` is due or a signal arrived (with
    /// `no_wait`: does not wait), takes the time, then calls what is due: signals, descriptors, timers.
    void turn(std::optional<Time> deadline, bool no_wait = false);
    /// The time taken in the present turn.
    Time now() const { return now_; }
    /// Takes the time before the first turn, or when the last one was long ago.
    void update_now();

  private:
    struct Watch {
        int fd;
        short events;
        std::uint64_t serial;  ///< distinguishes a new watch from an old one of the same number
        bool outside_epoll;    ///< epoll(7) refuses the descriptor, which is always ready
        Ready ready;
    };
    struct Timer {
        TimerId id;
        Time when;
        std::function<void()> due;
    };
    struct Signal {
        int number;
        std::function<void()> arrived;
        struct sigaction before;
    };
    Watch* find(int fd);
    void mirror(Watch& watch, int operation);
    bool wait(std::optional<Time> until, bool no_wait);
    bool take_blocked_signals();
    void call_signals();
    void call_watches();
    void call_timers();

    Descriptor epoll_;  ///< of descriptor(): holds the same descriptors as watches_
    Descriptor wake_;
    std::atomic<int> wake_fd_{-1};
    std::atomic<bool> woken_{false};
    std::vector<Watch> watches_;
    std::vector<Timer> timers_;
    std::vector<Signal> signals_;
    std::vector<pollfd> polled_;
    std::vector<std::uint64_t> polled_serials_;
    std::optional<SignalBlock> block_;  ///< of all signals_
    sigset_t mask_waiting_{};
    sigset_t taken_{};
    std::uint64_t next_serial_ = 1;
    TimerId next_timer_ = 1;
    Time signals_seen_;
    bool ready_ = false;  ///< descriptors were ready after the last wait
    Time now_;
};

}  // namespace mqttc::net
