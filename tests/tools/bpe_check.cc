// bpe_check FILE.json.gz VOCABULARY: tokenizes every string of the file and compares the ids.
//
// FILE: a JSON list of {"text": ..., "ids": [...]}, gzipped or not. VOCABULARY: a .txt.gz of merges, or a folder with
// vocab.json and merges.txt. Prints one JSON line: {"strings": N, "mismatches": M, "first_mismatch": {...}}. Exit code
// 0 only where M is 0.
#include <zlib.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/encoder/tokenizer.h"

namespace {

using nlohmann::json;
using namespace permafrost::core;  // a program of one file

std::string read_maybe_gzipped(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) throw io_error(path, "open");
  std::string text;
  std::vector<char> block(1 << 20);
  int bytes = 0;
  while ((bytes = gzread(file, block.data(), static_cast<unsigned>(block.size()))) > 0) {
    text.append(block.data(), static_cast<size_t>(bytes));
  }
  gzclose(file);
  if (bytes < 0) throw DataError(path + ": damaged gzip file");
  return text;
}

json check(const std::string& path, const std::string& vocabulary) {
  const Tokenizer tokenizer(read_vocabulary(vocabulary));
  json result{{"strings", 0}, {"mismatches", 0}};
  int64_t strings = 0, mismatches = 0;
  for (const json& item : json::parse(read_maybe_gzipped(path))) {
    const auto text = item.at("text").get<std::string>();
    const auto expected = item.at("ids").get<std::vector<int64_t>>();
    const std::vector<int64_t> found = tokenizer.encode(text);
    if (found != expected && mismatches++ == 0) {
      result["first_mismatch"] = {{"index", strings}, {"text", text}, {"expected", expected}, {"found", found}};
    }
    ++strings;
  }
  result["strings"] = strings;
  result["mismatches"] = mismatches;
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: bpe_check FILE.json.gz VOCABULARY\n";
    return kExitUsage;
  }
  try {
    const json result = check(argv[1], argv[2]);
    std::cout << result.dump() << "\n";
    return result["mismatches"] == 0 ? kExitDone : kExitError;
  } catch (const std::exception& error) {
    std::cerr << "bpe_check: " << error.what() << "\n";
    return kExitError;
  }
}
