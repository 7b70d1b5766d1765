// The options that only mqtt_sub has.
#include "option_rows.hpp"

namespace mqttc::app {
namespace {

using enum Repeats;

OptionResult add_qos(OptionContext& context) {
    if (!context.repeated("qos")) context.sub->qos.clear();
    context.sub->qos.push_back(static_cast<Qos>(context.choice));
    return {};
}

// clang-format off
constexpr OptionRow subscription_options[] = {
    {.short_name = 't', .name = "topic", .argument = "FILTER", .repeats = adds,
     .help = "topic filter to subscribe to, e.g. home/+/temp or home/#; repeats",
     .manual = R"(The topic filter to subscribe to.
In a filter,
.Ql +
matches one whole level, and
.Ql #
as the last level matches all remaining levels.
.Sm off
.Cm $share/ Ar group Cm / Ar filter
.Sm on
is a shared subscription.
May be repeated.)",
     .set = add_filter<&SubOptions::topics>},
    {.short_name = 'U', .name = "unsubscribe", .argument = "FILTER", .repeats = adds,
     .help = "unsubscribe after the subscriptions; repeats",
     .manual = R"(Unsubscribe, after subscribing.
May be repeated, and may be used without
.Fl t .)",
     .set = add_filter<&SubOptions::unsubscribe>},
    {.short_name = 'T', .name = "filter-out", .argument = "FILTER", .repeats = adds,
     .help = "do not print messages whose topic matches; repeats",
     .manual = R"(Do not print, count or clear messages whose topic matches.
May be repeated.)",
     .set = add_filter<&SubOptions::filter_out>},
    {.short_name = 'q', .name = "qos", .argument = "QOS", .value = ValueKind::choice, .choices = "0 1 2",
     .repeats = per_source,
     .help = "quality of service: 0, 1 or 2 (default 0); once, or once for each topic",
     .manual = R"(The maximum quality of service.
The default is 0.
If the broker grants less, a line on standard error reports it.
If given as often as
.Fl t ,
each topic filter has its own value.)",
     .set = add_qos},
    {.short_name = 'C', .argument = "COUNT", .value = ValueKind::number,
     .help = "stop after COUNT printed messages",
     .manual = "Exit with status 0 after printing exactly this many messages.",
     .set = set_number<1, UINT64_MAX, &SubOptions::count>},
    {.short_name = 'E',
     .help = "stop when the subscriptions are acknowledged",
     .manual = R"(Exit with status 0 when all subscriptions are acknowledged, or with 67 if one
was refused.)",
     .set = set_flag<&SubOptions::exit_after_suback>},
    {.short_name = 'R', .excludes = "retained-only",
     .help = "do not print retained messages",
     .manual = R"(Do not print messages with the retain flag, and do not clear them with
.Fl -remove-retained .)",
     .set = set_flag<&SubOptions::no_retain>},
    {.name = "retained-only",
     .help = "print retained messages only, stop at the first other message",
     .manual = "Print only retained messages; exit at the first message that is not retained.",
     .set = set_flag<&SubOptions::retained_only>},
    {.name = "remove-retained",
     .help = "remove each retained message received from the broker",
     .manual = R"(Clear each retained message received, by publishing an empty retained message,
up to 1000 at a time unless
.Fl M
sets another number.
If some could not be cleared, a line reports how many were cleared, and the
exit status is 66.
Only in MQTT 5 does the broker report that it refused one.)",
     .set = set_flag<&SubOptions::remove_retained>},
    {.name = "retain-as-published", .role = Role::selects_v5,
     .help = "keep the publisher's retain flag; selects MQTT 5",
     .manual = R"(Keep the retain flag as the publisher set it.
Selects MQTT 5.)",
     .set = set_flag<&SubOptions::retain_as_published>},
    {.name = "retain-handling", .argument = "WHEN", .value = ValueKind::choice, .choices = "always new never",
     .role = Role::selects_v5,
     .help = "retained messages when subscribing: always, new, never; selects MQTT 5",
     .manual = R"(When the broker sends retained messages: on every subscription, only on a new
one, or never.
Selects MQTT 5.)",
     .set = set_choice<RetainHandling, &SubOptions::retain_handling>},
    {.name = "no-local", .role = Role::selects_v5,
     .help = "no messages that this client published; selects MQTT 5",
     .manual = R"(Do not receive messages that this client publishes itself.
Selects MQTT 5.)",
     .set = set_flag<&SubOptions::no_local>},
    {.name = "dry-run", .needs = "remove-retained", .excludes = "save|exec|watch|message-rate",
     .help = "with --remove-retained: only print what would be removed",
     .manual = R"(With
.Fl -remove-retained :
clear nothing, and print only the messages that would be cleared.
Their topics are printed, unless
.Fl v ,
.Fl F
or
.Fl -field
selects another output.)",
     .set = set_flag<&SubOptions::dry_run>},
    {.name = "random-filter", .argument = "PERCENT", .value = ValueKind::number,
     .help = "print a random sample of the messages, 0.1 to 100 percent",
     .set = set_decimal<0.1, 100.0, &SubOptions::random_filter>},
    {.name = "idle-timeout", .argument = "SECONDS", .value = ValueKind::seconds,
     .help = "stop with exit code 0 after SECONDS without a message",
     .manual = R"(Exit with status 0 after this many seconds without a message.
The time without a connection is not counted.)",
     .set = set_seconds<min_seconds, &SubOptions::idle_timeout>},
};
constexpr OptionRow output_options[] = {
    {.name = "decode", .argument = "FORMAT", .choices = "json cbor msgpack sparkplug protobuf auto",
     .ends_at_space = true,
     .help = "payloads to JSON: json, cbor, msgpack, sparkplug, auto, protobuf:FILE:MESSAGE",
     .manual = R"(Decode payloads to JSON, which all other options then use instead of the
payload; see
.Sx DECODED PAYLOADS .)",
     .set = set_payload_format<&SubOptions::decode>},
    {.short_name = 'v', .name = "verbose", .excludes = "save|exec", .why = "nothing is printed", .overridable = true,
     .help = "print the topic before the payload",
     .manual = R"(Print
.Ql topic payload ,
or
.Ql topic (null)
for an empty payload.)",
     .set = set_flag<&SubOptions::verbose>},
    {.short_name = 'N',
     .help = "no newline after each message",
     .manual = "Do not print a newline after each message.",
     .set = set_flag<&SubOptions::no_newline>},
    {.short_name = 'F', .argument = "FORMAT", .excludes = "save|exec", .why = "nothing is printed",
     .overridable = true,
     .help = "what to print, e.g. '%I %t %p'; %{temp} is a value of JSON payloads, %j everything as JSON",
     .manual = R"(Print each message in this format; see
.Sx OUTPUT FORMAT .)",
     .set = set_text<&SubOptions::format>},
    {.name = "csv", .argument = "FIELDS", .excludes = "F|v|N|field|save|exec|watch|message-rate|dry-run",
     .why = "both select what is printed",
     .help = "print CSV, e.g. time,topic,payload or topic,%{temp}",
     .manual = R"(Print comma-separated values (RFC 4180): a header line, and one record for each
message.
.Ar fields
are
.Cm topic , payload , time , qos , retain
and
.Cm %{ Ns Ar path Ns Cm }
or another sequence of
.Sx OUTPUT FORMAT ,
with commas between them.
A field that a message does not have is empty.)",
     .set = set_text<&SubOptions::csv>},
    {.name = "pretty",
     .help = "indent %j and %J; --decode sparkplug: times as text",
     .manual = R"(Indent the JSON of
.Cm \&%j
and
.Cm \&%J .
Timestamps decoded from Sparkplug B are written as text instead of
milliseconds.)",
     .set = set_flag<&SubOptions::pretty>},
    {.name = "message-rate", .excludes = "save|exec|watch",
     .help = "print the number of messages once a second, not the messages",
     .manual = R"(Print the number of messages once a second instead of the messages.
The number for the rest of the last second is printed at the end.)",
     .set = set_flag<&SubOptions::message_rate>},
    {.short_name = 'w', .name = "watch", .excludes = "save|exec",
     .help = "a live view of all topics on the terminal: scroll, sort, filter, details",
     .manual = R"(Show a live view instead of a stream: one line per topic, with its last value,
age and rate; see
.Sx LIVE VIEW .)",
     .set = set_flag<&SubOptions::watch>},
    {.name = "field", .argument = "PATH",
     .help = "this value of JSON payloads instead of the payload, e.g. sensors.0.temp",
     .manual = R"(Use one value of a JSON payload instead of the whole payload, with every output
option but
.Fl -csv ,
which has fields of its own; see
.Sx JSON FIELDS .
A message without that value is reported and not printed; with
.Fl -skip-invalid
it is not reported.)",
     .set = set_text<&SubOptions::field>},
    {.name = "skip-invalid",
     .help = "leave out payloads that cannot be decoded, or lack a field",
     .manual = R"(Leave out messages that
.Fl -decode
cannot decode (otherwise printed undecoded), messages without the value of
.Fl -field
(otherwise reported), and messages without the value of a
.Cm %{ Ns Ar path Ns Cm }
in the format of
.Fl F
(otherwise printed with an empty value).)",
     .set = set_flag<&SubOptions::skip_invalid>},
    {.name = "only-changes",
     .help = "no message whose payload equals the last one of its topic",
     .manual = R"(Leave out a message whose payload, or value of
.Fl -field ,
equals the last one of its topic.
The last payload is remembered for 100,000 topics; messages on further topics
are always printed.)",
     .set = set_flag<&SubOptions::only_changes>},
    {.name = "raw",
     .help = "exact bytes also on a terminal",
     .manual = R"(Write control characters to a terminal unchanged.
By default they are escaped there, so that a payload cannot control the
terminal.
Pipes and files always get the exact bytes.
See
.Sx CONTROL CHARACTERS .)",
     .set = set_flag<&SubOptions::raw>},
    {.name = "save", .argument = "TEMPLATE",
     .needs_safe_file = true,
     .help = "write each message to its own file, named as in -F",
     .manual = R"(Write the payload of each message to a file and print nothing.
The file name is made from
.Ar template ,
which is a format as for
.Fl F .
Data from the broker cannot name a file outside the directory; see
.Sx SAVED FILES .)",
     .set = set_text<&SubOptions::save>},
    {.name = "exec", .argument = "COMMAND", .value = ValueKind::command, .excludes = "save",
     .needs_safe_file = true,
     .help = "run COMMAND for each message, payload on its stdin",
     .manual = R"(Run
.Ar command
for each message, with the payload on its standard input and
.Ev MQTT_TOPIC , MQTT_QOS , MQTT_RETAIN , MQTT_PAYLOAD_LENGTH
and others in its environment; see
.Sx COMMANDS .
Data from the broker is never parsed by a shell.)",
     .set = set_text<&SubOptions::exec>},
    {.name = "jobs", .argument = "N", .value = ValueKind::number, .needs = "exec",
     .help = "with --exec: run up to N commands in parallel",
     .manual = R"(Run up to
.Ar n
commands in parallel.
The default is 1.)",
     .set = set_number<1, 1024, &SubOptions::jobs>},
};
// clang-format on

}  // namespace

constinit const std::span<const OptionRow> subscription_rows = subscription_options;
constinit const std::span<const OptionRow> output_rows = output_options;

}  // namespace mqttc::app
