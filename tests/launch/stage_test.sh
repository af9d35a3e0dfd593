#!/usr/bin/env bash
# Copies of shards on a node's own disk change no bit of the weights, and nothing of them is left: not at the end, not
# after a stop or an error, and after a kill not beyond the next run.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/lib.sh"
stage=$WORK/stage
rm -rf "$WORK"/run-stage-* "$stage" "$WORK/cache-damaged"
train() {  # train RANKS RUN OPTION...
  local count=$1 run=$2
  shift 2
  ranks "$count" train --cache "$WORK/cache" --run "$WORK/$run" "${tiny[@]}" "$@"
}
staged=(--stage "$stage" --stage-gb 1)
expect_nothing_staged() {  # expect_nothing_staged WHEN
  local left
  left=$(find "$stage" -mindepth 1) || fail "$1: no $stage"
  [ -z "$left" ] || fail "$1: left in the stage: $left"
}
shards=$(find "$WORK/cache" -name '*.h5' | wc -l)
for count in 1 2; do
  train "$count" "run-stage-plain-$count"
  train "$count" "run-stage-staged-$count" "${staged[@]}" 2>&1 | tee "$WORK/stage.log"
  [ "$(weights "$WORK/run-stage-staged-$count")" = "$(weights "$WORK/run-stage-plain-$count")" ] || fail "$count ranks: staged: other bits"
  grep -qE "staged [1-9][0-9]* shards, .* GB; [1-9][0-9.]* % of [0-9]+ reads were from the stage" "$WORK/stage.log" || fail "$count ranks: nothing was staged"
  [ "$(grep -oE 'staged [0-9]+ shards' "$WORK/stage.log" | grep -oE '[0-9]+')" -le "$shards" ] || fail "$count ranks: a shard was staged twice"
  expect_nothing_staged "$count ranks"
done

# Of a cache that lacks a layer and three in ten videos, the rest computed in the step: the same, staged or not.
rm -rf "$WORK/cache-part"
videos=(--manifest "$WORK/manifest.jsonl" --encoder "$WORK/demo/encoder")
ranks 2 cache build "${videos[@]}" --out "$WORK/cache-part" "${tiny[@]}" --layers 0
grep -oE '"id":"[^"]*"' "$WORK/manifest.jsonl" | cut -d'"' -f4 | grep -v broken | grep -v absent | awk 'NR % 10 < 3' >"$WORK/removed.txt"
"$PERMAFROST" cache remove --cache "$WORK/cache-part" --ids "$WORK/removed.txt"
for count in 1 2; do
  for way in plain staged; do
    options=()
    [ "$way" = plain ] || options=("${staged[@]}")
    ranks "$count" train --cache "$WORK/cache-part" "${videos[@]}" --run "$WORK/run-stage-mixed-$way-$count" "${tiny[@]}" "${options[@]}" \
      2>&1 | tee "$WORK/stage.log"
    grep -qE 'on cached and computed features: [1-9][0-9]* of [0-9]+ clips are cached, with 1 of 2 layers' "$WORK/stage.log" ||
      fail "mixed, $way: not of a cache that lacks a layer: $(cat "$WORK/stage.log")"
  done
  read -r cached all < <(grep -oE '[0-9]+ of [0-9]+ clips are cached' "$WORK/stage.log" | awk '{ print $1, $3 }')
  [ "$cached" -lt "$all" ] || fail "mixed: no training video was removed"
  grep -qE "staged [1-9][0-9]* shards, .* GB; [1-9][0-9.]* % of [0-9]+ reads were from the stage" "$WORK/stage.log" || fail "mixed, $count ranks: nothing was staged"
  [ "$(weights "$WORK/run-stage-mixed-staged-$count")" = "$(weights "$WORK/run-stage-mixed-plain-$count")" ] || fail "mixed, $count ranks: staged: other bits"
  expect_nothing_staged "mixed, $count ranks"
done

