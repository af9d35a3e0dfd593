// A file's bytes in memory without reading them: pages come when they are touched, and what is written to them stays in
// this process.
//
//   const auto file = std::make_shared<MappedFile>("model.safetensors");
//   parse(file->data(), file->bytes());
#pragma once

#include <cstdint>
#include <string>

namespace permafrost::core {

class MappedFile {
 public:
  // Throws IoError. An empty file has no data and no bytes.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  char* data() const { return data_; }
  uint64_t bytes() const { return bytes_; }

 private:
  char* data_ = nullptr;
  uint64_t bytes_ = 0;
};

}  // namespace permafrost::core
