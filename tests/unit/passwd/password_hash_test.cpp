// Tests of password hashes: ours and those of other programs are verified, and nothing else.
#include "password_hash.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "memory.hpp"

using namespace mqttc::passwd;

namespace {

// Hashes of "p" by mosquitto_passwd 2.0.11.
const std::string by_mosquitto_pbkdf2 =
    "$7$101$cSNFzX3ZzO40za37$48q6U+OCnqYaX9Wgh9KyGtxpv7A5unfw5jGrBpL6GXJqUmWkJZj+SyBV+D0c+"
    "w9ntYcWTzEvBTCHX7haQPbWzA==";
const std::string by_mosquitto_sha512 =
    "$6$Ew5qXxRUw04ScN3y$GO7CisJk67a+4sUydNIJLvhUrOV4ZZx935hU9sJwIfl322lavTV2haLSWdFcgO+UE7kpLvm7T/"
    "dirwkaVkn8CA==";
// Hashes of "password" by the argon2 reference library.
const std::vector<std::string> by_reference_argon2id = {
    "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$cpx6VEQbwTVZvcpxNIxOVUWZ5xnAipUmAe1cg2GMG70",
    "$argon2id$v=19$m=64,t=3,p=1$MTIzNDU2Nzg5MDEy$hnTltwlD34Wi5ISQadQn2umYeXCj3YaIr8j1ZrmDshY",
    "$argon2id$v=19$m=64,t=3,p=2$c29tZXNhbHRzb21lc2FsdA$1CPz4PuyeKkknCNTU5v52qlMt5LtwQsgM5BbeG7cH60",
    // 64 bytes of salt and 64 of hash: longer than the strings that libsodium creates
    std::string("$argon2id$v=19$m=64,t=1,p=1$") +
        "c29tZXNhbHRzb21lc2FsdHNvbWVzYWx0c29tZXNhbHRzb21lc2FsdHNvbWVzYWx0c29tZXNhbHRzb21lc2Fs" +
        "dA$ot9aGngvL+FUWvu9VuDKaReO/DMkefpTpoh6yX1FAkJjClMVXC8chO7KHCfm1UI3yvXT0L8p+gkfF2edWvCGLA",
};

const std::vector<HashRecipe> cheap_recipes = {
    {HashScheme::sha512_pbkdf2, 3},
    {HashScheme::sha512_pbkdf2, 1, 64},
    {HashScheme::sha512, std::nullopt},
    {HashScheme::argon2id, 1, 12, 64},
    {HashScheme::argon2id, 2, 12, min_argon2id_memory_kib},
};

}  // namespace

TEST_CASE("a hash verifies its own password and no other") {
    for (const HashRecipe& recipe : cheap_recipes) {
        for (const std::string& password :
             {std::string("p"), std::string("with : and $ and spaces "), std::string("nul\0inside", 10),
              std::string(max_password_length, 'x')}) {
            const auto hash = make_hash(recipe, password);
            REQUIRE(hash);
            CAPTURE(*hash);
            CHECK(check_password(*hash, password) == true);
            CHECK(check_password(*hash, password + "x") == false);
            CHECK(check_password(*hash, password.substr(1)) == false);
            CHECK(check_password(*hash, "") == false);
            CHECK(stored_form(*hash) == StoredForm::hashed);
        }
    }
}

TEST_CASE("two hashes of the same password differ") {
    for (const HashRecipe& recipe : cheap_recipes) CHECK(make_hash(recipe, "p") != make_hash(recipe, "p"));
}

TEST_CASE("hashes have the format that brokers expect") {
    const auto pbkdf2 = make_hash({}, "p");
    REQUIRE(pbkdf2);
    CHECK(pbkdf2->starts_with("$7$20000$"));
    CHECK(pbkdf2->size() == std::string("$7$20000$").size() + 16 + 1 + 88);

    const auto long_salt = make_hash({HashScheme::sha512_pbkdf2, 1, 64}, "p");
    REQUIRE(long_salt);
    CHECK(long_salt->size() == std::string("$7$1$").size() + 88 + 1 + 88);

    const auto sha512 = make_hash({HashScheme::sha512, std::nullopt}, "p");
    REQUIRE(sha512);
    CHECK(sha512->starts_with("$6$"));
    CHECK(sha512->size() == 3 + 16 + 1 + 88);

    const auto argon2id = make_hash({HashScheme::argon2id, std::nullopt}, "p");
    REQUIRE(argon2id);
    CHECK(argon2id->starts_with("$argon2id$v=19$m=47104,t=1,p=1$"));
}

TEST_CASE("hashes created by other programs are verified") {
    CHECK(check_password(by_mosquitto_pbkdf2, "p") == true);
    CHECK(check_password(by_mosquitto_pbkdf2, "q") == false);
    CHECK(check_password(by_mosquitto_sha512, "p") == true);
    CHECK(check_password(by_mosquitto_sha512, "q") == false);
    for (const std::string& hash : by_reference_argon2id) {
        CAPTURE(hash);
        CHECK(stored_form(hash) == StoredForm::hashed);
        CHECK(check_password(hash, "password") == true);
        CHECK(check_password(hash, "Password") == false);
    }
}

