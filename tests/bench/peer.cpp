// The bench's peers in one program: servers that measure clients (sink, source) and the limit clients themselves.
//
//     bench_peer sink                            accepts clients one after the other, answers, prints a line for each
//     bench_peer source N SIZE QOS WINDOW        pours N messages at each subscriber, prints a line for each
//     bench_peer source N FILE QOS WINDOW        the same with the bytes of FILE as the payload
//     bench_peer limit-pub PORT N SIZE QOS WINDOW
//     bench_peer limit-lines PORT                the same at QoS 0, from the lines of standard input
//     bench_peer limit-sub PORT N QOS
//     bench_peer limit-one PORT SIZE QOS         connects, publishes once, ends
//     bench_peer limit-file PORT FILE            one message, sent from the file by the kernel
//     bench_peer run COMMAND ...                 runs it, prints wall and CPU seconds, peak kilobytes and exit code
//     bench_peer round-trip PORT COUNT RATE      latency of QoS 0 through a broker: p50, p90, p99 in microseconds
//
// The servers print "port P" first and live until their standard input ends.
#include <poll.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "wire.hpp"

namespace bench {
namespace {

constexpr std::string_view topic = "bench/topic";
constexpr std::size_t batch_bytes = 128 * 1024;

/// Accepts until standard input ends.
template <class Serve>
int serve(Serve serve_one) {
    std::uint16_t port = 0;
    const int listener = listen_on_free_port(port);
    std::printf("port %u\n", port);
    std::fflush(stdout);
    while (true) {
        pollfd fds[2] = {{listener, POLLIN, 0}, {0, POLLIN, 0}};
        require(::poll(fds, 2, -1) > 0, "poll");
        if (fds[1].revents != 0) return 0;
        const int fd = accept_one(listener);
        serve_one(fd);
        ::close(fd);
    }
}

void sink_one(int fd) {
    std::size_t messages = 0;
    double first = 0;
    Buffer out;
    bool clean = false;
    const auto flush = [&] {
        if (!out.empty()) write_all(fd, out);
        out.clear();
    };
    read_packets(
        fd,
        [&](const Front& packet) {
            switch (packet.first_byte >> 4) {
                case 1: {
                    const Buffer connack = connack_packet();
                    out.insert(out.end(), connack.begin(), connack.end());
                    break;
                }
                case 3: {
                    if (messages++ == 0) first = seconds_now();
                    const int qos = (packet.first_byte >> 1) & 3;
                    if (qos > 0) append_ack(out, qos == 1 ? puback : pubrec, packet.publish_id());
                    break;
                }
                case 6:
                    append_ack(out, pubcomp, packet.id_at(0));
                    break;
                case 12:
                    out.insert(out.end(), {0xD0, 0});
                    break;
                case 14:
                    clean = true;
                    return false;
                default:
                    break;
            }
            return true;
        },
        flush);
    std::printf("messages %zu seconds %.6f clean %d\n", messages, seconds_now() - first, clean ? 1 : 0);
    std::fflush(stdout);
}

struct Load {
    std::size_t count;
    std::string payload;
    int qos;
    std::size_t window;
};

/// Bytes of this number, or of a file.
std::string payload_of(const char* size_or_file) {
    if (std::strchr(size_or_file, '/') != nullptr) {
        std::ifstream file(size_or_file, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::string payload(std::strtoul(size_or_file, nullptr, 10), 'x');
    for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>('a' + i % 26);
    return payload;
}

/// Sends `load.count` messages: at QoS 0 in batches; else with at most `window` of them unfinished.
void pour(int fd, const Load& load) {
    const std::string& payload = load.payload;
    if (load.qos == 0) {
        const Buffer one = publish_packet(topic, payload, 0, 0);
        Buffer batch;
        const std::size_t per_batch = std::max<std::size_t>(1, batch_bytes / one.size());
        for (std::size_t i = 0; i < per_batch; ++i) batch.insert(batch.end(), one.begin(), one.end());
        std::size_t left = load.count;
        for (; left >= per_batch; left -= per_batch) write_all(fd, batch);
        write_all(fd, batch.data(), left * one.size());
        return;
    }
    std::size_t sent = 0;
    std::size_t done = 0;
    Buffer out;
    const auto fill = [&] {
        while (sent < load.count && sent - done < load.window) {
            const auto id = static_cast<std::uint16_t>(sent % 65'535 + 1);
            const Buffer one = publish_packet(topic, payload, load.qos, id);
            out.insert(out.end(), one.begin(), one.end());
            ++sent;
        }
        if (!out.empty()) write_all(fd, out);
        out.clear();
    };
    fill();
    read_packets(
        fd,
        [&](const Front& packet) {
            switch (packet.first_byte >> 4) {
                case 4:
                case 7:
                    ++done;
                    break;
                case 5:
                    append_ack(out, pubrel, packet.id_at(0));
                    break;
                default:
                    break;
            }
            return done < load.count;
        },
        fill);
}

void source_one(int fd, const Load& load) {
    bool subscribed = false;
    Buffer out;
    read_packets(
        fd,
        [&](const Front& packet) {
            if ((packet.first_byte >> 4) == 1) write_all(fd, connack_packet());
            if ((packet.first_byte >> 4) == 8) {
                const Buffer suback{0x90, 3, packet.body[0], packet.body[1],
                                    static_cast<std::uint8_t>(load.qos)};
                write_all(fd, suback);
                subscribed = true;
            }
            return !subscribed;
        },
        [] {});
    if (!subscribed) return;
    const double start = seconds_now();
    pour(fd, load);
    ::shutdown(fd, SHUT_WR);
    std::uint8_t rest[4096];
    while (::recv(fd, rest, sizeof rest, 0) > 0) {
    }
    std::printf("messages %zu seconds %.6f\n", load.count, seconds_now() - start);
    std::fflush(stdout);
}

int open_session(std::uint16_t port) {
    const int fd = connect_to(port);
    write_all(fd, connect_packet());
    std::uint8_t connack[4];
    require(::recv(fd, connack, 4, MSG_WAITALL) == 4, "connack");
    return fd;
}

int limit_pub(std::uint16_t port, const Load& load) {
    const int fd = open_session(port);
    pour(fd, load);
    write_all(fd, disconnect_packet());
    ::close(fd);
    return 0;
}

int limit_lines(std::uint16_t port) {
    const int fd = open_session(port);
    Buffer in(batch_bytes);
    Buffer out;
    std::size_t have = 0;
    std::size_t header_for = 0;
    Buffer header = publish_header(topic, 0, 0, 0);
    while (true) {
        const ssize_t got = ::read(0, in.data() + have, in.size() - have);
        require(got >= 0, "read");
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
        const std::uint8_t* line = in.data();
        const std::uint8_t* const end = in.data() + have;
        while (const void* newline = std::memchr(line, '\n', static_cast<std::size_t>(end - line))) {
            const auto size = static_cast<std::size_t>(static_cast<const std::uint8_t*>(newline) - line);
            if (size != header_for) {
                header = publish_header(topic, size, 0, 0);
                header_for = size;
            }
            const std::size_t at = out.size();
            out.resize(at + header.size() + size);
            std::memcpy(out.data() + at, header.data(), header.size());
            std::memcpy(out.data() + at + header.size(), line, size);
            line += size + 1;
        }
        have = static_cast<std::size_t>(end - line);
        std::memmove(in.data(), line, have);
        write_all(fd, out);
        out.clear();
    }
    write_all(fd, disconnect_packet());
    ::close(fd);
    return 0;
}

int limit_sub(std::uint16_t port, std::size_t count, int qos) {
    const int fd = open_session(port);
    write_all(fd, subscribe_packet(topic, qos));
    std::size_t got = 0;
    Buffer out;
    read_packets(
        fd,
        [&](const Front& packet) {
            switch (packet.first_byte >> 4) {
                case 3: {
                    ++got;
                    const int level = (packet.first_byte >> 1) & 3;
                    if (level > 0) append_ack(out, level == 1 ? puback : pubrec, packet.publish_id());
                    break;
                }
                case 6:
                    append_ack(out, pubcomp, packet.id_at(0));
                    break;
                default:
                    break;
            }
            return qos > 0 || got < count;
        },
        [&] {
            if (!out.empty()) write_all(fd, out);
            out.clear();
        });
    return got >= count ? 0 : 1;
}

int limit_file(std::uint16_t port, const char* path) {
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    struct stat info{};
    require(file >= 0 && ::fstat(file, &info) == 0, path);
    const auto size = static_cast<std::size_t>(info.st_size);
    const int fd = open_session(port);
    write_all(fd, publish_header(topic, size, 0, 0));
    off_t at = 0;
    while (static_cast<std::size_t>(at) < size)
        require(::sendfile(fd, file, &at, size - static_cast<std::size_t>(at)) > 0, "sendfile");
    write_all(fd, disconnect_packet());
    ::close(fd);
    return 0;
}

int round_trip(std::uint16_t port, std::size_t count, double rate) {
    const int fd = open_session(port);
    write_all(fd, subscribe_packet("bench/rt", 0));
    std::uint8_t suback[5];
    require(::recv(fd, suback, 5, MSG_WAITALL) == 5, "suback");
    const Buffer one = publish_packet("bench/rt", payload_of("32"), 0, 0);
    Buffer back(one.size());
    std::vector<double> micros;
    for (std::size_t i = 0; i < count; ++i) {
        const double start = seconds_now();
        write_all(fd, one);
        require(::recv(fd, back.data(), back.size(), MSG_WAITALL) == static_cast<ssize_t>(back.size()),
                "recv");
        const double took = seconds_now() - start;
        micros.push_back(took * 1e6);
        if (took < 1 / rate) ::usleep(static_cast<useconds_t>((1 / rate - took) * 1e6));
    }
    std::sort(micros.begin(), micros.end());
    std::printf("p50 %.1f p90 %.1f p99 %.1f\n", micros[count / 2], micros[count * 9 / 10],
                micros[count * 99 / 100]);
    return 0;
}

/// Small itself, because a process starts with the peak memory of the one that made it.
int run_command(char** command) {
    const double start = seconds_now();
    const pid_t child = ::vfork();
    if (child == 0) {
        ::execvp(command[0], command);
        ::_exit(127);
    }
    int status = 0;
    rusage usage{};
    require(child > 0 && ::wait4(child, &status, 0, &usage) == child, "wait4");
    const double wall = seconds_now() - start;
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    std::fprintf(stderr, "wall %.6f cpu %.6f rss %ld exit %d\n", wall,
                 seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss,
                 WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
    using namespace bench;
    const std::string_view what = argc > 1 ? argv[1] : "";
    const auto text = [&](int i) { return i < argc ? argv[i] : ""; };
    const auto number = [&](int i) { return static_cast<std::size_t>(std::strtoull(text(i), nullptr, 10)); };
    const auto port = static_cast<std::uint16_t>(number(2));
    if (what == "sink") return serve(sink_one);
    if (what == "source") {
        const Load load{number(2), payload_of(text(3)), static_cast<int>(number(4)), number(5)};
        return serve([&](int fd) { source_one(fd, load); });
    }
    if (what == "limit-pub")
        return limit_pub(port, {number(3), payload_of(text(4)), static_cast<int>(number(5)), number(6)});
    if (what == "limit-lines") return limit_lines(port);
    if (what == "limit-sub") return limit_sub(port, number(3), static_cast<int>(number(4)));
    if (what == "limit-one") return limit_pub(port, {1, payload_of(text(3)), static_cast<int>(number(4)), 1});
    if (what == "limit-file" && argc > 3) return limit_file(port, argv[3]);
    if (what == "round-trip") return round_trip(port, number(3), static_cast<double>(number(4)));
    if (what == "run" && argc > 2) return run_command(argv + 2);
    std::fprintf(stderr, "usage: see the top of tests/bench/peer.cpp\n");
    return 1;
}
