// Records in and out of OpenSSL, with as few reads and writes below as possible.
#include "tls_stream.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "socket.hpp"

namespace mqttc::net {

namespace {

constexpr std::size_t input_size = std::size_t{64} * 1024;
// How many bytes become records before these are written: one write of the size of the socket's buffer.
constexpr std::size_t batch = std::size_t{128} * 1024;
// The memory of an output buffer that has grown beyond this is freed once it is empty.
constexpr std::size_t kept_output = 2 * batch;
// Answers to key updates that the server does not read.
constexpr std::size_t max_answers = std::size_t{64} * 1024;

TlsStream& owner(BIO* bio) {
    return *static_cast<TlsStream*>(BIO_get_data(bio));
}

}  // namespace

BIO_METHOD* TlsStream::bio_method() {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mqttc stream");
        if (made == nullptr) return made;
        BIO_meth_set_read(made, bio_read);
        BIO_meth_set_write(made, bio_write);
        BIO_meth_set_ctrl(made, bio_control);
        return made;
    }();
    return method;
}

TlsStream::TlsStream(StreamPtr lower, SslPtr ssl, Explain explain)
    : lower_(std::move(lower)), explain_(std::move(explain)), ssl_(std::move(ssl)), in_(input_size) {
    BIO* bio = bio_method() == nullptr ? nullptr : BIO_new(bio_method());
    if (bio == nullptr) throw std::bad_alloc();
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
}

TlsStream::~TlsStream() = default;

// Brings more records into in_, which is used up. False: nothing for now, or the end, or a failure.
bool TlsStream::fill() {
    if (fetches_left_ == 0 || ended_ || lower_error_) return false;
    if (answers_ > max_answers) {
        lower_error_ = Error{ErrorCode::tls_failed, 0,
                             "the server changes its keys again and again and does not read the answers"};
        return false;
    }
    // The answer to these arrives after they are sent.
    if (!open_ && sent_ < out_.size()) return false;
    --fetches_left_;
    taken_ = filled_ = 0;
    auto result = lower_->read(in_);
    if (!result) {
        lower_error_ = std::move(result.error());
        return false;
    }
    if (result->state == IoState::end) ended_ = true;
    if (result->state != IoState::ready) return false;
    filled_ = result->count;
    answered_ = answered_ || filled_ > 0;
    fetched_ = fetched_ || filled_ > 0;
    return filled_ > 0;
}

int TlsStream::bio_read(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    TlsStream& self = owner(bio);
    if (self.taken_ == self.filled_ && !self.fill()) {
        if (self.ended_ || self.lower_error_) return 0;
        BIO_set_retry_read(bio);
        return -1;
    }
    const auto count = std::min(static_cast<std::size_t>(size), self.filled_ - self.taken_);
    std::memcpy(into, self.in_.data() + self.taken_, count);
    self.taken_ += count;
    return static_cast<int>(count);
}

int TlsStream::bio_write(BIO* bio, const char* from, int size) {
    BIO_clear_retry_flags(bio);
    TlsStream& self = owner(bio);
    try {
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(from);
        self.out_.insert(self.out_.end(), bytes, bytes + size);
        if (self.open_ && self.reading_) self.answers_ += static_cast<std::size_t>(size);
    } catch (const std::bad_alloc&) {
        self.lower_error_ = no_memory().error();
        return -1;
    }
    return size;
}

long TlsStream::bio_control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return owner(bio).ended_ ? 1 : 0;
    return 0;
}

std::expected<bool, Error> TlsStream::flush() {
    while (sent_ < out_.size() || lower_->unsent() > 0) {
        const auto result = lower_->write(Bytes(out_).subspan(sent_));
        if (!result) return std::unexpected(result.error());
        if (result->state != IoState::ready) return false;
        sent_ += result->count;
        if (sent_ == out_.size() && lower_->unsent() > 0) return false;
    }
    sent_ = answers_ = 0;
    out_.clear();
    if (out_.capacity() > kept_output) std::vector<std::uint8_t>().swap(out_);
    return true;
}

std::unexpected<Error> TlsStream::failed(TlsFailure::Kind kind, Error lower) {
    broken_ = true;
    return std::unexpected(
        explain_({.kind = kind, .lower = std::move(lower), .handshake = !open_, .answered = answered_}));
}

std::unexpected<Error> TlsStream::failed(int result) {
    const int kind = SSL_get_error(ssl_.get(), result);
    if (kind != SSL_ERROR_SSL || ERR_peek_error() == 0) {
        if (lower_error_) return failed(TlsFailure::Kind::lower, std::move(*lower_error_));
        return failed(TlsFailure::Kind::ended);
    }
    // An alert reports the reason to the peer; it is sent as far as possible without blocking.
    const auto error = failed(TlsFailure::Kind::library);
    static_cast<void>(flush());
    return error;
}

