// The sources of options, from the lowest to the highest: environment, profile, config file, command line.
#include "read_options.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <utility>

#include "base/escape.hpp"
#include "base/text.hpp"
#include "command_line.hpp"
#include "connection_setup.hpp"
#include "generate.hpp"
#include "messages.hpp"
#include "option_context.hpp"
#include "option_rows.hpp"
#include "property_option.hpp"
#include "secrets.hpp"

namespace mqttc::app {
namespace {

using Failure = std::optional<NoOptions>;

NoOptions wrong(std::string text, std::string file = {}, unsigned line = 0) {
    return {.text = std::move(text), .file = std::move(file), .line = line};
}

// The options of one source.
struct SourceOptions {
    OptionSource source;
    std::string path = {};             // of a file
    std::string content = {};          // which the options view
    std::vector<unsigned> lines = {};  // of the content, for each argument
    std::vector<ParsedOption> options = {};

    unsigned line_of(const ParsedOption& option) const {
        return option.index < lines.size() ? lines[option.index] : 0;
    }
    bool has(Role role) const {
        return std::ranges::any_of(options, [&](const ParsedOption& one) { return one.row->role == role; });
    }
};

// A file cannot have options with these roles.
constexpr Role roles_on_line_only[] = {Role::config_file, Role::profile, Role::help, Role::version,
                                       Role::generate};

// The query of a PKCS#11 URI can name a module, which is loaded and so runs (RFC 7512 section 2.4: module-path and
// module-name).
bool names_module(const ParsedOption& option) {
    return option.row->value == ValueKind::file &&
           equal_ignoring_case(option.value().substr(0, 7), "pkcs11:") &&
           option.value().find("module-") != std::string_view::npos;
}

class OptionReader {
  public:
    OptionReader(const OptionInput& input, OptionContext& context) : input_(input), context_(context) {}

    Failure read() {
        auto line = parse_arguments(context_.table, context_.program, input_.arguments);
        auto failure = read_sources(line);
        wipe_secrets(line);
        return failure;
    }

  private:
    // All options are stored: their sources are not needed any more.
    void wipe_secrets(const ParsedLine& line) {
        for (SourceOptions& file : sources_) explicit_bzero(file.content.data(), file.content.size());
        if (!input_.wipe) return;
        const auto wipe = [this](const ParsedOption& option) {
            if (const auto secret = secret_of(option); !secret.empty())
                input_.wipe(secret, option.row->secrecy == Secrecy::url_password);
        };
        for (const ParsedOption& option : line.options) wipe(option);
        context_.table.for_each(only(context_.program), [&](const OptionRow& row) {
            if (row.environment.empty() || row.secrecy == Secrecy::not_secret) return;
            if (const auto value = environment(row.environment))
                wipe({.row = &row, .spelling = {}, .values = {*value}});
        });
    }

    Failure read_sources(const ParsedLine& line) {
        for (const ParsedOption& option : line.options) {
            switch (option.row->role) {
                case Role::help:
                    return NoOptions{.text = help_text(context_.table, called()), .is_error = false};
                case Role::version:
                    return NoOptions{.text = version_text(called()), .is_error = false};
                case Role::generate:
                    if (const auto kind = to_choice(option.value(), option.row->choices); !kind)
                        return wrong(option.spelling + ": " + kind.error());
                    return NoOptions{
                        .text = generate(context_.table, context_.program, option.value(), properties_of),
                        .is_error = false};
                case Role::quiet:
                    context_.run->quiet = true;
                    break;
                default:
                    break;
            }
        }
        if (!line.error.empty()) return wrong(line.error);
        if (auto failure = load_profile(line.options)) return failure;
        if (auto failure = load_config(line.options)) return failure;
        sources_.push_back({.source = OptionSource::command_line, .options = line.options});
        // mosquitto_rr: as a default, before what it concerns.
        if (called().request)
            static_cast<void>(context_.apply({.row = context_.table.find(only(context_.program), "request"),
                                              .spelling = std::string(called().name),
                                              .values = {}}));
        if (auto failure = apply_environment()) return failure;
        for (const SourceOptions& source : sources_) {
            if (auto failure = apply(source)) return failure;
        }
        if (auto rules = context_.check_rules(); !rules) return wrong(rules.error());
        take_url_path();
        warn_of_topics();
        warn_of_plain_tls_port();
        for (const GivenOption& option : context_.given) {
            if (option.row->secrecy == Secrecy::file_content) check_secret_file(option.value);
        }
        return std::nullopt;
    }

