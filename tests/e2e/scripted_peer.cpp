// The thread behind scripted_peer.hpp.
#include "scripted_peer.hpp"

#include <poll.h>

#include <array>
#include <chrono>

#include "support/process.hpp"

namespace mqttc::test {

namespace {

constexpr int look_again_ms = 20;

bool readable(int fd) {
    pollfd wanted{fd, POLLIN, 0};
    return ::poll(&wanted, 1, look_again_ms) > 0;
}

}  // namespace

ScriptedPeer::ScriptedPeer(std::vector<Line> script, bool closes)
    : script_(std::move(script)), closes_(closes), thread_([this] { serve(); }) {}

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
            heard_.clear();
            lines_said_ = 0;
            talking_ = true;
        }
        talk(fd.get());
        {
            const std::lock_guard lock(mutex_);
            talking_ = false;
        }
        changed_.notify_all();
    }
}

void ScriptedPeer::talk(int fd) {
    std::size_t seen = 0;  // bytes of whole packets
    std::size_t line = 0;
    while (!stopped()) {
        if (!readable(fd)) continue;
        std::array<std::uint8_t, 65536> buffer;
        const auto count = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (count <= 0) return;
        std::vector<std::uint8_t> heard;
        {
            const std::lock_guard lock(mutex_);
            heard_.insert(heard_.end(), buffer.begin(), buffer.begin() + count);
            heard = heard_;
        }
        changed_.notify_all();
        while (line < script_.size()) {
            const auto frame = next_frame(Bytes(heard).subspan(seen), max_remaining_length + 5);
            if (!frame || !*frame) break;
            seen += (*frame)->size;
            if ((*frame)->first_byte >> 4 != static_cast<int>(script_[line].after)) continue;
            const auto& bytes = script_[line++].bytes;
            for (std::size_t sent = 0; sent < bytes.size();) {
                pollfd wanted{fd, POLLOUT, 0};
                if (stopped()) return;
                if (::poll(&wanted, 1, look_again_ms) <= 0) continue;
                const auto done =
                    ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (done < 0) return;
                sent += static_cast<std::size_t>(done);
            }
            {
                const std::lock_guard lock(mutex_);
                lines_said_ = line;
            }
            changed_.notify_all();
        }
        if (closes_ && line == script_.size()) return;
    }
}

std::vector<std::uint8_t> ScriptedPeer::heard() const {
    const std::lock_guard lock(mutex_);
    return heard_;
}

std::size_t ScriptedPeer::connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
}

bool ScriptedPeer::wait_for_connections(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, default_timeout, [&] {
        return connections_ > count || (connections_ == count && !heard_.empty());
    });
}

bool ScriptedPeer::wait_for_close() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, default_timeout, [&] { return !talking_; });
}

bool ScriptedPeer::wait_for_end_of_script() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, default_timeout, [&] { return lines_said_ == script_.size(); });
}

}  // namespace mqttc::test
