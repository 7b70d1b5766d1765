// Tests of where a password is visible while mqtt_passwd runs.
#include <chrono>
#include <string>

#include "passwd_program.hpp"
#include "support/needs.hpp"

using namespace mqttc::test;

namespace {

std::string proc(pid_t pid, const char* name) {
    return read_file("/proc/" + std::to_string(pid) + "/" + name);
}

// mqtt_passwd with a hash that takes longer than the tests below.
Command endless(const std::string& file, const std::string& password) {
    return Command{.argv = passwd_argv(
                       {"-H", "argon2id", "--memory", "1024", "-I", "65536", "-b", file, "u", password})};
}

// Polls until `condition` is true; false if the program exits or after default_timeout.
bool becomes_true(const Process& process, const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + default_timeout;
    while (process.running() && std::chrono::steady_clock::now() < deadline)
        if (condition()) return true;
    return false;
}

}  // namespace

TEST_CASE("a password on the command line is soon wiped there") {
    const TempDir dir;
    Process process(endless(dir.write("pw", ""), "VerySecretIndeed"));
    CHECK(becomes_true(process, [&] {
        const std::string line = proc(process.pid(), "cmdline");
        return line.find("mqtt_passwd") != std::string::npos &&
               line.find("VerySecretIndeed") == std::string::npos;
    }));
}

TEST_CASE("a password is in locked memory" * needs_no_sanitizer()) {
    const TempDir dir;
    Process process(endless(dir.write("pw", ""), "VerySecretIndeed"));
    CHECK(becomes_true(process, [&] {
        const std::string status = proc(process.pid(), "status");
        const auto at = status.find("VmLck:");
        return at != std::string::npos && std::stol(status.substr(at + 6)) > 0;
    }));
}
