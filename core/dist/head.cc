#include "core/dist/head.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/base/error.h"

namespace permafrost::core {
namespace {

constexpr std::array<const char*, 3> kHeadNames{"text", "linear", "verb_noun"};

int64_t count_of(const std::vector<int64_t>& parts) {
  return parts.empty() ? 0 : 1 + *std::max_element(parts.begin(), parts.end());
}

torch::Tensor unit(const torch::Tensor& x) { return x / x.norm(2, -1, /*keepdim=*/true); }

torch::Tensor soft_cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets, double smoothing) {
  return torch::cross_entropy_loss(logits, targets, /*weight=*/{}, at::Reduction::Sum, /*ignore_index=*/-100,
                                   smoothing);
}

// float [B, K] over classes -> [B, parts] over what the classes are made of.
torch::Tensor project(const torch::Tensor& targets, const std::vector<int64_t>& part_of, int64_t parts) {
  const torch::Tensor index = torch::tensor(part_of, torch::TensorOptions(torch::kInt64).device(targets.device()));
  return torch::zeros({targets.size(0), parts}, targets.options()).index_add_(1, index, targets);
}

}  // namespace

const char* name_of(HeadKind kind) { return kHeadNames.at(static_cast<size_t>(kind)); }

HeadKind head_named(const std::string& name) {
  const auto found = std::find(kHeadNames.begin(), kHeadNames.end(), name);
  if (found == kHeadNames.end()) {
    throw ConfigError("the head is '" + name + "', expected text, linear or verb_noun");
  }
  return static_cast<HeadKind>(found - kHeadNames.begin());
}

int64_t HeadConfig::verbs() const { return count_of(verb_of); }
int64_t HeadConfig::nouns() const { return count_of(noun_of); }

HeadConfig verb_noun_head(const std::vector<std::string>& class_names) {
  HeadConfig config{.kind = HeadKind::kVerbNoun, .classes = static_cast<int64_t>(class_names.size())};
  std::map<std::string, int64_t> verbs, nouns;
  for (const std::string& name : class_names) {
    const size_t slash = name.find('/');
    if (slash == std::string::npos) {
      throw DataError("class '" + name + "': expected VERB/NOUN for a verb_noun head, found no slash: " +
                      "rename the labels, or choose another model.head");
    }
    const auto number = [](std::map<std::string, int64_t>& numbers, const std::string& word) {
      return numbers.emplace(word, static_cast<int64_t>(numbers.size())).first->second;
    };
    config.verb_of.push_back(number(verbs, name.substr(0, slash)));
    config.noun_of.push_back(number(nouns, name.substr(slash + 1)));
  }
  return config;
}

HeadImpl::HeadImpl(HeadConfig config_, int64_t embedding) : config(std::move(config_)) {
  switch (config.kind) {
    case HeadKind::kText:
      text_features =
          register_parameter("text_features", torch::empty({config.classes, embedding}), /*requires_grad=*/false);
      logit_scale = register_parameter("logit_scale", torch::empty({}), /*requires_grad=*/false);
      break;
    case HeadKind::kLinear:
      linear = register_module("linear", Linear(embedding, config.classes));
      break;
    case HeadKind::kVerbNoun:
      verb = register_module("verb", Linear(embedding, config.verbs()));
      noun = register_module("noun", Linear(embedding, config.nouns()));
      break;
  }
}

std::vector<torch::Tensor> HeadImpl::forward(const torch::Tensor& z) {
  if (config.kind == HeadKind::kText) return {text_cosine_logits(z, text_features, logit_scale)};
  if (config.kind == HeadKind::kLinear) return {linear(z)};
  return {verb(z), noun(z)};
}

torch::Tensor HeadImpl::loss(const std::vector<torch::Tensor>& logits, const torch::Tensor& targets,
                             double smoothing) const {
  if (config.kind != HeadKind::kVerbNoun) return soft_cross_entropy(logits[0], targets, smoothing);
  return soft_cross_entropy(logits[0], project(targets, config.verb_of, config.verbs()), smoothing) +
         soft_cross_entropy(logits[1], project(targets, config.noun_of, config.nouns()), smoothing);
}

torch::Tensor HeadImpl::scores(const std::vector<torch::Tensor>& logits) const {
  if (config.kind != HeadKind::kVerbNoun) return torch::softmax(logits[0], 1);
  const torch::Tensor verbs = torch::softmax(logits[0], 1), nouns = torch::softmax(logits[1], 1);
  const auto pick = [](const torch::Tensor& part, const std::vector<int64_t>& part_of) {
    return part.index_select(1, torch::tensor(part_of, torch::TensorOptions(torch::kInt64).device(part.device())));
  };
  const torch::Tensor pairs = pick(verbs, config.verb_of) * pick(nouns, config.noun_of);  // [B, K]
  return torch::cat({pairs / pairs.sum(1, /*keepdim=*/true), verbs, nouns}, 1);
}

void HeadImpl::set_text(const torch::Tensor& features, double scale) {
  PERMAFROST_CHECK(config.kind == HeadKind::kText && features.sizes().equals(text_features.sizes()),
                   "text features [classes, embedding] for a text head");
  const torch::NoGradGuard no_grad;
  text_features.copy_(unit(features));
  logit_scale.fill_(scale);
}

torch::Tensor text_cosine_logits(const torch::Tensor& embedding, const torch::Tensor& text,
                                 const torch::Tensor& logit_scale) {
  return logit_scale.exp() * torch::matmul(unit(embedding), unit(text).t());
}

}  // namespace permafrost::core
