// A terminal's full screen, drawn by the module mqttc-screen.so, which is loaded when it is first needed.
#pragma once

#include <termios.h>

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.hpp"
#include "columns.hpp"
#include "screen_module.hpp"

namespace mqttc::sub {

struct ScreenSize {
    std::size_t rows = 24;
    std::size_t columns = 80;
    bool operator==(const ScreenSize&) const = default;
};

/// The size of the terminal `fd`; 24 x 80 when it is unknown.
ScreenSize terminal_size(int fd);
/// Whether both are the same terminal.
bool same_terminal(int one, int other);

/// A piece of a line: text without control characters, and its style (ScreenStyle).
struct Span {
    std::string text;
    unsigned style = style_plain;
};
using Line = std::vector<Span>;
/// The lines of a screen, from the top.
using Picture = std::vector<Line>;

/// The text of a line, without styles.
std::string text_of(const Line& line);

class Screen {
  public:
    virtual ~Screen() = default;
    /// Takes over the terminal, and gives it back. What it is to get is returned by output().
    virtual bool open() = 0;
    virtual void close() = 0;
    virtual ScreenSize size() const = 0;
    virtual void draw(const Picture& picture) = 0;
    /// Another program has written to the terminal: the next drawing writes everything.
    virtual void forget() = 0;
    /// key_none: none was typed.
    virtual int key() = 0;
    /// Readable when a key was typed.
    virtual int key_descriptor() const = 0;
    /// The bytes for the terminal since the last call.
    virtual std::string output() = 0;
};

/// Error: why not, one line for the user; empty if the user has set MQTTC_SCREEN_MODULE to an empty value.
std::expected<std::unique_ptr<Screen>, std::string> make_screen(bool color);

}  // namespace mqttc::sub
