// The dialogues with proxies, and a stream that only forwards after them.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "base/encoding.hpp"
#include "base/escape.hpp"
#include "base/text.hpp"
#include "http_head.hpp"
#include "layers.hpp"

namespace mqttc::net {

namespace {

/// A dialogue of requests and answers; bytes after the last answer belong to the tunnel.
class ProxyStream : public Stream {
  public:
    ProxyStream(StreamPtr lower, const Endpoint& endpoint) : endpoint_(endpoint), lower_(std::move(lower)) {}
    ~ProxyStream() override { wipe_request(); }

    std::expected<bool, Error> handshake() override;
    std::expected<IoResult, Error> read(std::span<std::uint8_t> into) override;
    std::expected<IoResult, Error> write(Bytes from) override { return lower_->write(from); }
    std::size_t unsent() const override { return lower_->unsent(); }
    bool buffered() const override { return open_ && (!in_.empty() || lower_->buffered()); }
    Wants wants(Wants caller) const override {
        if (open_ || !lower_open_) return lower_->wants(caller);
        return lower_->wants({.read = request_.empty(), .write = !request_.empty()});
    }
    const char* timeout_hint() const override { return open_ ? nullptr : kind_hint(); }
    void shutdown() override { lower_->shutdown(); }
    int descriptor() const override { return lower_->descriptor(); }

  protected:
    enum class Step : std::uint8_t {
        incomplete,  ///< the answer is not all there
        next,        ///< the next request was made
        done,        ///< the tunnel is open
    };
    /// Makes the first request.
    virtual void begin() = 0;
    /// Reads the answer, and removes it from in_ when it is complete.
    virtual std::expected<Step, Error> read_answer() = 0;
    /// What may be there instead of a proxy of this kind.
    virtual const char* kind_hint() const = 0;

    bool anonymous() const { return endpoint_.proxy->username.empty() && endpoint_.proxy->password.empty(); }
    std::unexpected<Error> failed(const std::string& why, int reason = 0, Hint hint = Hint::none) const;

    const Endpoint& endpoint_;
    std::string request_;  ///< may hold a secret
    std::string in_;

  private:
    std::unexpected<Error> ended_early(const std::string& how) const {
        return failed(how + " (" + kind_hint() + ")");
    }
    std::expected<void, Error> send_request();
    void wipe_request();

    StreamPtr lower_;
    bool lower_open_ = false;
    bool open_ = false;
    bool needs_more_ = true;
    std::size_t sent_ = 0;
};

std::unexpected<Error> ProxyStream::failed(const std::string& why, int reason, Hint hint) const {
    return std::unexpected(Error{ErrorCode::proxy_failed, reason,
                                 "cannot connect to " + endpoint_name(endpoint_) + " through the proxy " +
                                     endpoint_name(proxy_endpoint(*endpoint_.proxy)) + ": " + why,
                                 hint});
}

void ProxyStream::wipe_request() {
    explicit_bzero(request_.data(), request_.size());
    request_.clear();
    sent_ = 0;
}

std::expected<void, Error> ProxyStream::send_request() {
    while (sent_ < request_.size()) {
        const auto result = lower_->write(as_bytes(request_).subspan(sent_));
        if (!result) return std::unexpected(result.error());
        if (result->state != IoState::ready) return {};
        sent_ += result->count;
    }
    wipe_request();
    return {};
}

std::expected<bool, Error> ProxyStream::handshake() {
    if (open_) return true;
    if (!lower_open_) {
        const auto done = lower_->handshake();
        if (!done || !*done) return done;
        lower_open_ = true;
        begin();
    }
    for (;;) {
        if (const auto sent = send_request(); !sent) return ended_early(sent.error().context);
        if (!request_.empty()) return false;
        if (needs_more_) {
            std::array<std::uint8_t, 4096> room{};
            const auto got = lower_->read(room);
            if (!got) return ended_early(got.error().context);
            if (got->state == IoState::would_block) return false;
            if (got->state == IoState::end)
                return ended_early("the proxy closed the connection without an answer");
            in_ += as_text(Bytes(room).first(got->count));
        }
        auto step = read_answer();
        if (!step) return std::unexpected(std::move(step.error()));
        needs_more_ = *step == Step::incomplete || in_.empty();
        if (*step == Step::done) {
            open_ = true;
            return true;
        }
        if (*step == Step::incomplete && in_.size() > max_http_head)
            return failed("the proxy's answer is longer than " + std::to_string(max_http_head) + " bytes");
    }
}

std::expected<IoResult, Error> ProxyStream::read(std::span<std::uint8_t> into) {
    if (in_.empty()) return lower_->read(into);
    const auto count = std::min(into.size(), in_.size());
    std::memcpy(into.data(), in_.data(), count);
    in_.erase(0, count);
    return IoResult{IoState::ready, count};
}

// --- SOCKS5 ---

constexpr char socks_version = 5;
constexpr char auth_version = 1;
constexpr std::size_t max_socks_field = 255;
enum SocksMethod : std::uint8_t { method_none = 0, method_password = 2, method_refused = 0xff };
enum SocksAddress : std::uint8_t { address_ipv4 = 1, address_name = 3, address_ipv6 = 4 };

/// What a reply other than 0 means (RFC 1928 section 6).
const char* explain_socks_reply(std::uint8_t code) {
    static constexpr std::array meanings{
        "the proxy could not connect (general failure)",
        "the proxy's rules do not allow it",
        "the network is unreachable from the proxy",
        "the host is unreachable from the proxy, or it does not know the name",
        "connection refused by the broker's host (is a broker running there?)",
        "no answer from the broker's host (time to live expired)",
        "the proxy does not support CONNECT",
        "the proxy does not support this kind of address",
    };
    return code <= meanings.size() ? meanings[code - 1U] : "the proxy could not connect (unknown reason)";
}

class SocksStream final : public ProxyStream {
  public:
    using ProxyStream::ProxyStream;

