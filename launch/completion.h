// What a shell needs to complete the program's verbs, their actions, options and values: made of the tables that parse
// them, so that it is never behind.
#pragma once

#include <string>
#include <vector>

#include "launch/program.h"

namespace permafrost::launch {

std::string bash_completion(const std::vector<Verb>& verbs, const core::OptionTable& table);
// Tells what each option is for, too.
std::string zsh_completion(const std::vector<Verb>& verbs, const core::OptionTable& table);

}  // namespace permafrost::launch
