// The layers of options: environment, profile, config file, command line.
#include "parse.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "apply.hpp"
#include "messages.hpp"
#include "secrets.hpp"
#include "tokenize.hpp"

namespace mqttc::app {
namespace {

using Failure = std::optional<UsageError>;

// What one run of the parser carries from layer to layer.
class Parser {
  public:
    explicit Parser(const ParseInput& input) : input_(input), builder_(input.program) {}

    ParseResult run() {
        std::vector<Occurrence> seen;
        Tokens tokens = tokenize_arguments(input_.program, input_.arguments, &seen);
        for (const Occurrence& option : seen) {
            if (option.row->id == OptionId::help) return HelpRequest{};
            if (option.row->id == OptionId::version) return VersionRequest{};
            if (option.row->id == OptionId::quiet) quiet_ = true;
        }
        if (!tokens) return failed({.message = tokens.error().message});
        drop_tls_if_asked(*tokens);
        if (auto failure = read_environment()) return failed(*failure);
        if (auto failure = read_profile(*tokens)) return failed(*failure);
        if (auto failure = read_config(*tokens)) return failed(*failure);
        if (auto failure = apply_all(*tokens, Layer::command_line, {})) return failed(*failure);
        if (const auto password = environment("MQTT_PASSWORD")) {
            const auto set = builder_.set_environment_password(*password);
            if (!set) return failed({"environment variable MQTT_PASSWORD: " + set.error()});
        }
        auto options = builder_.finish();
        if (!options) return failed({.message = options.error()});
        options->warnings = std::move(warnings_);
        return std::move(*options);
    }

  private:
    UsageError failed(UsageError error) const {
        error.quiet = quiet_;
        return error;
    }

    std::optional<std::string> environment(std::string_view name) const {
        auto value = input_.environment(name);
        if (value && value->empty()) value.reset();
        return value;
    }

    Failure read_environment() {
        constexpr std::array variables{
            std::pair{"MQTT_URL", OptionId::url},        std::pair{"MQTT_HOST", OptionId::host},
            std::pair{"MQTT_PORT", OptionId::port},      std::pair{"MQTT_USERNAME", OptionId::username},
            std::pair{"MQTT_CAFILE", OptionId::ca_file},
        };
        for (const auto& [name, id] : variables) {
            const auto value = environment(name);
            if (!value) continue;
            Occurrence option{.row = &option_row(input_.program, id), .long_form = true};
            option.values[0] = *value;
            option.value_count = 1;
            if (const auto applied = builder_.apply(option, Layer::environment); !applied) {
                const std::string& error = applied.error();
                return UsageError{
                    std::string("environment variable ").append(name).append(error.substr(error.find(": ")))};
            }
        }
        return std::nullopt;
    }

    std::string config_folder() const {
        if (auto folder = environment("XDG_CONFIG_HOME")) return *folder;
        if (auto home = environment("HOME")) return *home + "/.config";
        return {};
    }

    static UsageError cannot_read(std::string_view option, const std::string& path, int error) {
        std::string message(option);
        return {
            message.append(": cannot read ").append(visible(path)).append(": ").append(std::strerror(error))};
    }

    Failure read_profile(const std::vector<Occurrence>& arguments) {
        const Occurrence* profile = nullptr;
        for (const Occurrence& option : arguments) {
            if (option.row->id == OptionId::profile) profile = &option;
        }
        if (profile == nullptr) return std::nullopt;
        const std::string_view name = profile->value();
        if (name.empty() || name.starts_with('.') || name.find('/') != name.npos) {
            return UsageError{
                std::string("--profile: '").append(visible(name)).append("' is not the name of a profile")};
        }
        const std::string folder = config_folder();
        if (folder.empty()) return UsageError{"--profile: neither XDG_CONFIG_HOME nor HOME is set"};
        const std::string path = folder + "/mqtt/" + std::string(name) + ".conf";
        const auto content = input_.load_file(path);
        if (!content) return cannot_read("--profile", path, content.error());
        return apply_file(*content, Layer::profile, path);
    }

    Failure read_config(const std::vector<Occurrence>& arguments) {
        const Occurrence* chosen = nullptr;
        for (const Occurrence& option : arguments) {
            if (option.row->id != OptionId::config_file) continue;
            if (chosen != nullptr) return UsageError{"-o: given twice"};
            chosen = &option;
        }
        std::string path;
        if (chosen != nullptr) {
            path = chosen->value();
        } else {
            const std::string folder = config_folder();
            if (folder.empty()) return std::nullopt;
            path = folder + "/" + std::string(program_name(input_.program));
        }
        const auto content = input_.load_file(path);
        if (content) return apply_file(*content, Layer::config_file, path);
        if (chosen != nullptr) return cannot_read("-o", path, content.error());
        const int error = content.error();
        if (error == ENOENT || error == ENOTDIR) return std::nullopt;
        // With somebody else's HOME (services, sudo) not even its folder may be looked into: as if it were not there.
        // Behind a file that is there nothing can stand.
        const auto behind = input_.load_file(path + "/.");
        if (error == EACCES && (behind || behind.error() != ENOTDIR)) return std::nullopt;
        // What stands in it, such as TLS, must not be left out without a word.
        UsageError unreadable = cannot_read("config file", path, error);
        unreadable.message.append(" (-o reads another one, -o /dev/null none)");
        return unreadable;
    }

    Failure apply_file(const std::string& content, Layer layer, const std::string& path) {
        const Tokens tokens = tokenize_file(input_.program, content, layer == Layer::profile);
        if (!tokens) return UsageError{tokens.error().message, path, tokens.error().line};
        for (const Occurrence& option : *tokens) {
            switch (option.row->id) {
                case OptionId::config_file:
                case OptionId::profile:
                case OptionId::help:
                case OptionId::version:
                    return UsageError{option.spelling() + " belongs on the command line, not in a file", path,
                                      option.line};
                case OptionId::quiet:
                    quiet_ = true;
                    break;
                default:
                    break;
            }
        }
        if (std::ranges::any_of(*tokens, holds_secret) && input_.open_to_others &&
            input_.open_to_others(path)) {
            warnings_.push_back(visible(path)
                                    .append(" holds a secret and others may read it: chmod 600 ")
                                    .append(visible(path)));
        }
        drop_tls_if_asked(*tokens);
        return apply_all(*tokens, layer, path);
    }

    void drop_tls_if_asked(const std::vector<Occurrence>& options) {
        const auto asks = [](const Occurrence& option) { return option.row->id == OptionId::no_tls; };
        if (std::ranges::any_of(options, asks)) builder_.drop_tls();
    }

    Failure apply_all(const std::vector<Occurrence>& options, Layer layer, const std::string& path) {
        for (const Occurrence& option : options) {
            if (auto applied = builder_.apply(option, layer); !applied) {
                if (path.empty() && is_option_name(input_.program, option.value()))
                    applied.error().append(" (is its own value missing?)");
                return UsageError{std::move(applied.error()), path, option.line};
            }
        }
        return std::nullopt;
    }

    const ParseInput& input_;
    OptionsBuilder builder_;
    bool quiet_ = false;
    std::vector<std::string> warnings_;
};

}  // namespace

std::string UsageError::text() const {
    if (file.empty()) return message;
    return visible(file).append(":").append(std::to_string(line)).append(": ").append(message);
}

ParseResult parse(const ParseInput& input) {
    return Parser(input).run();
}

}  // namespace mqttc::app
