// CLIP's byte-pair vocabulary: what the tokens are called and which pairs merge, the frequent ones first.
//
//   const Vocabulary vocabulary = read_vocabulary("clip-vit-base-patch16");   // vocab.json and merges.txt
//   const Vocabulary same = read_vocabulary("bpe_simple_vocab_16e6.txt.gz");  // OpenAI's list of merges
//
// Symbols are written as the files have them: every byte as a printable character, "</w>" at the end of a word.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace permafrost::core {

struct Merge {
  std::string left, right;
};

struct Vocabulary {
  std::unordered_map<std::string, int64_t> ids;
  std::vector<Merge> merges;  // most frequent first
  int64_t start = 0;          // id of the start-of-text token
  int64_t end = 0;            // id of the end-of-text token

  // SHA-256 over merges and ids: the two forms of one vocabulary have the same.
  std::string sha256() const;
};

// The character that stands for each byte, in UTF-8.
const std::array<std::string, 256>& byte_characters();

// What read_vocabulary can read inside `directory`: itself, or the .txt.gz in it; "" where there is neither.
std::string find_vocabulary(const std::string& directory);

// `path`: a folder with vocab.json and merges.txt, or the .txt.gz. Throws IoError where a file cannot be read,
// DataError where a merge or a byte has no token.
Vocabulary read_vocabulary(const std::string& path);

}  // namespace permafrost::core
