// What dump_tables prints with. mqtt_passwd's table has a file of its own, because its headers have the names
// of the other programs' headers.
#pragma once

#include <initializer_list>
#include <string_view>

/// One line on stdout, the fields separated by tabs.
void dump_line(std::initializer_list<std::string_view> fields);
/// The options and hash names of mqtt_passwd.
void dump_passwd();
