// The WebSocket stream: the upgrade, then frames, control frames answered in between.
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
#include "layers.hpp"
#include "websocket_frame.hpp"
#include "websocket_handshake.hpp"

namespace mqttc::net {

namespace {

// What is read from below at once, and the largest frame sent.
constexpr std::size_t buffer_size = std::size_t{64} * 1024;
static_assert(max_http_head <= buffer_size);
// With this much of earlier frames unsent no new one is started.
constexpr std::size_t max_unsent = buffer_size;
constexpr std::size_t max_control_payload = 125;
// A peer that sends nothing but pings must not block the loop.
constexpr int max_reads_at_once = 16;
// Masks are made in advance: a system call for each small frame would cost more than the frame.
using Masks = std::array<FrameMask, 64>;

// Section 7.4.1.
constexpr std::uint16_t close_normal = 1000;
constexpr std::uint16_t close_protocol_error = 1002;
constexpr std::uint16_t close_no_code = 1005;  // never sent: means that there is none

std::string describe_close(std::uint16_t code, std::string_view reason) {
    constexpr std::pair<std::uint16_t, std::string_view> meanings[] = {
        {1001, " (going away)"},       {1002, " (protocol error)"},  {1003, " (unsupported data)"},
        {1008, " (policy violation)"}, {1009, " (message too big)"}, {1011, " (internal error)"},
    };
    std::string text = "the broker closed the WebSocket with code " + std::to_string(code);
    for (const auto& [known, meaning] : meanings) {
        if (known == code) text += meaning;
    }
    if (!reason.empty()) text += ": " + escape_controls(reason, max_quoted);
    return text;
}

class WebSocketStream final : public Stream {
  public:
    WebSocketStream(StreamPtr lower, const Endpoint& endpoint)
        : lower_(std::move(lower)), endpoint_(endpoint) {}

    std::expected<bool, Error> handshake() override;
    std::expected<IoResult, Error> read(std::span<std::uint8_t> into) override;
    std::expected<IoResult, Error> write(Bytes from) override;
    std::size_t unsent() const override {
        return out_.size() - out_begin_ + (pong_ ? pong_->size() + 1 : 0) + lower_->unsent();
    }
    bool buffered() const override { return open_ && !needs_input_; }
    Wants wants(Wants caller) const override;
    const char* timeout_hint() const override {
        const char* below = lower_->timeout_hint();
        return below != nullptr || open_ ? below : "is it a WebSocket listener?";
    }
    void shutdown() override;
    int descriptor() const override { return lower_->descriptor(); }

  private:
    std::expected<void, Error> flush();
    std::expected<bool, Error> receive_answer();
    FrameMask next_mask();
    void add_frame(FrameKind kind, Bytes payload);
    /// Gets data of a message into pending_, as far as there are any. False: no more for now (see needs_input_).
    std::expected<bool, Error> next_data();
    std::expected<void, Error> begin_frame(const FrameHead& frame);
    std::expected<void, Error> end_control_frame();
    std::expected<bool, Error> fill();
    std::unexpected<Error> broken(const char* how);

    StreamPtr lower_;
    const Endpoint& endpoint_;
    bool lower_open_ = false;
    bool open_ = false;
    std::string key_;

    std::vector<std::uint8_t> in_;  ///< received from below: frames, from in_begin_ to in_end_
    std::size_t in_begin_ = 0;
    std::size_t in_end_ = 0;
    bool lower_empty_ = false;      ///< the last read from below emptied it
    bool needs_input_ = true;       ///< read() has nothing without new bytes from below
    Bytes pending_;                 ///< data in in_ that the caller has not taken
    FrameHead frame_{};             ///< the frame being received
    std::uint64_t frame_left_ = 0;  ///< bytes of its payload that are not yet received
    bool in_message_ = false;       ///< between the fragments of a message
    std::vector<std::uint8_t> control_;
    std::optional<Error> failed_;  ///< repeated by each read
    bool ended_ = false;

    std::vector<std::uint8_t> out_;  ///< whole frames, partly sent
    std::size_t out_begin_ = 0;
    std::optional<std::vector<std::uint8_t>> pong_;  ///< only the newest ping is answered (section 5.5.3)
    std::uint16_t close_code_ = close_normal;        ///< the code that shutdown() sends
    Masks masks_{};
    std::size_t masks_left_ = 0;
};

// --- the upgrade ---

Wants WebSocketStream::wants(Wants caller) const {
    if (!lower_open_) return lower_->wants(caller);
    if (!open_) return lower_->wants({.read = true, .write = unsent() > 0});
    return lower_->wants({.read = caller.read, .write = caller.write || unsent() > 0});
}

std::expected<bool, Error> WebSocketStream::handshake() {
    if (open_) return true;
    if (!lower_open_) {
        const auto done = lower_->handshake();
        if (!done || !*done) return done;
        lower_open_ = true;
        key_ = new_websocket_key();
        const auto request = websocket_request(endpoint_, key_);
        const auto bytes = as_bytes(request);
        out_.assign(bytes.begin(), bytes.end());
        in_.resize(buffer_size);
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
        needs_input_ = in_begin_ == in_end_ && !lower_->buffered();
        open_ = true;
        return true;
    }
}

// --- sending ---

FrameMask WebSocketStream::next_mask() {
    if (masks_left_ == 0) {
        masks_ = random_value<Masks>();
        masks_left_ = masks_.size();
    }
    return masks_[--masks_left_];
}

void WebSocketStream::add_frame(FrameKind kind, Bytes payload) {
    if (out_begin_ >= max_unsent) {
        out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_begin_));
        out_begin_ = 0;
    }
    append_frame(out_, kind, payload, next_mask());
}

