// How many passwords are hashed at a time.
#include "hash_many.hpp"

#include <doctest/doctest.h>

using namespace mqttc::passwd;

TEST_CASE("passwords are hashed on all cores, but on no more than there are passwords") {
    CHECK(threads_for({}, 1000, 4, 0) == 4);
    CHECK(threads_for({}, 3, 4, 0) == 3);
    CHECK(threads_for({}, 3, 0, 0) == 1);  // nobody knows how many cores there are
}

TEST_CASE("argon2id takes no more threads than its memory is there for") {
    HashRecipe recipe{.scheme = HashScheme::argon2id, .iterations = {}, .memory_kib = 1000};
    CHECK(threads_for(recipe, 1000, 4, 1'000'000) == 4);
    CHECK(threads_for(recipe, 1000, 4, 2'999) == 2);
    CHECK(threads_for(recipe, 1000, 4, 10) == 1);
}
