// The TLS layer between a stream of records and a stream of plain bytes; OpenSSL's state machine over buffers
// of our own.
#pragma once

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <vector>

#include "stream.hpp"

namespace mqttc::net {

/// For std::unique_ptr: frees with this function of OpenSSL.
template <auto Free>
struct FreeWith {
    void operator()(auto* it) const { Free(it); }
};
using SslPtr = std::unique_ptr<SSL, FreeWith<SSL_free>>;

inline std::unexpected<Error> no_memory() {
    return std::unexpected(Error{ErrorCode::out_of_memory, 0, "out of memory"});
}

/// Calls a function of the module's interface, which no exception may leave (tls_module.hpp).
template <typename Function>
auto guarded(Function function) -> decltype(function()) {
    try {
        return function();
    } catch (const std::bad_alloc&) {
        return no_memory();
    }
}

/// How a call failed.
struct TlsFailure {
    enum class Kind : std::uint8_t {
        library,  ///< OpenSSL's error queue has the cause
        ended,    ///< the peer closed the connection during the handshake
        lower,    ///< the layer below failed
    };
    Kind kind = Kind::library;
    Error lower{};  ///< Kind::lower
    bool handshake = false;
    bool answered = false;  ///< the peer had sent something before
};

class TlsStream final : public Stream {
  public:
    /// Makes an error of a failure, with a context that is one line for a message.
    using Explain = std::function<Error(const TlsFailure& failure)>;

    /// `ssl` is in client or server state; no BIO is set yet.
    TlsStream(StreamPtr lower, SslPtr ssl, Explain explain);
    ~TlsStream() override;

    std::expected<bool, Error> handshake() override;
    std::expected<IoResult, Error> read(std::span<std::uint8_t> into) override;
    std::expected<IoResult, Error> write(Bytes from) override;
    std::size_t unsent() const override { return out_.size() - sent_ + lower_->unsent(); }
    bool buffered() const override;
    Wants wants(Wants caller) const override;
    const char* timeout_hint() const override {
        const char* below = lower_->timeout_hint();
        return below != nullptr || open_ ? below : "does the server speak TLS on this port?";
    }
    void shutdown() override;
    int descriptor() const override { return lower_->descriptor(); }

  private:
    static BIO_METHOD* bio_method();
    static int bio_read(BIO* bio, char* into, int size);
    static int bio_write(BIO* bio, const char* from, int size);
    static long bio_control(BIO* bio, int command, long number, void* pointer);

    /// Writes the records to the layer below. False: it is full.
    std::expected<bool, Error> flush();
    std::expected<bool, Error> continue_handshake();
    std::expected<IoResult, Error> read_records(std::span<std::uint8_t> into);
    std::expected<IoResult, Error> write_records(Bytes from);
    std::unexpected<Error> failed(int result);
    std::unexpected<Error> failed(TlsFailure::Kind kind, Error lower = {});
    bool fill();

    /// For one read() or handshake(): key updates without end must not block the loop. A record may arrive in two parts.
    static constexpr int max_fetches = 3;

    StreamPtr lower_;
    Explain explain_;  ///< destroyed after ssl_, which needs what it holds
    SslPtr ssl_;
    std::vector<std::uint8_t> in_;  ///< records from below: OpenSSL has not taken [taken_, filled_)
    std::size_t taken_ = 0;
    std::size_t filled_ = 0;
    std::vector<std::uint8_t> out_;  ///< records for below: from sent_ on
    std::size_t sent_ = 0;
    bool open_ = false;
    bool broken_ = false;                 ///< OpenSSL must not be called again
    bool ended_ = false;                  ///< end of the layer below
    int fetches_left_ = max_fetches;      ///< how often bio_read may ask the layer below
    bool reading_ = false;                ///< inside SSL_read
    std::size_t answers_ = 0;             ///< bytes that reading has added to out_
    bool fetched_ = false;                ///< bio_read has received something since the last check
    bool answered_ = false;               ///< something was received from below
    std::optional<Error> lower_error_;    ///< occurred inside a call of OpenSSL
    std::optional<Error> pending_error_;  ///< reported by the next read()
};

}  // namespace mqttc::net
