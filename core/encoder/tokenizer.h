// CLIP's byte-pair tokenizer: text to the ids that the text encoder reads.
//
//   const Tokenizer tokenizer(read_vocabulary("bpe_simple_vocab_16e6.txt.gz"));
//   const torch::Tensor ids = tokenizer.tokenize({"playing guitar", "abseiling"});   // int64 [2, 77]
//
// The text is cleaned (text_cleaning.h), split into words (English contractions, runs of letters, single digits, runs
// of anything else) and each word's bytes are merged by the vocabulary's pairs, the most frequent first.
#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/encoder/vocabulary.h"

namespace permafrost::core {

class Tokenizer {
 public:
  static constexpr int64_t kContext = 77;

  explicit Tokenizer(const Vocabulary& vocabulary);

  // Start, the text's ids, end: at most `context` of them; of an overlong text the first ones and the end.
  std::vector<int64_t> encode(std::string_view text, int64_t context = kContext) const;
  // The same for many texts, zeros behind each: int64 [texts, context].
  torch::Tensor tokenize(const std::vector<std::string>& texts, int64_t context = kContext) const;

  // Vocabulary::sha256().
  const std::string& sha256() const { return sha256_; }

 private:
  struct Merged {
    int64_t rank, id;
  };

  void append_word(const std::u32string& word, std::vector<int64_t>& ids) const;
  std::vector<int64_t> merged(std::vector<int64_t> symbols) const;

  std::array<int64_t, 256> byte_ids_, last_byte_ids_;  // within a word, and at its end
  std::unordered_map<uint64_t, Merged> merges_;        // by the two ids, left in the upper half
  int64_t start_, end_;
  std::string sha256_;
};

}  // namespace permafrost::core
