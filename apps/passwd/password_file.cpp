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

std::vector<PasswordLine> parse_password_file(std::string_view text) {
    std::vector<PasswordLine> lines;
    while (!text.empty()) {
        const auto newline = text.find('\n');
        const std::size_t length = newline == text.npos ? text.size() : newline + 1;
        lines.push_back(parse_line(text.substr(0, length)));
        text.remove_prefix(length);
    }
    return lines;
}

std::expected<void, std::string> check_name(std::string_view name) {
    const auto wrong = [](const char* why) { return std::unexpected(std::string(why)); };
    if (name.empty()) return wrong("is empty");
    if (name.size() > max_name_length) return wrong("is longer than 65,535 bytes");
    if (name.find(':') != name.npos) return wrong("contains ':', which ends the name in a password file");
    if (std::ranges::any_of(name, is_control)) return wrong("contains a control character");
    if (name.starts_with('#')) return wrong("starts with '#', which makes the line a comment");
    if (trim_spaces(name).size() != name.size())
        return wrong("starts or ends with a space, which brokers remove");
    if (!is_utf8(name)) return wrong("is not UTF-8, so no MQTT client could send it");
    return {};
}

PasswordFile::PasswordFile(std::string_view text) : lines_(parse_password_file(text)) {
    edits_.resize(lines_.size());
    previous_line_.resize(lines_.size(), none);
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        if (lines_[i].kind != PasswordLine::Kind::entry) continue;
        const auto [at, is_new] = last_.try_emplace(lines_[i].name, i);
        if (is_new) continue;
        previous_line_[i] = at->second;
        at->second = i;
    }
    const auto last = std::find_if(lines_.rbegin(), lines_.rend(),
                                   [](const PasswordLine& line) { return line.text.ends_with('\n'); });
    if (last != lines_.rend()) ending_ = line_ending(last->text);
}

const PasswordLine* PasswordFile::find(std::string_view name) const {
    const auto at = last_.find(name);
    return at == last_.end() ? nullptr : &lines_[at->second];
}

void PasswordFile::set(std::string_view name, std::string hash) {
    if (const auto at = last_.find(name); at != last_.end()) {
        for (std::size_t i = at->second; i != none; i = previous_line_[i]) set_line(i, hash);
        return;
    }
    if (const auto at = added_at_.find(name); at != added_at_.end()) {
        added_[at->second].hash = std::move(hash);
        return;
    }
    added_.push_back({std::string(name), std::move(hash)});
    added_at_.emplace(added_.back().name, added_.size() - 1);
}

void PasswordFile::set_line(std::size_t index, std::string hash) {
    edits_[index] = {false, std::move(hash)};
}

bool PasswordFile::remove(std::string_view name) {
    const auto at = last_.find(name);
    if (at == last_.end()) return false;
    for (std::size_t i = at->second; i != none; i = previous_line_[i]) edits_[i] = {true, std::nullopt};
    return true;
}

std::vector<std::string_view> PasswordFile::pieces() const {
    std::vector<std::string_view> out;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
        const PasswordLine& line = lines_[i];
        const Edit& edit = edits_[i];
        if (edit.removed) continue;
        if (!edit.hash) {
            out.push_back(line.text);
            continue;
        }
        out.push_back(line.text.substr(0, static_cast<std::size_t>(line.stored.data() - line.text.data())));
        out.push_back(*edit.hash);
        out.push_back(line_ending(line.text));
    }
    if (!added_.empty() && !out.empty()) {
        const auto last =
            std::find_if(out.rbegin(), out.rend(), [](std::string_view piece) { return !piece.empty(); });
        if (last != out.rend() && !last->ends_with('\n'))
            out.push_back(last->ends_with('\r') ? "\n" : ending_);
    }
    for (const Added& entry : added_) {
        out.push_back(entry.name);
        out.push_back(":");
        out.push_back(entry.hash);
        out.push_back(ending_);
    }
    return out;
}

}  // namespace mqttc::passwd
