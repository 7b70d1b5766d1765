// Chooses a codec for each message, and reports what cannot be decoded.
#include "payload_decoder.hpp"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

#include "base/escape.hpp"
#include "base/text.hpp"
#include "json_out.hpp"
#include "number_format.hpp"

namespace mqttc::sub {
namespace {

using app::PayloadFormat;

/// Whether the topic is that of a Sparkplug B payload: all of them but STATE.
bool is_sparkplug_topic(std::string_view topic) {
    constexpr std::string_view name_space = "spBv1.0/";
    constexpr std::string_view types[] = {"NBIRTH", "NDEATH", "DBIRTH", "DDEATH",
                                          "NDATA",  "DDATA",  "NCMD",   "DCMD"};
    if (!topic.starts_with(name_space)) return false;
    topic.remove_prefix(name_space.size());
    const std::size_t group = topic.find('/');
    if (group == topic.npos) return false;
    topic.remove_prefix(group + 1);
    const std::size_t type = topic.find('/');
    return type != topic.npos && std::ranges::find(types, topic.substr(0, type)) != std::end(types);
}

/// The format that topic and content type announce: Sparkplug B by a topic such as spBv1.0/GROUP/NDATA/NODE, the others by
/// the content type. Bytes are never guessed at. Nothing: the payload stays as it is.
std::optional<PayloadFormat> announced_format(const Publish& message) {
    if (is_sparkplug_topic(message.topic)) return PayloadFormat::sparkplug;
    std::string_view type = message.properties.text_or_empty(PropertyId::content_type);
    type = trim_spaces(type.substr(0, type.find(';')));
    const auto is = [&](std::string_view name) { return equal_ignoring_case(type, name); };
    // "+cbor" and "+json" end the types of formats that are built on them (RFC 6838 section 4.2.8).
    const auto ends = [&](std::string_view suffix) {
        return type.size() > suffix.size() &&
               equal_ignoring_case(type.substr(type.size() - suffix.size()), suffix);
    };
    if (is("application/cbor") || ends("+cbor")) return PayloadFormat::cbor;
    if (is("application/json") || ends("+json")) return PayloadFormat::json;
    if (is("application/msgpack") || is("application/x-msgpack") || is("application/vnd.msgpack"))
        return PayloadFormat::msgpack;
    return std::nullopt;
}

}  // namespace

std::expected<void, std::string> PayloadDecoder::start() {
    return choice_.format == PayloadFormat::automatic ? std::expected<void, std::string>()
                                                      : open(choice_.format);
}

std::expected<void, std::string> PayloadDecoder::open(PayloadFormat format) {
    if (format == PayloadFormat::json) return {};
    auto codec = app::open_codec({.format = format,
                                  .file = choice_.file,
                                  .message = choice_.message,
                                  .readable_times = readable_times_});
    if (!codec) return std::unexpected("--decode: " + codec.error());
    codecs_[static_cast<std::size_t>(format)].codec = std::move(*codec);
    return {};
}

app::PayloadCodec* PayloadDecoder::codec_for(PayloadFormat format) {
    Opened& opened = codecs_[static_cast<std::size_t>(format)];
    if (opened.codec == nullptr && !opened.failed) {
        if (const auto done = open(format); !done) {
            opened.failed = true;
            messages_.error(done.error());
        }
    }
    return opened.codec.get();
}

std::optional<Publish> PayloadDecoder::decode(const Publish& message) {
    if (message.payload.empty()) return message;
    PayloadFormat format = choice_.format;
    if (format == PayloadFormat::automatic) {
        const auto announced = announced_format(message);
        if (!announced) return message;
        format = *announced;
    } else if (format == PayloadFormat::sparkplug && message.topic.starts_with("spBv1.0/STATE/")) {
        return message;  // JSON already
    }
    const bool is_protobuf = format == PayloadFormat::sparkplug || format == PayloadFormat::protobuf;
    const std::size_t most = is_protobuf ? app::max_protobuf_payload : max_payload;
    if (message.payload.size() > most)
        return undecoded(message, format, "it has more than " + std::to_string(most) + " bytes");
    Publish decoded = message;
    if (format == PayloadFormat::json) {
        json_.clear();
        output::JsonWriter writer(json_, output::JsonLayout::compact, false);
        const std::string why = output::write_checked_json(writer, as_text(message.payload));
        if (!why.empty()) return undecoded(message, format, why);
        decoded.payload = as_bytes(json_.view());
        return decoded;
    }
    app::PayloadCodec* const codec = codec_for(format);
    if (codec == nullptr) return undecoded(message, format, {});
    const app::CodecResult result = codec->decode(message.topic, message.payload);
    if (result.status == app::CodecResult::Status::out_of_memory) throw std::bad_alloc();
    if (result.status == app::CodecResult::Status::invalid) return undecoded(message, format, result.text);
    if (!result.note.empty() && is_first(noted_topics_, message.topic))
        messages_.warning("the payload of a message on topic " + in_quotes(message.topic) + ": " +
                          std::string(result.note));
    decoded.payload = as_bytes(result.text);
    return decoded;
}

bool PayloadDecoder::is_first(Topics& topics, std::string_view topic) {
    return topics.size() < max_topics && topics.emplace(topic).second;
}

// Without `why` the cause was reported before.
std::optional<Publish> PayloadDecoder::undecoded(const Publish& message, PayloadFormat format,
                                                 std::string_view why) {
    ++undecoded_;
    if (!why.empty() && is_first(reported_topics_, message.topic)) {
        ++reported_;
        messages_.error("the payload of a message on topic " + in_quotes(message.topic) + " is not " +
                        std::string(app::format_name(format)) + " (" + std::string(why) +
                        "): " + (skip_invalid_ ? "left out" : "printed as it is"));
    }
    if (skip_invalid_) return std::nullopt;
    return message;
}

void PayloadDecoder::finish() const {
    if (undecoded_ > reported_)
        messages_.error(app::count_text(undecoded_, "payload") + " could not be decoded");
}

void PayloadDecoder::add_statistics(app::StatsJson& json, std::string& line) {
    json.add("undecoded", undecoded_);
    if (undecoded_ > 0) line.append("; ").append(std::to_string(undecoded_)).append(" not decoded");
    for (const Opened& opened : codecs_) {
        if (opened.codec == nullptr) continue;
        if (const std::string_view more = opened.codec->statistics(app::StatisticsForm::json); !more.empty())
            json.json("sparkplug", more);
        if (const std::string_view more = opened.codec->statistics(app::StatisticsForm::text); !more.empty())
            line.append("; ").append(more);
    }
}

}  // namespace mqttc::sub
