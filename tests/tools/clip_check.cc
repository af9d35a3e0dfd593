// clip_check DIR: one JSON line of the errors of an encoder's folder against its expected.safetensors, each relative to
// max|tensor|. What is compared: vision_check.h, text_check.h.
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/checkpoint/safetensors.h"
#include "tests/core/golden.h"
#include "tests/tools/text_check.h"
#include "tests/tools/vision_check.h"

namespace permafrost::testing {
namespace {

std::map<std::string, double> errors_of(const std::string& directory) {
  const core::SafetensorsFile expected = core::read_safetensors(directory + "/expected.safetensors");
  if (expected.has("input.pixel_values")) return vision_errors(directory);
  if (expected.has("input.ids")) return {{"text_embeds", worst_text_error(directory)}};
  throw core::DataError(expected.path + ": expected a tensor 'input.pixel_values' or 'input.ids', found neither");
}

}  // namespace
}  // namespace permafrost::testing

int main(int count, char** words) {
  if (count != 2) {
    std::cerr << "usage: clip_check DIR\n";
    return permafrost::core::kExitUsage;
  }
  try {
    std::map<std::string, double> errors = permafrost::testing::errors_of(words[1]);
    for (auto& [what, error] : errors) error = permafrost::testing::printable(error);
    std::cout << nlohmann::json(errors).dump() << "\n";
  } catch (const c10::Error& error) {
    std::cerr << "clip_check: " << words[1] << ": not such a fixture: " << error.what_without_backtrace() << "\n";
    return permafrost::core::kExitError;
  } catch (const std::exception& error) {
    std::cerr << "clip_check: " << error.what() << "\n";
    return permafrost::core::kExitError;
  }
  return permafrost::core::kExitDone;
}
