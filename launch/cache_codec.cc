#include "launch/cache_codec.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/random.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

constexpr int64_t kTokensPerChannel = 64;
constexpr int64_t kFewestClips = 8, kMostClips = 256;

std::string identity_of(const CodecDemand& demand) {
  return core::sha256_hex(demand.key.canonical_json() + "/" + std::to_string(demand.bits) + "/" + demand.sample);
}

json to_json(const data::CodecSpec& spec) {
  return {spec.name, spec.outliers, spec.components_8, spec.components_4, spec.tables_sha256};
}

data::CodecSpec spec_from_json(const json& value) { return {value[0], value[1], value[2], value[3], value[4]}; }

// What an earlier start has fitted, if it was for the same.
bool find_fitted(const std::string& directory, const std::string& identity, data::CodecSpec& spec) {
  if (!std::filesystem::exists(directory + "/" + data::kCodecTablesFile)) return false;
  try {
    const data::CodecTables tables = data::read_codec_tables(directory);
    if (tables.fitted_for != identity) return false;
    spec = spec_from_json(json::parse(tables.spec));
    return tables.sha256() == spec.tables_sha256;
  } catch (const core::Error& error) {
    core::log_warning() << error.what() << ": fitted again";
  } catch (const json::exception&) {
    core::log_warning() << directory << "/" << data::kCodecTablesFile << ": damaged: fitted again";
  }
  return false;
}

data::CodecSpec fit(const std::string& directory, const CodecDemand& demand, const FeedSample& feed) {
  data::CodecSpec spec{.name = demand.key.codec.name};
  if (!spec.is_fitted()) return spec;
  const std::string identity = identity_of(demand);
  if (find_fitted(directory, identity, spec)) return spec;
  data::CodecFitter fitter(spec.name, demand.key.feature_shape(), {.bits = demand.bits});
  core::log_info() << "fitting codec " << spec.name << " on a sample of " << sample_clips(demand.key.feature_shape())
                   << " clips at most";
  feed(fitter);
  data::FittedCodec fitted = fitter.finish();
  fitted.tables.fitted_for = identity;
  fitted.tables.spec = to_json(fitted.spec).dump();
  data::write_codec_tables(directory, fitted.tables);
  return fitted.spec;
}

}  // namespace

bool is_sampled_before(const std::string& split, const std::string& id, const std::string& other_split,
                       const std::string& other_id) {
  const bool trains = split == "train", other_trains = other_split == "train";
  if (trains != other_trains) return trains;
  return std::make_pair(core::stable_hash(id), id) < std::make_pair(core::stable_hash(other_id), other_id);
}

int64_t sample_clips(const data::FeatureShape& shape) {
  const int64_t tokens = shape.frames * shape.tokens;
  return std::clamp((kTokensPerChannel * shape.width + tokens - 1) / tokens, kFewestClips, kMostClips);
}

data::CodecSpec settle_codec(distributed::Communicator& world, const std::string& directory, const CodecDemand& demand,
                             const FeedSample& feed) {
  std::string text;
  if (world.is_root()) text = to_json(fit(directory, demand, feed)).dump();
  return spec_from_json(json::parse(world.broadcast(text)));
}

}  // namespace permafrost::launch
