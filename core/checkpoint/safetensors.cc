#include "core/checkpoint/safetensors.h"

#include <torch/types.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/mapped_file.h"

namespace permafrost::core {
namespace {

using nlohmann::json;

constexpr uint64_t kHeaderLimitBytes = 100'000'000;
constexpr size_t kDataAlignment = 8;
static_assert(std::endian::native == std::endian::little, "safetensors data are little-endian");

struct DtypeName {
  const char* name;
  torch::ScalarType type;
};
constexpr std::array<DtypeName, 10> kDtypes{{{"F64", torch::kFloat64},
                                             {"F32", torch::kFloat32},
                                             {"F16", torch::kFloat16},
                                             {"BF16", torch::kBFloat16},
                                             {"I64", torch::kInt64},
                                             {"I32", torch::kInt32},
                                             {"I16", torch::kInt16},
                                             {"I8", torch::kInt8},
                                             {"U8", torch::kUInt8},
                                             {"BOOL", torch::kBool}}};

struct Entry {
  std::string name;
  torch::ScalarType type;
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;
};

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw DataError(path + ": not a sound safetensors file: " + why + ": fetch or write the file again");
}

torch::ScalarType type_named(const std::string& path, const std::string& tensor, const std::string& name) {
  for (const DtypeName& dtype : kDtypes) {
    if (name == dtype.name) return dtype.type;
  }
  refuse(path, "tensor '" + tensor + "' has the unknown type '" + name + "'");
}

const char* name_of(torch::ScalarType type) {
  for (const DtypeName& dtype : kDtypes) {
    if (type == dtype.type) return dtype.name;
  }
  throw DataError(std::string("safetensors cannot hold tensors of type ") + c10::toString(type));
}

// Bytes the shape promises; refuses negative sizes and overflow.
uint64_t promised_bytes(const std::string& path, const Entry& entry) {
  uint64_t bytes = c10::elementSize(entry.type), strides = bytes;  // strides overflow even where a size is 0
  for (const int64_t size : entry.shape) {
    if (size < 0 || __builtin_mul_overflow(strides, static_cast<uint64_t>(std::max<int64_t>(size, 1)), &strides) ||
        strides > INT64_MAX) {
      refuse(path, "tensor '" + entry.name + "' has an impossible shape");
    }
    bytes *= static_cast<uint64_t>(size);
  }
  return bytes;
}

Entry parse_entry(const std::string& path, const std::string& name, const json& value) {
  Entry entry;
  entry.name = name;
  entry.type = type_named(path, name, value.at("dtype").get<std::string>());
  entry.shape = value.at("shape").get<std::vector<int64_t>>();
  const json& offsets = value.at("data_offsets");
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    refuse(path, "tensor '" + name + "' has no pair of data offsets");
  }
  entry.begin = offsets[0].get<uint64_t>();
  entry.end = offsets[1].get<uint64_t>();
  if (entry.end < entry.begin || entry.end - entry.begin != promised_bytes(path, entry)) {
    refuse(path, "the offsets of tensor '" + name + "' do not fit its shape");
  }
  return entry;
}

// The entries in file order, covering the data section without overlap or gap.
std::vector<Entry> parse_header(const std::string& path, const json& header, uint64_t data_bytes,
                                std::map<std::string, std::string>* metadata) {
  if (!header.is_object()) refuse(path, "its header is not a JSON object");
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      *metadata = value.get<std::map<std::string, std::string>>();
    } else {
      entries.push_back(parse_entry(path, name, value));
    }
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
  uint64_t at = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != at) refuse(path, "tensor '" + entry.name + "' overlaps another or leaves a gap");
    at = entry.end;
  }
  if (at != data_bytes) {
    refuse(path, "the header promises " + std::to_string(at) + " bytes of data, the file holds " +
                     std::to_string(data_bytes));
  }
  return entries;
}

json parse_json_header(const std::string& path, const char* text, uint64_t bytes) {
  json header = json::parse(text, text + bytes, nullptr, /*allow_exceptions=*/false);
  if (header.is_discarded()) refuse(path, "its header is not JSON");
  return header;
}

// A tensor on the mapped bytes, which live as long as it does; a copy where they are not aligned to its type.
torch::Tensor tensor_on(const std::shared_ptr<MappedFile>& file, char* data, const Entry& entry) {
  if (entry.begin == entry.end) return torch::empty(entry.shape, entry.type);
  const auto view = torch::from_blob(
      data, entry.shape, [file](void*) {}, torch::TensorOptions(entry.type));
  return reinterpret_cast<uintptr_t>(data) % c10::elementSize(entry.type) == 0 ? view : view.clone();
}

}  // namespace

const torch::Tensor& SafetensorsFile::at(const std::string& name) const {
  const auto found = tensors.find(name);
  if (found == tensors.end()) {
    throw DataError(path + ": expected a tensor '" + name + "', found none of that name among " +
                    std::to_string(tensors.size()) + ": the file belongs to another model");
  }
  return found->second;
}

SafetensorsFile read_safetensors(const std::string& path) {
  const auto mapped = std::make_shared<MappedFile>(path);
  const uint64_t bytes = mapped->bytes();
  uint64_t header_bytes = 0;
  if (bytes < 8) refuse(path, "it has only " + std::to_string(bytes) + " bytes");
  std::memcpy(&header_bytes, mapped->data(), 8);
  if (header_bytes > kHeaderLimitBytes || header_bytes > bytes - 8) {
    refuse(path, "its header claims " + std::to_string(header_bytes) + " bytes");
  }
  SafetensorsFile file;
  file.path = path;
  char* const data = mapped->data() + 8 + header_bytes;
  try {
    const json header = parse_json_header(path, mapped->data() + 8, header_bytes);
    for (const Entry& entry : parse_header(path, header, bytes - 8 - header_bytes, &file.metadata)) {
      file.tensors.emplace(entry.name, tensor_on(mapped, data + entry.begin, entry));
    }
  } catch (const json::exception& error) {
    refuse(path, std::string("its header has a field of the wrong kind (") + error.what() + ")");
  }
  return file;
}

void write_safetensors(const std::string& path, const std::map<std::string, torch::Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  json header = json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::vector<torch::Tensor> data;
  uint64_t at = 0;
  for (const auto& [name, tensor] : tensors) {
    data.push_back(tensor.detach().to(torch::kCPU).contiguous());
    const uint64_t bytes = data.back().nbytes();
    header[name] = {
        {"dtype", name_of(tensor.scalar_type())}, {"shape", tensor.sizes().vec()}, {"data_offsets", {at, at + bytes}}};
    at += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + kDataAlignment - 1) / kDataAlignment * kDataAlignment, ' ');
  const uint64_t header_bytes = text.size();
  publish_written(path, [&](int fd) {
    write_all(fd, path, &header_bytes, 8);
    write_all(fd, path, text.data(), text.size());
    for (const torch::Tensor& tensor : data) write_all(fd, path, tensor.data_ptr(), tensor.nbytes());
  });
}

}  // namespace permafrost::core
