// The WebSocket stream: the upgrade, then frames by wslay, control frames answered in between.
#include "websocket.hpp"

#include <wslay/wslay.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/escape.hpp"
#include "base/random.hpp"
#include "http_head.hpp"
#include "websocket_handshake.hpp"

namespace mqttc::net {

namespace {

// What is read from below at once, and the largest frame sent.
constexpr std::size_t buffer_size = std::size_t{64} * 1024;
static_assert(max_http_head <= buffer_size);
// With this much of earlier frames unsent no new one is started.
constexpr std::size_t max_unsent = buffer_size;
constexpr std::size_t max_control_payload = 125;
// A peer that sends nothing but pings must not hold the loop.
constexpr int max_reads_at_once = 16;
// Masks are drawn in stock: a system call for each small frame would cost more than the frame.
constexpr std::size_t mask_stock = 256;

// Section 7.4.1.
constexpr std::uint16_t close_normal = 1000;
constexpr std::uint16_t close_going_away = 1001;
constexpr std::uint16_t close_protocol_error = 1002;
constexpr std::uint16_t close_unsupported_data = 1003;
constexpr std::uint16_t close_no_code = 1005;  // never sent: means that there is none
constexpr std::uint16_t close_policy = 1008;
constexpr std::uint16_t close_too_big = 1009;
constexpr std::uint16_t close_internal_error = 1011;

std::string describe_close(std::uint16_t code, std::string_view reason) {
    std::string text = "the broker closed the WebSocket with code " + std::to_string(code);
    switch (code) {
        case close_going_away:
            text += " (going away)";
            break;
        case close_protocol_error:
            text += " (protocol error)";
            break;
        case close_unsupported_data:
            text += " (unsupported data)";
            break;
        case close_policy:
            text += " (policy violation)";
            break;
        case close_too_big:
            text += " (message too big)";
            break;
        case close_internal_error:
            text += " (internal error)";
            break;
        default:
            break;
    }
    if (!reason.empty()) text += ": " + escape_controls(reason, max_quoted);
    return text;
}

class WebSocketStream final : public Stream {
  public:
    WebSocketStream(StreamPtr lower, const Endpoint& endpoint)
        : lower_(std::move(lower)), endpoint_(endpoint) {}
    ~WebSocketStream() override {
        if (frames_ != nullptr) wslay_frame_context_free(frames_);
    }
    bool init() {
        const wslay_frame_callbacks callbacks{on_send, on_receive, on_mask};
        return wslay_frame_context_init(&frames_, &callbacks, this) == 0;
    }

    std::expected<bool, Error> handshake() override;
    std::expected<IoResult, Error> read(std::span<std::uint8_t> into) override;
    std::expected<IoResult, Error> write(Bytes from) override;
    bool unsent() const override { return out_begin_ < out_.size() || pong_.has_value() || lower_->unsent(); }
    bool buffered() const override { return open_ && !starved_; }
    Wants wants(Wants caller) const override;
    const char* timeout_hint() const override {
        const char* below = lower_->timeout_hint();
        return below != nullptr || open_ ? below : "is it a WebSocket listener?";
    }
    void shutdown() override;
    int descriptor() const override { return lower_->descriptor(); }

  private:
    static ssize_t on_send(const std::uint8_t* data, std::size_t size, int flags, void* self);
    static ssize_t on_receive(std::uint8_t* data, std::size_t size, int flags, void* self);
    static int on_mask(std::uint8_t* data, std::size_t size, void* self);

    std::expected<void, Error> flush();
    std::expected<bool, Error> receive_answer();
    void add_frame(std::uint8_t opcode, Bytes payload);
    /// Gets data of a message into pending_, as far as there are any. False: no more for now (see starved_).
    std::expected<bool, Error> next_data();
    std::expected<void, Error> begin_frame(const wslay_frame_iocb& frame);
    std::expected<void, Error> end_control_frame();
    std::expected<bool, Error> fill();
    std::unexpected<Error> broken(const char* how);

    StreamPtr lower_;
    const Endpoint& endpoint_;
    wslay_frame_context_ptr frames_ = nullptr;
    bool lower_open_ = false;
    bool asked_ = false;
    bool open_ = false;
    std::string key_;

