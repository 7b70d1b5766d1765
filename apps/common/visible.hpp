// Text that a terminal can't obey: the one rule for what is shown as it is and what is spelled out.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace mqttc::app {

/// The length of the well-formed UTF-8 sequence (U+0000 to U+10FFFF without surrogates) at the start of
/// `text`, 1 to 4; 0 when there is none.
std::size_t utf8_sequence(std::string_view text);

enum class LineBreaks : bool { hide, keep };

/// How many bytes at the start of `text` may be shown as they are: up to the first C0 or C1 control
/// character, DEL or byte that is not UTF-8. With LineBreaks::keep newline and tab are shown.
std::size_t harmless_length(std::string_view text, LineBreaks breaks);

/// How any other byte is spelled: \n, \r, \t or \xHH.
class SpelledByte {
  public:
    explicit SpelledByte(char byte);
    std::string_view view() const { return {text_.data(), length_}; }

  private:
    std::array<char, 4> text_;
    std::size_t length_;
};

/// True iff `text` holds a byte that has to be spelled out.
inline bool has_controls(std::string_view text, LineBreaks breaks) {
    return harmless_length(text, breaks) < text.size();
}

/// Appends `text` made visible to anything with append(std::string_view).
template <typename Out>
void append_visible(Out& out, std::string_view text, LineBreaks breaks) {
    while (!text.empty()) {
        if (const std::size_t length = harmless_length(text, breaks); length > 0) {
            out.append(text.substr(0, length));
            text.remove_prefix(length);
        } else {
            out.append(SpelledByte(text.front()).view());
            text.remove_prefix(1);
        }
    }
}

/// `text` made visible on one line: what comes from a broker must not drive the user's terminal.
std::string visible(std::string_view text);

}  // namespace mqttc::app
