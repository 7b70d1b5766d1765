// Implementation of real_broker.hpp.
#include "support/real_broker.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "support/port.hpp"

namespace mqttc::test {

bool RealBroker::available() {
    return is_executable(mosquitto_path) && is_executable(mosquitto_pub_path) &&
           is_executable(mosquitto_sub_path) && is_executable(mosquitto_passwd_path);
}

RealBroker::RealBroker(std::string_view config, Log logged) : config_(config), log_(logged) {
    constexpr int tries = 5;
    for (int i = 0; i < tries; ++i) {
        port_ = free_port();
        if (try_start()) return;
    }
    std::fprintf(stderr, "cannot start %s:\n%s", mosquitto_path, log().c_str());
    std::abort();
}

bool RealBroker::try_start() {
    std::string text = "listener " + std::to_string(port_) + " 127.0.0.1\n" + config_;
    // As root it would change to the user mosquitto, which cannot read the files of the test.
    if (::geteuid() == 0) text += "\nuser root\n";
    std::vector<std::string> argv{mosquitto_path, "-c", dir_.write("mosquitto.conf", text)};
    if (log_ == Log::packets) argv.emplace_back("-v");
    process_ = std::make_unique<Process>(Command{
        .argv = std::move(argv),
        .directory = dir_.path().string(),
    });
    // It prints this after opening the listeners.
    return process_->wait_err(" running\n");
}

void RealBroker::stop() {
    process_->send_signal(SIGTERM);
    process_->wait();
}

void RealBroker::start() {
    if (try_start()) return;
    std::fprintf(stderr, "cannot start %s again:\n%s", mosquitto_path, log().c_str());
    std::abort();
}

}  // namespace mqttc::test
