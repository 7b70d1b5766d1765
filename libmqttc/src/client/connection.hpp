// One open connection: moves bytes between a transport and a session, as far as that goes without waiting.
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
    /// Reads once and throws the bytes away.
    std::expected<Read, Error> discard();

    /// Writes until there is nothing more, the transport is full, or it is time to look elsewhere.
    std::expected<void, Error> write(Session& session);
    /// True iff all that the session has given is with the kernel.
    bool drained(const Session& session) const { return session.pending().empty() && !stream_->unsent(); }

    /// True iff the other side was seen to be gone; what it has sent may still be unread.
    bool hung_up() const { return hung_up_; }
    /// True iff bytes wait in the transport.
    bool unread() const { return stream_->buffered() || net::readable_bytes(stream_->descriptor()) > 0; }

    /// What the next turn waits for. Without `read` the end of the other side is still noticed.
    void want(bool read, bool write);
    /// True iff there is something to do at once, so that the next turn must not wait.
    bool busy(bool reading) const { return unfinished_ || (reading && stream_->buffered()); }

    /// Bytes that the transport took and the other machine has not confirmed.
    std::size_t unarrived() const;

    /// Says goodbye. True: the connection may be closed now without the loss of anything that was written.
    /// False: call again in later turns, at retry_at() at the latest, until it is or patience ends.
    bool goodbye(Time now, bool peer_talks);
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
    bool hung_up_ = false;  ///< the other side is gone: poll(2) would report it again and again
    bool readable_ = false;
    bool blocked_ = false;     ///< the transport was full
    bool unfinished_ = false;  ///< write() has stopped before the end
    bool said_goodbye_ = false;
    bool must_see_end_ = false;
    std::optional<Time> all_arrived_;
    Duration retry_delay_{};
    Time retry_at_{};
};

}  // namespace mqttc
