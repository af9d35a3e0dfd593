// The class names of a data set in their order: the position of a name is its target.
//
//   const LabelMap labels = LabelMap::sorted(names_of_every_video);
//   const int64_t target = labels.index_of("playing guitar");
//   if (labels.hash() != cache_labels_hash) ...
//
// Public lists of the same classes disagree in order (MODEL.md, Kinetics-710), so maps are compared by hash and samples
// are remapped by name, never by index.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace permafrost::data {

class LabelMap {
 public:
  LabelMap() = default;
  // Keeps the order. Throws DataError for an empty or repeated name and for one with a control character.
  explicit LabelMap(std::vector<std::string> names);
  // Sorted by bytes, or by value where all are whole numbers; repeats removed.
  static LabelMap sorted(std::vector<std::string> names);

  const std::vector<std::string>& names() const { return names_; }
  int64_t size() const { return static_cast<int64_t>(names_.size()); }
  bool has(const std::string& name) const { return index_.contains(name); }
  // Throws DataError naming the label, and the one that differs in case only.
  int64_t index_of(const std::string& name) const;

  // SHA-256 over the names in order, each followed by a newline; 64 hexadecimal digits.
  std::string hash() const;

  bool operator==(const LabelMap& other) const { return names_ == other.names_; }

 private:
  std::vector<std::string> names_;
  std::map<std::string, int64_t> index_;
};

}  // namespace permafrost::data
