#include "tests/tools/text_check.h"

#include <torch/types.h>

#include <sstream>

#include "core/base/error.h"
#include "core/checkpoint/safetensors.h"
#include "core/encoder/text_encoder.h"

namespace permafrost::testing {

double worst_text_error(const std::string& directory) {
  core::TextEncoder encoder(directory);
  const core::SafetensorsFile file = core::read_safetensors(directory + "/expected.safetensors");
  const torch::Tensor expected = file.at("output.text_embeds").to(torch::kFloat64);
  const torch::Tensor found = encoder.encode(file.at("input.ids").to(torch::kInt64)).to(torch::kFloat64);
  if (!found.sizes().equals(expected.sizes())) {
    std::ostringstream shapes;
    shapes << found.sizes() << ", expected " << expected.sizes();
    throw core::DataError(directory + ": text embeddings have shape " + shapes.str());
  }
  const double scale = expected.abs().max().item<double>();
  return (found - expected).abs().max().item<double>() / (scale > 0 ? scale : 1.0);
}

}  // namespace permafrost::testing
