// tmux as a terminal for tests.
#include "support/tmux.hpp"

#include <thread>

namespace mqttc::test {

Result Tmux::tmux(const Words& arguments) const {
    Command command{.argv = Words{tmux_path, "-u", "-S", directory_.file("socket"), "-f", "/dev/null"} +
                            arguments};
    command.env = {{"TERM", "xterm-256color"}, {"LC_ALL", "C.UTF-8"}};
    return run(std::move(command));
}

Tmux::Tmux(const Command& command, WindowSize size) {
    // tmux's own environment is not that of the program.
    Words words{"env"};
    for (const std::string& name : command.unset) words.insert(words.end(), {"-u", name});
    for (const auto& [name, value] : command.env) {
        if (name != "TERM") words.push_back(name + "=" + value);
    }
    for (const std::string& word : runnable(command.argv)) words.push_back(word);
    tmux(Words{"new-session", "-d", "-x", std::to_string(size.columns), "-y", std::to_string(size.rows)} +
         words);
}

Tmux::~Tmux() {
    tmux({"kill-server"});
}

void Tmux::type(const Words& keys) const {
    tmux(Words{"send-keys"} + keys);
}

std::string Tmux::screen() const {
    return tmux({"capture-pane", "-p"}).out;
}

void Tmux::resize(WindowSize size) const {
    tmux({"resize-window", "-x", std::to_string(size.columns), "-y", std::to_string(size.rows)});
}

bool Tmux::wait(std::string_view text, bool there, std::chrono::milliseconds timeout) const {
    const auto end = std::chrono::steady_clock::now() + timeout;
    // tmux reports no changes: its screen is asked for again and again.
    while (screen().contains(text) != there) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
}

bool Tmux::shows(std::string_view text, std::chrono::milliseconds timeout) const {
    return wait(text, true, timeout);
}

bool Tmux::hides(std::string_view text, std::chrono::milliseconds timeout) const {
    return wait(text, false, timeout);
}

}  // namespace mqttc::test
