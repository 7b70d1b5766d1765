// The interface between mqtt_sub and the module mqttc-screen.so, the only user of ncurses. It has only C types.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mqttc::sub {

/// How text looks: a sum of these.
enum ScreenStyle : unsigned {
    style_plain = 0,
    style_dim = 1,
    style_bold = 2,
    style_reverse = 4,
    style_key = 8,  ///< the colours of JSON
    style_text = 16,
    style_number = 32,
    style_word = 64,
    style_alert = 128,
};

/// Keys beyond characters, which are their code.
enum ScreenKey : int {
    key_none = -1,
    key_up = 0x110000,
    key_down,
    key_left,
    key_right,
    key_page_up,
    key_page_down,
    key_home,
    key_end,
    key_enter,
    key_backspace,
    key_escape,
    key_other,
};

/// Changes with this file.
inline constexpr std::uint32_t screen_module_version = 1;

/// What the module can do. Rows and columns start at 0.
struct ScreenFunctions {
    /// Starts the full screen of the terminal that TERM names. Keys are read from `in`, whose settings the caller makes;
    /// what the terminal is to get is written to `out`, a file. False: the terminal cannot do it.
    bool (*open)(int in, int out, bool color);
    void (*resize)(int rows, int columns);
    /// An empty picture; then pieces of it; then it is written, as far as it differs from the last one.
    void (*begin)();
    void (*put)(int row, int column, const char* text, std::size_t size, unsigned style);
    void (*show)();
    /// Everything is written again by the next show().
    void (*forget)();
    /// The next key that was typed, without waiting.
    int (*key)();
    /// Restores the screen that was there before open(), which may follow again.
    void (*close)();
};

/// The module's only symbol, of type ScreenEntry; nullptr: it is of another version.
using ScreenEntry = const ScreenFunctions*(std::uint32_t version);
inline constexpr const char* screen_module_symbol = "mqttc_screen";

}  // namespace mqttc::sub
