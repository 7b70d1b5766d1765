// Reads JSON token by token, without allocating: for --field and colours. Its idea of what is JSON is that of %J.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "json_out.hpp"
#include "text_buffer.hpp"

namespace mqttc::output {

class JsonScanner {
  public:
    enum class Token : std::uint8_t {
        begin_object,
        end_object,
        begin_array,
        end_array,
        key,
        string,
        number,
        word,  ///< true, false, null
        end,   ///< after the one value of the text
        invalid,
    };

    /// `text` must outlive the scanner. RFC 8259, UTF-8, nested at most max_json_depth deep; escaped halves of surrogate
    /// pairs are invalid.
    explicit JsonScanner(std::string_view text) : text_(text) {
        if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    }

    /// After `end` and `invalid` the same again.
    Token next();
    /// The last token as it is in the text; a key or string with its quotes.
    std::string_view token() const { return text_.substr(start_, end_ - start_); }
    /// Where token() starts in the text.
    std::size_t position() const { return start_; }

  private:
    enum class Expected : std::uint8_t { value, value_or_end, key, key_or_end, comma_or_end, nothing };

    bool in_object() const { return (objects_[(depth_ - 1) / 64] >> (depth_ - 1) % 64 & 1) != 0; }
    bool take(char c);
    bool take_word(std::string_view word);
    bool take_string();
    bool take_escape();
    /// The code unit of the four digits after \u; nothing valid: UINT32_MAX.
    std::uint32_t take_unit();
    bool take_number();
    bool take_digits();
    void skip_spaces();
    Token found(Token token, Expected next);
    Token fail();
    Token value();
    Token open(bool object);
    Token close();

    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t start_ = 0;
    std::size_t end_ = 0;
    std::size_t depth_ = 0;
    std::array<std::uint64_t, (max_json_depth + 63) / 64> objects_{};  // a bit per open level: an object
    Expected expected_ = Expected::value;
    bool failed_ = false;
};

/// Appends the text of a key or string token, its escapes resolved.
void append_json_text(TextBuffer& out, std::string_view token);
/// Whether a key token is this name.
bool json_key_is(std::string_view token, std::string_view name);

/// Appends JSON text with colours for a terminal; what isn't JSON has none. Control characters are escaped if `terminal`.
void append_highlighted(TextBuffer& out, std::string_view json, bool terminal);
/// Whether it is worth trying: an object or array, and not so large that it would delay the output.
bool may_highlight(std::string_view payload);

}  // namespace mqttc::output
