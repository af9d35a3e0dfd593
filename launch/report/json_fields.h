// Strict reading of the JSON files of a run: every complaint names the place, what was expected and what was found.
//
//   Fields eval = Fields::of_file("runs/a/eval.json");
//   double top1 = eval.fraction("top1");
//   for_each_json_line("runs/a/metrics.jsonl", [&](const Fields& line) { ... });
//
// Throws DataError for content and IoError for files that cannot be read. Unknown keys are left alone, so that an
// older report reads a newer run.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace permafrost::launch {

// `text` as JSON; `where` ("PATH" or "PATH:LINE") names it in the DataError.
nlohmann::json parse_json(const std::string& text, const std::string& where);

// One JSON object and the place it was read from.
class Fields {
 public:
  Fields(nlohmann::json object, std::string where);  // DataError unless `object` is one
  static Fields of_file(const std::string& path);

  const std::string& where() const { return where_; }
  const nlohmann::json& json() const { return object_; }
  bool has(const char* key) const { return object_.contains(key); }

  // Required, and of the type asked for.
  std::string text(const char* key) const;
  int64_t count(const char* key) const;    // an integer >= 0
  double number(const char* key) const;    // null reads as NaN
  double fraction(const char* key) const;  // in [0, 1]
  const nlohmann::json& array(const char* key) const;
  std::vector<Fields> objects(const char* key) const;  // an array of objects
  std::vector<std::string> texts(const char* key) const;

  // The same where the key is there, `fallback` where it is not.
  std::string text_or(const char* key, const std::string& fallback) const;
  int64_t count_or(const char* key, int64_t fallback) const;
  double number_or(const char* key, double fallback) const;
  double fraction_or(const char* key, double fallback) const;

  // "WHERE: KEY: expected EXPECTED, found FOUND".
  [[noreturn]] void complain(const std::string& key, const std::string& expected, const std::string& found) const;

 private:
  const nlohmann::json& at(const char* key, const char* expected) const;

  nlohmann::json object_;
  std::string where_;
};

// Visits each line of a file of JSON lines. Returns how many lines were passed over because they break off before their
// object ends: a killed writer of a log leaves such a line behind. Any other broken line, also an empty one, is an
// error.
int64_t for_each_json_line(const std::string& path, const std::function<void(const Fields&)>& visit);

}  // namespace permafrost::launch
