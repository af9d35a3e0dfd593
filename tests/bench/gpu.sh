#!/usr/bin/env bash
# On a machine with a GPU: the goldens and the codecs' kernels there, then the benchmarks (README.md says what each
# number is). Stops at the first fault.
#
#   tests/bench/gpu.sh [OUT]        OUT: where the JSON lines go (gpu.jsonl)
#
# Environment: ARCHS (b16), BATCH (8), STEPS (10).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build/release
out=${1:-gpu.jsonl}
: >"$out"

"$build/permafrost" bench gemm --device cuda --steps 1 >/dev/null  # says so where there is no card

echo "the kernels of every codec, against the CPU"
PERMAFROST_TEST_DEVICE=cuda:0 "$build/tests/data_test" --gtest_filter='*KernelDecoding*' --gtest_brief=1
echo "the goldens: largest errors of features, activations, gradients and of the first step"
for fixture in "$root"/tests/golden/dist_*.safetensors; do
  "$build/tests/golden_check" "$fixture" cuda | tee /dev/stderr | python3 -c 'import json, sys
errors = json.loads(sys.stdin.readline())
del errors["bf16_logits"]
sys.exit(any(error > 2e-5 for error in errors.values()))' # as the tests on the CPU
done

for dtype in fp32 bf16; do
  bench() { "$build/permafrost" bench "$@" --device cuda --dtype "$dtype" --steps "${STEPS:-10}" | tee -a "$out"; }
  bench gemm
  for arch in ${ARCHS:-b16}; do
    bench vit --arch "$arch" --frames 64 --batch "${BATCH:-8}"
    for codec in f16 int8 int4; do
      bench train-step --features memory --features cached --features online --arch "$arch" --frames 16 \
        --batch "${BATCH:-8}" --codec "$codec"
    done
  done
done
