// The table of exit codes, and which error ends with which.
#include "exit_code.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include "mqttc/reason.hpp"

namespace mqttc::app {
namespace {

constexpr std::array exit_code_rows{
    ExitCodeRow{0, 0, "success: everything was delivered, received or acknowledged"},
    ExitCodeRow{1, 1, "usage or configuration error"},
    ExitCodeRow{1, 5, "the broker refused the connection: the CONNACK code of MQTT 3.1 and 3.1.1"},
    ExitCodeRow{27, 27, "the time limit of -W has passed"},
    ExitCodeRow{60, 60, "the host name could not be resolved", 1},
    ExitCodeRow{61, 61, "could not connect", 1},
    ExitCodeRow{62, 62, "TLS failed", 1},
    ExitCodeRow{63, 63, "the proxy or the WebSocket handshake failed", 16},
    ExitCodeRow{64, 64, "protocol error by the server, or it closed before CONNACK", 7},
    ExitCodeRow{65, 65, "the connection was lost permanently", 7},
    ExitCodeRow{66, 66, "some messages were not delivered", 7},
    ExitCodeRow{67, 67, "all subscriptions were refused", 0},
    ExitCodeRow{68, 68, "writing the output failed", 1},
    ExitCodeRow{128, 162, "the broker refused the connection: the CONNACK code of MQTT 5"},
};

}  // namespace

std::span<const ExitCodeRow> exit_code_table() {
    return exit_code_rows;
}

int exit_code_of(const Error& error, bool was_connected) {
    switch (error.code) {
        case ErrorCode::ok:
            return exit_code::ok;
        case ErrorCode::usage:
        case ErrorCode::tls_config:
        case ErrorCode::limit_exceeded:
        case ErrorCode::io_error:
            return exit_code::usage;
        case ErrorCode::name_not_found:
        case ErrorCode::name_timeout:
            return exit_code::name_not_found;
        case ErrorCode::connect_failed:
        case ErrorCode::connect_timeout:
            return was_connected ? exit_code::connection_lost : exit_code::connect_failed;
        case ErrorCode::tls_failed:
            return exit_code::tls_failed;
        case ErrorCode::proxy_failed:
        case ErrorCode::websocket_failed:
            return exit_code::handshake_failed;
        case ErrorCode::connection_refused:
            return error.reason;
        case ErrorCode::protocol_error:
            return exit_code::protocol_error;
        case ErrorCode::closed_by_peer:
            return was_connected ? exit_code::connection_lost : exit_code::protocol_error;
        case ErrorCode::connection_lost: {
            if (was_connected) return exit_code::connection_lost;
            const bool closed = error.reason == ECONNRESET || error.reason == EPIPE;
            return closed ? exit_code::protocol_error : exit_code::connect_failed;
        }
        case ErrorCode::server_disconnect:
            if (error.reason == reason::use_another_server || error.reason == reason::server_moved)
                return error.reason;
            return exit_code::connection_lost;
        case ErrorCode::keep_alive_timeout:
        case ErrorCode::not_connected:
        case ErrorCode::window_full:
        case ErrorCode::buffer_full:
        case ErrorCode::out_of_memory:
        case ErrorCode::interrupted:
            return exit_code::connection_lost;
        case ErrorCode::ack_timeout:
            return exit_code::not_delivered;
    }
    return exit_code::connection_lost;
}

int exit_code_as(const CalledAs& called, int code) {
    const auto row = std::ranges::find_if(exit_code_rows, [&](const ExitCodeRow& one) {
        return one.first <= code && code <= one.last && one.mosquitto != ExitCodeRow::same;
    });
    return called.mosquitto && row != exit_code_rows.end() ? row->mosquitto : code;
}

int refused_code(const CalledAs& called) {
    return called.mosquitto ? exit_code::ok : exit_code::not_delivered;
}

}  // namespace mqttc::app
