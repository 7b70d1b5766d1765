// Exit codes: the table and the errors that lead to it.
#include "exit_code.hpp"

#include <doctest/doctest.h>

#include <cerrno>

#include <algorithm>

using namespace mqttc;
using namespace mqttc::app;

namespace {

bool in_table(int code) {
    return std::ranges::any_of(exit_code_table(),
                               [&](const ExitCodeRow& row) { return row.first <= code && code <= row.last; });
}

}  // namespace

TEST_CASE("every error has an exit code of the table") {
    for (int code = 0; code <= static_cast<int>(ErrorCode::io_error); ++code) {
        for (const bool was_connected : {false, true}) {
            const int exit = exit_code_of({static_cast<ErrorCode>(code), 5, {}}, was_connected);
            CAPTURE(code);
            CHECK(in_table(exit));
            CHECK((exit == 0) == (code == 0));
        }
    }
}

TEST_CASE("the broker's refusal is the exit code itself") {
    CHECK(exit_code_of({ErrorCode::connection_refused, 5, {}}, false) == 5);
    CHECK(exit_code_of({ErrorCode::connection_refused, 0x87, {}}, false) == 135);
    CHECK(exit_code_of({ErrorCode::server_disconnect, 0x9d, {}}, true) == 157);
}

TEST_CASE("a connection that never was and one that is lost are different") {
    CHECK(exit_code_of({ErrorCode::closed_by_peer, 0, {}}, false) == exit_code::protocol_error);
    CHECK(exit_code_of({ErrorCode::closed_by_peer, 0, {}}, true) == exit_code::connection_lost);
    CHECK(exit_code_of({ErrorCode::connection_lost, ECONNRESET, {}}, false) == exit_code::protocol_error);
    CHECK(exit_code_of({ErrorCode::connection_lost, EHOSTUNREACH, {}}, false) == exit_code::connect_failed);
    CHECK(exit_code_of({ErrorCode::connect_failed, 0, {}}, false) == exit_code::connect_failed);
    CHECK(exit_code_of({ErrorCode::name_not_found, 0, {}}, false) == exit_code::name_not_found);
    CHECK(exit_code_of({ErrorCode::server_disconnect, 0x8b, {}}, true) == exit_code::connection_lost);
}
