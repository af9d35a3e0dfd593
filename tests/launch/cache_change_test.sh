#!/usr/bin/env bash
# A cache that lives: videos come and go, classes change, codecs too, and what breaks is mended.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/lib.sh"
demo=$WORK
WORK=$WORK/change
rm -rf "$WORK" && mkdir -p "$WORK"
cache() { ranks "$1" cache "${@:2}" >"$WORK/out.log" 2>&1; }
must() { cache "$@" || fail "cache ${*:2}: $(cat "$WORK/out.log")"; }
must_not() { if cache "$@"; then fail "cache ${*:2}: was accepted"; fi; }
said() { grep -q -- "$1" "$WORK/out.log" || fail "expected '$1', found: $(cat "$WORK/out.log")"; }
scan() { ranks 2 dataset scan --list "$1" --root "$demo/demo/videos" --out "$2" 2>/dev/null; }
list="$demo/demo/videos/list.csv"
head -n 21 "$list" >"$WORK/some.csv"
scan "$list" "$WORK/all.jsonl"
scan "$WORK/some.csv" "$WORK/some.jsonl"

# --- Every codec builds, the same for 1 and 2 ranks, verifies, and is continued after a kill.
for codec in f32 bf16 int8 fp8 int4 lowrank; do
  for count in 1 2; do
    must $count build --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" --out "$WORK/$codec-$count" "${tiny[@]}" --codec $codec
  done
  cmp <(records "$WORK/$codec-1") <(records "$WORK/$codec-2") || fail "$codec: 1 and 2 ranks differ"
  must 1 verify --cache "$WORK/$codec-1" --deep
  must 1 build --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" --out "$WORK/$codec-1" "${tiny[@]}" --codec $codec
  said 'nothing to do'
done

# --- Part of the layers, pooled tokens, more views by their short names.
must 1 build --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" --out "$WORK/part" "${tiny[@]}" --layers last:1 --views 3
"$PERMAFROST" cache info --cache "$WORK/part" >"$WORK/info.json"
grep -q '"train_views": 3' "$WORK/info.json" || fail "--views 3: $(cat "$WORK/info.json")"
must 1 build --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" --out "$WORK/pooled" "${tiny[@]}" --tokens pool2
must_not 1 build --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" --out "$WORK/wrong" "${tiny[@]}" --layers 1,0
said 'cache.layers'

# --- New videos are added by any number of ranks, and the result has the records of a cache built at once.
must 2 build --manifest "$WORK/some.jsonl" --encoder "$demo/demo/encoder" --out "$WORK/grown" "${tiny[@]}" --codec f16
must_not 1 build --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" --out "$WORK/grown" "${tiny[@]}" --codec f16
said 'cache add'
must 2 add --cache "$WORK/grown" --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" "${tiny[@]}"
must 1 add --cache "$WORK/grown" --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" "${tiny[@]}"
said 'nothing to do'
must 1 verify --cache "$WORK/grown" --deep
must 1 build --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" --out "$WORK/at-once" "${tiny[@]}" --codec f16
"$PERMAFROST" cache info --cache "$WORK/grown" | grep -v '"cache"\|"shards"\|"bytes"' >"$WORK/a"
"$PERMAFROST" cache info --cache "$WORK/at-once" | grep -v '"cache"\|"shards"\|"bytes"' >"$WORK/b"
cmp "$WORK/a" "$WORK/b" || fail "a grown cache differs: $(diff "$WORK/a" "$WORK/b")"

