// Text that cannot control a terminal: which bytes are printed unchanged, and how the others are escaped.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace mqttc {

enum class LineBreaks : bool { hide, keep };

/// How many bytes at the start of `text` can be printed unchanged: up to the first C0 or C1 control character, DEL,
/// control of the writing direction (starts_with_wide_control) or byte that is not UTF-8. With LineBreaks::keep newline
/// and tab are printed.
std::size_t printable_prefix(std::string_view text, LineBreaks breaks);

/// Any other byte as \n, \r, \t or \xHH.
class EscapedByte {
  public:
    explicit EscapedByte(char byte);
    std::string_view view() const { return {text_.data(), length_}; }

  private:
    std::array<char, 4> text_;
    unsigned char length_;  // a std::size_t lets g++ 12 warn of copies of 64 KiB
};

/// True iff `text` has a byte that must be escaped.
inline bool has_controls(std::string_view text, LineBreaks breaks) {
    return printable_prefix(text, breaks) < text.size();
}

/// Appends `text` with such bytes escaped to anything with append(std::string_view).
template <typename Out>
void append_escaped(Out& out, std::string_view text, LineBreaks breaks) {
    while (!text.empty()) {
        if (const std::size_t length = printable_prefix(text, breaks); length > 0) {
            out.append(text.substr(0, length));
            text.remove_prefix(length);
        } else {
            out.append(EscapedByte(text.front()).view());
            text.remove_prefix(1);
        }
    }
}

/// How much of a text a message shows; topics and reason strings may have 65,535 bytes.
inline constexpr std::size_t max_shown = 1024;

/// `text` on one line, for a message: what a peer sends must not control the user's terminal. A text longer than
/// `most` bytes is cut to about that, and followed by "… (65535 bytes)".
std::string escape_controls(std::string_view text, std::size_t most = max_shown);

/// "'text'", escaped and cut as by escape_controls.
std::string in_quotes(std::string_view text);

}  // namespace mqttc