    const CalledAs& called() const { return context_.connection->called; }

    std::optional<std::string_view> environment(std::string_view name) const {
        auto value = input_.environment(name);
        if (value && value->empty()) value.reset();
        return value;
    }

    FileAccess access(const std::string& path) const {
        return input_.file_access ? input_.file_access(path) : FileAccess();
    }

    void check_secret_file(const std::string& path) {
        if (!access(path).others_can_read) return;
        const std::string shown = escape_controls(path);
        context_.run->warnings.push_back(
            shown + " contains a secret and other users can read it: chmod 600 " + shown);
    }

    // What follows the host in ws://host/path is the path when -t gives the topic, or when it is what brokers use.
    void take_url_path() {
        UrlParts& url = context_.url;
        ConnectionOptions& connection = *context_.connection;
        const bool is_path = context_.find("topic") != nullptr || url.path == "/mqtt" || url.path == "/ws";
        if (url.path.empty() || !connection.url_websocket || !is_path || context_.find("ws-path") != nullptr)
            return;
        connection.websocket_options.path = url.path;
        if (url.topic) forget_url_topic(context_);
    }

    // Topics that are easily given without intention.
    void warn_of_topics() {
        const auto& topics = context_.pub != nullptr ? context_.pub->topics : context_.sub->topics;
        std::vector<std::string>& warnings = context_.run->warnings;
        for (const std::string& topic : topics) {
            if (context_.sub != nullptr && (topic == "/#" || topic.starts_with("/broker/")))
                warnings.push_back(in_quotes(topic).append(" begins with an empty level: write '$SYS") +
                                   topic + "' in single quotes for the topics of the broker");
        }
        const bool ambiguous = context_.url.topic && context_.url.path.rfind('/') == 0 &&
                               context_.connection->url_websocket && context_.find("ws-path") == nullptr;
        if (ambiguous)
            warnings.push_back(in_quotes(topics[context_.url.filter_index])
                                   .append(" in the URL is the topic, not the path of the WebSocket (with -t "
                                           "or --ws-path it is clear)"));
    }

    // --no-tls of a file also counts for port 8883 of the command line, where TLS is usual.
    void warn_of_plain_tls_port() {
        const GivenOption* port = context_.find("port");
        const GivenOption* no_tls = context_.find("no-tls");
        if (port == nullptr || no_tls == nullptr || port->source <= no_tls->source) return;
        const ConnectionOptions& connection = *context_.connection;
        if (connection.no_tls && connection.port == tls_port)
            context_.run->warnings.emplace_back(
                "port 8883 is used without TLS, because a configuration file contains --no-tls");
    }

    // An option that can harm the user is refused in a file that another user can change.
    Failure check_trust(const SourceOptions& file) const {
        const auto option = std::ranges::find_if(file.options, [](const ParsedOption& one) {
            return one.row->needs_safe_file || names_module(one);
        });
        if (option == file.options.end()) return std::nullopt;
        const FileAccess access = this->access(file.path);
        if (!access.others_own && !access.others_can_write) return std::nullopt;
        std::string why = option->spelling + " is refused, because ";
        why.append(access.others_own ? "this file belongs to another user"
                                     : "other users can write this file (chmod go-w it)");
        return wrong(std::move(why), file.path, file.line_of(*option));
    }

    // A variable filled from a file, such as a secret of a container, may end with a line end.
    std::optional<std::string_view> variable(const OptionRow& row) const {
        auto value = environment(row.environment);
        if (!value) return value;
        if (value->ends_with('\n')) value->remove_suffix(1);
        if (value->ends_with('\r')) value->remove_suffix(1);
        // Kubernetes and Docker set MQTT_PORT=tcp://10.0.0.1:1883 for a service named mqtt.
        const bool is_link = row.value == ValueKind::number && value->find("://") != value->npos;
        if (value->empty() || is_link) value.reset();
        return value;
    }

