#include "launch/report/json_fields.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "core/base/error.h"
#include "core/base/file.h"

namespace permafrost::launch {
namespace {

using Json = nlohmann::json;

// "a string", "null", "-3": enough to recognise a value in an error line, never more than a few words.
std::string described(const Json& value) {
  if (value.is_number() || value.is_boolean() || value.is_null()) return value.dump();
  return std::string(value.is_string() ? "a " : "an ") + value.type_name();
}

bool is_count(const Json& value) {
  if (value.is_number_unsigned()) return value.get<uint64_t>() <= uint64_t{std::numeric_limits<int64_t>::max()};
  return value.is_number_integer() && value.get<int64_t>() >= 0;
}

core::DataError not_json(const std::string& where, const std::string& found) {
  return core::DataError(where + ": expected JSON, found " + found +
                         "; restore the file, or remove it and the report goes without");
}

// Nothing where `line` is the beginning of an object and no more.
std::optional<Json> parse_line(const std::string& line, const std::string& where) {
  try {
    return Json::parse(line);
  } catch (const Json::parse_error& error) {
    if (line.starts_with('{') && error.byte > line.size()) return std::nullopt;
    throw not_json(where, "an error at byte " + std::to_string(error.byte));
  } catch (const Json::exception&) {
    throw not_json(where, "a number too large for any of its types");
  }
}

}  // namespace

Json parse_json(const std::string& text, const std::string& where) {
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw not_json(where, "an error at byte " + std::to_string(error.byte));
  } catch (const Json::exception&) {
    throw not_json(where, "a number too large for any of its types");
  }
}

Fields::Fields(Json object, std::string where) : object_(std::move(object)), where_(std::move(where)) {
  if (!object_.is_object()) {
    throw core::DataError(where_ + ": expected a JSON object, found " + described(object_) +
                          "; is this the right file?");
  }
}

Fields Fields::of_file(const std::string& path) { return Fields(parse_json(core::read_text(path), path), path); }

void Fields::complain(const std::string& key, const std::string& expected, const std::string& found) const {
  throw core::DataError(where_ + ": " + key + ": expected " + expected + ", found " + found +
                        "; restore the file, or remove it and the report goes without");
}

const Json& Fields::at(const char* key, const char* expected) const {
  auto found = object_.find(key);
  if (found == object_.end()) complain(key, expected, "nothing");
  return *found;
}

std::string Fields::text(const char* key) const {
  const Json& value = at(key, "a string");
  if (!value.is_string()) complain(key, "a string", described(value));
  return value.get<std::string>();
}

int64_t Fields::count(const char* key) const {
  const Json& value = at(key, "a whole number from 0");
  if (!is_count(value)) complain(key, "a whole number from 0", described(value));
  return value.get<int64_t>();
}

double Fields::number(const char* key) const {
  const Json& value = at(key, "a number");
  if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (!value.is_number()) complain(key, "a number", described(value));
  return value.get<double>();
}

double Fields::fraction(const char* key) const {
  const Json& value = at(key, "a fraction from 0 to 1");
  bool is_inside = value.is_number() && value.get<double>() >= 0 && value.get<double>() <= 1;
  if (!is_inside) complain(key, "a fraction from 0 to 1", described(value));
  return value.get<double>();
}

const Json& Fields::array(const char* key) const {
  const Json& value = at(key, "an array");
  if (!value.is_array()) complain(key, "an array", described(value));
  return value;
}

std::vector<Fields> Fields::objects(const char* key) const {
  std::vector<Fields> result;
  for (const Json& item : array(key)) {
    result.emplace_back(item, where_ + ": " + key + "[" + std::to_string(result.size()) + "]");
  }
  return result;
}

std::vector<std::string> Fields::texts(const char* key) const {
  std::vector<std::string> result;
  for (const Json& item : array(key)) {
    if (!item.is_string()) complain(key, "strings", described(item));
    result.push_back(item.get<std::string>());
  }
  return result;
}

std::string Fields::text_or(const char* key, const std::string& fallback) const {
  return has(key) ? text(key) : fallback;
}

int64_t Fields::count_or(const char* key, int64_t fallback) const { return has(key) ? count(key) : fallback; }

double Fields::number_or(const char* key, double fallback) const { return has(key) ? number(key) : fallback; }

double Fields::fraction_or(const char* key, double fallback) const { return has(key) ? fraction(key) : fallback; }

int64_t for_each_json_line(const std::string& path, const std::function<void(const Fields&)>& visit) {
  std::string text = core::read_text(path);
  int64_t line_number = 0;
  int64_t cut_lines = 0;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    std::string where = path + ":" + std::to_string(++line_number);
    std::optional<Json> object = parse_line(line, where);
    if (object) visit(Fields(std::move(*object), where));
    if (!object) ++cut_lines;
    begin = end + 1;
  }
  return cut_lines;
}

}  // namespace permafrost::launch
