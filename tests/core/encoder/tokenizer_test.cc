#include "core/encoder/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/encoder/vocabulary.h"
#include "tests/core/golden.h"
#include "tests/temporary_directory.h"

namespace permafrost::core {
namespace {

using nlohmann::json;
using permafrost::testing::golden_path;
using permafrost::testing::TemporaryDirectory;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const Vocabulary& vocabulary() {
  static const Vocabulary kVocabulary = read_vocabulary(golden_path("bpe_simple_vocab_16e6.txt.gz"));
  return kVocabulary;
}

const Tokenizer& tokenizer() {
  static const Tokenizer kTokenizer(vocabulary());
  return kTokenizer;
}

std::string gunzipped(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  std::string text;
  char block[65536];
  for (int bytes = 0; (bytes = gzread(file, block, sizeof block)) > 0;) text.append(block, static_cast<size_t>(bytes));
  gzclose(file);
  return text;
}

// The same vocabulary as a Hugging Face directory has it.
void write_folder(const std::string& directory) {
  json tokens = vocabulary().ids;
  tokens["<|startoftext|>"] = vocabulary().start;
  tokens["<|endoftext|>"] = vocabulary().end;
  std::ofstream(directory + "/vocab.json") << tokens;
  std::ofstream merges(directory + "/merges.txt");
  merges << "#version: 0.2\n";
  for (const Merge& merge : vocabulary().merges) merges << merge.left << " " << merge.right << "\n";
}

TEST(Tokenizer, GivesTheGoldenIdsOfEveryString) {
  const json strings = json::parse(gunzipped(golden_path("clip_bpe.json.gz")));
  ASSERT_EQ(strings.size(), 1500U);
  for (const json& item : strings) {
    const auto text = item["text"].get<std::string>();
    EXPECT_EQ(tokenizer().encode(text), item["ids"].get<std::vector<int64_t>>()) << text;
  }
}

TEST(Tokenizer, ReadsBothFormsOfTheVocabularyAlike) {
  const TemporaryDirectory directory;
  write_folder(directory.path());
  const Tokenizer other(read_vocabulary(directory.path()));
  EXPECT_EQ(other.sha256(), tokenizer().sha256());
  for (const char* text : {"playing guitar", "it's a dog's life", "日本語 😀", "<start_of_text>"}) {
    EXPECT_EQ(other.encode(text), tokenizer().encode(text));
  }
}

TEST(Tokenizer, PadsWithZerosAndEndsOverlongTexts) {
  std::string overlong;
  for (int i = 0; i < 100; ++i) overlong += "word ";
  const torch::Tensor ids = tokenizer().tokenize({"abseiling", overlong});
  EXPECT_EQ(ids.sizes(), (std::vector<int64_t>{2, 77}));
  EXPECT_EQ(ids[0][4].item<int64_t>(), vocabulary().end);
  EXPECT_EQ(ids[0][5].item<int64_t>(), 0);
  EXPECT_EQ(ids[1][75].item<int64_t>(), ids[1][1].item<int64_t>());
  EXPECT_EQ(ids[1][76].item<int64_t>(), vocabulary().end);
}

TEST(Tokenizer, AnEmptyTextIsStartAndEnd) { EXPECT_THAT(tokenizer().encode(""), ElementsAre(49406, 49407)); }

TEST(Tokenizer, TakesTheNamesOfItsSpecialTokensForThem) {
  EXPECT_THAT(tokenizer().encode("<START_of_text>"), ElementsAre(49406, 49406, 49407));
}

TEST(Vocabulary, NamesATokenThatIsMissing) {
  const TemporaryDirectory directory;
  write_folder(directory.path());
  json tokens = json::parse(read_text(directory / "vocab.json"));
  tokens.erase("guitar</w>");
  publish_text(directory / "vocab.json", tokens.dump());
  EXPECT_THAT([&] { read_vocabulary(directory.path()); },
              ThrowsMessage<DataError>(AllOf(HasSubstr(directory.path()), HasSubstr("'guitar</w>'"))));
}

TEST(Vocabulary, RefusesWhatIsNone) {
  const TemporaryDirectory directory;
  publish_text(directory / "vocab.json", "[]");
  publish_text(directory / "merges.txt", "#version: 0.2\na b c\n");
  EXPECT_THAT([&] { read_vocabulary(directory.path()); }, ThrowsMessage<DataError>(HasSubstr("vocab.json")));
  EXPECT_THAT([&] { read_vocabulary(directory / "merges.txt"); }, ThrowsMessage<DataError>(HasSubstr("'a b c'")));
  EXPECT_THAT([&] { read_vocabulary(golden_path("clip_bpe.json.gz")); }, ThrowsMessage<DataError>(HasSubstr("merge")));
  EXPECT_THAT([&] { read_vocabulary(directory / "no.txt.gz"); }, ThrowsMessage<IoError>(HasSubstr("no.txt.gz")));
}

TEST(Vocabulary, RefusesADamagedArchive) {
  const TemporaryDirectory directory;
  std::string bytes = read_text(golden_path("bpe_simple_vocab_16e6.txt.gz"));
  publish_text(directory / "short.txt.gz", bytes.substr(0, 1000));
  EXPECT_THROW(read_vocabulary(directory / "short.txt.gz"), DataError);
  bytes[5000] = static_cast<char>(bytes[5000] ^ 0x55);
  publish_text(directory / "flipped.txt.gz", bytes);
  EXPECT_THROW(read_vocabulary(directory / "flipped.txt.gz"), DataError);
}

}  // namespace
}  // namespace permafrost::core
