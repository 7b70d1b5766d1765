// --input csv: RFC 4180 with a header line.
#include "csv_lines.hpp"

#include <doctest/doctest.h>

#include "pipe.hpp"

using namespace mqttc;
using namespace mqttc::pub;

namespace {

struct Csv {
    CsvLines lines;

    explicit Csv(CsvRules rules = {}) : lines(std::move(rules)) {}

    // "topic payload qos retain" of a record, with '-' for what is not given; the error in angle brackets.
    std::string read(std::string_view line) {
        InputMessage message;
        const auto parsed = lines.parse(line, message);
        if (!parsed) return "<" + parsed.error() + ">";
        if (!lines.gave_message()) return "header";
        std::string text(message.topic.value_or("-"));
        text.append(" ").append(as_text(message.payload)).append(" ");
        text += message.qos ? static_cast<char>('0' + static_cast<int>(*message.qos)) : '-';
        text += ' ';
        text += message.retain ? (*message.retain ? 'r' : 'n') : '-';
        return text;
    }
};

using Texts = std::vector<std::string>;

// "topic payload" of each record; the problem of an invalid one.
Texts records(std::string_view content, CsvRules rules = {}) {
    test::Pipe pipe;
    pipe.write(content);
    pipe.end();
    ParsedInput input(pipe.reader(), 1000, std::make_unique<CsvLines>(std::move(rules)), true);
    Texts all;
    InputMessage message;
    while (true) {
        const auto state = input.next(message, {});
        if (state == InputSource::State::finished) return all;
        if (state == InputSource::State::waiting) {
            input.readable();
        } else {
            all.push_back(message.problem.empty() ? std::string(message.topic.value_or("")) + " " +
                                                        std::string(as_text(message.payload))
                                                  : message.problem);
        }
    }
}

}  // namespace

TEST_CASE("CSV: columns by name, quotes, and fields that are left to the options") {
    Csv csv;
    CHECK(csv.read("\xef\xbb\xbfqos,topic,\"payload\",retain,note\r") == "header");
    CHECK(csv.read("1,a/b,\"say \"\"hi\"\", x\",true,ignored\r") == "a/b say \"hi\", x 1 r");
    CHECK(csv.read(",a,,0,") == "a  - n");
    CHECK(csv.read("2,\"a\",\"two\r\nlines\",,") == "a two\r\nlines 2 -");
}

TEST_CASE("CSV: a topic from columns, and the others as a JSON object") {
    Csv csv({.topics = {"plant/{line}/{sensor}"}});
    CHECK(csv.read("line,sensor,temp,unit,ok,none,text") == "header");
    CHECK(csv.read("1,a,-19.5e1,C,true,,\"1\"") ==
          "plant/1/a {\"temp\":-19.5e1,\"unit\":\"C\",\"ok\":true,\"none\":null,\"text\":\"1\"} - -");
    CHECK(csv.read("1,a,007,\"a\"\"b\\\n\",1.,1e,.5") ==
          "plant/1/a "
          "{\"temp\":\"007\",\"unit\":\"a\\\"b\\\\\\n\",\"ok\":\"1.\",\"none\":\"1e\",\"text\":\".5\"} - "
          "-");
    CHECK(csv.read("1,,1,,,,") == "<column 2 (sensor): it is empty, but part of the topic>");
    CHECK(csv.read("1,#,1,,,,").starts_with("<"));

    Csv column({.topics = {"t"}, .payload_column = "value", .separator = ';'});
    CHECK(column.read("time;value") == "header");
    CHECK(column.read("12:00;19,5") == "- 19,5 - -");
    Csv hex({.topics = {"t"}, .encoding = app::Encoding::hex});
    CHECK(hex.read("payload") == "header");
    CHECK(hex.read("41 42") == "- AB - -");
    CHECK(hex.read("4x") == "<column 1 (payload): invalid hex digit 'x' at character 2>");
}

TEST_CASE("CSV: errors name the column") {
    Csv csv;
    CHECK(csv.read("topic,payload,qos,retain") == "header");
    CHECK(csv.read("a,b,3,") == "<column 3 (qos): '3' is not 0, 1 or 2>");
    CHECK(csv.read("a,b,,yes") == "<column 4 (retain): 'yes' is not true, false, 1 or 0>");
    CHECK(csv.read(",b,,") == "<column 1 (topic): it is empty, and there is no -t>");
    CHECK(csv.read("a/#,b,,").starts_with("<column 1 (topic): "));
    CHECK(csv.read("a,b,1") == "<it has 3 columns, the header has 4>");
    CHECK(csv.read("a,b\"c,,") ==
          "<column 2 (payload): a quote inside a field that does not begin with one>");
    CHECK(csv.read("a,\"b\"c,,") == "<column 2 (payload): text follows its closing quote>");
    CHECK(csv.read("a,\"b,,") == "<column 2 (payload): its quote is not closed>");

    CHECK(Csv().read("a,b") ==
          "<the header has no column topic, and there is no -t (for another separator use --separator)>");
    CHECK(Csv({.payload_column = "topic"}).read("topic,a") ==
          "<no column has the topic, and there is no -t>");
    CHECK(Csv().read("topic,topic") == "<column 2: the header has the name 'topic' twice>");
    CHECK(Csv().read("topic,,x") == "<column 2: the header has no name for it>");
    CHECK(Csv({.topics = {"{x}"}}).read("a") == "<the header has no column 'x' of -t>");
    CHECK(Csv({.topics = {"{x"}}).read("x") == "<-t: '{' without '}'>");
    CHECK(Csv({.topics = {"t"}, .payload_column = "v"}).read("a") ==
          "<the header has no column 'v' (--payload-column)>");
    CHECK(Csv({.topics = {"t"}, .encoding = app::Encoding::hex}).read("a") ==
          "<the header has no column payload, for --encoding>");
}

