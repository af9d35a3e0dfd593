// What turns a clip's embedding into classes.
//
//   Head head(HeadConfig{.kind = HeadKind::kText, .classes = 400}, /*embedding=*/512);
//   std::vector<torch::Tensor> logits = head(z);                      // one [B, K] for each label set
//   torch::Tensor loss = head->loss(logits, targets, smoothing);      // [], summed over the batch
//   torch::Tensor scores = head->scores(logits);                      // [B, K]
//
// text       cosine of z and the frozen text features of the class names, times exp(logit_scale): CLIP's own head
// linear     a Linear, for encoders without a text tower
// verb_noun  two Linears (EPIC-Kitchens-100): a class is a pair of a verb and a noun
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "core/encoder/layers.h"

namespace permafrost::core {

enum class HeadKind { kText, kLinear, kVerbNoun };

// "text", "linear", "verb_noun".
const char* name_of(HeadKind kind);
// The reverse; throws ConfigError.
HeadKind head_named(const std::string& name);

struct HeadConfig {
  HeadKind kind = HeadKind::kText;
  int64_t classes = 0;                    // K
  std::vector<int64_t> verb_of, noun_of;  // [K] each, for verb_noun: the parts of every class
  int64_t verbs() const;                  // 1 + the largest of verb_of
  int64_t nouns() const;
  int64_t scores() const { return classes + verbs() + nouns(); }
};

// Splits class names "VERB/NOUN" at the first slash; verbs and nouns are numbered in the order of their first
// appearance. Throws DataError naming a class without a slash.
HeadConfig verb_noun_head(const std::vector<std::string>& class_names);

struct HeadImpl : torch::nn::Module {
  HeadImpl(HeadConfig config, int64_t embedding);

  // z [B, e] -> logits: [B, K], or [B, verbs] and [B, nouns].
  std::vector<torch::Tensor> forward(const torch::Tensor& z);

  // Cross entropy against `targets`, float [B, K], rows sum to 1 (one-hot, or mixed), summed over the batch and, where
  // there are two label sets, over both; `smoothing` of the target is spread over all classes of a set.
  torch::Tensor loss(const std::vector<torch::Tensor>& logits, const torch::Tensor& targets, double smoothing) const;

  // Probabilities [B, K]. For verb_noun [B, K + verbs + nouns]: of the classes (the product of both, over the pairs
  // that are classes), of the verbs, of the nouns.
  torch::Tensor scores(const std::vector<torch::Tensor>& logits) const;

  // The frozen class-name features [K, e] (normalised here) and the logarithm of the logit scale.
  void set_text(const torch::Tensor& features, double logit_scale);

  HeadConfig config;
  Linear linear{nullptr}, verb{nullptr}, noun{nullptr};
  torch::Tensor text_features, logit_scale;  // never trained; kept in checkpoints, so that a run is enough to predict
};
TORCH_MODULE(Head);

// embedding [B, e], text [K, e] -> cosines times exp(logit_scale), [B, K].
torch::Tensor text_cosine_logits(const torch::Tensor& embedding, const torch::Tensor& text,
                                 const torch::Tensor& logit_scale);

}  // namespace permafrost::core
