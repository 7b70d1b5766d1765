// What happens to the messages, as the options select it.
#include "printer.hpp"

#include <unistd.h>

#include <chrono>
#include <csignal>

#include "base/escape.hpp"
#include "color.hpp"
#include "connection_setup.hpp"
#include "csv_printer.hpp"
#include "exec_sink.hpp"
#include "file_sink.hpp"
#include "forwarding_sinks.hpp"
#include "live_table.hpp"
#include "live_view.hpp"
#include "message_printer.hpp"
#include "screen.hpp"
#include "text_out.hpp"

namespace mqttc::sub {

namespace {

using NewSink = std::expected<std::unique_ptr<output::MessageSink>, std::string>;

// --message-rate.
class RatePrinter final : public output::MessageSink {
  public:
    explicit RatePrinter(output::TextBuffer& out) : out_(out) {}
    bool take(const Publish& /*message*/) override {
        ++count_;
        return true;
    }
    std::optional<Duration> interval() const override { return std::chrono::seconds(1); }
    void tick() override {
        output::append_number(out_, count_);
        out_.push_back('\n');
        count_ = 0;
    }
    /// Messages of the last, incomplete second.
    void finish() override {
        if (count_ > 0) tick();
    }

  private:
    output::TextBuffer& out_;
    std::uint64_t count_ = 0;
};

// Where messages are printed, and how they may look there.
struct Target {
    output::TextBuffer& out;
    bool terminal;  // control characters are escaped
    bool color;
};

NewSink make_format_printer(const app::SubOptions& options, std::string_view format, Target target,
                            bool newline, app::Messages& messages) {
    return output::FormatPrinter::make(
        format,
        {.json = options.pretty ? output::JsonLayout::pretty : output::JsonLayout::compact,
         .terminal = target.terminal,
         .color = target.color,
         .skip_missing = options.skip_invalid},
        newline, target.out, messages);
}

NewSink make_live_view(const app::SubOptions& options, std::unique_ptr<Screen> screen, LiveValue value,
                       bool shared, output::TextBuffer& out, app::Messages& messages) {
    std::string filters;
    for (const std::string& filter : options.topics)
        filters.append(filters.empty() ? "" : ", ").append(filter);
    return std::make_unique<LiveView>(
        out, messages, std::move(screen), std::move(value),
        LiveView::Facts{.broker = endpoint_name(app::make_endpoint(options.connection)),
                        .filters = std::move(filters),
                        .command_options = broker_options(options.connection),
                        .format = options.format.value_or(""),
                        .whole_payloads = !options.field && !options.decode,
                        .takes_messages = shared},
        LiveView::Environment{
            .now = std::chrono::steady_clock::now,
            .wall = output::wall_time_now,
            // As Ctrl-C.
            .quit = [] { ::kill(::getpid(), SIGINT); },
            .write = [](std::string_view bytes) { static_cast<void>(app::write_stdout(bytes)); }});
}

NewSink make_live_output(const app::SubOptions& options, std::optional<output::FieldPath> field,
                         output::TextBuffer& out, app::Messages& messages) {
    LiveValue value;
    value.field = std::move(field);
    if (options.format) {
        value.line_out = std::make_unique<output::TextBuffer>();
        auto printer =
            make_format_printer(options, *options.format, {*value.line_out, true, false}, false, messages);
        if (!printer) return printer;
        value.line = std::move(*printer);
    }
    const bool shared = same_terminal(STDOUT_FILENO, STDERR_FILENO);
    if (options.run.debug && shared) {
        messages.error(
            "-d prints on this terminal, so that -w shows the simple table (2>FILE keeps the full screen)");
    } else {
        auto screen = make_screen(app::wants_color(options.run.color, true));
        if (screen)
            return make_live_view(options, std::move(*screen), std::move(value), shared, out, messages);
        if (!screen.error().empty()) messages.error(screen.error() + "; the simple table is shown");
    }
    LiveTable::Environment environment{.size = [] { return terminal_size(STDOUT_FILENO); },
                                       .now = std::chrono::steady_clock::now};
    auto table = std::make_unique<LiveTable>(out, std::move(value), std::move(environment));
    if (shared) table->share_terminal(messages);
    return table;
}

// The sink for whole messages.
NewSink make_output(const app::SubOptions& options, Target target, app::Messages& messages) {
    if (options.save) return FileSink::make(*options.save, messages);
    if (options.exec) return std::make_unique<ExecSink>(*options.exec, options.jobs, messages);
    if (options.message_rate) return std::make_unique<RatePrinter>(target.out);
    if (options.csv) return CsvPrinter::make(*options.csv, target.terminal, target.out);
    const bool newline = !options.no_newline;
    if (options.format) return make_format_printer(options, *options.format, target, newline, messages);
    if (options.dry_run && !options.verbose && !options.field)
        return make_format_printer(options, "%t", target, newline, messages);
    return std::make_unique<output::PlainPrinter>(
        target.out, output::PlainLayout{.topic = options.verbose || options.watch,
                                        .newline = newline,
                                        .terminal = target.terminal,
                                        .color = target.color});
}

}  // namespace

std::expected<std::unique_ptr<output::MessageSink>, std::string> make_printer(const app::SubOptions& options,
                                                                              bool is_terminal,
                                                                              output::TextBuffer& out,
                                                                              app::Messages& messages) {
    std::optional<output::FieldPath> field;
    if (options.field) {
        auto path = output::FieldPath::parse(*options.field);
        if (!path) return std::unexpected("--field: " + path.error());
        field = std::move(*path);
    }
    if (options.watch && !is_terminal)
        return std::unexpected("-w needs a terminal: standard output is not one");
    // With --raw there are colours only on request.
    const bool exact = options.raw && options.run.color == app::ColorMode::automatic;
    const Target target{.out = out,
                        .terminal = is_terminal && !options.raw,
                        .color = !exact && app::wants_color(options.run.color, is_terminal)};
    // A terminal without sequences gets lines.
    const bool live = options.watch && app::terminal_has_sequences();
    // The table shows what a payload without the value has instead.
    const bool table_finds = live && !options.format;
    auto sink = live ? make_live_output(options, table_finds ? field : std::nullopt, out, messages)
                     : make_output(options, target, messages);
    if (sink && options.only_changes) sink = std::make_unique<ChangesSink>(std::move(*sink), messages);
    if (sink && field && !table_finds)
        sink =
            std::make_unique<FieldSink>(std::move(*sink), std::move(*field), options.skip_invalid, messages);
    return sink;
}

std::string broker_options(const app::ConnectionOptions& options) {
    std::string words;
    const auto add = [&](std::string_view option, std::string_view value) {
        words.append(" ").append(option).append(" ").append(shell_word(value));
    };
    if (!options.endpoint.unix_path.empty()) {
        add("--unix", options.endpoint.unix_path);
    } else {
        if (options.endpoint.host != "localhost") add("-h", options.endpoint.host);
        if (options.port) add("-p", std::to_string(*options.port));
    }
    if (options.endpoint.srv) words.append(" -S");
    if (options.username) add("-u", *options.username);
    const TlsOptions& tls = options.tls;
    const bool has_pin = (tls.cert_file + tls.key_file).contains("pin-value=");
    const auto shown = [&](std::string_view file) { return has_pin ? std::string_view() : file; };
    for (const auto& [option, value] : std::initializer_list<std::pair<std::string_view, std::string_view>>{
             {"--cafile", tls.ca_file},
             {"--capath", tls.ca_path},
             {"--cert", shown(tls.cert_file)},
             {"--key", shown(tls.key_file)},
             {"--server-name", tls.server_name}}) {
        if (!value.empty()) add(option, value);
    }
    const bool own_anchors = !tls.ca_file.empty() || !tls.ca_path.empty();
    if (tls.system_store || (options.url_tls && !own_anchors)) words.append(" --tls-use-os-certs");
    if (!tls.verify) words.append(" --insecure");
    if (options.websocket || options.url_websocket) words.append(" --ws");
    if (options.websocket_options.path != WebSocketOptions().path)
        add("--ws-path", options.websocket_options.path);
    return words;
}

}  // namespace mqttc::sub