# --- What is there is as it is: an option that was given and says otherwise is refused, in a line of its own.
refused() {  # refused LINE OPTION...
  local line=$1 code=0
  shift
  "$PERMAFROST" cache add --cache "$WORK/grown" --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" "$@" >"$WORK/out.log" 2>&1 || code=$?
  [ "$code" -eq 2 ] || fail "cache add $*: exit code $code, expected 2: $(cat "$WORK/out.log")"
  said "$line"
  [ "$(wc -l <"$WORK/out.log")" -eq 1 ] || fail "$*: expected one line, found: $(cat "$WORK/out.log")"
}
there="but $WORK/grown has"
refused "command line: option 'cache.codec' is int8, $there f16: leave it out" --codec int8
refused "'cache.layers' is 1, $there \\[0,1\\]" --layers 1
refused "'views' is 3, $there 2" --views 3
refused "'cache.tokens' is pool2, $there full" --tokens pool2
refused "'sampling.frames' is 8, $there 4" --sampling.frames 8
refused "'cache.encoder_dtype' is bf16, $there fp32" --cache.encoder_dtype bf16
refused "'sampling.seed' is 5, $there 0" --sampling.seed 5
printf '[cache]\ncodec = int4\n' >"$WORK/other.ini"
refused "$WORK/other.ini: option 'cache.codec' is int4, $there f16" --config "$WORK/other.ini"
must_not 1 verify --repair --cache "$WORK/grown" --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" --codec int8
said "option 'cache.codec' is int8, $there f16"
must_not 1 recode --cache "$WORK/grown" --out "$WORK/refused" --codec int8 --layers 0
said "'cache.layers' is 0, $there \\[0,1\\]"
must_not 1 recode --cache "$WORK/lowrank-1" --out "$WORK/refused"
said 'expected --codec f32|f16|bf16|int8|fp8|int4|lowrank, found none'
must_not 1 add --cache "$WORK/lowrank-1" --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" --bits 3
said "'cache.bits' is 3, but $WORK/lowrank-1 has another number of bits"
must 1 add --cache "$WORK/lowrank-1" --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" --bits 4 --codec lowrank --layers every:1 --views 2

# --- A takedown: not a byte of the id stays, and no build or add brings it back.
id=$(sed -n 5p "$WORK/all.jsonl" | grep -o '"id":"[^"]*"' | cut -d'"' -f4)
grep -q "$id" "$WORK/grown"/*.h5 || fail "the video to remove is not there"
must 1 remove --cache "$WORK/grown" --ids "$id"
said '1 videos removed'
if grep -q "$id" "$WORK/grown"/*.h5; then fail "the removed video is still in a shard"; fi
must 1 verify --cache "$WORK/grown" --deep
must 1 add --cache "$WORK/grown" --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" "${tiny[@]}"
said 'nothing to do'
must 1 build --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" --out "$WORK/grown" "${tiny[@]}" --codec f16
said 'nothing to do'
# Killed before the first shard was written anew: neither a build nor a repair brings the video back.
second=$(sed -n 7p "$WORK/all.jsonl" | grep -o '"id":"[^"]*"' | cut -d'"' -f4)
for goes_on in remove build repair; do
  rm -rf "$WORK/cut-short" && cp -r "$WORK/grown" "$WORK/cut-short"
  must 1 remove --cache "$WORK/cut-short" --ids "$second"
  cp "$WORK/grown"/*.h5 "$WORK/cut-short/" && rm "$WORK/cut-short/index.json"
  case $goes_on in
    remove) must 1 remove --cache "$WORK/cut-short" --ids "$second" ;;
    build) must 1 build --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" --out "$WORK/cut-short" "${tiny[@]}" --codec f16 ;;
    repair) must 1 verify --cache "$WORK/cut-short" --repair --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" ;;
  esac
  if grep -q "$second" "$WORK/cut-short"/*.h5; then fail "$goes_on: the video is back"; fi
  must 1 verify --cache "$WORK/cut-short" --deep
done
must_not 1 remove --cache "$WORK/grown" --ids nobody
said "no video 'nobody'"

# --- Other classes without a rebuild.
before=$(records "$WORK/grown")
sed 's/^red /crimson /' "$list" >"$WORK/renamed.csv"
scan "$WORK/renamed.csv" "$WORK/renamed.jsonl"
must 1 relabel --cache "$WORK/grown" --manifest "$WORK/renamed.jsonl"
[ "$before" = "$(records "$WORK/grown")" ] || fail "relabel wrote a shard"
must 1 verify --cache "$WORK/grown"
ranks 1 train --cache "$WORK/grown" --run "$WORK/renamed-run" "${tiny[@]}" --recipe.epochs 1 2>"$WORK/train.log" || fail "$(cat "$WORK/train.log")"
grep -q 'crimson' "$WORK/renamed-run/checkpoints"/*/state.json || fail "the run does not know the new classes"

