// Label maps by name: the class lists of the public data sets, shipped in data/dataset/labels/, or a file of one's own.
//
//   const LabelMap labels = find_labels("kinetics400");
//   const LabelMap mine = find_labels("labels/my_actions.txt");   // one class name a line
//   const LabelMap same = find_labels("something-something-v2-labels.json");   // {"name": "0", ...}
//
// The lists lie in the source tree; the environment variable PERMAFROST_DATA names another `data` folder.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "data/dataset/label_map.h"

namespace permafrost::data {

// The names that find_labels knows, sorted.
std::vector<std::string> shipped_labels();

// The names that classes of Kinetics-400, 600 and 700 have in Kinetics-710, where they are others.
std::map<std::string, std::string> kinetics710_renames();

// `name_or_file`: a file that exists, or else a shipped name. Throws ConfigError where it is neither, naming the
// nearest; IoError where it cannot be read; DataError where a line is no class name.
LabelMap find_labels(const std::string& name_or_file);

}  // namespace permafrost::data
