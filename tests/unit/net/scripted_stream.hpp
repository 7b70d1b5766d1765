// A stream without a socket: a test says what it gives and how much it takes, and sees what was written.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "stream.hpp"

namespace mqttc::test {

struct Script {
    std::string input = {};             ///< what read() gives, then would_block
    std::size_t piece = SIZE_MAX;       ///< at most so much at once
    bool end = false;                   ///< after the input comes the end
    std::optional<Error> failure = {};  ///< after the input comes this
    std::string written = {};
    std::size_t room = SIZE_MAX;  ///< so much more is taken
    std::size_t held = 0;         ///< of earlier writes; write({}) pushes it on while there is room
    bool buffered = false;        ///< the input needs no readable descriptor
    bool shut_down = false;
};

class ScriptedStream final : public net::Stream {
  public:
    /// `script` must outlive the stream.
    explicit ScriptedStream(Script& script) : script_(script) {}

    std::expected<bool, Error> handshake() override { return true; }
    std::expected<net::IoResult, Error> read(std::span<std::uint8_t> into) override {
        if (script_.input.empty()) {
            if (script_.failure) return std::unexpected(*script_.failure);
            return net::IoResult{script_.end ? net::IoState::end : net::IoState::would_block, 0};
        }
        const auto count = std::min({into.size(), script_.input.size(), script_.piece});
        std::memcpy(into.data(), script_.input.data(), count);
        script_.input.erase(0, count);
        return net::IoResult{net::IoState::ready, count};
    }
    std::expected<net::IoResult, Error> write(Bytes from) override {
        if (script_.room > 0) script_.held = 0;
        if (from.empty()) return net::IoResult{};
        const auto count = std::min(from.size(), script_.room);
        if (count == 0) return net::IoResult{net::IoState::would_block, 0};
        script_.room -= count;
        script_.written += as_text(from.first(count));
        return net::IoResult{net::IoState::ready, count};
    }
    std::size_t unsent() const override { return script_.held; }
    bool buffered() const override {
        return script_.buffered && (!script_.input.empty() || script_.end || script_.failure);
    }
    void shutdown() override { script_.shut_down = true; }
    int descriptor() const override { return -1; }

  private:
    Script& script_;
};

}  // namespace mqttc::test
