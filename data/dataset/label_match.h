// Which class of a label map a label of another data set means. The Kinetics lists give some classes several names.
//
//   unified_label("hugging")                               // "hugging (not baby)"
//   class_of("hugging", find_labels("kinetics710"))        // its place there
//   class_of("hugging (not baby)", find_labels("kinetics400"))   // that of "hugging"
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset/label_map.h"

namespace permafrost::data {

// The name in Kinetics-710, by labels/kinetics710_renames.json; the label itself where it is not renamed.
std::string unified_label(const std::string& label);

// The place of the label itself, else of its unified name, else of the one name that is unified to the same. Empty
// where there is none.
std::optional<int64_t> class_of(const std::string& label, const LabelMap& labels);
// Throws DataError naming the label and the nearest.
int64_t require_class(const std::string& label, const LabelMap& labels);

// The places in `labels` of the classes of `part`, in that order: Kinetics-400 within Kinetics-710. Throws DataError
// where one has no place, or two have the same.
std::vector<int64_t> places_of(const LabelMap& part, const LabelMap& labels);

}  // namespace permafrost::data
