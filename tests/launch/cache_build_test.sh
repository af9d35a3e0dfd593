#!/usr/bin/env bash
# The cache is the same for 1, 2 and 4 ranks and across a kill; it is not built twice, and not by another encoder.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
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
# The ranks first: without mpirun they would go on for a while, and might end the build.
for mpirun in $(pgrep -P "$job"); do
  pkill -KILL -P "$mpirun" || true
  kill -KILL "$mpirun" 2>/dev/null || true
done
kill -KILL "$job" 2>/dev/null || true
wait "$job" 2>/dev/null || true
sleep 1
[ ! -e "$WORK/cache-killed/index.json" ] || fail "the build ended before the kill: $(cat "$WORK/killed.log")"
build 2 "$WORK/cache-killed"
records "$WORK/cache-killed" | cmp - "$WORK/expected.sha" || fail "a killed build ended with other bytes"
[ -z "$(find "$WORK/cache-killed" -name '*.partial-*')" ] || fail "leftovers of the killed build"

# What it is going to make is said before it is made.
rm -rf "$WORK/told-cache"
build 2 "$WORK/told-cache" >"$WORK/told.log" 2>&1
clips=$("$PERMAFROST" cache info --cache "$WORK/told-cache" | sed -n 's/^  "records": \([0-9]*\).*/\1/p')
grep -qE "cache build: $clips clips in [0-9]+ shards: 4 frames each, 2 of them encoded; 2 of 2 layers as f16; [0-9.]+ MB a clip, [0-9.]+ GB in all" "$WORK/told.log" ||
  fail "not told what is made: $(cat "$WORK/told.log")"

build 2 "$WORK/cache" >"$WORK/again.log" 2>&1
grep -q 'nothing to do' "$WORK/again.log" || fail "a complete cache was not recognised: $(cat "$WORK/again.log")"
"$PERMAFROST" cache verify --cache "$WORK/cache" || fail "a sound cache does not verify"

rm -rf "$WORK/damaged" && cp -r "$WORK/cache" "$WORK/damaged"
printf '\xff' | dd of="$WORK/damaged/shard-00001.h5" bs=1 seek=9000 conv=notrunc status=none
if "$PERMAFROST" cache verify --cache "$WORK/damaged" 2>"$WORK/verify.log"; then fail "a flipped byte was not found"; fi
grep -q 'shard-00001.h5' "$WORK/verify.log" || fail "verify does not name the shard"

# A damaged index, a missing shard and a cut one: the same command mends them.
for harm in 'printf x >>index.json' 'echo {} >index.json' 'rm shard-00001.h5' 'truncate -s 5000 shard-00000.h5'; do
  rm -rf "$WORK/harmed" && cp -r "$WORK/cache" "$WORK/harmed"
  (cd "$WORK/harmed" && eval "$harm")
  build 2 "$WORK/harmed" >"$WORK/harmed.log" 2>&1 || fail "$harm: $(cat "$WORK/harmed.log")"
  if grep -q 'nothing to do' "$WORK/harmed.log"; then fail "$harm: was not noticed"; fi
  records "$WORK/harmed" | cmp - "$WORK/expected.sha" || fail "$harm: other bytes after the build"
  "$PERMAFROST" cache verify --cache "$WORK/harmed" || fail "$harm: does not verify"
done

