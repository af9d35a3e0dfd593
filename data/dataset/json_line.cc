#include "data/dataset/json_line.h"

#include <cmath>
#include <set>

#include "core/base/error.h"

namespace permafrost::data {

using Json = nlohmann::json;

std::string shown(const Json& value) {
  const std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

JsonLine::JsonLine(const std::string& line, std::string where) : where_(std::move(where)) {
  std::set<std::string> keys;
  std::string repeated;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1 && !keys.insert(parsed.get<std::string>()).second) {
      repeated = parsed.get<std::string>();
    }
    return depth <= 4;
  };
  object_ = Json::parse(line, watch, /*allow_exceptions=*/false);
  if (!object_.is_object()) fail("expected one JSON object, found something else: the manifest is damaged");
  if (!repeated.empty()) fail("the field '" + repeated + "' stands there twice");
}

void JsonLine::fail(const std::string& what) const { throw core::DataError(where_ + ": " + what); }

Json JsonLine::take(const std::string& key) {
  const auto at = object_.find(key);
  if (at == object_.end()) fail("the field '" + key + "' is missing");
  Json value = std::move(*at);
  object_.erase(at);
  return value;
}

std::string JsonLine::text(const std::string& key) {
  const Json value = take(key);
  if (!value.is_string()) fail("'" + key + "': expected a text, found " + shown(value));
  return value.get<std::string>();
}

int64_t JsonLine::count(const std::string& key) {
  const Json value = take(key);
  const bool is_count = value.is_number_integer() && value >= 0 && value <= (int64_t{1} << 53);
  if (!is_count) fail("'" + key + "': expected a whole number from 0, found " + shown(value));
  return value.get<int64_t>();
}

double JsonLine::measure(const std::string& key) {
  const Json value = take(key);
  const bool is_measure = value.is_number() && std::isfinite(value.get<double>()) && value.get<double>() >= 0;
  if (!is_measure) fail("'" + key + "': expected a number from 0, found " + shown(value));
  return value.get<double>();
}

std::optional<double> JsonLine::optional_measure(const std::string& key) {
  return has(key) ? std::optional<double>(measure(key)) : std::nullopt;
}

void JsonLine::require_empty() const {
  if (!object_.empty()) fail("the field '" + object_.begin().key() + "' is unknown: made by another version?");
}

}  // namespace permafrost::data
