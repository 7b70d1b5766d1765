// The full screen of the live view on ncursesw; the only file that includes it.
#include "screen_module.hpp"

#include <unistd.h>

#include <array>
#include <bit>
#include <clocale>
#include <cstdio>

#include "base/signals.hpp"

#define NCURSES_NOMACROS 1
#include <curses.h>

namespace mqttc::sub {
namespace {

FILE* input = nullptr;
FILE* output = nullptr;
SCREEN* screen = nullptr;
WINDOW* keyboard = nullptr;  // a pad: reading keys from it draws nothing
bool colored = false;

// Pairs of init_pair() by the colour styles' bits.
constexpr short pair_none = 0;
constexpr short pair_key = 1;
constexpr short pair_text = 2;
constexpr short pair_number = 3;
constexpr short pair_word = 4;
constexpr short pair_alert = 5;

attr_t attributes_of(unsigned style) {
    attr_t attributes = A_NORMAL;
    if ((style & style_dim) != 0) attributes |= A_DIM;
    if ((style & style_bold) != 0) attributes |= A_BOLD;
    if ((style & style_reverse) != 0) attributes |= A_REVERSE;
    return attributes;
}

short pair_of(unsigned style) {
    if (!colored) return pair_none;
    if ((style & style_key) != 0) return pair_key;
    if ((style & style_text) != 0) return pair_text;
    if ((style & style_number) != 0) return pair_number;
    if ((style & style_word) != 0) return pair_word;
    return (style & style_alert) != 0 ? pair_alert : pair_none;
}

void do_nothing(int /*number*/) {}

void close_files() {
    if (input != nullptr) std::fclose(input);
    if (output != nullptr) std::fclose(output);
    input = output = nullptr;
}

void close_screen() {
    if (screen == nullptr) return;
    endwin();
    delwin(keyboard);
    delscreen(screen);
    screen = nullptr;
    close_files();
}

FILE* copy_of(int fd, const char* mode) {
    const int copy = ::dup(fd);
    return copy < 0 ? nullptr : ::fdopen(copy, mode);
}

// tigetstr() returns -1 for a name that is not a sequence's.
bool has_sequence(const char* name) {
    const char* const sequence = tigetstr(name);
    return sequence != nullptr && std::bit_cast<std::intptr_t>(sequence) != -1;
}

bool open_screen(int in, int out, bool color) {
    // Only characters: numbers keep their point.
    if (std::setlocale(LC_CTYPE, "C.UTF-8") == nullptr) return false;
    input = copy_of(in, "r");
    output = copy_of(out, "w");
    if (input == nullptr || output == nullptr) {
        close_files();
        return false;
    }
    {
        // ncurses takes over these signals when their disposition is the default one: it must not see that. A signal that
        // arrives meanwhile waits.
        constexpr std::array numbers = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
        const SignalBlock block(numbers);
        const SignalHandlers handlers(numbers, do_nothing);
        screen = newterm(nullptr, output, input);
    }
    if (screen == nullptr) {
        close_files();
        return false;
    }
    // Without these sequences there is no full screen.
    if (!has_sequence("cup") || !has_sequence("clear")) {
        close_screen();
        return false;
    }
    set_escdelay(25);
    noecho();
    nonl();
    curs_set(0);
    typeahead(-1);
    keyboard = newpad(1, 1);
    keypad(keyboard, true);
    nodelay(keyboard, true);
    colored = color && has_colors() && start_color() != ERR;
    if (colored) {
        use_default_colors();
        init_pair(pair_key, COLOR_BLUE, -1);
        init_pair(pair_text, COLOR_GREEN, -1);
        init_pair(pair_number, COLOR_YELLOW, -1);
        init_pair(pair_word, COLOR_MAGENTA, -1);
        init_pair(pair_alert, COLOR_RED, -1);
    }
    return true;
}

void resize_screen(int rows, int columns) {
    resizeterm(rows, columns);
}

void begin_picture() {
    werase(stdscr);
}

void put_text(int row, int column, const char* text, std::size_t size, unsigned style) {
    wattr_set(stdscr, attributes_of(style), pair_of(style), nullptr);
    if (wmove(stdscr, row, column) == OK) waddnstr(stdscr, text, static_cast<int>(size));
}

void show_picture() {
    wrefresh(stdscr);
    std::fflush(output);
}

void forget_picture() {
    clearok(curscr, true);
}

int next_key() {
    const int key = wgetch(keyboard);
    switch (key) {
        case ERR:
            return key_none;
        case KEY_UP:
            return key_up;
        case KEY_DOWN:
            return key_down;
        case KEY_LEFT:
            return key_left;
        case KEY_RIGHT:
            return key_right;
        case KEY_PPAGE:
            return key_page_up;
        case KEY_NPAGE:
            return key_page_down;
        case KEY_HOME:
            return key_home;
        case KEY_END:
            return key_end;
        case KEY_ENTER:
        case '\r':
        case '\n':
            return key_enter;
        case KEY_BACKSPACE:
        case 0x7f:
        case 0x08:
            return key_backspace;
        case 0x1b:
            return key_escape;
        default:
            return key > 0xff ? static_cast<int>(key_other) : key;
    }
}

constexpr ScreenFunctions functions{open_screen,  resize_screen,  begin_picture, put_text,
                                    show_picture, forget_picture, next_key,      close_screen};

}  // namespace

extern "C" __attribute__((visibility("default"))) const ScreenFunctions* mqttc_screen(std::uint32_t version) {
    return version == screen_module_version ? &functions : nullptr;
}

}  // namespace mqttc::sub
