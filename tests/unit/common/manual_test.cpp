// The manual pages name exactly the options of the table, and every exit code.
#include <doctest/doctest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "exit_code.hpp"
#include "option_rows.hpp"
#include "support/temp_dir.hpp"

using namespace mqttc;
using namespace mqttc::app;

namespace {

using Names = std::set<std::string>;

// The words of `text`, split at spaces and newlines.
std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find_first_of(" \n"));
        if (!word.empty()) words.emplace_back(word);
        text.remove_prefix(std::min(text.size(), word.size() + 1));
    }
    return words;
}

// The options that have an item: ".It Fl t , Fl -topic Ar topic" gives -t and --topic.
Names options_of_manual(std::string_view page) {
    Names names;
    while (!page.empty()) {
        const std::string_view line = page.substr(0, page.find('\n'));
        page.remove_prefix(std::min(page.size(), line.size() + 1));
        if (!line.starts_with(".It Fl ")) continue;
        const auto words = words_of(line);
        for (std::size_t i = 1; i + 1 < words.size(); ++i) {
            if (words[i] == "Fl") names.insert("-" + words[i + 1]);
        }
    }
    return names;
}

Names options_of_table(Program program) {
    Names names;
    pub_sub_options().for_each(only(program), [&](const OptionRow& row) {
        if (row.help.empty() && row.manual.empty()) return;
        if (row.short_name != 0) names.insert(std::string("-") + row.short_name);
        if (!row.name.empty()) names.insert("--" + std::string(row.name));
    });
    return names;
}

Names without(const Names& names, const Names& others) {
    Names rest;
    std::ranges::set_difference(names, others, std::inserter(rest, rest.end()));
    return rest;
}

std::string joined(const Names& names) {
    std::string text;
    for (const std::string& name : names) text.append(name).append(" ");
    return text;
}

}  // namespace

TEST_CASE("manual page and option table have the same options") {
    for (const Program program : {Program::pub, Program::sub}) {
        const std::string path = std::string(MQTTC_MANUALS).append(program_name(program)).append(".1");
        const std::string page = test::read_file(path);
        REQUIRE_FALSE(page.empty());
        const Names manual = options_of_manual(page);
        const Names table = options_of_table(program);
        CAPTURE(path);
        CHECK_MESSAGE(without(table, manual).empty(),
                      "not in the manual: " << joined(without(table, manual)));
        CHECK_MESSAGE(without(manual, table).empty(), "not in the table: " << joined(without(manual, table)));
    }
}

TEST_CASE("manual page and table have the same exit codes") {
    for (const Program program : {Program::pub, Program::sub}) {
        const std::string page =
            test::read_file(std::string(MQTTC_MANUALS).append(program_name(program)).append(".1"));
        for (const ExitCodeRow& row : exit_code_table()) {
            std::string item = "\n.It " + std::to_string(row.first);
            if (row.last != row.first) item.append("-").append(std::to_string(row.last));
            CAPTURE(item);
            CHECK(page.find(item + "\n") != std::string::npos);
            if (row.mosquitto == ExitCodeRow::same) continue;
            const std::string line = item + " Ta " + std::to_string(row.mosquitto);
            CHECK(
                (page.find(line + "\n") != std::string::npos || page.find(line + ",") != std::string::npos));
        }
    }
}
