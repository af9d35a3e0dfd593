// The datasets that codecs fill.
#pragma once

#include <string>

#include "data/cache/codec_spec.h"
#include "data/cache/field.h"

namespace permafrost::data {

// "features" [N, t, L, values] of `type`.
Field feature_field(FieldType type, const FeatureShape& shape, int64_t values, const std::string& units);
// A number, or `values` of them, for each token: [N, t, L] or [N, t, L, values].
Field token_field(const std::string& name, FieldType type, const FeatureShape& shape, int64_t values,
                  const std::string& axis, const std::string& meaning);
// "feature_outliers" [N, t, L, k].
Field outlier_field(const FeatureShape& shape, int64_t outliers);

}  // namespace permafrost::data
