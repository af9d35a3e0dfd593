#include "launch/bench/random_cache.h"

#include <torch/types.h>

#include <vector>

#include "core/base/error.h"
#include "data/cache/cache_index.h"
#include "data/cache/cache_reader.h"
#include "data/cache/codec_fit.h"
#include "data/cache/shard_writer.h"

namespace permafrost::launch {
namespace {

constexpr char kLabel[] = "random";

data::ClipRecord random_record(const data::CacheKey& key, int64_t number) {
  data::ClipRecord record{.video_id = "clip-" + std::to_string(number), .label = kLabel, .split = "train"};
  record.pixels = torch::randint(256, {key.frames, 3, key.image_size, key.image_size}, torch::kUInt8);
  const data::FeatureShape shape = key.feature_shape();
  record.features = torch::randn({shape.layers, shape.frames, shape.tokens, shape.width});
  record.frame_indices.assign(key.frames, 0);
  record.timestamps_seconds.assign(key.frames, 0);
  return record;
}

}  // namespace

RandomCache::RandomCache(const data::CacheKey& key, int64_t clips, double bits) { write(key, clips, bits); }

void RandomCache::write(data::CacheKey key, int64_t clips, double bits) const {
  const c10::InferenceMode inference;
  data::CodecFitter fitter(key.codec.name, key.feature_shape(), {.bits = bits});
  std::vector<data::ClipRecord> records;
  for (int64_t i = 0; i < clips; ++i) {
    records.push_back(random_record(key, i));
    fitter.add(records.back().features);
  }
  const data::FittedCodec fitted = fitter.finish();
  key.codec = fitted.spec;
  data::CacheIndex index{.key = key, .labels = {kLabel}, .listed = {{"train", clips}}};
  if (!fitted.tables.is_empty()) {
    data::write_codec_tables(folder_.path(), fitted.tables);
    index.codec_tables = data::summarize_tables(folder_.path());
  }
  data::ShardWriter writer({.path = folder_.path() + "/" + data::shard_file_name(0),
                            .key = key,
                            .unit = 0,
                            .capacity = clips,
                            .codec = data::open_codec(folder_.path(), key)});
  for (const data::ClipRecord& record : records) writer.append(record);
  index.shards.push_back(writer.finish());
  data::write_index(folder_.path(), index);
}

}  // namespace permafrost::launch
