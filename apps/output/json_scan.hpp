// Reads JSON token by token. Everything that reads JSON messages or payloads uses it, so all agree on what JSON is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "text_buffer.hpp"

namespace mqttc::output {

/// The levels of a payload; what is wrong with a deeper one.
inline constexpr std::size_t max_json_depth = 1000;
inline constexpr std::string_view too_deep = "it is nested deeper than 1000 levels";

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

    static constexpr std::size_t any_depth = std::numeric_limits<std::size_t>::max();

    /// `text` must outlive the scanner. RFC 8259, UTF-8, nested at most `max_depth` deep; escaped halves of surrogate
    /// pairs are invalid. Takes no memory up to a depth of 1024, then a bit per level.
    explicit JsonScanner(std::string_view text, std::size_t max_depth = max_json_depth)
        : text_(text.data()),
          at_(without_byte_order_mark(text).data()),
          text_end_(text_ + text.size()),
          start_(at_),
          end_(at_),
          max_depth_(max_depth) {}

    /// After `end` and `invalid` the same again.
    Token next();
    /// After begin_object or begin_array: reads to its end, which is then the last token. False: it is invalid. has_space(),
    /// has_escape() and has_unusual() are then those of all that was read. Takes a fraction of the time of next().
    bool skip();
    /// The last token as it is in the text; a key or string with its quotes.
    std::string_view token() const { return {start_, static_cast<std::size_t>(end_ - start_)}; }
    /// A key or string without its quotes, its escapes unresolved.
    std::string_view inside() const { return {start_ + 1, static_cast<std::size_t>(end_ - start_) - 2}; }
    /// Whether skip() has passed space between tokens.
    bool has_space() const { return has_space_; }
    /// Whether the last key or string has escapes.
    bool has_escape() const { return has_escape_; }
    /// Whether the last key or string has DEL or characters outside ASCII.
    bool has_unusual() const { return has_unusual_; }
    /// After a key: whether its colon follows.
    bool colon_follows() const;
    /// Where token() starts in the text.
    std::size_t position() const { return static_cast<std::size_t>(start_ - text_); }
    /// The text was invalid because of its depth.
    bool too_deep() const { return too_deep_; }

  private:
    enum class Expected : std::uint8_t {
        value,
        value_or_end,
        key,
        key_or_end,
        colon,
        comma_or_end,
        nothing,
        failed
    };
    static constexpr std::size_t word_bits = 64;
    static constexpr std::size_t near_words = 16;

    bool take(char c);
    bool take_word(std::string_view word);
    bool take_string();
    /// Where the string ends whose characters start at `at`; nullptr: it is invalid.
    const char* string_end(const char* at);
    bool take_escape();
    /// The code unit of the four digits after \u; nothing valid: UINT32_MAX.
    std::uint32_t take_unit();
    bool take_number();
    void skip_spaces();
    std::uint64_t& outer_word();
    Token found(Token token, Expected next);
    Token fail();
    Token key();
    Token value();
    Token open(bool object);
    Token close();

    const char* text_;
    const char* at_;
    const char* text_end_;
    const char* start_;  // of the last token
    const char* end_;
    std::size_t depth_ = 0;
    std::size_t max_depth_;
    Expected expected_ = Expected::value;
    bool in_object_ = false;  // of the innermost open level
    bool has_space_ = false;
    bool has_escape_ = false;
    bool has_unusual_ = false;
    bool too_deep_ = false;
    // Whether each level outside of the innermost one is an object: a bit per level.
    std::array<std::uint64_t, near_words> near_{};
    std::vector<std::uint64_t> far_;
};

/// Appends the text of a key or string: JsonScanner::inside() with its escapes resolved.
void append_json_text(TextBuffer& out, std::string_view inside);

/// Takes the escape at the front of `inside`, a backslash and what follows it. `out` gets its character in UTF-8; the
/// size of that.
std::size_t take_json_escape(std::string_view& inside, std::array<char, 4>& out);

/// Appends JSON text with colours for a terminal; what isn't JSON has none. Control characters are escaped if `terminal`.
void append_highlighted(TextBuffer& out, std::string_view json, bool terminal);
/// Whether it is worth trying: an object or array, and not so large that it would delay the output.
bool may_highlight(std::string_view payload);

}  // namespace mqttc::output
