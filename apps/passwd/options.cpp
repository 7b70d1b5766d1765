// The options of mqtt_passwd, and what follows them: passwordfile [username] [password].
#include "options.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "common/generate.hpp"
#include "common/option_context.hpp"

namespace mqttc::passwd {
namespace {

using app::OptionContext;
using app::OptionResult;
using app::OptionRow;
using app::Role;
using app::ValueKind;

template <Action Wanted>
OptionResult set_action(OptionContext& context) {
    context.passwd->action = Wanted;
    return {};
}

OptionResult set_import(OptionContext& context) {
    context.passwd->import_from = context.value();
    return set_action<Action::import_users>(context);
}

OptionResult set_verify(OptionContext& context) {
    context.passwd->user = context.value();
    return set_action<Action::verify>(context);
}

OptionResult set_salt_length(OptionContext& context) {
    context.passwd->recipe.salt_length = context.choice == 0 ? 12 : 64;
    return {};
}

// clang-format off
constexpr OptionRow passwd_options[] = {
    {.short_name = 'b', .name = "batch", .excludes = "stdin|delete|hash-all|import|list",
     .help = "the password is on the command line, visible to other users",
     .manual = R"(Take the password from the command line.
.Nm
wipes it there at once, but other users may have seen it, and it stays in the
shell's history.
Prefer
.Fl -stdin .)",
     .set = app::set_flag<&Options::batch>},
    {.short_name = 'c', .name = "create", .excludes = "delete|hash-all|list|verify",
     .help = "start with an empty file; '-' is stdout",
     .manual = R"(Start with an empty file, even if the file exists.
If
.Ar passwordfile
is
.Ql - ,
write to standard output.)",
     .set = app::set_flag<&Options::create>},
    {.short_name = 'D', .name = "delete", .excludes = "hash-all|import|list|verify",
     .help = "delete the user",
     .set = set_action<Action::remove>},
    {.short_name = 'H', .name = "hash", .argument = "HASH", .value = ValueKind::choice,
     .choices = "sha512-pbkdf2 sha512 argon2id", .help = "sha512-pbkdf2 (default), sha512 or argon2id",
     .manual = R"(The kind of hash to create:
.Cm sha512-pbkdf2
.Pq the default ,
.Cm sha512
or
.Cm argon2id ;
see
.Sx HASHES .)",
     .set = app::set_choice<HashScheme, &Options::recipe, &HashRecipe::scheme>},
    {.short_name = 'I', .name = "iterations", .argument = "N", .value = ValueKind::number,
     .help = "rounds of sha512-pbkdf2 (20000) or argon2id passes (1)",
     .manual = R"(Make guessing passwords (and every login) more expensive:
the number of rounds for
.Cm sha512-pbkdf2
.Pq default 20000
or of passes for
.Cm argon2id
.Pq default 1 .
.Cm sha512
ignores it.)",
     .set = app::set_number<1, max_iterations, &Options::recipe, &HashRecipe::iterations>},
    {.short_name = 'U', .name = "hash-all", .excludes = "import|list|verify",
     .help = "hash every password that is still plain text",
     .manual = R"(Hash every plain-text password in the file.
The password is everything after the first colon of a line, spaces at its start
and end included; these are reported, because Mosquitto 2.0 leaves them out.
Lines that already hold a hash are kept.
Lines with an unknown kind of hash are kept too, with a warning.
Running the command again is harmless.)",
     .set = set_action<Action::hash_all>},
    {.name = "import", .argument = "FILE", .value = ValueKind::file, .excludes = "list|verify",
     .help = "add or replace all user:password lines of FILE or '-'",
     .manual = R"(Add the user of each
.Li user:password
line of
.Ar file ,
or change the password if the user exists;
.Ql -
is standard input.
Comments, blank lines and a byte order mark at the beginning are skipped.
A hash in place of the password is copied unchanged.
.Pp
If any line is wrong, nothing is changed.
A line is also wrong if a space precedes or follows the user name, or if the
password looks like a hash
.Pq Ql $id$\&...
of an unknown kind or a damaged one.
A
.Ar file
without users is reported on standard error but is not a failure.)",
     .set = set_import},
    {.name = "list", .excludes = "verify", .help = "print the users in the file",
     .manual = "Print the users of the file, one per line.",
     .set = set_action<Action::list>},
    {.name = "verify", .argument = "USER",
     .help = "check the password: exit 0 if right, 2 if wrong",
     .manual = R"(Check the password of
.Ar user
and report the result by the exit status.
The program prompts for the password once.)",
     .set = set_verify},
    {.name = "stdin", .excludes = "delete|hash-all|import|list",
     .help = "read the password as one line of standard input",
     .manual = R"(Read the password as a single line from standard input.
The input after that line is not read.)",
     .set = app::set_flag<&Options::one_line_stdin>},
    {.name = "salt-length", .argument = "N", .value = ValueKind::choice, .choices = "12 64",
     .excludes = "hash=sha512|hash=argon2id",
     .help = "12 or 64 for sha512-pbkdf2; 2.0 brokers read only 12",
     .manual = R"(The length of the salt for
.Cm sha512-pbkdf2 :
12
.Pq the default
or 64 bytes.
Brokers of the 2.0 series accept only 12.)",
     .set = set_salt_length},
    {.name = "memory", .argument = "KIB", .value = ValueKind::number, .needs = "hash=argon2id",
     .help = "memory of argon2id (47104)",
     .manual = R"(The memory for
.Cm argon2id ,
in KiB.
The default is 47104, as in Mosquitto 2.1.)",
     .set = app::set_number<min_argon2id_memory_kib, max_argon2id_memory_kib, &Options::recipe,
                            &HashRecipe::memory_kib>},
    app::generate_row,
    app::help_row,
    app::version_row,
};
// clang-format on

