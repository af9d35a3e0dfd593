// One split of a manifest as a source of clips, decoded and encoded when asked for: no cache needed, every time paid.
//
//   OnlineClips val(builder, manifest, "val", labels);   // a sample is a view of a video
//
// Samples are in the order of video ids, then views, as those of CachedClips.
#pragma once

#include <string>
#include <vector>

#include "data/cache/clip_builder.h"
#include "data/loader/clip_source.h"

namespace permafrost::data {

class OnlineClips : public ClipSource {
 public:
  // `builder` and `manifest` must outlive it. Targets are positions in `labels`. Throws DataError where the split is
  // empty or a video's label is not among `labels`.
  OnlineClips(const ClipBuilder& builder, const Manifest& manifest, const std::string& split, const LabelMap& labels);

  int64_t size() const override { return videos() * views_; }
  Clip read(int64_t sample, int64_t epoch) const override;

  int64_t videos() const { return static_cast<int64_t>(entries_.size()); }
  int64_t views() const { return views_; }

 private:
  const ClipBuilder& builder_;
  const Manifest& manifest_;
  LabelMap labels_;
  int64_t views_;
  std::vector<const ManifestEntry*> entries_;
};

}  // namespace permafrost::data
