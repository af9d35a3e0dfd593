// The members of a JSON object of a cache, read strictly.
//
//   const JsonMembers members(object, path, 6);               // DataError opening with path unless it has six members
//   uint64_t bytes = members.count("bytes");
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "core/base/error.h"

namespace permafrost::data {

// Every complaint is a DataError that names the file. The object must outlive it.
class JsonMembers {
 public:
  JsonMembers(const nlohmann::json& object, std::string path, size_t count) : object_(object), path_(std::move(path)) {
    require(object.is_object() && object.size() == count, "an object has other members than FORMAT.md says");
  }

  void require(bool holds, const std::string& complaint) const {
    if (!holds) throw core::DataError(path_ + ": " + complaint + ": run cache build again");
  }
  const nlohmann::json& at(const char* name) const {
    const auto found = object_.find(name);
    require(found != object_.end(), std::string("no '") + name + "'");
    return *found;
  }
  uint64_t count(const char* name, uint64_t limit = INT64_MAX) const {
    const nlohmann::json& value = at(name);
    require(value.is_number_unsigned() && value.get<uint64_t>() <= limit,
            std::string("'") + name + "' is " + value.dump().substr(0, 64) + ", expected a count");
    return value.get<uint64_t>();
  }
  std::string text(const char* name) const {
    const nlohmann::json& value = at(name);
    require(value.is_string(), std::string("'") + name + "' is no text");
    return value.get<std::string>();
  }
  const nlohmann::json& list(const char* name) const {
    const nlohmann::json& value = at(name);
    require(value.is_array(), std::string("'") + name + "' is no list");
    return value;
  }

 private:
  const nlohmann::json& object_;
  std::string path_;
};

}  // namespace permafrost::data
