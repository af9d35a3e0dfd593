#!/usr/bin/env bash
# Every measurement prints lines that a plan can be made from, and leaves nothing behind. How fast it is decides nothing.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/lib.sh"
export TMPDIR="$WORK/bench_scratch"
rm -rf "$TMPDIR" && mkdir -p "$TMPDIR"
bench() { "$PERMAFROST" bench "$@" --threads 2 --bench.seconds 0.2; }
check() {  # check EXPRESSION FILE: of every line, a dictionary named line
  python3 -c 'import json, sys
for text in open(sys.argv[2]):
    line = json.loads(text)
    assert line["per_second"] > 0 and line["threads"] == 2, line
    assert eval(sys.argv[1]), (sys.argv[1], line)' "$1" "$2" || fail "$2"
}

small=(--arch b32 --frames 4 --steps 1)
bench gemm --steps 1 >"$WORK/gemm.jsonl"
check 'line["gflops"] > 0 and line["columns"] == 3072' "$WORK/gemm.jsonl"
bench vit "${small[@]}" --batch 2 >"$WORK/vit.jsonl"
check 'line["unit"] == "frames" and line["batch"] == 2 and line["share_of_gemm"] > 0' "$WORK/vit.jsonl"
for codec in f16 int4; do
  bench train-step "${small[@]}" --codec $codec --features memory --features cached --features online --batch 2 \
    >"$WORK/step.jsonl"
  check 'line["unit"] == "clips" and line["encoder"] == "vit_b32" and line["ratio_to_first"] > 0' "$WORK/step.jsonl"
  [ "$(grep -oE '"features":"[a-z]+"' "$WORK/step.jsonl" | tr -d '\n')" = \
    '"features":"memory""features":"cached""features":"online"' ] || fail "$(cat "$WORK/step.jsonl")"
  grep -q "\"codec\":\"$codec\"" "$WORK/step.jsonl" || fail "no codec in $(cat "$WORK/step.jsonl")"
done
# A step on computed features multiplies more than one on given ones; a cached one as much as one in memory.
python3 -c 'import json, sys
work = {line["features"]: line["gflops"] * line["seconds"] for line in map(json.loads, open(sys.argv[1]))}
assert abs(work["cached"] / work["memory"] - 1) < 1e-9 and work["online"] > work["memory"], work' "$WORK/step.jsonl" ||
  fail "$(cat "$WORK/step.jsonl")"
bench roofline "${small[@]}" >"$WORK/roofline.jsonl"
python3 -c 'import json, sys
lines = [json.loads(text) for text in open(sys.argv[1])]
parts = {line["part"]: line for line in lines}
nets = {"temporal_nets", "integration_nets", "temporal2integration_nets", "integration2temporal_nets", "adapooling_nets"}
assert set(parts) == nets | {"temporal_stem", "input_linears", "optimizer", ""}, parts
assert abs(sum(line["share_of_step"] for line in lines) - 1) < 1e-6, lines
assert all(line["ms"] > 0 for line in lines), lines
# Forward and backward of a part are under its name: a convolution has its backward there.
assert "aten::convolution_backward" in parts["temporal_nets"]["operators_ms"], parts
assert all(parts[name]["gflop"] > 0 for name in nets), parts' "$WORK/roofline.jsonl" || fail "$(cat "$WORK/roofline.jsonl")"
bench checkpoint "${small[@]}" >"$WORK/checkpoint.jsonl"
check 'line["unit"] == "GB" and line["bytes"] > 1e6 and 0 < line["copy_ms"] <= line["write_ms"]' "$WORK/checkpoint.jsonl"
ranks 2 bench reduce --steps 3 --train.bucket_mib 1 >"$WORK/reduce.jsonl"
python3 -c 'import json, sys
line = json.load(open(sys.argv[1]))
assert line["ranks"] == 2 and line["bytes"] == 1 << 20 and line["sent_per_second"] == line["per_second"] > 0, line' \
  "$WORK/reduce.jsonl" || fail "$(cat "$WORK/reduce.jsonl")"
rm -rf "$WORK/bench_videos" && mkdir "$WORK/bench_videos"
cp "$WORK"/demo/videos/demo-*0_*.mp4 "$WORK/bench_videos"
bench decode "$WORK/bench_videos" >"$WORK/decode.jsonl"
check 'line["unit"] == "clips" and line["files"] > 1' "$WORK/decode.jsonl"
for cold in "" --cold; do
  # shellcheck disable=SC2086
  bench loader "$WORK/cache" $cold >"$WORK/loader.jsonl"
  check 'line["ratio_to_raw"] > 0 and line["raw_kept_per_second"] > 0 and line["checksum_per_second"] > 0' "$WORK/loader.jsonl"
done
[ -z "$(ls -A "$TMPDIR")" ] || fail "left behind: $(ls "$TMPDIR")"

cat "$WORK"/{gemm,vit,step,decode,loader}.jsonl >"$WORK/rates.jsonl"
"$PERMAFROST" plan --model.encoder vit_b32 --sampling.frames 4 --plan.train_videos 100 --plan.eval_videos 10 \
  --recipe.batch 4 --rates "$WORK/rates.jsonl" >"$WORK/plan.txt"
for rate in 'frozen forward .*\(bench vit, 4 frames\)' 'train step .*\(bench train-step, 4 frames\)' 'decoding .*bench decode'; do
  grep -qE "$rate" "$WORK/plan.txt" || fail "no '$rate' in $(cat "$WORK/plan.txt")"
done

refuses() {  # refuses PATTERN OPTION...
  local code=0 pattern=$1
  shift
  "$PERMAFROST" bench "$@" >"$WORK/bench.out" 2>"$WORK/bench.err" || code=$?
  [ "$code" -eq 2 ] || fail "bench $*: exit code $code, expected 2"
  grep -qE -- "$pattern" "$WORK/bench.err" || fail "bench $*: expected '$pattern', found: $(cat "$WORK/bench.err")"
}
refuses 'bench reduce: expected several ranks, found one' reduce
refuses "expected one of decode, loader, gemm, vit, train-step, roofline, checkpoint, reduce after it, found 'speed'" speed
refuses "'bench.features' is 'disk', expected memory, cached or online" train-step "${small[@]}" --features disk
refuses "bench loader: expected one cache after it" loader
refuses "'bench.arch' is 'b17', expected b32\|b16\|l14" vit --arch b17
