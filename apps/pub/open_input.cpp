// From options to an input source and a plan.
#include "open_input.hpp"

#include <unistd.h>

#include "connection.hpp"
#include "fixed_input.hpp"
#include "json_lines.hpp"
#include "line_input.hpp"
#include "replay_input.hpp"
#include "text_in.hpp"
#include "text_lines.hpp"

namespace mqttc::pub {
namespace {

std::expected<Payload, PayloadError> load(const app::PubOptions& options, std::optional<Time> deadline) {
    switch (options.source) {
        case app::PayloadSource::file:
            return Payload::from_file(options.file, deadline);
        case app::PayloadSource::whole_stdin:
            return Payload::from_stdin(deadline);
        case app::PayloadSource::message: {
            std::string decoded;
            const auto done = decode(options.encoding, options.message, decoded);
            if (!done) return std::unexpected(PayloadError{false, "-m: " + done.error()});
            return Payload(std::move(decoded));
        }
        case app::PayloadSource::null:
        case app::PayloadSource::lines:
        case app::PayloadSource::none:
            return Payload();
    }
    return Payload();
}

std::unique_ptr<InputSource> open_lines(const app::Options& options, const app::Messages& messages) {
    const app::PubOptions& pub = options.pub;
    const auto parsed = [&](std::size_t longest_line, std::unique_ptr<LineParser> parser) {
        return std::make_unique<ParsedInput>(STDIN_FILENO, longest_line, std::move(parser), pub.skip_invalid);
    };
    // Two characters for a byte are the most that hexadecimal and base64 take.
    const std::size_t longest_payload = LineInput::max_line * (pub.encoding == app::Encoding::raw ? 1 : 2);
    switch (pub.input.value_or(app::InputFormat::lines)) {
        case app::InputFormat::lines:
            if (pub.encoding == app::Encoding::raw)
                return std::make_unique<LineInput>(STDIN_FILENO, LineInput::max_line, true);
            return parsed(longest_payload, std::make_unique<PayloadLines>(pub.encoding));
        case app::InputFormat::topic:
            return parsed(longest_payload, std::make_unique<TopicLines>(pub.separator, pub.encoding));
        case app::InputFormat::json: {
            const bool v5 = app::effective_version(options.connection) == ProtocolVersion::v5;
            JsonRules rules{.need_topic = pub.topics.empty(),
                            .need_time = pub.replay,
                            .send_properties = v5,
                            .warn = [&messages](std::string_view what) { messages.warning(what); }};
            auto lines = parsed(JsonLines::max_line, std::make_unique<JsonLines>(std::move(rules)));
            if (!pub.replay) return lines;
            return std::make_unique<ReplayInput>(std::move(lines), pub.speed);
        }
    }
    return nullptr;
}

}  // namespace

std::expected<std::unique_ptr<InputSource>, PayloadError> open_input(const app::Options& options,
                                                                     std::optional<Time> deadline,
                                                                     const app::Messages& messages) {
    const app::PubOptions& pub = options.pub;
    if (pub.source == app::PayloadSource::lines) return open_lines(options, messages);
    auto payload = load(pub, deadline);
    if (!payload) return std::unexpected(std::move(payload.error()));
    // Told before connecting: no broker could take it.
    constexpr std::size_t length_field = 2;
    const std::size_t packet_id = options.qos.front() == Qos::at_most_once ? 0 : 2;
    for (const std::string& topic : pub.topics) {
        const std::size_t most = max_remaining_length - length_field - topic.size() - packet_id;
        if (payload->bytes().size() <= most) continue;
        return std::unexpected(PayloadError{
            false, "the payload has " + std::to_string(payload->bytes().size()) +
                       " bytes, an MQTT packet with this topic holds " + std::to_string(most) + " at most"});
    }
    return std::make_unique<FixedInput>(std::move(*payload), pub.repeat, pub.repeat_delay);
}

PublishPlan make_plan(const app::Options& options, Time started) {
    PublishPlan plan;
    plan.topics = options.pub.topics;
    plan.qos = options.qos.front();
    plan.retain = options.pub.retain;
    plan.properties = app::properties_for(options, packet_bit(PacketType::publish));
    plan.disconnect_properties = app::properties_for(options, packet_bit(PacketType::disconnect));
    plan.rate = options.pub.rate;
    plan.stamp = options.pub.stamp;
    plan.stats = options.stats;
    plan.progress = options.pub.progress;
    plan.progress_by_itself = app::Messages::on_terminal() && !options.debug && !options.quiet;
    plan.reconnect_chosen = options.connection.reconnect.has_value();
    plan.outage = app::Outage(options);
    plan.confirm = options.pub.source == app::PayloadSource::lines;
    if (options.run_timeout) {
        plan.deadline = started + *options.run_timeout;
        plan.deadline_text = app::seconds_text(*options.run_timeout);
    }
    return plan;
}

}  // namespace mqttc::pub
