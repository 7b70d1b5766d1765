// Fuzzes the parser of the embedded broker's state files: whatever the bytes, what it accepts has one form, and a
// broker takes it over.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "broker.hpp"
#include "state.hpp"

using namespace mqttc;
using namespace mqttc::broker;

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Moment moment{.steady = Time(std::chrono::hours(5)), .wall = 1'750'000'000'000};
    auto state = parse_state({reinterpret_cast<const char*>(data), size}, moment);
    if (!state) return 0;
    const auto bytes = encode_state(*state, moment);
    const auto again = parse_state(bytes, moment);
    demand(again.has_value());
    demand(encode_state(*again, moment) == bytes);

    Broker broker({});
    const auto sessions = state->sessions.size();
    broker.restore(std::move(*state));
    demand(broker.sessions().size() <= sessions);
    for (const auto& [id, session] : broker.sessions()) {
        session->reconnected();
        while (session->start_next(100, moment.steady) != nullptr) {
        }
    }
    broker.publish("maison/salon", "x", Qos::exactly_once);
    demand(parse_state(encode_state(broker.state(), moment), moment).has_value());
    return 0;
}
