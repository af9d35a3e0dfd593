#include "data/cache/shard_layout.h"

#include <cstring>
#include <sstream>

#include "core/base/checksum.h"
#include "core/base/error.h"

namespace permafrost::data {
namespace {

constexpr int64_t kVideoIdBytes = 256;
constexpr int64_t kLabelBytes = 128;
constexpr int64_t kSplitBytes = 8;

Field text_field(const char* name, int64_t bytes, const char* meaning) {
  return {.name = name,
          .type = FieldType::kText,
          .shape = {},
          .text_bytes = bytes,
          .axes = "",
          .units = "UTF-8",
          .meaning = meaning};
}

Field number_field(const char* name, FieldType type, std::vector<int64_t> shape, const char* axes, const char* units,
                   const char* meaning) {
  return {.name = name,
          .type = type,
          .shape = std::move(shape),
          .text_bytes = 0,
          .axes = axes,
          .units = units,
          .meaning = meaning};
}

template <class T>
std::vector<uint8_t> bytes_of(const T* values, size_t count) {
  std::vector<uint8_t> bytes(count * sizeof(T));
  std::memcpy(bytes.data(), values, bytes.size());
  return bytes;
}

std::vector<uint8_t> text_bytes(const std::string& text, const Field& field, const std::string& video_id) {
  if (text.empty() || text.size() > static_cast<size_t>(field.text_bytes) || text.find('\0') != std::string::npos) {
    throw core::DataError("video " + std::string(video_id.c_str()).substr(0, kVideoIdBytes) + ": " + field.name +
                          " of " + std::to_string(text.size()) + " bytes, expected 1 to " +
                          std::to_string(field.text_bytes) + " without NUL: shorten it in the list");
  }
  std::vector<uint8_t> bytes(field.text_bytes, 0);
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

std::string text_of(const Field& field, const uint8_t* bytes, const std::string& where) {
  const auto* text = reinterpret_cast<const char*>(bytes);
  const std::string value(text, strnlen(text, field.text_bytes));
  if (value.empty()) throw core::DataError(where + ": " + field.name + " is empty: build this shard again");
  return value;
}

bool is_split(const std::string& split) { return split == "train" || split == "val" || split == "test"; }

void require_shapes(const ClipRecord& record, const CacheKey& key) {
  const std::vector<int64_t> expected = {key.frames, 3, key.image_size, key.image_size};
  const torch::Tensor& pixels = record.pixels;
  if (!pixels.defined() || pixels.scalar_type() != torch::kUInt8 || pixels.sizes() != torch::IntArrayRef(expected) ||
      !pixels.device().is_cpu()) {
    std::ostringstream text;
    text << "video " << record.video_id << ": pixels expected uint8 " << torch::IntArrayRef(expected)
         << " on the CPU, found ";
    if (pixels.defined()) {
      text << pixels.dtype() << " " << pixels.sizes() << " on " << pixels.device();
    } else {
      text << "none";
    }
    throw core::DataError(text.str());
  }
  const auto frames = static_cast<size_t>(key.frames);
  if (record.frame_indices.size() != frames || record.timestamps_seconds.size() != frames) {
    throw core::DataError("video " + record.video_id + ": " + std::to_string(record.frame_indices.size()) +
                          " frame indices and " + std::to_string(record.timestamps_seconds.size()) +
                          " timestamps, expected " + std::to_string(frames) + " of each");
  }
  if (!is_split(record.split)) {
    throw core::DataError("video " + record.video_id + ": split '" + record.split + "', expected train, val or test");
  }
  if (record.view < 0) throw core::DataError("video " + record.video_id + ": view " + std::to_string(record.view));
}

std::vector<uint8_t> pack_metadata(const Field& field, const ClipRecord& record) {
  if (field.name == "frame_indices") return bytes_of(record.frame_indices.data(), record.frame_indices.size());
  if (field.name == "timestamps_seconds") {
    return bytes_of(record.timestamps_seconds.data(), record.timestamps_seconds.size());
  }
  if (field.name == "video_id") return text_bytes(record.video_id, field, record.video_id);
  if (field.name == "label") return text_bytes(record.label, field, record.video_id);
  if (field.name == "split") return text_bytes(record.split, field, record.video_id);
  if (field.name == "entry_crc32c") return bytes_of(&record.entry_crc32c, 1);
  if (field.name == "view") return bytes_of(&record.view, 1);
  if (field.name == "crop") {
    const float crop[4] = {record.crop.left, record.crop.top, record.crop.width, record.crop.height};
    return bytes_of(crop, 4);
  }
  if (field.name == "flipped") return {static_cast<uint8_t>(record.flipped)};
  if (field.name == "grayscale") return {static_cast<uint8_t>(record.grayscale)};
  const ColourJitter& jitter = record.jitter;
  if (field.name == "jitter") {
    const float factors[4] = {jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue};
    return bytes_of(factors, 4);
  }
  PERMAFROST_CHECK(field.name == "jitter_order", "no member of a record is called " + field.name);
  return bytes_of(jitter.order.data(), jitter.order.size());
}

}  // namespace

uint64_t ShardLayout::checksum_offset(int64_t row, size_t column) const {
  return offsets.at(kChecksumDataset) + 4 * (static_cast<uint64_t>(row) * fields.size() + column);
}

uint64_t ShardLayout::record_offset(const Field& field, int64_t row) const {
  return offsets.at(field.name) + field.record_bytes() * static_cast<uint64_t>(row);
}

std::vector<Field> shard_fields(const CacheKey& key) {
  const std::unique_ptr<Codec> codec = make_codec(key.codec, key.feature_shape());
  std::vector<Field> fields = {
      number_field("pixels", FieldType::kUint8, {key.frames, 3, key.image_size, key.image_size},
                   "frame, colour (red, green, blue), row, column", "0..255", "frames after resize, crop and flip")};
  for (Field& field : codec->fields()) fields.push_back(std::move(field));
  fields.push_back(number_field("frame_indices", FieldType::kInt64, {key.frames}, "frame", "frames",
                                "index of the frame in presentation order, from 0"));
  fields.push_back(number_field("timestamps_seconds", FieldType::kDouble, {key.frames}, "frame", "seconds",
                                "presentation time of the frame"));
  fields.push_back(text_field("video_id", kVideoIdBytes, "id in the manifest"));
  fields.push_back(text_field("label", kLabelBytes, "name of the class"));
  fields.push_back(text_field("split", kSplitBytes, "train, val or test"));
  fields.push_back(number_field("entry_crc32c", FieldType::kUint32, {}, "", "CRC32C",
                                "of what the manifest says of the video's file: FORMAT.md"));
  fields.push_back(number_field("view", FieldType::kInt64, {}, "", "1", "which view of the video, from 0"));
  fields.push_back(number_field("crop", FieldType::kFloat, {4}, "left, top, width, height",
                                "pixels of the decoded frame, mirrored first where flipped", "the part that was kept"));
  fields.push_back(
      number_field("flipped", FieldType::kUint8, {}, "", "1", "1 where the frames are mirrored left to right"));
  fields.push_back(number_field("grayscale", FieldType::kUint8, {}, "", "1", "1 where the frames were made grey"));
  fields.push_back(number_field("jitter", FieldType::kFloat, {4}, "brightness, contrast, saturation, hue",
                                "factors, and turns of the hue", "colour jitter; 1, 1, 1, 0: none"));
  fields.push_back(number_field("jitter_order", FieldType::kUint8, {4}, "step", "axis of jitter",
                                "in which order colours were jittered"));
  return fields;
}

Field checksum_field(const std::vector<Field>& fields) {
  return number_field(kChecksumDataset, FieldType::kUint32, {static_cast<int64_t>(fields.size())}, "dataset", "CRC32C",
                      "of KEY_SHA256/UNIT/RECORD/DATASET: and the record's bytes in the dataset of each column");
}

uint64_t record_bytes(const CacheKey& key) {
  const std::vector<Field> fields = shard_fields(key);
  uint64_t bytes = checksum_field(fields).record_bytes();
  for (const Field& field : fields) bytes += field.record_bytes();
  return bytes;
}

bool is_coded(const Field& field) { return field.name.starts_with("feature"); }

bool is_metadata(const Field& field) { return field.name != "pixels" && !is_coded(field); }

std::vector<std::vector<uint8_t>> pack(const ClipRecord& record, const CacheKey& key, const Codec& codec) {
  require_shapes(record, key);
  const std::vector<Field> fields = shard_fields(key);
  const torch::Tensor pixels = record.pixels.contiguous();  // [F, 3, S, S]
  const std::vector<uint8_t> features = codec.encode(record.features, record.video_id);
  std::vector<std::vector<uint8_t>> packed;
  size_t at = 0;
  for (const Field& field : fields) {
    if (is_metadata(field)) {
      packed.push_back(pack_metadata(field, record));
    } else if (field.name == "pixels") {
      packed.push_back(bytes_of(pixels.const_data_ptr<uint8_t>(), pixels.numel()));
    } else {
      packed.push_back(bytes_of(features.data() + at, field.record_bytes()));
      at += field.record_bytes();
    }
    PERMAFROST_CHECK(packed.back().size() == field.record_bytes(), "wrong size packed for " + field.name);
  }
  return packed;
}

void unpack_metadata(const Field& field, const uint8_t* bytes, const std::string& where, ClipRecord& record) {
  const auto count = field.shape.empty() ? size_t{1} : static_cast<size_t>(field.shape[0]);
  const auto copy = [&](void* to) { std::memcpy(to, bytes, field.record_bytes()); };
  if (field.name == "frame_indices") {
    record.frame_indices.resize(count);
    copy(record.frame_indices.data());
  } else if (field.name == "timestamps_seconds") {
    record.timestamps_seconds.resize(count);
    copy(record.timestamps_seconds.data());
  } else if (field.name == "video_id") {
    record.video_id = text_of(field, bytes, where);
  } else if (field.name == "label") {
    record.label = text_of(field, bytes, where);
  } else if (field.name == "split") {
    record.split = text_of(field, bytes, where);
    if (!is_split(record.split))
      throw core::DataError(where + ": split '" + record.split + "': build this shard again");
  } else if (field.name == "entry_crc32c") {
    copy(&record.entry_crc32c);
  } else if (field.name == "view") {
    copy(&record.view);
  } else if (field.name == "crop") {
    float crop[4];
    copy(crop);
    record.crop = {.left = crop[0], .top = crop[1], .width = crop[2], .height = crop[3]};
  } else if (field.name == "flipped") {
    record.flipped = bytes[0] != 0;
  } else if (field.name == "grayscale") {
    record.grayscale = bytes[0] != 0;
  } else if (field.name == "jitter") {
    float factors[4];
    copy(factors);
    record.jitter.brightness = factors[0];
    record.jitter.contrast = factors[1];
    record.jitter.saturation = factors[2];
    record.jitter.hue = factors[3];
  } else {
    PERMAFROST_CHECK(field.name == "jitter_order", "no member of a record is called " + field.name);
    copy(record.jitter.order.data());
  }
}

uint32_t field_crc_seed(const std::string& key_sha256, int64_t unit, int64_t row, const Field& field) {
  const std::string place =
      key_sha256 + "/" + std::to_string(unit) + "/" + std::to_string(row) + "/" + field.name + ":";
  return core::crc32c(place.data(), place.size());
}

uint32_t field_crc(const std::string& key_sha256, int64_t unit, int64_t row, const Field& field, const uint8_t* bytes) {
  return core::crc32c(bytes, field.record_bytes(), field_crc_seed(key_sha256, unit, row, field));
}

}  // namespace permafrost::data