  private:
    enum class Stage : std::uint8_t { method, password, connect };

    const char* kind_hint() const override { return "is it a SOCKS5 proxy?"; }

    void begin() override {
        request_ = {socks_version, 1, method_none};
        if (!anonymous()) request_ = {socks_version, 2, method_none, method_password};
    }

    std::expected<Step, Error> read_answer() override {
        const char version = stage_ == Stage::password ? auth_version : socks_version;
        if (in_[0] != version) {
            if (begins_like_http(in_)) return failed("it is an HTTP proxy", 0, Hint::proxy_http);
            return failed("it is not a SOCKS5 proxy");
        }
        if (in_.size() < 2) return Step::incomplete;
        const auto code = static_cast<std::uint8_t>(in_[1]);
        if (stage_ == Stage::connect) return read_reply(code);
        in_.erase(0, 2);
        if (stage_ == Stage::password) {
            if (code != 0) return failed("the proxy refuses the user name or the password", code);
            request_connection();
            return Step::next;
        }
        if (code == method_none) {
            request_connection();
        } else if (code == method_password && !anonymous()) {
            send_credentials();
        } else if (code == method_refused && anonymous()) {
            return failed("the proxy requires credentials", code, Hint::proxy_credentials);
        } else {
            return failed("the proxy supports neither password authentication nor anonymous access", code);
        }
        return Step::next;
    }

    void send_credentials() {
        const auto& proxy = *endpoint_.proxy;
        stage_ = Stage::password;
        request_.reserve(3 + proxy.username.size() + proxy.password.view().size());
        request_ = auth_version;
        add_field(proxy.username);
        add_field(proxy.password.view());
    }

    void request_connection() {
        stage_ = Stage::connect;
        constexpr char command_connect = 1;
        request_ = {socks_version, command_connect, 0};
        in6_addr address{};
        const auto& host = endpoint_.host;
        const auto add_address = [&](char kind, std::size_t size) {
            request_ += kind;
            request_.append(reinterpret_cast<const char*>(&address), size);
        };
        if (inet_pton(AF_INET, host.c_str(), &address) == 1) {
            add_address(address_ipv4, sizeof(in_addr));
        } else if (inet_pton(AF_INET6, host.c_str(), &address) == 1) {
            add_address(address_ipv6, sizeof(in6_addr));
        } else {
            request_ += static_cast<char>(address_name);
            add_field(host);
        }
        const auto port = effective_port(endpoint_);
        request_ += static_cast<char>(port >> 8);
        request_ += static_cast<char>(port & 0xff);
    }

    std::expected<Step, Error> read_reply(std::uint8_t code) {
        if (code != 0) return failed(explain_socks_reply(code), code);
        constexpr std::size_t head = 4;
        constexpr std::size_t port = 2;
        if (in_.size() <= head) return Step::incomplete;
        std::size_t size = head + port;
        switch (in_[3]) {
            case address_ipv4:
                size += sizeof(in_addr);
                break;
            case address_ipv6:
                size += sizeof(in6_addr);
                break;
            case address_name:
                size += std::size_t{1} + static_cast<std::uint8_t>(in_[head]);
                break;
            default:
                return failed("the proxy's answer is malformed");
        }
        if (in_.size() < size) return Step::incomplete;
        in_.erase(0, size);
        return Step::done;
    }

