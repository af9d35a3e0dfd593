// Class-name features for a text head, in the order of a data set's labels.
#pragma once

#include <string>
#include <vector>

#include "core/dist/head.h"

namespace permafrost::launch {

// The width e of the features in `path`. Throws ConfigError where `path` is empty.
int64_t text_width(const std::string& path);

// Fills a text head from the file `path`, picking features by name; leaves other heads alone. Throws ConfigError where
// `path` is empty, DataError naming the first label that the file has no text for.
void fill_text_head(core::Head& head, const std::string& path, const std::vector<std::string>& labels);

}  // namespace permafrost::launch
