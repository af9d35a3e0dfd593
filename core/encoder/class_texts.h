// The class names of a label map as CLIP's text tower sees them: computed once, kept in a file, compared with by the
// text-cosine head (DiST Sec. 3.4) and in zero-shot evaluation.
//
//   ClassTextsRequest request{labels.names(), labels.hash()};
//   write_class_texts("k400_texts.safetensors", make_class_texts(request, tokenizer, encoder));
//   const ClassTexts texts = read_class_texts("k400_texts.safetensors", labels.hash());
//
// File: safetensors with `text_features` float32 [K, e], rows of length 1 in the label map's order; what they were
// made of is in the metadata.
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "core/encoder/text_encoder.h"
#include "core/encoder/tokenizer.h"

namespace permafrost::core {

struct ClassTextsRequest {
  std::vector<std::string> names;  // K, in the label map's order
  std::string label_map_sha256;
  std::vector<std::string> templates{"{}"};  // "{}" is where the name goes; DiST passes names bare
};

struct ClassTexts {
  std::vector<std::string> names;
  std::string label_map_sha256;
  std::vector<std::string> templates;
  std::string encoder_sha256, vocabulary_sha256;
  double logit_scale = 0;  // the encoder's: a logarithm
  torch::Tensor features;  // float32 [K, e]

  // SHA-256 over all of the above but the features, which follow from it.
  std::string identity() const;
};

// Everything but the features: what they will be called.
ClassTexts describe_class_texts(const ClassTextsRequest& request, const Tokenizer& tokenizer,
                                const TextEncoder& encoder);

// Each name in each template, embedded and normalised; the mean over the templates, normalised. Throws ConfigError for
// no template or one without "{}".
ClassTexts make_class_texts(const ClassTextsRequest& request, const Tokenizer& tokenizer, TextEncoder& encoder);

// Publishes the file whole. Throws IoError.
void write_class_texts(const std::string& path, const ClassTexts& texts);

// Throws IoError; DataError where the file is none of these, or was made for another label map than
// `label_map_sha256`, naming both ("": of any label map).
ClassTexts read_class_texts(const std::string& path, const std::string& label_map_sha256 = "");

}  // namespace permafrost::core