    // A variable is a default: not read when an option of a higher source replaces it. The URL first, because the
    // other variables are more specific.
    Failure apply_environment() {
        std::vector<const OptionRow*> rows;
        for (const bool is_url : {true, false}) {
            context_.table.for_each(only(context_.program), [&](const OptionRow& row) {
                if (!row.environment.empty() && (row.secrecy == Secrecy::url_password) == is_url)
                    rows.push_back(&row);
            });
        }
        context_.source = OptionSource::environment;
        context_.tls_dropped = drops_tls(OptionSource::environment);
        for (const OptionRow* row : rows) {
            const auto value = variable(*row);
            if (!value || is_replaced(*row)) continue;
            const ParsedOption option{.row = row,
                                      .spelling = "environment variable " + std::string(row->environment),
                                      .values = {*value}};
            if (const auto applied = apply(option); !applied) return wrong(applied.error());
        }
        return std::nullopt;
    }

    bool is_given(const OptionRow* row) const {
        return std::ranges::any_of(sources_, [&](const SourceOptions& source) {
            return std::ranges::find(source.options, row, &ParsedOption::row) != source.options.end();
        });
    }

    bool is_replaced(const OptionRow& row) const {
        bool replaced = row.role != Role::selects_tls && is_given(&row);
        for_each_alternative(row.replaces_environment, [&](std::string_view name, std::string_view) {
            replaced = replaced || is_given(context_.table.find(only(context_.program), name));
        });
        return replaced;
    }

    std::string config_directory() const {
        if (auto directory = environment("XDG_CONFIG_HOME")) return std::string(*directory);
        if (auto home = environment("HOME")) return std::string(*home) + "/.config";
        return {};
    }

    static NoOptions cannot_read(std::string_view option, const std::string& path, int error) {
        std::string message(option);
        return wrong(message.append(": cannot read ")
                         .append(escape_controls(path))
                         .append(": ")
                         .append(errno_text(error)));
    }

    Failure load_profile(const std::vector<ParsedOption>& options) {
        const auto profile = std::ranges::find_if(
            options.rbegin(), options.rend(),
            [](const ParsedOption& option) { return option.row->role == Role::profile; });
        if (profile == options.rend()) return std::nullopt;
        const std::string_view name = profile->value();
        if (name.empty() || name.starts_with('.') || name.find('/') != name.npos)
            return wrong("--profile: " + in_quotes(name) + " is not the name of a profile");
        const std::string directory = config_directory();
        if (directory.empty()) return wrong("--profile: neither XDG_CONFIG_HOME nor HOME is set");
        const std::string path = directory + "/mqtt/" + std::string(name) + ".conf";
        auto content = input_.load_file(path);
        if (!content) return cannot_read("--profile", path, content.error());
        return parse_file(std::move(*content), OptionSource::profile, path);
    }

    Failure load_config(const std::vector<ParsedOption>& options) {
        const ParsedOption* chosen = nullptr;
        for (const ParsedOption& option : options) {
            if (option.row->role != Role::config_file) continue;
            if (chosen != nullptr) return wrong("-o can be given only once");
            chosen = &option;
        }
        if (chosen != nullptr) {
            const std::string path(chosen->value());
            auto content = input_.load_file(path);
            if (!content) return cannot_read("-o", path, content.error());
            return parse_file(std::move(*content), OptionSource::config_file, path);
        }
        const std::string directory = config_directory();
        if (directory.empty()) return std::nullopt;
        const std::string own = directory + "/" + std::string(called().name);
        Failure failure;
        if (load_default_config(own, failure) || called().mosquitto) return failure;
        // Not all users want to copy the file that they have.
        const std::string_view mosquitto =
            context_.program == Program::pub ? "mosquitto_pub" : "mosquitto_sub";
        const std::string other = directory + "/" + std::string(mosquitto);
        if (load_default_config(other, failure)) context_.run->borrowed_config = other;
        return failure;
    }

