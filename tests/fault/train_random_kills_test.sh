#!/usr/bin/env bash
# A training on two ranks, killed again and again at random times: one rank, mpirun, or all at once. The job is over in
# less than 10 seconds and says which rank was killed; the run that went on ends with the weights of the undisturbed one,
# to the bit. Where a rank that is past its start dies, the other says in which phase and step it was. Then one rank is
# killed in each phase.
set -euo pipefail
# shellcheck source=tests/fault/lib.sh
source "$(dirname "$0")/lib.sh"
prepare_kills 8
train() {  # train RUN
  exec mpirun -np 2 "$PERMAFROST" train --cache "$DEMO/cache" --run "$1" "${tiny[@]}" --threads 1 \
    --recipe.epochs 12 --train.checkpoint_every_steps 3 --train.evaluate_every_epochs 1 \
    --eval.batch 1
}
# mpirun gives the other rank this many seconds for its words; a busy machine may need more than the one that is usual.
export OMPI_MCA_odls_base_sigkill_timeout=3
start=$(date +%s%N)
(train "$WORK/undisturbed") >"$WORK/log" 2>&1 || fail "$(cat "$WORK/log")"
span_ms=$((($(date +%s%N) - start) / 1000000))
oracle=$(weights "$WORK/undisturbed")

named=0
finish() {  # finish WHAT: the run goes on to its end
  (train "$WORK/killed") >"$WORK/log" 2>&1 || fail "$1: started again: $(cat "$WORK/log")"
  [ "$(weights "$WORK/killed")" = "$oracle" ] || fail "$1: other weights in the end"
  rm -rf "$WORK/killed"
  ended=$((ended + 1))
}
while [ "$kills" -lt "$wanted" ]; do
  kill_at_random "$span_ms" train "$WORK/killed"
  [ $((kills % 4)) -ne 0 ] || finish "$what of $victim"
done
[ ! -e "$WORK/killed" ] || finish "after the last kill"

is_evaluating() {  # is_evaluating CHECKPOINTS: of an epoch's end, whose checkpoint is there before its evaluation
  local step
  for step in "$1"/step-*; do
    [[ "${step##*/step-}" =~ ^[0-9]+$ ]] && [ $((10#${step##*-} % 4)) -eq 0 ] &&
      [ ! -e "$step/evaluation.json" ] && [ -e "$step" ] && return
  done
  return 1
}
phase_is() {  # phase_is PHASE: what of the run's files tells that it is in it
  local checkpoints=$WORK/killed/checkpoints
  case $1 in
    start) [ -e "$WORK/killed/.lock" ] && [ ! -e "$WORK/killed/metrics.jsonl" ] ;;
    step) grep -q '"loss"' "$WORK/killed/metrics.jsonl" ;;
    checkpoint) compgen -G "$checkpoints/step-*.partial-*" >/dev/null ;;
    evaluation) is_evaluating "$checkpoints" ;;
    shutdown) [ -e "$checkpoints/step-00000048" ] ;;
  esac 2>/dev/null
}
for moment in "start 0" "start 1" "step 0" "step 1" "checkpoint 1" "evaluation 0" "evaluation 1" "shutdown 1"; do
  read -r phase rank <<<"$moment"
  what="rank $rank killed in $phase"
  (train "$WORK/killed") >"$WORK/log" 2>&1 &
  job=$!
  until phase_is "$phase"; do kill -0 "$job" 2>/dev/null || fail "$what: it ended before"; done
  signal_rank "$job" "$rank" KILL || true
  expect_end "$what" "$job" "${ranks[@]}"
  code=0
  wait "$job" 2>/dev/null || code=$?
  if [ "$code" -ne 0 ]; then
    kills=$((kills + 1))
    grep -q "rank $rank " "$WORK/log" || fail "$what: it is not named: $(cat "$WORK/log")"
    if grep -qE "rank $rank on .*, pid [0-9]+: silent for .*, last in [a-z ]+ of step [0-9]+" "$WORK/log"; then
      named=$((named + 1))
    elif [ "$phase" = step ] || [ "$phase" = evaluation ]; then
      fail "$what: it is not named with its phase: $(cat "$WORK/log")"
    fi
  fi
  finish "$what"
done
echo "$kills kills, $ended runs ended, each with the same bits; in $named of those in a phase it and the step were named"
