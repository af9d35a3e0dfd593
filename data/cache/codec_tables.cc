#include "data/cache/codec_tables.h"

#include <torch/types.h>

#include <sstream>

#include "core/base/error.h"
#include "core/checkpoint/safetensors.h"
#include "core/checkpoint/state.h"

namespace permafrost::data {

std::string CodecTables::sha256() const { return is_empty() ? "" : core::sha256_of(tensors); }

const torch::Tensor& CodecTables::at(const std::string& name, torch::ScalarType type, torch::IntArrayRef shape) const {
  const auto found = tensors.find(name);
  if (found != tensors.end() && found->second.scalar_type() == type && found->second.sizes() == shape) {
    return found->second;
  }
  std::ostringstream text;
  text << kCodecTablesFile << ": '" << name << "' expected " << c10::toString(type) << " " << shape << ", found ";
  if (found == tensors.end()) {
    text << "none";
  } else {
    text << found->second.dtype() << " " << found->second.sizes();
  }
  throw core::DataError(text.str() + ": it belongs to another cache: build this one again");
}

CodecTables read_codec_tables(const std::string& directory) {
  CodecTables tables;
  // Copied: a mapped file that is cut short later would end the program.
  const core::SafetensorsFile file = core::read_safetensors(directory + "/" + kCodecTablesFile);
  for (const auto& [name, tensor] : file.tensors) tables.tensors.emplace(name, tensor.clone());
  const auto note = [&](const char* name) {
    const auto found = file.metadata.find(name);
    return found == file.metadata.end() ? std::string() : found->second;
  };
  tables.spec = note("spec");
  tables.fitted_for = note("fitted_for");
  return tables;
}

void write_codec_tables(const std::string& directory, const CodecTables& tables) {
  for (const char* file : {kCodecTablesCopy, kCodecTablesFile}) {
    core::write_safetensors(directory + "/" + file, tables.tensors,
                            {{"spec", tables.spec}, {"fitted_for", tables.fitted_for}});
  }
}

}  // namespace permafrost::data
