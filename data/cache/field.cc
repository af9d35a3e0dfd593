#include "data/cache/field.h"

#include "core/base/error.h"

namespace permafrost::data {

uint64_t checked_product(uint64_t a, uint64_t b, const std::string& what) {
  uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) || product > (uint64_t{1} << 62)) {
    throw core::DataError(what + ": larger than any file can be: the shapes are wrong");
  }
  return product;
}

uint64_t Field::element_bytes() const {
  switch (type) {
    case FieldType::kUint8:
    case FieldType::kInt8:
      return 1;
    case FieldType::kHalf:
    case FieldType::kBrainFloat:
      return 2;
    case FieldType::kFloat:
    case FieldType::kUint32:
      return 4;
    case FieldType::kDouble:
    case FieldType::kInt64:
      return 8;
    case FieldType::kText:
      return static_cast<uint64_t>(text_bytes);
  }
  return 0;
}

uint64_t Field::record_bytes() const {
  uint64_t bytes = element_bytes();
  for (const int64_t size : shape) bytes = checked_product(bytes, static_cast<uint64_t>(size), name);
  return bytes;
}

}  // namespace permafrost::data
