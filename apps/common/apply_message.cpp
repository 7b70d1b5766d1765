// Options that say what is published, subscribed to and printed.
#include "apply.hpp"
#include "values.hpp"

namespace mqttc::app {

using Result = std::expected<void, std::string>;

Result OptionsBuilder::apply_topic(const Occurrence& option) {
    if (options_.program == Program::sub) {
        auto filter = to_filter(option.value());
        if (!filter) return std::unexpected(std::move(filter.error()));
        options_.sub.topics.push_back(std::move(*filter));
        return {};
    }
    auto topic = to_topic(option.value());
    if (!topic) return std::unexpected(std::move(topic.error()));
    if (!repeated(OptionId::topic) || url_topic_) options_.pub.topics.clear();
    url_topic_ = false;
    // A config file names one topic, the last; only the command line can ask for several.
    if (layer_ != Layer::command_line) options_.pub.topics.clear();
    options_.pub.topics.push_back(std::move(*topic));
    return {};
}

Result OptionsBuilder::set_source(PayloadSource source, const Occurrence& option) {
    if (source_layer_ == layer_) {
        return std::unexpected(std::string("the message is already given by ").append(source_name_));
    }
    source_layer_ = layer_;
    source_name_ = option.spelling();
    options_.pub.source = source;
    return {};
}

Result OptionsBuilder::apply_message(const Occurrence& option) {
    PubOptions& pub = options_.pub;
    const std::string_view value = option.value();
    switch (option.row->id) {
        case OptionId::topic:
            return apply_topic(option);
        case OptionId::message:
            if (auto set = set_source(PayloadSource::message, option); !set) return set;
            pub.message = value;
            return {};
        case OptionId::file:
            if (auto set = set_source(PayloadSource::file, option); !set) return set;
            return store(pub.file, to_path(value));
        case OptionId::stdin_line:
            return set_source(PayloadSource::lines, option);
        case OptionId::stdin_file:
            return set_source(PayloadSource::whole_stdin, option);
        case OptionId::null_message:
            return set_source(PayloadSource::null, option);
        case OptionId::qos: {
            const auto qos = to_qos(option);
            if (!qos) return std::unexpected(qos.error());
            options_.qos.assign(1, *qos);
            return {};
        }
        case OptionId::retain:
            pub.retain = true;
            return {};
        case OptionId::repeat:
            return store(pub.repeat, to_number(value, 1, UINT64_MAX));
        case OptionId::repeat_delay:
            return store(pub.repeat_delay, to_seconds(value));
        case OptionId::rate: {
            constexpr double slowest = 0.001;
            constexpr double fastest = 1e9;
            return store(pub.rate, to_decimal(value, slowest, fastest));
        }
        case OptionId::encoding:
        case OptionId::input: {
            const auto choice = to_choice(option);
            if (!choice) return std::unexpected(choice.error());
            if (option.row->id == OptionId::encoding) {
                pub.encoding = static_cast<Encoding>(*choice);
            } else {
                pub.input = static_cast<InputFormat>(*choice);
            }
            return {};
        }
        case OptionId::separator:
            if (value.empty()) return std::unexpected(std::string("the separator is empty"));
            pub.separator = value;
            return {};
        case OptionId::skip_invalid:
            pub.skip_invalid = true;
            return {};
        case OptionId::replay:
            pub.replay = true;
            return {};
        case OptionId::request:
            pub.request = true;
            return {};
        case OptionId::response_topic:
            return store(pub.response_topic, to_topic(value));
        case OptionId::count:
            return store(options_.count, to_number(value, 1, UINT64_MAX));
        case OptionId::progress:
            pub.progress = true;
            return {};
        case OptionId::stamp:
            pub.stamp = true;
            return {};
        case OptionId::speed: {
            constexpr double slowest = 0.001;
            constexpr double fastest = 1e6;
            return store(pub.speed, to_decimal(value, slowest, fastest));
        }
        default:
            return std::unexpected(std::string("not handled"));
    }
}

Result OptionsBuilder::apply_subscription(const Occurrence& option) {
    SubOptions& sub = options_.sub;
    const std::string_view value = option.value();
    switch (option.row->id) {
        case OptionId::topic:
            return apply_topic(option);
        case OptionId::unsubscribe:
        case OptionId::filter_out: {
            auto filter = to_filter(value);
            if (!filter) return std::unexpected(std::move(filter.error()));
            auto& list = option.row->id == OptionId::unsubscribe ? sub.unsubscribe : sub.filter_out;
            list.push_back(std::move(*filter));
            return {};
        }
        case OptionId::qos: {
            const auto qos = to_qos(option);
            if (!qos) return std::unexpected(qos.error());
            if (!repeated(OptionId::qos)) options_.qos.clear();
            options_.qos.push_back(*qos);
            return {};
        }
        case OptionId::count:
            return store(options_.count, to_number(value, 1, UINT64_MAX));
        case OptionId::exit_after_suback:
            sub.exit_after_suback = true;
            return {};
        case OptionId::no_retain:
            sub.no_retain = true;
            return {};
        case OptionId::retained_only:
            sub.retained_only = true;
            return {};
        case OptionId::remove_retained:
            sub.remove_retained = true;
            return {};
        case OptionId::dry_run:
            sub.dry_run = true;
            return {};
        case OptionId::retain_as_published:
            sub.retain_as_published = true;
            return {};
        case OptionId::retain_handling: {
            const auto choice = to_choice(option);
            if (!choice) return std::unexpected(choice.error());
            sub.retain_handling = static_cast<RetainHandling>(*choice);
            return {};
        }
        case OptionId::no_local:
            sub.no_local = true;
            return {};
        case OptionId::random_filter: {
            constexpr double least = 0.1;
            constexpr double all = 100;
            return store(sub.random_filter, to_decimal(value, least, all));
        }
        case OptionId::idle_timeout: {
            constexpr double shortest = 0.001;
            return store(sub.idle_timeout, to_seconds(value, shortest));
        }
        default:
            return std::unexpected(std::string("not handled"));
    }
}

Result OptionsBuilder::apply_output(const Occurrence& option) {
    SubOptions& sub = options_.sub;
    const std::string_view value = option.value();
    switch (option.row->id) {
        case OptionId::verbose:
            sub.verbose = true;
            return {};
        case OptionId::no_newline:
            sub.no_newline = true;
            return {};
        case OptionId::format:
            sub.format = value;
            return {};
        case OptionId::pretty:
            sub.pretty = true;
            return {};
        case OptionId::message_rate:
            sub.message_rate = true;
            return {};
        case OptionId::watch:
            sub.watch = true;
            return {};
        case OptionId::field:
            sub.field = value;
            return {};
        case OptionId::raw:
            sub.raw = true;
            return {};
        case OptionId::save:
            sub.save = value;
            return {};
        case OptionId::exec:
            sub.exec = value;
            return {};
        case OptionId::jobs:
            return store(sub.jobs, to_number(value, 1, 1024));
        case OptionId::stats:
            options_.stats = true;
            return {};
        case OptionId::debug:
            options_.debug = true;
            return {};
        case OptionId::quiet:
            options_.quiet = true;
            return {};
        default:
            return {};  // -o, --profile, --help, --version: seen to by parse()
    }
}

}  // namespace mqttc::app
