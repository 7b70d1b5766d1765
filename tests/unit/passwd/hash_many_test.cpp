// Tests of the number of hashing threads.
#include "hash_many.hpp"

#include <doctest/doctest.h>

using namespace mqttc::passwd;

TEST_CASE("there is one thread per core, but not more threads than passwords") {
    CHECK(threads_for({}, 1000, 4, 0) == 4);
    CHECK(threads_for({}, 3, 4, 0) == 3);
    CHECK(threads_for({}, 3, 0, 0) == 1);  // the number of cores is unknown
}

TEST_CASE("argon2id uses only as many threads as fit into memory") {
    HashRecipe recipe{.scheme = HashScheme::argon2id, .iterations = {}, .memory_kib = 1000};
    CHECK(threads_for(recipe, 1000, 4, 1'000'000) == 4);
    CHECK(threads_for(recipe, 1000, 4, 2'999) == 2);
    CHECK(threads_for(recipe, 1000, 4, 10) == 1);
}
