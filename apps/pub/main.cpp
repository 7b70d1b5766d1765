// mqtt_pub: publishes messages to an MQTT broker.
#include <unistd.h>

#include <new>

#include "base/signals.hpp"
#include "exit_code.hpp"
#include "open_input.hpp"
#include "publisher.hpp"
#include "requester.hpp"
#include "start.hpp"
#include "trace.hpp"

namespace {

using namespace mqttc;

app::RunEnd request(const app::PubOptions& options, pub::InputSource& input, ClientOptions client,
                    std::optional<Time> deadline, Time started, app::Messages& messages) {
    output::StdoutBuffer out(STDOUT_FILENO);
    const auto printer = pub::make_answer_printer(options, out, messages);
    if (!printer) {
        messages.error(printer.error());
        return {app::exit_code::usage};
    }
    pub::InputMessage message;
    static_cast<void>(input.next(message, started));
    pub::Requester requester(options, message.payload, **printer, out, std::move(client), deadline, messages);
    if (const auto ready = requester.address_answers(); !ready) {
        messages.error(ready.error());
        return {app::exit_code::usage};
    }
    return requester.run();
}

app::RunEnd publish(const app::CalledAs& called, int argc, char** argv, app::Messages& messages) {
    const Time started = std::chrono::steady_clock::now();
    auto options = app::start_pub(called, argc, argv, messages);
    if (!options) return {options.error()};

    auto client = app::prepare_client(options->connection, messages);
    if (!client) return {client.error()};
    app::DebugTrace trace(messages);
    if (options->run.debug) client->session.trace = &trace;

    const auto deadline = app::run_deadline(options->run, started);
    if (deadline) messages.give_up_at(*deadline);
    auto input = pub::open_input(*options, deadline, messages);
    if (!input) {
        messages.error(input.error().message);
        return {input.error().timed_out ? app::exit_code::run_timeout : app::exit_code::usage};
    }
    if (!options->request)
        return pub::Publisher(*options, **input, std::move(*client), deadline, messages).run();
    return request(*options, **input, std::move(*client), deadline, started, messages);
}

}  // namespace

int main(int argc, char** argv) {
    const app::CalledAs called = app::called_as(app::Program::pub, argc > 0 ? argv[0] : nullptr);
    app::Messages messages(called.name);
    app::RunEnd end{app::exit_code::not_delivered};
    try {
        end = publish(called, argc, argv, messages);
    } catch (const std::bad_alloc&) {
        messages.error("out of memory");
    }
    // As Mosquitto's programs do; a shell ends its loop only if the program has ended by SIGINT.
    if (called.mosquitto && end.signal != 0) raise_default(end.signal);
    return app::exit_code_as(called, end.code);
}
