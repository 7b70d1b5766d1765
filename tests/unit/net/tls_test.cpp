// The TLS stream between two ends in memory, over a lower stream that gives and takes as little as it likes.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>

#include "support/certificates.hpp"
#include "tls_module.hpp"
#include "tls_stream.hpp"

using namespace mqttc;
using namespace mqttc::net;
using namespace mqttc::test;

namespace {

/// One direction of a pipe.
struct Pipe {
    std::deque<std::uint8_t> bytes;
    std::size_t room = SIZE_MAX;  ///< how much it holds
    bool ended = false;
    std::size_t writes = 0;
};

/// An end of two pipes that moves at most `step` bytes a call, and every other call none.
class Narrow final : public Stream {
  public:
    Narrow(Pipe& in, Pipe& out, std::size_t step, bool moody)
        : in_(in), out_(out), step_(step), moody_(moody) {}

    std::expected<bool, Error> handshake() override { return true; }
    std::expected<IoResult, Error> read(std::span<std::uint8_t> into) override {
        if (in_.bytes.empty()) return IoResult{in_.ended ? IoState::end : IoState::would_block, 0};
        if (bad_mood()) return IoResult{IoState::would_block, 0};
        const auto count = std::min({into.size(), in_.bytes.size(), step_});
        std::copy_n(in_.bytes.begin(), count, into.begin());
        in_.bytes.erase(in_.bytes.begin(), in_.bytes.begin() + static_cast<std::ptrdiff_t>(count));
        return IoResult{IoState::ready, count};
    }
    std::expected<IoResult, Error> write(Bytes from) override {
        const auto count = std::min({from.size(), step_, out_.room - std::min(out_.room, out_.bytes.size())});
        if (count == 0 || bad_mood()) return IoResult{IoState::would_block, 0};
        out_.bytes.insert(out_.bytes.end(), from.begin(), from.begin() + static_cast<std::ptrdiff_t>(count));
        ++out_.writes;
        return IoResult{IoState::ready, count};
    }
    void shutdown() override { out_.ended = true; }
    int descriptor() const override { return -1; }

