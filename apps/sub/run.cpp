// Puts mqtt_sub together from its options.
#include <unistd.h>

#include "printer.hpp"
#include "start.hpp"
#include "subscriber.hpp"
#include "trace.hpp"

namespace mqttc::sub {

int run_subscriber(app::Options& options, const app::Messages& messages) {
    Output out(STDOUT_FILENO);
    if (out.state() != Output::State::open) {
        messages.stdout_failed(out.error());
        return app::exit_code::output_failed;
    }
    const auto sink = make_printer(options.sub, out.terminal(), out, messages);
    if (!sink) {
        messages.error(sink.error());
        return app::exit_code::usage;
    }
    if (const auto started = (*sink)->start(); !started) {
        messages.error(started.error());
        return app::exit_code::output_failed;
    }
    auto client_options = app::prepare_client(options, messages);
    if (!client_options) return client_options.error();
    app::DebugTrace trace(messages);
    if (options.debug) client_options->session.trace = &trace;

    Subscriber subscriber(options, **sink, out, messages, endpoint_name(client_options->endpoint));
    Client client(std::move(*client_options), subscriber);
    subscriber.attach(client);
    return subscriber.conclude(client.run());
}

}  // namespace mqttc::sub
