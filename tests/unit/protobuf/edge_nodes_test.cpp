// Sparkplug B edge nodes: topics, sequence numbers, births and deaths.
#include "edge_nodes.hpp"

#include <doctest/doctest.h>

using namespace mqttc::protobuf;

namespace {

struct Messages {
    EdgeNodes nodes;

    EdgeNodes::Node* receive(const char* topic, std::optional<std::uint64_t> sequence = {}) {
        return nodes.received(*SparkplugTopic::parse(topic), sequence);
    }
};

}  // namespace

TEST_CASE("a Sparkplug topic has group, type, node, and sometimes a device") {
    const auto topic = SparkplugTopic::parse("spBv1.0/plant/DDATA/line/press");
    REQUIRE(topic);
    CHECK(topic->group == "plant");
    CHECK(topic->type == "DDATA");
    CHECK(topic->node == "line");
    CHECK(topic->device == "press");
    CHECK(SparkplugTopic::parse("spBv1.0/plant/NDATA/line")->device.empty());
    CHECK_FALSE(SparkplugTopic::parse("spBv1.0/STATE/host"));
    CHECK_FALSE(SparkplugTopic::parse("spAv1.0/plant/NDATA/line"));
}

TEST_CASE("gaps in the sequence numbers of a node are counted, across its devices and the end at 255") {
    Messages plant;
    plant.receive("spBv1.0/g/NBIRTH/n", 254);
    plant.receive("spBv1.0/g/DBIRTH/n/d", 255);
    plant.receive("spBv1.0/g/NDATA/n", 0);
    plant.receive("spBv1.0/g/NDATA/n", 0);  // delivered twice
    plant.receive("spBv1.0/g/NCMD/n");
    CHECK(plant.nodes.text() == "Sparkplug B: 1 edge node, 5 messages, 0 sequence gaps");
    plant.receive("spBv1.0/g/DDATA/n/d", 3);
    plant.receive("spBv1.0/other/NBIRTH/n", 0);
    CHECK(plant.nodes.text() ==
          "Sparkplug B: 2 edge nodes, 7 messages, 1 sequence gap with 2 messages missing");
    CHECK(
        plant.nodes.json() ==
        R"({"edge_nodes":2,"messages":7,"sequence_gaps":1,"messages_missing":2,"edge_nodes_without_birth":0,)"
        R"("metrics_without_name":0,"messages_untracked":0})");
}

TEST_CASE("a node without a birth is counted once, and again after its death") {
    Messages plant;
    plant.receive("spBv1.0/g/NDATA/n", 7);
    plant.receive("spBv1.0/g/NDATA/n", 9);
    CHECK(plant.nodes.text() ==
          "Sparkplug B: 1 edge node, 2 messages, 0 sequence gaps, 1 edge node without a birth");
    plant.receive("spBv1.0/g/NBIRTH/n", 0);
    plant.receive("spBv1.0/g/NDEATH/n");
    plant.receive("spBv1.0/g/NDATA/n", 1);
    CHECK(plant.nodes.text() ==
          "Sparkplug B: 1 edge node, 5 messages, 0 sequence gaps, 2 edge nodes without a birth");
}

TEST_CASE("aliases are those of the last birth, of the device or of its node") {
    Messages plant;
    const auto node_topic = *SparkplugTopic::parse("spBv1.0/g/NBIRTH/n");
    const auto device_topic = *SparkplugTopic::parse("spBv1.0/g/DBIRTH/n/d");
    EdgeNodes::Node& node = *plant.receive("spBv1.0/g/NBIRTH/n", 0);
    plant.nodes.name(node, node_topic, "rebirth", 1, DataType::boolean);
    plant.receive("spBv1.0/g/DBIRTH/n/d", 1);
    plant.nodes.name(node, device_topic, "temp", 2, DataType::float64);
    const auto found = [&](std::uint64_t alias) {
        const auto known = EdgeNodes::by_alias(node, device_topic, alias);
        return known ? std::string(known->name) : "-";
    };
    CHECK(found(1) == "rebirth");
    CHECK(found(2) == "temp");
    CHECK(EdgeNodes::by_alias(node, device_topic, 2)->type == DataType::float64);
    CHECK(EdgeNodes::type_of(node, device_topic, "temp") == DataType::float64);
    CHECK_FALSE(EdgeNodes::by_alias(node, node_topic, 2));
    plant.receive("spBv1.0/g/DBIRTH/n/d", 2);
    CHECK(found(2) == "-");
    plant.receive("spBv1.0/g/NDEATH/n");
    CHECK(found(1) == "-");
}

TEST_CASE("what is kept about nodes is bounded") {
    Messages plant;
    const std::string large(1024 * 1024, 'x');
    EdgeNodes::Node& node = *plant.receive("spBv1.0/g/NBIRTH/n", 0);
    const auto topic = *SparkplugTopic::parse("spBv1.0/g/NBIRTH/n");
    const auto fill = [&] {
        std::size_t kept = 0;
        for (std::uint64_t i = 0; i < 100; ++i) {
            plant.nodes.name(node, topic, std::to_string(i) + large, i, DataType::int8);
            if (EdgeNodes::by_alias(node, topic, i)) ++kept;
        }
        return kept;
    };
    CHECK(fill() == 31);
    // A new birth frees what the last one took.
    plant.receive("spBv1.0/g/NBIRTH/n", 0);
    CHECK(fill() == 31);
    plant.receive("spBv1.0/g/NBIRTH/n", 0);
    for (std::size_t i = 0; i < EdgeNodes::max_nodes; ++i)
        plant.receive(("spBv1.0/g/NBIRTH/n" + std::to_string(i)).c_str(), 0);
    CHECK(plant.nodes.text().ends_with(", 1 message of untracked edge nodes"));
}
