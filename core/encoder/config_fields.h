// An object of a JSON config, read field by field; a complaint names the file and the field.
//
//   const ConfigFields config = read_config_fields("clip/config.json");
//   const auto width = config.need<int64_t>("hidden_size");
//   const auto epsilon = config.value("layer_norm_eps", 1e-5);   // where absent: 1e-5
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "core/base/error.h"

namespace permafrost::core {

class ConfigFields {
 public:
  // Throws DataError where `object` is no JSON object.
  ConfigFields(nlohmann::json object, std::string path) : object_(std::move(object)), path_(std::move(path)) {
    if (!object_.is_object()) throw DataError(path_ + ": expected a JSON object: give an encoder's config");
  }

  const std::string& path() const { return path_; }
  const nlohmann::json& json() const { return object_; }
  bool has(const std::string& name) const { return object_.contains(name) && !object_.at(name).is_null(); }

  template <class T>
  T need(const std::string& name) const {
    if (!has(name)) throw DataError(path_ + ": expected the field '" + name + "', found none");
    try {
      return object_.at(name).get<T>();
    } catch (const nlohmann::json::exception&) {
      throw DataError(path_ + ": the field '" + name + "' is of the wrong kind: " + object_.at(name).dump());
    }
  }
  template <class T>
  T value(const std::string& name, T otherwise) const {
    return has(name) ? need<T>(name) : otherwise;
  }
  std::string text(const std::string& name) const { return value<std::string>(name, ""); }
  ConfigFields object(const std::string& name) const { return {need<nlohmann::json>(name), path_}; }

 private:
  nlohmann::json object_;
  std::string path_;
};

// Throws IoError or DataError.
ConfigFields read_config_fields(const std::string& path);

}  // namespace permafrost::core
