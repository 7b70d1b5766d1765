// From an endpoint to an open stream: look-up, race of addresses, handshakes of the layers.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/descriptor.hpp"
#include "loop.hpp"
#include "mqttc/endpoint.hpp"
#include "mqttc/error.hpp"
#include "resolve.hpp"
#include "socket.hpp"
#include "stream.hpp"
#include "tls_module.hpp"

namespace mqttc::net {

/// One attempt to connect. It works through the loop's callbacks; the owner calls finished() after each turn and limits
/// the time. IPv6 and IPv4 are raced (RFC 8305): a family that does not work costs `stagger`.
class Connector {
  public:
    static constexpr Duration stagger = std::chrono::milliseconds(250);

    /// `loop` and `endpoint` must outlive the connector, `endpoint` also the stream.
    Connector(Loop& loop, const Endpoint& endpoint, Lookup::Function look_up = net::look_up);
    ~Connector();
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;

    /// Begins; may finish at once. `addresses`: untried() of an earlier connector of this endpoint, which replace the
    /// look-up; empty: all.
    void start(std::vector<Address> addresses = {});
    bool finished() const { return stage_ == Stage::finished; }
    /// The open stream, its descriptor no longer watched, or why there is none. Once, when finished().
    std::expected<StreamPtr, Error> take();
    /// When finished(): the addresses that have not failed, except the one that was connected. They can be tried if the
    /// handshake or the broker at that one fails.
    std::vector<Address> untried() { return std::move(untried_); }
    /// The error of an attempt that the owner ends after `waited`, before finished().
    Error timed_out(Duration waited) const;

  private:
    enum class Stage : std::uint8_t { idle, local_name, name, connecting, handshake, finished };
    struct Racer {
        Descriptor socket;
        std::size_t address;  ///< index in remote_
        bool connected = false;
    };
    struct Failure {
        int number = 0;        ///< errno
        bool binding = false;  ///< it was the local address that failed
    };

    void start_look_up(Stage stage, Question question, std::function<void(std::vector<Address>)> found);
    void look_up_remote();
    void race(std::vector<Address> addresses);
    void next_attempt();
    void connect_unix();
    void check_attempt(int fd);
    void note_failure(Failure failure);
    void fail(Error error);
    void on_connected(Racer winner);
    void continue_handshake();
    void forget_attempts();
    std::expected<Racer, Failure> begin(std::size_t index) const;
    int bind_local(int fd, const Address& remote) const;
    Error connect_error(Failure failure) const;
    std::string target_name() const;

    Loop& loop_;
    const Endpoint& endpoint_;
    Lookup::Function look_up_;
    Stage stage_ = Stage::idle;
    std::unique_ptr<Lookup> lookup_;
    std::vector<Address> local_;
    std::vector<Address> remote_;
    std::size_t next_ = 0;
    std::vector<Racer> attempts_;
    std::vector<Address> untried_;
    std::optional<Loop::TimerId> timer_;
    Failure failure_;  ///< the most specific one so far
    TlsContextPtr tls_;
    StreamPtr stream_;
    std::optional<Error> error_;
};

}  // namespace mqttc::net