  private:
    bool bad_mood() {
        mood_ = !mood_;
        return moody_ && mood_;
    }
    Pipe& in_;
    Pipe& out_;
    std::size_t step_;
    bool moody_;
    bool mood_ = false;
};

struct Ends {
    explicit Ends(TlsVersion version = TlsVersion::v1_3, std::size_t step = SIZE_MAX, bool moody = false) {
        TlsOptions options;
        options.ca_file = certificates.ca_file();
        context = std::move(*load_tls(options, std::chrono::steady_clock::now() + std::chrono::seconds(5)));
        client = std::move(*context->wrap(std::make_unique<Narrow>(to_client, to_server, step, moody),
                                          {.host = "localhost", .target = "localhost:8883"}));
        const auto pair = certificates.issue("server");
        SSL_CTX* settings = SSL_CTX_new(TLS_server_method());
        REQUIRE(SSL_CTX_use_certificate_file(settings, pair.certificate.c_str(), SSL_FILETYPE_PEM) == 1);
        REQUIRE(SSL_CTX_use_PrivateKey_file(settings, pair.key.c_str(), SSL_FILETYPE_PEM) == 1);
        SSL_CTX_set_max_proto_version(settings,
                                      version == TlsVersion::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
        SSL_CTX_set_options(settings, SSL_OP_IGNORE_UNEXPECTED_EOF);
        SslPtr ssl(SSL_new(settings));
        SSL_CTX_free(settings);
        SSL_set_accept_state(ssl.get());
        server_ssl = ssl.get();
        server = std::make_unique<TlsStream>(
            std::make_unique<Narrow>(to_server, to_client, step, moody), std::move(ssl),
            [](const TlsFailure&) { return Error{ErrorCode::tls_failed, 0, "server"}; });
    }

    void shake_hands() {
        bool client_open = false;
        bool server_open = false;
        for (int turn = 0; turn < 100'000 && !(client_open && server_open); ++turn) {
            if (!client_open) client_open = client->handshake().value();
            // What is left of the last flights goes with the first bytes, or when it is asked to.
            if (client_open && client->unsent()) REQUIRE(client->write({}));
            if (server_open && server->unsent()) REQUIRE(server->write({}));
            if (!server_open) server_open = server->handshake().value();
        }
        REQUIRE(client_open);
        REQUIRE(server_open);
    }

    Certificates certificates;
    Pipe to_client;
    Pipe to_server;
    TlsContextPtr context;
    StreamPtr client;
    StreamPtr server;
    SSL* server_ssl = nullptr;
};

/// Moves `sent` from one end to the other.
std::string carry(Stream& from, Stream& to, const std::string& sent) {
    std::string received;
    std::size_t written = 0;
    std::vector<std::uint8_t> buffer(5000);
    for (int turn = 0; turn < 10'000'000 && received.size() < sent.size(); ++turn) {
        if (written < sent.size() || from.unsent()) {
            const auto result = from.write(as_bytes(sent).subspan(written));
            REQUIRE(result);
            written += result->count;
        }
        const auto result = to.read(buffer);
        REQUIRE(result);
        received.append(as_text(Bytes(buffer).first(result->count)));
    }
    CHECK_FALSE(from.unsent());
    return received;
}

std::string noise(std::size_t size) {
    std::mt19937 generator(7);
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(generator());
    return bytes;
}

}  // namespace

TEST_CASE("bytes come through unchanged whatever the lower stream gives and takes") {
    const std::string message = noise(100'000);
    for (const TlsVersion version : {TlsVersion::v1_2, TlsVersion::v1_3}) {
        for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, SIZE_MAX}) {
            for (const bool moody : {false, true}) {
                CAPTURE(step);
                Ends ends(version, step, moody);
                ends.shake_hands();
                const std::string part = step == 1 ? message.substr(0, 20'000) : message;
                CHECK((carry(*ends.client, *ends.server, part) == part));
                CHECK((carry(*ends.server, *ends.client, part) == part));
            }
        }
    }
}

TEST_CASE("a pipe that is full takes no more from the writer than a few records") {
    Ends ends;
    ends.shake_hands();
    ends.to_server.room = 1000;
    const std::string message = noise(4'000'000);
    std::size_t taken = 0;
    for (int i = 0; i < 100; ++i) {
        const auto result = ends.client->write(as_bytes(message).subspan(taken));
        REQUIRE(result);
        taken += result->count;
        if (result->state == IoState::would_block) break;
    }
    CHECK(ends.client->unsent());
    CHECK(ends.client->wants({.read = true, .write = false}).write);
    CHECK(taken < 512 * 1024);
    CHECK(ends.client->write(as_bytes(message))->state == IoState::would_block);
}

TEST_CASE("the client's last flight and its first bytes are one write") {
    Ends ends;
    while (!ends.client->handshake().value()) static_cast<void>(ends.server->handshake());
    const auto before = ends.to_server.writes;
    CHECK(ends.client->unsent());
    CHECK(ends.client->write(as_bytes("CONNECT"))->count == 7);
    CHECK(ends.to_server.writes == before + 1);
    CHECK(ends.server->handshake().value());
    std::uint8_t buffer[16];
    CHECK(ends.server->read(buffer)->count == 7);
}

TEST_CASE("close_notify is the end for the peer, and so is a connection that just ends") {
    std::uint8_t buffer[16];
    Ends polite;
    polite.shake_hands();
    polite.client->shutdown();
    CHECK_FALSE(polite.to_server.bytes.empty());
    CHECK(polite.server->read(buffer)->state == IoState::end);
    Ends rude;
    rude.shake_hands();
    rude.to_client.ended = true;
    while (rude.client->read(buffer)->state == IoState::would_block && !rude.to_client.bytes.empty()) {
    }
    CHECK(rude.client->read(buffer)->state == IoState::end);
    CHECK_FALSE(rude.client->buffered());
}

TEST_CASE("bytes received together with close_notify are delivered before the end") {
    Ends ends;
    ends.shake_hands();
    REQUIRE(ends.client->write(as_bytes("last words"))->count == 10);
    ends.client->shutdown();
    std::uint8_t buffer[64];
    CHECK(ends.server->read(buffer)->count == 10);
    CHECK(ends.server->read(buffer)->state == IoState::end);
}

TEST_CASE("what a read has left needs no readable descriptor: the rest of a record, and whole records") {
    for (const std::string_view second : {"", "second"}) {
        Ends ends;
        ends.shake_hands();
        REQUIRE(ends.client->write(as_bytes("first"))->count == 5);
        if (!second.empty()) REQUIRE(ends.client->write(as_bytes(second))->count == 6);
        std::uint8_t buffer[5];
        const auto room = std::span(buffer).first(second.empty() ? 3 : 5);
        CHECK(ends.server->read(room)->count == room.size());
        CHECK(ends.to_server.bytes.empty());
        CHECK(ends.server->buffered());
        CHECK(ends.server->read(buffer)->count == (second.empty() ? 2 : 5));
    }
}

namespace {

/// A record of 32 bytes that is not encrypted.
void forge_record(Pipe& pipe) {
    const std::string forged = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
    for (const std::uint8_t byte : as_bytes(forged)) pipe.bytes.push_back(byte);
}

}  // namespace

TEST_CASE("bytes received before a failure are delivered before it") {
    Ends ends;
    ends.shake_hands();
    REQUIRE(ends.server->write(as_bytes("last words"))->count == 10);
    forge_record(ends.to_client);
    std::uint8_t buffer[64];
    CHECK(ends.client->read(buffer)->count == 10);
    CHECK(ends.client->buffered());
    const auto failed = ends.client->read(buffer);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == ErrorCode::tls_failed);
    CHECK(failed.error().context == "TLS failed: decryption failed or bad record mac");
    // A caller that first received bytes reads once more.
    CHECK_FALSE(ends.client->read(buffer));
    CHECK(ends.client->buffered());
    CHECK_FALSE(ends.client->write(as_bytes("x")));
}

