#include <array>

#include "core/base/error.h"
#include "launch/verbs/dataset_verbs.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {
namespace {

struct Action {
  const char* word;
  size_t files;  // words that may follow
  int (*run)(Invocation&);
};

constexpr std::array<Action, 4> kActions{{{"scan", SIZE_MAX, &scan_dataset},
                                          {"merge", SIZE_MAX, &merge_datasets},
                                          {"info", 0, &tell_dataset},
                                          {"frames", 1, &dump_frames}}};

}  // namespace

int run_dataset(Invocation& invocation) {
  const std::string word = invocation.words.empty() ? "" : invocation.words.front();
  for (const Action& action : kActions) {
    if (word != action.word) continue;
    invocation.words.erase(invocation.words.begin());
    if (invocation.words.size() > action.files) {
      throw core::ConfigError("dataset " + word + " has no use for the word '" + invocation.words[action.files] + "'");
    }
    return action.run(invocation);
  }
  throw core::ConfigError("expected `dataset scan`, `merge`, `info` or `frames`, found '" + word + "'");
}

}  // namespace permafrost::launch
