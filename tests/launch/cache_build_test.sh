#!/usr/bin/env bash
# The cache is the same for 1, 2 and 4 ranks and across a kill; it is not built twice, and not by another encoder.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
build() { ranks "$1" cache build --manifest "$WORK/manifest.jsonl" --encoder "${3:-$WORK/demo/encoder}" --out "$2" "${tiny[@]}"; }
records "$WORK/cache" >"$WORK/expected.sha"
for count in 1 4; do
  rm -rf "$WORK/cache-$count"
  build "$count" "$WORK/cache-$count"
  records "$WORK/cache-$count" | cmp - "$WORK/expected.sha" || fail "$count ranks built other bytes than 2"
done

rm -rf "$WORK/cache-killed"
build 2 "$WORK/cache-killed" >"$WORK/killed.log" 2>&1 &
job=$!
until [ "$(find "$WORK/cache-killed" -name 'shard-*.h5' 2>/dev/null | wc -l)" -ge 2 ]; do
  kill -0 "$job" 2>/dev/null || break
  sleep 0.01
done
pkill -KILL -P "$job" || true
kill -KILL "$job" 2>/dev/null || true
wait "$job" 2>/dev/null || true
sleep 1
build 2 "$WORK/cache-killed"
records "$WORK/cache-killed" | cmp - "$WORK/expected.sha" || fail "a killed build ended with other bytes"
[ -z "$(find "$WORK/cache-killed" -name '*.partial-*')" ] || fail "leftovers of the killed build"

build 2 "$WORK/cache" 2>&1 | grep -q 'nothing to do' || fail "a complete cache was not recognised"
"$PERMAFROST" cache verify --cache "$WORK/cache" || fail "a sound cache does not verify"

rm -rf "$WORK/damaged" && cp -r "$WORK/cache" "$WORK/damaged"
printf '\xff' | dd of="$WORK/damaged/shard-00001.h5" bs=1 seek=9000 conv=notrunc status=none
if "$PERMAFROST" cache verify --cache "$WORK/damaged" 2>"$WORK/verify.log"; then fail "a flipped byte was not found"; fi
grep -q 'shard-00001.h5' "$WORK/verify.log" || fail "verify does not name the shard"

"$PERMAFROST" demo --out "$WORK/other" --demo.train_clips_per_class 1 --demo.validation_clips_per_class 1 \
  --demo.encoder_steps 2 --demo.seed 9
if build 1 "$WORK/cache" "$WORK/other/encoder" 2>"$WORK/other.log"; then fail "another encoder was accepted"; fi
grep -q 'encoder_sha256' "$WORK/other.log" || fail "the differing field is not named: $(cat "$WORK/other.log")"

# The same encoder in another way is another cache: the key names in which.
refuses() {  # refuses FIELD OPTION VALUE
  if ranks 1 cache build --manifest "$WORK/manifest.jsonl" --encoder "$WORK/demo/encoder" --out "$WORK/cache" \
    "${tiny[@]}" "$2" "$3" 2>"$WORK/other.log"; then fail "$2 $3 was accepted"; fi
  grep -q "$1" "$WORK/other.log" || fail "$2 $3: $1 is not named: $(cat "$WORK/other.log")"
}
refuses encoder_dtype --cache.encoder_dtype bf16
refuses image_size --cache.image_size 48
refuses 'no multiple of patch_size 8' --cache.image_size 50
