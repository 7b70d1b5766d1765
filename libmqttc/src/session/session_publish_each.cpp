// Many payloads for one topic: what is the same in their packets is checked and encoded once, then only lengths and
// payloads are written. Whatever is not the plain case goes through publish(), one by one.
#include <algorithm>

#include "publish_head.hpp"
#include "session_impl.hpp"

namespace mqttc {

std::expected<std::size_t, Error> Session::Impl::publish_each(const Publish& common,
                                                              std::span<const Bytes> payloads, Time now) {
    Publish one = common;
    for (std::size_t done = 0;; ++done) {
        done += append_each(common, payloads.subspan(done), now);
        if (done == payloads.size()) return done;
        one.payload = payloads[done];
        if (auto result = publish(one, now, PayloadMode::copied, nullptr); !result) {
            if (done > 0) return done;
            return std::unexpected(std::move(result.error()));
        }
    }
}

std::size_t Session::Impl::append_each(const Publish& common, std::span<const Bytes> payloads, Time now) {
    if (payloads.size() < 2 || common.qos != Qos::at_most_once || !live() || options.trace != nullptr)
        return 0;
    if (common.retain && !conn.limits.retain_available) return 0;
    if (v5() && (common.properties.find(PropertyId::topic_alias) ||
                 common.properties.find(PropertyId::subscription_identifier)))
        return 0;
    Publish wire = common;
    wire.payload = {};
    wire.dup = false;
    wire.packet_id = 0;
    OutgoingAliases::Choice choice = choose_alias(wire);
    // Used more than once it is in any case.
    if (choice.alias == 0) choice = choose_alias(wire);
    // publish() tells the broker what a new alias means.
    if (choice.alias != 0 && !choice.known) return 0;
    scratch.clear();
    if (!encode_publish(wire, options.version, scratch)) return 0;
    const auto frame = next_frame(scratch, scratch.size());
    if (!frame || !*frame) return 0;
    const codec::PublishHead head(**frame);

    const std::size_t largest =
        std::min<std::size_t>(conn.limits.maximum_packet_size, max_remaining_length + 5);
    std::size_t done = 0;
    for (std::size_t end = 0;; done = end) {
        const std::size_t waiting = conn.output.size() + lasting.kept.size();
        std::size_t size = 0;
        for (; end < payloads.size() && size < OnTheWay::group_bytes; ++end) {
            const std::size_t packet = head.packet_size(payloads[end].size());
            if (payloads[end].size() >= apart_when_copied || packet > largest ||
                waiting + size > options.max_output_bytes)
                break;
            size += packet;
        }
        if (end == done) break;
        std::vector<std::uint8_t>& buffer = conn.output.buffer();
        const std::uint64_t begin = conn.output.end_position();
        const std::size_t before = buffer.size();
        buffer.resize(before + size);
        codec::Writer out(buffer.data() + before);
        for (const Bytes payload : payloads.subspan(done, end - done)) head.put(out, payload);
        out.finish(buffer.data() + buffer.size());
        lasting.on_the_way.add(begin, begin + size, end - done);
    }
    if (done > 0) {
        conn.last_sent = now;
        lasting.counters.published += done;
    }
    return done;
}

}  // namespace mqttc
