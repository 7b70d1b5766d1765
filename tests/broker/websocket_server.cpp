// A WebSocket server as a stream: the upgrade, then frames.
#include "websocket_server.hpp"

#include <wslay/wslay.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "http_head.hpp"
#include "websocket_handshake.hpp"

namespace mqttc::broker {
namespace {

constexpr std::size_t max_unsent = 65536;
constexpr std::string_view old_subprotocol = "mqttv3.1";

Error violation(const std::string& what) {
    return {ErrorCode::protocol_error, 0, "WebSocket: " + what};
}

class WebSocketServer final : public net::Stream {
  public:
    WebSocketServer(net::StreamPtr lower, const WebSocketServerOptions& options)
        : lower_(std::move(lower)), options_(options) {
        const wslay_frame_callbacks callbacks{on_send, on_receive, nullptr};
        if (wslay_frame_context_init(&frames_, &callbacks, this) != 0) std::abort();
    }
    ~WebSocketServer() override { wslay_frame_context_free(frames_); }

    std::expected<bool, Error> handshake() override;
    std::expected<net::IoResult, Error> read(std::span<std::uint8_t> into) override;
    std::expected<net::IoResult, Error> write(Bytes from) override;
    std::size_t unsent() const override { return out_.size() + lower_->unsent(); }
    bool buffered() const override { return open_ && !drained_; }
    net::Wants wants(net::Wants caller) const override {
        return lower_->wants({.read = caller.read, .write = caller.write || unsent()});
    }
    void shutdown() override {
        if (open_ && !close_sent_) send_close(1000);
        static_cast<void>(flush());
        lower_->shutdown();
    }
    int descriptor() const override { return lower_->descriptor(); }

  private:
    static ssize_t on_send(const std::uint8_t* data, std::size_t size, int, void* self) {
        static_cast<WebSocketServer*>(self)->out_.append(as_text(Bytes(data, size)));
        return static_cast<ssize_t>(size);
    }
    static ssize_t on_receive(std::uint8_t* data, std::size_t size, int, void* self) {
        return static_cast<WebSocketServer*>(self)->receive(data, size);
    }

    ssize_t receive(std::uint8_t* data, std::size_t size);
    std::expected<void, Error> flush();
    void send_frame(std::uint8_t opcode, bool fin, Bytes payload);
    void send_close(std::uint16_t code);
    std::unexpected<Error> refuse(const std::string& status, const std::string& why);
    std::expected<bool, Error> answer_request(std::string_view head);
    std::expected<bool, Error> next_chunk();
    std::expected<void, Error> begin_frame(const wslay_frame_iocb& frame);
    void end_control_frame();

