#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/encoder/class_texts.h"
#include "data/dataset/label_lists.h"
#include "launch/placement.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {
namespace {

core::Vocabulary vocabulary_of(const TextSettings& settings, const std::string& encoder) {
  const std::string own = settings.vocabulary.empty() ? core::find_vocabulary(encoder) : settings.vocabulary;
  if (!own.empty()) return core::read_vocabulary(own);
  throw core::ConfigError(encoder +
                          ": the encoder has no vocab.json and merges.txt: give --vocabulary, "
                          "bpe_simple_vocab_16e6.txt.gz or a folder with both files");
}

// Whether `path` holds these texts already. A file that is something else is about to be replaced, so it may be.
bool is_made(const std::string& path, const core::ClassTexts& wanted) {
  if (!std::filesystem::exists(path)) return false;
  try {
    return core::read_class_texts(path).identity() == wanted.identity();
  } catch (const core::DataError&) {
    return false;
  }
}

void print_result(const Invocation& invocation, const std::string& path, const core::ClassTexts& texts,
                  int64_t embedding) {
  const nlohmann::json result{{"path", path},
                              {"classes", texts.names.size()},
                              {"embedding", embedding},
                              {"templates", texts.templates},
                              {"label_map_sha256", texts.label_map_sha256},
                              {"sha256", texts.identity()}};
  if (invocation.settings.has.json) std::cout << result.dump() << "\n";
}

}  // namespace

int run_text(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::string& encoder_path = invocation.need(settings.path.encoder, "encoder");
  const std::string& out = invocation.need(settings.path.out, "out");
  const data::LabelMap labels = data::find_labels(invocation.need(settings.text.labels, "labels"));
  const core::Tokenizer tokenizer(vocabulary_of(settings.text, encoder_path));
  place_threads(invocation);
  core::TextEncoder encoder(encoder_path);
  const core::ClassTextsRequest request{labels.names(), labels.hash(), settings.text.templates};
  core::ClassTexts texts = core::describe_class_texts(request, tokenizer, encoder);
  if (is_made(out, texts)) {
    core::log_info() << out << ": nothing to do, it holds these texts already";
  } else {
    texts = core::make_class_texts(request, tokenizer, encoder);
    core::write_class_texts(out, texts);
    core::log_info() << out << ": " << labels.size() << " classes, " << encoder.config().embedding << " wide";
  }
  print_result(invocation, out, texts, encoder.config().embedding);
  return core::kExitDone;
}

}  // namespace permafrost::launch
