// Turns split options into Options: conversion of each value, and the rules of layers and combinations.
#pragma once

#include <array>
#include <expected>
#include <optional>
#include <string>

#include "options.hpp"
#include "tokenize.hpp"

namespace mqttc::app {

/// Collects options from the lowest layer to the highest. Errors are one line for people.
class OptionsBuilder {
  public:
    explicit OptionsBuilder(Program program) { options_.program = program; }

    /// Applies one option; layers must come in rising order.
    std::expected<void, std::string> apply(const Occurrence& option, Layer layer);
    /// --no-tls is among the options to come: those of TLS are left aside, whatever is wrong with them.
    void drop_tls() { options_.connection.no_tls = true; }
    /// MQTT_PASSWORD: used when nothing else but MQTT_URL gives a password.
    std::expected<void, std::string> set_environment_password(std::string_view value);
    /// Checks combinations and completes the options. Call it once, at the end.
    std::expected<Options, std::string> finish();

  private:
    using Result = std::expected<void, std::string>;
    Result apply_broker(const Occurrence& option);
    Result apply_identity(const Occurrence& option);
    Result apply_tls(const Occurrence& option);
    Result apply_transport(const Occurrence& option);
    Result apply_will(const Occurrence& option);
    Result apply_message(const Occurrence& option);
    Result apply_subscription(const Occurrence& option);
    Result apply_output(const Occurrence& option);

    Result apply_url(const Occurrence& option);
    void forget_lower_url();
    bool url_without_tls_beats_environment() const;
    Result apply_property(const Occurrence& option);
    Result apply_topic(const Occurrence& option);
    Result set_source(PayloadSource source, const Occurrence& option);
    Result check_message() const;
    Result check_input() const;
    Result check_request() const;
    Result check_subscription() const;
    Result check_output() const;
    Result check_connection() const;

    std::optional<Layer>& given(OptionId id) { return given_[static_cast<std::size_t>(id)]; }
    bool has(OptionId id) const { return given_[static_cast<std::size_t>(id)].has_value(); }
    /// Of an option that has been given.
    Layer layer_of(OptionId id) const { return *given_[static_cast<std::size_t>(id)]; }
    /// True when the option has been given in this very layer already.
    bool repeated(OptionId id) { return given(id) == layer_; }

    Options options_;
    Layer layer_ = Layer::environment;
    std::array<std::optional<Layer>, static_cast<std::size_t>(OptionId::version) + 1> given_{};
    std::optional<Layer> source_layer_;
    std::string source_name_;
    bool url_topic_ = false;  ///< the only topic of mqtt_pub is that of -L, which -t replaces
    /// The layers of what was taken from a URL and not been replaced since.
    std::optional<Layer> url_username_;
    std::optional<Layer> url_password_;
    std::optional<Layer> url_filter_layer_;
    std::size_t url_filter_ = 0;  ///< where it stands in the topics of mqtt_sub
};

}  // namespace mqttc::app
