// mqtt_sub: subscribes to topics and prints what arrives.
#include <unistd.h>

#include <chrono>
#include <new>
#include <optional>

#include "payload_decoder.hpp"
#include "printer.hpp"
#include "start.hpp"
#include "subscriber.hpp"
#include "trace.hpp"

namespace {

using namespace mqttc;

int subscribe(const app::CalledAs& called, int argc, char** argv, app::Messages& messages) {
    const Time started = std::chrono::steady_clock::now();
    auto read = app::start_sub(called, argc, argv, messages);
    if (!read) return read.error();
    app::SubOptions& options = *read;
    output::StdoutBuffer out(STDOUT_FILENO);
    if (out.state() != output::StdoutBuffer::State::open) {
        messages.stdout_failed(out.error());
        return app::exit_code::output_failed;
    }
    const auto sink = sub::make_printer(options, out.terminal(), out, messages);
    if (!sink) {
        messages.error(sink.error());
        return app::exit_code::usage;
    }
    std::optional<sub::PayloadDecoder> decoder;
    if (options.decode) {
        decoder.emplace(*options.decode, options.skip_invalid, options.pretty, messages);
        if (const auto ready = decoder->start(); !ready) {
            messages.error(ready.error());
            return app::exit_code::usage;
        }
    }
    if (const auto ready = (*sink)->start(); !ready) {
        messages.error(ready.error());
        return app::exit_code::output_failed;
    }
    auto client_options = app::prepare_client(options.connection, messages);
    if (!client_options) return client_options.error();
    app::DebugTrace trace(messages);
    if (options.run.debug) client_options->session.trace = &trace;

    return sub::Subscriber(options, decoder ? &*decoder : nullptr, **sink, out, std::move(*client_options),
                           app::run_deadline(options.run, started), messages)
        .run()
        .code;
}

}  // namespace

int main(int argc, char** argv) {
    const app::CalledAs called = app::called_as(app::Program::sub, argc > 0 ? argv[0] : nullptr);
    app::Messages messages(called.name);
    int code = app::exit_code::connection_lost;
    try {
        code = subscribe(called, argc, argv, messages);
    } catch (const std::bad_alloc&) {
        messages.error("out of memory");
    }
    return app::exit_code_as(called, code);
}
