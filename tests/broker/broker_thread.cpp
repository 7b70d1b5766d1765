// Implementation of broker_thread.hpp.
#include "broker_thread.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace mqttc::broker {
namespace {

Options with_listener(Options options) {
    if (options.listeners.empty()) options.listeners.emplace_back();
    return options;
}

}  // namespace

BrokerThread::BrokerThread(Options options)
    : broker_(with_listener(std::move(options))), event_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (const auto started = broker_.start(); !started) {
        std::fprintf(stderr, "the embedded broker: %s\n", started.error().context.c_str());
        std::abort();
    }
    for (const auto& listener : broker_.listeners()) ports_.push_back(listener->port());
    broker_.loop().watch(event_fd_, POLLIN, [this](short) { do_jobs(); });
    thread_ = std::thread([this] { run(); });
}

BrokerThread::~BrokerThread() {
    post([this] { stop_ = true; });
    thread_.join();
    ::close(event_fd_);
}

bool BrokerThread::wait_until(std::function<bool(Broker&)> condition, std::chrono::milliseconds timeout) {
    std::list<Waiting> mine;
    mine.push_back({std::move(condition), {}});
    const auto entry = mine.begin();
    auto fulfilled = entry->fulfilled.get_future();
    ask([&](Broker&) { waiting_.splice(waiting_.end(), mine); });
    if (fulfilled.wait_for(timeout) == std::future_status::ready) return true;
    // The broker's thread may have fulfilled and removed it in the meantime.
    return ask([&](Broker&) {
        if (fulfilled.wait_for(std::chrono::seconds(0)) == std::future_status::ready) return true;
        waiting_.erase(entry);
        return false;
    });
}

void BrokerThread::post(std::function<void()> job) {
    {
        const std::scoped_lock lock(mutex_);
        jobs_.push_back(std::move(job));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event_fd_, &one, sizeof one);
}

void BrokerThread::run() {
    while (!stop_) {
        broker_.turn();
        check_conditions();
    }
}

void BrokerThread::do_jobs() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(event_fd_, &count, sizeof count);
    std::vector<std::function<void()>> jobs;
    {
        const std::scoped_lock lock(mutex_);
        jobs.swap(jobs_);
    }
    for (const auto& job : jobs) job();
}

void BrokerThread::check_conditions() {
    for (auto it = waiting_.begin(); it != waiting_.end();) {
        if (!it->condition(broker_)) {
            ++it;
            continue;
        }
        auto fulfilled = std::move(it->fulfilled);
        it = waiting_.erase(it);
        fulfilled.set_value();
    }
}

}  // namespace mqttc::broker