    net::StreamPtr lower_;
    const WebSocketServerOptions options_;
    wslay_frame_context_ptr frames_ = nullptr;
    bool lower_open_ = false;
    bool open_ = false;
    bool close_sent_ = false;
    std::string in_;  ///< the request and the bytes after it
    std::string out_;
    wslay_frame_iocb frame_{};
    std::uint64_t frame_left_ = 0;
    bool in_message_ = false;
    std::string control_;
    Bytes chunk_;
    bool drained_ = true;
    bool ended_ = false;
    std::optional<Error> failed_;
};

std::expected<void, Error> WebSocketServer::flush() {
    while (unsent()) {
        const auto result = lower_->write(as_bytes(out_));
        if (!result) return std::unexpected(result.error());
        if (result->state != net::IoState::ready) return {};
        out_.erase(0, result->count);
    }
    return {};
}

// --- the upgrade ---

std::expected<bool, Error> WebSocketServer::handshake() {
    if (!lower_open_) {
        const auto done = lower_->handshake();
        if (!done || !*done) return done;
        lower_open_ = true;
    }
    for (;;) {
        std::uint8_t room[4096];
        const auto got = lower_->read(room);
        if (!got) return std::unexpected(got.error());
        if (got->state == net::IoState::would_block) return false;
        if (got->state == net::IoState::end) return std::unexpected(violation("closed before its request"));
        in_ += as_text(Bytes(room, got->count));
        const auto size = net::http_head_size(in_);
        if (size.value_or(in_.size()) > net::max_http_head)
            return std::unexpected(violation("the request is too long"));
        if (!size) continue;
        auto good = answer_request(std::string_view(in_).substr(0, *size));
        in_.erase(0, *size);
        if (!good) lower_->shutdown();
        open_ = good.has_value();
        drained_ = in_.empty();
        return good;
    }
}

std::unexpected<Error> WebSocketServer::refuse(const std::string& status, const std::string& why) {
    out_ = "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    static_cast<void>(flush());
    return std::unexpected(violation(why));
}

std::expected<bool, Error> WebSocketServer::answer_request(std::string_view text) {
    if (!options_.raw_answer.empty()) {
        out_ = options_.raw_answer;
        static_cast<void>(flush());
        return std::unexpected(violation("answered with raw_answer"));
    }
    const auto line = text.substr(0, text.find("\r\n"));
    if (!line.starts_with("GET /") || !line.ends_with(" HTTP/1.1"))
        return refuse("400 Bad Request", "the request is not a GET");
    const auto path = line.substr(4, line.size() - 4 - std::string_view(" HTTP/1.1").size());
    const auto fields = "HTTP/1.1 200" + std::string(text.substr(line.size()));
    const auto head = net::parse_http_head(fields);
    if (!head) return refuse("400 Bad Request", "the request is malformed");
    if (head->all("Host").size() != 1) return refuse("400 Bad Request", "no Host");
    if (!head->has_token("Upgrade", "websocket") || !head->has_token("Connection", "upgrade"))
        return refuse("400 Bad Request", "no upgrade requested");
    if (head->first("Sec-WebSocket-Version") != "13")
        return refuse("426 Upgrade Required", "unsupported protocol version");
    constexpr std::size_t key_size = 24;
    if (head->first("Sec-WebSocket-Key").size() != key_size)
        return refuse("400 Bad Request", "wrong size of Sec-WebSocket-Key");
    // Clients of MQTT 3.1 offer "mqttv3.1", often with no other.
    const std::string subprotocol = !head->has_token("Sec-WebSocket-Protocol", options_.subprotocol) &&
                                            head->has_token("Sec-WebSocket-Protocol", old_subprotocol)
                                        ? std::string(old_subprotocol)
                                        : options_.subprotocol;
    if (!head->has_token("Sec-WebSocket-Protocol", subprotocol))
        return refuse("400 Bad Request", "the subprotocol was not offered");
    if (!options_.path.empty() && path != options_.path)
        return refuse("404 Not Found", "the path is " + std::string(path));
    out_ =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        net::websocket_accept(head->first("Sec-WebSocket-Key")) +
        "\r\nSec-WebSocket-Protocol: " + subprotocol + "\r\n\r\n";
    if (auto sent = flush(); !sent) return std::unexpected(sent.error());
    return true;
}

// --- sending ---

void WebSocketServer::send_frame(std::uint8_t opcode, bool fin, Bytes payload) {
    wslay_frame_iocb frame{};
    frame.fin = fin ? 1 : 0;
    frame.opcode = opcode;
    frame.payload_length = payload.size();
    frame.data = payload.data();
    frame.data_length = payload.size();
    wslay_frame_send(frames_, &frame);
}

void WebSocketServer::send_close(std::uint16_t code) {
    const std::uint8_t payload[] = {static_cast<std::uint8_t>(code >> 8),
                                    static_cast<std::uint8_t>(code & 0xff)};
    send_frame(WSLAY_CONNECTION_CLOSE, true, payload);
    close_sent_ = true;
}

std::expected<net::IoResult, Error> WebSocketServer::write(Bytes from) {
    if (auto sent = flush(); !sent) return std::unexpected(sent.error());
    if (from.empty() && !unsent()) return net::IoResult{};
    if (from.empty() || out_.size() >= max_unsent) return net::IoResult{net::IoState::would_block, 0};
    const auto message = from.first(std::min(from.size(), max_unsent));
    for (std::size_t at = 0; at < message.size();) {
        const auto payload = message.subspan(at, std::min(message.size() - at, options_.largest_frame));
        if (options_.ping_often) send_frame(WSLAY_PING, true, as_bytes("ping"));
        const auto opcode = at == 0 ? WSLAY_BINARY_FRAME : WSLAY_CONTINUATION_FRAME;
        at += payload.size();
        send_frame(opcode, at == message.size(), payload);
    }
    static_cast<void>(flush());
    return net::IoResult{net::IoState::ready, message.size()};
}

// --- receiving ---

ssize_t WebSocketServer::receive(std::uint8_t* data, std::size_t size) {
    if (!in_.empty()) {
        const auto count = std::min(size, in_.size());
        std::memcpy(data, in_.data(), count);
        in_.erase(0, count);
        return static_cast<ssize_t>(count);
    }
    const auto got = lower_->read({data, size});
    if (!got) {
        failed_ = got.error();
    } else if (got->state == net::IoState::ready) {
        return static_cast<ssize_t>(got->count);
    } else {
        ended_ = ended_ || got->state == net::IoState::end;
    }
    return -1;
}

std::expected<void, Error> WebSocketServer::begin_frame(const wslay_frame_iocb& frame) {
    if (frame.mask == 0) return std::unexpected(violation("a frame is not masked"));
    if (frame.rsv != 0) return std::unexpected(violation("a reserved bit is set"));
    const bool is_continuation = frame.opcode == WSLAY_CONTINUATION_FRAME;
    if (wslay_is_ctrl_frame(frame.opcode)) {
        control_.clear();
    } else if (!is_continuation && frame.opcode != WSLAY_BINARY_FRAME) {
        return std::unexpected(violation("a data frame is not binary"));
    } else if (is_continuation != in_message_) {
        return std::unexpected(violation("fragments are out of order"));
    } else {
        in_message_ = frame.fin == 0;
    }
    frame_ = frame;
    frame_left_ = frame.payload_length;
    return {};
}

void WebSocketServer::end_control_frame() {
    if (frame_.opcode == WSLAY_PING) send_frame(WSLAY_PONG, true, as_bytes(control_));
    if (frame_.opcode != WSLAY_CONNECTION_CLOSE) return;
    ended_ = true;
    if (!close_sent_) send_close(1000);
}

/// True: chunk_ has data. False: no data now, or the end.
std::expected<bool, Error> WebSocketServer::next_chunk() {
    while (!ended_) {
        wslay_frame_iocb frame{};
        const auto count = wslay_frame_recv(frames_, &frame);
        if (failed_) return std::unexpected(*failed_);
        if (count == WSLAY_ERR_WANT_READ) {
            drained_ = true;
            return false;
        }
        if (count < 0) return std::unexpected(violation("a malformed frame"));
        if (frame_left_ == 0) {
            if (auto good = begin_frame(frame); !good) return std::unexpected(good.error());
        }
        const Bytes chunk(frame.data, static_cast<std::size_t>(count));
        frame_left_ -= chunk.size();
        if (wslay_is_ctrl_frame(frame_.opcode)) {
            control_ += as_text(chunk);
            if (frame_left_ == 0) end_control_frame();
        } else if (!chunk.empty()) {
            chunk_ = chunk;
            return true;
        }
    }
    return false;
}

std::expected<net::IoResult, Error> WebSocketServer::read(std::span<std::uint8_t> into) {
    drained_ = false;
    std::size_t total = 0;
    while (total < into.size() && !failed_) {
        if (chunk_.empty()) {
            const auto more = next_chunk();
            if (!more) failed_ = more.error();
            if (!more || !*more) break;
        }
        const auto count = std::min(chunk_.size(), into.size() - total);
        std::memcpy(into.data() + total, chunk_.data(), count);
        chunk_ = chunk_.subspan(count);
        total += count;
    }
    static_cast<void>(flush());
    if (total > 0) return net::IoResult{net::IoState::ready, total};
    if (failed_) return std::unexpected(*failed_);
    return net::IoResult{ended_ ? net::IoState::end : net::IoState::would_block, 0};
}

}  // namespace

StreamFactory websocket_on(StreamFactory lower, WebSocketServerOptions options) {
    return [lower = std::move(lower), options = std::move(options)](int fd) -> net::StreamPtr {
        return std::make_unique<WebSocketServer>(lower(fd), options);
    };
}

}  // namespace mqttc::broker
