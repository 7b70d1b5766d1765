// Our programs under the names of Mosquitto's.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "support/programs.hpp"
#include "support/temp_dir.hpp"

namespace mqttc::test {

/// Links with the names of Mosquitto's programs to ours.
class OldNames {
  public:
    OldNames() {
        for (const auto& [name, own] : {std::pair{"mosquitto_pub", "mqtt_pub"},
                                        {"mosquitto_sub", "mqtt_sub"},
                                        {"mosquitto_rr", "mqtt_pub"},
                                        {"mosquitto_passwd", "mqtt_passwd"}})
            std::filesystem::create_symlink(program(own), path(name));
    }
    std::string path(const char* name) const { return dir_.file(name); }

  private:
    TempDir dir_;
};

}  // namespace mqttc::test
