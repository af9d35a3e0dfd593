#include "data/dataset/label_match.h"

#include <map>
#include <set>

#include "core/base/error.h"
#include "data/dataset/label_lists.h"

namespace permafrost::data {

std::string unified_label(const std::string& label) {
  static const std::map<std::string, std::string> kRenames = kinetics710_renames();
  const auto at = kRenames.find(label);
  return at == kRenames.end() ? label : at->second;
}

std::optional<int64_t> class_of(const std::string& label, const LabelMap& labels) {
  if (labels.has(label)) return labels.index_of(label);
  const std::string unified = unified_label(label);
  if (labels.has(unified)) return labels.index_of(unified);
  std::optional<int64_t> found;
  for (int64_t i = 0; i < labels.size(); ++i) {
    if (unified_label(labels.names()[static_cast<size_t>(i)]) != unified) continue;
    if (found) return std::nullopt;  // two: which one is anybody's guess
    found = i;
  }
  return found;
}

int64_t require_class(const std::string& label, const LabelMap& labels) {
  const std::optional<int64_t> place = class_of(label, labels);
  return place ? *place : labels.index_of(label);
}

std::vector<int64_t> places_of(const LabelMap& part, const LabelMap& labels) {
  std::vector<int64_t> places;
  std::set<int64_t> taken;
  for (const std::string& name : part.names()) {
    places.push_back(require_class(name, labels));
    if (taken.insert(places.back()).second) continue;
    throw core::DataError("'" + name + "' and another class of the part are both '" +
                          labels.names()[static_cast<size_t>(places.back())] + "': leave one out");
  }
  return places;
}

}  // namespace permafrost::data