# Too little for one shard, and a folder that cannot be made: slower, and the same.
train 1 run-stage-tiny --stage "$stage" --stage-gb 0.000001
[ "$(weights "$WORK/run-stage-tiny")" = "$(weights "$WORK/run-stage-plain-1")" ] || fail "a tiny stage: other bits"
expect_nothing_staged "a tiny stage"
train 1 run-stage-nowhere --stage "$WORK/list.csv" --stage-gb 1 2>&1 | tee "$WORK/stage.log"
[ "$(grep -c 'no shards are staged' "$WORK/stage.log")" -eq 1 ] || fail "expected one warning: $(cat "$WORK/stage.log")"
[ "$(weights "$WORK/run-stage-nowhere")" = "$(weights "$WORK/run-stage-plain-1")" ] || fail "no stage: other bits"

has_copy() { [ -n "$(find "$stage" -name '*.h5' 2>/dev/null)" ]; }

# Killed: copies stay behind, the next run removes them, goes on and ends with the same bits.
train 2 run-stage-long "${long[@]}"
train 2 run-stage-killed "${staged[@]}" "${long[@]}" >"$WORK/stage.log" 2>&1 &
job=$!
wait_for "$job" has_copy
wait_for "$job" has_step "$WORK/run-stage-killed" 6
# shellcheck disable=SC2046  # one word for each process
kill -KILL $(pgrep -f "permafrost train --cache $WORK/cache --run $WORK/run-stage-killed") || true
wait "$job" 2>/dev/null || true
sleep 1
has_copy || fail "a killed run left no copies: this test tests nothing"
mkdir "$stage/permafrost-0123456789abcdef"
touch "$stage/permafrost-0123456789abcdef/shard-00000.h5"
train 2 run-stage-killed "${staged[@]}" "${long[@]}"
[ "$(weights "$WORK/run-stage-killed")" = "$(weights "$WORK/run-stage-long")" ] || fail "killed and resumed: other bits"
expect_nothing_staged "after a kill and another run"

# Asked to stop.
PERMAFROST="$PERMAFROST" "$here/../../launch/run.sh" -np 2 train --cache "$WORK/cache" --run "$WORK/run-stage-stopped" "${tiny[@]}" --threads 1 \
  "${staged[@]}" "${long[@]}" >"$WORK/stage.log" 2>&1 &
job=$!
wait_for "$job" has_step "$WORK/run-stage-stopped" 2
kill -TERM "$job"
code=0
wait "$job" || code=$?
[ "$code" -eq 75 ] || fail "expected the exit code 75, found $code: $(cat "$WORK/stage.log")"
expect_nothing_staged "after a stop"

# A damaged shard is not staged, the reader tells, and an error leaves nothing either.
cp -r "$WORK/cache" "$WORK/cache-damaged"
damaged=$(find "$WORK/cache-damaged" -name '*.h5' | sort | head -n 1)
size=$(stat -c %s "$damaged")
head -c $((size / 2)) /dev/zero | tr '\0' '\377' | dd of="$damaged" bs=4k seek=$((size / 4)) oflag=seek_bytes conv=notrunc status=none
code=0
ranks 1 train --cache "$WORK/cache-damaged" --run "$WORK/run-stage-damaged" "${tiny[@]}" "${staged[@]}" >"$WORK/stage.log" 2>&1 || code=$?
[ "$code" -eq 1 ] || fail "a damaged shard: exit code $code: $(cat "$WORK/stage.log")"
grep -q "$(basename "$damaged").*run permafrost cache verify --repair" "$WORK/stage.log" || fail "no word of the damaged shard: $(cat "$WORK/stage.log")"
expect_nothing_staged "after an error"

refused() {  # refused TEXT OPTION...
  local text=$1 code=0
  shift
  "$PERMAFROST" train --run "$WORK/run-stage-refused" "$@" 2>"$WORK/stage.log" || code=$?
  [ "$code" -eq 2 ] || fail "$*: exit code $code, expected 2: $(cat "$WORK/stage.log")"
  grep -q -- "$text" "$WORK/stage.log" || fail "expected '$text', found: $(cat "$WORK/stage.log")"
}
refused "'stage-gb' is 1, expected --stage" --cache "$WORK/cache" --stage-gb 1
refused "'stage-gb' is 0, expected more than 0" --cache "$WORK/cache" --stage "$stage"
refused "'stage-gb' is -3, expected more than 0" --cache "$WORK/cache" --stage "$stage" --stage-gb=-3
refused "expected --cache beside it" --manifest "$WORK/manifest.jsonl" --encoder "$WORK/demo/encoder" --stage "$stage" --stage-gb 1
