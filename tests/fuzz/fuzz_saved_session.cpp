// Fuzzes Session::restore: what is accepted is saved again as the same state, and can be sent.
//
// The first byte chooses the version, the rest are the saved bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "mqttc/codec.hpp"
#include "mqttc/session.hpp"

using namespace mqttc;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    SessionOptions options;
    options.version = static_cast<ProtocolVersion>(3 + data[0] % 3);
    options.clean_start = false;
    Session session(options);
    if (!session.restore(Bytes(data + 1, size - 1))) return 0;
    const auto saved = session.save();
    Session again(options);
    if (!again.restore(saved) || again.save() != saved) std::abort();
    const Time now{std::chrono::seconds(100)};
    SessionHandler handler;
    session.opened(now);
    std::vector<std::uint8_t> connack;
    static_cast<void>(encode(Connack{.session_present = data[0] >= 128}, options.version, connack));
    const auto write_all = [&] {
        while (!session.pending().empty()) session.sent(session.pending().size(), now);
    };
    write_all();
    static_cast<void>(session.receive(connack, now, handler));
    write_all();
    const Counters& it = session.counters();
    if (it.published != it.delivered + it.refused + it.uncertain + it.dropped + it.pending) std::abort();
    return 0;
}
