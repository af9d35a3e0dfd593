#include "data/dataset/label_map.h"

#include <algorithm>
#include <cctype>

#include "core/base/checksum.h"
#include "core/base/error.h"

namespace permafrost::data {
namespace {

bool has_control_character(const std::string& text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// Without leading zeros, so that a longer one is a larger one.
bool is_number(const std::string& text) {
  const bool has_digits = !text.empty() && std::all_of(text.begin(), text.end(), ::isdigit);
  return has_digits && (text.size() == 1 || text.front() != '0');
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

LabelMap::LabelMap(std::vector<std::string> names) : names_(std::move(names)) {
  for (size_t i = 0; i < names_.size(); ++i) {
    const std::string& name = names_[i];
    const std::string where = "label " + std::to_string(i) + ": ";
    if (name.empty()) throw core::DataError(where + "expected a class name, found nothing");
    if (has_control_character(name)) {
      throw core::DataError(where + "has a control character (a newline or a tab): remove it from the class name");
    }
    const auto [at, is_new] = index_.emplace(name, static_cast<int64_t>(i));
    if (!is_new) {
      throw core::DataError(where + "'" + name + "' is label " + std::to_string(at->second) +
                            " already: keep one of them");
    }
  }
}

LabelMap LabelMap::sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  if (std::all_of(names.begin(), names.end(), is_number)) {
    std::stable_sort(names.begin(), names.end(),
                     [](const std::string& a, const std::string& b) { return a.size() < b.size(); });
  }
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return LabelMap(std::move(names));
}

int64_t LabelMap::index_of(const std::string& name) const {
  const auto at = index_.find(name);
  if (at != index_.end()) return at->second;
  for (const std::string& known : names_) {
    if (lower(known) == lower(name)) {
      throw core::DataError("label '" + name + "' is not one of the " + std::to_string(size()) +
                            " classes: did you mean '" + known + "'?");
    }
  }
  throw core::DataError("label '" + name + "' is not one of the " + std::to_string(size()) +
                        " classes: use the label map that the data set was made with");
}

std::string LabelMap::hash() const {
  core::Sha256 sha;
  for (const std::string& name : names_) {
    sha.update(name);
    sha.update("\n");
  }
  return sha.hex();
}

}  // namespace permafrost::data