TEST_CASE("spaces around a stored hash are ignored") {
    CHECK(check_password(" \t" + by_mosquitto_pbkdf2 + " \r", "p") == true);
    CHECK(stored_form(by_mosquitto_sha512 + "  ") == StoredForm::hashed);
}

TEST_CASE("a truncated hash or one with a changed byte verifies nothing") {
    const std::vector<std::string> good = {by_mosquitto_pbkdf2, by_mosquitto_sha512,
                                           by_reference_argon2id[1]};
    for (const std::string& hash : good) {
        const std::string password = hash.starts_with("$argon") ? "password" : "p";
        for (std::size_t length = 0; length < hash.size(); ++length) {
            CAPTURE(length);
            CHECK(check_password(hash.substr(0, length), password) != true);
        }
        for (std::size_t i = 0; i < hash.size(); ++i) {
            // Skip the digits of the costs: a higher cost is valid, and expensive to check.
            if (hash[i] >= '0' && hash[i] <= '9' && i < 30) continue;
            std::string other = hash;
            other[i] = hash[i] == '!' ? '?' : '!';
            CAPTURE(other);
            CHECK(check_password(other, password) != true);
        }
    }
}

TEST_CASE("a hash that cannot be computed is not reported as a wrong password") {
    // Fewer than the eight blocks that a lane needs.
    const auto result = check_password(
        "$argon2id$v=19$m=1,t=1,p=1$c29tZXNhbHQ$cpx6VEQbwTVZvcpxNIxOVUWZ5xnAipUmAe1cg2GMG70", "password");
    REQUIRE_FALSE(result);
    CHECK(result.error() == "the argon2id hash has parameters that cannot be computed");
}

TEST_CASE("a hash that would take minutes is not checked") {
    std::string pbkdf2 = by_mosquitto_pbkdf2;
    pbkdf2.replace(3, 3, "2147483647");
    std::string argon2id = by_reference_argon2id[1];
    argon2id.replace(argon2id.find("t=1"), 3, "t=100000001");
    for (const std::string& expensive : {pbkdf2, argon2id}) {
        CAPTURE(expensive);
        CHECK(stored_form(expensive) == StoredForm::hashed);
        const auto result = check_password(expensive, "p");
        REQUIRE_FALSE(result);
        CHECK(result.error().ends_with(" iterations; more than 100000000 are not tried"));
    }
}

TEST_CASE("an argon2id hash is not checked if it would take minutes, or more memory than is available") {
    const auto refusal = [](const std::string& costs) {
        const auto result = check_password(
            "$argon2id$v=19$" + costs + ",p=1$c29tZXNhbHQ$cpx6VEQbwTVZvcpxNIxOVUWZ5xnAipUmAe1cg2GMG70", "p");
        REQUIRE_FALSE(result);
        return result.error();
    };
    CHECK(refusal("m=47104,t=100000000") ==
          "the hash requires 100000000 passes over 47104 KiB; more than 64 GiB in all are not tried");
    CHECK(refusal("m=2097152,t=33") ==
          "the hash requires 33 passes over 2097152 KiB; more than 64 GiB in all are not tried");
    CHECK(refusal("m=4294967295,t=1") ==
          "the hash requires 1 passes over 4294967295 KiB; more than 64 GiB in all are not tried");
    const std::uint64_t more = available_kib() + available_kib() / 4;
    if (more <= max_argon2id_cost_kib)
        CHECK(refusal("m=" + std::to_string(more) + ",t=1") == "not enough memory for the argon2id hash");
}

TEST_CASE("no hash is created that would not be checked") {
    CHECK_FALSE(excessive_cost({}));
    CHECK_FALSE(excessive_cost({HashScheme::sha512_pbkdf2, max_iterations}));
    CHECK_FALSE(excessive_cost({HashScheme::argon2id, 1, 12, max_argon2id_memory_kib}));
    CHECK_FALSE(excessive_cost({HashScheme::argon2id, 16, 12, 4 * 1024 * 1024}));
    CHECK(excessive_cost({HashScheme::argon2id, 17, 12, 4 * 1024 * 1024}) ==
          "17 passes over 4194304 KiB; more than 64 GiB in all are not tried");
    CHECK(excessive_cost({HashScheme::argon2id, max_iterations}));
}

TEST_CASE("plain text verifies no password, not even itself") {
    CHECK(check_password("p", "p") == false);
    CHECK(check_password("", "") == false);
    CHECK(check_password("$7$", "") == false);
}

TEST_CASE("plain text, hashes, unknown hashes and empty entries are distinguished") {
    for (const char* plain :
         {"secret", "$ecret", "$", "$$", "$$x", "a$7$b$c", "$Pa$word", "$7", "$7$", "$6 $x", " \t"}) {
        CAPTURE(plain);
        CHECK(stored_form(plain) == StoredForm::plain);
    }
    for (const char* unknown :
         {"$5$salt$hash", "$7$101$x$y", "$7$0$AAAA$AAAA", "$2b$12$abcdef", "$argon2i$v=19$m=1$x$y",
          "$argon2id$v=19$m=0,t=1,p=1$c29tZXNhbHQ$cpx6VEQb", "$8$anything"}) {
        CAPTURE(unknown);
        CHECK(stored_form(unknown) == StoredForm::unknown);
    }
    CHECK(stored_form("") == StoredForm::empty);
}
