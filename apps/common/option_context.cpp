// Stores options one by one, and checks the rules about which of them go together.
#include "option_context.hpp"

#include <algorithm>

#include "command_line.hpp"
#include "options.hpp"

namespace mqttc::app {
namespace {

std::string display(const OptionContext& context, std::string_view name, std::string_view choice) {
    std::string text = context.table.find(only(context.program), name)->short_form();
    if (!choice.empty()) text.append(" ").append(choice);
    return text;
}

OptionResult check_needs(const OptionContext& context, const GivenOption& option) {
    bool met = option.row->needs.empty() ||
               (option.row->shared_by_profile && option.source == OptionSource::profile);
    std::string names;
    for_each_alternative(option.row->needs, [&](std::string_view name, std::string_view choice) {
        const GivenOption* other = context.find(name);
        met = met || (other != nullptr && (choice.empty() || other->value == choice));
        names.append(names.empty() ? "" : " or ").append(display(context, name, choice));
    });
    if (met) return {};
    return std::unexpected(option.row->short_form() + " needs " + names);
}

OptionResult check_excludes(const OptionContext& context, const GivenOption& option) {
    OptionResult result;
    for_each_alternative(option.row->excludes, [&](std::string_view name, std::string_view choice) {
        const GivenOption* other = context.find(name);
        if (!result || other == nullptr || (!choice.empty() && other->value != choice)) return;
        if (option.row->overridable && option.source < other->source) return;
        if (other->row->overridable && other->source < option.source) return;
        std::string message =
            option.row->short_form() + " cannot be used with " + display(context, name, choice);
        if (!option.row->why.empty()) message.append(": ").append(option.row->why);
        result = std::unexpected(std::move(message));
    });
    return result;
}

}  // namespace

const GivenOption* OptionContext::find(std::string_view name) const {
    const OptionRow* wanted = table.find(only(program), name);
    const auto found = std::ranges::find(given, wanted, &GivenOption::row);
    return found == given.end() ? nullptr : &*found;
}

bool OptionContext::repeated(std::string_view name) const {
    const GivenOption* option = find(name);
    return option != nullptr && option->source == source;
}

void OptionContext::forget(std::string_view name) {
    const OptionRow* unwanted = table.find(only(program), name);
    std::erase_if(given, [&](const GivenOption& option) { return option.row == unwanted; });
}

OptionResult OptionContext::apply(const ParsedOption& option) {
    row = option.row;
    values = option.values;
    spelling = option.spelling;
    is_default = false;
    if (!row->not_empty.empty() && value().empty())
        return std::unexpected(spelling + ": " + std::string(row->not_empty) + " is empty");
    if (row->value == ValueKind::choice && !values.empty()) {
        const auto position = to_choice(value(), row->choices);
        if (!position) return std::unexpected(spelling + ": " + position.error());
        choice = *position;
    }
    if (auto set = row->set(*this); !set) return std::unexpected(spelling + ": " + set.error());
    std::erase_if(given, [&](const GivenOption& one) { return one.row == row; });
    const bool keep = row->value == ValueKind::choice || row->secrecy == Secrecy::file_content;
    if (!is_default) given.push_back({row, source, keep ? std::string(value()) : std::string()});
    return {};
}

OptionResult OptionContext::check_rules() const {
    for (const GivenOption& option : given) {
        if (auto needs = check_needs(*this, option); !needs) {
            if (!mosquitto || !option.row->mosquitto_ignores) return needs;
            run->warnings.push_back(option.row->short_form() + " is ignored: it" +
                                    needs.error().substr(option.row->short_form().size()));
        }
        if (auto excludes = check_excludes(*this, option); !excludes) return excludes;
    }
    return {};
}

}  // namespace mqttc::app
