// What parsing a command line gives when there is nothing to run.
#pragma once

#include <string>

namespace mqttc::app {

/// No options to run with: a text to print (--help, --version, --generate), or what is wrong.
struct NoOptions {
    /// To print, or one line without the program's name: option, value and what is allowed.
    std::string text;
    bool is_error = true;
    std::string file = {};  ///< the config file or profile that is wrong; empty: the command line
    unsigned line = 0;      ///< in that file
    bool quiet = false;     ///< --quiet was among the options

    /// An error as "file:line: text" or "text".
    std::string message() const;
};

}  // namespace mqttc::app