# --- Another codec without the videos: as if it had been built so, from lossless features.
must 2 recode --cache "$WORK/f32-1" --out "$WORK/recoded" --codec f16
cmp <(records "$WORK/recoded") <(records "$WORK/at-once") || fail "recoded from f32 to f16 is not what f16 builds"
must_not 1 recode --cache "$WORK/f32-1" --out "$WORK/recoded" --codec int4
said 'holds a cache already'
must 1 recode --cache "$WORK/f32-1" --out "$WORK/recoded4" --codec int4
# Cut short it goes on: what is made is not made again. Nobody else takes what it left.
rm -rf "$WORK/source" && cp -r "$WORK/f32-1" "$WORK/source"
last=$(find "$WORK/source" -name '*.h5' | sort | tail -n 1)
truncate -s 5000 "$last"
must_not 1 recode --cache "$WORK/source" --out "$WORK/resumed" --codec f16
[ ! -e "$WORK/resumed/index.json" ] || fail "a recode of a damaged cache is complete"
made() { (cd "$WORK/resumed" && stat -c '%n %i %y' ./*.h5); }
before=$(made)
[ -n "$before" ] || fail "a recode that was cut short left no shard: this tests nothing"
must_not 1 recode --cache "$WORK/f32-2" --out "$WORK/resumed" --codec bf16
said 'holds shards of another cache that is not complete'
must_not 1 build --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" --out "$WORK/resumed" "${tiny[@]}" --codec f16
said 'a recode into it is not complete'
cp "$WORK/f32-1/$(basename "$last")" "$last"
must 2 recode --cache "$WORK/source" --out "$WORK/resumed" --codec f16
[ "$(made | head -n "$(wc -l <<<"$before")")" = "$before" ] || fail "finished shards were made again"
cmp <(records "$WORK/resumed") <(records "$WORK/at-once") || fail "a recode that went on made other bytes"
[ ! -e "$WORK/resumed/.recode" ] || fail "a complete recode left its mark"
must 1 verify --cache "$WORK/resumed" --deep
must 1 verify --cache "$WORK/recoded4" --deep

# --- Repair builds what is broken and nothing else, to the same bytes.
expected=$(records "$WORK/int4-1")
for harm in 'rm shard-00001.h5' 'truncate -s 5000 shard-00000.h5' 'printf x >>index.json' 'printf x >>index.copy.json' \
  'cp shard-00000.h5 shard-00002.h5' 'cp shard-00000.h5 shard-77777.h5' 'rm index.json' 'printf x >>codec.safetensors' \
  'rm codec.safetensors' 'rm codec.copy.safetensors'; do
  rm -rf "$WORK/harmed" && cp -r "$WORK/int4-1" "$WORK/harmed"
  (cd "$WORK/harmed" && eval "$harm")
  must_not 1 verify --cache "$WORK/harmed"
  must 2 verify --cache "$WORK/harmed" --repair --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder"
  [ "$expected" = "$(records "$WORK/harmed")" ] || fail "$harm: repaired to other bytes"
  must 1 verify --cache "$WORK/harmed" --deep
done

# --- An audit tells what codecs cost.
must 1 audit --manifest "$WORK/all.jsonl" --encoder "$demo/demo/encoder" "${tiny[@]}" --json
said '"recommended"'
