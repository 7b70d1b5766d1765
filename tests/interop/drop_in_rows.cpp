// The command lines that drop_in_test.cpp compares, in groups.
#include "drop_in_rows.hpp"

namespace mqttc::test {
namespace {

class Table {
  public:
    std::vector<Row> rows;

    /// To the open broker, topic out/t.
    Row& pub(Words words, std::string input = {}) {
        words.insert(words.begin(), {"-h", "127.0.0.1", "-p", "{PORT}", "-t", "out/t"});
        return pub_unchanged(std::move(words), std::move(input));
    }
    Row& pub_unchanged(Words words, std::string input = {}) {
        return rows.emplace_back(Row{.words = std::move(words), .input = std::move(input)});
    }
    Row& sub(Words words) {
        words.insert(words.begin(), {"-h", "127.0.0.1", "-p", "{PORT}"});
        return sub_unchanged(std::move(words));
    }
    Row& sub_unchanged(Words words) {
        return rows.emplace_back(Row{.subscriber = true, .words = std::move(words)});
    }
};

Row& differs(Row& row, std::string why, int exit, std::optional<std::string> out = {}) {
    row.difference = std::move(why);
    row.exit = exit;
    row.out = std::move(out);
    return row;
}

/// By the names of Mosquitto's programs too: what they refuse works, or what breaks the protocol is refused.
void differs_by_any_name(Row& row, std::string why, int exit, std::optional<std::string> out = {}) {
    differs(row, std::move(why), exit, std::move(out)).by_any_name = true;
}

void payload_sources(Table& table) {
    table.pub({"-m", "hello"});
    table.pub({"-m", ""});
    table.pub({"-m", "-5"});
    table.pub({"-m", "--help"});
    table.pub({"-m", "été"});
    table.pub({"-m", "two words"});
    table.pub({"--message", "long name"});
    table.pub({"-n"});
    table.pub({"--null-message"});
    table.pub({"-f", "{FILES}/payload"});
    table.pub({"--file", "{FILES}/payload"});
    table.pub({"-f", "{FILES}/empty"});
    table.pub({"-f", "{FILES}/missing"});
    table.pub({"-f", "{FILES}"});
    table.pub({"-s"}, "all\nof\nit");
    table.pub({"-s"}, std::string("with\0nul\xff", 9));
    table.pub({"--stdin-file"}, "long name");
    table.pub({"-l"}, "one\ntwo\nthree\n");
    table.pub({"-l"}, "\n\n");
    table.pub({"-l"}, "one line\n");
    table.pub({"--stdin-line"}, "long name\n");
    table.pub({"-l", "-q", "1"}, "a\nb\n");
    table.pub({"-l", "-q", "2"}, "a\nb\n");
    table.pub({"-l"}, "no newline at the end");
    table.pub({"-l"}, "cr\r\nlf\r\n");
    table.pub({"-l"}, "");
    differs(table.pub({"-s"}, ""), "an empty stdin is an empty message, as an empty file is", 0);
    differs(table.pub({"-l"}, std::string("a\0b\nc\n", 6)), "a NUL byte does not swallow the rest", 0);
    differs_by_any_name(table.pub({"-f", "-"}, "from stdin"), "- is stdin", 0);
    differs_by_any_name(table.pub({"-f", "/dev/stdin"}, "from stdin"), "any file that can be read", 0);
}

void publish_options(Table& table) {
    for (const char* qos : {"0", "1", "2"}) {
        for (const char* version : {"mqttv31", "mqttv311", "mqttv5", "31", "311", "5"}) {
            if (std::string_view(version).size() < 4 && qos[0] != '1') continue;
            table.pub({"-m", "x", "-q", qos, "-V", version});
        }
    }
    table.pub({"-m", "x", "--qos", "1"});
    table.pub({"-m", "x", "-r"});
    table.pub({"-m", "x", "--retain"});
    table.pub({"-n", "-r"});
    table.pub({"-m", "x", "-i", "my-id"});
    table.pub({"-m", "x", "--id", "my-id"});
    table.pub({"-m", "x", "-I", "pre-"});
    table.pub({"-m", "x", "--id-prefix", "pre-"});
    table.pub({"-m", "x", "-k", "5"});
    table.pub({"-m", "x", "--keepalive", "65535"});
    differs_by_any_name(table.pub({"-m", "x", "-k", "0"}), "0 switches keep-alive off", 0);
    table.pub({"-m", "x", "-M", "1", "-q", "1"});
    table.pub({"-m", "x", "--repeat", "3"});
    table.pub({"-m", "x", "--repeat", "2", "--repeat-delay", "0.01"});
    table.pub({"-m", "x", "-q", "1", "--repeat", "3"});
    table.pub({"-m", "x", "--quiet"});
    table.pub({"-m", "x", "-A", "127.0.0.1"});
    table.pub({"-m", "x", "-c", "-i", "kept"});
    table.pub({"-m", "x", "--disable-clean-session", "-i", "kept"});
    table.pub({"-m", "x", "--nodelay"});
    table.pub({"-m", "x", "-u", "nobody"});
    table.pub({"-m", "x", "-u", "nobody", "-P", "secret"});
    table.pub({"-m", "x", "--username", "nobody", "--pw", "secret"});
    table.pub({"-m", "x", "-P", "-x", "-u", "u"});
    table.pub({"-m", "x", "--will-topic", "out/will", "--will-payload", "gone"});
    table.pub({"-m", "x", "--will-topic", "out/will", "--will-payload", "gone", "--will-qos", "1",
               "--will-retain"});
    table.pub({"-m", "x", "--will-topic", "out/will"});
    table.pub({"-m", "x", "-V", "5", "-x", "60"});
    table.pub({"-m", "x", "-x", "-1", "-c", "-i", "forever"});
    table.pub({"-m", "x", "-V", "5", "-D", "publish", "content-type", "text/plain"});
    table.pub({"-m", "x", "-V", "5", "-D", "publish", "user-property", "name", "value"});
    table.pub({"-m", "x", "-V", "5", "-D", "PUBLISH", "message-expiry-interval", "60"});
    table.pub({"-m", "x", "-V", "5", "-D", "connect", "receive-maximum", "10"});
    table.pub({"-m", "x", "-V", "5", "-D", "disconnect", "reason-string", "bye"});
    table.pub_unchanged({"-L", "mqtt://127.0.0.1:{PORT}/out/url", "-m", "x"});
    table.pub_unchanged({"--url", "mqtt://user:pw@127.0.0.1:{PORT}/out/url", "-m", "x"});
    table.pub_unchanged({"-t", "out/t", "-L", "mqtt://127.0.0.1:{PORT}/out/url", "-m", "x"});
    table.pub_unchanged({"-L", "mqtt://127.0.0.1:{PORT}/out/url", "-t", "out/t", "-m", "x"});
    table.pub_unchanged({"--host", "127.0.0.1", "--port", "{PORT}", "--topic", "out/long", "--message", "x"});
    table.pub_unchanged({"-h", "localhost", "-p", "{PORT}", "-t", "out/é", "-m", "x"});
    table.pub_unchanged({"-h", "127.0.0.1", "-p", "{PORT}", "-t", "out//empty/level/", "-m", "x"});
    table.pub({"-m", "first", "-q", "0", "-q", "1"});
    differs(table.pub({"-t", "out/second", "-m", "x"}), "several -t: the message goes to each", 0);
    differs(table.pub({"-m", "x", "-d"}), "-d writes to stderr", 0, "");
}

void publish_failures(Table& table) {
    table.pub_unchanged({"-p", "{GUARDED}", "-t", "out/t", "-m", "x"});
    table.pub_unchanged({"-p", "{GUARDED}", "-t", "out/t", "-m", "x", "-u", "sondes", "-P", "wrong"});
    table.pub_unchanged({"-p", "{GUARDED}", "-t", "out/t", "-m", "x", "-u", "sondes", "-P", "mot2passe"});
    table.pub_unchanged({"-p", "{GUARDED}", "-t", "out/t", "-m", "x", "-V", "5"});
    table.pub_unchanged({"-p", "{GUARDED}", "-t", "out/t", "-m", "x", "-V", "31"});
    table.pub_unchanged({"-p", "{GUARDED}", "-t", "out/t", "-l"}, "x\n");
    differs(table.pub_unchanged({"-h", "127.0.0.1", "-p", "{CLOSED}", "-t", "t", "-m", "x"}),
            "a refused connection has its own exit code", 61);
    differs(table.pub_unchanged({"-h", "no-such-host.invalid", "-t", "t", "-m", "x"}),
            "an unknown host has its own exit code", 60);
    differs(table.pub_unchanged({"--help"}), "--help is a success", 0);
    differs(table.pub_unchanged({"--version"}), "--version is a success", 0);
    // Usage errors: 1, and nothing on stdout.
    const std::string usage_on_stderr = "usage errors go to stderr, not to stdout";
    const std::vector<Words> wrong{
        {"-m"},
        {"-m", "x", "-q"},
        {"-m", "x", "-q", "3"},
        {"-m", "x", "-q", "-1"},
        {"-m", "x", "-k"},
        {"-m", "x", "-k", "4"},
        {"-m", "x", "-k", "65536"},
        {"-m", "x", "-V", "mqttv4"},
        {"-m", "x", "-V"},
        {"-m", "x", "-M"},
        {"-m", "x", "-M", "0"},
        {"-m", "x", "-i"},
        {"-m", "x", "-i", "a", "-I", "b"},
        {"-m", "x", "-c"},
        {"-m", "x", "-u"},
        {"-m", "x", "-P"},
        {"-m", "x", "-p"},
        {"-m", "x", "-p", "70000"},
        {"-m", "x", "-p", "-1"},
        {"-m", "x", "-h"},
        {"-m", "x", "-A"},
        {"-m", "x", "-x"},
        {"-m", "x", "-L"},
        {"-m", "x", "-L", "http://127.0.0.1/t"},
        {"-m", "x", "--will-payload", "p"},
        {"-m", "x", "--will-retain"},
        {"-m", "x", "--will-topic", "a/#"},
        {"-m", "x", "--will-topic", "w", "--will-qos", "3"},
        {"-m", "x", "--repeat", "0"},
        {"-m", "x", "--repeat", "-1"},
        {"-m", "x", "--repeat-delay", "-1"},
        {"-m", "x", "-D", "publish"},
        {"-m", "x", "-D", "publish", "no-such-property", "1"},
        {"-m", "x", "-D", "publish", "session-expiry-interval", "1"},
        {"-m", "x", "-D", "publish", "user-property", "name"},
        {"-m", "x", "-D", "nonsense", "content-type", "x"},
        {"-m", "x", "--no-such-option"},
        {"-m", "x", "-Z"},
        {"-m", "x", "-f", "{FILES}/payload"},
        {"-m", "x", "-n"},
        {"-m", "x", "-l"},
        {"-m", "x", "-s"},
        {"-l", "-n"},
        {"-t", "a/+/b", "-m", "x"},
        {"-t", "a/#", "-m", "x"},
    };
    for (const Words& words : wrong) table.pub(words);
    differs(table.pub({}), usage_on_stderr, 1, "");
    differs(table.pub_unchanged({}), usage_on_stderr, 1, "");
    differs(table.pub_unchanged({"-h", "127.0.0.1", "-p", "{PORT}", "-m", "x"}), usage_on_stderr, 1, "");
    differs(table.pub({"-m", "x", "--will-qos", "1"}), "a will without a topic is an error", 1, "");
    differs_by_any_name(table.pub({"-m", "x", "-D", "publish", "payload-format-indicator", "2"}),
                        "property values are checked", 1, "");
    differs_by_any_name(table.pub({"-t", "", "-m", "x"}), "an empty topic is an error", 1, "");
    differs_by_any_name(table.pub({"-m", "x", "-k", "60x"}), "a number is complete", 1, "");
    differs_by_any_name(table.pub({"-m", "x", "-q", "01"}), "a choice is written as it is", 1, "");
    differs_by_any_name(table.pub({"-m", "x", "-M", "65536"}), "-M is limited to identifiers", 1, "");
    differs_by_any_name(table.pub({"-m", "x", "-I", ""}), "an empty prefix is an error", 1, "");
    differs_by_any_name(table.pub({"-m", "x", "-x", "-1"}), "such a session needs -i", 1, "");
    differs_by_any_name(table.pub({"-l", "--repeat", "2"}, "x\n"), "--repeat needs one message", 1, "");
    differs_by_any_name(table.pub({"-m", "x", "-D", "publish", "Content-Type", "x"}),
                        "properties are written in lower case", 1, "");
    table.pub_unchanged({"-h", "127.0.0.1", "-p", "{PORT}", "-t", "a\xff", "-m", "x"});
}

void subscribe_output(Table& table) {
    table.sub({"-t", "r/one", "-C", "1"});
    table.sub({"-t", "r/one", "-C", "1", "-v"});
    table.sub({"--topic", "r/one", "-C", "1", "--verbose"});
    table.sub({"-t", "r/one", "-C", "1", "-N"});
    differs_by_any_name(table.sub({"-t", "r/one", "-C", "1", "-Nv"}), "short options may be clustered", 0,
                        "r/one 1");
    table.sub({"-t", "r/binary", "-C", "1"});
    table.sub({"-t", "r/binary", "-C", "1", "-v", "-N"});
    table.sub({"-t", "été/#", "-C", "1", "-v"});
    table.sub({"-t", "r/one", "-t", "r/two", "-C", "2"});
    table.sub({"-t", "r/+", "-C", "4", "-v"});
    table.sub({"-t", "+/one", "-C", "1", "-v"});
    table.sub({"-t", "r/#", "-T", "r/one", "-T", "r/deep/#", "-C", "3", "-v"});
    table.sub({"-t", "r/#", "-T", "+/+", "-C", "1", "-v"});
    table.sub({"-t", "#", "-T", "r/#", "-T", "out/#", "-C", "1", "-v"});
    table.sub({"-t", "r/#", "-q", "2", "-F", "%t %q %m", "-C", "5"});
    table.sub({"-t", "r/one", "-F", "%t\\0%p\\0", "-N", "-C", "1"});
    for (const char* version : {"mqttv31", "mqttv311", "mqttv5"}) {
        for (const char* qos : {"0", "1", "2"}) {
            table.sub({"-t", "r/two", "-C", "1", "-V", version, "-q", qos, "-F", "%t|%p|%q|%r|%l"});
        }
    }
    for (const char* format : {"%t",
                               "%p",
                               "%l",
                               "%q",
                               "%r",
                               "%m",
                               "%x",
                               "%X",
                               "%%",
                               "@@",
                               "%t %p %l %q %r %m",
                               "[%10t]",
                               "[%-10t]",
                               "[%.3p]",
                               "[%10.3p]",
                               "[%06l]",
                               "[%-6l]",
                               "[%3q]",
                               "\\t%p\\n",
                               "\\e[1m%p",
                               "\\\\ \\a\\v\\r",
                               "%A|%C|%D|%E|%F|%P|%R|%S",
                               "literal only",
                               "@Y",
                               "é %p"}) {
        table.sub({"-t", "r/two", "-C", "1", "-F", format});
    }
    table.sub({"-t", "r/json", "-C", "1", "-N", "-F", "%p"});
    differs(table.sub({"-t", "r/two", "-C", "1", "-F", "[%20x]"}), "the width pads all digits since 2.1", 0,
            "[  74776f20776f726473]\n");
    const std::string grouped = "hex digits are grouped since 2.1";
    differs(table.sub({"-t", "r/two", "-C", "1", "-F", "%.2x"}), grouped, 0, "74 77 6f 20 77 6f 72 64 73\n");
    differs(table.sub({"-t", "r/two", "-C", "1", "-F", "%.4x"}), grouped, 0, "7477 6f20 776f 7264 73\n");
    differs_by_any_name(table.sub({"-t", "r/two", "-C", "1", "-F", "%.2:x"}), grouped, 0,
                        "74:77:6f:20:77:6f:72:64:73\n");
}

void subscribe_ends(Table& table) {
    table.sub({"-t", "nothing/here", "-W", "1"});
    table.sub({"-t", "r/one", "-W", "1"});
    table.sub({"-t", "r/#", "-C", "5", "-W", "5", "-T", "r/none"});
    table.sub({"-t", "r/one", "-t", "r/two", "-T", "r/one", "-C", "1"});
    table.sub({"-t", "r/one", "-R", "-W", "1"});
    table.sub({"-t", "r/one", "-E"});
    table.sub({"-t", "r/one", "-t", "r/two", "-E", "-q", "1"});
    table.sub({"-t", "r/one", "-U", "r/two", "-E"});
    table.sub({"-t", "nothing/here", "-U", "r/two", "-E", "-q", "1"});
    table.sub({"-t", "r/one", "-U", "r/two", "-C", "1"});
    table.sub({"-t", "r/one", "--retained-only", "-C", "1"});
    table.sub({"-t", "r/one", "-C", "1", "-c", "-i", "kept-sub"});
    table.sub({"-t", "r/one", "-C", "1", "-V", "5", "-x", "10"});
    table.sub({"-t", "r/one", "-C", "1", "-V", "5", "--retain-as-published", "-F", "%r"});
    table.sub({"-t", "r/one", "-C", "1", "-V", "5", "-D", "subscribe", "user-property", "a", "b"});
    table.sub({"-t", "r/one", "-C", "1", "--will-topic", "out/will", "--will-payload", "gone"});
    table.sub({"-t", "r/one", "-C", "2", "-W", "1"});
    table.sub({"-t", "nothing/here", "-W", "1", "--quiet"});
    table.sub({"-t", "r/#", "--retained-only", "-C", "2", "-v"});
    table.sub({"-t", "r/one", "-C", "5", "-C", "1"});
    table.sub({"-t", "r/one", "-C", "1", "-q", "0", "-q", "1", "-F", "%q"});
    table.sub({"-t", "r/one", "-C", "1", "-i", "a-client"});
    table.sub({"-t", "r/one", "-C", "1", "-I", "prefix-"});
    table.sub({"-t", "r/one", "-C", "1", "-k", "10"});
    table.sub({"-t", "r/one", "-C", "1", "-M", "5"});
    table.sub({"-t", "r/one", "-C", "1", "-A", "127.0.0.1"});
    table.sub({"-t", "r/one", "-C", "1", "--nodelay"});
    table.sub({"-t", "r/one", "-C", "1", "--quiet"});
    table.sub({"-t", "r/one", "-C", "1", "-u", "anybody", "-P", "secret"});
    table.sub({"-t", "r/one", "-C", "1", "-V", "311"});
    table.sub({"-t", "r/one", "-C", "1", "-V", "5", "-D", "subscribe", "subscription-identifier", "5", "-F",
               "%S %p"});
    table.sub({"-t", "$share/g/r/one", "-W", "1", "-V", "5"});
    table.sub_unchanged({"-L", "mqtt://user:pass@127.0.0.1:{PORT}/r/two", "-C", "1", "-v"});
    table.sub_unchanged({"-L", "mqtt://127.0.0.1:{PORT}/r/one", "-t", "r/two", "-C", "2", "-v"});
    table.sub_unchanged({"-L", "mqtt://127.0.0.1:{PORT}/r/one", "-C", "1"});
    table.sub_unchanged({"-p", "{GUARDED}", "-t", "x", "-C", "1"});
    table.sub_unchanged({"-p", "{GUARDED}", "-t", "x", "-C", "1", "-V", "5"});
    table.sub_unchanged({"-p", "{GUARDED}", "-t", "x", "-E", "-u", "sondes", "-P", "mot2passe"});
    differs(table.sub_unchanged({"-h", "127.0.0.1", "-p", "{CLOSED}", "-t", "t"}),
            "a refused connection has its own exit code", 61, "");
    differs(table.sub_unchanged({"-h", "no-such-host.invalid", "-t", "t"}),
            "an unknown host has its own exit code", 60, "");
    differs(table.sub_unchanged({"--help"}), "--help is a success", 0);
    differs(table.sub_unchanged({"--version"}), "--version is a success", 0);
    differs(table.sub({"-t", "r/one", "-C", "1", "-d"}), "-d writes to stderr", 0, "1\n");
}

void subscribe_usage(Table& table) {
    const std::vector<Words> wrong{
        {},
        {"-t"},
        {"-t", "a/b#"},
        {"-t", "a/#/b"},
        {"-t", "a+/b"},
        {"-t", "x\xff"},
        {"-t", "x", "-C"},
        {"-t", "x", "-C", "0"},
        {"-t", "x", "-C", "-1"},
        {"-t", "x", "-W"},
        {"-t", "x", "-W", "0"},
        {"-t", "x", "-F"},
        {"-t", "x", "-F", ""},
        {"-t", "x", "-F", "%"},
        {"-t", "x", "-F", "%z"},
        {"-t", "x", "-F", "\\q"},
        {"-t", "x", "-F", "@"},
        {"-t", "x", "-T"},
        {"-t", "x", "-T", "a+"},
        {"-t", "x", "-U"},
        {"-t", "x", "-U", "a+"},
        {"-t", "x", "--random-filter", "0"},
        {"-t", "x", "-q", "3"},
        {"-t", "x", "-R", "--retained-only"},
        {"-t", "x", "-m", "message"},
        {"-t", "x", "-l"},
        {"-t", "x", "-r"},
        {"-t", "x", "-D", "publish", "content-type"},
        {"-t", "x", "-D", "subscribe", "content-type", "x"},
        {"-t", "x", "--unknown"},
        {"-t", "x", "-c"},
        {"-t", "x", "-i", "a", "-I", "b"},
        {"-C", "1"},
        {"-t", "#a"},
        {"-t", "+a"},
        {"-t", "x", "-T", "b/#/c"},
        {"-t", "x", "-C", "x"},
        {"-t", "x", "-W", "x"},
        {"-t", "x", "-q"},
        {"-t", "x", "-q", "-1"},
        {"-t", "x", "-k", "3"},
        {"-t", "x", "-k", "65536"},
        {"-t", "x", "-p", "65536"},
        {"-t", "x", "-p", "-1"},
        {"-t", "x", "-V", "mqttv4"},
        {"-t", "x", "-x", "x"},
        {"-t", "x", "--random-filter", "x"},
        {"-t", "x", "--will-payload", "x"},
        {"-t", "x", "--will-retain"},
        {"-t", "x", "--will-topic", "w/#"},
        {"-t", "x", "--will-topic", "w", "--will-qos", "3"},
        {"-t", "x", "-D", "subscribe"},
        {"-t", "x", "-D", "subscribe", "no-such-property", "1"},
        {"-t", "x", "-D", "nothing", "subscription-identifier", "1"},
        {"-t", "x", "--cert", "only.pem"},
        {"-t", "x", "--cafile", "x", "--psk", "00", "--psk-identity", "i"},
        {"-t", "x", "--psk", "00"},
        {"-t", "x", "--proxy", "ftp://x"},
        {"-t", "x", "-Z"},
        {"-L", "http://x/y"},
        {"stray"},
    };
    for (const Words& words : wrong) table.sub(words);
    for (const char* option : {"-t", "-T", "-U"})
        differs_by_any_name(table.sub({"-t", "x", option, "", "-W", "1"}), "an empty filter is an error", 1,
                            "");
    differs_by_any_name(table.sub({"-t", "", "-W", "1"}), "an empty filter is an error", 1, "");
    differs_by_any_name(table.sub({"-t", "x", "-W", "1", "--random-filter", "101"}),
                        "a percentage is limited to 100", 1, "");
    differs(table.sub({"-t", "x", "-W", "1", "--will-qos", "1"}), "a will without a topic is an error", 1,
            "");
}

}  // namespace

std::vector<Row> drop_in_rows() {
    Table table;
    table.rows.reserve(400);
    payload_sources(table);
    publish_options(table);
    publish_failures(table);
    subscribe_output(table);
    subscribe_ends(table);
    subscribe_usage(table);
    return std::move(table.rows);
}

}  // namespace mqttc::test