    std::vector<std::uint8_t> in_;  ///< received from below, not yet taken by wslay
    std::size_t in_begin_ = 0;
    std::size_t in_end_ = 0;
    bool lower_dry_ = false;  ///< the last read from below emptied it
    bool starved_ = true;     ///< nothing more can be given without new bytes from below
    Bytes pending_;           ///< data that wslay has unmasked and the caller has not taken
    wslay_frame_iocb frame_{};
    std::uint64_t frame_left_ = 0;
    bool in_message_ = false;  ///< between the fragments of a message
    std::vector<std::uint8_t> control_;
    std::optional<Error> failed_;  ///< repeated by each read
    bool unmasked_ = false;        ///< a frame was not made: nothing more can be sent
    bool ended_ = false;

    std::vector<std::uint8_t> out_;  ///< whole frames, partly sent
    std::size_t out_begin_ = 0;
    std::optional<std::vector<std::uint8_t>> pong_;  ///< only the newest ping is answered (section 5.5.3)
    std::uint16_t close_code_ = close_normal;        ///< what shutdown() says
    std::array<std::uint8_t, mask_stock> masks_{};
    std::size_t masks_left_ = 0;
};

// --- wslay's callbacks ---

ssize_t WebSocketStream::on_send(const std::uint8_t* data, std::size_t size, int, void* self) {
    auto& out = static_cast<WebSocketStream*>(self)->out_;
    out.insert(out.end(), data, data + size);
    return static_cast<ssize_t>(size);
}

ssize_t WebSocketStream::on_receive(std::uint8_t* data, std::size_t size, int, void* self) {
    auto& stream = *static_cast<WebSocketStream*>(self);
    const auto count = std::min(size, stream.in_end_ - stream.in_begin_);
    // wslay asks again later; -1 is its "none for now".
    if (count == 0) return -1;
    std::memcpy(data, stream.in_.data() + stream.in_begin_, count);
    stream.in_begin_ += count;
    return static_cast<ssize_t>(count);
}

int WebSocketStream::on_mask(std::uint8_t* data, std::size_t size, void* self) {
    auto& stream = *static_cast<WebSocketStream*>(self);
    if (stream.masks_left_ < size) {
        fill_random(stream.masks_);
        stream.masks_left_ = mask_stock;
    }
    std::memcpy(data, stream.masks_.data() + (mask_stock - stream.masks_left_), size);
    stream.masks_left_ -= size;
    return 0;
}

// --- the upgrade ---

Wants WebSocketStream::wants(Wants caller) const {
    if (!lower_open_) return lower_->wants(caller);
    if (!open_) return lower_->wants({.read = true, .write = unsent()});
    return lower_->wants({.read = caller.read, .write = caller.write || unsent()});
}

std::expected<bool, Error> WebSocketStream::handshake() {
    if (open_) return true;
    if (!lower_open_) {
        const auto done = lower_->handshake();
        if (!done || !*done) return done;
        lower_open_ = true;
    }
    if (!asked_) {
        key_ = new_websocket_key();
        const auto request = websocket_request(endpoint_, key_);
        const auto bytes = as_bytes(request);
        out_.assign(bytes.begin(), bytes.end());
        in_.resize(buffer_size);
        asked_ = true;
    }
    const auto lost = [this](const Error& error) {
        return error.code == ErrorCode::connection_lost ? not_http_answer({}, endpoint_) : error;
    };
    if (const auto flushed = flush(); !flushed) return std::unexpected(lost(flushed.error()));
    auto answered = receive_answer();
    if (!answered) return std::unexpected(lost(answered.error()));
    return answered;
}

std::expected<bool, Error> WebSocketStream::receive_answer() {
    for (;;) {
        const auto got = lower_->read(std::span(in_).subspan(in_end_));
        if (!got) return std::unexpected(got.error());
        if (got->state == IoState::would_block) return false;
        const auto text = as_text(Bytes(in_).first(in_end_ + got->count));
        if (got->state == IoState::end || !begins_like_http(text))
            return std::unexpected(not_http_answer(text, endpoint_));
        in_end_ = text.size();
        const auto size = http_head_size(text);
        if (size.value_or(text.size()) > max_http_head)
            return std::unexpected(websocket_error(
                endpoint_, "failed: the answer is longer than " + std::to_string(max_http_head) + " bytes"));
        if (!size) continue;
        if (auto good = check_websocket_answer(text.substr(0, *size), key_, endpoint_); !good)
            return std::unexpected(std::move(good.error()));
        in_begin_ = *size;
        starved_ = in_begin_ == in_end_ && !lower_->buffered();
        open_ = true;
        return true;
    }
}

// --- sending ---

void WebSocketStream::add_frame(std::uint8_t opcode, Bytes payload) {
    if (out_begin_ >= max_unsent) {
        out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_begin_));
        out_begin_ = 0;
    }
    wslay_frame_iocb frame{};
    frame.fin = 1;
    frame.opcode = opcode;
    frame.mask = 1;
    frame.payload_length = payload.size();
    frame.data = payload.data();
    frame.data_length = payload.size();
    // on_send takes everything, so one call is enough; without a mask nothing may be sent.
    if (wslay_frame_send(frames_, &frame) < 0) unmasked_ = true;
}

