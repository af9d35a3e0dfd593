// What a codec learnt from a sample of the data set, once, before the first shard: codec.safetensors in the cache.
//
//   auto tables = std::make_shared<CodecTables>(read_codec_tables(dir));
//   auto codec = make_codec(key.codec, key.feature_shape(), tables);
#pragma once

#include <torch/types.h>

#include <map>
#include <string>

namespace permafrost::data {

inline constexpr char kCodecTablesFile[] = "codec.safetensors";
inline constexpr char kCodecTablesCopy[] = "codec.copy.safetensors";

struct CodecTables {
  std::map<std::string, torch::Tensor> tensors;  // FORMAT.md names them
  std::string spec, fitted_for;                  // notes of whoever fitted them, not part of what they are

  bool is_empty() const { return tensors.empty(); }
  // Over names, types, shapes and values; "" where there are none.
  std::string sha256() const;
  // Throws DataError where it is missing, or not of this type and shape.
  const torch::Tensor& at(const std::string& name, torch::ScalarType type, torch::IntArrayRef shape) const;
};

// Without these no shard can be decoded: they are written twice. Throws IoError, DataError.
CodecTables read_codec_tables(const std::string& directory);
void write_codec_tables(const std::string& directory, const CodecTables& tables);

}  // namespace permafrost::data
