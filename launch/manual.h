// The manual page permafrost(1), in roff: every verb with its usage, example and options, made of the tables that parse
// them.
#pragma once

#include <string>
#include <vector>

#include "launch/program.h"

namespace permafrost::launch {

std::string manual_page(const std::vector<Verb>& verbs, const core::OptionTable& table, const std::string& version);

}  // namespace permafrost::launch
