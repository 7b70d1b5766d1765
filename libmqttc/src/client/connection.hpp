// One open connection: moves bytes between a transport and a session without blocking.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>

#include "loop.hpp"
#include "mqttc/error.hpp"
#include "mqttc/session.hpp"
#include "receive_buffer.hpp"
#include "socket.hpp"
#include "stream.hpp"

namespace mqttc {

class Connection {
  public:
    /// `loop` and `buffer` must outlive the connection.
    Connection(net::Loop& loop, net::StreamPtr stream, ReceiveBuffer& buffer);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    enum class Read : std::uint8_t { nothing, bytes, end };
    /// Reads once if there is something; `needed` as in ReceiveBuffer::room. Errors: those of the stream,
    /// out_of_memory.
    std::expected<Read, Error> read(std::size_t needed);
    /// Reads once and discards the bytes.
    std::expected<Read, Error> discard();

    /// Writes until nothing is pending, the transport is full, or other work must be done.
    std::expected<void, Error> write(Session& session);
    /// Lets the kernel acknowledge at once what read() took, unless write() has sent something since, or the peer sends
    /// enough to be acknowledged anyway.
    void acknowledge();
    /// True iff the kernel has all bytes of the session.
    bool drained(const Session& session) const { return session.pending().empty() && unsent() == 0; }
    /// Bytes of the session that the kernel does not have, because the transport's layers hold them.
    std::size_t unsent() const { return stream_->unsent(); }

    /// True iff the peer has closed; what it sent may still be unread.
    bool hung_up() const { return hung_up_; }
    /// True iff bytes wait in the transport.
    bool unread() const { return stream_->buffered() || net::readable_bytes(stream_->descriptor()) > 0; }

    /// What the next turn waits for. The end of the peer is noticed without `read`, too.
    void want(bool read, bool write);
    /// True iff there is something to do at once, so that the next turn must not wait.
    bool busy(bool reading) const { return unfinished_ || (reading && stream_->buffered()); }

    /// Bytes that were written and that the peer's machine has not confirmed.
    std::size_t unarrived() const { return unsent() + net::unacknowledged(stream_->descriptor()); }

    /// Shuts down. True: the connection can be closed now without losing anything that was written.
    /// False: call it again in later turns, at retry_at() at the latest, until it returns true or a deadline passes.
    bool close_gracefully(Time now, bool peer_sends);
    Time retry_at() const { return retry_at_; }

  private:
    void ready(short revents);
    void unwatch();

    net::Loop& loop_;
    net::StreamPtr stream_;
    ReceiveBuffer& buffer_;
    net::Wants caller_;
    net::Wants polled_;
    bool watched_ = false;
    bool hung_up_ = false;  ///< the peer has closed: poll(2) would report it in each turn
    bool readable_ = false;
    bool blocked_ = false;     ///< the transport was full
    bool unanswered_ = false;  ///< a little was read, and nothing was written since
    bool is_tcp_ = true;       ///< as far as is known
    bool unfinished_ = false;  ///< write() has stopped before the end
    bool shut_down_ = false;
    bool must_see_end_ = false;
    std::optional<Time> all_arrived_;
    Duration retry_delay_{};
    Time retry_at_{};
};

}  // namespace mqttc
