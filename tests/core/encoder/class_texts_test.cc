#include "core/encoder/class_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/checkpoint/safetensors.h"
#include "tests/core/golden.h"
#include "tests/temporary_directory.h"

namespace permafrost::core {
namespace {

using permafrost::testing::golden_path;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

class ClassTextsTest : public ::testing::Test {
 protected:
  ClassTexts make(const std::vector<std::string>& templates) {
    return make_class_texts({{"playing guitar", "abseiling"}, "0123", templates}, tokenizer_, encoder_);
  }
  torch::Tensor embedding(const std::string& text) {
    const torch::Tensor row = encoder_.encode(tokenizer_.tokenize({text}))[0];
    return row / row.norm();
  }

  permafrost::testing::TemporaryDirectory directory_;
  Tokenizer tokenizer_{read_vocabulary(golden_path("bpe_simple_vocab_16e6.txt.gz"))};
  TextEncoder encoder_{golden_path("clip_text")};
};

TEST_F(ClassTextsTest, BareNamesAreTheirNormalisedEmbeddings) {
  EXPECT_TRUE(torch::allclose(make({"{}"}).features[1], embedding("abseiling"), 1e-5, 1e-6));
}

TEST_F(ClassTextsTest, SeveralTemplatesAreTheNormalisedMean) {
  const torch::Tensor mean = embedding("a video of abseiling.") + embedding("abseiling, filmed");
  const ClassTexts texts = make({"a video of {}.", "{}, filmed"});
  EXPECT_TRUE(torch::allclose(texts.features[1], mean / mean.norm(), 1e-5, 1e-6));
}

TEST_F(ClassTextsTest, SurviveTheirFile) {
  const ClassTexts texts = make({"{}"});
  write_class_texts(directory_ / "texts.safetensors", texts);
  const ClassTexts read = read_class_texts(directory_ / "texts.safetensors", "0123");
  EXPECT_EQ(read.identity(), texts.identity());
  EXPECT_EQ(read.names, texts.names);
  EXPECT_EQ(read.logit_scale, texts.logit_scale);
  EXPECT_TRUE(torch::equal(read.features, texts.features));
}

TEST_F(ClassTextsTest, AnotherTemplateIsAnotherIdentity) {
  EXPECT_NE(make({"{}"}).identity(), make({"a video of {}."}).identity());
}

TEST_F(ClassTextsTest, OfAnotherLabelMapAreRefusedWithBothHashes) {
  write_class_texts(directory_ / "texts.safetensors", make({"{}"}));
  EXPECT_THAT([&] { read_class_texts(directory_ / "texts.safetensors", "4567"); },
              ThrowsMessage<DataError>(AllOf(HasSubstr("0123"), HasSubstr("4567"))));
}

TEST_F(ClassTextsTest, RefuseAnotherFileOrOneOfFewerRows) {
  const std::string path = directory_ / "texts.safetensors";
  write_safetensors(path, {{"text_features", torch::ones({2, 24})}});
  EXPECT_THAT([&] { read_class_texts(path); }, ThrowsMessage<DataError>(HasSubstr("'format'")));
  ClassTexts texts = make({"{}"});
  texts.features = texts.features.slice(0, 0, 1).contiguous();
  write_class_texts(path, texts);
  EXPECT_THAT([&] { read_class_texts(path); },
              ThrowsMessage<DataError>(AllOf(HasSubstr("[2, e]"), HasSubstr("[1, 24]"))));
}

TEST_F(ClassTextsTest, ATemplateWithoutAPlaceIsRefused) {
  EXPECT_THAT([&] { make({"a video"}); }, ThrowsMessage<ConfigError>(HasSubstr("'a video'")));
  EXPECT_THAT([&] { make({}); }, ThrowsMessage<ConfigError>(HasSubstr("template")));
}

}  // namespace
}  // namespace permafrost::core
