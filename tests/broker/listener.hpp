// A listening socket: TCP on a numeric address, or a unix socket.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>

#include "loop.hpp"
#include "mqttc/error.hpp"
#include "options.hpp"

namespace mqttc::broker {

class Listener {
  public:
    /// Called with each new transport and the address of the peer.
    using Accepted = std::function<void(net::StreamPtr stream, std::string peer)>;

    Listener(net::Loop& loop, ListenerOptions options, Accepted accepted);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// Binds and listens. After close() it listens again on the same port.
    std::expected<void, Error> open();
    /// From now on connections are refused.
    void close();
    /// For new connections.
    void replace(StreamFactory make_stream, Accepted accepted);
    bool is_open() const { return fd_ >= 0; }

    /// The port of a TCP listener, as the system chose it; 0 for a unix socket.
    std::uint16_t port() const { return options_.port; }
    /// "127.0.0.1:1883", "[::1]:1883" or the path of the unix socket.
    std::string name() const;

  private:
    std::expected<void, Error> bind_tcp();
    std::expected<void, Error> bind_unix();
    std::unexpected<Error> failed(const char* what) const;
    void watch();
    void accept_all();
    void pause();

    net::Loop& loop_;
    ListenerOptions options_;
    Accepted accepted_;
    int fd_ = -1;
    std::optional<net::Loop::TimerId> resume_ = {};  ///< while it does not accept, without descriptors
};

}  // namespace mqttc::broker
