#include "core/encoder/tokenizer.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/encoder/text_cleaning.h"
#include "core/encoder/unicode.h"

namespace permafrost::core {
namespace {

constexpr std::u32string_view kStartOfText = U"<start_of_text>", kEndOfText = U"<end_of_text>";
constexpr std::u32string_view kWholeWords[] = {kStartOfText, kEndOfText, U"'s",  U"'t", U"'re",
                                               U"'ve",       U"'m",      U"'ll", U"'d"};
constexpr char32_t kLongS = 0x17f;  // the one small letter that is another's capital: an s to who ignores case
// The Greek iota below: a mark by itself, a letter to who ignores case. CLIP's expression takes it for neither.
constexpr char32_t kIotaBelow = 0x345;

bool begins_with(std::u32string_view text, std::u32string_view word) {
  return text.size() >= word.size() && std::equal(word.begin(), word.end(), text.begin(),
                                                  [](char32_t w, char32_t c) { return w == (c == kLongS ? U's' : c); });
}

bool is_other(char32_t c) { return c != kIotaBelow && !is_space(c) && !is_letter(c) && !is_number(c); }

// Code points of the word that `text` begins with; 0: it begins with none.
size_t word_length(std::u32string_view text) {
  for (const std::u32string_view word : kWholeWords) {
    if (begins_with(text, word)) return word.size();
  }
  if (is_number(text[0])) return 1;
  const auto is_alike = is_letter(text[0]) ? is_letter : is_other;
  return static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_alike) - text.begin());
}

uint64_t pair_of(int64_t left, int64_t right) {
  return static_cast<uint64_t>(left) << 32 | static_cast<uint64_t>(right);
}

}  // namespace

Tokenizer::Tokenizer(const Vocabulary& vocabulary)
    : start_(vocabulary.start), end_(vocabulary.end), sha256_(vocabulary.sha256()) {
  for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    byte_ids_[byte] = vocabulary.ids.at(byte_characters()[byte]);
    last_byte_ids_[byte] = vocabulary.ids.at(byte_characters()[byte] + "</w>");
  }
  int64_t rank = 0;
  for (const Merge& merge : vocabulary.merges) {
    const uint64_t pair = pair_of(vocabulary.ids.at(merge.left), vocabulary.ids.at(merge.right));
    merges_[pair] = {rank++, vocabulary.ids.at(merge.left + merge.right)};
  }
}

std::vector<int64_t> Tokenizer::merged(std::vector<int64_t> symbols) const {
  while (symbols.size() > 1) {
    uint64_t best_pair = 0;
    const Merged* best = nullptr;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto found = merges_.find(pair_of(symbols[i], symbols[i + 1]));
      if (found == merges_.end() || (best != nullptr && found->second.rank >= best->rank)) continue;
      best_pair = found->first;
      best = &found->second;
    }
    if (best == nullptr) break;
    size_t kept = 0;
    for (size_t i = 0; i < symbols.size(); ++kept) {
      const bool is_pair = i + 1 < symbols.size() && pair_of(symbols[i], symbols[i + 1]) == best_pair;
      symbols[kept] = is_pair ? best->id : symbols[i];
      i += is_pair ? 2 : 1;
    }
    symbols.resize(kept);
  }
  return symbols;
}

void Tokenizer::append_word(const std::u32string& word, std::vector<int64_t>& ids) const {
  if (word == kStartOfText || word == kEndOfText) {
    ids.push_back(word == kStartOfText ? start_ : end_);
    return;
  }
  std::vector<int64_t> symbols;
  for (const char byte : encode_utf8(word)) symbols.push_back(byte_ids_[static_cast<unsigned char>(byte)]);
  symbols.back() = last_byte_ids_[static_cast<unsigned char>(encode_utf8(word).back())];
  symbols = merged(std::move(symbols));
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

std::vector<int64_t> Tokenizer::encode(std::string_view text, int64_t context) const {
  PERMAFROST_CHECK(context >= 2, "a context has room for start and end");
  const std::u32string clean = clean_text(decode_utf8(text));
  std::vector<int64_t> ids{start_};
  const auto most = static_cast<size_t>(context);
  for (size_t at = 0; at < clean.size() && ids.size() < most;) {
    const size_t length = word_length(std::u32string_view(clean).substr(at));
    if (length > 0) append_word(clean.substr(at, length), ids);
    at += std::max<size_t>(1, length);
  }
  ids.resize(std::min(ids.size(), most - 1));
  ids.push_back(end_);
  return ids;
}

torch::Tensor Tokenizer::tokenize(const std::vector<std::string>& texts, int64_t context) const {
  torch::Tensor ids = torch::zeros({static_cast<int64_t>(texts.size()), context}, torch::kInt64);
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::vector<int64_t> row = encode(texts[i], context);
    std::copy(row.begin(), row.end(), ids.data_ptr<int64_t>() + static_cast<int64_t>(i) * context);
  }
  return ids;
}

}  // namespace permafrost::core
