#include <torch/types.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/encoder/frozen_encoder.h"
#include "core/encoder/precision.h"
#include "data/cache/cache_builder.h"
#include "data/cache/codec_audit.h"
#include "data/cache/codec_fit.h"
#include "launch/cache_codec.h"
#include "launch/placement.h"
#include "launch/training/evaluation.h"
#include "launch/training/run_directory.h"
#include "launch/training/trained_model.h"
#include "launch/verbs/cache_verbs.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

// What the logits of a checkpoint say of exact and of decoded features.
struct LogitChange {
  int64_t clips = 0, same_top1 = 0;
  double errors = 0, squares = 0;

  void add(const torch::Tensor& exact, const torch::Tensor& decoded) {
    ++clips;
    same_top1 += exact.argmax().item<int64_t>() == decoded.argmax().item<int64_t>() ? 1 : 0;
    errors += (exact - decoded).square().sum().item<double>();
    squares += (exact - exact.mean()).square().sum().item<double>();
  }
  double share_same() const {
    return static_cast<double>(same_top1) / static_cast<double>(std::max<int64_t>(clips, 1));
  }
  double relative() const { return std::sqrt(errors / std::max(squares, 1e-300)); }
};

struct Candidate {
  std::unique_ptr<data::Codec> codec;
  data::CodecAudit audit;
  LogitChange logits;

  double bytes_per_frame() const {
    return static_cast<double>(codec->bytes_per_record()) /
           static_cast<double>(codec->shape().frames * codec->shape().layers);
  }
};

// A codec is accepted by the checkpoint's answers, or, without one, by how far it moves the features.
constexpr double kSameTop1 = 0.99, kRelativeError = 0.05;

// On the command line: a config names a codec for building, not for comparing.
bool is_typed(const Invocation& invocation, const std::string& name) {
  return std::any_of(invocation.table->options().begin(), invocation.table->options().end(),
                     [&](const core::Option& o) { return o.name == name && o.origin == "command line"; });
}

class Audit {
 public:
  explicit Audit(Invocation& invocation)
      : settings_(invocation.settings),
        names_codec_(is_typed(invocation, "cache.codec")),
        manifest_(data::read_manifest(invocation.need(settings_.path.manifest, "manifest"),
                                      settings_.has.allow_outside_root)) {
    place_threads(invocation);
    const torch::Device device = place_device(invocation);
    if (!settings_.path.run.empty()) model_ = load_model(settings_.path.run, "newest", device);
    encoder_.emplace(invocation.need_encoder(),
                     core::EncoderOptions{.image_size = model_ ? model_->key.image_size : settings_.cache.image_size,
                                          .dtype = core::precision_named(model_ ? model_->key.encoder_dtype
                                                                                : settings_.cache.encoder_dtype),
                                          .device = device});
    key_ = model_ ? model_->key : make_cache_key(settings_, *encoder_, manifest_.labels);
    key_.codec = {};
    clips_.emplace(*encoder_, key_);
  }

  void run() {
    order_entries();
    fit();
    measure();
  }
  json result() const;
  void print() const;

 private:
  void order_entries();
  void fit();
  void measure();
  torch::Tensor logits_of(const torch::Tensor& pixels, const torch::Tensor& features);
  bool is_accepted(const Candidate& candidate) const;
  const Candidate* recommended() const;
  double times_smaller(const Candidate& candidate) const;

  const Settings& settings_;
  bool names_codec_;  // one codec is asked for, not all
  data::Manifest manifest_;
  std::optional<TrainedModel> model_;
  std::optional<core::FrozenEncoder> encoder_;
  data::CacheKey key_;
  std::optional<data::ClipBuilder> clips_;
  std::vector<const data::ManifestEntry*> sample_, held_out_;
  std::vector<Candidate> candidates_;
};

// Fitted on training videos and measured on others, as many of each, chosen by their ids alone.
void Audit::order_entries() {
  std::vector<const data::ManifestEntry*> entries = data::usable_entries(manifest_);
  std::sort(entries.begin(), entries.end(),
            [](const auto* a, const auto* b) { return is_sampled_before(a->split, a->id, b->split, b->id); });
  const auto all = static_cast<int64_t>(entries.size());
  if (all < 2) throw core::DataError("an audit needs two usable videos: one to fit codecs on, one to measure them on");
  const int64_t fitted = std::min(sample_clips(key_.feature_shape()), (all + 1) / 2);
  const int64_t measured = std::min(settings_.cache.audit_clips, all - fitted);
  sample_.assign(entries.begin(), entries.begin() + fitted);
  held_out_.assign(entries.end() - measured, entries.end());
}

void Audit::fit() {
  std::vector<std::string> names = data::codec_names();
  if (names_codec_) names = {settings_.cache.codec};
  std::vector<data::CodecFitter> fitters;
  for (const std::string& name : names) {
    fitters.emplace_back(name, key_.feature_shape(), data::FitOptions{.bits = settings_.cache.bits});
  }
  for (const data::ManifestEntry* entry : sample_) {
    const torch::Tensor features = clips_->build_one(manifest_.root, *entry, 0).features;
    for (data::CodecFitter& fitter : fitters) fitter.add(features);
  }
  for (const data::CodecFitter& fitter : fitters) {
    data::FittedCodec fitted = fitter.finish();
    candidates_.push_back({data::make_codec(fitted.spec, key_.feature_shape(),
                                            std::make_shared<data::CodecTables>(std::move(fitted.tables))),
                           data::CodecAudit(key_.feature_shape()),
                           {}});
  }
}

