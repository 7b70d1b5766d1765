// Fuzzes the password file's parser and editor: whatever the bytes, an edit changes what it says and
// no other byte, and the result reads back.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "password_file.hpp"
#include "password_hash.hpp"

using namespace mqttc::passwd;

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

std::string content(const PasswordFile& file) {
    std::string all;
    for (const std::string_view piece : file.pieces()) all += piece;
    return all;
}

// Every line that is not one of that user, in order, endings apart: the last one may have got one.
std::vector<std::string_view> others(std::string_view text, std::string_view name) {
    std::vector<std::string_view> lines;
    for (const PasswordLine& line : parse_password_file(text)) {
        if (line.kind == PasswordLine::Kind::entry && line.name == name) continue;
        lines.push_back(line.text.substr(0, line.text.find_last_not_of("\r\n") + 1));
    }
    return lines;
}

}  // namespace

// Input: length of a user's name, the name, then the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::string_view name = rest.substr(0, data[0] % 16U);
    const std::string_view text = rest.substr(name.size());

    const PasswordFile untouched(text);
    demand(content(untouched) == text);
    for (const PasswordLine& line : untouched.lines()) {
        // A well-formed hash may cost anything to verify; telling what it is must not.
        if (line.kind == PasswordLine::Kind::entry) (void)stored_form(line.stored);
    }

    PasswordFile without(text);
    const bool was_there = untouched.find(name) != nullptr;
    demand(without.remove(name) == was_there);
    const std::string removed = content(without);
    demand(PasswordFile(removed).find(name) == nullptr);
    demand(others(removed, name) == others(text, name));
    if (!was_there) demand(removed == text);

    if (!check_name(name)) return 0;
    constexpr std::string_view hash = "$6$c2FsdA==$hash";
    PasswordFile with(text);
    with.set(name, std::string(hash));
    const std::string set = content(with);
    const PasswordFile again(set);
    demand(again.find(name) != nullptr);
    demand(others(set, name) == others(text, name));
    for (const PasswordLine& line : again.lines())
        if (line.kind == PasswordLine::Kind::entry && line.name == name) demand(line.stored == hash);
    return 0;
}
