#!/usr/bin/env bash
# A training on two ranks, killed again and again at random times: one rank, mpirun, or all at once. The job is over in
# less than 10 seconds and says which rank was killed; the run that went on ends with the weights of the undisturbed one,
# to the bit. Where a rank that is past its start dies, the others say in which phase and step it was.
set -euo pipefail
# shellcheck source=tests/fault/lib.sh
source "$(dirname "$0")/lib.sh"
prepare_kills 8
train() {  # train RUN
  exec mpirun -np 2 "$PERMAFROST" train --cache "$DEMO/cache" --run "$1" "${tiny[@]}" --threads 1 \
    --recipe.epochs 30 --train.checkpoint_every_steps 3
}
start=$(date +%s%N)
(train "$WORK/undisturbed") >"$WORK/log" 2>&1 || fail "$(cat "$WORK/log")"
span_ms=$((($(date +%s%N) - start) / 1000000))
oracle=$(weights "$WORK/undisturbed")

in_a_step=0 named=0
finish() {  # finish WHAT: the run goes on to its end
  (train "$WORK/killed") >"$WORK/log" 2>&1 || fail "$1: started again: $(cat "$WORK/log")"
  [ "$(weights "$WORK/killed")" = "$oracle" ] || fail "$1: other weights in the end"
  rm -rf "$WORK/killed"
  ended=$((ended + 1))
}
while [ "$kills" -lt "$wanted" ]; do
  kill_at_random "$span_ms" train "$WORK/killed"
  if [ "$victim" = rank ] && [ "$code" -ne 0 ] && grep -q 'step [0-9]*/' "$WORK/log.before"; then
    in_a_step=$((in_a_step + 1))
    if grep -qE "rank $rank on .*, pid [0-9]+: silent for .*, last in [a-z ]+ of step [0-9]+" "$WORK/log"; then
      named=$((named + 1))
    fi
  fi
  [ $((kills % 4)) -ne 0 ] || finish "$what of $victim"
done
[ ! -e "$WORK/killed" ] || finish "after the last kill"
# mpirun gives the others a second to say so, which a busy machine may need for something else.
[ "$named" -gt 0 ] || [ "$in_a_step" -eq 0 ] || fail "of $in_a_step ranks killed in a step none was named with its phase: $(cat "$WORK/log")"
echo "$kills kills, $ended runs ended, each with the same bits; phase and step named in $named of $in_a_step"
