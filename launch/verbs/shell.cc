// What the program prints about itself for shells and man.
#include <iostream>

#include "core/base/error.h"
#include "launch/completion.h"
#include "launch/manual.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {

int run_completion(Invocation& invocation) {
  const std::string shell = invocation.words.empty() ? "" : invocation.words.front();
  if (shell != "bash" && shell != "zsh") {
    throw core::ConfigError("completion: expected bash or zsh after it, found '" + shell + "'");
  }
  std::cout << (shell == "bash" ? bash_completion : zsh_completion)(verbs(), *invocation.table) << std::flush;
  return core::kExitDone;
}

int run_man(Invocation& invocation) {
  std::cout << manual_page(verbs(), *invocation.table, PERMAFROST_VERSION) << std::flush;
  return core::kExitDone;
}

}  // namespace permafrost::launch
