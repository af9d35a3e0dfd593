// The text features of a data set's class names, computed once and kept in a file.
//
//   const ClassTexts texts = read_class_texts("k400.text.safetensors");   // names, features [K, e], logit_scale
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

namespace permafrost::core {

struct ClassTexts {
  std::vector<std::string> names;  // [K], in the order of the features
  torch::Tensor features;          // float32 [K, e], unit length
  double logit_scale = 0;          // the natural logarithm of the scale
};

// Throws DataError where the file is not one that write_class_texts wrote.
ClassTexts read_class_texts(const std::string& path);
void write_class_texts(const std::string& path, const ClassTexts& texts);

}  // namespace permafrost::core
