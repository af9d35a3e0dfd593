#include "data/dataset/json_line.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/error.h"

namespace permafrost::data {

using Json = nlohmann::json;

std::string shown(const Json& value) {
  const std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

// Takes values as they come, without a tree: a manifest has a million lines.
class JsonLine::Parser {
 public:
  explicit Parser(std::vector<Field>& fields) : fields_(fields) {}

  bool null() { return take(nullptr); }
  bool boolean(bool value) { return take(value); }
  bool number_integer(int64_t value) { return take(value); }
  bool number_unsigned(uint64_t value) { return take(value); }
  bool number_float(double value, const std::string&) { return take(value); }
  bool string(std::string& value) { return take(std::move(value)); }
  bool binary(Json::binary_t&) { return false; }
  bool start_object(size_t) { return !std::exchange(is_object_, true); }  // the line's own and no other
  bool key(std::string& name) {
    fields_.push_back({std::move(name), {}});
    return true;
  }
  bool end_object() { return true; }
  bool start_array(size_t) {
    if (!is_object_ || is_list_) return false;
    is_list_ = true;
    fields_.back().value = Json::array();
    return true;
  }
  bool end_array() {
    is_list_ = false;
    return true;
  }
  bool parse_error(size_t, const std::string&, const Json::exception&) { return false; }

 private:
  bool take(Json value) {
    if (!is_object_) return false;
    if (is_list_) {
      fields_.back().value.push_back(std::move(value));
    } else {
      fields_.back().value = std::move(value);
    }
    return true;
  }

  std::vector<Field>& fields_;
  bool is_object_ = false, is_list_ = false;
};

JsonLine::JsonLine(std::string_view line, std::string where) : where_(std::move(where)) {
  constexpr size_t kUsual = 16;
  fields_.reserve(kUsual);
  Parser parser(fields_);
  if (Json::sax_parse(line.begin(), line.end(), &parser)) return;
  fail("expected one JSON object of plain values, found something else: the manifest is damaged");
}

void JsonLine::fail(const std::string& what) const { throw core::DataError(where_ + ": " + what); }

JsonLine::Field* JsonLine::find(const std::string& key) {
  const auto is_it = [&](const Field& field) { return !field.is_taken && field.key == key; };
  const auto at = std::find_if(fields_.begin(), fields_.end(), is_it);
  return at == fields_.end() ? nullptr : &*at;
}

bool JsonLine::has(const std::string& key) { return find(key) != nullptr; }

Json JsonLine::take(const std::string& key) {
  Field* const field = find(key);
  if (field == nullptr) fail("the field '" + key + "' is missing");
  field->is_taken = true;
  return std::move(field->value);
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
  for (const Field& field : fields_) {
    if (field.is_taken) continue;
    const auto is_same = [&](const Field& other) { return other.is_taken && other.key == field.key; };
    const bool is_repeated = std::any_of(fields_.begin(), fields_.end(), is_same);
    fail("the field '" + field.key + (is_repeated ? "' stands there twice" : "' is unknown: made by another version?"));
  }
}

}  // namespace permafrost::data
