// The videos of a manifest on their way into a cache: what `cache build`, `add` and `verify --repair` have in common.
//
//   CacheJob job(invocation, out);
//   job.lock();
//   job.use(key);                                             // loads the encoder
//   auto shards = job.work(units, "cache build");             // nothing: stopped early
//   if (job.world().is_root()) job.publish({.key = key, .labels = names, .shards = *shards});
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/file_lock.h"
#include "core/encoder/frozen_encoder.h"
#include "data/cache/cache_builder.h"
#include "data/cache/codec_fit.h"
#include "distributed/communicator.h"
#include "launch/program.h"

namespace permafrost::launch {

class CacheJob {
 public:
  // Reads the manifest. Throws ConfigError, DataError or IoError. Collective; so are lock(), settle_codec() and
  // work(), and nothing else.
  CacheJob(Invocation& invocation, std::string directory);

  const std::string& directory() const { return directory_; }
  const data::Manifest& manifest() const { return manifest_; }
  const data::CacheKey& key() const { return key_; }
  distributed::Communicator& world() { return world_; }
  int64_t threads() const { return threads_; }

  // Nobody else changes the cache while the job lives, and what any rank reads of it from here on stays so. Removes
  // what killed jobs left half-written.
  void lock();
  // The key is what the options say of a new cache.
  void use_options();
  // The key is that of a cache which is there; the encoder runs as it did then. Throws ConfigError for another one, and
  // for options that were given and say otherwise.
  void use(const data::CacheKey& key);
  // Gives the key's codec what it has to know, from a sample where it needs one.
  void settle_codec();

  // Takes the key as it is, without loading anything: of the cache that use_options() described.
  void continue_with(const data::CacheKey& key) { key_ = key; }
  // Shards as the key says; opens the codec.
  data::CacheBuilder make_builder(std::vector<data::BuildUnit> units);
  // Tells what the units take, builds them, and returns their summaries on rank 0, with the classes of the manifest;
  // nothing where a signal stopped it.
  std::optional<std::vector<data::ShardSummary>> work(std::vector<data::BuildUnit> units, const char* what);
  // Writes the index, with the tables that are there. On rank 0.
  void publish(data::CacheIndex index) const;

  // The usable videos that the cache neither has, nor has rejected, nor was told to forget. Throws DataError for one
  // that it has from another file.
  std::vector<const data::ManifestEntry*> missing_from(const data::CacheIndex& index) const;

 private:
  void load_encoder(int64_t image_size, const std::string& dtype);
  void feed(data::CodecFitter& fitter);

  Invocation& invocation_;
  const Settings& settings_;
  std::string directory_;
  data::Manifest manifest_;
  distributed::Communicator world_;
  int64_t threads_;
  std::string encoder_path_;
  std::optional<core::FrozenEncoder> encoder_;
  std::optional<core::DirectoryLock> lock_;
  data::CacheKey key_;
};

// "1440 clips of 720 videos in 23 shards, 212.4 MB".
std::string describe(const data::CacheIndex& index);

// Class by video id.
using LabelById = std::map<std::string, std::string>;
// Whatever the class of a video was when its record was written, it is the one of `labels`, where it has one there.
void set_labels(const LabelById& labels, std::vector<data::ShardSummary>& shards);

}  // namespace permafrost::launch
