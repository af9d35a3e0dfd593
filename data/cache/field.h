// One dataset of a shard: what each record puts into it.
//
//   Field field{.name = "pixels", .type = FieldType::kUint8, .shape = {16, 3, 224, 224}};
//   uint64_t bytes = field.record_bytes();
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace permafrost::data {

enum class FieldType { kUint8, kInt8, kHalf, kBrainFloat, kFloat, kDouble, kInt64, kUint32, kText };

struct Field {
  std::string name;
  FieldType type = FieldType::kUint8;
  std::vector<int64_t> shape;  // of one record; empty for a single value
  int64_t text_bytes = 0;      // of a kText
  std::string axes;            // "frame, channel, row, column"
  std::string units;
  std::string meaning;

  uint64_t element_bytes() const;
  // Throws DataError where the product passes 2^62.
  uint64_t record_bytes() const;
};

// a * b; throws DataError naming `what` where it passes 2^62.
uint64_t checked_product(uint64_t a, uint64_t b, const std::string& what);

}  // namespace permafrost::data