// `rest` is what follows the options. Error: one line.
OptionResult take_operands(Options& options, std::span<const std::string_view> rest) {
    const bool wants_user = options.action == Action::set || options.action == Action::remove;
    std::vector<std::string_view> wanted = {"passwordfile"};
    if (wants_user) wanted.emplace_back("username");
    if (options.batch) wanted.emplace_back("password");
    if (rest.size() < wanted.size()) return std::unexpected(std::string(wanted[rest.size()]) + " is missing");
    if (rest.size() > wanted.size()) {
        if (options.action == Action::set && !options.batch && rest.size() == 3)
            return std::unexpected(
                std::string("a password on the command line needs -b before the file name"));
        const bool late_option = std::ranges::any_of(rest.subspan(1), [](std::string_view argument) {
            return argument.size() > 1 && argument.starts_with('-');
        });
        return std::unexpected(std::string("too many arguments") +
                               (late_option ? " (options go before the file name)" : ""));
    }
    options.file = rest[0];
    if (wants_user) options.user = rest[1];
    if (options.batch) options.password = rest.back();
    if (options.file.empty()) return std::unexpected(std::string("the file name is empty"));
    if (options.file == "-" && !options.create)
        return std::unexpected(std::string("'-' as the file is for -c only"));
    return {};
}

// --help and the like: the text to print.
std::optional<std::string> requested_text(const app::ParsedLine& line, const app::CalledAs& called) {
    for (const app::ParsedOption& option : line.options) {
        if (option.row->role == Role::help) return app::help_text(option_table(), called);
        if (option.row->role == Role::version) return app::version_text(called);
        if (option.row->role == Role::generate && app::to_choice(option.value(), option.row->choices))
            return app::generate(option_table(), app::Program::passwd, option.value(), nullptr);
    }
    return std::nullopt;
}

}  // namespace

const app::OptionTable& option_table() {
    static constexpr std::array sections{
        app::OptionSection{app::only(app::Program::passwd), "Options", passwd_options},
    };
    static const app::OptionTable table{sections};
    return table;
}

std::expected<Options, app::NoOptions> parse_options(std::span<const char* const> arguments,
                                                     const app::CalledAs& called) {
    const std::vector<std::string_view> views(arguments.begin(), arguments.end());
    const auto line =
        app::parse_arguments(option_table(), app::Program::passwd, views, app::Operands::allowed);
    if (auto text = requested_text(line, called))
        return std::unexpected(app::NoOptions{.text = std::move(*text), .is_error = false});
    const auto wrong = [](std::string text) {
        return std::unexpected(app::NoOptions{.text = std::move(text)});
    };
    if (!line.error.empty()) return wrong(line.error);
    Options options;
    OptionContext context{.program = app::Program::passwd, .table = option_table(), .passwd = &options};
    context.source = app::OptionSource::command_line;
    for (const app::ParsedOption& option : line.options) {
        if (auto applied = context.apply(option); !applied) return wrong(std::move(applied.error()));
    }
    if (auto rules = context.check_rules(); !rules) return wrong(std::move(rules.error()));
    if (auto taken = take_operands(options, std::span(views).subspan(line.operands)); !taken)
        return wrong(std::move(taken.error()));
    return options;
}

}  // namespace mqttc::passwd
