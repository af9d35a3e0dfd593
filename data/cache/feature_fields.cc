#include "data/cache/feature_fields.h"

namespace permafrost::data {

Field feature_field(FieldType type, const FeatureShape& shape, int64_t values, const std::string& units) {
  return {.name = "features",
          .type = type,
          .shape = {shape.layers, shape.frames, shape.tokens, values},
          .text_bytes = 0,
          .axes = "layer, frame, token, channel",
          .units = units,
          .meaning = "residual stream of the frozen encoder after each selected layer, class token first"};
}

Field token_field(const std::string& name, FieldType type, const FeatureShape& shape, int64_t values,
                  const std::string& axis, const std::string& meaning) {
  Field field{.name = name,
              .type = type,
              .shape = {shape.layers, shape.frames, shape.tokens},
              .text_bytes = 0,
              .axes = "layer, frame, token" + (axis.empty() ? "" : ", " + axis),
              .units = "1",
              .meaning = meaning};
  if (!axis.empty()) field.shape.push_back(values);
  return field;
}

Field outlier_field(const FeatureShape& shape, int64_t outliers) {
  return token_field("feature_outliers", FieldType::kFloat, shape, outliers, "outlier",
                     "exact values of the layer's outlier channels, which 'outliers' of codec.safetensors names");
}

}  // namespace permafrost::data
