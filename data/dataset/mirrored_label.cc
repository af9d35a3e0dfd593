#include "data/dataset/mirrored_label.h"

#include <algorithm>
#include <array>

#include "core/base/error.h"

namespace permafrost::data {
namespace {

struct MirroredPair {
  const char* left;
  const char* right;
};

// SSv2's classes 86/87, 93/94 and 166/167 in the order of its own list.
constexpr std::array<MirroredPair, 3> kPairs{{
    {"Pulling something from left to right", "Pulling something from right to left"},
    {"Pushing something from left to right", "Pushing something from right to left"},
    {"Turning the camera left while filming something", "Turning the camera right while filming something"},
}};

std::string without_brackets(std::string label) {
  std::erase_if(label, [](char c) { return c == '[' || c == ']'; });
  return label;
}

bool is_paired(const std::string& label) {
  const std::string name = without_brackets(label);
  return std::any_of(kPairs.begin(), kPairs.end(),
                     [&](const MirroredPair& pair) { return name == pair.left || name == pair.right; });
}

std::string swap_sides(const std::string& text) {
  std::string swapped;
  for (size_t at = 0; at < text.size();) {
    if (text.compare(at, 4, "left") == 0) {
      swapped += "right";
      at += 4;
    } else if (text.compare(at, 5, "right") == 0) {
      swapped += "left";
      at += 5;
    } else {
      swapped += text[at++];
    }
  }
  return swapped;
}

}  // namespace

std::string mirrored_label(const std::string& label) { return is_paired(label) ? swap_sides(label) : label; }

void require_mirrored_labels(const LabelMap& labels) {
  const std::vector<std::string>& names = labels.names();
  for (const std::string& name : names) {
    const std::string mirrored = mirrored_label(name);
    if (std::find(names.begin(), names.end(), mirrored) != names.end()) continue;
    throw core::ConfigError("the mirror image of '" + name + "' is '" + mirrored +
                            "', which is no class here: set sampling.flip to 0");
  }
}

}  // namespace permafrost::data
