// When a descriptor is closed.
#include "base/descriptor.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <cerrno>

using namespace mqttc;

namespace {

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

}  // namespace

TEST_CASE("a descriptor is closed with its owner") {
    int number = -1;
    {
        const Descriptor fd(::dup(0));
        number = fd.get();
        CHECK(is_open(number));
    }
    CHECK_FALSE(is_open(number));
}

TEST_CASE("an assignment closes the earlier descriptor at once and takes the other") {
    Descriptor kept(::dup(0));
    Descriptor other(::dup(0));
    const int earlier = kept.get();
    const int taken = other.get();
    kept = std::move(other);
    CHECK(kept.get() == taken);
    CHECK_FALSE(is_open(earlier));
    CHECK(other.get() == -1);  // NOLINT(bugprone-use-after-move): empty by contract
    kept = {};
    CHECK_FALSE(is_open(taken));
}

TEST_CASE("a released descriptor stays open") {
    Descriptor fd(::dup(0));
    const int number = fd.release();
    CHECK_FALSE(fd);
    CHECK(is_open(number));
    CHECK(::close(number) == 0);
}

TEST_CASE("closing reports a failure") {
    Descriptor fd(::dup(0));
    CHECK(::close(fd.get()) == 0);
    CHECK_FALSE(fd.close());
    CHECK(errno == EBADF);
    CHECK(fd.close());
}
