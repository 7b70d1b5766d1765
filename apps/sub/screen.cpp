// Loads the module, sets the terminal up, and fetches what the module writes.
#include "screen.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <utility>

#include "base/escape.hpp"
#include "base/module.hpp"

namespace mqttc::sub {
namespace {

constexpr ModuleName screen_module{.title = "screen module",
                                   .file = "mqttc-screen.so",
                                   .environment = "MQTTC_SCREEN_MODULE",
                                   .package = "mqttc-clients"};

std::expected<const ScreenFunctions*, std::string> load_functions() {
    const auto entry = load_module(screen_module, screen_module_symbol);
    if (!entry) return std::unexpected(entry.error());
    const ScreenFunctions* const functions = reinterpret_cast<ScreenEntry*>(*entry)(screen_module_version);
    if (functions == nullptr)
        return std::unexpected(std::string("screen module is of another version: reinstall mqttc-clients"));
    return functions;
}

class ModuleScreen final : public Screen {
  public:
    /// `keys`: the terminal for reading. `written`: an empty file.
    ModuleScreen(const ScreenFunctions& functions, Descriptor keys, Descriptor written, bool color)
        : functions_(functions), keys_(std::move(keys)), written_(std::move(written)), color_(color) {}
    ~ModuleScreen() override { close(); }

    bool open() override {
        if (open_) return true;
        if (::tcgetattr(keys_.get(), &before_) != 0) return false;
        termios mode = before_;
        mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ECHONL);
        mode.c_iflag &= ~static_cast<tcflag_t>(ICRNL | INLCR);
        mode.c_cc[VMIN] = 1;
        mode.c_cc[VTIME] = 0;
        if (!functions_.open(keys_.get(), written_.get(), color_)) return false;
        open_ = ::tcsetattr(keys_.get(), TCSADRAIN, &mode) == 0;
        drawn_for_ = {0, 0};
        if (!open_) functions_.close();
        return open_;
    }
    void close() override {
        if (!std::exchange(open_, false)) return;
        functions_.close();
        ::tcsetattr(keys_.get(), TCSADRAIN, &before_);
    }
    ScreenSize size() const override { return terminal_size(STDOUT_FILENO); }
    void draw(const Picture& picture) override {
        if (!open_) return;
        const ScreenSize now = size();
        if (now != drawn_for_) functions_.resize(static_cast<int>(now.rows), static_cast<int>(now.columns));
        drawn_for_ = now;
        functions_.begin();
        for (std::size_t row = 0; row < picture.size(); ++row) {
            std::size_t column = 0;
            for (const Span& span : picture[row]) {
                functions_.put(static_cast<int>(row), static_cast<int>(column), span.text.data(),
                               span.text.size(), span.style);
                column += display_width(span.text);
            }
        }
        functions_.show();
    }
    void forget() override {
        if (open_) functions_.forget();
    }
    int key() override { return open_ ? functions_.key() : static_cast<int>(key_none); }
    int key_descriptor() const override { return keys_.get(); }
    std::string output() override {
        struct stat about{};
        if (::fstat(written_.get(), &about) != 0 || about.st_size == 0) return {};
        std::string bytes(static_cast<std::size_t>(about.st_size), '\0');
        const auto got = ::pread(written_.get(), bytes.data(), bytes.size(), 0);
        bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        // The module's descriptor is a copy of this one, and has its position.
        if (::ftruncate(written_.get(), 0) == 0) ::lseek(written_.get(), 0, SEEK_SET);
        return bytes;
    }

  private:
    const ScreenFunctions& functions_;
    Descriptor keys_;
    Descriptor written_;
    bool color_;
    bool open_ = false;
    termios before_{};
    ScreenSize drawn_for_{0, 0};
};

}  // namespace

ScreenSize terminal_size(int fd) {
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return {};
    return {size.ws_row, size.ws_col};
}

bool same_terminal(int one, int other) {
    struct stat first{};
    struct stat second{};
    return ::isatty(one) == 1 && ::isatty(other) == 1 && ::fstat(one, &first) == 0 &&
           ::fstat(other, &second) == 0 && first.st_rdev == second.st_rdev;
}

std::string text_of(const Line& line) {
    std::string text;
    for (const Span& span : line) text += span.text;
    return text;
}

std::expected<std::unique_ptr<Screen>, std::string> make_screen(bool color) {
    if (const char* const chosen = std::getenv(screen_module.environment);
        chosen != nullptr && *chosen == '\0')
        return std::unexpected(std::string());
    const auto functions = load_functions();
    if (!functions) return std::unexpected(functions.error());
    Descriptor keys(::isatty(STDIN_FILENO) == 1 ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                                : ::open("/dev/tty", O_RDWR | O_CLOEXEC));
    Descriptor written(::memfd_create("screen", MFD_CLOEXEC));
    if (!keys || !written) return std::unexpected(std::string("the terminal's keys cannot be read"));
    auto screen = std::make_unique<ModuleScreen>(**functions, std::move(keys), std::move(written), color);
    // Not yet: the program may have questions before it connects.
    if (!screen->open()) {
        const char* const name = std::getenv("TERM");
        return std::unexpected("no full screen with TERM=" + escape_controls(name == nullptr ? "" : name) +
                               " (try TERM=xterm-256color)");
    }
    screen->close();
    screen->output();
    return screen;
}

}  // namespace mqttc::sub