std::expected<void, Error> WebSocketStream::flush() {
    if (unmasked_) {
        return std::unexpected(
            Error{ErrorCode::websocket_failed, 0, "the system gives no random numbers for WebSocket frames"});
    }
    for (;;) {
        if (out_begin_ == out_.size()) {
            out_.clear();
            out_begin_ = 0;
            if (pong_) {
                add_frame(WSLAY_PONG, *pong_);
                pong_.reset();
                continue;
            }
            if (!lower_->unsent()) return {};
        }
        const auto result = lower_->write(Bytes(out_).subspan(out_begin_));
        if (!result) return std::unexpected(result.error());
        if (result->state != IoState::ready) return {};
        if (result->count == 0) return {};
        out_begin_ += result->count;
    }
}

std::expected<IoResult, Error> WebSocketStream::write(Bytes from) {
    if (const auto flushed = flush(); !flushed) return std::unexpected(flushed.error());
    if (from.empty()) return IoResult{unsent() ? IoState::would_block : IoState::ready, 0};
    if (out_.size() - out_begin_ >= max_unsent) return IoResult{IoState::would_block, 0};
    const auto payload = from.first(std::min(from.size(), buffer_size));
    add_frame(WSLAY_BINARY_FRAME, payload);
    // The frame is taken in any case; a failure is reported by the next call.
    static_cast<void>(flush());
    return IoResult{IoState::ready, payload.size()};
}

void WebSocketStream::shutdown() {
    if (open_) {
        const std::array<std::uint8_t, 2> code{static_cast<std::uint8_t>(close_code_ >> 8),
                                               static_cast<std::uint8_t>(close_code_ & 0xff)};
        add_frame(WSLAY_CONNECTION_CLOSE, code);
        static_cast<void>(flush());
    }
    lower_->shutdown();
}

// --- receiving ---

std::unexpected<Error> WebSocketStream::broken(const char* how) {
    close_code_ = close_protocol_error;
    constexpr int v5_protocol_error = 0x82;
    return std::unexpected(Error{ErrorCode::protocol_error, v5_protocol_error,
                                 std::string("the broker broke the WebSocket protocol: ") + how});
}

/// Reads from below into the empty in_. False: nothing there.
std::expected<bool, Error> WebSocketStream::fill() {
    if (lower_dry_) return false;
    in_begin_ = in_end_ = 0;
    const auto got = lower_->read(in_);
    if (!got) return std::unexpected(got.error());
    if (got->state == IoState::end) ended_ = true;
    if (got->state != IoState::ready) return false;
    in_end_ = got->count;
    // Less than requested: there is nothing more, and poll() reports when there is.
    lower_dry_ = got->count < in_.size() && !lower_->buffered();
    return true;
}

