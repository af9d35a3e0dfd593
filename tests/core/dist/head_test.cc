#include "core/dist/head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.h"

namespace permafrost::core {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Head head_of(const HeadConfig& config, int64_t embedding) {
  torch::manual_seed(3);
  Head head(config, embedding);
  const torch::NoGradGuard no_grad;
  for (torch::Tensor parameter : head->parameters()) parameter.normal_();
  return head;
}

TEST(TextHead, ScoresTheCosineWithEveryClassName) {
  Head head = head_of({.kind = HeadKind::kText, .classes = 2}, 2);
  head->set_text(torch::tensor({{2.0f, 0.0f}, {0.0f, 3.0f}}), std::log(10.0));
  const torch::Tensor logits = head(torch::tensor({{3.0f, 4.0f}}))[0];
  EXPECT_NEAR(logits[0][0].item<float>(), 6.0, 1e-5);
  EXPECT_NEAR(logits[0][1].item<float>(), 8.0, 1e-5);
}

TEST(TextHead, IsNeverTrained) {
  const Head head = head_of({.kind = HeadKind::kText, .classes = 5}, 4);
  for (const torch::Tensor& parameter : head->parameters()) EXPECT_FALSE(parameter.requires_grad());
}

TEST(LinearHead, LossIsTorchsCrossEntropyWithSmoothing) {
  Head head = head_of({.kind = HeadKind::kLinear, .classes = 5}, 4);
  const auto logits = head(torch::randn({3, 4}));
  const torch::Tensor labels = torch::tensor({0, 4, 2});
  const torch::Tensor expected = torch::cross_entropy_loss(logits[0], labels, {}, at::Reduction::Sum, -100, 0.1);
  const torch::Tensor found = head->loss(logits, torch::one_hot(labels, 5).to(torch::kFloat32), 0.1);
  EXPECT_NEAR(found.item<float>(), expected.item<float>(), 1e-5);
}

TEST(VerbNounHead, TakesItsPartsFromTheNames) {
  const HeadConfig config = verb_noun_head({"open/door", "close/door", "open/jar"});
  EXPECT_EQ(config.verb_of, (std::vector<int64_t>{0, 1, 0}));
  EXPECT_EQ(config.noun_of, (std::vector<int64_t>{0, 0, 1}));
  EXPECT_EQ(config.scores(), 3 + 2 + 2);
  EXPECT_THAT([] { verb_noun_head({"open/door", "wave"}); }, ThrowsMessage<DataError>(HasSubstr("'wave'")));
}

TEST(VerbNounHead, LossIsTheSumOverVerbsAndNouns) {
  Head head = head_of(verb_noun_head({"open/door", "close/door", "open/jar"}), 4);
  const auto logits = head(torch::randn({2, 4}));
  ASSERT_EQ(logits.size(), 2u);
  const auto loss = [&](int set, at::IntArrayRef labels) {
    return torch::cross_entropy_loss(logits[set], torch::tensor(labels), {}, at::Reduction::Sum, -100, 0.1);
  };
  const torch::Tensor expected = loss(0, {1, 0}) + loss(1, {0, 1});
  const torch::Tensor targets = torch::tensor({{0.0f, 1.0f, 0.0f}, {0.0f, 0.0f, 1.0f}});
  EXPECT_NEAR(head->loss(logits, targets, 0.1).item<float>(), expected.item<float>(), 1e-5);
}

TEST(VerbNounHead, ScoresAreProbabilitiesOfClassesVerbsAndNouns) {
  Head head = head_of(verb_noun_head({"open/door", "close/door", "open/jar"}), 4);
  const auto logits = head(torch::randn({2, 4}));
  const torch::Tensor scores = head->scores(logits);
  ASSERT_EQ(scores.sizes(), (std::vector<int64_t>{2, 7}));
  for (const auto& part : {scores.slice(1, 0, 3), scores.slice(1, 3, 5), scores.slice(1, 5, 7)}) {
    EXPECT_TRUE(torch::allclose(part.sum(1), torch::ones({2})));
  }
  const torch::Tensor verbs = torch::softmax(logits[0], 1), nouns = torch::softmax(logits[1], 1);
  const torch::Tensor ratio = scores.select(1, 0) / scores.select(1, 2);  // open/door over open/jar
  EXPECT_TRUE(torch::allclose(ratio, nouns.select(1, 0) / nouns.select(1, 1)));
}

TEST(Head, RefusesAnUnknownKind) {
  EXPECT_THAT([] { head_named("cosine"); }, ThrowsMessage<ConfigError>(HasSubstr("text, linear or verb_noun")));
}

}  // namespace
}  // namespace permafrost::core
