// Classes that a mirror image turns into another one: on Something-Something v2, what goes left in the film goes right
// in its mirror image. Kept by name, because label maps differ in order.
//
//   mirrored_label("Pulling something from left to right")   // "Pulling something from right to left"
//   mirrored_label("Folding something")                      // "Folding something"
#pragma once

#include <string>

#include "data/dataset/label_map.h"

namespace permafrost::data {

// The class of the mirror image. Placeholders may stand in brackets, "Pulling [something] ...", as SSv2 has them.
std::string mirrored_label(const std::string& label);

// Throws ConfigError where the mirror image of a class in the map is no class of it.
void require_mirrored_labels(const LabelMap& labels);

}  // namespace permafrost::data