torch::Tensor Audit::logits_of(const torch::Tensor& pixels, const torch::Tensor& features) {
  return clip_logits(*model_, pixels.unsqueeze(0), features.unsqueeze(0))[0][0].cpu();  // [K]
}

void Audit::measure() {
  for (const data::ManifestEntry* entry : held_out_) {
    const data::ClipRecord clip = clips_->build_one(manifest_.root, *entry, 0);
    const torch::Tensor exact = model_ ? logits_of(clip.pixels, clip.features) : torch::Tensor();
    for (Candidate& candidate : candidates_) {
      torch::Tensor decoded;
      try {
        decoded = candidate.codec->decode(candidate.codec->encode(clip.features, entry->id));
      } catch (const core::DataError& error) {
        throw core::DataError("codec " + candidate.codec->name() + ": " + error.what());
      }
      candidate.audit.add(clip.features, decoded);
      if (model_) candidate.logits.add(exact, logits_of(clip.pixels, decoded));
    }
  }
}

bool Audit::is_accepted(const Candidate& candidate) const {
  return model_ ? candidate.logits.share_same() >= kSameTop1 : candidate.audit.worst_relative_error() <= kRelativeError;
}

// The smallest that is accepted.
const Candidate* Audit::recommended() const {
  const Candidate* best = nullptr;
  for (const Candidate& candidate : candidates_) {
    if (!is_accepted(candidate)) continue;
    if (best == nullptr || candidate.bytes_per_frame() < best->bytes_per_frame()) best = &candidate;
  }
  return best;
}

double Audit::times_smaller(const Candidate& candidate) const {
  const data::FeatureShape shape = key_.feature_shape();
  return 2.0 * static_cast<double>(shape.values()) / static_cast<double>(candidate.codec->bytes_per_record());
}

json Audit::result() const {
  json codecs = json::array();
  for (const Candidate& candidate : candidates_) {
    json layers = json::array();
    const std::vector<data::LayerError> errors = candidate.audit.layers();
    for (size_t i = 0; i < errors.size(); ++i) {
      layers.push_back({{"layer", key_.selected_layers[i]},
                        {"bytes_per_frame", candidate.bytes_per_frame()},
                        {"relative_error", errors[i].relative},
                        {"cosine", errors[i].cosine}});
    }
    json one{{"codec", candidate.codec->name()},
             {"outliers", candidate.codec->spec().outliers},
             {"bytes_per_clip", candidate.codec->bytes_per_record()},
             {"times_smaller_than_f16", times_smaller(candidate)},
             {"relative_error", candidate.audit.relative_error()},
             {"layers", layers},
             {"accepted", is_accepted(candidate)}};
    if (model_) {
      one["same_top1"] = candidate.logits.share_same();
      one["logits_relative_error"] = candidate.logits.relative();
    }
    codecs.push_back(one);
  }
  const Candidate* best = recommended();
  return {{"clips", held_out_.size()},
          {"sample", sample_.size()},
          {"codecs", codecs},
          {"recommended", best == nullptr ? json() : json(best->codec->name())}};
}

void Audit::print() const {
  std::printf("%zu clips, codecs fitted on %zu others; layers: relative error / cosine\n\n", held_out_.size(),
              sample_.size());
  const auto row = [&](const char* name, const auto& cell) {
    std::printf("%-22s", name);
    for (const Candidate& candidate : candidates_) std::printf(" %17s", cell(candidate).c_str());
    std::printf("\n");
  };
  const auto shown = [](const char* format, auto... values) {
    char text[64];
    std::snprintf(text, sizeof text, format, values...);
    return std::string(text);
  };
  row("codec", [](const Candidate& c) { return c.codec->name(); });
  row("bytes/frame/layer", [&](const Candidate& c) { return shown("%.0f", c.bytes_per_frame()); });
  row("smaller than f16", [&](const Candidate& c) { return shown("%.2fx", times_smaller(c)); });
  row("outlier channels", [&](const Candidate& c) { return std::to_string(c.codec->spec().outliers); });
  for (size_t i = 0; i < key_.selected_layers.size(); ++i) {
    row(("layer " + std::to_string(key_.selected_layers[i])).c_str(), [&](const Candidate& c) {
      const data::LayerError error = c.audit.layers()[i];
      return shown("%.5f / %.5f", error.relative, error.cosine);
    });
  }
  row("all layers", [&](const Candidate& c) { return shown("%.5f", c.audit.relative_error()); });
  if (model_) {
    row("logits moved by", [&](const Candidate& c) { return shown("%.5f", c.logits.relative()); });
    row("same top-1", [&](const Candidate& c) { return shown("%.2f %%", 100 * c.logits.share_same()); });
  }
  const Candidate* best = recommended();
  const std::string rule = model_ ? "the same top-1 on 99 % of the clips" : "at most 5 % of error in every layer";
  std::printf("\nsmallest with %s: %s\n", rule.c_str(), best == nullptr ? "none" : best->codec->name().c_str());
}

}  // namespace

int audit_cache(Invocation& invocation) {
  if (invocation.session->rank() != 0) return core::kExitDone;
  Audit audit(invocation);
  audit.run();
  if (invocation.settings.has.json) {
    std::cout << json_text(audit.result(), 2) << "\n";
  } else {
    audit.print();
  }
  return core::kExitDone;
}

}  // namespace permafrost::launch
