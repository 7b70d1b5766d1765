// The retained messages, one per topic.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "message.hpp"

namespace mqttc::broker {

class RetainedStore {
  public:
    /// Stores the message for its topic; an empty payload removes the stored one.
    void store(MessagePtr message);
    /// Calls `visit` for each unexpired message whose topic matches the (unshared) filter, in the order of topics.
    void match(std::string_view filter, Time now, const std::function<void(const MessagePtr&)>& visit);
    /// The message of one topic, or nullptr.
    MessagePtr find(std::string_view topic) const;
    std::size_t size() const { return messages_.size(); }

  private:
    std::map<std::string, MessagePtr, std::less<>> messages_;
};

}  // namespace mqttc::broker
