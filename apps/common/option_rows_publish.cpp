// The options that only mqtt_pub has.
#include "option_rows.hpp"

namespace mqttc::app {
namespace {

using enum Repeats;

OptionResult set_publish_topic(OptionContext& context) {
    auto topic = to_topic(context.value());
    if (!topic) return std::unexpected(std::move(topic.error()));
    auto& topics = context.pub->topics;
    // A config file names one topic, the last; only the command line can ask for several.
    const bool adds =
        context.source == OptionSource::command_line && context.repeated("topic") && !context.mosquitto;
    if (!adds || context.url.topic) topics.clear();
    context.url.topic.reset();
    topics.push_back(std::move(*topic));
    return {};
}

OptionResult set_message_source(OptionContext& context, PayloadSource source) {
    if (context.message_source == context.source)
        return std::unexpected(
            std::string("the message is already given by ").append(context.message_option));
    context.message_source = context.source;
    context.message_option = context.spelling;
    context.pub->source = source;
    return {};
}

template <PayloadSource Source>
OptionResult set_source(OptionContext& context) {
    return set_message_source(context, Source);
}

OptionResult set_message(OptionContext& context) {
    context.pub->message = context.value();
    return set_message_source(context, PayloadSource::message);
}

OptionResult set_file(OptionContext& context) {
    if (auto set = set_message_source(context, PayloadSource::file); !set) return set;
    return set_text<&PubOptions::file>(context);
}

OptionResult set_encoding(OptionContext& context) {
    auto set = set_choice<Encoding, &PubOptions::encoding>(context);
    context.is_default = context.pub->encoding == Encoding::raw;
    return set;
}

OptionResult report_latency(OptionContext& context) {
    if (!context.run->stats) context.run->stats = StatsForm::text;
    return {};
}

OptionResult set_repeat(OptionContext& context) {
    auto set = set_number<1, UINT64_MAX, &PubOptions::repeat>(context);
    context.is_default = context.pub->repeat == 1;
    return set;
}

// clang-format off
constexpr OptionRow message_options[] = {
    {.short_name = 't', .name = "topic", .argument = "TOPIC", .repeats = per_source, .excludes = "input=topic",
     .help = "topic to publish to; repeated: the message goes to each topic",
     .manual = R"(The topic to publish to.
May be repeated: the message is then published to each topic.)",
     .set = set_publish_topic},
    {.short_name = 'm', .name = "message", .argument = "TEXT",
     .help = "payload",
     .manual = "The payload.",
     .set = set_message},
    {.short_name = 'f', .name = "file", .argument = "FILE", .value = ValueKind::file,
     .help = "payload is the content of FILE; '-' is stdin",
     .manual = R"(Publish the content of
.Ar file :
any bytes, up to the protocol's limit of 256 MB.
.Ql -
is standard input.
A FIFO can be used, too.)",
     .set = set_file},
    {.short_name = 'l', .name = "stdin-line",
     .help = "each line of stdin is a message",
     .manual = R"(Publish each line of standard input as a message;
.Fl -input
selects other formats.
An empty line is an empty message.
A last line without a newline is published, too.
All bytes are kept, and a line may be as long as a payload may be.
.Pp
Input is read as fast as the broker accepts it and is never collected in
memory.
After more than one message at QoS 0, a PINGREQ at the end checks that the
broker has read them all; if it is not answered within
.Fl -ack-timeout ,
the exit status is 66.)",
     .set = set_source<PayloadSource::lines>},
    {.short_name = 's', .name = "stdin-file",
     .help = "all of stdin is one message",
     .manual = R"(Publish all of standard input as one message.
Empty input is an empty message, where
.Xr mosquitto_pub 1
publishes nothing and fails.)",
     .set = set_source<PayloadSource::whole_stdin>},
    {.short_name = 'n', .name = "null-message",
     .help = "empty payload (with -r it clears the retained message)",
     .manual = R"(Publish an empty message.
With
.Fl r
this clears the retained message of the topic.)",
     .set = set_source<PayloadSource::null>},
    {.short_name = 'q', .name = "qos", .argument = "QOS", .value = ValueKind::choice, .choices = "0 1 2",
     .help = "quality of service: 0, 1 or 2 (default 0)",
     .manual = R"(The quality of service.
The default is 0.)",
     .set = set_choice<Qos, &PubOptions::qos>},
    {.short_name = 'r', .name = "retain",
     .help = "the broker keeps the message for later subscribers",
     .manual = "Ask the broker to keep the message for later subscribers.",
     .set = set_flag<&PubOptions::retain>},
    {.name = "no-retain",
     .help = "not retained, even if a configuration file has -r",
     .manual = R"(Publish without the retain flag even if a configuration file contains
.Fl r .)",
     .set = clear_flag<&PubOptions::retain>},
    {.name = "encoding", .argument = "NAME", .value = ValueKind::choice, .choices = "raw hex base64",
     .needs = "message|file|stdin-line|stdin-file", .excludes = "input=json",
     .why = "write payload_encoding into the objects",
     .help = "how the payload is written: raw, hex, base64",
     .manual = R"(The encoding of the payloads given with
.Fl m ,
.Fl f ,
.Fl s
and
.Fl l ,
except with
.Fl -input Cm json .
The default is
.Cm raw .
Hexadecimal may contain spaces and colons between bytes, and
.Ql 0x
before them.
Base64 may contain line breaks; the form for URLs and the one without padding
are decoded, too.)",
     .set = set_encoding},
    {.name = "encode", .argument = "FORMAT", .choices = "cbor msgpack sparkplug protobuf",
     .needs = "message|file|stdin-line|stdin-file", .excludes = "encoding=hex|encoding=base64",
     .why = "the payload is JSON", .ends_at_space = true,
     .help = "publish JSON as cbor, msgpack, sparkplug or protobuf:FILE:MESSAGE",
     .manual = R"(Read payloads as JSON, from
.Fl m , f , s
or
.Fl l
with any
.Fl -input ,
and publish them in a binary format.
.Bl -tag -width sparkplug
.It Cm cbor
CBOR, in the shortest form.
A number with a decimal point or an exponent becomes a floating-point number,
and an integer of more than 64 bits becomes a bignum.
.It Cm msgpack
MessagePack, in the shortest form, except that all floating-point numbers have
64 bits.
It has no integers of more than 64 bits.
.It Cm sparkplug
Sparkplug B, from the JSON that
.Ic mqtt_sub --decode sparkplug
prints.
A metric without a
.Cm type
becomes Boolean, String, Int64 or Double, depending on its value.
.It Cm protobuf : Ns Ar file.proto : Ns Ar message
A Protocol Buffers message, from its JSON mapping.
Write the name of the message with its package, such as
.Li lab.Reading .
.El
.Pp
The last two need the Debian package mqttc-protobuf.
.Pp
Object members keep their order.
An empty payload stays empty.
If a payload cannot be encoded, the error message says what is wrong and, if the
JSON is invalid, where.
With
.Fl l ,
the line counts as invalid; see
.Fl -skip-invalid .)",
     .set = set_payload_format<&PubOptions::encode>},
    {.name = "input", .argument = "NAME", .value = ValueKind::choice, .choices = "lines topic json csv",
     .needs = "stdin-line",
     .help = "content of a line of -l: a payload, topic and payload, JSON object, CSV",
     .manual = R"(The format of the lines read with
.Fl l :
.Bl -tag -width lines
.It Cm lines
A payload (the default).
.It Cm topic
A topic, a separator and a payload.
.It Cm json
A JSON object as
.Xr mqtt_sub 1
prints it with
.Ql -F \&%j
or
.Ql -F \&%J ,
with the fields
.Cm topic , payload , payload_encoding , payloadlen , qos , retain
and
.Cm properties .
.It Cm csv
Comma-separated values (RFC 4180) with a header line; quoted fields may contain
line breaks.
.El
.Pp
In CSV, the columns
.Cm topic , payload , qos
and
.Cm retain
have the meaning of their names.
For an empty field, the option applies.
.Fl t
may contain names of columns in braces, such as
.Ql plant/{line}/{sensor} .
Without a payload column, the payload is a JSON object made from the remaining
columns.
An unquoted number, true, false or null keeps its type, an empty field becomes
null, and any other field a string.
.Pp
In JSON objects, missing fields take their values from
.Fl t , q , r
and
.Fl D ,
and unknown fields are ignored.
A string payload is published as its characters, or, if
.Cm payload_encoding
is
.Dq base64
or
.Dq hex ,
as the bytes that it encodes.
An object, array, number, true or false is published exactly as it is written,
and null is published as an empty payload.
.Pp
If
.Cm payloadlen
of a string or of null is the length of its JSON text, quotes included, the
object was recorded with
.Ql \&%J ,
and the JSON text is published.
Remove
.Cm payloadlen
from objects whose payload you change.
.Pp
Properties require
.Fl V Cm mqttv5 .
Topic aliases and subscription identifiers are not published, because they
belong to the recorded connection.
.Pp
With
.Cm topic
and
.Cm json ,
blank lines are skipped, and a carriage return at the end of a line is not part
of the payload.
A line that cannot be parsed ends the run with exit status 1, after all
messages before it were delivered.
The error message names the line.)",
     .set = set_choice<InputFormat, &PubOptions::input>},
    {.name = "payload-column", .argument = "NAME", .needs = "input=csv",
     .help = "with --input csv: the column that is the payload",
     .manual = R"(With
.Fl -input Cm csv :
the column that is the payload, instead of
.Cm payload .)",
     .set = set_text<&PubOptions::payload_column>},
    {.name = "separator", .argument = "TEXT", .not_empty = "the separator", .needs = "input=topic|input=csv",
     .help = "separates topic and payload, or the columns of CSV",
     .manual = R"(The text between topic and payload.
The default is the first tab or space.
With
.Fl -input Cm csv :
the character between columns, instead of a comma.)",
     .set = set_text<&PubOptions::separator>},
};
constexpr OptionRow sending_options[] = {
    {.name = "repeat", .argument = "N", .value = ValueKind::number, .excludes = "stdin-line",
     .help = "publish the message N times (not with -l)",
     .manual = R"(Publish the message
.Ar n
times.
Can be used with
.Fl m , f , s
and
.Fl n .)",
     .set = set_repeat},
    {.name = "repeat-delay", .argument = "SECONDS", .value = ValueKind::seconds,
     .help = "wait between repeated messages; may be fractional",
     .manual = R"(Wait this long between repeated messages.
Fractions are allowed.)",
     .set = set_seconds<0.0, &PubOptions::repeat_delay>},
    {.name = "rate", .argument = "N", .value = ValueKind::number,
     .help = "publish at most N messages per second",
     .manual = R"(Publish at most
.Ar n
messages per second.)",
     .set = set_decimal<0.001, 1e9, &PubOptions::rate>},
    {.name = "skip-invalid", .needs = "stdin-line", .shared_by_profile = true,
     .help = "report and count invalid lines of --input, and continue",
     .manual = R"(Report and count lines that cannot be parsed, and continue.
The exit status is then 66.)",
     .set = set_flag<&PubOptions::skip_invalid>},
    {.name = "replay", .needs = "input=json",
     .help = "with --input json: keep the time between the messages",
     .manual = R"(With
.Fl -input Cm json :
keep the time intervals of the recording.
They are taken from the field
.Cm tst ,
which each object must have.
The first message is published immediately, and so is a message that is late
because the connection was lost or the broker was slow.)",
     .set = set_flag<&PubOptions::replay>},
    {.name = "speed", .argument = "X", .value = ValueKind::number, .needs = "replay",
     .help = "with --replay: X times as fast",
     .manual = R"(Replay this many times faster, or slower if
.Ar x
is less than 1.)",
     .set = set_decimal<0.001, 1e6, &PubOptions::speed>},
    {.name = "request", .excludes = "stdin-line|repeat|stamp",
     .help = "publish a request and print the responses",
     .manual = R"(Publish the message as a request and print the answers, each followed by a
newline.
The protocol is MQTT 5 unless
.Fl V
selects another version.
.Pp
In MQTT 5 the request carries a response topic and correlation data, and only
answers with the same correlation data are printed.
The correlation data are random letters and digits unless set with
.Fl D .
In MQTT 3.1.1 everything that is published to the response topic after the
request counts as an answer.
.Pp
When the time limit of
.Fl W
is reached, the exit status is 27.
If the broker reports that a QoS 1 or 2 request has no subscribers, the
program exits at once with 66.
.Fl -stats
reports the response times.)",
     .set = set_flag<&PubOptions::request>},
    {.short_name = 'e', .name = "response-topic", .argument = "TOPIC", .needs = "request",
     .help = "topic where responses to --request are expected",
     .manual = R"(The topic for the answers.
In MQTT 5 the default is a topic made for this run; in MQTT 3.1.1 this option
is required.)",
     .set = set_topic<&PubOptions::response_topic>},
    {.short_name = 'C', .argument = "COUNT", .value = ValueKind::number, .needs = "request", .shared_by_profile = true,
     .help = "with --request: stop after COUNT responses (default 1)",
     .manual = R"(Exit after this many answers.
The default is 1.)",
     .set = set_number<1, UINT64_MAX, &PubOptions::answers>},
    {.short_name = 'v', .name = "verbose", .needs = "request", .shared_by_profile = true,
     .help = "with --request: print the topic before each response",
     .manual = R"(With
.Fl -request :
print each answer as
.Ql topic payload .)",
     .set = set_flag<&PubOptions::answer_topic>},
    {.short_name = 'N', .needs = "request", .shared_by_profile = true,
     .help = "with --request: print no newline after a response",
     .manual = R"(With
.Fl -request :
print no newline after an answer.)",
     .set = clear_flag<&PubOptions::answer_newline>},
    {.short_name = 'F', .argument = "FORMAT", .needs = "request", .shared_by_profile = true,
     .help = "with --request: what to print, e.g. '%I %t %p'; %j is JSON; see mqtt_sub(1)",
     .manual = R"(With
.Fl -request :
print each answer in this format; see
.Em OUTPUT FORMAT
in
.Xr mqtt_sub 1 .
An answer that the format cannot print (payloads that are not JSON, with
.Cm \&%J )
is reported and counted, and the exit status is 68.)",
     .set = set_text<&PubOptions::format>},
    {.name = "pretty", .needs = "request", .shared_by_profile = true,
     .help = "with --request: indent %j and %J",
     .manual = R"(With
.Fl -request :
indent the JSON of
.Cm \&%j
and
.Cm \&%J .)",
     .set = set_flag<&PubOptions::pretty>},
    {.short_name = 'R', .needs = "request", .shared_by_profile = true,
     .help = "with --request: no retained responses (always so)",
     .manual = R"(Accepted for compatibility with
.Ic mosquitto_rr :
retained messages never count as answers, because they are older than the
request.)",
     .set = no_setting},
    {.name = "retain-handling", .argument = "WHEN", .value = ValueKind::choice, .choices = "always new never",
     .needs = "request", .shared_by_profile = true,
     .help = "with --request: no effect, for mosquitto_rr",
     .manual = R"(Accepted for compatibility with
.Ic mosquitto_rr :
the broker is never asked for retained messages.)",
     .set = no_setting},
    {.name = "latency", .needs = "request",
     .help = "with --request: report the response time on stderr",
     .manual = R"(With
.Fl -request :
report the response time on standard error at exit, as
.Fl -stats
does.)",
     .set = report_latency},
    {.name = "stamp",
     .help = "number and time before each payload, for mqtt_sub --stats",
     .manual = R"(Put a sequence number and the time before each payload.
.Ic mqtt_sub --stats
uses them to report loss, order and latency.
A stamp has 50 bytes:
.Ql stamp1 ,
a random number of the run (8 hexadecimal digits), the number of the message
(12 digits, starting at 1) and the time
.Pq Unix time as 1792310400.123456789 ,
each followed by a space.)",
     .set = set_flag<&PubOptions::stamp>},
    {.name = "progress",
     .help = "show the progress on stderr",
     .manual = R"(Show a progress line on standard error, even if it is not a terminal.
On a terminal the line appears without this option after two seconds, if the
total amount of work is known.)",
     .set = set_flag<&PubOptions::progress>},
};
// clang-format on

}  // namespace

constinit const std::span<const OptionRow> message_rows = message_options;
constinit const std::span<const OptionRow> sending_rows = sending_options;

}  // namespace mqttc::app