std::expected<void, Error> WebSocketStream::flush() {
    for (;;) {
        if (out_begin_ == out_.size()) {
            out_.clear();
            out_begin_ = 0;
            if (pong_) {
                add_frame(FrameKind::pong, *pong_);
                pong_.reset();
                continue;
            }
            if (lower_->unsent() == 0) return {};
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
    if (from.empty()) return IoResult{unsent() > 0 ? IoState::would_block : IoState::ready, 0};
    if (out_.size() - out_begin_ >= max_unsent) return IoResult{IoState::would_block, 0};
    const auto payload = from.first(std::min(from.size(), buffer_size));
    add_frame(FrameKind::binary, payload);
    // The frame is taken in any case; a failure is reported by the next call.
    static_cast<void>(flush());
    return IoResult{IoState::ready, payload.size()};
}

void WebSocketStream::shutdown() {
    if (open_) {
        const std::array<std::uint8_t, 2> code{static_cast<std::uint8_t>(close_code_ >> 8),
                                               static_cast<std::uint8_t>(close_code_ & 0xff)};
        add_frame(FrameKind::close, code);
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

/// Reads from below, after the part of a frame's head that in_ may hold. False: nothing there.
std::expected<bool, Error> WebSocketStream::fill() {
    if (lower_empty_) return false;
    std::copy(in_.begin() + static_cast<std::ptrdiff_t>(in_begin_),
              in_.begin() + static_cast<std::ptrdiff_t>(in_end_), in_.begin());
    in_end_ -= in_begin_;
    in_begin_ = 0;
    const auto space = std::span(in_).subspan(in_end_);
    const auto got = lower_->read(space);
    if (!got) return std::unexpected(got.error());
    if (got->state == IoState::end) ended_ = true;
    if (got->state != IoState::ready) return false;
    in_end_ += got->count;
    // Less than requested: there is nothing more, and poll() reports when there is.
    lower_empty_ = got->count < space.size() && !lower_->buffered();
    return true;
}

std::expected<void, Error> WebSocketStream::begin_frame(const FrameHead& frame) {
    if (!frame.shortest_length) return broken("a length that is not in its shortest form");
    if (frame.masked) return broken("a masked frame");
    if (frame.reserved) return broken("a reserved bit is set");
    switch (frame.kind) {
        case FrameKind::ping:
        case FrameKind::pong:
        case FrameKind::close:
            if (frame.length > max_control_payload || !frame.final)
                return broken("a control frame that is too long or in fragments");
            control_.clear();
            break;
        case FrameKind::continuation:
            if (!in_message_) return broken("a continuation frame outside a message");
            in_message_ = !frame.final;
            break;
        case FrameKind::binary:
            if (in_message_) return broken("a new message inside another");
            in_message_ = !frame.final;
            break;
        case FrameKind::text:
            return broken("a text frame, where MQTT uses binary ones");
        default:
            return broken("an unknown kind of frame");
    }
    frame_ = frame;
    frame_left_ = frame.length;
    return {};
}

std::expected<void, Error> WebSocketStream::end_control_frame() {
    if (frame_.kind == FrameKind::ping) pong_ = control_;
    if (frame_.kind != FrameKind::close) return {};
    if (control_.size() == 1) return broken("a close frame of one byte");
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
        const auto received = Bytes(in_).subspan(in_begin_, in_end_ - in_begin_);
        const auto head = frame_left_ == 0 ? parse_frame_head(received) : std::nullopt;
        if (head) {
            if (auto fits = begin_frame(*head); !fits) return std::unexpected(std::move(fits.error()));
            in_begin_ += head->size;
        } else if (frame_left_ > 0 && !received.empty()) {
            const auto part = received.first(
                static_cast<std::size_t>(std::min<std::uint64_t>(received.size(), frame_left_)));
            in_begin_ += part.size();
            frame_left_ -= part.size();
            if (!is_control(frame_.kind)) {
                pending_ = part;
                return true;
            }
            control_.insert(control_.end(), part.begin(), part.end());
        } else {
            if (reads++ == max_reads_at_once) return false;
            const auto filled = fill();
            if (!filled) return std::unexpected(filled.error());
            if (*filled) continue;
            needs_input_ = true;
            return false;
        }
        if (frame_left_ > 0 || !is_control(frame_.kind)) continue;
        if (auto good = end_control_frame(); !good) return std::unexpected(std::move(good.error()));
    }
}

std::expected<IoResult, Error> WebSocketStream::read(std::span<std::uint8_t> into) {
    if (into.empty()) return IoResult{};
    // A read may be called because what is unsent can go on.
    if (unsent() > 0) {
        if (const auto flushed = flush(); !flushed) return std::unexpected(flushed.error());
    }
    lower_empty_ = false;
    needs_input_ = false;
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
    return std::make_unique<WebSocketStream>(std::move(lower), endpoint);
}

}  // namespace mqttc::net
