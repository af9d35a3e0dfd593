#include "launch/training/text_head.h"

#include <map>

#include "core/base/error.h"
#include "core/encoder/class_texts.h"

namespace permafrost::launch {
namespace {

core::ClassTexts read(const std::string& path) {
  if (path.empty()) {
    throw core::ConfigError(
        "model.head is text: expected --text FILE with the features of the class names, found none: make it with "
        "`permafrost text`, or choose model.head = linear for an encoder without a text tower");
  }
  return core::read_class_texts(path);
}

}  // namespace

int64_t text_width(const std::string& path) { return read(path).features.size(1); }

void fill_text_head(core::Head& head, const std::string& path, const std::vector<std::string>& labels) {
  if (head->config.kind != core::HeadKind::kText) return;
  const core::ClassTexts texts = read(path);
  std::map<std::string, int64_t> row_of;
  for (size_t i = 0; i < texts.names.size(); ++i) row_of[texts.names[i]] = static_cast<int64_t>(i);
  std::vector<int64_t> rows;
  for (const std::string& label : labels) {
    const auto found = row_of.find(label);
    if (found == row_of.end()) {
      throw core::DataError(path + ": expected the text of class '" + label + "', found none among " +
                            std::to_string(texts.names.size()) + ": make it anew from the data set's labels");
    }
    rows.push_back(found->second);
  }
  head->set_text(texts.features.index_select(0, torch::tensor(rows, torch::kInt64)), texts.logit_scale);
}

}  // namespace permafrost::launch
