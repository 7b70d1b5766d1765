// The parser of lines, and the editor that uses it.
#include "password_file.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/utf8.hpp"

namespace mqttc::passwd {
namespace {

std::string_view line_ending(std::string_view line) {
    if (line.ends_with("\r\n")) return line.substr(line.size() - 2);
    // A CRLF file without its last byte ends with a lone carriage return.
    if (line.ends_with('\n') || line.ends_with('\r')) return line.substr(line.size() - 1);
    return line.substr(line.size());
}

PasswordLine parse_line(std::string_view text) {
    PasswordLine line;
    line.text = text;
    const std::string_view body = text.substr(0, text.size() - line_ending(text).size());
    const std::string_view content = trim_spaces(body);
    if (content.empty()) return line;
    if (content.starts_with('#')) {
        line.kind = PasswordLine::Kind::comment;
        return line;
    }
    line.kind = PasswordLine::Kind::unreadable;
    const auto colon = body.find(':');
    if (colon == body.npos) return line;
    line.name = trim_spaces(body.substr(0, colon));
    if (line.name.empty()) return line;
    line.stored = body.substr(colon + 1);
    line.kind = PasswordLine::Kind::entry;
    return line;
}

}  // namespace

PasswordLines::Iterator& PasswordLines::Iterator::operator++() {
    const auto newline = rest_.find('\n');
    const std::size_t length = newline == rest_.npos ? rest_.size() : newline + 1;
    const std::size_t number = line_.number + 1;
    line_ = parse_line(rest_.substr(0, length));
    line_.number = number;
    rest_.remove_prefix(length);
    return *this;
}

std::expected<void, std::string> check_name(std::string_view name) {
    const auto wrong = [](const char* why) { return std::unexpected(std::string(why)); };
    if (name.empty()) return wrong("is empty");
    if (name.size() > max_name_length) return wrong("is longer than 65535 bytes");
    if (name.find(':') != name.npos) return wrong("contains ':', which ends the name in a password file");
    if (std::ranges::any_of(name, is_control)) return wrong("contains a control character");
    if (name.starts_with('#')) return wrong("starts with '#', which makes the line a comment");
    if (trim_spaces(name).size() != name.size())
        return wrong("starts or ends with a space, which brokers remove");
    if (!is_utf8(name)) return wrong("is not UTF-8, so no MQTT client could send it");
    return {};
}

std::optional<PasswordLine> PasswordFile::find(std::string_view name) const {
    std::optional<PasswordLine> last;
    for (const PasswordLine& line : lines())
        if (line.kind == PasswordLine::Kind::entry && line.name == name) last = line;
    return last;
}

PasswordFile::Change& PasswordFile::change_of(std::string_view name) {
    if (const auto at = change_at_.find(name); at != change_at_.end()) return changes_[at->second];
    changes_.push_back({std::string(name), std::nullopt});
    change_at_.emplace(changes_.back().name, changes_.size() - 1);
    return changes_.back();
}

void PasswordFile::set(std::string_view name, std::string hash) {
    change_of(name).hash = std::move(hash);
}

void PasswordFile::set_line(std::size_t number, std::string hash) {
    line_changes_.emplace_back(number, std::move(hash));
}

bool PasswordFile::remove(std::string_view name) {
    if (!find(name)) return false;
    change_of(name).hash.reset();
    return true;
}

std::vector<std::string_view> PasswordFile::pieces() const {
    std::vector<std::string_view> out;
    const auto add = [&](std::string_view piece) {
        if (!piece.empty()) out.push_back(piece);
    };
    // One piece from the last change to the next.
    std::size_t copied = 0;
    const auto copy_to = [&](const char* end) {
        const auto at = static_cast<std::size_t>(end - text_.data());
        add(text_.substr(copied, at - copied));
        copied = at;
    };
    std::vector<bool> is_old(changes_.size());
    auto line_change = line_changes_.begin();
    for (const PasswordLine& line : lines()) {
        if (line.kind != PasswordLine::Kind::entry) continue;
        const std::string* hash = nullptr;
        if (const auto at = change_at_.find(line.name); at != change_at_.end()) {
            is_old[at->second] = true;
            const Change& change = changes_[at->second];
            if (!change.hash) {
                copy_to(line.text.data());
                copied += line.text.size();
                continue;
            }
            hash = &*change.hash;
        }
        if (line_change != line_changes_.end() && line_change->first == line.number)
            hash = &line_change++->second;
        if (hash == nullptr) continue;
        copy_to(line.stored.data());
        add(*hash);
        copied += line.stored.size();
    }
    add(text_.substr(copied));

    // New lines end as the last complete line.
    const std::string_view ending = text_.substr(0, text_.rfind('\n') + 1).ends_with("\r\n") ? "\r\n" : "\n";
    for (std::size_t i = 0; i < changes_.size(); ++i) {
        const auto& [name, hash] = changes_[i];
        if (is_old[i] || !hash) continue;
        if (!out.empty() && !out.back().ends_with('\n'))
            out.push_back(out.back().ends_with('\r') ? "\n" : ending);
        add(name);
        add(":");
        add(*hash);
        add(ending);
    }
    return out;
}

}  // namespace mqttc::passwd