    // False: there is no such file.
    bool load_default_config(const std::string& path, Failure& failure) {
        auto content = input_.load_file(path);
        if (content) {
            failure = parse_file(std::move(*content), OptionSource::config_file, path);
            return true;
        }
        const int error = content.error();
        if (error == ENOENT || error == ENOTDIR) return false;
        // With another user's HOME (services, sudo) its directory may not even be searchable: as if there was no file.
        // "path/." fails with ENOTDIR when the file exists.
        const auto inside = input_.load_file(path + "/.");
        if (error == EACCES && (inside || inside.error() != ENOTDIR)) return false;
        // What is in it, such as TLS, must not be left out silently.
        NoOptions unreadable = cannot_read("config file", path, error);
        unreadable.text.append(" (-o reads another one, -o /dev/null none)");
        failure = std::move(unreadable);
        return true;
    }

    Failure parse_file(std::string content, OptionSource source, const std::string& path) {
        SourceOptions& file = sources_.emplace_back(
            SourceOptions{.source = source, .path = path, .content = std::move(content)});
        auto config =
            read_config(context_.table, context_.program, file.content, source == OptionSource::profile);
        auto line = parse_arguments(context_.table, context_.program, config.arguments);
        file.lines = std::move(config.lines);
        file.options = std::move(line.options);
        if (file.has(Role::quiet)) context_.run->quiet = true;
        if (!line.error.empty()) return wrong(line.error, path, file.lines[line.error_index]);
        if (!config.error.empty()) return wrong(config.error, path, config.error_line);
        for (const ParsedOption& option : file.options) {
            if (std::ranges::find(roles_on_line_only, option.row->role) != std::end(roles_on_line_only))
                return wrong(option.spelling + " belongs on the command line, not in a file", path,
                             file.line_of(option));
        }
        if (std::ranges::any_of(file.options, holds_secret)) check_secret_file(path);
        return check_trust(file);
    }

    // Whether --no-tls of a higher source, or of this one, makes TLS options meaningless, also wrong ones.
    bool drops_tls(OptionSource source) const {
        return std::ranges::any_of(sources_, [&](const SourceOptions& one) {
            return one.source >= source && one.has(Role::no_tls);
        });
    }

    // --no-tls: takes back what lower sources have set for TLS.
    void drop_tls() {
        ConnectionOptions& connection = *context_.connection;
        connection.no_tls = true;
        connection.tls = {};
        connection.tls_requested.reset();
        connection.url_tls = false;
        connection.key_passphrase_file.clear();
        connection.psk_file.clear();
        std::erase_if(context_.given,
                      [](const GivenOption& option) { return option.row->role == Role::selects_tls; });
    }

    OptionResult apply(const ParsedOption& option) {
        ConnectionOptions& connection = *context_.connection;
        switch (option.row->role) {
            case Role::selects_tls:
                if (context_.tls_dropped) return {};  // whatever is wrong with it
                connection.tls_requested = context_.source;
                connection.no_tls = false;
                break;
            case Role::selects_websocket:
                connection.websocket = true;
                break;
            case Role::selects_v5:
                connection.v5_option = option.spelling;
                break;
            default:
                break;
        }
        return context_.apply(option);
    }

    Failure apply(const SourceOptions& source) {
        context_.source = source.source;
        context_.tls_dropped = drops_tls(source.source);
        context_.has_no_tls = source.has(Role::no_tls);
        if (context_.has_no_tls) drop_tls();
        for (const ParsedOption& option : source.options) {
            auto applied = apply(option);
            if (applied) continue;
            const bool is_option =
                context_.table.find_spelled(only(context_.program), option.value()) != nullptr;
            if (source.path.empty() && is_option)
                applied.error().append(" (is the value of ").append(option.spelling).append(" missing?)");
            return wrong(std::move(applied.error()), source.path, source.line_of(option));
        }
        return std::nullopt;
    }

