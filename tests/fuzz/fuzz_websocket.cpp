// Fuzzes what the peer sends before and between MQTT's bytes: the answer to an upgrade, a proxy's
// answers, WebSocket frames.
//
// Input: one byte that chooses, one that says in what pieces the rest arrives, the rest.
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/escape.hpp"
#include "layers.hpp"
#include "unit/net/scripted_stream.hpp"
#include "websocket_handshake.hpp"

using namespace mqttc;
using namespace mqttc::net;
using namespace mqttc::test;

namespace {

void demand(bool condition) {
    if (!condition) std::abort();
}

/// Carries the handshake on until it is done, failed, or waits for more than there is.
bool open(Stream& stream, Script& script) {
    for (;;) {
        const auto before = script.input.size();
        const auto done = stream.handshake();
        if (!done) {
            demand(!done.error().context.empty());
            const std::string& text = done.error().context;
            demand(escape_controls(text, text.size()) == text);
            demand(text.size() < 8192);
            stream.shutdown();
            return false;
        }
        if (*done) return true;
        demand(stream.wants({}).read || stream.wants({}).write);
        if (script.input.size() == before) return false;
    }
}

void read_all(Stream& stream, Script& script, std::size_t most) {
    std::size_t total = 0;
    std::uint8_t room[777];
    for (bool readable = true; readable || stream.buffered();) {
        readable = !script.input.empty();
        const auto got = stream.read(room);
        // The shortest ping has 2 bytes, its answer 6.
        demand(script.written.size() <= 3 * most);
        if (!got) break;
        if (got->state == IoState::end) break;
        total += got->count;
        demand(total <= most);
    }
    stream.shutdown();
    demand(script.shut_down);
}

void fuzz_proxy(ProxyKind kind, const std::string& input, std::size_t piece) {
    Endpoint endpoint;
    endpoint.host = "broker.example";
    endpoint.proxy.emplace();
    endpoint.proxy->kind = kind;
    endpoint.proxy->host = "proxy.example";
    if (piece % 2 == 0) endpoint.proxy->username = "user";
    Script script{.input = input, .piece = piece};
    const auto stream = make_proxy_stream(std::make_unique<ScriptedStream>(script), endpoint);
    demand(stream.has_value());
    if (!open(**stream, script)) return;
    // The requests to the proxy do not answer what is received through it.
    script.written.clear();
    read_all(**stream, script, input.size());
}

void fuzz_websocket(const std::string& input, std::size_t piece, bool upgraded) {
    Endpoint endpoint;
    endpoint.host = "broker.example";
    endpoint.websocket.emplace();
    Script script{.piece = piece};
    const auto stream = make_websocket_stream(std::make_unique<ScriptedStream>(script), endpoint);
    demand(stream.has_value());
    demand((*stream)->handshake() == false);
    if (upgraded) {
        const auto key = script.written.substr(script.written.find("Key: ") + 5, 24);
        script.input =
            "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
            websocket_accept(key) + "\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n";
    }
    script.input += input;
    script.written.clear();
    const bool opened = open(**stream, script);
    demand(opened || !upgraded);
    if (opened) read_all(**stream, script, input.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string input(as_text(Bytes(data, size).subspan(2)));
    const std::size_t piece = data[1] == 0 ? SIZE_MAX : data[1];
    switch (data[0] % 5) {
        case 0:
            fuzz_websocket(input, piece, true);
            break;
        case 1:
            fuzz_websocket(input, piece, false);
            break;
        case 2:
            fuzz_proxy(ProxyKind::socks5, input, piece);
            break;
        case 3:
            fuzz_proxy(ProxyKind::http_connect, input, piece);
            break;
        default: {
            Endpoint endpoint;
            endpoint.websocket.emplace();
            static_cast<void>(check_websocket_answer(input, "dGhlIHNhbXBsZSBub25jZQ==", endpoint));
        }
    }
    return 0;
}
