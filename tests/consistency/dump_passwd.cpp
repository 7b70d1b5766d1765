// The part of dump_tables about mqtt_passwd.
#include <string>

#include "dump_tables.hpp"
#include "options.hpp"
#include "password_hash.hpp"

void dump_passwd() {
    using namespace mqttc::passwd;
    std::string hashes;
    for (const HashSchemeName& row : hash_schemes()) {
        if (!hashes.empty()) hashes += ' ';
        hashes += row.name;
    }
    for (const OptionRow& row : option_rows()) {
        const std::string flag(row.flag != '\0' ? 1 : 0, row.flag);
        std::string_view kind = "text";
        std::string choices;
        if (row.value.empty()) {
            kind = "none";
        } else if (row.value == "FILE") {
            kind = "file";
        } else if (row.name == "hash") {
            kind = "choice";
            choices = hashes;
        } else if (row.name == "salt-length") {
            kind = "choice";
            choices = "12 64";
        }
        dump_line({"option", "mqtt_passwd", flag, row.name, row.value, kind, "ready", choices});
    }
}
