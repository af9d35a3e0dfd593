// The tables behind weight_names.h: ours -> Hugging Face's.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/encoder/weight_names.h"

namespace permafrost::core {

struct StoredName {
  std::string name;
  StoredForm form = StoredForm::kAsIs;
  bool is_outside = false;  // does not begin with the tower's prefix
};

struct NameTable {
  std::string layers;                        // what stands before a block's number
  std::string query, key, value;             // of a block, apart in theirs
  std::map<std::string, std::string> block;  // modules of a block
  std::map<std::string, StoredName> outer;
  std::vector<std::string> aside;         // beginnings of names that are no part of the vision tower
  std::vector<std::string> aside_within;  // the same behind the tower's prefix
};

const NameTable& clip_name_table();  // and SigLIP's
const NameTable& dinov2_name_table();
const NameTable& dinov2_gated_name_table();  // of the giant
const NameTable& vit_name_table();
// The text tower and scalars of files under OpenAI's names.
const std::vector<std::string>& openai_names_aside();

}  // namespace permafrost::core