TEST_CASE("a CSV record may have line breaks in quotes, and errors name its first line") {
    CHECK(records("topic,payload\na,\"one\ntwo\"\n\nb,3\nc,\"x") ==
          Texts{"a one\ntwo", "b 3", "line 6: column 2 (payload): its quote is not closed"});
    CHECK(records("topic,\"pay\nload\"\na,\"x, \"\"\ny\"\"\",z\nb,c\n", {.payload_column = "pay\nload"}) ==
          Texts{"line 3: it has 3 columns, the header has 2", "b c"});
    CHECK(records("\xef\xbb\xbf\"to\npic\";topic;payload\nx;a;\"1;\n2\"\n", {.separator = ';'}) ==
          Texts{"a 1;\n2"});
}

TEST_CASE("a quote inside an unquoted CSV field does not join lines") {
    CHECK(records("topic,payload\nt/1,a\nt/2,5\" pipe\nt/3,c\nt/4,\"d\" 5\"\nt/5,e\n") ==
          Texts{"t/1 a", "line 3: column 2 (payload): a quote inside a field that does not begin with one",
                "t/3 c", "line 5: column 2 (payload): text follows its closing quote", "t/5 e"});
    CHECK(records("topic;payload\na;b,\"c\nd;e\n", {.separator = ';'}) ==
          Texts{"line 2: column 2 (payload): a quote inside a field that does not begin with one", "d e"});
}

TEST_CASE("an empty line is a record of a CSV file with one column, and skipped in others") {
    CHECK(records("\npayload\na\n\n \nb\n", {.topics = {"t"}}) == Texts{" a", " ", "  ", " b"});
    CHECK(records("payload,x\na,1\n\nb,2\n", {.topics = {"t"}}) == Texts{" a", " b"});
}

TEST_CASE("a CSV record that a read error breaks off is not reported as wrong") {
    const test::BrokenStream stream("topic,payload\na,b\nc,\"d\ne");
    ParsedInput input(stream.reader(), 1000, std::make_unique<CsvLines>(CsvRules{}), true);
    InputMessage message;
    const auto next = [&] {
        auto state = InputSource::State::waiting;
        for (int i = 0; i < 3 && state == InputSource::State::waiting; ++i) {
            state = input.next(message, {});
            if (state == InputSource::State::waiting) input.readable();
        }
        return state;
    };
    REQUIRE(next() == InputSource::State::ready);
    CHECK(as_text(message.payload) == "b");
    CHECK(next() == InputSource::State::finished);
    CHECK(input.failure() == "cannot read stdin: connection reset by peer");
    CHECK_FALSE(input.remaining(1));
}

TEST_CASE("CSV: nothing of a header with an error is kept for the next one") {
    Csv csv({.topics = {"t/{a}/{b}"}, .payload_column = "v"});
    CHECK(csv.read("x,y,z,a,b") == "<the header has no column 'v' (--payload-column)>");
    CHECK(csv.read("a,b,v") == "header");
    CHECK(csv.read("1,2,3") == "t/1/2 3 - -");
}

TEST_CASE("a quoted field cannot fill the memory, and without its header no CSV is read") {
    test::Pipe pipe;
    pipe.write("topic,payload\na,\"" + std::string(60, '\n') + "\"\nb,c\n");
    pipe.end();
    ParsedInput input(pipe.reader(), 40, std::make_unique<CsvLines>(CsvRules{}), true);
    InputMessage message;
    while (input.next(message, {}) == InputSource::State::waiting) input.readable();
    CHECK(message.problem == "line 2: a quoted field has more than 40 bytes");

    test::Pipe other;
    other.write("a,b\n1,2\n");
    other.end();
    ParsedInput headless(other.reader(), 40, std::make_unique<CsvLines>(CsvRules{}), true);
    auto state = InputSource::State::waiting;
    while ((state = headless.next(message, {})) == InputSource::State::waiting) headless.readable();
    CHECK(state == InputSource::State::finished);
    CHECK(headless.failure().starts_with("line 1: the header has no column topic, and there is no -t"));
}
