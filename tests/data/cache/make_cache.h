// Small caches for tests: every value is a function of what it is for.
#pragma once

#include <fcntl.h>
#include <torch/types.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/random.h"
#include "data/cache/cache_index.h"
#include "data/cache/codec_fit.h"
#include "data/cache/shard_writer.h"
#include "data/dataset/label_map.h"
#include "tests/temporary_directory.h"

namespace permafrost::testing {

inline const std::vector<std::string>& cache_labels() {
  static const std::vector<std::string> labels = {"red star moving left", "red star moving right", "waving"};
  return labels;
}

inline data::CacheKey small_key(const std::string& codec = "f16") {
  return {.encoder_sha256 = "e5",
          .image_size = 16,
          .patch_size = 8,
          .width = 24,
          .layers_total = 4,
          .selected_layers = {1, 3},
          .codec = {.name = codec},
          .frames = 4,
          .alpha = 2,
          .resize = "bilinear",
          .train_views = 2,
          .eval_views = 1,
          .seed = 7,
          .frame_order = "natural"};
}

inline torch::Tensor random_features(const data::FeatureShape& shape, uint64_t seed) {
  core::RandomStream random(seed, {1});
  torch::Tensor features = torch::empty({shape.layers, shape.frames, shape.tokens, shape.width});
  float* values = features.data_ptr<float>();
  for (int64_t i = 0; i < features.numel(); ++i) values[i] = static_cast<float>(random.normal());
  return features;  // [N, t, L, C]
}

// The codec of the key; one that has to know the features first is fitted on random ones, and the key says so.
inline std::shared_ptr<const data::Codec> fit_codec(data::CacheKey& key, data::CodecTables* tables = nullptr) {
  data::CodecFitter fitter(key.codec.name, key.feature_shape());
  for (uint64_t seed = 0; seed < 16; ++seed) fitter.add(random_features(key.feature_shape(), 1000 + seed));
  data::FittedCodec fitted = fitter.finish();
  key.codec = fitted.spec;
  if (tables != nullptr) *tables = fitted.tables;
  return data::make_codec(key.codec, key.feature_shape(), std::make_shared<data::CodecTables>(fitted.tables));
}

inline data::ClipRecord make_record(const data::CacheKey& key, const std::string& video_id, const std::string& split,
                                    int64_t view) {
  const uint64_t seed = core::stable_hash(video_id) + static_cast<uint64_t>(view);
  core::RandomStream random(seed, {2});
  data::ClipRecord record{.video_id = video_id,
                          .label = cache_labels()[core::stable_hash(video_id) % cache_labels().size()],
                          .split = split,
                          .view = view,
                          .entry_crc32c = static_cast<uint32_t>(core::stable_hash(video_id))};
  record.pixels = torch::empty({key.frames, 3, key.image_size, key.image_size}, torch::kUInt8);
  for (int64_t i = 0; i < record.pixels.numel(); ++i) {
    record.pixels.data_ptr<uint8_t>()[i] = static_cast<uint8_t>(random.next());
  }
  record.features = random_features(key.feature_shape(), seed);
  for (int64_t frame = 0; frame < key.frames; ++frame) {
    record.frame_indices.push_back(frame * 3 + view);
    record.timestamps_seconds.push_back(0.04 * static_cast<double>(frame * 3 + view));
  }
  record.crop = {.left = 1.5f, .top = static_cast<float>(view), .width = 16, .height = 12};
  record.flipped = view == 1;
  record.grayscale = view == 0;
  record.jitter = {.brightness = 1.25f, .contrast = 0.75f, .saturation = 1.5f, .hue = -0.125f, .order = {2, 0, 3, 1}};
  return record;
}

// The records of unit `unit`: two training videos of train_views views, one validation video of eval_views.
inline std::vector<data::ClipRecord> unit_records(const data::CacheKey& key, int64_t unit) {
  std::vector<data::ClipRecord> records;
  for (int64_t video = 0; video < 3; ++video) {
    const std::string split = video < 2 ? "train" : "val";
    const int64_t views = video < 2 ? key.train_views : key.eval_views;
    const std::string id = "video-" + std::to_string(unit * 10 + video);
    for (int64_t view = 0; view < views; ++view) records.push_back(make_record(key, id, split, view));
  }
  return records;
}

inline data::ShardSummary write_shard(const std::string& path, const data::CacheKey& key, int64_t unit,
                                      const std::vector<data::ClipRecord>& records,
                                      std::shared_ptr<const data::Codec> codec = nullptr) {
  data::ShardWriter writer({.path = path,
                            .key = key,
                            .unit = unit,
                            .capacity = static_cast<int64_t>(records.size()),
                            .codec = std::move(codec)});
  for (const data::ClipRecord& record : records) writer.append(record);
  return writer.finish();
}

inline data::CacheIndex write_cache(const std::string& directory, data::CacheKey key, int64_t units) {
  core::make_directories(directory);
  data::CodecTables tables;
  const std::shared_ptr<const data::Codec> codec = fit_codec(key, &tables);
  data::CacheIndex index{.key = key, .labels = cache_labels()};
  if (!tables.is_empty()) {
    data::write_codec_tables(directory, tables);
    index.codec_tables = data::summarize_tables(directory);
  }
  for (int64_t unit = 0; unit < units; ++unit) {
    const std::string path = directory + "/" + data::shard_file_name(unit);
    index.shards.push_back(write_shard(path, key, unit, unit_records(key, unit), codec));
  }
  data::write_index(directory, index);
  return index;
}

// Exclusive-ors one byte of a file in place.
inline void flip(const std::string& path, uint64_t offset, uint8_t bits) {
  const core::FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.is_valid()) throw core::io_error(path, "open");
  uint8_t byte = 0;
  core::read_exactly(fd.get(), path, &byte, 1, offset);
  byte ^= bits;
  if (::pwrite(fd.get(), &byte, 1, static_cast<off_t>(offset)) != 1) throw core::io_error(path, "write");
}

// What `action` throws as a core::Error of type `E`, or "" where it throws nothing.
template <class E>
std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  }
  return "";
}

inline bool is_equal(const data::ClipRecord& a, const data::ClipRecord& b) {
  return a.video_id == b.video_id && a.label == b.label && a.split == b.split && a.view == b.view &&
         torch::equal(a.pixels, b.pixels) && torch::equal(a.features, b.features) &&
         a.frame_indices == b.frame_indices && a.timestamps_seconds == b.timestamps_seconds && a.crop == b.crop &&
         a.flipped == b.flipped && a.grayscale == b.grayscale && a.jitter == b.jitter;
}

}  // namespace permafrost::testing