# Videos that are lost after the scan are rejected, told again at each start, and taken back once they are repaired.
rm -rf "$WORK/videos" && cp -r "$WORK/demo/videos" "$WORK/videos"
scan() { ranks 2 dataset scan --list "$WORK/list.csv" --root "$WORK/videos" --out "$WORK/repaired.jsonl"; }
repair() { ranks 2 cache build --manifest "$WORK/repaired.jsonl" --encoder "$WORK/demo/encoder" --out "$WORK/repaired" "${tiny[@]}"; }
rm -rf "$WORK/repaired"
scan
mapfile -t clips < <(find "$WORK/videos" -name '*.mp4' ! -name 'broken*' | sort | head -n 2)
mv "${clips[0]}" "$WORK/lost.mp4"
cp "${clips[1]}" "$WORK/cut.mp4" && truncate -s 2000 "${clips[1]}"
repair >"$WORK/repair.log" 2>&1
grep -q '2 videos rejected' "$WORK/repair.log" || fail "expected two rejected videos: $(cat "$WORK/repair.log")"
repair >"$WORK/repair.log" 2>&1
grep -q 'nothing to do' "$WORK/repair.log" || fail "the same rejected videos: $(cat "$WORK/repair.log")"
grep -q '2 videos are rejected' "$WORK/repair.log" || fail "no word of the rejected videos: $(cat "$WORK/repair.log")"
mv "$WORK/lost.mp4" "${clips[0]}"
cp "$WORK/cut.mp4" "${clips[1]}"
repair >"$WORK/repair.log" 2>&1
grep -q ' 0 videos rejected' "$WORK/repair.log" || fail "repaired videos were not taken back: $(cat "$WORK/repair.log")"
records "$WORK/repaired" | cmp - "$WORK/expected.sha" || fail "other bytes after the repair"

# A video that the scan takes and no decoder does is tried once, not at each start, unless that is asked for.
rm -rf "$WORK/hopeless"
cut=$(stat -c %s "${clips[1]}")
dd if=/dev/zero of="${clips[1]}" bs=1 count=$((cut / 2)) seek=$((cut / 4)) conv=notrunc status=none
scan
hopeless() { ranks 2 cache build --manifest "$WORK/repaired.jsonl" --encoder "$WORK/demo/encoder" --out "$WORK/hopeless" "${tiny[@]}" "$@" >"$WORK/hopeless.log" 2>&1; }
hopeless
grep -q ' 1 videos rejected' "$WORK/hopeless.log" || fail "expected one rejected video: $(cat "$WORK/hopeless.log")"
grep -q '"entry_crc32c"' <("$PERMAFROST" cache info --cache "$WORK/hopeless") || fail "a rejection without its file's checksum"
for option in '' --retry-rejected; do
  # shellcheck disable=SC2086  # nothing, or one word
  hopeless $option
  grep -q 'nothing to do' "$WORK/hopeless.log" || fail "the same rejected video: $(cat "$WORK/hopeless.log")"
  grep -q '1 videos are rejected' "$WORK/hopeless.log" || fail "no word of the rejected video: $(cat "$WORK/hopeless.log")"
done
cp "$WORK/cut.mp4" "${clips[1]}"
scan
hopeless
grep -q ' 0 videos rejected' "$WORK/hopeless.log" || fail "a video of another file was not taken in: $(cat "$WORK/hopeless.log")"
records "$WORK/hopeless" | cmp - "$WORK/expected.sha" || fail "other bytes after the file was mended"

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

# The same names and lengths, one other file: another data set.
scan
cp "${clips[0]}" "$WORK/original.mp4"
printf '\xff' | dd of="${clips[0]}" bs=1 seek=$(($(stat -c %s "${clips[0]}") / 2)) conv=notrunc status=none
ranks 1 cache build --manifest "$WORK/repaired.jsonl" --encoder "$WORK/demo/encoder" --out "$WORK/flipped" "${tiny[@]}" \
  >"$WORK/flipped.log" 2>&1
grep -q '1 videos rejected' "$WORK/flipped.log" || fail "a flipped byte in a video went unnoticed: $(cat "$WORK/flipped.log")"
scan
if ranks 1 cache build --manifest "$WORK/repaired.jsonl" --encoder "$WORK/demo/encoder" --out "$WORK/cache" \
  "${tiny[@]}" 2>"$WORK/other.log"; then fail "other files were accepted"; fi
grep -q 'cached from another file or part' "$WORK/other.log" || fail "the other file is not named: $(cat "$WORK/other.log")"
