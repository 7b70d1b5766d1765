// Prints messages: payload only, with the topic (-v), by a format (-F), or their number each second
// (--message-rate).
#include "printer.hpp"

#include <unistd.h>

#include <chrono>
#include <cstring>

#include "base/escape.hpp"
#include "exec_sink.hpp"
#include "file_sink.hpp"
#include "live_table.hpp"
#include "text_out.hpp"

namespace mqttc::sub {

bool PlainPrinter::take(const Publish& message) {
    const std::string_view payload = as_text(message.payload);
    if (terminal_ || payload.empty() || payload.size() >= TextBuffer::large_piece) [[unlikely]] {
        take_slowly(message.topic, payload);
        return true;
    }
    // One reserve() for all parts, which are copied.
    const std::string_view topic = verbose_ ? message.topic : std::string_view();
    char* const start = out_.reserve(topic.size() + payload.size() + 2);
    char* to = start;
    if (verbose_) {
        std::memcpy(to, topic.data(), topic.size());
        to += topic.size();
        *to++ = ' ';
    }
    std::memcpy(to, payload.data(), payload.size());
    to += payload.size();
    if (newline_) *to++ = '\n';
    out_.commit(static_cast<std::size_t>(to - start));
    return true;
}

void PlainPrinter::take_slowly(std::string_view topic, std::string_view payload) {
    if (payload.empty() && (!verbose_ || !newline_)) return;
    if (verbose_) {
        if (terminal_) {
            append_escaped(out_, topic, LineBreaks::hide);
        } else {
            out_.append(topic);
        }
        out_.push_back(' ');
    }
    if (payload.empty()) {
        out_.append("(null)");
    } else if (terminal_) {
        append_escaped(out_, payload, LineBreaks::keep);
    } else {
        out_.append(payload);
    }
    if (newline_) out_.push_back('\n');
}

bool FormatPrinter::take(const Publish& message) {
    const WallTime stamp = format_.needs_time() ? wall_time_now() : WallTime{};
    const RenderError error = format_.render(message, stamp, out_);
    counts_ = error != RenderError::not_json;
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
            line.append("is not a float: it has ")
                .append(std::to_string(message.payload.size()))
                .append(" bytes, not 4");
            break;
        case RenderError::not_double:
            line.append("is not a double: it has ")
                .append(std::to_string(message.payload.size()))
                .append(" bytes, not 8");
            break;
        case RenderError::none:
            return;
    }
    messages_.error(line);
}

bool FieldPrinter::take(const Publish& message) {
    value_.clear();
    const FieldResult result = find_field(as_text(message.payload), field_, value_);
    counts_ = result == FieldResult::found;
    if (!counts_) {
        messages_.error("a message on topic " + in_quotes(message.topic) +
                        " is not printed: " + field_error(result, field_));
        return true;
    }
    Publish shown = message;
    shown.payload = as_bytes(value_.view());
    return plain_.take(shown);
}

void RatePrinter::tick() {
    append_number(out_, count_);
    out_.push_back('\n');
    count_ = 0;
}

namespace {

std::expected<std::unique_ptr<MessageSink>, std::string> make_format_printer(const app::SubOptions& options,
                                                                             bool terminal, bool newline,
                                                                             TextBuffer& out,
                                                                             app::Messages& messages) {
    const FormatOptions format_options{.json = options.pretty ? JsonLayout::pretty : JsonLayout::compact,
                                       .terminal = terminal};
    auto format = Format::compile(*options.format, format_options);
    if (!format) return std::unexpected("-F: " + format.error());
    return std::make_unique<FormatPrinter>(out, std::move(*format), newline, messages);
}

std::expected<std::unique_ptr<MessageSink>, std::string> make_live_table(const app::SubOptions& options,
                                                                         std::optional<FieldPath> field,
                                                                         TextBuffer& out,
                                                                         app::Messages& messages) {
    LiveTable::Shown shown;
    shown.field = std::move(field);
    if (options.format) {
        shown.line_out = std::make_unique<TextBuffer>();
        auto printer = make_format_printer(options, true, false, *shown.line_out, messages);
        if (!printer) return printer;
        shown.line = std::move(*printer);
    }
    LiveTable::World world{.size = [] { return terminal_size(STDOUT_FILENO); },
                           .now = std::chrono::steady_clock::now};
    auto watch = std::make_unique<LiveTable>(out, std::move(shown), std::move(world));
    if (same_terminal(STDOUT_FILENO, STDERR_FILENO)) watch->share_terminal(messages);
    return watch;
}

}  // namespace

std::expected<std::unique_ptr<MessageSink>, std::string> make_printer(const app::SubOptions& options,
                                                                      bool is_terminal, TextBuffer& out,
                                                                      app::Messages& messages) {
    const bool visible = is_terminal && !options.raw;
    if (options.save) return FileSink::make(*options.save, messages);
    if (options.exec) return std::make_unique<ExecSink>(*options.exec, options.jobs, messages);
    if (options.message_rate) return std::make_unique<RatePrinter>(out);
    std::optional<FieldPath> field;
    if (options.field) {
        auto path = FieldPath::parse(*options.field);
        if (!path) return std::unexpected("--field: " + path.error());
        field = std::move(*path);
    }
    if (options.watch) {
        if (!is_terminal) return std::unexpected("-w needs a terminal: standard output is not one");
        return make_live_table(options, std::move(field), out, messages);
    }
    if (options.format) return make_format_printer(options, visible, !options.no_newline, out, messages);
    if (options.dry_run && !options.verbose && !field) {
        app::SubOptions topics = options;
        topics.format = "%t";
        return make_format_printer(topics, visible, !options.no_newline, out, messages);
    }
    if (field)
        return std::make_unique<FieldPrinter>(PlainPrinter(out, options, visible), std::move(*field),
                                              messages);
    return std::make_unique<PlainPrinter>(out, options, visible);
}

}  // namespace mqttc::sub
