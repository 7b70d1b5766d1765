// The thread of chaos_proxy.hpp: one poll loop over all links.
#include "chaos_proxy.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "base/descriptor.hpp"

namespace mqttc::test {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t piece = 1024;
constexpr std::size_t longest_stall_ms = 20;
constexpr int turn_ms = 20;

}  // namespace

struct ChaosProxy::Link {
    Descriptor client;
    Descriptor broker;
    /// Read from one side and not yet written to the other: [0] from the client.
    std::array<std::vector<std::uint8_t>, 2> waiting;
    Clock::time_point stalled_until;
    bool ended = false;
};

ChaosProxy::ChaosProxy(std::uint16_t target, std::uint64_t seed, Chances chances)
    : target_(target), chances_(chances), random_(seed), thread_([this] { serve(); }) {}

ChaosProxy::~ChaosProxy() {
    stop_ = true;
    thread_.join();
}

bool ChaosProxy::chance(double probability) {
    constexpr double whole = 18446744073709551616.0;  // 2^64
    return !calm_ && static_cast<double>(random_()) / whole < probability;
}

std::size_t ChaosProxy::up_to(std::size_t most) {
    return most == 0 ? 0 : static_cast<std::size_t>(1 + random_() % most);
}

void ChaosProxy::serve() {
    while (!stop_) {
        std::vector<pollfd> polled{{listener_.fd.get(), POLLIN, 0}};
        const auto now = Clock::now();
        int wait_ms = turn_ms;
        for (const auto& link : links_) {
            const bool stalled = now < link->stalled_until;
            if (stalled) wait_ms = 1;
            const auto events = [&](std::size_t from) -> short {
                if (stalled) return 0;
                return static_cast<short>((link->waiting[from].empty() ? POLLIN : 0) |
                                          (link->waiting[1 - from].empty() ? 0 : POLLOUT));
            };
            polled.push_back({stalled ? -1 : link->client.get(), events(0), 0});
            polled.push_back({stalled ? -1 : link->broker.get(), events(1), 0});
        }
        if (::poll(polled.data(), polled.size(), wait_ms) < 0) continue;
        for (std::size_t i = 0; i < links_.size(); ++i) {
            Link& link = *links_[i];
            if (Clock::now() < link.stalled_until) continue;
            for (const bool from_client : {true, false})
                if (!link.ended) link.ended = !pass(link, from_client);
        }
        std::erase_if(links_, [](const auto& link) { return link->ended; });
        if ((polled[0].revents & POLLIN) != 0) accept();
    }
}

void ChaosProxy::accept() {
    auto link = std::make_unique<Link>();
    link->client = listener_.accept();
    if (!link->client) return;
    auto address = at("127.0.0.1", target_);
    link->broker = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!link->broker || ::connect(link->broker.get(), address.get(), address.length) != 0) return;
    links_.push_back(std::move(link));
}

void ChaosProxy::cut(Link& link) {
    ++cuts_;
    if (chance(0.5)) {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        for (const int fd : {link.client.get(), link.broker.get()})
            ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    link.ended = true;
}

bool ChaosProxy::pass(Link& link, bool from_client) {
    const int from = from_client ? link.client.get() : link.broker.get();
    const int to = from_client ? link.broker.get() : link.client.get();
    auto& waiting = link.waiting[from_client ? 0 : 1];
    if (waiting.empty()) {
        std::array<std::uint8_t, piece> buffer;
        const auto got = ::recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return false;
        if (got < 0) return true;
        waiting.assign(buffer.begin(), buffer.begin() + got);
        if (chance(chances_.cut)) {
            // A part may still arrive.
            static_cast<void>(
                ::send(to, waiting.data(), up_to(waiting.size()) - 1, MSG_NOSIGNAL | MSG_DONTWAIT));
            cut(link);
            return false;
        }
    }
    if (chance(chances_.stall)) {
        link.stalled_until = Clock::now() + std::chrono::milliseconds(up_to(longest_stall_ms));
        return true;
    }
    const std::size_t most = chance(chances_.split) ? up_to(waiting.size()) : waiting.size();
    const auto sent = ::send(to, waiting.data(), most, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    waiting.erase(waiting.begin(), waiting.begin() + sent);
    return true;
}

}  // namespace mqttc::test
