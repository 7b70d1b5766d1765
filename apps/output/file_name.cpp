// --save: how text from the broker is written in a file name.
#include "file_name.hpp"

#include "base/encoding.hpp"
#include "base/sha1.hpp"
#include "base/utf8.hpp"
#include "text_out.hpp"

namespace mqttc::output {
namespace {

constexpr std::size_t kept_of_long = 80;
constexpr std::size_t hash_bytes = 16;
static_assert(kept_of_long + 2 + hash_bytes * 2 <= max_level);

// The length of the first character if it may be in a name as it is, or 0.
std::size_t allowed(std::string_view text, bool first) {
    const auto c = static_cast<unsigned char>(text[0]);
    if (c < ' ' || c == 0x7f || c == '/' || c == '%' || c == '\\') return 0;
    if (first && (c == '.' || c == '-')) return 0;
    return starts_with_wide_control(text) ? 0 : utf8_sequence(text);
}

}  // namespace

void append_file_part(TextBuffer& out, std::string_view text, std::string_view whole) {
    TextBuffer name;
    std::size_t cut = 0;  // where the last complete character within kept_of_long ends
    // What is cut off is hashed, not written: a payload may be long.
    for (std::string_view rest = text; !rest.empty() && name.size() <= max_level;) {
        std::size_t length = allowed(rest, name.empty());
        if (length > 0) {
            name.append(rest.substr(0, length));
        } else {
            length = 1;
            name.push_back('%');
            append_hex(name, as_bytes(rest.substr(0, 1)), HexCase::upper);
        }
        rest.remove_prefix(length);
        if (name.size() <= kept_of_long) cut = name.size();
    }
    if (name.size() <= max_level) return out.append(name.view());
    // No publisher can make a long name equal to that of another topic.
    const auto hash = sha1(whole);
    out.append(name.view().substr(0, cut));
    out.append("%~");
    append_hex(out, Bytes(hash).first(hash_bytes), HexCase::lower);
}

void append_file_topic(TextBuffer& out, std::string_view topic) {
    for (std::size_t level = 0;; ++level) {
        const std::size_t end = level == max_topic_directories ? topic.npos : topic.find('/');
        const std::string_view part = topic.substr(0, end);
        if (part.empty()) {
            out.append("%_");
        } else {
            append_file_part(out, part, part);
        }
        if (end == topic.npos) return;
        out.push_back('/');
        topic.remove_prefix(end + 1);
    }
}

}  // namespace mqttc::output
