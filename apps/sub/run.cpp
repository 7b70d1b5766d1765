// Puts mqtt_sub together from its options.
#include <unistd.h>

#include <optional>

#include "payload_decoder.hpp"
#include "printer.hpp"
#include "start.hpp"
#include "subscriber.hpp"
#include "trace.hpp"

namespace mqttc::sub {

int run_subscriber(app::SubOptions& options, Time started, app::Messages& messages) {
    output::StdoutBuffer out(STDOUT_FILENO);
    if (out.state() != output::StdoutBuffer::State::open) {
        messages.stdout_failed(out.error());
        return app::exit_code::output_failed;
    }
    const auto sink = make_printer(options, out.terminal(), out, messages);
    if (!sink) {
        messages.error(sink.error());
        return app::exit_code::usage;
    }
    std::optional<PayloadDecoder> decoder;
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

    return Subscriber(options, decoder ? &*decoder : nullptr, **sink, out, std::move(*client_options),
                      app::run_deadline(options.run, started), messages)
        .run();
}

}  // namespace mqttc::sub
