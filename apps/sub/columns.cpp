// How wide a text is on a terminal, and as much of it as fits.
#include "columns.hpp"

#include <algorithm>
#include <clocale>
#include <cwchar>

#include "base/utf8.hpp"
#include "text_out.hpp"

namespace mqttc::sub {
namespace {

// Emoji of later Unicode versions than this glibc's are as wide as those it knows.
constexpr wchar_t first_emoji = 0x1f000;

// The columns of one character. wcwidth() follows the locale, and the programs set none: C.UTF-8 is asked, which
// every glibc has, and which is loaded at the first character that is not ASCII.
std::size_t columns_of(std::string_view sequence) {
    static const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (utf8 == nullptr) return 1;
    const locale_t before = uselocale(utf8);
    wchar_t character = 0;
    std::mbstate_t state{};
    const bool valid = std::mbrtowc(&character, sequence.data(), sequence.size(), &state) <= sequence.size();
    const int columns = valid ? wcwidth(character) : 1;
    uselocale(before);
    if (columns >= 0) return static_cast<std::size_t>(columns);
    return character >= first_emoji ? 2 : 1;
}

// Characters without a width that are printed after one with a width; a text may have any number.
constexpr std::size_t max_marks = 4;

// One character or escape sequence at the start of a text.
struct Glyph {
    std::size_t bytes;
    std::size_t columns;
};

Glyph next_glyph(std::string_view text) {
    if (text[0] == '\033') return {escape_sequence_length(text), 0};
    const std::size_t bytes = std::max<std::size_t>(utf8_sequence(text), 1);
    if (bytes > 1) return {bytes, columns_of(text.substr(0, bytes))};
    const auto byte = static_cast<unsigned char>(text[0]);
    return {1, byte < ' ' || byte == 0x7f ? 0U : 1U};
}

}  // namespace

std::size_t escape_sequence_length(std::string_view text) {
    std::size_t end = 1;
    if (text.substr(end).starts_with('[')) {
        ++end;
        while (end < text.size() && (text[end] < '@' || text[end] > '~')) ++end;
    }
    return std::min(end + 1, text.size());
}

std::size_t display_width(std::string_view text) {
    std::size_t columns = 0;
    while (!text.empty()) {
        const Glyph glyph = next_glyph(text);
        columns += glyph.columns;
        text.remove_prefix(glyph.bytes);
    }
    return columns;
}

void append_clipped(output::TextBuffer& out, std::string_view text, std::size_t columns) {
    const bool cut = display_width(text) > columns;
    std::size_t left = cut && columns > 0 ? columns - 1 : columns;
    bool full = false;
    std::size_t marks = 0;
    while (!text.empty()) {
        const Glyph glyph = next_glyph(text);
        full = full || glyph.columns > left;
        marks = glyph.columns == 0 ? marks + 1 : 0;
        // Sequences after the cut still count: one of them may end a colour.
        if (text[0] == '\033' || (!full && marks <= max_marks)) {
            out.append(text.substr(0, glyph.bytes));
            left -= glyph.columns;
        }
        text.remove_prefix(glyph.bytes);
    }
    if (cut && columns > 0) out.append("\xe2\x80\xa6");
}

}  // namespace mqttc::sub
