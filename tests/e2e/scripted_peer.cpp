// Implementation of scripted_peer.hpp.
#include "scripted_peer.hpp"

#include <poll.h>

#include <array>
#include <chrono>

#include "support/process.hpp"

namespace mqttc::test {

namespace {

constexpr int poll_ms = 20;

bool readable(int fd) {
    pollfd polled{fd, POLLIN, 0};
    return ::poll(&polled, 1, poll_ms) > 0;
}

}  // namespace

ScriptedPeer::ScriptedPeer(std::vector<Line> script, bool closes, std::size_t refused)
    : script_(std::move(script)), closes_(closes), refused_(refused), thread_([this] { serve(); }) {}

ScriptedPeer::~ScriptedPeer() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    thread_.join();
}

bool ScriptedPeer::stopped() const {
    const std::lock_guard lock(mutex_);
    return stop_;
}

void ScriptedPeer::serve() {
    while (!stopped()) {
        if (!readable(listener_.fd.get())) continue;
        const auto fd = listener_.accept();
        if (!fd) continue;
        {
            const std::lock_guard lock(mutex_);
            ++connections_;
            received_.clear();
            lines_sent_ = 0;
            connected_ = true;
        }
        serve_connection(fd.get());
        {
            const std::lock_guard lock(mutex_);
            connected_ = false;
        }
        changed_.notify_all();
    }
}

void ScriptedPeer::serve_connection(int fd) {
    std::size_t seen = 0;  // bytes of whole packets
    std::size_t line = 0;
    while (!stopped()) {
        if (!readable(fd)) continue;
        std::array<std::uint8_t, 65536> buffer;
        const auto count = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (count <= 0) return;
        std::vector<std::uint8_t> received;
        {
            const std::lock_guard lock(mutex_);
            received_.insert(received_.end(), buffer.begin(), buffer.begin() + count);
            received = received_;
            if (connections_ <= refused_) return;
        }
        changed_.notify_all();
        while (line < script_.size()) {
            const auto frame = next_frame(Bytes(received).subspan(seen));
            if (!frame || !*frame) break;
            seen += (*frame)->size;
            if ((*frame)->first_byte >> 4 != static_cast<int>(script_[line].after)) continue;
            const auto& bytes = script_[line++].bytes;
            for (std::size_t sent = 0; sent < bytes.size();) {
                pollfd polled{fd, POLLOUT, 0};
                if (stopped()) return;
                if (::poll(&polled, 1, poll_ms) <= 0) continue;
                const auto done =
                    ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (done < 0) return;
                sent += static_cast<std::size_t>(done);
            }
            {
                const std::lock_guard lock(mutex_);
                lines_sent_ = line;
            }
            changed_.notify_all();
        }
        if (closes_ && line == script_.size()) return;
    }
}

std::vector<std::uint8_t> ScriptedPeer::received() const {
    const std::lock_guard lock(mutex_);
    return received_;
}

std::size_t ScriptedPeer::connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
}

bool ScriptedPeer::wait_for_connections(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, default_timeout, [&] {
        return connections_ > count || (connections_ == count && !received_.empty());
    });
}

bool ScriptedPeer::wait_for_close() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, default_timeout, [&] { return !connected_; });
}

bool ScriptedPeer::wait_for_end_of_script() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, default_timeout, [&] { return lines_sent_ == script_.size(); });
}

}  // namespace mqttc::test
