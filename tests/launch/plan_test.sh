#!/usr/bin/env bash
# A plan's bytes are those of the cache that is built then; what it cannot know it asks for, in one line.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/lib.sh"
configs=$here/../../configs
plan() { "$PERMAFROST" plan "$@"; }
refuses() {  # refuses CODE PATTERN OPTION...
  local code=0 expected=$1 pattern=$2
  shift 2
  plan "$@" >"$WORK/plan.out" 2>"$WORK/plan.err" || code=$?
  [ "$code" -eq "$expected" ] || fail "plan $*: exit code $code, expected $expected: $(cat "$WORK/plan.err")"
  [ "$(wc -l <"$WORK/plan.err")" -eq 1 ] || fail "plan $*: expected one line, found: $(cat "$WORK/plan.err")"
  grep -qE -- "$pattern" "$WORK/plan.err" || fail "plan $*: expected '$pattern', found: $(cat "$WORK/plan.err")"
}
bytes_of() {  # bytes_of MODE CODEC: of a plan in $WORK/plan.json
  python3 -c 'import json, sys
for mode in json.load(open(sys.argv[1]))["modes"]:
    if (mode["mode"], mode["codec"]) == (sys.argv[2], sys.argv[3]): print(int(mode["cache_bytes"]))' "$WORK/plan.json" "$1" "$2"
}

# Records large enough that a shard's own headers are nothing beside them.
larger=(--sampling.frames 16 --cache.image_size 64 --sampling.eval_crops 3 --sampling.augment none)
for codec in f16 int8 fp8 int4 lowrank; do
  rm -rf "$WORK/planned"
  ranks 2 cache build --manifest "$WORK/manifest.jsonl" --encoder "$WORK/demo/encoder" --out "$WORK/planned" \
    "${tiny[@]}" "${larger[@]}" --cache.codec "$codec"
  "$PERMAFROST" cache info --cache "$WORK/planned" >"$WORK/planned.json"
  plan --manifest "$WORK/manifest.jsonl" --encoder "$WORK/demo/encoder" "${tiny[@]}" "${larger[@]}" \
    --cache.codec "$codec" --json >"$WORK/plan.json"
  told=$(bytes_of cached "$codec") built=$(field "$WORK/planned.json" bytes)
  ((told * 100 >= built * 98 && told * 100 <= built * 102)) || fail "$codec: planned $told bytes, built $built"
done

# No file but the config is needed: neither videos nor weights.
k710=(--config "$configs/k710_vit_l14_32+64f.ini" --nodes 8 --gpus 8 --storage-gbps 5)
plan "${k710[@]}" >"$WORK/plan.txt"
for word in '658,340 training videos' 'a multiply-add is 2 FLOPs' 'storage +5.00 GB/s a node +--storage-gbps' \
  'frozen forward .* assumed' 'GB a device' '^cached +int8 .* storage' '^online ' '^recommended: '; do
  grep -qE -- "$word" "$WORK/plan.txt" || fail "no '$word' in $(cat "$WORK/plan.txt")"
done
echo '{"bench":"decode","per_second":36.5,"unit":"clips","threads":2,"decoder_threads":1,"frames":16}' >"$WORK/rates.jsonl"
plan "${k710[@]}" --rates "$WORK/rates.jsonl" | grep -qE '18.2 clips/s a core .*rates.jsonl:1 \(bench decode, 16 frames\)' ||
  fail "a measured rate is not told"

refuses 2 "'nodes' is 0, expected at least 1" "${k710[@]}" --nodes 0
refuses 2 "'storage-gbps' is -1, expected" --config "$configs/k710_vit_l14_32+64f.ini" --storage-gbps=-1
refuses 2 "'plan.frozen_tflops' is -3, expected" "${k710[@]}" --plan.frozen_tflops=-3
refuses 2 "'model.encoder' is any, expected an architecture" "${tiny[@]}"
refuses 2 'give --plan.train_videos and --plan.eval_videos' --model.encoder vit_b16
refuses 2 'no more devices than clips in recipe.batch' "${k710[@]}" --nodes 80
refuses 2 "'link-gbit' is 0, expected" "${k710[@]}" --simulate --link-gbit 0
refuses 1 'no/run/metrics.jsonl: cannot open' --simulate --from no/run
plan "${k710[@]}" --simulate --device cuda >"$WORK/plan.txt"
grep -qE '^ +1024 +128 ' "$WORK/plan.txt" || fail "no line of 1024 ranks on 128 nodes in $(cat "$WORK/plan.txt")"
refuses 1 'no/rates: cannot open' "${k710[@]}" --rates no/rates
echo garbage >>"$WORK/rates.jsonl"
refuses 1 "rates.jsonl:2: expected a line of JSON .* found 'garbage': give --rates a file" "${k710[@]}" --rates "$WORK/rates.jsonl"