    /// make_proxy_stream has checked that it is not longer than max_socks_field.
    void add_field(std::string_view text) {
        request_ += static_cast<char>(text.size());
        request_ += text;
    }

    Stage stage_ = Stage::method;
};

// --- HTTP CONNECT ---

class ConnectStream final : public ProxyStream {
  public:
    using ProxyStream::ProxyStream;

  private:
    const char* kind_hint() const override { return "is it an HTTP proxy?"; }

    void begin() override {
        const auto target = endpoint_name(endpoint_);
        const auto& proxy = *endpoint_.proxy;
        std::string plain;
        plain.reserve(proxy.username.size() + 1 + proxy.password.view().size());
        plain.append(proxy.username).append(":").append(proxy.password.view());
        const auto size = base64_size(plain.size());
        // At once, so that no copy of the secret is left in freed memory.
        request_.reserve(2 * target.size() + size + 64);
        request_.append("CONNECT ").append(target).append(" HTTP/1.1\r\nHost: ").append(target);
        if (!anonymous()) {
            request_.append("\r\nProxy-Authorization: Basic ").append(size, '=');
            write_base64(as_bytes(plain), request_.data() + request_.size() - size);
        }
        request_.append("\r\n\r\n");
        explicit_bzero(plain.data(), plain.size());
    }

    std::expected<Step, Error> read_answer() override {
        if (!begins_like_http(in_)) {
            if (in_[0] == socks_version) return failed("it is a SOCKS5 proxy", 0, Hint::proxy_socks5);
            return failed("it is not an HTTP proxy");
        }
        const auto size = http_head_size(in_);
        if (!size) return Step::incomplete;
        const auto head = parse_http_head(std::string_view(in_).substr(0, *size));
        if (!head) return failed("the proxy's answer is malformed HTTP");
        if (head->status < 200 || head->status > 299) {
            const bool challenged = head->status == 401 || head->status == 407;
            const std::string other = challenged ? other_methods(*head) : std::string();
            return failed(
                "the proxy answered " + head->status_text() +
                    (other.empty() ? explain(head->status) : " (it accepts only " + other + ", not Basic)"),
                head->status,
                challenged && other.empty() && anonymous() ? Hint::proxy_credentials : Hint::none);
        }
        in_.erase(0, *size);
        return Step::done;
    }

    /// The authentication methods that the proxy names, when Basic is not among them (RFC 9110 section 11.7.1).
    static std::string other_methods(const HttpHead& head) {
        std::string names;
        for (auto list : head.all("Proxy-Authenticate")) {
            for (const auto part : split_list(list)) {
                const auto name = part.substr(0, part.find(' '));
                if (equal_ignoring_case(name, "basic")) return {};
                // A parameter of the method before it.
                if (name.empty() || name.find('=') != std::string_view::npos) continue;
                if (names.size() > max_quoted) continue;
                if (!names.empty()) names += ", ";
                names += escape_controls(name, max_quoted);
            }
        }
        return names;
    }

    const char* explain(int status) const {
        switch (status) {
            case 401:
            case 407:
                return anonymous() ? " (it requires credentials)"
                                   : " (it refuses the user name or the password)";
            case 403:
                return " (its rules do not allow this host or port)";
            case 400:
            case 404:
            case 405:
            case 501:
                return " (does it support CONNECT?)";
            case 500:
            case 502:
            case 503:
                return " (it cannot reach the broker: are host and port right, and is the broker up?)";
            case 504:
                return " (it got no answer from the broker)";
            default:
                return "";
        }
    }
};

}  // namespace

std::expected<StreamPtr, Error> make_proxy_stream(StreamPtr lower, const Endpoint& endpoint) {
    const auto& proxy = *endpoint.proxy;
    if (proxy.kind == ProxyKind::http_connect)
        return std::make_unique<ConnectStream>(std::move(lower), endpoint);
    const auto too_long = [](const char* what) {
        return std::unexpected(Error{ErrorCode::usage, 0,
                                     std::string(what) + " is longer than the " +
                                         std::to_string(max_socks_field) + " bytes that SOCKS5 can carry"});
    };
    if (endpoint.host.size() > max_socks_field) return too_long("the host name");
    if (proxy.username.size() > max_socks_field) return too_long("the proxy's user name");
    if (proxy.password.view().size() > max_socks_field) return too_long("the proxy's password");
    return std::make_unique<SocksStream>(std::move(lower), endpoint);
}

}  // namespace mqttc::net
