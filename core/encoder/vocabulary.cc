#include "core/encoder/vocabulary.h"

#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/encoder/unicode.h"

namespace permafrost::core {
namespace {

using nlohmann::json;

constexpr size_t kMostBytes = 64 << 20;
constexpr size_t kMerges = 49152 - 256 - 2;  // of the .txt.gz, which goes on with some that CLIP does not use
constexpr const char* kEndOfWord = "</w>";
constexpr const char* kGzipName = "bpe_simple_vocab_16e6.txt.gz";

struct CloseGzip {
  void operator()(gzFile_s* file) const { gzclose(file); }
};

std::string read_gzip(const std::string& path) {
  file_bytes(path);  // says what is wrong with the path, which zlib does not
  const std::unique_ptr<gzFile_s, CloseGzip> file(gzopen(path.c_str(), "rb"));
  if (!file) throw io_error(path, "open");
  std::string text;
  std::vector<char> block(1 << 20);
  for (;;) {
    const int bytes = gzread(file.get(), block.data(), static_cast<unsigned>(block.size()));
    int status = Z_OK;
    const char* message = gzerror(file.get(), &status);
    if (bytes < 0 || (bytes == 0 && status != Z_OK)) throw DataError(path + ": damaged gzip file: " + message);
    if (bytes == 0) return text;
    text.append(block.data(), static_cast<size_t>(bytes));
    if (text.size() > kMostBytes) throw DataError(path + ": more than 64 MiB of merges make no vocabulary");
  }
}

std::vector<Merge> parse_merges(const std::string& text, const std::string& path, size_t most) {
  std::istringstream lines(text);
  std::vector<Merge> merges;
  for (std::string line; merges.size() < most && std::getline(lines, line);) {
    if (line.empty() || line.starts_with("#version") || line.starts_with("\"bpe_simple_vocab")) continue;
    std::istringstream words(line);
    Merge merge;
    std::string more;
    if (!(words >> merge.left >> merge.right) || words >> more) {
      throw DataError(path + ": merge " + std::to_string(merges.size()) + ": expected two symbols, found '" + line +
                      "'");
    }
    merges.push_back(std::move(merge));
  }
  return merges;
}

bool is_printable(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
}

// The order of the first 256 tokens: printable bytes, then the others.
std::vector<std::string> first_symbols() {
  std::vector<std::string> symbols;
  for (const bool wanted : {true, false}) {
    for (int byte = 0; byte < 256; ++byte) {
      if (is_printable(byte) == wanted) symbols.push_back(byte_characters()[static_cast<size_t>(byte)]);
    }
  }
  return symbols;
}

void require_complete(const Vocabulary& vocabulary, const std::string& path) {
  const auto demand = [&](const std::string& symbol, const std::string& of) {
    if (!vocabulary.ids.contains(symbol)) {
      throw DataError(path + ": expected the token '" + symbol + "' of " + of +
                      ", found none: the file is no vocabulary of CLIP's, or damaged");
    }
  };
  for (const std::string& character : byte_characters()) {
    demand(character, "a byte");
    demand(character + kEndOfWord, "a byte");
  }
  for (const Merge& merge : vocabulary.merges) {
    for (const std::string& symbol : {merge.left, merge.right, merge.left + merge.right}) {
      demand(symbol, "the merge '" + merge.left + " " + merge.right + "'");
    }
  }
}

Vocabulary read_merges_only(const std::string& path) {
  Vocabulary vocabulary;
  vocabulary.merges = parse_merges(read_gzip(path), path, kMerges);
  if (vocabulary.merges.size() != kMerges) {
    throw DataError(path + ": expected " + std::to_string(kMerges) + " merges, found " +
                    std::to_string(vocabulary.merges.size()) + ": give " + kGzipName);
  }
  int64_t next = 0;
  const std::vector<std::string> symbols = first_symbols();
  for (const std::string& symbol : symbols) vocabulary.ids[symbol] = next++;
  for (const std::string& symbol : symbols) vocabulary.ids[symbol + kEndOfWord] = next++;
  for (const Merge& merge : vocabulary.merges) vocabulary.ids[merge.left + merge.right] = next++;
  vocabulary.start = next++;
  vocabulary.end = next++;
  return vocabulary;
}

int64_t token_named(const Vocabulary& vocabulary, const std::string& path, const std::string& name) {
  const auto found = vocabulary.ids.find(name);
  if (found == vocabulary.ids.end()) throw DataError(path + ": expected the token '" + name + "', found none");
  return found->second;
}

Vocabulary read_folder(const std::string& directory) {
  const std::string path = directory + "/vocab.json";
  const json tokens = json::parse(read_text(path, kMostBytes), nullptr, /*allow_exceptions=*/false);
  if (!tokens.is_object()) throw DataError(path + ": expected a JSON object of tokens and ids");
  Vocabulary vocabulary;
  for (const auto& [token, id] : tokens.items()) {
    if (!id.is_number_unsigned()) throw DataError(path + ": token '" + token + "': expected an id, found " + id.dump());
    vocabulary.ids[token] = id.get<int64_t>();
  }
  const std::string merges = directory + "/merges.txt";
  vocabulary.merges = parse_merges(read_text(merges, kMostBytes), merges, SIZE_MAX);
  vocabulary.start = token_named(vocabulary, path, "<|startoftext|>");
  vocabulary.end = token_named(vocabulary, path, "<|endoftext|>");
  return vocabulary;
}

}  // namespace

const std::array<std::string, 256>& byte_characters() {
  static const std::array<std::string, 256> kCharacters = [] {
    std::array<std::string, 256> characters;
    char32_t stand_in = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      const char32_t point = is_printable(byte) ? static_cast<char32_t>(byte) : stand_in++;
      characters[static_cast<size_t>(byte)] = encode_utf8(std::u32string(1, point));
    }
    return characters;
  }();
  return kCharacters;
}

std::string Vocabulary::sha256() const {
  Sha256 sha;
  for (const Merge& merge : merges) sha.update(merge.left + " " + merge.right + "\n");
  for (const std::string& character : byte_characters()) sha.update(std::to_string(ids.at(character)) + "\n");
  for (const Merge& merge : merges) sha.update(std::to_string(ids.at(merge.left + merge.right)) + "\n");
  sha.update(std::to_string(start) + " " + std::to_string(end));
  return sha.hex();
}

std::string find_vocabulary(const std::string& directory) {
  const auto has = [&](const std::string& name) { return std::filesystem::exists(directory + "/" + name); };
  if (has("vocab.json") && has("merges.txt")) return directory;
  return has(kGzipName) ? directory + "/" + kGzipName : "";
}

Vocabulary read_vocabulary(const std::string& path) {
  const bool is_folder = std::filesystem::is_directory(path);
  const std::string inside = is_folder ? find_vocabulary(path) : path;
  Vocabulary vocabulary =
      is_folder && (inside.empty() || inside == path) ? read_folder(path) : read_merges_only(inside);
  require_complete(vocabulary, path);
  return vocabulary;
}

}  // namespace permafrost::core
