// support/temp_dir.
#include "support/temp_dir.hpp"

#include <doctest/doctest.h>

using namespace mqttc::test;

TEST_CASE("a temporary directory is removed with its contents by the destructor") {
    std::filesystem::path path;
    {
        TempDir dir;
        path = dir.path();
        CHECK(std::filesystem::is_directory(path));
        CHECK(read_file(dir.write("a", std::string_view("x\0y", 3))) == std::string("x\0y", 3));
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("reading a file that does not exist gives an empty text") {
    TempDir dir;
    CHECK(read_file(dir.file("none")).empty());
}