TEST_CASE("an alert reports a failure to the peer at once") {
    Ends ends;
    ends.shake_hands();
    forge_record(ends.to_client);
    std::uint8_t byte = 0;
    REQUIRE_FALSE(ends.client->read({&byte, 1}));
    CHECK_FALSE(ends.server->read({&byte, 1}));
}

TEST_CASE("a name that is empty, or only a dot, is not one that any certificate is for") {
    const Ends ends;
    Pipe in;
    Pipe out;
    for (const char* host : {"", ".", ".com", ".example.com", "a..example.com", ".."}) {
        CAPTURE(host);
        const auto refused = ends.context->wrap(std::make_unique<Narrow>(in, out, SIZE_MAX, false),
                                                {.host = host, .target = "there"});
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code == ErrorCode::tls_config);
    }
}

TEST_CASE("a change of keys in the middle is answered and does not disturb") {
    Ends ends;
    ends.shake_hands();
    CHECK(carry(*ends.server, *ends.client, "before") == "before");
    REQUIRE(SSL_key_update(ends.server_ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
    CHECK(carry(*ends.server, *ends.client, "after") == "after");
    CHECK(carry(*ends.client, *ends.server, "and back") == "and back");
}

TEST_CASE("any number of key updates is answered as long as the answers are read") {
    Ends ends;
    ends.shake_hands();
    for (int i = 0; i < 3'000; ++i) {  // about 27 bytes each
        REQUIRE(SSL_key_update(ends.server_ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
        REQUIRE(SSL_do_handshake(ends.server_ssl) == 1);
        REQUIRE(ends.server->write({}));
        std::uint8_t byte = 0;
        REQUIRE(ends.client->read({&byte, 1}));
        ends.to_server.bytes.clear();
    }
}

TEST_CASE("an upload that waits is not taken for answers to key updates") {
    Ends ends;
    ends.shake_hands();
    std::uint8_t byte = 0;
    REQUIRE(ends.client->read({&byte, 1}));
    ends.to_server.room = 0;
    REQUIRE(ends.client->write(as_bytes(noise(100'000))));
    REQUIRE(ends.client->unsent() > 64 * 1024);
    CHECK(ends.client->read({&byte, 1}));
}

TEST_CASE("key updates without end do not hold a read or a handshake") {
    constexpr int updates = 20'000;  // about 27 bytes each
    Ends ends;
    ends.shake_hands();
    const auto flood = [&](int kind) {
        for (int i = 0; i < updates; ++i) {
            REQUIRE(SSL_key_update(ends.server_ssl, kind) == 1);
            REQUIRE(SSL_do_handshake(ends.server_ssl) == 1);
        }
        REQUIRE(ends.server->write({}));
    };
    std::uint8_t byte = 0;
    SUBCASE("without answers") {
        flood(SSL_KEY_UPDATE_NOT_REQUESTED);
        const auto result = ends.client->read({&byte, 1});
        REQUIRE(result);
        CHECK(result->state == IoState::would_block);
        CHECK_FALSE(ends.to_client.bytes.empty());
    }
    SUBCASE("with answers that are not read") {
        ends.to_server.room = 0;
        flood(SSL_KEY_UPDATE_REQUESTED);
        std::expected<IoResult, Error> result = IoResult{};
        for (int i = 0; i < 100 && result; ++i) result = ends.client->read({&byte, 1});
        REQUIRE_FALSE(result);
        CHECK(result.error().context ==
              "the server changes its keys again and again and does not read the answers");
    }
}
