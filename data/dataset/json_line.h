// One line of JSON, taken apart field by field: what nobody asked for is an error too. Internal to data/dataset.
//
//   JsonLine line(text, "m.jsonl:3");
//   entry.id = line.text("id");
//   line.require_empty();
//
// All throw DataError naming `where`.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace permafrost::data {

class JsonLine {
 public:
  // An object of plain values and lists of such. A field that stands there twice is told by require_empty().
  JsonLine(std::string_view line, std::string where);

  const std::string& where() const { return where_; }
  bool has(const std::string& key);

  nlohmann::json take(const std::string& key);
  std::string text(const std::string& key);
  int64_t count(const std::string& key);   // a whole number from 0
  double measure(const std::string& key);  // a number from 0
  std::optional<double> optional_measure(const std::string& key);
  void require_empty() const;

  [[noreturn]] void fail(const std::string& what) const;

 private:
  struct Field {
    std::string key;
    nlohmann::json value;
    bool is_taken = false;
  };
  class Parser;

  // Not taken yet; null where there is none.
  Field* find(const std::string& key);

  std::string where_;
  std::vector<Field> fields_;  // in the line's order
};

// At most 60 characters of it, for messages.
std::string shown(const nlohmann::json& value);

}  // namespace permafrost::data