std::expected<bool, Error> TlsStream::handshake() {
    return guarded([this] { return continue_handshake(); });
}

std::expected<bool, Error> TlsStream::continue_handshake() {
    if (open_) return true;
    if (broken_) return failed(TlsFailure::Kind::ended);
    if (auto done = lower_->handshake(); !done || !*done) return done;
    ERR_clear_error();
    fetches_left_ = max_fetches;
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) {
        open_ = true;
        // A client's last flight waits for the first bytes that it will write at once: one write for both.
        if (SSL_is_server(ssl_.get()) == 0) return true;
    } else if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) {
        return failed(result);
    }
    if (auto flushed = flush(); !flushed) return failed(TlsFailure::Kind::lower, std::move(flushed.error()));
    return open_;
}

std::expected<IoResult, Error> TlsStream::read(std::span<std::uint8_t> into) {
    return guarded([this, into] { return read_records(into); });
}

std::expected<IoResult, Error> TlsStream::read_records(std::span<std::uint8_t> into) {
    if (into.empty()) return IoResult{};
    // The error is sticky: a caller that first received bytes gets it on the next read.
    if (pending_error_) return std::unexpected(*pending_error_);
    if (broken_) return IoResult{IoState::end, 0};
    std::size_t count = 0;
    fetches_left_ = max_fetches;
    reading_ = true;
    fetched_ = false;
    while (count < into.size()) {
        std::size_t got = 0;
        ERR_clear_error();
        const int result = SSL_read_ex(ssl_.get(), into.data() + count, into.size() - count, &got);
        if (result == 1) {
            count += got;
            // The rest of what is here, but no further call below.
            fetches_left_ = 0;
            continue;
        }
        const int kind = SSL_get_error(ssl_.get(), result);
        if (kind == SSL_ERROR_WANT_READ) break;
        if (kind == SSL_ERROR_ZERO_RETURN) {
            if (count > 0) break;
            return IoResult{IoState::end, 0};
        }
        auto error = failed(result);
        if (count == 0) return error;
        // Bytes before the failure are delivered first; the next read reports it.
        pending_error_ = std::move(error.error());
        break;
    }
    reading_ = false;
    // Answers of the protocol itself (a key update) are sent now, or with the next write.
    if (sent_ < out_.size()) {
        if (auto flushed = flush(); !flushed && count == 0) {
            return failed(TlsFailure::Kind::lower, std::move(flushed.error()));
        }
    }
    if (count > 0) return IoResult{IoState::ready, count};
    // A server with Nagle's algorithm sends its first answer only when its session tickets are acknowledged.
    if (std::exchange(fetched_, false)) acknowledge_now(descriptor());
    return IoResult{IoState::would_block, 0};
}

std::expected<IoResult, Error> TlsStream::write(Bytes from) {
    return guarded([this, from] { return write_records(from); });
}

std::expected<IoResult, Error> TlsStream::write_records(Bytes from) {
    if (broken_) return failed(TlsFailure::Kind::ended);
    std::size_t taken = 0;
    for (;;) {
        // Only what is partly sent must be gone first; a handshake's last flight takes the records with it.
        while (sent_ == 0 && taken < from.size() && out_.size() < batch) {
            const auto size = std::min(from.size() - taken, batch);
            std::size_t count = 0;
            ERR_clear_error();
            const int result = SSL_write_ex(ssl_.get(), from.data() + taken, size, &count);
            if (result != 1) return failed(result);
            taken += count;
        }
        auto flushed = flush();
        if (!flushed) {
            // An alert with the peer's reason is more useful than "connection reset".
            std::uint8_t byte = 0;
            if (auto last = read_records({&byte, 1}); !last) return std::unexpected(std::move(last.error()));
            return failed(TlsFailure::Kind::lower, std::move(flushed.error()));
        }
        if (taken == from.size()) break;
        if (!*flushed) break;
    }
    if (taken == 0 && !from.empty()) return IoResult{IoState::would_block, 0};
    return IoResult{IoState::ready, taken};
}

bool TlsStream::buffered() const {
    return pending_error_ ||
           (!broken_ && (taken_ < filled_ || SSL_pending(ssl_.get()) > 0 || lower_->buffered()));
}

Wants TlsStream::wants(Wants caller) const {
    const Wants ours = open_ ? Wants{caller.read, caller.write || unsent() > 0} : Wants{true, unsent() > 0};
    return lower_->wants(ours);
}

void TlsStream::shutdown() {
    static_cast<void>(guarded([this]() -> std::expected<void, Error> {
        if (open_ && !broken_) {
            ERR_clear_error();
            SSL_shutdown(ssl_.get());
            ERR_clear_error();
        }
        static_cast<void>(flush());
        return {};
    }));
    lower_->shutdown();
}

}  // namespace mqttc::net
