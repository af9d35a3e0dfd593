// golden_check FILE.safetensors [cuda]: our errors on a fixture in the layout of tests/golden/dist_*.safetensors, on
// the CPU or a GPU, one JSON line.
#include <ATen/Context.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>

#include "tests/core/dist/dist_golden.h"
#include "tests/core/golden.h"

int main(int argc, char** argv) {
  using namespace permafrost::testing;
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "golden_check: expected one file, found %d words: golden_check FILE.safetensors [cuda]\n",
                 argc - 1);
    return 2;
  }
  at::globalContext().setAllowTF32CuDNN(false);
  try {
    DistGolden golden(argv[1], torch::Device(argc == 3 ? argv[2] : "cpu"));
    const Errors outputs = golden.outputs();
    const bool is_same_set = golden.without_gradient() == golden.expected_without_gradient();
    const nlohmann::ordered_json line{{"features", printable(worst(golden.features()))},
                                      {"activations", printable(worst(golden.activations()))},
                                      {"embedding", printable(outputs.at("embedding"))},
                                      {"logits", printable(outputs.at("logits"))},
                                      {"loss", printable(outputs.at("loss"))},
                                      {"gradients", printable(worst(golden.gradients()))},
                                      {"after_step", printable(worst(golden.after_step()))},
                                      {"bf16_logits", printable(golden.bfloat16_logits())},
                                      {"wrong_set_without_gradient", is_same_set ? 0 : 1}};
    std::cout << line.dump() << std::endl;
    return 0;
  } catch (const c10::Error& error) {
    std::fprintf(stderr, "golden_check: %s: not such a fixture: %s\n", argv[1], error.what_without_backtrace());
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "golden_check: %s\n", error.what());
    return 1;
  }
}
