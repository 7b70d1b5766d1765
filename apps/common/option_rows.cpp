// The option table of mqtt_pub and mqtt_sub.
#include "option_rows.hpp"

#include <array>

namespace mqttc::app {

const OptionTable& pub_sub_options() {
    constexpr ProgramSet pub = only(Program::pub);
    constexpr ProgramSet sub = only(Program::sub);
    static const std::array sections{
        OptionSection{pub, "Message", message_rows},
        OptionSection{pub, "Sending", sending_rows},
        OptionSection{sub, "Subscription", subscription_rows},
        OptionSection{sub, "Output", output_rows},
        OptionSection{pub_and_sub, "Broker", broker_rows},
        OptionSection{pub_and_sub, "Client and session", identity_rows},
        OptionSection{pub_and_sub, "TLS (each of these turns it on)", tls_rows},
        OptionSection{pub_and_sub, "WebSocket and proxy", transport_rows},
        OptionSection{pub_and_sub, "Will", will_rows},
        OptionSection{pub_and_sub, "General", general_rows},
    };
    static const OptionTable table{sections};
    return table;
}

}  // namespace mqttc::app
