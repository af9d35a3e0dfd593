// The safetensors format: named tensors behind a JSON header, nothing executable.
//
//   const SafetensorsFile file = read_safetensors("encoder/model.safetensors");
//   const torch::Tensor weight = file.at("visual.conv1.weight");
//   write_safetensors("out.safetensors", tensors, {{"step", "100"}});
//
// The header is bounded (100 MB), every offset is checked against the file, which is mapped and not read; tensors may
// not overlap or leave gaps, and unknown types are refused. Layout: 8 bytes little-endian header length, JSON, data.
#pragma once

#include <torch/types.h>

#include <map>
#include <string>

namespace permafrost::core {

struct SafetensorsFile {
  std::string path;
  std::map<std::string, torch::Tensor> tensors;  // on the file's mapped bytes, in the stored type; writes stay ours
  std::map<std::string, std::string> metadata;

  bool has(const std::string& name) const { return tensors.contains(name); }
  // Throws DataError naming the tensor and the file.
  const torch::Tensor& at(const std::string& name) const;
};

// Throws IoError where the file cannot be read, DataError where it is not a sound safetensors file.
SafetensorsFile read_safetensors(const std::string& path);

// Writes tensors in name order, 8-byte aligned, and publishes the file whole. Same tensors, same bytes.
void write_safetensors(const std::string& path, const std::map<std::string, torch::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace permafrost::core
