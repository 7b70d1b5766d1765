// From options to an input source.
#include "open_input.hpp"

#include <unistd.h>

#include "connection_setup.hpp"
#include "csv_lines.hpp"
#include "fixed_input.hpp"
#include "json_lines.hpp"
#include "line_input.hpp"
#include "payload_encoder.hpp"
#include "replay_input.hpp"
#include "text_in.hpp"
#include "text_lines.hpp"

namespace mqttc::pub {
namespace {

std::expected<LoadedPayload, PayloadError> load_as_given(const app::PubOptions& options,
                                                         std::optional<Time> deadline) {
    switch (options.source) {
        case app::PayloadSource::file:
            return LoadedPayload::from_file(options.file, deadline, options.connection.called.name);
        case app::PayloadSource::whole_stdin: {
            auto payload = LoadedPayload::from_stdin(deadline, options.connection.called.name);
            // mosquitto_rr accepts it.
            const bool accepts_none = !options.connection.called.mosquitto || options.request;
            if (accepts_none || !payload || !payload->bytes().empty()) return payload;
            return std::unexpected(
                PayloadError{false, "standard input is empty (-n publishes an empty message)"});
        }
        case app::PayloadSource::message:
            return LoadedPayload(options.message);
        case app::PayloadSource::null:
        case app::PayloadSource::lines:
        case app::PayloadSource::none:
            return LoadedPayload();
    }
    return LoadedPayload();
}

// The payload of one message, as it is published.
std::expected<LoadedPayload, PayloadError> load(const app::PubOptions& options,
                                                std::optional<Time> deadline) {
    auto payload = load_as_given(options, deadline);
    if (!payload) return payload;
    const std::string_view given = as_text(payload->bytes());
    const auto wrong = [&](const std::string& what) {
        const std::string source = options.source == app::PayloadSource::message ? "-m"
                                   : options.source == app::PayloadSource::file  ? options.file
                                                                                 : "stdin";
        return std::unexpected(PayloadError{false, source + ": " + what});
    };
    if (options.encode) {
        auto encoder = PayloadEncoder::open(*options.encode);
        if (!encoder) return std::unexpected(PayloadError{false, encoder.error()});
        const auto bytes = encoder->encode(given);
        if (!bytes) return wrong(bytes.error());
        return LoadedPayload(std::string(as_text(*bytes)));
    }
    if (options.encoding != app::Encoding::raw) {
        std::string decoded;
        const auto done = decode(options.encoding, given, decoded);
        if (!done) return wrong(done.error());
        return LoadedPayload(std::move(decoded));
    }
    return payload;
}

std::expected<std::unique_ptr<InputSource>, PayloadError> open_lines(const app::PubOptions& options,
                                                                     app::Messages& messages) {
    std::optional<PayloadEncoder> encoder;
    if (options.encode) {
        auto opened = PayloadEncoder::open(*options.encode);
        if (!opened) return std::unexpected(PayloadError{false, opened.error()});
        encoder = std::move(*opened);
    }
    const auto parsed = [&](std::size_t longest_line, std::unique_ptr<LineParser> parser) {
        if (encoder) parser = std::make_unique<EncodedLines>(std::move(parser), std::move(*encoder));
        return std::make_unique<ParsedInput>(STDIN_FILENO, longest_line, std::move(parser),
                                             options.skip_invalid);
    };
    const auto warn = [&messages](std::string_view what) { messages.warning(what); };
    // Hexadecimal and base64 take at most two characters for a byte.
    const std::size_t longest_payload =
        LineInput::max_line * (options.encoding == app::Encoding::raw ? 1 : 2);
    switch (options.input) {
        case app::InputFormat::lines:
            if (options.encoding == app::Encoding::raw && !options.encode) {
                // In batches when there is nothing to do for each message.
                const bool timed = options.run.stats && options.qos != Qos::at_most_once;
                const bool plain = options.topics.size() == 1 && !options.rate && !options.stamp && !timed;
                return std::make_unique<LineInput>(STDIN_FILENO, LineInput::max_line, true,
                                                   plain ? LineInput::max_batch : 1);
            }
            return parsed(longest_payload, std::make_unique<PayloadLines>(options.encoding));
        case app::InputFormat::topic:
            return parsed(longest_payload,
                          std::make_unique<TopicLines>(options.separator, options.encoding, warn));
        case app::InputFormat::csv: {
            CsvRules rules{.topics = options.topics,
                           .payload_column = options.payload_column,
                           .encoding = options.encoding};
            if (options.separator && (options.separator->size() != 1 || *options.separator == "\""))
                return std::unexpected(
                    PayloadError{false, "--separator: CSV needs one ASCII character that is not a quote"});
            if (options.separator) rules.separator = options.separator->front();
            return parsed(JsonLines::max_line, std::make_unique<CsvLines>(std::move(rules)));
        }
        case app::InputFormat::json: {
            const bool v5 = app::effective_version(options.connection) == ProtocolVersion::v5;
            JsonRules rules{.need_topic = options.topics.empty(),
                            .need_time = options.replay,
                            .send_properties = v5,
                            .warn = warn};
            auto lines = parsed(JsonLines::max_line, std::make_unique<JsonLines>(std::move(rules)));
            if (!options.replay) return lines;
            return std::make_unique<ReplayInput>(std::move(lines), options.speed);
        }
    }
    return nullptr;
}

}  // namespace

std::expected<std::unique_ptr<InputSource>, PayloadError> open_input(const app::PubOptions& options,
                                                                     std::optional<Time> deadline,
                                                                     app::Messages& messages) {
    if (options.source == app::PayloadSource::lines) return open_lines(options, messages);
    auto payload = load(options, deadline);
    if (!payload) return std::unexpected(std::move(payload.error()));
    // Reported before connecting: no broker could accept it.
    constexpr std::size_t length_field = 2;
    const std::size_t packet_id = options.qos == Qos::at_most_once ? 0 : 2;
    for (const std::string& topic : options.topics) {
        const std::size_t most = max_remaining_length - length_field - topic.size() - packet_id;
        if (payload->bytes().size() <= most) continue;
        return std::unexpected(PayloadError{
            false, "the payload has " + std::to_string(payload->bytes().size()) +
                       " bytes, an MQTT packet with this topic holds " + std::to_string(most) + " at most"});
    }
    return std::make_unique<FixedInput>(std::move(*payload), options.repeat, options.repeat_delay);
}

}  // namespace mqttc::pub
