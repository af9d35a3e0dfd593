// golden_check FILE.safetensors: our errors on a fixture in the layout of tests/golden/dist_*.safetensors, one JSON
// line.
#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/core/dist/dist_golden.h"

int main(int argc, char** argv) {
  using namespace permafrost::testing;
  if (argc != 2) {
    std::fprintf(stderr, "golden_check: expected one file, found %d: golden_check FILE.safetensors\n", argc - 1);
    return 2;
  }
  try {
    DistGolden golden(argv[1]);
    const Errors outputs = golden.outputs();
    const bool is_same_set = golden.without_gradient() == golden.expected_without_gradient();
    const nlohmann::ordered_json line{{"features", worst(golden.features())},
                                      {"activations", worst(golden.activations())},
                                      {"embedding", outputs.at("embedding")},
                                      {"logits", outputs.at("logits")},
                                      {"loss", outputs.at("loss")},
                                      {"gradients", worst(golden.gradients())},
                                      {"after_step", worst(golden.after_step())},
                                      {"bf16_logits", golden.bfloat16_logits()},
                                      {"wrong_set_without_gradient", is_same_set ? 0 : 1}};
    std::cout << line.dump() << std::endl;
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "golden_check: %s\n", error.what());
    return 1;
  }
}
