// Fuzzes the parser and the editor of password files: for any bytes, an edit changes only what it should, and the
// result can be read back.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "password_file.hpp"
#include "password_hash.hpp"

using namespace mqttc::passwd;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

std::string content(const PasswordFile& file) {
    std::string all;
    for (const std::string_view piece : file.pieces()) all += piece;
    return all;
}

// All lines of other users, in order, without their endings: the last line may have got one.
std::vector<std::string_view> others(std::string_view text, std::string_view name) {
    std::vector<std::string_view> lines;
    for (const PasswordLine& line : PasswordLines(text)) {
        if (line.kind == PasswordLine::Kind::entry && line.name == name) continue;
        lines.push_back(line.text.substr(0, line.text.find_last_not_of("\r\n") + 1));
    }
    return lines;
}

}  // namespace

// Input: the length of a user name, the name, then the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::string_view name = rest.substr(0, data[0] % 16U);
    const std::string_view text = rest.substr(name.size());

    const PasswordFile untouched(text);
    require(content(untouched) == text);
    for (const PasswordLine& line : untouched.lines()) {
        // Checking a well-formed hash may be expensive; classifying it must not be.
        if (line.kind == PasswordLine::Kind::entry) (void)stored_form(line.stored);
    }

    PasswordFile without(text);
    const bool was_there = untouched.find(name).has_value();
    require(without.remove(name) == was_there);
    const std::string removed = content(without);
    require(!PasswordFile(removed).find(name));
    require(others(removed, name) == others(text, name));
    if (!was_there) require(removed == text);

    if (!check_name(name)) return 0;
    constexpr std::string_view hash = "$6$c2FsdA==$hash";
    PasswordFile with(text);
    with.set(name, std::string(hash));
    const std::string set = content(with);
    const PasswordFile again(set);
    require(again.find(name).has_value());
    require(others(set, name) == others(text, name));
    for (const PasswordLine& line : again.lines())
        if (line.kind == PasswordLine::Kind::entry && line.name == name) require(line.stored == hash);
    return 0;
}
