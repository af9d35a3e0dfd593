#include <filesystem>
#include <optional>
#include <sstream>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/file_lock.h"
#include "core/base/log.h"
#include "data/cache/cache_builder.h"
#include "data/cache/cache_reader.h"
#include "data/cache/change_cache.h"
#include "distributed/communicator.h"
#include "launch/cache_codec.h"
#include "launch/cache_options.h"
#include "launch/free_space.h"
#include "launch/placement.h"
#include "launch/recode_mark.h"
#include "launch/shard_work.h"
#include "launch/verbs/cache_verbs.h"

namespace permafrost::launch {
namespace {

// Each word is an id, or a file of an id a line.
std::set<std::string> ids_named(const Invocation& invocation) {
  std::set<std::string> ids;
  for (const std::string& word : invocation.settings.path.ids) {
    if (!std::filesystem::is_regular_file(word)) {
      ids.insert(word);
      continue;
    }
    std::istringstream lines(core::read_text(word));
    for (std::string line; std::getline(lines, line);) {
      if (line.ends_with('\r')) line.pop_back();
      if (!line.empty()) ids.insert(line);
    }
  }
  if (ids.empty()) throw core::ConfigError("expected --ids, found none: see permafrost cache --help");
  return ids;
}

// What a removal needs beside the cache: a shard at a time is written anew before the old one goes.
uint64_t largest_shard_bytes(const std::string& cache) {
  uint64_t bytes = 0;
  for (const std::string& name : data::names_in(cache)) {
    if (name.ends_with(".h5")) bytes = std::max(bytes, core::file_bytes(cache + "/" + name));
  }
  return bytes;
}

// One view of some training videos of a cache, chosen as a build does.
void feed_from(const data::CacheReader& cache, data::CodecFitter& fitter) {
  std::vector<int64_t> places(cache.size());
  for (int64_t i = 0; i < cache.size(); ++i) places[i] = i;
  std::sort(places.begin(), places.end(), [&](int64_t a, int64_t b) {
    const data::IndexedVideo &one = cache.videos()[a], &other = cache.videos()[b];
    return is_sampled_before(one.split, one.id, other.split, other.id);
  });
  const int64_t wanted = std::min(sample_clips(cache.key().feature_shape()), cache.size());
  for (int64_t i = 0; i < wanted; ++i) fitter.add(cache.read(places[i], 0).features);
}

// Which codec is the whole point of it.
void require_codec(const core::OptionTable& table) {
  if (table.is_set("cache.codec")) return;
  std::string names;
  for (const std::string& name : data::codec_names()) names += (names.empty() ? "" : "|") + name;
  throw core::ConfigError("expected --codec " + names + ", found none: name the one to recode to");
}

// Of a source and what is made of it.
std::string identity_of(const data::CacheReader& from, const CacheSettings& settings) {
  core::Sha256 sha;
  sha.update(from.key().hash() + " " + settings.codec + " " + std::to_string(settings.bits));
  for (const data::ShardSummary& shard : from.index().shards) sha.update(" " + std::to_string(shard.crc32c));
  return sha.hex();
}

// Every shard of `from` in the codec of `key`, by all ranks.
std::optional<std::vector<data::ShardSummary>> recode_shards(const Invocation& invocation,
                                                             distributed::Communicator& world,
                                                             const data::CacheReader& from, const data::CacheKey& key,
                                                             const std::string& out) {
  const auto codec = data::open_codec(out, key);
  std::vector<int64_t> clips;
  int64_t missing = 0;
  for (const data::ShardSummary& shard : from.index().shards) {
    clips.push_back(shard.records());
    if (!std::filesystem::exists(out + "/" + shard.file)) missing += shard.records();
  }
  if (world.is_root()) require_free_space(out, data::record_bytes(key) * static_cast<uint64_t>(missing));
  return ShardWork(invocation, "cache recode", clips).run(world, [&](int64_t i, const ShardWork::GetOn&) {
    return data::recode_shard(from.shard(i), key, codec, out + "/" + from.index().shards[i].file);
  });
}

data::CacheIndex recoded_index(const data::CacheIndex& from, const data::CacheKey& key,
                               std::vector<data::ShardSummary> shards, const std::string& out) {
  data::CacheIndex index = from;
  index.key = key;
  for (size_t i = 0; i < shards.size(); ++i) shards[i].videos = from.shards[i].videos;  // with the labels of now
  index.shards = std::move(shards);
  index.codec_tables.reset();
  if (!key.codec.tables_sha256.empty()) index.codec_tables = data::summarize_tables(out);
  return index;
}

}  // namespace

int remove_from_cache(Invocation& invocation) {
  if (invocation.session->rank() != 0) return core::kExitDone;
  const std::string& cache = invocation.need(invocation.settings.path.cache, "cache");
  const std::set<std::string> ids = ids_named(invocation);
  const core::DirectoryLock lock(cache);
  data::remove_leftovers(cache);
  require_free_space(cache, largest_shard_bytes(cache));
  const data::Removal removal = data::remove_videos(cache, ids);
  core::log_info() << cache << ": " << removal.videos << " videos removed, " << removal.records << " clips, "
                   << removal.shards << " shards written anew; no build brings them back";
  return core::kExitDone;
}

int relabel_cache(Invocation& invocation) {
  if (invocation.session->rank() != 0) return core::kExitDone;
  const std::string& cache = invocation.need(invocation.settings.path.cache, "cache");
  const data::Manifest manifest = data::read_manifest(invocation.need(invocation.settings.path.manifest, "manifest"),
                                                      invocation.settings.has.allow_outside_root);
  const core::DirectoryLock lock(cache);
  data::remove_leftovers(cache);
  const int64_t changed = data::relabel(cache, manifest);
  core::log_info() << cache << ": " << changed << " videos have another class now, of " << manifest.labels.size()
                   << "; no shard was written";
  return core::kExitDone;
}

int recode_cache(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::string& out = invocation.need(settings.path.out, "out");
  require_codec(*invocation.table);
  const data::CacheReader from(invocation.need(settings.path.cache, "cache"));
  require_no_contradiction(invocation, from.key(), from.directory(), /*is_recoded=*/true);
  distributed::Communicator world(*invocation.session);
  place_threads(invocation);
  std::optional<core::DirectoryLock> lock;
  bool has_ended = false;
  if (world.is_root()) {
    if (std::filesystem::exists(out) && std::filesystem::equivalent(out, from.directory())) {
      throw core::ConfigError("--out is the cache itself: give another folder");
    }
    lock.emplace(out);
    has_ended = !begin_recode(out, identity_of(from, settings.cache));
    data::remove_leftovers(out);
    if (has_ended) core::log_info() << out << ": complete, nothing to do";
  }
  if (world.all_reduce_max(has_ended ? 1 : 0) == 1) return core::kExitDone;
  data::CacheKey key = from.key();
  key.codec = {.name = settings.cache.codec};
  key.codec = settle_codec(world, out, {key, settings.cache.bits, from.index().contents_sha256() + from.key().hash()},
                           [&](data::CodecFitter& fitter) { feed_from(from, fitter); });
  const auto shards = recode_shards(invocation, world, from, key, out);
  if (!shards) return core::kExitRequeue;
  if (world.is_root()) {
    data::write_index(out, recoded_index(from.index(), key, *shards, out));
    end_recode(out);
    core::log_info() << out << ": complete: " << from.index().records() << " clips from " << from.key().codec.name
                     << " to " << key.codec.name << "; what " << from.key().codec.name << " had lost stays lost";
  }
  world.barrier();
  return core::kExitDone;
}

}  // namespace permafrost::launch
