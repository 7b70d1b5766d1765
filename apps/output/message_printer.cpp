// Prints messages.
#include "message_printer.hpp"

#include <cstring>
#include <string>

#include "color.hpp"
#include "json_scan.hpp"

namespace mqttc::output {

bool PlainPrinter::take(const Publish& message) {
    const std::string_view payload = as_text(message.payload);
    if (layout_.terminal || layout_.color || payload.empty() || payload.size() >= TextBuffer::large_piece)
        [[unlikely]] {
        take_slowly(message);
        return true;
    }
    // One reserve() for all parts, which are copied.
    const std::string_view topic = layout_.topic ? message.topic : std::string_view();
    char* const start = out_.reserve(topic.size() + payload.size() + 2);
    char* to = start;
    if (layout_.topic) {
        std::memcpy(to, topic.data(), topic.size());
        to += topic.size();
        *to++ = ' ';
    }
    std::memcpy(to, payload.data(), payload.size());
    to += payload.size();
    if (layout_.newline) *to++ = '\n';
    out_.commit(static_cast<std::size_t>(to - start));
    return true;
}

void PlainPrinter::put(std::string_view text, LineBreaks breaks) {
    if (layout_.terminal) {
        append_escaped(out_, text, breaks);
    } else {
        out_.append(text);
    }
}

void PlainPrinter::put_dim(std::string_view text) {
    if (layout_.color) out_.append(app::color::dim);
    put(text, LineBreaks::hide);
    if (layout_.color) out_.append(app::color::plain);
}

void PlainPrinter::take_slowly(const Publish& message) {
    const std::string_view payload = as_text(message.payload);
    if (payload.empty() && (!layout_.topic || !layout_.newline)) return;
    if (layout_.topic) {
        put_dim(message.topic);
        out_.push_back(' ');
    }
    if (payload.empty()) {
        put_dim("(null)");
    } else if (layout_.color && may_highlight(payload)) {
        append_highlighted(out_, payload, layout_.terminal);
    } else {
        put(payload, LineBreaks::keep);
    }
    if (!layout_.newline) return;
    if (layout_.color && message.retain) put_dim(" (retained)");
    out_.push_back('\n');
}

std::expected<std::unique_ptr<MessageSink>, std::string> FormatPrinter::make(std::string_view format,
                                                                             FormatOptions options,
                                                                             bool newline, TextBuffer& out,
                                                                             app::Messages& messages) {
    auto compiled = Format::compile(format, options);
    if (!compiled) return std::unexpected("-F: " + compiled.error());
    return std::make_unique<FormatPrinter>(out, std::move(*compiled), newline, messages);
}

bool FormatPrinter::take(const Publish& message) {
    const WallTime stamp = format_.needs_time() ? wall_time_now() : WallTime{};
    const RenderError error = format_.render(message, stamp, out_);
    counts_ = error != RenderError::not_json && error != RenderError::no_field;
    if (newline_ && counts_) out_.push_back('\n');
    if (error != RenderError::none) report(error, message);
    return true;
}

void FormatPrinter::report(RenderError error, const Publish& message) const {
    std::string line = "the payload of a message on topic " + in_quotes(message.topic) + " ";
    switch (error) {
        case RenderError::not_json:
            line.append("is not valid JSON (")
                .append(json_error(as_text(message.payload)))
                .append("): not printed (%j prints any payload)");
            break;
        case RenderError::not_float:
        case RenderError::not_double: {
            const bool is_float = error == RenderError::not_float;
            line.append(is_float ? "is not a float: it has " : "is not a double: it has ")
                .append(std::to_string(message.payload.size()))
                .append(is_float ? " bytes, not 4" : " bytes, not 8");
            break;
        }
        case RenderError::none:
        case RenderError::no_field:
            return;
    }
    messages_.error(line);
}

}  // namespace mqttc::output
