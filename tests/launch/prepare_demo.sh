#!/usr/bin/env bash
# Makes what the other tests of the main job use: a few of the demo's clips, its encoder, a bad video among them, the
# manifest and the cache.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/lib.sh"
rm -rf "$WORK"
mkdir -p "$WORK"
"$PERMAFROST" demo --out "$WORK/demo" --demo.train_clips_per_class 2 --demo.validation_clips_per_class 1 \
  --demo.encoder_steps 5
head -c 3000 /dev/urandom >"$WORK/demo/videos/broken_000000_000002.mp4"
first=$(sed -n 2p "$WORK/demo/videos/list.csv" | cut -d, -f1)
sed 's/$//' "$WORK/demo/videos/list.csv" >"$WORK/list.csv"
echo "$first,broken,0,2,train" >>"$WORK/list.csv"
echo "$first,absent,0,2,train" >>"$WORK/list.csv"

ranks 2 dataset scan --list "$WORK/list.csv" --root "$WORK/demo/videos" --out "$WORK/manifest.jsonl"
ranks 1 dataset scan --list "$WORK/list.csv" --root "$WORK/demo/videos" --out "$WORK/manifest-1.jsonl"
cmp "$WORK/manifest.jsonl" "$WORK/manifest-1.jsonl" || fail "the manifest depends on the number of ranks"
[ "$(grep -c '"status":"rejected"' "$WORK/manifest.jsonl")" -eq 2 ] || fail "expected two rejected videos"
grep -q '"reason":"[^"]' "$WORK/manifest.jsonl" || fail "a rejected video has no reason"
ranks 2 cache build --manifest "$WORK/manifest.jsonl" --encoder "$WORK/demo/encoder" --out "$WORK/cache" "${tiny[@]}"
[ -f "$WORK/cache/index.json" ] || fail "no index"
