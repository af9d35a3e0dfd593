#!/usr/bin/env bash
# Several networks over one forward: each learns what it learns alone, to the bit, on cached features and on features
# computed in the step, on one rank and on two, stopped, killed, and where one of them was ahead of the others.
set -euo pipefail
# shellcheck source=tests/launch/lib.sh
source "$(dirname "$0")/lib.sh"
rm -rf "$WORK"/sweep* "$WORK"/alone*
cached=(--cache "$WORK/cache")
online=(--manifest "$WORK/manifest.jsonl" --encoder "$WORK/demo/encoder")
sweep=(--sweep "lr=1e-3,3e-3,wd=1e-4,1e-1")
train() {  # train RANKS RUN [OPTION ...]
  ranks "$1" train --run "$2" "${tiny[@]}" "${@:3}" >"$WORK/sweep.log" 2>&1 || return $?
}
expect_same() {  # expect_same RUN WHAT: each network of the sweep has the weights it has alone
  local lr wd point
  for lr in 1e-3 3e-3; do
    for wd in 1e-4 1e-1; do
      point=lr=$lr,wd=$wd
      [ "$(weights "$1/$point")" = "$(cat "$WORK/alone-$2-$point")" ] || fail "$2: $point has other weights than alone"
    done
  done
}
for way in "cached 1" "cached 2" "online 2"; do
  read -r kind count <<<"$way"
  declare -n inputs=$kind
  for lr in 1e-3 3e-3; do
    for wd in 1e-4 1e-1; do
      train "$count" "$WORK/alone" "${inputs[@]}" --recipe.learning_rate $lr --recipe.weight_decay $wd || fail "$(cat "$WORK/sweep.log")"
      weights "$WORK/alone" >"$WORK/alone-$kind-$count-lr=$lr,wd=$wd"
      rm -rf "$WORK/alone"
    done
  done
  train "$count" "$WORK/sweep-$kind-$count" "${inputs[@]}" "${sweep[@]}" || fail "$(cat "$WORK/sweep.log")"
  expect_same "$WORK/sweep-$kind-$count" "$kind-$count"
done
[ "$(sort -u "$WORK"/alone-cached-2-lr=* | wc -l)" -eq 4 ] || fail "the networks do not differ, so nothing was tested"
[ "$(grep -c '^lr=' "$WORK/sweep.log")" -eq 4 ] || fail "no table of 4 networks: $(cat "$WORK/sweep.log")"
[ "$(grep -o '"name"' "$WORK/sweep-online-2/sweep.json" | wc -l)" -eq 4 ] || fail "sweep.json lacks networks"
grep -A3 '"recipe.learning_rate"' "$WORK/sweep-online-2/lr=3e-3,wd=1e-4/config.json" | grep -q 'sweep' ||
  { grep -B3 '"sweep"' "$WORK/sweep-online-2/lr=3e-3,wd=1e-4/config.json" | grep -q 3e-3 || fail "config.json does not tell the swept value"; }
ranks 1 eval --run "$WORK/sweep-cached-2/lr=3e-3,wd=1e-4" --cache "$WORK/cache" >/dev/null || fail "a network of a sweep is no run"

# Started again when all is done, it has the same to tell.
cp "$WORK/sweep-cached-2/sweep.json" "$WORK/sweep.before"
train 2 "$WORK/sweep-cached-2" "${cached[@]}" "${sweep[@]}" || fail "$(cat "$WORK/sweep.log")"
grep -q 'nothing to do' "$WORK/sweep.log" || fail "a complete sweep was not recognised: $(cat "$WORK/sweep.log")"
cmp "$WORK/sweep-cached-2/sweep.json" "$WORK/sweep.before" || fail "a complete sweep was told otherwise"

