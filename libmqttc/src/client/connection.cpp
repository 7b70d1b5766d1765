// Reading, writing and closing one connection.
#include "connection.hpp"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace mqttc {

namespace {

// Of more than this the kernel acknowledges every second segment itself.
constexpr std::size_t full_segments = 4096;

// A fast transport must not keep the loop from signals and input.
constexpr std::size_t max_written_at_once = std::size_t{1024} * 1024;

// Up to this many unconfirmed bytes are in flight, not waiting for the peer to read: the kernel delivers them without
// us.
constexpr std::size_t in_flight_bytes = std::size_t{64} * 1024;
constexpr Duration first_close_retry = std::chrono::milliseconds(1);
constexpr Duration last_close_retry = std::chrono::milliseconds(20);
constexpr Duration wait_for_end = std::chrono::milliseconds(50);

}  // namespace

Connection::Connection(net::Loop& loop, net::StreamPtr stream, ReceiveBuffer& buffer)
    : loop_(loop), stream_(std::move(stream)), buffer_(buffer) {}

Connection::~Connection() {
    unwatch();
}

void Connection::unwatch() {
    if (watched_) loop_.unwatch(stream_->descriptor());
    watched_ = false;
}

void Connection::ready(short revents) {
    const bool broken = (revents & (POLLHUP | POLLRDHUP | POLLERR | POLLNVAL)) != 0;
    // A layer may have to write in order to read, and the reverse (TLS): then either event may allow either.
    const bool crossed = polled_.read != caller_.read || polled_.write != caller_.write;
    if (broken || crossed || (revents & POLLIN) != 0) readable_ = true;
    if (broken || crossed || (revents & POLLOUT) != 0) blocked_ = false;
    hung_up_ = hung_up_ || broken;
    if (broken && !polled_.read && !polled_.write) unwatch();
}

void Connection::want(bool read, bool write) {
    caller_ = {read, write};
    const auto wants = stream_->wants(caller_);
    const bool same = wants.read == polled_.read && wants.write == polled_.write;
    polled_ = wants;
    if (hung_up_ && !wants.read && !wants.write) return unwatch();
    if (watched_ && same) return;
    const auto events = static_cast<short>((wants.read ? POLLIN : POLLRDHUP) | (wants.write ? POLLOUT : 0));
    if (watched_) {
        loop_.set_events(stream_->descriptor(), events);
    } else {
        loop_.watch(stream_->descriptor(), events, [this](short revents) { ready(revents); });
        watched_ = true;
    }
}

std::expected<Connection::Read, Error> Connection::read(std::size_t needed) {
    if (!readable_ && !stream_->buffered()) return Read::nothing;
    readable_ = false;
    Read result = Read::nothing;
    std::size_t received = 0;
    // More than once only if a layer has bytes that poll(2) does not report.
    do {
        const auto room = buffer_.room(needed);
        if (room.empty()) {
            if (result == Read::bytes) break;
            return std::unexpected(
                Error{ErrorCode::out_of_memory, 0,
                      "out of memory for a packet of " + std::to_string(needed) + " bytes"});
        }
        const auto got = stream_->read(room);
        if (!got) {
            // Process the bytes first; the next read reports the failure again.
            if (result == Read::bytes) break;
            return std::unexpected(got.error());
        }
        if (got->state == net::IoState::end) return result == Read::bytes ? Read::bytes : Read::end;
        if (got->state == net::IoState::would_block) break;
        buffer_.added(got->count);
        received += got->count;
        result = Read::bytes;
        if (got->count == room.size()) break;
    } while (stream_->buffered());
    unanswered_ = received > 0 && received < full_segments;
    return result;
}

void Connection::acknowledge() {
    if (std::exchange(unanswered_, false) && is_tcp_) is_tcp_ = net::acknowledge_now(stream_->descriptor());
}

std::expected<Connection::Read, Error> Connection::discard() {
    buffer_.clear();
    auto result = read(0);
    buffer_.clear();
    return result;
}

std::expected<void, Error> Connection::write(Session& session) {
    unfinished_ = false;
    std::size_t written = 0;
    while (!blocked_) {
        const Bytes bytes = session.pending();
        if (bytes.empty() && stream_->unsent() == 0) break;
        const auto result = stream_->write(bytes.first(std::min(bytes.size(), max_written_at_once)));
        if (!result) return std::unexpected(result.error());
        if (result->count > 0) {
            session.sent(result->count, loop_.now());
            unanswered_ = false;
        }
        blocked_ = result->state == net::IoState::would_block || (bytes.empty() && stream_->unsent() > 0);
        written += result->count;
        if (written >= max_written_at_once && !blocked_) {
            unfinished_ = true;
            break;
        }
    }
    return {};
}

// close(2) on a socket with unread input, or input that arrives after it, makes the kernel send a reset, and a
// reset discards what the peer has not read yet. So received bytes are read and discarded, and if
// the peer may send more while our bytes are in flight, its end is waited for.
bool Connection::close_gracefully(Time now, bool peer_sends) {
    const int fd = stream_->descriptor();
    const auto drained = net::drain(fd, buffer_.scratch());
    readable_ = false;
    must_see_end_ = must_see_end_ || peer_sends || drained.count > 0;
    if (!shut_down_) {
        shut_down_ = true;
        stream_->shutdown();
        if (drained.ended) return true;
        if (!must_see_end_ && net::unacknowledged(fd) <= in_flight_bytes) return true;
        retry_delay_ = first_close_retry;
    } else {
        if (drained.ended) return true;
        retry_delay_ = std::min(retry_delay_ * 2, last_close_retry);
    }
    if (!all_arrived_ && net::unacknowledged(fd) == 0) all_arrived_ = now;
    if (all_arrived_ && (!must_see_end_ || now >= *all_arrived_ + wait_for_end)) return true;
    retry_at_ = all_arrived_ ? *all_arrived_ + wait_for_end : now + retry_delay_;
    return false;
}

}  // namespace mqttc
