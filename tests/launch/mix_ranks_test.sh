#!/usr/bin/env bash
# Mixed batches are the same on 1 and 2 ranks and in micro-batches: the losses agree up to the order of sums. A setting
# in which a rank or a micro-batch cuts a group is refused, with what would fit.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
rm -rf "$WORK"/run-mix-*
train() {  # train RANKS RUN OPTION...
  local count=$1 run=$2
  shift 2
  ranks "$count" train --cache "$WORK/cache" --run "$WORK/$run" "${tiny[@]}" --recipe.epochs 2 --train.log_every_steps 1 "$@"
}
losses() { grep -oE '"loss": *[0-9.e+-]+' "$WORK/$1/metrics.jsonl" | sed 's/.*: *//'; }
same() {  # same RUN RUN: every loss to 2e-5, as only the order of sums differs
  [ "$(losses "$1" | wc -l)" -ge 4 ] || fail "$1 has no losses"
  paste <(losses "$1") <(losses "$2") | awk '{ d = $1 - $2; if (d < 0) d = -d; if (NF != 2 || d > 2e-5 * $1) { print; bad = 1 } }
    END { exit bad }' || fail "$1 and $2 have other losses"
}
train 1 run-mix-one
train 2 run-mix-two
train 1 run-mix-micro --train.micro_batch 2
same run-mix-one run-mix-two
same run-mix-one run-mix-micro
train 1 run-mix-off --recipe.mix_group 0
[ "$(losses run-mix-off)" != "$(losses run-mix-one)" ] || fail "mixing changed nothing"
grep -q '"mix_group"' "$(readlink -f "$WORK/run-mix-one/checkpoints/latest")/state.json" || fail "the checkpoint does not say how clips were mixed"

# Stopped and gone on with on other ranks: the same batches in the same order, so the losses stay beside each other (at a
# learning rate at which the order of sums, which does differ, is not blown up).
calm=(--train.log_every_steps 1 --recipe.learning_rate 2e-4)
ranks 1 train --cache "$WORK/cache" --run "$WORK/run-mix-still" "${tiny[@]}" "${long[@]}" "${calm[@]}"
at=0
for count in 1 2 4; do
  at=$((at + 20))
  ranks "$count" train --cache "$WORK/cache" --run "$WORK/run-mix-moved" "${tiny[@]}" "${long[@]}" "${calm[@]}" >"$WORK/mix.log" 2>&1 &
  job=$!
  wait_for "$job" has_step "$WORK/run-mix-moved" "$at"
  pkill -USR2 -f "train .*--run $WORK/run-mix-moved" || fail "no process of the run"
  code=0
  wait "$job" 2>/dev/null || code=$?
  [ "$code" -eq 75 ] || [ "$code" -eq 140 ] || fail "expected the exit code 75, found $code: $(cat "$WORK/mix.log")"
  [ "$(field "$WORK/run-mix-moved/status.json" state)" = stopped ] || fail "not stopped on $count ranks"
done
ranks 1 train --cache "$WORK/cache" --run "$WORK/run-mix-moved" "${tiny[@]}" "${long[@]}" "${calm[@]}"
[ "$(grep -c '"event":"resumed"' "$WORK/run-mix-moved/metrics.jsonl")" -eq 3 ] || fail "expected three resumes"
[ "$(grep -oE '"ranks": *[0-9]+' "$WORK/run-mix-moved/metrics.jsonl" | uniq | tr -dc '0-9\n' | tr '\n' ' ')" = "1 2 4 1 " ] ||
  fail "expected 1, 2, 4 and 1 ranks"
[ "$(losses run-mix-moved | wc -l)" -eq "$(losses run-mix-still | wc -l)" ] || fail "moved: another number of steps"
paste <(losses run-mix-still) <(losses run-mix-moved) | awk '{ d = ($1 - $2) / $1; if (d < 0) d = -d; if (d > most) most = d }
  END { print "1, 2, 4, 1 ranks: the losses differ by at most", most; exit most > 1e-5 }' || fail "moved: other losses"

refused() {  # refused TEXT RANKS OPTION...
  local text=$1 count=$2 code=0
  shift 2
  train "$count" run-mix-refused "$@" 2>"$WORK/mix.log" || code=$?
  [ "$code" -ne 0 ] || fail "accepted: $*"
  grep -q "$text" "$WORK/mix.log" || fail "expected '$text', found: $(cat "$WORK/mix.log")"
}
refused 'recipe.batch 8 over 2 ranks cuts a group: set recipe.mix_group to one of 0 (no mixing), 2, 4' 2 --recipe.mix_group 8
refused 'train.micro_batch 3 cuts a group' 1 --train.micro_batch 3
if train 1 run-mix-one --recipe.mix_group 4 2>"$WORK/mix.log"; then fail "resumed with other groups"; fi
grep -q 'mix_group is 2 there, 4 here' "$WORK/mix.log" || fail "the differing group is not named: $(cat "$WORK/mix.log")"
