// The interface of every transport: TCP, unix socket, proxy, TLS and WebSocket have it, and can be stacked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>

#include "mqttc/error.hpp"
#include "mqttc/types.hpp"

namespace mqttc::net {

enum class IoState : std::uint8_t {
    ready,        ///< `count` bytes were moved, more may be possible
    would_block,  ///< nothing moved; wait for what wants() says
    end,          ///< reading only: the peer has finished
};

struct IoResult {
    IoState state = IoState::ready;
    std::size_t count = 0;
};

/// What a stream waits for at the moment.
struct Wants {
    bool read = false;
    bool write = false;
};

/// A non-blocking, ordered stream of bytes. Never throws, never blocks. Visible, because a module makes some.
class MQTTC_API Stream {
  public:
    Stream() = default;
    virtual ~Stream() = default;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    /// Continues the handshake (TLS, WebSocket upgrade, proxy; true at once for a connected socket). True:
    /// open for data. False: call again when wants() is ready.
    virtual std::expected<bool, Error> handshake() = 0;
    /// Errors: connection_lost (reason = errno), or those of the layer.
    virtual std::expected<IoResult, Error> read(std::span<std::uint8_t> into) = 0;
    virtual std::expected<IoResult, Error> write(Bytes from) = 0;
    /// The bytes that this layer and those below still hold of earlier writes, as they will be sent; write({}) pushes
    /// them on.
    virtual std::size_t unsent() const { return 0; }
    /// True iff read() can give bytes without the descriptor being readable (TLS records, WebSocket frames).
    virtual bool buffered() const { return false; }
    /// What to poll the descriptor for, given what the caller wants to do.
    virtual Wants wants(Wants caller) const { return caller; }
    /// During a handshake: the likely reason if the peer does not answer, as a question to the user; else nullptr.
    virtual const char* timeout_hint() const { return nullptr; }
    /// Closes this layer and those below gracefully, as far as possible without blocking (TLS close_notify, WebSocket
    /// close, half-close of the socket). The stream may then only be destroyed.
    virtual void shutdown() = 0;
    virtual int descriptor() const = 0;
};

using StreamPtr = std::unique_ptr<Stream>;

/// A stream on a connected, non-blocking socket, which it owns (client side and, in tests,
/// accepted ones).
StreamPtr make_socket_stream(int fd);

}  // namespace mqttc::net