# A network whose gradients are finite no more ends alone: decay multiplies its weights by -1e6 at every step.
fast=("${cached[@]}" --recipe.learning_rate 1e3 --train.most_skipped_steps 2)
train 2 "$WORK/sweep-diverged" "${fast[@]}" --sweep wd=1e-4,1e3 || fail "$(cat "$WORK/sweep.log")"
grep -q 'wd=1e3: step .* is not finite, in 3 steps in a row' "$WORK/sweep.log" || fail "no word of the network that diverged"
grep -q '^wd=1e3 .*diverged' "$WORK/sweep.log" || fail "the table does not tell that one diverged: $(cat "$WORK/sweep.log")"
[ "$(field "$WORK/sweep-diverged/wd=1e3/status.json" state)" = failed ] || fail "status.json does not tell that it failed"
rm -r "$WORK/sweep-diverged/wd=1e-4/checkpoints/step-00000012"  # killed before its end: the dead one does not come back
train 2 "$WORK/sweep-diverged" "${fast[@]}" --sweep wd=1e-4,1e3 || fail "$(cat "$WORK/sweep.log")"
grep -q 'wd=1e3: diverged, and is left out' "$WORK/sweep.log" || fail "it began again with the network that diverged"
! grep -q ' step [1-8]/12 ' "$WORK/sweep.log" || fail "steps were done again: $(cat "$WORK/sweep.log")"
train 2 "$WORK/alone" "${fast[@]}" --recipe.weight_decay 1e-4 || fail "$(cat "$WORK/sweep.log")"
[ "$(weights "$WORK/sweep-diverged/wd=1e-4")" = "$(weights "$WORK/alone")" ] || fail "beside one that diverged: other weights"
rm -r "$WORK/alone"
code=0
train 1 "$WORK/sweep-all" "${fast[@]}" --sweep wd=1e3,999 || code=$?
[ "$code" -eq 1 ] && grep -q 'no network of the sweep' "$WORK/sweep.log" || fail "all diverged: $code, $(cat "$WORK/sweep.log")"
[ "$(grep -c '^wd=.*diverged' "$WORK/sweep.log")" -eq 2 ] || fail "no table of networks that all diverged: $(cat "$WORK/sweep.log")"

# Killed between the checkpoints of two networks: one is ahead, and waits.
run=$WORK/sweep-cached-2
for point in lr=1e-3,wd=1e-4 lr=3e-3,wd=1e-1; do
  rm -r "$run/$point/checkpoints/step-00000012"
done
train 2 "$run" "${cached[@]}" "${sweep[@]}" || fail "$(cat "$WORK/sweep.log")"
grep -q 'resuming from .*step-00000008' "$WORK/sweep.log" || fail "it did not go on from step 8: $(cat "$WORK/sweep.log")"
expect_same "$run" cached-2

# Stopped at a step, and killed at another.
for signal in USR2 KILL; do
  run=$WORK/sweep-$signal
  ranks 2 train --run "$run" "${tiny[@]}" "${cached[@]}" "${sweep[@]}" "${long[@]}" >"$WORK/sweep.log" 2>&1 &
  job=$!
  wait_for "$job" has_step "$run/lr=3e-3,wd=1e-1" 5
  pkill -"$signal" -f "train --run $run" || fail "no process of the sweep"
  code=0
  wait "$job" 2>/dev/null || code=$?
  [ "$signal" = KILL ] || [ "$code" -eq 75 ] || fail "expected the exit code 75, found $code: $(cat "$WORK/sweep.log")"
  train 2 "$run" "${cached[@]}" "${sweep[@]}" "${long[@]}" || fail "$signal: $(cat "$WORK/sweep.log")"
done
for point in "$WORK"/sweep-USR2/lr=*; do
  [ "$(weights "$point")" = "$(weights "$WORK/sweep-KILL/${point##*/}")" ] || fail "${point##*/}: stopped and killed, other weights"
done
train 2 "$WORK/alone" "${cached[@]}" "${long[@]}" --recipe.learning_rate 1e-3 --recipe.weight_decay 1e-1 || fail "$(cat "$WORK/sweep.log")"
[ "$(weights "$WORK/alone")" = "$(weights "$WORK/sweep-KILL/lr=1e-3,wd=1e-1")" ] || fail "killed and resumed: other weights than alone"

code=0
train 1 "$WORK/sweep-bad" "${cached[@]}" --sweep batch=8,16 || code=$?
[ "$code" -eq 2 ] && grep -q "option 'sweep' names 'batch', expected one of lr" "$WORK/sweep.log" || fail "what may not be swept: $code, $(cat "$WORK/sweep.log")"