    const OptionInput& input_;
    OptionContext& context_;
    std::deque<SourceOptions> sources_;  // options view the content
};

std::string topic_needed(const OptionContext& context, std::string_view argument, std::string_view more) {
    std::string message = "a topic is needed: -t " + std::string(argument);
    if (context.find("url") != nullptr) message.append(", or /").append(argument).append(" in the URL");
    return message.append(more);
}

// Completes the options and checks what concerns more than one of them; a missing topic is reported last.
OptionResult finalize(PubOptions& options, const OptionContext& context) {
    const bool lines = options.source == PayloadSource::lines;
    ConnectionOptions& connection = options.connection;
    connection.is_stream = lines;
    connection.may_acknowledge = options.qos != Qos::at_most_once || options.input == InputFormat::json ||
                                 options.input == InputFormat::csv;
    // Responses are recognised by properties, so a request uses MQTT 5 unless the user chose otherwise.
    // The same with messages that have properties of their own: without MQTT 5 these would be lost.
    const bool needs_v5 = options.request || options.input == InputFormat::json;
    if (connection.version_auto && needs_v5) {
        connection.version_auto = false;
        connection.version = ProtocolVersion::v5;
    }
    if (options.request && !connection.version) connection.version = ProtocolVersion::v5;
    if (auto checked = check_connection(connection); !checked) return checked;
    if (options.request && effective_version(connection) != ProtocolVersion::v5 &&
        options.response_topic.empty())
        return std::unexpected(std::string("--request needs --response-topic without MQTT 5 (-V mqttv5)"));
    if (options.source == PayloadSource::none && !options.topics.empty())
        return std::unexpected(std::string("a message is needed: one of -m, -f, -l, -s, -n"));
    if (options.topics.empty() && (!lines || options.input == InputFormat::lines))
        return std::unexpected(topic_needed(context, "TOPIC", ""));
    return {};
}

OptionResult finalize(SubOptions& options, const OptionContext& context) {
    options.connection.is_stream = true;
    options.connection.may_acknowledge =
        std::ranges::any_of(options.qos, [](Qos qos) { return qos != Qos::at_most_once; });
    // Clearing thousands of topics with few in flight takes a round trip for each of them.
    constexpr std::uint16_t clearing_window = 1000;
    if (options.remove_retained && context.find("max-inflight") == nullptr)
        options.connection.max_inflight = clearing_window;
    if (auto checked = check_connection(options.connection); !checked) return checked;
    if (options.topics.empty() && options.unsubscribe.empty())
        return std::unexpected(topic_needed(context, "FILTER", " (or -U FILTER)"));
    // With a single topic the last -q counts, as it does in scripts that override an earlier one.
    if (options.topics.size() <= 1 || context.mosquitto) options.qos.assign(1, options.qos.back());
    if (options.qos.size() != 1 && options.qos.size() != options.topics.size())
        return std::unexpected("-q is given " + std::to_string(options.qos.size()) + " times for " +
                               std::to_string(options.topics.size()) +
                               " topics: give it once, or once for each topic");
    return {};
}

template <typename Options>
std::expected<Options, NoOptions> read_options(Program program, Options* OptionContext::* own,
                                               const OptionInput& input) {
    Options options;
    options.connection.called = input.called.value_or(own_name(program));
    OptionContext context{.program = program,
                          .table = pub_sub_options(),
                          .mosquitto = options.connection.called.mosquitto,
                          .connection = &options.connection,
                          .run = &options.run};
    context.*own = &options;
    Failure failure = OptionReader(input, context).read();
    if (!failure) {
        if (auto good = finalize(options, context); !good) failure = wrong(std::move(good.error()));
    }
    if (!failure) return options;
    failure->quiet = options.run.quiet;
    return std::unexpected(std::move(*failure));
}

}  // namespace

std::expected<PubOptions, NoOptions> read_pub_options(const OptionInput& input) {
    return read_options(Program::pub, &OptionContext::pub, input);
}

std::expected<SubOptions, NoOptions> read_sub_options(const OptionInput& input) {
    return read_options(Program::sub, &OptionContext::sub, input);
}

}  // namespace mqttc::app
