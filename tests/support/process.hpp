// Runs a program as a child process: feeds its stdin, captures what it writes, waits for events.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace mqttc::test {

// Long enough for sanitizer builds on a busy machine. Only a failing test waits this long.
inline constexpr std::chrono::milliseconds default_timeout{60'000};

// How a program ended. Exactly one of the three applies.
struct Exit {
    int code = -1;   // exit status, or -1
    int signal = 0;  // the signal that ended it, or 0
    bool timed_out = false;

    bool operator==(const Exit&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Exit& exit);

// What to run. argv[0] is a path or a name in $PATH.
struct Command {
    std::vector<std::string> argv;
    std::vector<std::pair<std::string, std::string>> env = {};  // added to the environment of the test
    std::vector<std::string> unset = {};                        // removed from it first
    std::string input = {};        // bytes for stdin, then its end unless keep_stdin_open
    bool keep_stdin_open = false;  // more is sent with write(), the end with close_stdin()
    std::string stdin_file = {};   // opened as stdin instead of a pipe
    std::string stdout_file = {};  // opened (created, truncated) as stdout instead of a pipe
    std::string directory = {};    // working directory
    bool read_stdout = true;       // false: stdout is not read before resume_stdout()
};

struct Result {
    Exit exit;
    std::string out;
    std::string err;
};

// A running child. All functions may be called from any thread, except that the child is killed
// when the thread that started it ends. A program that cannot be started exits with code 127.
class Process {
  public:
    using Ready = std::function<bool(const std::string& out, const std::string& err)>;

    explicit Process(Command command);
    // Kills the child and what it has started and is in its process group.
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    pid_t pid() const { return pid_; }

    // Queues bytes for stdin (keep_stdin_open); does not block.
    void write(std::string_view bytes);
    // stdin ends after what was written so far.
    void close_stdin();
    // From now on writes of the child to stdout fail with EPIPE.
    void close_stdout();
    void resume_stdout();

    // Wait until stdout (stderr) contains the text; false when the child has ended or the time is over.
    bool wait_out(std::string_view text, std::chrono::milliseconds timeout = default_timeout);
    bool wait_err(std::string_view text, std::chrono::milliseconds timeout = default_timeout);
    // The same for any condition on what was written so far.
    bool wait_until(const Ready& ready, std::chrono::milliseconds timeout = default_timeout);
    // The next line of stdout without its newline; none when the child has ended or the time is over.
    std::optional<std::string> read_line(std::chrono::milliseconds timeout = default_timeout);

    // Waits for the end. After the timeout the child is killed, and timed_out is set.
    Exit wait(std::chrono::milliseconds timeout = default_timeout);
    bool running() const;
    void send_signal(int signal) const;

    // What was written so far.
    std::string out() const;
    std::string err() const;

  private:
    void start(const Command& command);
    void pump();
    bool pump_once();
    void take_exit();
    void wake() const;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    pid_t pid_ = -1;
    int pidfd_ = -1;
    int wakefd_ = -1;
    int stdin_ = -1;
    int stdout_ = -1;
    int stderr_ = -1;
    std::string input_;
    std::size_t input_sent_ = 0;
    bool input_ends_ = true;
    bool read_stdout_ = true;
    bool close_stdout_ = false;
    std::string out_;
    std::string err_;
    std::size_t lines_read_ = 0;  // bytes of out_ that read_line() has given out
    std::optional<Exit> exit_;
    std::thread pump_thread_;
};

// Runs a program to its end.
Result run(Command command, std::chrono::milliseconds timeout = default_timeout);
Result run(std::vector<std::string> argv, std::string input = {});

// The path of a program built here, e.g. program("mqtt_pub").
std::string program(std::string_view name);

// The command line that starts `argv`: in a cross build the emulator precedes our programs.
std::vector<std::string> runnable(std::vector<std::string> argv);

// Whether an emulator runs them, which needs additional memory and time.
bool emulated();

// Whether an executable file of that path exists.
bool is_executable(const std::string& path);

// Whether the text contains the part.
inline bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace mqttc::test