std::expected<void, Error> WebSocketStream::begin_frame(const wslay_frame_iocb& frame) {
    if (frame.mask != 0) return broken("a masked frame");
    if (frame.rsv != 0) return broken("a reserved bit is set");
    const bool control = wslay_is_ctrl_frame(frame.opcode);
    if (control) {
        if (frame.opcode != WSLAY_PING && frame.opcode != WSLAY_PONG &&
            frame.opcode != WSLAY_CONNECTION_CLOSE)
            return broken("an unknown kind of frame");
        if (frame.payload_length > max_control_payload || frame.fin == 0)
            return broken("a control frame that is too long or in fragments");
        control_.clear();
    } else if (frame.opcode == WSLAY_CONTINUATION_FRAME) {
        if (!in_message_) return broken("a continuation of nothing");
        in_message_ = frame.fin == 0;
    } else {
        if (frame.opcode == WSLAY_TEXT_FRAME) return broken("a text frame, where MQTT uses binary ones");
        if (frame.opcode != WSLAY_BINARY_FRAME) return broken("an unknown kind of frame");
        if (in_message_) return broken("a new message inside another");
        in_message_ = frame.fin == 0;
    }
    frame_ = frame;
    frame_left_ = frame.payload_length;
    return {};
}

std::expected<void, Error> WebSocketStream::end_control_frame() {
    if (frame_.opcode == WSLAY_PING) pong_ = control_;
    if (frame_.opcode != WSLAY_CONNECTION_CLOSE) return {};
    if (control_.size() == 1) return broken("a close frame with half a code");
    const auto code = control_.empty()
                          ? close_no_code
                          : static_cast<std::uint16_t>(std::uint16_t{control_[0]} << 8 | control_[1]);
    ended_ = true;
    if (code == close_normal || code == close_no_code) return {};
    const auto reason = as_text(Bytes(control_).subspan(2));
    return std::unexpected(Error{ErrorCode::closed_by_peer, code, describe_close(code, reason)});
}

std::expected<bool, Error> WebSocketStream::next_data() {
    for (int reads = 0;;) {
        if (ended_) return false;
        wslay_frame_iocb frame{};
        const auto count = wslay_frame_recv(frames_, &frame);
        if (count == WSLAY_ERR_WANT_READ) {
            if (reads++ == max_reads_at_once) return false;
            const auto filled = fill();
            if (!filled) return std::unexpected(filled.error());
            if (*filled) continue;
            starved_ = true;
            return false;
        }
        if (count < 0) return broken("a damaged frame");
        if (frame_left_ == 0) {
            if (auto fits = begin_frame(frame); !fits) return std::unexpected(std::move(fits.error()));
        }
        const Bytes chunk(frame.data, static_cast<std::size_t>(count));
        frame_left_ -= chunk.size();
        if (!wslay_is_ctrl_frame(frame_.opcode)) {
            pending_ = chunk;
            if (!chunk.empty()) return true;
            continue;
        }
        control_.insert(control_.end(), chunk.begin(), chunk.end());
        if (frame_left_ > 0) continue;
        if (auto good = end_control_frame(); !good) return std::unexpected(std::move(good.error()));
    }
}

std::expected<IoResult, Error> WebSocketStream::read(std::span<std::uint8_t> into) {
    if (into.empty()) return IoResult{};
    // A read may be called because what is unsent can go on.
    if (unsent()) {
        if (const auto flushed = flush(); !flushed) return std::unexpected(flushed.error());
    }
    lower_dry_ = false;
    starved_ = false;
    std::size_t count = 0;
    while (count < into.size() && !failed_) {
        if (pending_.empty()) {
            auto more = next_data();
            if (!more) {
                failed_ = std::move(more.error());
            } else if (!*more) {
                break;
            }
        }
        const auto part = std::min(pending_.size(), into.size() - count);
        if (part > 0) std::memcpy(into.data() + count, pending_.data(), part);
        pending_ = pending_.subspan(part);
        count += part;
    }
    if (pong_) static_cast<void>(flush());
    if (count > 0) return IoResult{IoState::ready, count};
    if (failed_) return std::unexpected(*failed_);
    return IoResult{ended_ ? IoState::end : IoState::would_block, 0};
}

}  // namespace

std::expected<StreamPtr, Error> make_websocket_stream(StreamPtr lower, const Endpoint& endpoint) {
    if (auto fits = check_websocket_options(*endpoint.websocket); !fits)
        return std::unexpected(std::move(fits.error()));
    auto stream = std::make_unique<WebSocketStream>(std::move(lower), endpoint);
    if (!stream->init()) {
        return std::unexpected(
            Error{ErrorCode::out_of_memory, 0, "out of memory for a WebSocket connection"});
    }
    return stream;
}

}  // namespace mqttc::net
